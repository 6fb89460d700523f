/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/job.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/reader.h"
#include "util/wipe.h"

#define JOB_VERSION 1

void job_name(struct job *job, int64_t time)
{
	unsigned char id[8];

	random_bytes(id, sizeof(id));
	key_start(&job->key, 'j');
	key_add_u64(&job->key, (uint64_t)time);
	key_add(&job->key, id, sizeof(id));
}

int job_put(struct store_batch *batch, const struct job *job)
{
	struct buf value = BUF_INIT;
	int ret;

	buf_add_u8(&value, JOB_VERSION);
	buf_add_u8(&value, (uint8_t)job->kind);
	buf_add_u8(&value, job->force);
	buf_add_u64(&value, (uint64_t)job->since_ns);
	buf_add_string(&value, job->mount, sizeof(job->mount));
	buf_add_string(&value, job->prefix, strlen(job->prefix));
	buf_add_string(&value, job->error, strlen(job->error));
	ret = buf_error(&value);
	if (!ret)
		store_batch_put(batch, job->revision ? STORE_REVISION : STORE_ABSENT, job->revision,
				key_bytes(&job->key), (struct bytes){ value.data, value.size });
	buf_free(&value);
	return ret;
}

static int take_text(struct reader *reader, char *out, size_t size)
{
	size_t length;
	const void *text = reader_string(reader, &length);

	if (length >= size)
		return LH_ECORRUPT;
	memcpy(out, text, length);
	out[length] = '\0';
	return 0;
}

static int read_job(const void *data, size_t size, struct job *job)
{
	struct reader reader;
	uint8_t kind;

	reader_init(&reader, data, size);
	if (reader_u8(&reader) != JOB_VERSION)
		return LH_EVERSION;
	kind = reader_u8(&reader);
	if (kind > JOB_FORGET)
		return LH_ECORRUPT;
	job->kind = (enum job_kind)kind;
	job->force = reader_u8(&reader) != 0;
	job->since_ns = (int64_t)reader_u64(&reader);
	reader_fixed(&reader, job->mount, sizeof(job->mount));
	if (take_text(&reader, job->prefix, sizeof(job->prefix)) ||
	    take_text(&reader, job->error, sizeof(job->error)))
		return LH_ECORRUPT;
	return reader_end(&reader);
}

int job_get(struct store *store, const struct key *key, struct job *job_out)
{
	struct buf value = BUF_INIT;
	int ret;

	memset(job_out, 0, sizeof(*job_out));
	job_out->key = *key;
	ret = store_get(store, key_bytes(key), &value, &job_out->revision);
	if (!ret)
		ret = read_job(value.data, value.size, job_out);
	buf_free(&value);
	return ret;
}

struct job_page {
	struct job *out;
	size_t count;
};

static int take_job(void *context, const struct store_record *record)
{
	struct job_page *page = context;
	struct job *job = &page->out[page->count];

	memset(job, 0, sizeof(*job));
	key_start(&job->key, 'j');
	key_add(&job->key, (const char *)record->key.data + 1, record->key.size - 1);
	job->revision = record->revision;
	page->count++;
	return read_job(record->value.data, record->value.size, job);
}

int job_scan(struct store *store, int64_t now, const struct key *after, struct job *out, size_t max,
	     size_t *count_out)
{
	struct job_page page = { out, 0 };
	struct key from, end;
	int ret;

	*count_out = 0;
	key_start(&from, 'j');
	end = from;
	key_add_u64(&end, (uint64_t)now + 1);
	ret = store_scan(store, STORE_SCAN_VALUES, key_bytes(&from), key_bytes(&end),
			 after ? key_bytes(after) : NO_BYTES, max, take_job, &page);
	if (!ret)
		*count_out = page.count;
	return ret;
}

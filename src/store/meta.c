/* SPDX-License-Identifier: Apache-2.0 */
/* The record: format (4 bytes), then id, marks of machine and board, the file's inode and birth,
 * the wrapped keyring. A later format keeps the first four bytes. */
#include "store/meta.h"

#include <string.h>

#include "store/store_priv.h"
#include "util/err.h"
#include "util/reader.h"

static const unsigned char key_data[] = { 'm' };

struct bytes meta_key(void)
{
	return (struct bytes){ key_data, sizeof(key_data) };
}

bool meta_is_key(struct bytes key)
{
	return driver_compare(key, meta_key()) == 0;
}

void meta_free(struct meta *meta)
{
	buf_free(&meta->keyring);
	*meta = (struct meta){ 0 };
}

int meta_encode(const struct meta *meta, struct buf *out)
{
	buf_add_u32(out, META_FORMAT);
	buf_add_string(out, meta->id, META_ID_SIZE - 1);
	buf_add_string(out, meta->machine.id, MACHINE_MARK_SIZE);
	buf_add_string(out, meta->machine.board.mark, MACHINE_MARK_SIZE);
	buf_add_u64(out, meta->machine.file.inode);
	buf_add_u64(out, meta->machine.file.born_ns);
	buf_add_string(out, meta->keyring.data, meta->keyring.size);
	return buf_error(out);
}

static int decode(const struct buf *record, struct meta *meta)
{
	struct reader reader;
	const void *keyring;
	size_t size;

	reader_init(&reader, record->data, record->size);
	meta->format = reader_u32(&reader);
	if (!reader.failed && meta->format != META_FORMAT)
		return LH_EVERSION;
	reader_fixed(&reader, meta->id, META_ID_SIZE - 1);
	reader_fixed(&reader, meta->machine.id, MACHINE_MARK_SIZE);
	reader_fixed(&reader, meta->machine.board.mark, MACHINE_MARK_SIZE);
	meta->machine.file.inode = reader_u64(&reader);
	meta->machine.file.born_ns = reader_u64(&reader);
	keyring = reader_string(&reader, &size);
	buf_add(&meta->keyring, keyring, size);
	return reader_end(&reader) ? LH_ECORRUPT : buf_error(&meta->keyring);
}

int meta_read(const struct store_driver *driver, void *handle, struct meta *meta_out)
{
	struct buf record = BUF_INIT;
	int ret;

	*meta_out = (struct meta){ 0 };
	ret = driver->get(handle, meta_key(), &record, &meta_out->revision);
	if (!ret)
		ret = decode(&record, meta_out);
	buf_free(&record);
	return ret;
}

int meta_write(const struct store_driver *driver, void *handle, struct meta *meta)
{
	struct buf record = BUF_INIT;
	struct driver_op op = { .kind = STORE_PUT, .condition = STORE_REVISION };
	size_t failed;
	int ret;

	ret = meta_encode(meta, &record);
	if (ret)
		goto cleanup;
	op.expected = meta->revision;
	op.key = meta_key();
	op.value = (struct bytes){ record.data, record.size };
	op.revision = new_revision();
	ret = driver->apply(handle, &op, 1, &failed);
	if (!ret)
		meta->revision = op.revision;
cleanup:
	buf_free(&record);
	return ret;
}

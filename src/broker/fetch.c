/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fetch.h"

#include <string.h>

#include "broker/failure.h"
#include "broker/talk.h"
#include "util/clock.h"

#define FAILURE_KEPT 5000 /* ms for which a failure is told without asking again */

static void digest(const char *secret, unsigned char out[SHA256_SIZE])
{
	if (sha256(secret, strlen(secret), out))
		memset(out, 0, SHA256_SIZE);
}

void fetch_begin(struct fetch *fetch, const char *secret)
{
	digest(secret, fetch->secret);
}

void fetch_fail(struct fetch *fetch, const struct engine *engine, const char *key_id,
		const struct talk_end *end)
{
	const struct answer *culprit = end->step->culprit;

	fetch->failed = true;
	fetch->none = !culprit;
	fetch->failed_at = clock_boot_ms();
	memset(&fetch->answer, 0, sizeof(fetch->answer));
	if (culprit) {
		fetch->answer = *culprit;
		fetch->answer.body = NULL;
		failure_text(fetch->why.text, sizeof(fetch->why.text), engine, culprit, key_id);
	} else {
		err_text(fetch->why.text, sizeof(fetch->why.text), "%s: %s", engine->type,
			 end->step->reason);
	}
}

void fetch_forgive(struct fetch *fetch, const char *secret)
{
	unsigned char now[SHA256_SIZE];

	if (!fetch->failed)
		return;
	digest(secret, now);
	fetch->failed = !memcmp(fetch->secret, now, sizeof(now));
}

bool fetch_failed(struct fetch *fetch, struct answer *answer_out, struct err *err)
{
	if (fetch->failed && clock_boot_ms() - fetch->failed_at >= FAILURE_KEPT)
		fetch->failed = false;
	if (!fetch->failed)
		return false;
	*answer_out = fetch->answer;
	if (err)
		*err = fetch->why;
	return true;
}

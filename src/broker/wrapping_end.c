/* SPDX-License-Identifier: Apache-2.0 */
/* The end of wrapped responses, as the revoker sees to it. */
#include <string.h>

#include "broker/broker_priv.h"
#include "broker/dates.h"
#include "broker/wrapping.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

#define ENDED_PAGE 64 /* wrappers that are forgotten in one turn of the revoker */

/* One that is dead has its end already; whoever was given its id since then keeps theirs. */
static int add_token_end(struct broker *broker, struct store_batch *batch,
			 const struct wrapper *wrapper)
{
	struct caller token;
	int ret = token_find_name(broker->options.store, wrapper->token, &token);

	if (!ret && !strcmp(token.accessor, wrapper->accessor))
		token_revoke_add(batch, wrapper->token, TOKEN_REVOKE_TREE);
	caller_clear(&token);
	return ret == LH_ENOENT ? 0 : ret;
}

/* What waits in it ends in the commit that takes the wrapper away as nobody has opened it: somebody may
 * have looked at the clock before the end and commit only now. */
static int end_wrapper(struct broker *broker, const struct wrapper *wrapper)
{
	struct store_batch batch = { 0 };
	struct lease_key key;
	int ret = 0;

	memcpy(key.name, wrapper->lease, sizeof(key.name));
	if (!wrapper->opened_ns && wrapper->has_lease)
		ret = add_marking(broker, &batch, &key, false);
	if (!ret && !wrapper->opened_ns && wrapper->has_token)
		ret = add_token_end(broker, &batch, wrapper);
	if (!ret)
		ret = wrapper_change(&batch, wrapper, NULL);
	if (!ret)
		ret = wrapper_close_gate(broker->options.store, &batch, wrapper->maker);
	if (!ret)
		ret = store_apply(broker->options.store, STORE_REVOKE, &batch, NULL);
	store_batch_free(&batch);
	return ret;
}

static int end_one(struct broker *broker, const unsigned char name[KEYRING_NAME_SIZE])
{
	struct wrapper *wrapper;
	int ret;

	slot_beat(broker->options.slot);
	ret = wrapper_get(broker->options.store, name, &wrapper);
	if (ret)
		return ret;
	ret = end_wrapper(broker, wrapper);
	wrapper_free(wrapper);
	return ret;
}

/* A failure is tried again in every turn, but not told in every one. */
static void warn(struct broker *broker, int ret)
{
	static const unsigned char what[16] = "wrappers end";

	if (shared_tell(broker->options.shared, what, clock_boot_ms()))
		log_warn("revoker: wrapped responses that have ended cannot be forgotten yet: %s",
			 err_name(ret));
}

bool wrappers_end(struct broker *broker)
{
	unsigned char names[ENDED_PAGE][KEYRING_NAME_SIZE];
	size_t count;
	int ret;

	if (dates_disagree(broker->options.shared))
		return false; /* what ends by a clock that is wrong takes its lease along */
	ret = wrapper_scan_ended(broker->options.store, clock_now(), names, ENDED_PAGE, &count);
	for (size_t i = 0; i < count; i++) {
		int failed = end_one(broker, names[i]);

		ret = ret ? ret : failed;
	}
	if (ret && ret != LH_ECONFLICT)
		warn(broker, ret);
	return !ret && count == ENDED_PAGE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a lease, or an unwrapped token, whose reply is on its way. */
#include "broker/broker_priv.h"
#include "util/err.h"
#include "util/log.h"
#include "util/shared.h"

/* ---- A lease ---- */

/* tx 3. If the process dies before it, the slot says that the reply was flushed, and the revoker
 * confirms the lease. If the whole server dies, the lease is revoked: the safe side. */
static void lease_delivered(struct broker *broker)
{
	struct in_hand *in_hand = &broker->in_hand;
	int ret;

	if (!in_hand->lasting)
		return;
	broker_sent(broker);
	ret = confirm_lease(broker, &in_hand->lease);
	if (ret)
		log_error("issue: a delivered lease cannot be confirmed (%s); it will be revoked",
			  err_name(ret));
	slot_phase_set(broker->options.slot, SLOT_FREE);
}

static void lease_undelivered(struct broker *broker)
{
	int ret = mark_revoking(broker, &broker->in_hand.lease, 0, false);

	if (ret)
		log_warn("issue: an undelivered lease cannot be given back now (%s); it is taken "
			 "back after its deadline",
			 err_name(ret));
	else
		log_info("issue: the client left before its credential was sent; it is revoked");
	slot_phase_set(broker->options.slot, SLOT_FREE);
	shared_wake_revoker(broker->options.shared);
}

/* ---- A token: the same, with its due time as what remains of a crash ---- */

static void token_delivered(struct broker *broker)
{
	int ret;

	broker_sent(broker);
	ret = token_release(broker->options.store, broker->in_hand.token);
	if (ret)
		log_error("wrapping: an unwrapped token cannot be confirmed (%s); it will be "
			  "revoked",
			  err_name(ret));
	slot_phase_set(broker->options.slot, SLOT_FREE);
}

static void token_undelivered(struct broker *broker)
{
	int ret = broker_end_token(broker, broker->in_hand.token, TOKEN_REVOKE_TREE);

	if (ret)
		log_warn("wrapping: an unwrapped token that nobody received cannot be revoked now "
			 "(%s); it is revoked after its deadline",
			 err_name(ret));
	else
		log_info("wrapping: the client left before its token was sent; it is revoked");
	slot_phase_set(broker->options.slot, SLOT_FREE);
}

/* ---- Both ---- */

void broker_sent(struct broker *broker)
{
	const struct in_hand *in_hand = &broker->in_hand;

	if (!in_hand->held)
		return;
	if (in_hand->is_token)
		slot_phase_set(broker->options.slot, SLOT_TOKEN_DELIVERED);
	else if (in_hand->lasting)
		slot_phase_set(broker->options.slot, SLOT_DELIVERED);
}

void broker_delivered(struct broker *broker, bool flushed)
{
	struct in_hand *in_hand = &broker->in_hand;

	if (!in_hand->held)
		return;
	if (in_hand->is_token && flushed)
		token_delivered(broker);
	else if (in_hand->is_token)
		token_undelivered(broker);
	else if (flushed)
		lease_delivered(broker);
	else
		lease_undelivered(broker);
	in_hand->held = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as a worker changes them: in one commit, and the revoker does the rest. */
#include "auth/token.h"

#include "broker/broker_priv.h"
#include "util/err.h"
#include "util/shared.h"

/* LH_EPERM: it is dead by now. */
static int look_up_again(struct broker *broker, struct caller *caller)
{
	struct caller fresh;
	int ret = token_find_name(broker->options.store, caller->token, &fresh);

	if (ret)
		return ret == LH_ENOENT ? LH_EPERM : ret;
	caller_clear(caller);
	*caller = fresh;
	return 0;
}

int broker_use_token(struct broker *broker, struct caller *caller, int64_t deadline)
{
	unsigned tries = 0;
	int ret;

	for (;;) {
		ret = token_use(broker->options.store, caller, orphan_time(deadline));
		if (!broker_again(broker, ret, deadline, &tries))
			return ret;
		ret = look_up_again(broker, caller);
		if (ret)
			return ret;
	}
}

int broker_end_token(struct broker *broker, const unsigned char name[KEYRING_NAME_SIZE],
		     enum token_revocation revocation)
{
	int ret = token_revoke(broker->options.store, name, revocation);

	if (!ret)
		shared_wake_revoker(broker->options.shared);
	return ret;
}

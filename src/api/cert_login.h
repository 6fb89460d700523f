/* SPDX-License-Identifier: Apache-2.0 */
/* What auth/token/renew must know of tokens that auth/cert gave. */
#ifndef API_CERT_LOGIN_H
#define API_CERT_LOGIN_H

#include <stdbool.h>

struct caller;
struct context;
struct err;
struct ttl_terms;

/* Whether the token comes from a login with a certificate. */
bool cert_login_made(const struct caller *token);

/* Whether the request comes with a certificate for the same key, which the token's entry still lets
 * in. LH_EPERM: no; the log has the reason. 0, LH_EIO, LH_ENOMEM. */
int cert_login_renews(struct context *context, const struct caller *token);

/* How long the entry lets its tokens live now. 0; LH_EINVAL with a sentence: it has other policies by
 * now, or is gone; LH_EIO, LH_ENOMEM. */
int cert_login_limits(struct context *context, const struct caller *token, struct ttl_terms *terms,
		      struct err *err);

#endif

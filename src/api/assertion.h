/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the web server vouches for, and whether it is believed.
 *
 * Anybody who runs beside the web server can speak FastCGI, and a rewrite can lead a request past the
 * rule that was meant for it. So an assertion counts only on a listener that believes them (whose
 * peers are known by their user), with the secret that only the web server's configuration holds, for
 * the path that the client itself asked for, and with the header X-Vault-Request, which no web page
 * can make a browser send. */
#ifndef API_ASSERTION_H
#define API_ASSERTION_H

#include <stdbool.h>

#include "auth/identity.h"

struct api_request;
struct caller;
struct context;

/* Whether there is one, believed or not. */
bool assertion_is_made(const struct api_request *raw);

/* Why nothing that a parameter says of the client is to be believed: they may not be the web server's.
 * NULL: they are. secret: of keyring_web_secret. Literal. */
const char *assertion_peer_fault(const struct api_request *raw, const char *secret);

/* The identity that is asserted, as a caller; release with caller_clear. LH_EPERM: there is none that
 * could be believed or that an entry serves; the log has the reason, the client is to be told
 * nothing. Other errors are faults. */
int assertion_caller(struct context *context, struct caller *caller_out);

/* The same for a request that has no token and needs a caller: LH_EPERM, or LH_ERANGE when its entry's
 * rate is exceeded, with the refusal in the outcome. */
int assertion_serve(struct context *context, struct caller *caller_out);

/* Holds the token of a login to the rate that its identity has now, which counts all that it asks, with
 * token or without; no-op for other tokens. LH_ERANGE: the refusal is in the outcome; else a fault. */
int assertion_check_rate(struct context *context, const struct caller *caller);

/* From now on log lines of this request show whose it is; no-op for callers without identity. */
void assertion_show(struct context *context, const struct caller *caller);

/* Counts that the identity which is asserted was served, by its method: names are for the log alone. */
void assertion_count(const struct context *context);

#endif

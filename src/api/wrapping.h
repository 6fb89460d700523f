/* SPDX-License-Identifier: Apache-2.0 */
/* Response wrapping, as far as it is part of every request. */
#ifndef API_WRAPPING_H
#define API_WRAPPING_H

#include <stdbool.h>

struct caller;
struct context;

/* Whether the answer of the route that was found is to be wrapped. */
bool wrapping_is_wanted(const struct context *context);

/* Whether the caller may have one more answer wrapped. LH_EINVAL: the refusal is in the outcome. */
int wrapping_check_room(struct context *context);

/* Puts the answer in the outcome into a wrapper and says that instead; what is no answer stays. What
 * cannot be wrapped is given back: then the outcome is an error, or a fault is returned. */
int wrapping_finish(struct context *context);

/* Finds the wrapping token that a request is about, in its body or as its own, and whether it can be
 * used. LH_EINVAL: the refusal is in the outcome. */
int wrapping_find(struct context *context);

/* Whether the caller is the wrapping token that the request opens: the one use of such a token, which
 * ends with the commit that does so. */
bool wrapping_is_opening(const struct context *context, const struct caller *caller);

/* cubbyhole/response of a wrapping token: the old way to unwrap. */
int wrapping_response(struct context *context);

/* To be told of a token that is not valid: the log should know of one that comes the old way and has
 * opened its wrapper before. */
void wrapping_tell_refused(struct context *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The stored policies, and what this process has made of them: one lives in each process that
 * answers requests. */
#ifndef AUTH_POLICIES_H
#define AUTH_POLICIES_H

struct policies;
struct store;

/* store: borrowed, outlives it. 0 or LH_ENOMEM. */
int policies_new(struct store *store, struct policies **policies_out);
void policies_free(struct policies *policies);

#endif

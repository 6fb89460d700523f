/* SPDX-License-Identifier: Apache-2.0 */
/* The stored policies, and what this process has made of them: one lives in each process that
 * answers requests.
 *
 * A change raises the generation (store/key.h) in its own commit. Whoever asks reads the generation
 * first: what was built under another one is built again, so a change is seen by the next request of
 * every process, and no policy is parsed as long as nothing changes.
 *
 * Three policies are there without a record: "root", which is no text but every right; "default",
 * until it is overwritten; "response-wrapping", for the tokens that wrap replies. */
#ifndef AUTH_POLICIES_H
#define AUTH_POLICIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/driver.h"

struct acl;
struct buf;
struct err;
struct policies;
struct store;

#define POLICY_NAME_MAX 128

/* Printable ASCII of 1 to POLICY_NAME_MAX bytes; a `/` may be among them. */
bool policy_name_is_valid(const char *name);

/* store: borrowed, outlives it. 0 or LH_ENOMEM. */
int policies_new(struct store *store, struct policies **policies_out);
void policies_free(struct policies *policies);

/* The rules of a list of names; a name without policy grants nothing. names: an array of texts that
 * is kept, so nobody may change it any more. Borrowed until the next call.
 * 0, LH_ENOMEM, LH_EIO, LH_ECORRUPT: a stored policy cannot be read, so nothing may be granted. */
int policies_acl(struct policies *policies, json_t *names, const struct acl **acl_out);

/* Appends the text of a policy; "" for root. 0, LH_ENOENT, LH_EIO, LH_ENOMEM. */
int policies_get(struct policies *policies, const char *name, struct buf *text);

/* Checks and stores a text. *unkept_out: a key in it that demands what nobody does here (literal), or
 * NULL. 0, or with a sentence in err: LH_EINVAL (the client's mistake), LH_EFULL, LH_EIO,
 * LH_ENOMEM. */
int policies_put(struct policies *policies, const char *name, struct bytes text,
		 const char **unkept_out, struct err *err);

/* 0, also when there is none. LH_EINVAL: it cannot be deleted. */
int policies_delete(struct policies *policies, const char *name, struct err *err);

/* Names in order, behind `after` ("": all), at most max; "root" comes last, "response-wrapping" is
 * not told. add returns 0 to go on. */
typedef int (*policy_name_visit)(void *context, const char *name);
int policies_list(struct policies *policies, const char *after, size_t max, policy_name_visit add,
		  void *context);

#endif

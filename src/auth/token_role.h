/* SPDX-License-Identifier: Apache-2.0 */
/* Token roles: what tokens may be made by way of a name.
 *
 * A role is a JSON object under its name (store/key.h, family R), complete with every member that
 * token_role_new gives: the API reads and changes it member by member. */
#ifndef AUTH_TOKEN_ROLE_H
#define AUTH_TOKEN_ROLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* A role as one is that nobody has said anything about. New; NULL if memory is out. */
json_t *token_role_new(void);

/* *role_out is new. 0, LH_ENOENT, LH_ECORRUPT, LH_EIO, LH_ENOMEM. revision_out may be NULL. */
int token_role_get(struct store *store, const char *name, json_t **role_out,
		   uint64_t *revision_out);

/* revision: the one it was read with, 0: it must not exist. 0, LH_ECONFLICT, LH_ERANGE (the name is
 * too long), LH_EFULL, LH_EIO, LH_ENOMEM. */
int token_role_put(struct store *store, const char *name, const json_t *role, uint64_t revision);

/* 0 also when there is none. */
int token_role_delete(struct store *store, const char *name);

/* Names in order, behind `after` ("": all), at most max. A non-zero return of add ends it and is
 * returned. */
typedef int (*token_role_visit)(void *context, const char *name);
int token_role_list(struct store *store, const char *after, size_t max, token_role_visit add,
		    void *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that are there without anybody having written them. */
#ifndef AUTH_BUILTIN_H
#define AUTH_BUILTIN_H

#include <stdbool.h>

#define BUILTIN_DEFAULT "default"
#define BUILTIN_ROOT    "root"

struct builtin_policy {
	const char *name;
	bool changeable; /* a record of its name takes its place */
	const char *text;
};

/* NULL if there is none. */
const struct builtin_policy *builtin_policy_find(const char *name);

#endif

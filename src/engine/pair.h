/* SPDX-License-Identifier: Apache-2.0 */
/* The stored root credentials: an id and its secret. */
#ifndef ENGINE_PAIR_H
#define ENGINE_PAIR_H

#include <jansson.h>

struct err;

enum pair_rule {
	PAIR_WHOLE,  /* both are sent each time: half an old pair with half a new one is no key */
	PAIR_MERGED, /* what is not sent stays as it was, perhaps empty */
};

struct pair {
	const char *id, *secret; /* the names of the fields */
	enum pair_rule rule;
};

/* What struct engine says about check_config and show_config. */
int pair_check(const struct pair *pair, const json_t *stored, const json_t *input,
	       json_t **config_out, struct err *err);
json_t *pair_show(const struct pair *pair, const json_t *config);

#endif

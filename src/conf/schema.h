/* SPDX-License-Identifier: Apache-2.0 */
/* A table of keys describes a block: what each key is called, what it takes, what it is when it is
 * not given, and which member of which struct it fills. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* The member that a key fills: */
enum conf_type {
	CONF_TEXT,         /* char * */
	CONF_TEXT_OR_NULL, /* char *, NULL for "" */
	CONF_TEXTS,        /* char **, NULL-terminated, NULL for [] */
	CONF_NUMBER,       /* unsigned */
	CONF_BOOLEAN,      /* bool */
	CONF_CHOICE,       /* an enum: the place of the text in choices */
	CONF_MODE,         /* mode_t: octal digits in a text */
	CONF_SIZE,         /* uint64_t bytes: "64GiB" */
	CONF_SECONDS,      /* int64_t: a duration */
	CONF_MILLISECONDS, /* int64_t: a duration */
	CONF_QUOTAS,       /* json_t *: calls a second by action, "*" for all that are not named */
	CONF_SWEEPS, /* struct conf_engine's sweep_after and sweep_count: a list of durations */
};

struct conf_key {
	const char *name; /* NULL ends the table */
	enum conf_type type;
	size_t offset;
	int64_t min, max;           /* of numbers and sizes, and in seconds of durations */
	const char *const *choices; /* CONF_CHOICE: NULL-terminated */
	/* Optional. The default, as JSON; without it the member stays zero. */
	const char *value;
	/* Optional. Looks at a text before it is taken. Returns 0 or LH_EINVAL with what it must be
	 * in err. */
	int (*check)(const struct conf_key *key, const char *text, struct err *err);
	/* Optional. For check: the host that may be reached without TLS. */
	const char *plain_host;
};

/* Sets every member that a key with a default names. out is the zeroed struct. 0 or LH_ENOMEM. */
int conf_fill_defaults(const struct conf_key *keys, void *out, struct err *err);

/* Sets what the items of a block (see hcl/hcl.h) give. Unknown keys, keys given twice, wrong types
 * and bad values are errors; *line_out is the line then.
 * 0, LH_ENOMEM, or LH_EINVAL with "key: what" in err. */
int conf_fill(const struct conf_key *keys, const json_t *items, void *out, unsigned *line_out,
	      struct err *err);

/* One value into its member; what the member held before is released. As above. */
int conf_set(const struct conf_key *key, const json_t *value, void *out, struct err *err);

/* Releases the texts that a table's keys own in out. */
void conf_release(const struct conf_key *keys, void *out);

/* The name in names (NULL-terminated) that was probably meant by word; NULL if none is close. */
const char *conf_nearest(const char *word, const char *const *names);

#endif

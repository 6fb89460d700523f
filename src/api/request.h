/* SPDX-License-Identifier: Apache-2.0 */
/* A request, checked and taken apart: operation, path, token, input. Knows no routes. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"

struct outcome;

/* Bits, so that a route can name several. */
enum operation {
	OPERATION_READ = 1,
	OPERATION_HEAD = 2,
	OPERATION_LIST = 4,
	OPERATION_WRITE = 8, /* POST and PUT are the same */
	OPERATION_DELETE = 16,
	OPERATION_PATCH = 32, /* known, but no route has it */
};

struct request {
	const struct api_request *raw; /* borrowed */
	enum operation operation;
	bool help;           /* ?help=1: the operation does not matter */
	char *path;          /* relative to /v1/; of a list it ends in a slash */
	const char *token;   /* borrowed; "" if there is none */
	int64_t wrap_ttl;    /* seconds; 0: the answer is not to be wrapped */
	json_t *query;       /* object: texts, arrays of texts */
	json_t *body;        /* object; {} unless the operation is a write */
	const json_t *input; /* borrowed: the one of them that fields are taken from */
};

/* Checks and reads. 0; LH_EINVAL with the reply in outcome; LH_ENOMEM. Release with request_clear
 * in any case. */
int request_read(const struct api_request *raw, struct request *request, struct outcome *outcome);

void request_clear(struct request *request);

/* What Go's ParseBool takes: 1 t T TRUE true True, 0 f F FALSE false False. 0 or LH_EINVAL. */
int request_bool(const char *text, bool *value_out);

#endif

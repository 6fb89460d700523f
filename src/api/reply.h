/* SPDX-License-Identifier: Apache-2.0 */
/* From what a handler has to say to the bytes that clients read. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "api/request.h"

enum outcome_kind {
	OUTCOME_NONE,   /* no response: 204, or 404 where something was to be read */
	OUTCOME_DATA,   /* the envelope; data may be NULL */
	OUTCOME_BARE,   /* data is the whole body */
	OUTCOME_TEXT,   /* text is the whole body, as it is */
	OUTCOME_ERRORS, /* {"errors":[…]} */
};

/* What a handler says. Zero-initialise, release with outcome_clear. Lost memory sticks in `failed`,
 * as in struct buf: say what you have to say, reply_write tells at the end. */
struct outcome {
	enum outcome_kind kind;
	int status; /* 0: by the rules */
	json_t *data;
	struct buf text;
	const char *type;  /* of text; a literal; NULL: JSON */
	json_t *wrap_info; /* of an answer that was wrapped; NULL: it was not */
	json_t *warnings;  /* array of texts, or NULL */
	json_t *errors;    /* array of texts */
	json_t *auth;      /* of an answer that gives a token; NULL: it does not */
	char *lease_id;    /* NULL: no lease; owned */
	bool renewable;
	int64_t lease_duration; /* seconds */
	int64_t retry_after;    /* seconds, 0: no such header */
	bool failed;
};

void outcome_clear(struct outcome *outcome);

/* These replace whatever was said before (warnings stay) and return 0, so that a handler can end
 * with `return outcome_…`. data is taken; NULL means that memory is out. */
int outcome_data(struct outcome *outcome, json_t *data);
int outcome_bare(struct outcome *outcome, int status, json_t *data);
int outcome_text(struct outcome *outcome, struct buf *text,
		 const char *type); /* takes what text holds; type: NULL for JSON */
int outcome_wrapped(struct outcome *outcome, json_t *wrap_info); /* taken; warnings go as well */
int outcome_status(struct outcome *outcome, int status);         /* no body */
int outcome_no_data(struct outcome *outcome, int status);        /* the envelope with data null */
int outcome_auth(struct outcome *outcome, json_t *auth);         /* the same with a token in it */

/* Two refusals as clients know them: of what the rules do not grant, and of what there is not. */
#define OUTCOME_DENIED  "1 error occurred:\n\t* permission denied\n\n"
#define OUTCOME_NO_PATH "1 error occurred:\n\t* unsupported path\n\n"

/* One error text. A NULL format: none, {"errors":[]}. */
int outcome_error(struct outcome *outcome, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void outcome_warn(struct outcome *outcome, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What the reply is made of besides the outcome. */
struct reply_terms {
	const char *request_id; /* 32 hex digits; anything else: drawn at random */
	enum operation operation;
	const char *mount_type; /* "" for open routes */
	bool inject;            /* repeat the members of data at the top */
};

/* Writes the reply, whose body is empty before. 0 or LH_ENOMEM. */
int reply_write(const struct outcome *outcome, const struct reply_terms *terms,
		struct api_reply *reply);

/* Adds a header; name is a literal, a value that is too long is cut. */
void reply_header(struct api_reply *reply, const char *name, const char *value);

#endif

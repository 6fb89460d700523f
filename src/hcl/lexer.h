/* SPDX-License-Identifier: Apache-2.0 */
/* Splits an HCL text into tokens for src/hcl/hcl.c. The text must be valid UTF-8 without NUL. */
#ifndef HCL_LEXER_H
#define HCL_LEXER_H

#include <jansson.h>
#include <stdbool.h>

#include "util/buf.h"

struct err;

enum hcl_token {
	HCL_END,
	HCL_NAME,   /* in text */
	HCL_STRING, /* in text, escapes resolved; also a heredoc */
	HCL_INTEGER,
	HCL_REAL,
	HCL_BOOLEAN,
	HCL_ASSIGN,
	HCL_COMMA,
	HCL_OPEN_BRACE,
	HCL_CLOSE_BRACE,
	HCL_OPEN_BRACKET,
	HCL_CLOSE_BRACKET,
};

struct hcl_lexer {
	const char *at; /* borrowed */
	const char *end;
	unsigned line; /* at which at stands */
	struct err *err;

	enum hcl_token token; /* the token in hand */
	unsigned token_line;  /* in which it began */
	struct buf text;
	json_int_t integer;
	double real;
	bool boolean;
};

/* Reads the next token. 0, LH_ENOMEM, or LH_EINVAL with "line N: …" in lexer->err. */
int hcl_lexer_next(struct hcl_lexer *lexer);

/* The next string, lexer->at being behind its opening quote; and the next heredoc, lexer->at being
 * behind its "<<". Returned in lexer->text, as above. */
int hcl_lexer_string(struct hcl_lexer *lexer);
int hcl_lexer_heredoc(struct hcl_lexer *lexer);

/* "line N: " and the sentence into lexer->err. Returns LH_EINVAL. */
int hcl_lexer_fail(const struct hcl_lexer *lexer, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Letters, digits and '_'. */
bool hcl_is_word(char c);

#endif

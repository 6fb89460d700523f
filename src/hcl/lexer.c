/* SPDX-License-Identifier: Apache-2.0 */
#include "hcl/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"

int hcl_lexer_fail(const struct hcl_lexer *lexer, unsigned line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(lexer->err, LH_EINVAL, "line %u: %s", line, text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool hcl_is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_';
}

/* The byte at offset; NUL, which no text holds, behind the end. */
static char peek(const struct hcl_lexer *lexer, size_t offset)
{
	return offset < (size_t)(lexer->end - lexer->at) ? lexer->at[offset] : '\0';
}

static void skip_line(struct hcl_lexer *lexer)
{
	const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

	lexer->at = newline ? newline : lexer->end;
}

static int skip_block_comment(struct hcl_lexer *lexer)
{
	unsigned begin = lexer->line;

	for (lexer->at += 2; lexer->at < lexer->end; lexer->at++) {
		if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
			lexer->at += 2;
			return 0;
		}
		if (*lexer->at == '\n')
			lexer->line++;
	}
	return hcl_lexer_fail(lexer, begin, "the comment that begins here has no end, expected */");
}

static int skip_space(struct hcl_lexer *lexer)
{
	for (;;) {
		char c = peek(lexer, 0), next = peek(lexer, 1);

		if (c == '#' || (c == '/' && next == '/')) {
			skip_line(lexer);
		} else if (c == '/' && next == '*') {
			int ret = skip_block_comment(lexer);

			if (ret)
				return ret;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			lexer->line += c == '\n';
			lexer->at++;
		} else {
			return 0;
		}
	}
}

static int read_name(struct hcl_lexer *lexer)
{
	size_t size = 1;
	char c;

	for (c = peek(lexer, size); hcl_is_word(c) || c == '-' || c == '.'; c = peek(lexer, size))
		size++;
	buf_add(&lexer->text, lexer->at, size);
	lexer->at += size;
	lexer->token = HCL_NAME;
	if (buf_error(&lexer->text))
		return err_set(lexer->err, LH_ENOMEM, "memory is out");
	if (strcmp(buf_text(&lexer->text), "true") == 0 ||
	    strcmp(buf_text(&lexer->text), "false") == 0) {
		lexer->token = HCL_BOOLEAN;
		lexer->boolean = buf_text(&lexer->text)[0] == 't';
	}
	return 0;
}

static size_t count_digits(const struct hcl_lexer *lexer, size_t offset)
{
	size_t count = 0;

	while (is_digit(peek(lexer, offset + count)))
		count++;
	return count;
}

/* How many bytes at lexer->at are a decimal number, as JSON writes them; 0 if none. */
static size_t measure_number(const struct hcl_lexer *lexer, bool *is_real_out)
{
	size_t size = peek(lexer, 0) == '-', digits = count_digits(lexer, size), exponent;

	*is_real_out = false;
	if (digits == 0 || (digits > 1 && peek(lexer, size) == '0'))
		return 0;
	size += digits;
	if (peek(lexer, size) == '.') {
		digits = count_digits(lexer, size + 1);
		if (digits == 0)
			return 0;
		size += 1 + digits;
		*is_real_out = true;
	}
	if (peek(lexer, size) == 'e' || peek(lexer, size) == 'E') {
		exponent = size + 1;
		exponent += peek(lexer, exponent) == '+' || peek(lexer, exponent) == '-';
		digits = count_digits(lexer, exponent);
		if (digits == 0)
			return 0;
		size = exponent + digits;
		*is_real_out = true;
	}
	return hcl_is_word(peek(lexer, size)) || peek(lexer, size) == '.' ? 0 : size;
}

static int read_number(struct hcl_lexer *lexer)
{
	bool is_real;
	size_t size = measure_number(lexer, &is_real);

	if (size == 0)
		return hcl_lexer_fail(lexer, lexer->line,
				      "found a malformed number, expected decimal digits without "
				      "leading zeros; text and durations take double quotes");
	buf_add(&lexer->text, lexer->at, size);
	lexer->at += size;
	lexer->token = is_real ? HCL_REAL : HCL_INTEGER;
	if (buf_error(&lexer->text))
		return err_set(lexer->err, LH_ENOMEM, "memory is out");
	errno = 0;
	if (is_real)
		lexer->real = strtod(buf_text(&lexer->text), NULL);
	else
		lexer->integer = strtoll(buf_text(&lexer->text), NULL, 10);
	/* An underflow to zero also sets errno and does no harm. */
	if (errno == ERANGE && (!is_real || isinf(lexer->real)))
		return hcl_lexer_fail(lexer, lexer->line, "found a number that is out of range");
	return 0;
}

static int fail_byte(const struct hcl_lexer *lexer)
{
	unsigned char c = (unsigned char)*lexer->at;

	if (c == '\'')
		return hcl_lexer_fail(lexer, lexer->line,
				      "found a single quote; strings take double quotes");
	if (c > ' ' && c < 0x7f)
		return hcl_lexer_fail(lexer, lexer->line, "found \"%c\", which has no meaning here",
				      c);
	return hcl_lexer_fail(lexer, lexer->line,
			      "found byte 0x%02x outside of a string; names are ASCII", c);
}

static int read_mark(struct hcl_lexer *lexer)
{
	static const struct {
		char mark;
		enum hcl_token token;
	} marks[] = {
		{ '=', HCL_ASSIGN },      { ',', HCL_COMMA },        { '{', HCL_OPEN_BRACE },
		{ '}', HCL_CLOSE_BRACE }, { '[', HCL_OPEN_BRACKET }, { ']', HCL_CLOSE_BRACKET },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (*lexer->at == marks[i].mark) {
			lexer->token = marks[i].token;
			lexer->at++;
			return 0;
		}
	}
	return fail_byte(lexer);
}

int hcl_lexer_next(struct hcl_lexer *lexer)
{
	int ret = skip_space(lexer);
	char c;

	if (ret)
		return ret;
	buf_clear(&lexer->text);
	lexer->token_line = lexer->line;
	if (lexer->at == lexer->end) {
		lexer->token = HCL_END;
		return 0;
	}
	c = *lexer->at;
	if (c == '"') {
		lexer->at++;
		lexer->token = HCL_STRING;
		return hcl_lexer_string(lexer);
	}
	if (c == '<' && peek(lexer, 1) == '<') {
		lexer->at += 2;
		lexer->token = HCL_STRING;
		return hcl_lexer_heredoc(lexer);
	}
	if (is_digit(c) || c == '-')
		return read_number(lexer);
	if (hcl_is_word(c))
		return read_name(lexer);
	return read_mark(lexer);
}

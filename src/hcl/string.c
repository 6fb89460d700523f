/* SPDX-License-Identifier: Apache-2.0 */
/* The two kinds of strings. "${" has no meaning here, as nothing interpolates. */
#include <string.h>

#include "hcl/lexer.h"
#include "util/err.h"

static int finish(const struct hcl_lexer *lexer)
{
	return buf_error(&lexer->text) ? err_set(lexer->err, LH_ENOMEM, "memory is out") : 0;
}

/* The number that exactly count hex digits at lexer->at spell, which are skipped; -1 otherwise. */
static long read_hex(struct hcl_lexer *lexer, size_t count)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	long value = 0;

	if ((size_t)(lexer->end - lexer->at) < count)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *digit = memchr(digits, *lexer->at, sizeof(digits) - 1);

		if (!digit)
			return -1;
		value = value * 16 + (digit - digits) % 16;
		lexer->at++;
	}
	return value;
}

static void add_rune(struct buf *buf, unsigned long rune)
{
	if (rune < 0x80) {
		buf_add_u8(buf, (uint8_t)rune);
	} else if (rune < 0x800) {
		buf_add_u8(buf, (uint8_t)(0xc0 | rune >> 6));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune & 0x3f)));
	} else if (rune < 0x10000) {
		buf_add_u8(buf, (uint8_t)(0xe0 | rune >> 12));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune & 0x3f)));
	} else {
		buf_add_u8(buf, (uint8_t)(0xf0 | rune >> 18));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune >> 12 & 0x3f)));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
		buf_add_u8(buf, (uint8_t)(0x80 | (rune & 0x3f)));
	}
}

/* \xNN, \uNNNN and \UNNNNNNNN. A single byte above 0x7f would be no UTF-8, and NUL ends texts. */
static int read_coded(struct hcl_lexer *lexer, char kind)
{
	long limit = kind == 'x' ? 0x7f : 0x10ffff;
	long rune = read_hex(lexer, kind == 'x' ? 2 : kind == 'u' ? 4 : 8);

	if (rune <= 0 || rune > limit || (rune >= 0xd800 && rune <= 0xdfff))
		return hcl_lexer_fail(lexer, lexer->line,
				      "found a bad escape \\%c in a string, expected the hex "
				      "digits of a character",
				      kind);
	add_rune(&lexer->text, (unsigned long)rune);
	return 0;
}

/* lexer->at stands behind the backslash. */
static int read_escape(struct hcl_lexer *lexer)
{
	static const char letters[] = "abfnrtv\\\"", meanings[] = "\a\b\f\n\r\t\v\\\"";
	const char *letter;
	char c = lexer->at < lexer->end ? *lexer->at : '\n';

	if (c == 'x' || c == 'u' || c == 'U') {
		lexer->at++;
		return read_coded(lexer, c);
	}
	letter = memchr(letters, c, sizeof(letters) - 1);
	if (!letter)
		return hcl_lexer_fail(lexer, lexer->line,
				      "found a backslash in a string that begins no escape; write "
				      "a backslash as \\\\");
	lexer->at++;
	buf_add_char(&lexer->text, meanings[letter - letters]);
	return 0;
}

int hcl_lexer_string(struct hcl_lexer *lexer)
{
	while (lexer->at < lexer->end && *lexer->at != '\n') {
		char c = *lexer->at++;

		if (c == '"')
			return finish(lexer);
		if (c == '\\') {
			int ret = read_escape(lexer);

			if (ret)
				return ret;
		} else {
			buf_add_char(&lexer->text, c);
		}
	}
	return hcl_lexer_fail(lexer, lexer->line,
			      "found the end of the line inside a string, expected \"");
}

/* A heredoc, as far as it is known. Everything is borrowed from the text. */
struct heredoc {
	const char *anchor;
	size_t anchor_size;
	bool unindents; /* <<- */
	const char *body, *body_end;
	size_t indent; /* of the closing anchor, whose line begins at body_end */
};

static int read_anchor(struct hcl_lexer *lexer, struct heredoc *doc)
{
	const char *at = lexer->at;

	doc->unindents = at < lexer->end && *at == '-';
	if (doc->unindents)
		at++;
	doc->anchor = at;
	while (at < lexer->end && hcl_is_word(*at))
		at++;
	doc->anchor_size = (size_t)(at - doc->anchor);
	if (at < lexer->end && *at == '\r')
		at++;
	if (doc->anchor_size == 0 || at == lexer->end || *at != '\n')
		return hcl_lexer_fail(
			lexer, lexer->line,
			"found a bad heredoc, expected a word and the end of the line "
			"behind <<");
	lexer->at = doc->body = at + 1;
	lexer->line++;
	return 0;
}

/* Whether the line holds the anchor and nothing else but space in front. */
static bool is_closing(const char *line, size_t size, struct heredoc *doc)
{
	size_t indent = 0;

	while (size > 0 && line[size - 1] == '\r')
		size--;
	while (indent < size && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	doc->indent = indent;
	return size - indent == doc->anchor_size &&
	       memcmp(line + indent, doc->anchor, doc->anchor_size) == 0;
}

static int find_closing(struct hcl_lexer *lexer, struct heredoc *doc)
{
	unsigned begin = lexer->token_line;

	while (lexer->at < lexer->end) {
		const char *line = lexer->at;
		const char *newline = memchr(line, '\n', (size_t)(lexer->end - line));
		const char *line_end = newline ? newline : lexer->end;

		lexer->at = line_end;
		if (is_closing(line, (size_t)(line_end - line), doc)) {
			doc->body_end = line;
			return 0;
		}
		if (newline) {
			lexer->at++;
			lexer->line++;
		}
	}
	return hcl_lexer_fail(lexer, begin,
			      "the heredoc that begins here has no end, expected a line \"%.*s\"",
			      (int)(doc->anchor_size < 64 ? doc->anchor_size : 64), doc->anchor);
}

static const char *next_line(const char *line, const char *end)
{
	return (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
}

/* <<- takes the closing line's indentation from every line, or from none if one has less. */
static bool all_indented(const struct heredoc *doc)
{
	const char *line = doc->body;

	for (; line < doc->body_end; line = next_line(line, doc->body_end)) {
		if ((size_t)(doc->body_end - line) < doc->indent ||
		    memcmp(line, doc->body_end, doc->indent) != 0)
			return false;
	}
	return true;
}

int hcl_lexer_heredoc(struct hcl_lexer *lexer)
{
	struct heredoc doc = { 0 };
	int ret;

	ret = read_anchor(lexer, &doc);
	if (ret)
		return ret;
	ret = find_closing(lexer, &doc);
	if (ret)
		return ret;
	if (!doc.unindents || !all_indented(&doc))
		doc.indent = 0;
	for (const char *line = doc.body; line < doc.body_end;) {
		const char *next = next_line(line, doc.body_end);

		buf_add(&lexer->text, line + doc.indent, (size_t)(next - line) - doc.indent);
		line = next;
	}
	return finish(lexer);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/parse.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"

#define MARK "# configuration file "

struct parser {
	const char *at;
	unsigned line;
	json_t *files; /* borrowed */
	json_t *name;  /* the file's path; owned */
	struct err *err;
};

static int wrong(struct parser *parser, const char *what)
{
	return err_set(parser->err, LH_EINVAL, "%s:%u: %s", json_string_value(parser->name),
		       parser->line, what);
}

static int begin_file(struct parser *parser, const char *path, size_t size)
{
	json_decref(parser->name);
	parser->name = json_stringn(path, size);
	if (!parser->name)
		return wrong(parser, "the path of the file is not UTF-8, or memory is out");
	if (json_object_get(parser->files, json_string_value(parser->name)))
		return 0;
	return json_object_set_new(parser->files, json_string_value(parser->name), json_array())
		       ? LH_ENOMEM
		       : 0;
}

/* A mark is a comment to nginx, and so it is within a block. */
static int skip_comment(struct parser *parser, bool top)
{
	size_t size = strcspn(parser->at, "\n");
	const char *path = parser->at + strlen(MARK);
	bool mark = top && size > strlen(MARK) && strncmp(parser->at, MARK, strlen(MARK)) == 0 &&
		    parser->at[size - 1] == ':';

	parser->at += size;
	if (!mark)
		return 0;
	parser->line = 0;
	return begin_file(parser, path, (size_t)(parser->at - path) - 1);
}

static int skip_space(struct parser *parser, bool top)
{
	for (; *parser->at; parser->at++) {
		while (*parser->at == '#') {
			int ret = skip_comment(parser, top);

			if (ret)
				return ret;
		}
		if (!*parser->at || !isspace((unsigned char)*parser->at))
			return 0;
		parser->line += *parser->at == '\n';
	}
	return 0;
}

/* nginx undoes these; before any other character the backslash stays. */
static void add_escaped(struct buf *word, char c)
{
	static const char from[] = "\"'\\trn", to[] = "\"'\\\t\r\n";
	const char *found = strchr(from, c);

	if (!found)
		buf_add_char(word, '\\');
	buf_add_char(word, found ? to[found - from] : c);
}

static bool ends_word(const char *at, char quote, bool in_name)
{
	if (quote)
		return *at == quote;
	return *at == ';' || (*at == '{' && !in_name) || isspace((unsigned char)*at);
}

/* A quote counts at the beginning of a word only; "${" belongs to a variable. */
static int read_word(struct parser *parser, struct buf *word)
{
	char quote = *parser->at == '"' || *parser->at == '\'' ? *parser->at++ : '\0';
	bool in_name = false;

	for (; *parser->at && !ends_word(parser->at, quote, in_name); parser->at++) {
		in_name = *parser->at == '$';
		parser->line += *parser->at == '\n';
		if (*parser->at == '\\' && parser->at[1])
			add_escaped(word, *++parser->at);
		else
			buf_add_char(word, *parser->at);
	}
	if (!*parser->at)
		return wrong(parser, "the file ends within a word or quotation");
	parser->at += quote != '\0';
	return buf_error(word);
}

/* $Remote_User is $remote_user to nginx. */
static void lower_variables(char *text)
{
	while (text && (text = strchr(text, '$'))) {
		text++;
		text += *text == '{';
		for (; isalnum((unsigned char)*text) || *text == '_'; text++)
			*text = (char)tolower((unsigned char)*text);
	}
}

static int add_word(struct parser *parser, json_t *words)
{
	struct buf word = BUF_INIT;
	int ret = read_word(parser, &word);

	lower_variables(word.data);
	if (ret == 0 && json_array_append_new(words, json_stringn(buf_text(&word), word.size)))
		ret = wrong(parser, "a word is not UTF-8, or memory is out");
	buf_free(&word);
	return ret;
}

static int read_list(struct parser *parser, json_t *list, unsigned depth);

/* Words up to ";" or a block. */
static int read_directive(struct parser *parser, json_t *list, unsigned depth)
{
	json_t *words = json_array(), *body = NULL;
	json_t *directive = json_pack("{s:O, s:i, s:o}", "file", parser->name, "line",
				      (int)parser->line, "words", words);
	int ret = json_array_append_new(list, directive) ? LH_ENOMEM : 0;

	while (ret == 0 && *parser->at != ';' && *parser->at != '{') {
		if (!*parser->at || *parser->at == '}')
			return wrong(parser, "a directive does not end in \";\" or a block");
		ret = add_word(parser, words);
		if (ret == 0)
			ret = skip_space(parser, false);
	}
	if (ret)
		return ret;
	if (json_array_size(words) == 0)
		return wrong(parser, "\";\" or \"{\" without a directive");
	if (*parser->at++ == ';')
		return 0;
	if (depth == NGINX_DEPTH_MAX)
		return wrong(parser, "blocks are too deep");
	body = json_array();
	if (json_object_set_new(directive, "body", body))
		return LH_ENOMEM;
	return read_list(parser, body, depth + 1);
}

/* To the end of the block, or of the text if list is NULL: then each file has its own. */
static int read_list(struct parser *parser, json_t *list, unsigned depth)
{
	for (;;) {
		json_t *into = list;
		int ret = skip_space(parser, !list);

		if (ret)
			return ret;
		if (!*parser->at)
			return list ? wrong(parser, "the file ends within a block") : 0;
		if (*parser->at == '}') {
			parser->at++;
			return list ? 0 : wrong(parser, "\"}\" without a block");
		}
		if (!into)
			into = json_object_get(parser->files, json_string_value(parser->name));
		ret = read_directive(parser, into, depth);
		if (ret)
			return ret;
	}
}

/* What `nginx -T` says of itself comes first where both its outputs go to one place. */
static const char *skip_messages(const char *text, unsigned *line)
{
	static const char message[] = "nginx: ";

	while (strncmp(text, message, sizeof(message) - 1) == 0) {
		text += strcspn(text, "\n");
		text += *text == '\n';
		++*line;
	}
	return text;
}

int nginx_parse(const char *name, const char *text, json_t **files_out, struct err *err)
{
	struct parser parser = { .line = 1, .err = err };
	int ret;

	*files_out = NULL;
	parser.at = skip_messages(text, &parser.line);
	parser.files = json_object();
	ret = parser.files ? begin_file(&parser, name, strlen(name)) : LH_ENOMEM;
	if (ret == 0)
		ret = read_list(&parser, NULL, 0);
	json_decref(parser.name);
	if (ret) {
		json_decref(parser.files);
		return ret;
	}
	*files_out = parser.files;
	return 0;
}

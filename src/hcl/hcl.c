/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent, one function per rule, one token in hand:
 *
 *   items  = { item [","] }
 *   item   = key { label } "{" items "}" | key "=" value
 *   value  = string | number | boolean | "[" [ value { "," value } [","] ] "]" | object
 *   object = "{" { member [","] } "}"
 *   member = key "=" value | key [ label ] object
 */
#include "hcl/hcl.h"

#include <string.h>

#include "hcl/json.h"
#include "hcl/lexer.h"
#include "util/err.h"
#include "util/text.h"

struct parser {
	struct hcl_lexer lexer;
	unsigned depth;
	struct err *err;
};

static int read_items(struct parser *parser, enum hcl_token closing, json_t **items_out);
static int read_value(struct parser *parser, json_t **value_out);

static int no_memory(const struct parser *parser)
{
	return err_set(parser->err, LH_ENOMEM, "memory is out");
}

static int fail_found(const struct parser *parser, const char *expected)
{
	static const char *const names[] = {
		[HCL_END] = "the end of the text",
		[HCL_STRING] = "a string",
		[HCL_INTEGER] = "a number",
		[HCL_REAL] = "a number",
		[HCL_BOOLEAN] = "true or false",
		[HCL_ASSIGN] = "\"=\"",
		[HCL_COMMA] = "\",\"",
		[HCL_OPEN_BRACE] = "\"{\"",
		[HCL_CLOSE_BRACE] = "\"}\"",
		[HCL_OPEN_BRACKET] = "\"[\"",
		[HCL_CLOSE_BRACKET] = "\"]\"",
	};
	const struct hcl_lexer *lexer = &parser->lexer;

	if (lexer->token == HCL_NAME)
		return hcl_lexer_fail(lexer, lexer->token_line, "found \"%.64s\", expected %s",
				      buf_text(&lexer->text), expected);
	return hcl_lexer_fail(lexer, lexer->token_line, "found %s, expected %s",
			      names[lexer->token], expected);
}

static int next(struct parser *parser)
{
	return hcl_lexer_next(&parser->lexer);
}

/* Skips the token if it is the one in hand. */
static int skip_if(struct parser *parser, enum hcl_token token)
{
	return parser->lexer.token == token ? next(parser) : 0;
}

/* Steps over an opening token; leave must follow when the closing one is in hand. */
static int enter(struct parser *parser)
{
	if (parser->depth == HCL_DEPTH_MAX)
		return hcl_lexer_fail(&parser->lexer, parser->lexer.token_line,
				      "found more than %d levels of braces and brackets",
				      HCL_DEPTH_MAX);
	parser->depth++;
	return next(parser);
}

static int leave(struct parser *parser)
{
	parser->depth--;
	return next(parser);
}

static bool is_key(const struct parser *parser)
{
	return parser->lexer.token == HCL_NAME || parser->lexer.token == HCL_STRING;
}

/* The text in hand as a new JSON string, and on to the next token. */
static int take_text(struct parser *parser, json_t **text_out)
{
	const struct buf *text = &parser->lexer.text;

	*text_out = json_stringn(buf_text(text), text->size);
	return *text_out ? next(parser) : no_memory(parser);
}

static int read_list(struct parser *parser, json_t **list_out)
{
	json_t *list = json_array(), *value;
	int ret;

	ret = list ? enter(parser) : no_memory(parser);
	while (ret == 0 && parser->lexer.token != HCL_CLOSE_BRACKET) {
		ret = read_value(parser, &value);
		if (ret)
			break;
		if (json_array_append_new(list, value) != 0)
			ret = no_memory(parser);
		else if (parser->lexer.token == HCL_COMMA)
			ret = next(parser);
		else if (parser->lexer.token != HCL_CLOSE_BRACKET)
			ret = fail_found(parser, "\",\" or \"]\"");
	}
	if (ret == 0)
		ret = leave(parser);
	if (ret == 0) {
		*list_out = list;
		return 0;
	}
	json_decref(list);
	return ret;
}

static int fail_again(const struct parser *parser, unsigned line, const json_t *key)
{
	return hcl_lexer_fail(&parser->lexer, line, "found the key \"%.64s\" a second time",
			      json_string_value(key));
}

/* The value in front of which the parser stands becomes a member; line: that of its key. */
static int add_value(struct parser *parser, json_t *object, const json_t *key, unsigned line)
{
	json_t *value;
	int ret;

	if (json_object_get(object, json_string_value(key)))
		return fail_again(parser, line, key);
	ret = read_value(parser, &value);
	if (ret == 0 && json_object_set_new(object, json_string_value(key), value) != 0)
		ret = no_memory(parser);
	return ret;
}

/* key "label" { … }; the blocks of one key are one object. There is one label, so that an object is
 * never deeper than its braces are. */
static int add_labelled(struct parser *parser, json_t *object, const json_t *key, unsigned line)
{
	json_t *blocks = json_object_get(object, json_string_value(key)), *label = NULL;
	int ret;

	if (!blocks) {
		blocks = json_object();
		if (json_object_set_new(object, json_string_value(key), blocks) != 0)
			return no_memory(parser);
	}
	if (!json_is_object(blocks))
		return fail_again(parser, line, key);
	ret = take_text(parser, &label);
	if (ret == 0 && parser->lexer.token != HCL_OPEN_BRACE)
		ret = fail_found(parser, "\"{\"");
	if (ret == 0)
		ret = add_value(parser, blocks, label, line);
	json_decref(label);
	return ret;
}

static int read_member(struct parser *parser, json_t *object)
{
	unsigned line = parser->lexer.token_line;
	json_t *key = NULL;
	int ret;

	if (!is_key(parser))
		return fail_found(parser, "a key or \"}\"");
	ret = take_text(parser, &key);
	if (ret)
		goto cleanup;
	if (is_key(parser)) {
		ret = add_labelled(parser, object, key, line);
	} else if (parser->lexer.token == HCL_ASSIGN) {
		ret = next(parser);
		if (ret == 0)
			ret = add_value(parser, object, key, line);
	} else if (parser->lexer.token == HCL_OPEN_BRACE) {
		ret = add_value(parser, object, key, line);
	} else {
		ret = fail_found(parser, "\"=\", \"{\" or a label");
	}
	if (ret == 0)
		ret = skip_if(parser, HCL_COMMA);
cleanup:
	json_decref(key);
	return ret;
}

static int read_object(struct parser *parser, json_t **object_out)
{
	json_t *object = json_object();
	int ret;

	ret = object ? enter(parser) : no_memory(parser);
	while (ret == 0 && parser->lexer.token != HCL_CLOSE_BRACE)
		ret = read_member(parser, object);
	if (ret == 0)
		ret = leave(parser);
	if (ret == 0) {
		*object_out = object;
		return 0;
	}
	json_decref(object);
	return ret;
}

/* A value that is one token. */
static int read_scalar(struct parser *parser, json_t *value, json_t **value_out)
{
	int ret;

	if (!value)
		return no_memory(parser);
	ret = next(parser);
	if (ret)
		json_decref(value);
	else
		*value_out = value;
	return ret;
}

static int read_value(struct parser *parser, json_t **value_out)
{
	const struct hcl_lexer *lexer = &parser->lexer;

	*value_out = NULL;
	if (lexer->token == HCL_STRING)
		return read_scalar(parser, json_stringn(buf_text(&lexer->text), lexer->text.size),
				   value_out);
	if (lexer->token == HCL_INTEGER)
		return read_scalar(parser, json_integer(lexer->integer), value_out);
	if (lexer->token == HCL_REAL)
		return read_scalar(parser, json_real(lexer->real), value_out);
	if (lexer->token == HCL_BOOLEAN)
		return read_scalar(parser, json_boolean(lexer->boolean), value_out);
	if (lexer->token == HCL_OPEN_BRACKET)
		return read_list(parser, value_out);
	if (lexer->token == HCL_OPEN_BRACE)
		return read_object(parser, value_out);
	return fail_found(parser, "a value; text takes double quotes");
}

static int set(const struct parser *parser, json_t *item, const char *key, json_t *value)
{
	return json_object_set_new(item, key, value) == 0 ? 0 : no_memory(parser);
}

/* Behind the key: labels, then a body. */
static int read_block(struct parser *parser, json_t *item)
{
	json_t *labels = json_array(), *text, *body = NULL;
	int ret;

	ret = set(parser, item, "labels", labels);
	while (ret == 0 && is_key(parser)) {
		ret = take_text(parser, &text);
		if (text && json_array_append_new(labels, text) != 0 && ret == 0)
			ret = no_memory(parser);
	}
	if (ret)
		return ret;
	if (parser->lexer.token != HCL_OPEN_BRACE)
		return fail_found(parser, json_array_size(labels) ? "\"{\" or another label"
								  : "\"=\", \"{\" or a label");
	ret = enter(parser);
	if (ret == 0)
		ret = read_items(parser, HCL_CLOSE_BRACE, &body);
	if (ret == 0)
		ret = set(parser, item, "body", body);
	return ret ? ret : leave(parser);
}

static int read_assignment(struct parser *parser, json_t *item)
{
	json_t *value;
	int ret;

	ret = next(parser);
	if (ret == 0)
		ret = read_value(parser, &value);
	return ret ? ret : set(parser, item, "value", value);
}

static int read_item(struct parser *parser, json_t *items)
{
	json_t *item = json_object(), *key = NULL;
	int ret;

	if (!item || json_array_append_new(items, item) != 0)
		return no_memory(parser);
	ret = set(parser, item, "line", json_integer(parser->lexer.token_line));
	if (ret)
		return ret;
	ret = take_text(parser, &key);
	if (ret) {
		json_decref(key);
		return ret;
	}
	ret = set(parser, item, "key", key);
	if (ret)
		return ret;
	ret = parser->lexer.token == HCL_ASSIGN ? read_assignment(parser, item)
						: read_block(parser, item);
	return ret ? ret : skip_if(parser, HCL_COMMA);
}

static int read_items(struct parser *parser, enum hcl_token closing, json_t **items_out)
{
	json_t *items = json_array();
	int ret = items ? 0 : no_memory(parser);

	*items_out = NULL;
	while (ret == 0 && parser->lexer.token != closing) {
		if (is_key(parser))
			ret = read_item(parser, items);
		else
			ret = fail_found(parser, closing == HCL_END ? "a key" : "a key or \"}\"");
	}
	if (ret == 0)
		*items_out = items;
	else
		json_decref(items);
	return ret;
}

static int parse(const char *text, size_t size, json_t **items_out, struct err *err)
{
	struct parser parser = {
		.lexer = { .at = text, .end = text + size, .line = 1, .err = err },
		.err = err,
	};
	int ret;

	ret = next(&parser);
	if (ret == 0)
		ret = read_items(&parser, HCL_END, items_out);
	buf_free(&parser.lexer.text);
	return ret;
}

/* Once, at the beginning, so that nothing behind it has to look at encodings. */
static int check_bytes(const char *text, size_t size, struct err *err)
{
	unsigned line = 1;

	for (size_t i = 0, step; i < size; i += step) {
		step = text_utf8(text + i, size - i);
		if (step == 0)
			return err_set(err, LH_EINVAL, "line %u: found byte 0x%02x, expected UTF-8",
				       line, (unsigned char)text[i]);
		if (text[i] == '\0')
			return err_set(err, LH_EINVAL, "line %u: found a NUL byte, expected text",
				       line);
		line += text[i] == '\n';
	}
	return 0;
}

int hcl_read(const char *text, size_t size, json_t **items_out, struct err *err)
{
	size_t space = 0;
	int ret;

	*items_out = NULL;
	if (size > HCL_SIZE_MAX)
		return err_set(err, LH_EINVAL, "line 1: found %zu bytes, expected at most %d", size,
			       HCL_SIZE_MAX);
	ret = check_bytes(text, size, err);
	if (ret)
		return ret;
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	while (space < size && strchr(" \t\r\n", text[space]))
		space++;
	if (space < size && text[space] == '{')
		return hcl_read_json(text, size, items_out, err);
	return parse(text, size, items_out, err);
}

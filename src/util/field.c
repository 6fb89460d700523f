/* SPDX-License-Identifier: Apache-2.0 */
#include "util/field.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/field_priv.h"
#include "util/text.h"

int field_given(json_t *value, json_t **value_out, struct err *err)
{
	*value_out = value;
	return value ? 0 : err_set(err, LH_ENOMEM, "memory is out");
}

/* ---- Texts ---- */

const char *field_go_type(const json_t *value)
{
	return json_is_array(value) ? "[]interface {}" : "map[string]interface {}";
}

/* The shortest digits that read back as the same number, recognisable as no integer. */
static json_t *real_text(double number)
{
	char text[48];
	size_t size;

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) >= number && strtod(text, NULL) <= number)
			break;
	}
	size = strlen(text);
	if (!strpbrk(text, ".e"))
		memcpy(text + size, ".0", 3);
	return json_string(text);
}

int field_to_text(const json_t *value, json_t **text_out, struct err *err)
{
	char digits[32];

	switch (json_typeof(value)) {
	case JSON_STRING: return field_given(json_deep_copy(value), text_out, err);
	case JSON_INTEGER:
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		return field_given(json_string(digits), text_out, err);
	case JSON_REAL: return field_given(real_text(json_real_value(value)), text_out, err);
	case JSON_TRUE: return field_given(json_string("1"), text_out, err);
	case JSON_FALSE: return field_given(json_string("0"), text_out, err);
	case JSON_NULL: return field_given(json_string(""), text_out, err);
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	return LH_EINVAL;
}

static int coerce_string(const json_t *value, json_t **value_out, struct err *err)
{
	int ret = field_to_text(value, value_out, err);

	if (ret == LH_EINVAL)
		return err_set(err, ret, "'' " FIELD_UNCONVERTIBLE, "string", field_go_type(value));
	return ret;
}

static int coerce_lower_string(const json_t *value, json_t **value_out, struct err *err)
{
	struct buf lower = BUF_INIT;
	json_t *text = NULL;
	int ret = coerce_string(value, &text, err);

	if (ret)
		return ret;
	for (const char *at = json_string_value(text); *at; at++)
		buf_add_char(&lower, text_lower(*at));
	ret = field_given(buf_error(&lower) ? NULL : json_string(buf_text(&lower)), value_out, err);
	buf_free(&lower);
	json_decref(text);
	return ret;
}

static int coerce_name(const json_t *value, json_t **value_out, struct err *err)
{
	json_t *text = NULL;
	int ret = coerce_string(value, &text, err);

	if (ret)
		return ret;
	if (!text_is_name(json_string_value(text))) {
		json_decref(text);
		return err_set(err, LH_EINVAL, "field does not match the formatting rules");
	}
	*value_out = text;
	return 0;
}

/* ---- Numbers ---- */

/* Fractions of a second are cut off a JSON number. What no 64-bit number holds is past the limit of
 * durations anyhow, which duration_parse then words. */
static int real_seconds(double number, int64_t *seconds_out, struct err *err)
{
	char text[32];
	int64_t whole;

	if (number > 9e18)
		number = 9e18;
	if (number < -9e18)
		number = -9e18;
	whole = (int64_t)number;
	snprintf(text, sizeof(text), "%" PRId64, whole);
	return duration_parse(text, seconds_out, err);
}

static int seconds_of(const json_t *value, int64_t *seconds_out, struct err *err)
{
	char text[32];

	*seconds_out = 0;
	if (json_is_real(value))
		return real_seconds(json_real_value(value), seconds_out, err);
	if (json_is_integer(value)) {
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return duration_parse(text, seconds_out, err);
	}
	if (!json_is_string(value))
		return err_set(err, LH_EINVAL, "could not parse duration from input");
	if (json_string_length(value) == 0)
		return 0;
	return duration_parse(json_string_value(value), seconds_out, err);
}

static int coerce_signed_duration(const json_t *value, json_t **value_out, struct err *err)
{
	int64_t seconds;

	if (json_is_null(value))
		return 0;
	if (seconds_of(value, &seconds, err))
		return LH_EINVAL;
	return field_given(json_integer(seconds), value_out, err);
}

static int coerce_duration(const json_t *value, json_t **value_out, struct err *err)
{
	json_t *seconds = NULL;
	int ret = coerce_signed_duration(value, &seconds, err);

	if (seconds && json_integer_value(seconds) < 0) {
		ret = err_set(err, LH_EINVAL,
			      "cannot provide negative value '%" JSON_INTEGER_FORMAT "'",
			      json_integer_value(seconds));
		json_decref(seconds);
		seconds = NULL;
	}
	*value_out = seconds;
	return ret;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* 0x, 0o, 0b or 0 in front choose the base, as in Go. */
static unsigned read_base(const char **at)
{
	static const char letters[] = "xXoObB";
	static const unsigned bases[] = { 16, 8, 2 };
	const char *letter;

	if ((*at)[0] != '0' || !(*at)[1])
		return 10;
	letter = strchr(letters, (*at)[1]);
	*at += letter ? 2 : 1;
	return letter ? bases[(letter - letters) / 2] : 8;
}

static int parse_int(const char *text, int64_t *number_out)
{
	bool negative = *text == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, number = 0;
	bool overflow = false;
	unsigned base;

	text += *text == '-' || *text == '+';
	base = read_base(&text);
	if (!*text)
		return LH_EINVAL;
	for (; *text; text++) {
		unsigned digit = (unsigned)digit_value(*text);

		if (digit >= base)
			return LH_EINVAL;
		overflow = overflow || number > (limit - digit) / base;
		number = overflow ? 0 : number * base + digit;
	}
	*number_out = negative ? (int64_t)(0 - number) : (int64_t)number;
	return overflow ? LH_ERANGE : 0;
}

static int coerce_int(const json_t *value, json_t **value_out, struct err *err)
{
	json_t *text = NULL;
	int64_t number = 0;
	int ret = field_to_text(value, &text, err);

	if (ret == LH_EINVAL)
		return err_set(err, ret, "'' " FIELD_UNCONVERTIBLE, "int", field_go_type(value));
	if (ret)
		return ret;
	if (json_string_length(text) > 0)
		ret = parse_int(json_string_value(text), &number);
	json_decref(text);
	if (ret)
		return err_set(err, LH_EINVAL,
			       "'' cannot parse value as 'int': strconv.ParseInt: %s",
			       ret == LH_ERANGE ? "value out of range" : "invalid syntax");
	return field_given(json_integer(number), value_out, err);
}

/* "" is false; -1 for a word that is neither. */
static int bool_of(const char *text)
{
	static const char *const words[] = { "",  "0",    "f",    "F",    "false", "FALSE", "False",
					     "1", "true", "TRUE", "True", "t",     "T" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0)
			return i >= 7;
	}
	return -1;
}

static int coerce_bool(const json_t *value, json_t **value_out, struct err *err)
{
	json_t *text = NULL;
	int truth, ret = field_to_text(value, &text, err);

	if (ret == LH_EINVAL)
		return err_set(err, ret, "'' " FIELD_UNCONVERTIBLE, "bool", field_go_type(value));
	if (ret)
		return ret;
	truth = bool_of(json_string_value(text));
	json_decref(text);
	if (truth < 0)
		return err_set(
			err, LH_EINVAL,
			"'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax");
	return field_given(json_boolean(truth), value_out, err);
}

/* ---- All types ---- */

static const struct {
	const char *name;
	int (*coerce)(const json_t *value, json_t **value_out, struct err *err);
} types[] = {
	[FIELD_STRING] = { "string", coerce_string },
	[FIELD_LOWER_STRING] = { "lowercase string", coerce_lower_string },
	[FIELD_NAME] = { "name string", coerce_name },
	[FIELD_DURATION] = { "duration (sec)", coerce_duration },
	[FIELD_SIGNED_DURATION] = { "duration (sec)", coerce_signed_duration },
	[FIELD_STRINGS] = { "slice", field_coerce_strings },
	[FIELD_COMMA_STRINGS] = { "slice", field_coerce_comma_strings },
	[FIELD_BOOL] = { "bool", coerce_bool },
	[FIELD_INT] = { "int", coerce_int },
	[FIELD_MAP] = { "map", field_coerce_map },
	[FIELD_PAIRS] = { "keypair", field_coerce_pairs },
};

int field_coerce(enum field_type type, const json_t *value, json_t **value_out, struct err *err)
{
	*value_out = NULL;
	return types[type].coerce(value, value_out, err);
}

const char *field_type_name(enum field_type type)
{
	return types[type].name;
}

const struct field *field_find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "util/duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/text.h"

#define NS_LIMIT (UINT64_C(1) << 63)

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* micro sign */
	{ "\xce\xbcs", 1000 }, /* Greek mu */
	{ "ms", 1000000 },
	{ "s", NS_PER_SECOND },
	{ "m", 60 * NS_PER_SECOND },
	{ "h", 3600 * NS_PER_SECOND },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Puts text into out as Go's time package quotes it: everything outside printable ASCII as \xNN.
 * A text that is too long is cut: it stands in a sentence only. */
static void quote(const char *text, size_t text_size, char *out, size_t out_size)
{
	size_t used = 0;

	for (size_t i = 0; i < text_size && used + 8 < out_size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\') {
			out[used++] = '\\';
			out[used++] = text[i];
		} else if (c < ' ' || c >= 0x80) {
			used += (size_t)snprintf(out + used, out_size - used, "\\x%02x", c);
		} else {
			out[used++] = text[i];
		}
	}
	out[used] = '\0';
}

static int fail(const char *text, int code, struct err *err)
{
	char quoted[256];

	quote(text, strlen(text), quoted, sizeof(quoted));
	return err_set(err, code, "time: invalid duration \"%s\"", quoted);
}

static int fail_unit(const char *text, const char *unit, size_t size, struct err *err)
{
	char quoted[256], quoted_unit[256];

	quote(text, strlen(text), quoted, sizeof(quoted));
	quote(unit, size, quoted_unit, sizeof(quoted_unit));
	if (size == 0)
		return err_set(err, LH_EINVAL, "time: missing unit in duration \"%s\"", quoted);
	return err_set(err, LH_EINVAL, "time: unknown unit \"%s\" in duration \"%s\"", quoted_unit,
		       quoted);
}

/* The digits at *at; false when the number passes NS_LIMIT. */
static bool read_whole(const char **at, uint64_t *value_out)
{
	uint64_t value = 0;

	for (; is_digit(**at); ++*at) {
		unsigned digit = (unsigned)(**at - '0');

		if (value > (NS_LIMIT - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*value_out = value;
	return true;
}

/* The digits at *at as value / scale; those that no longer fit are without weight and skipped. */
static void read_fraction(const char **at, uint64_t *value_out, double *scale_out)
{
	uint64_t value = 0;
	double scale = 1;
	bool full = false;

	for (; is_digit(**at); ++*at) {
		unsigned digit = (unsigned)(**at - '0');

		full = full || value > (NS_LIMIT - 1 - digit) / 10;
		if (!full) {
			value = value * 10 + digit;
			scale *= 10;
		}
	}
	*value_out = value;
	*scale_out = scale;
}

static uint64_t unit_ns(const char *unit, size_t size)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == size && memcmp(units[i].name, unit, size) == 0)
			return units[i].ns;
	}
	return 0;
}

/* One part, such as "1.5h", whose nanoseconds are added to *total. */
static int read_part(const char *text, const char **at, uint64_t *total, struct err *err)
{
	const char *start = *at, *unit;
	uint64_t value, fraction = 0, ns;
	double scale = 1;
	size_t unit_size;

	if (!read_whole(at, &value))
		return fail(text, LH_ERANGE, err);
	if (**at == '.') {
		++*at;
		read_fraction(at, &fraction, &scale);
	}
	if (!is_digit(start[0]) && !(start[0] == '.' && is_digit(start[1])))
		return fail(text, LH_EINVAL, err);
	unit = *at;
	unit_size = strcspn(unit, ".0123456789");
	ns = unit_ns(unit, unit_size);
	if (ns == 0)
		return fail_unit(text, unit, unit_size, err);
	*at += unit_size;
	if (value > NS_LIMIT / ns)
		return fail(text, LH_ERANGE, err);
	value = value * ns + (uint64_t)((double)fraction * ((double)ns / scale));
	if (value > NS_LIMIT || *total > NS_LIMIT - value)
		return fail(text, LH_ERANGE, err);
	*total += value;
	return 0;
}

static int parse_parts(const char *text, int64_t *seconds_out, struct err *err)
{
	bool negative = text[0] == '-';
	const char *at = text + (text[0] == '-' || text[0] == '+');
	uint64_t total = 0;
	int ret;

	if (!*at)
		return fail(text, LH_EINVAL, err);
	while (*at) {
		ret = read_part(text, &at, &total, err);
		if (ret)
			return ret;
	}
	if (total == NS_LIMIT && !negative)
		return fail(text, LH_ERANGE, err);
	*seconds_out = (int64_t)(total / NS_PER_SECOND) * (negative ? -1 : 1);
	return 0;
}

/* Clients know a duration as 64-bit nanoseconds; more is refused in the words that they know. */
static int set_product(int64_t count, int64_t unit, int64_t *seconds_out, struct err *err)
{
	int64_t limit = INT64_MAX / NS_PER_SECOND / unit;

	if (count > limit || count < -limit)
		return err_set(err, LH_ERANGE,
			       "multiplication of durations resulted in overflow, "
			       "one operand may be too large");
	*seconds_out = count * unit;
	return 0;
}

static int parse_days(const char *text, int64_t *seconds_out, struct err *err)
{
	size_t size = strlen(text) - 1;
	char digits[32] = "", quoted[256];
	int64_t days;
	int ret = LH_EINVAL;

	if (size < sizeof(digits)) {
		memcpy(digits, text, size);
		ret = text_int64(digits, &days);
	}
	if (ret == 0)
		return set_product(days, 86400, seconds_out, err);
	quote(text, size, quoted, sizeof(quoted));
	return err_set(err, ret, "strconv.ParseInt: parsing \"%s\": %s", quoted,
		       ret == LH_ERANGE ? "value out of range" : "invalid syntax");
}

int duration_parse(const char *text, int64_t *seconds_out, struct err *err)
{
	int64_t seconds;

	*seconds_out = 0;
	if (text_int64(text, &seconds) == 0)
		return set_product(seconds, 1, seconds_out, err);
	if (text_ends_with(text, "d"))
		return parse_days(text, seconds_out, err);
	return parse_parts(text, seconds_out, err);
}

void duration_format(int64_t seconds, char *out)
{
	uint64_t left = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
	const char *sign = seconds < 0 ? "-" : "";
	int used = snprintf(out, 32, "%s", sign);

	if (left >= 3600)
		used += snprintf(out + used, 32 - (size_t)used, "%" PRIu64 "h", left / 3600);
	if (left / 60 % 60)
		used += snprintf(out + used, 32 - (size_t)used, "%um", (unsigned)(left / 60 % 60));
	if (left % 60 || left == 0)
		snprintf(out + used, 32 - (size_t)used, "%us", (unsigned)(left % 60));
}

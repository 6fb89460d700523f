/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/err.h"

int64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

int64_t clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_boot_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_seconds_up(int64_t ns)
{
	return ns / NS_PER_SECOND + (ns % NS_PER_SECOND > 0);
}

/* Go's zero time stands for what four digits of a year cannot express. */
static void format_date(int64_t seconds, const char *fraction, char *out)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		tm = (struct tm){ .tm_year = 1 - 1900, .tm_mday = 1 };
	snprintf(out, 40, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", (unsigned)(tm.tm_year + 1900) % 10000,
		 (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
		 (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
		 fraction);
}

void clock_format_ns(int64_t ns, char *out)
{
	int64_t seconds = ns / NS_PER_SECOND, rest = ns % NS_PER_SECOND;
	char fraction[16] = "";
	size_t size;

	if (rest < 0) {
		seconds--;
		rest += NS_PER_SECOND;
	}
	if (rest) {
		snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)rest);
		for (size = strlen(fraction); fraction[size - 1] == '0'; size--)
			fraction[size - 1] = '\0';
	}
	format_date(seconds, fraction, out);
}

void clock_format(int64_t seconds, char *out)
{
	format_date(seconds, "", out);
}

/* The number that the next count digits spell; -1 if one of them is none. */
static int digits(const char *text, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static bool is_shaped(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00";
	size_t i;

	for (i = 0; shape[i]; i++) {
		if (shape[i] == '0' ? digits(text + i, 1) < 0 : text[i] != shape[i])
			return false;
	}
	if (text[i] == '.') {
		size_t size = strspn(text + i + 1, "0123456789");

		if (size == 0)
			return false;
		i += 1 + size;
	}
	return strcmp(text + i, "Z") == 0;
}

int clock_parse(const char *text, int64_t *seconds_out)
{
	struct tm tm = { 0 }, wanted;
	time_t time;

	*seconds_out = 0;
	if (!is_shaped(text))
		return LH_EINVAL;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	tm.tm_hour = digits(text + 11, 2);
	tm.tm_min = digits(text + 14, 2);
	tm.tm_sec = digits(text + 17, 2);
	wanted = tm;
	time = timegm(&tm);
	/* timegm carries what is too large into the next field: 31 April becomes 1 May. */
	if (tm.tm_mon != wanted.tm_mon || tm.tm_mday != wanted.tm_mday ||
	    tm.tm_hour != wanted.tm_hour || tm.tm_min != wanted.tm_min ||
	    tm.tm_sec != wanted.tm_sec)
		return LH_EINVAL;
	*seconds_out = time;
	return 0;
}

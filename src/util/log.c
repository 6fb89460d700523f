/* SPDX-License-Identifier: Apache-2.0 */
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/text.h"

#define MESSAGE_MAX 4096

/* A process has one log, and code at every depth writes to it. Set once after the fork, and the
 * request by its only thread. */
static struct {
	enum log_level level;
	enum log_format format;
	const char *process;
	const char *request;
	const char *identity;
} log_state = { LOG_LEVEL_INFO, LOG_FORMAT_TEXT, "leasehold", NULL, NULL };

/* A line under construction. A piece that does not fit whole is left out, so no escape is cut in
 * two; room for the end is kept. */
struct line {
	char text[2 * MESSAGE_MAX];
	size_t size;
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level level, enum log_format format, const char *process)
{
	log_state.level = level;
	log_state.format = format;
	log_state.process = process;
}

void log_set_request(const char *request_id)
{
	log_state.request = request_id;
}

void log_set_identity(const char *identity)
{
	log_state.identity = identity;
}

static void add(struct line *line, const char *data, size_t size)
{
	const size_t kept = 4;

	if (size > sizeof(line->text) - kept - line->size)
		return;
	memcpy(line->text + line->size, data, size);
	line->size += size;
}

static void add_text(struct line *line, const char *text)
{
	add(line, text, strlen(text));
}

/* Whether the sequence of size bytes can stand in a log: no control characters, neither those of
 * ASCII nor those that a terminal knows as U+0080 to U+009F. */
static bool is_harmless(const unsigned char *bytes, size_t size)
{
	if (size == 0 || bytes[0] < 0x20 || bytes[0] == 0x7f)
		return false;
	return !(bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

/* Outside text: everything that is not harmless UTF-8 becomes \xNN. */
static void add_escaped(struct line *line, const char *text)
{
	bool json = log_state.format == LOG_FORMAT_JSON;
	size_t left = strlen(text), step;
	char escape[8];

	for (; left > 0; text += step, left -= step) {
		const unsigned char *bytes = (const unsigned char *)text;

		step = text_utf8(text, left);
		if (json && (*text == '"' || *text == '\\')) {
			snprintf(escape, sizeof(escape), "\\%c", *text);
			add_text(line, escape);
		} else if (is_harmless(bytes, step)) {
			add(line, text, step);
		} else {
			step = 1;
			snprintf(escape, sizeof(escape), "%s\\x%02x", json ? "\\" : "", bytes[0]);
			add_text(line, escape);
		}
	}
}

static void add_text_line(struct line *line, enum log_level level, const char *message)
{
	char head[40 + 64];

	snprintf(head, sizeof(head), " %s %.32s[%ld]: ", level_names[level], log_state.process,
		 (long)getpid());
	add_text(line, head);
	if (log_state.request) {
		add_text(line, "request ");
		add_escaped(line, log_state.request);
		add_text(line, ": ");
	}
	if (log_state.identity) {
		add_text(line, "identity ");
		add_escaped(line, log_state.identity);
		add_text(line, ": ");
	}
	add_escaped(line, message);
}

static void add_json_line(struct line *line, enum log_level level, const char *message)
{
	char head[96 + 40];

	snprintf(head, sizeof(head), "\",\"level\":\"%s\",\"process\":\"%.32s\",\"pid\":%ld",
		 level_names[level], log_state.process, (long)getpid());
	add_text(line, head);
	if (log_state.request) {
		add_text(line, ",\"request_id\":\"");
		add_escaped(line, log_state.request);
		add_text(line, "\"");
	}
	if (log_state.identity) {
		add_text(line, ",\"identity\":\"");
		add_escaped(line, log_state.identity);
		add_text(line, "\"");
	}
	add_text(line, ",\"message\":\"");
	add_escaped(line, message);
}

/* One write per line: lines of several processes do not mix. */
static void flush(struct line *line, const char *end)
{
	size_t size = strlen(end), done = 0;

	memcpy(line->text + line->size, end, size);
	line->size += size;
	while (done < line->size) {
		ssize_t written = write(STDERR_FILENO, line->text + done, line->size - done);

		if (written < 0 && errno != EINTR)
			return;
		if (written > 0)
			done += (size_t)written;
	}
}

static void log_line(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *format, va_list args)
{
	int saved_errno = errno;
	char message[MESSAGE_MAX], now[40];
	struct line line;

	if (level < log_state.level)
		return;
	line.size = 0;
	vsnprintf(message, sizeof(message), format, args);
	clock_format_ns(clock_now_ns() / 1000000 * 1000000, now);
	if (log_state.format == LOG_FORMAT_JSON) {
		add_text(&line, "{\"time\":\"");
		add_text(&line, now);
		add_json_line(&line, level, message);
		flush(&line, "\"}\n");
	} else {
		add_text(&line, now);
		add_text_line(&line, level, message);
		flush(&line, "\n");
	}
	errno = saved_errno;
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

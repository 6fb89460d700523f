/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line an event to standard error, `time level process[pid]: subject: text`, or one
 * JSON object a line. Control characters are written as \xNN, so that nobody forges a line. */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* process is borrowed for ever (a literal such as "master"). */
void log_setup(enum log_level level, enum log_format format, const char *process);

/* The id of the request in hand, shown on every line until it is set to NULL. Borrowed. */
void log_set_request(const char *request_id);

/* Whose request it is, "method/name", where that is known; shown the same way. Borrowed. */
void log_set_identity(const char *identity);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

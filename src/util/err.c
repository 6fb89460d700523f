/* SPDX-License-Identifier: Apache-2.0 */
#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *name;
} names[] = {
	{ 0, "no error" },
	{ LH_ENOMEM, "memory is out" },
	{ LH_EINVAL, "invalid input" },
	{ LH_ERANGE, "out of range" },
	{ LH_ENOENT, "no such entry" },
	{ LH_EEXIST, "exists already" },
	{ LH_ECONFLICT, "changed by somebody else" },
	{ LH_EIO, "input/output failure" },
	{ LH_EFULL, "the store is full" },
	{ LH_ETIMEOUT, "deadline passed" },
	{ LH_EPERM, "not permitted" },
	{ LH_ECORRUPT, "corrupt data" },
	{ LH_EVERSION, "made by another version" },
	{ LH_EBUSY, "busy" },
	{ LH_ECLOUD, "the cloud failed" },
};

const char *err_name(int code)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return "unknown error";
}

/* The arguments may point into err->text itself, so the sentence is made beside it. */
int err_set(struct err *err, int code, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(err->text, text, strlen(text) + 1);
	return code;
}

int err_prefix(struct err *err, int code, const char *format, ...)
{
	char prefix[sizeof(err->text)];
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	return err_set(err, code, "%s: %s", prefix, err->text);
}

void err_text(char *out, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out, size, format, args);
	va_end(args);
}

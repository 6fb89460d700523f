/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are values: every function that can fail returns 0 or one of these negative codes.
 *
 * A function that knows what a person needs to hear also takes a `struct err *` and fills the
 * sentence: what failed, on what, why, what to do. A sentence never holds a secret. */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stddef.h>

enum {
	LH_ENOMEM = -1,    /* memory is out */
	LH_EINVAL = -2,    /* the input is wrong: the caller's user can mend it */
	LH_ERANGE = -3,    /* a number or length is out of its range */
	LH_ENOENT = -4,    /* there is no such thing */
	LH_EEXIST = -5,    /* there already is such a thing */
	LH_ECONFLICT = -6, /* a condition of a batch did not hold: somebody else was first */
	LH_EIO = -7,       /* the operating system or a library failed */
	LH_EFULL = -8,     /* the store's map or disk is full */
	LH_ETIMEOUT = -9,  /* the deadline is past */
	LH_EPERM = -10,    /* the caller may not do this */
	LH_ECORRUPT = -11, /* stored or received bytes are not what they must be */
	LH_EVERSION = -12, /* made by another version */
	LH_EBUSY = -13,    /* held by somebody else */
	LH_ECLOUD = -14,   /* the cloud refused or could not be reached */
};

/* The short text of a code, for logs: "no such entry". Never NULL. */
const char *err_name(int code);

/* The sentence that goes with a code. Zero-initialise it; text is cut, never overrun. */
struct err {
	char text[1024];
};

/* Writes the sentence and returns code, so that `return err_set(err, LH_EINVAL, …)` is one line.
 * err may be NULL: then only the code is returned. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the sentence, to add where it happened. Returns code. */
int err_prefix(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes a short text into a fixed array, cut to its size. */
void err_text(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts: numbers, hex, names. */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Lower-case hex of data; out has room for 2 * size + 1. */
void text_hex(const void *data, size_t size, char *out);

/* Reads exactly 2 * size hex digits of either case, nothing more. 0 or LH_EINVAL. */
int text_unhex(const char *text, void *out, size_t size);

/* A decimal integer with optional sign and nothing around it. 0, LH_EINVAL or LH_ERANGE. */
int text_int64(const char *text, int64_t *value_out);

/* The naming rule of Vault's routes: \w(([\w-.]+)?\w)? of at most 128 bytes. */
bool text_is_name(const char *text);

/* Bytes of the well-formed UTF-8 sequence at the start of data (1 to 4); 0 if there is none. */
size_t text_utf8(const void *data, size_t size);

/* Well-formed UTF-8 without control characters (below 0x20, 0x7f). */
bool text_is_printable(const char *text, size_t size);

/* Letters, digits and what `more` holds; 1 to max characters. */
bool text_is_word(const char *text, const char *more, size_t max);

/* The small letter of an ASCII capital; anything else stays. So UTF-8 stays well-formed. */
char text_lower(char c);

/* Copies the letters, digits and what `more` holds, cut to size (1 or more). */
void text_filter(char *out, size_t size, const char *text, const char *more);

bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* Whether the whole text is as the glob: each `*` in it stands for any text, also for none. */
bool text_matches(const char *glob, const char *text);

/* RFC 3986: everything but A-Z a-z 0-9 - _ . ~ becomes %XX. */
void text_percent_encode(struct buf *out, const char *text, size_t size);

/* Appends the text with the bytes that %XX stand for. 0, LH_EINVAL (an escape of nothing) or
 * LH_ENOMEM. */
int text_percent_decode(struct buf *out, const char *text, size_t size);

/* Base64 with padding and without line breaks (RFC 4648, section 4). */
void text_base64(struct buf *out, const void *data, size_t size);

/* Appends what text_base64 wrote; line breaks in it are skipped. 0, LH_EINVAL or LH_ENOMEM; out is
 * as it was when it fails. */
int text_unbase64(const char *text, size_t size, struct buf *out);

/* The same for URLs, without padding (section 5). */
void text_base64url(struct buf *out, const void *data, size_t size);

/* Appends what text_base64url wrote, and nothing else: each value has one spelling.
 * 0, LH_EINVAL or LH_ENOMEM; out keeps its size when it fails. */
int text_unbase64url(const char *text, size_t size, struct buf *out);

#endif

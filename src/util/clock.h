/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and times as texts. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* Wall clock, nanoseconds since 1970. Leases live by it, as the cloud does. */
int64_t clock_now_ns(void);

/* Wall clock, whole seconds since 1970. */
int64_t clock_now(void);

/* Milliseconds since boot, suspend included (CLOCK_BOOTTIME): deadlines, which every process of the
 * machine reads alike and nobody can set back. */
int64_t clock_boot_ms(void);

/* The same in microseconds. */
int64_t clock_boot_us(void);

/* The first whole second that is not before ns. */
int64_t clock_seconds_up(int64_t ns);

/* RFC 3339 in UTC with up to nine fractional digits, trailing zeros dropped, as Go writes it:
 * "2026-01-02T03:04:05.1234Z". out has room for 40 bytes. */
void clock_format_ns(int64_t ns, char *out);

/* "2026-01-02T03:04:05Z". out has room for 40 bytes. */
void clock_format(int64_t seconds, char *out);

/* Reads "2026-01-02T03:04:05Z" (fractions are cut). 0 or LH_EINVAL. */
int clock_parse(const char *text, int64_t *seconds_out);

#endif

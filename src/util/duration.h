/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Vault's clients and configuration files write them: 90, "90s", "1h30m", "1.5h",
 * "30d" (days stand alone). Units ns us ms s m h. The result is whole seconds, fractions cut. */
#ifndef UTIL_DURATION_H
#define UTIL_DURATION_H

#include <stdint.h>

struct err;

/* 0; or LH_EINVAL / LH_ERANGE with the words of Go's parser in err, which clients know:
 * `time: invalid duration "abc"`, `time: missing unit in duration "1.5"`,
 * `time: unknown unit "H" in duration "1H"`. Negative values are returned as such. */
int duration_parse(const char *text, int64_t *seconds_out, struct err *err);

/* Compact text: "768h", "1h30m", "1m30s", "0s". out has room for 32 bytes. */
void duration_format(int64_t seconds, char *out);

#endif

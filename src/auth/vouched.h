/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that were vouched for lately: whoever logs in often is not calculated anew each time.
 *
 * What is kept is the outcome of arithmetic on bytes, and bound to all of them: those of the
 * certificate and those of the entry that believes it (certificate_pair). It holds from when it was
 * found until the first of the authorities expires, and no longer than VOUCHED_SECONDS. What else can
 * change, as the certificate's own times, is for the caller to look at each time. */
#ifndef AUTH_VOUCHED_H
#define AUTH_VOUCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"

#define VOUCHED_SECONDS 300
#define VOUCHED_SLOTS   64 /* each pair has one place; whoever comes later takes it */

struct vouched;

/* 0, LH_ENOMEM. */
int vouched_new(struct vouched **vouched_out);
void vouched_free(struct vouched *vouched);

/* Whether the certificate was vouched for, and still is at that time (seconds since 1970). */
bool vouched_knows(const struct vouched *vouched, const unsigned char pair[SHA256_SIZE],
		   int64_t now);

/* It was found now, and holds at most to `until`. */
void vouched_keep(struct vouched *vouched, const unsigned char pair[SHA256_SIZE], int64_t now,
		  int64_t until);

#endif

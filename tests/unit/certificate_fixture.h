/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and those who are believed, read from paper. */
#ifndef TESTS_CERTIFICATE_FIXTURE_H
#define TESTS_CERTIFICATE_FIXTURE_H

#include "crypto/certificate.h"
#include "paper.h"

#define DAY 86400

/* Read from PEM, which must be sound. The caller's to free. */
struct certificate *read_one(const char *pem);
struct anchors *believe(const char *pem);

/* Why a client is not believed on account of an anchor, "" if it is. Borrowed. */
const char *fault(const struct paper *anchor, const struct paper *client);

/* An authority of that name. The caller's to free. */
struct paper *authority(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* auth/proxy/ and requests of whom the web server vouches for, as clients see them. */
#ifndef TESTS_IDENTITY_FIXTURE_H
#define TESTS_IDENTITY_FIXTURE_H

#include "api_fixture.h"

#define ENTRY "auth/proxy/identity/"
#define SELF  "auth/token/lookup-self"

/* A believed request, which a test then spoils. Path with /v1/. */
struct api_request vouched(const char *name, const char *method, const char *path);

/* Asks as an identity of the method basic. Returns the status. */
int ask_as(const char *name, const char *method, const char *path);

/* Writes an entry, "method/name". */
void put(const char *entry, const char *body);

/* A member of the last body's data's metadata. Borrowed. */
const char *meta(const char *member);

/* Asks as the name, or with the token unless it is "", until there were too many. Two of the
 * requests fall within a second, however slow the machine is. */
void ask_until_too_many(const char *name, const char *token);

#endif

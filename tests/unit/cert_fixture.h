/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/ as clients see it, who come with certificates. */
#ifndef TESTS_CERT_FIXTURE_H
#define TESTS_CERT_FIXTURE_H

#include "api_fixture.h"
#include "paper.h"

#define DENIED "permission denied"
#define CERTS  "auth/cert/certs/"

/* Two authorities; svc-one of the first, and somebody else who says that they are svc-one. */
extern struct paper *ca, *other, *client, *stranger;

int cert_set_up(void **state);
int cert_tear_down(void **state);

#define CERT_TEST(name) cmocka_unit_test_setup_teardown(name, cert_set_up, cert_tear_down)

/* What the web server says of the certificate of the last request, as long as it can be. */
extern char shown[64 * 1024];

/* A POST with a certificate, or with NULL without one, which a test then spoils. Path with /v1/. */
struct api_request with(const struct paper *paper, const char *path, const char *body);

/* Writes an entry of the certificate; more: its other members, as JSON. Returns the status. */
int put(const char *name, const struct paper *paper, const char *more);

#endif

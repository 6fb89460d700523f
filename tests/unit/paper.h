/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as tests need them: of authorities, of clients, and wrong in every way. */
#ifndef TESTS_PAPER_H
#define TESTS_PAPER_H

#include <stdbool.h>
#include <stdint.h>

struct paper; /* a certificate with its key */

/* What is to be in it. What is left out is "" or 0: not in it. */
struct paper_terms {
	const struct paper *signer; /* NULL: itself */
	bool authority;
	int path_length; /* of an authority, plus one; 0: any */
	const char *common_name, *second_common_name, *unit;
	const char *dns, *email, *uri;
	const char *permitted_dns; /* name constraint of an authority */
	int64_t from, until;       /* seconds from now; both 0: an hour before and after */
	const char *purpose;       /* its extended key usage */
	unsigned usage;            /* its key usage, PAPER_… */
	bool weak;                 /* signed with SHA-1 */
	bool old;                  /* X.509 version 1 */
	bool critical;             /* with a critical extension that nobody knows */
	const struct paper *key;   /* whose key; NULL: a new one */
	uint64_t serial;           /* 0: some number */
};

#define PAPER_CLIENT    "1.3.6.1.5.5.7.3.2"
#define PAPER_SERVER    "1.3.6.1.5.5.7.3.1"
#define PAPER_ANY       "2.5.29.37.0"
#define PAPER_SIGNATURE 128
#define PAPER_SIGN_CRT  4

/* Fails the test when it cannot be made. */
struct paper *paper_new(const struct paper_terms *terms);
void paper_free(struct paper *paper);

/* Its PEM. Borrowed. */
const char *paper_pem(const struct paper *paper);

#endif

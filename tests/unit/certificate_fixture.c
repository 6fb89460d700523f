/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certificate_fixture.h"
#include "util/clock.h"
#include "util/err.h"

struct certificate *read_one(const char *pem)
{
	struct certificate *certificate;

	assert_int_equal(certificate_read(pem, strlen(pem), &certificate), 0);
	return certificate;
}

struct anchors *believe(const char *pem)
{
	struct err err = { "" };
	struct anchors *anchors;

	if (anchors_read(pem, strlen(pem), &anchors, &err))
		fail_msg("%s", err.text);
	return anchors;
}

const char *fault(const struct paper *anchor, const struct paper *client)
{
	struct anchors *anchors = believe(paper_pem(anchor));
	struct certificate *certificate = read_one(paper_pem(client));
	const char *found = anchors_fault(anchors, certificate, clock_now());

	certificate_free(certificate);
	anchors_free(anchors);
	return found ? found : "";
}

struct paper *authority(const char *name)
{
	return paper_new(&(struct paper_terms){ .authority = true, .common_name = name });
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A connection with the web server's end in the test's hand and the other in fcgi's. */
#ifndef TESTS_FCGI_FIXTURE_H
#define TESTS_FCGI_FIXTURE_H

#include "api/api.h"
#include "fake_web.h"
#include "proc/fcgi.h"
#include "util/buf.h"

struct fixture {
	int web; /* the web server's end */
	struct fcgi *fcgi;
	struct api_request request;
	struct api_reply refusal;
	struct buf bytes; /* to be sent */
};

/* For cmocka. */
int fcgi_set_up(void **state);
int fcgi_tear_down(void **state);

/* Sends what was collected and has it read. */
enum fcgi_outcome deliver(struct fixture *fixture);

#define CASE(function) cmocka_unit_test_setup_teardown(function, fcgi_set_up, fcgi_tear_down)

#endif

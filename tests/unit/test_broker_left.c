/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations that are left before their end, with an HTTP client that never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker_fixture.h"
#include "fake_engine.h"
#include "http/http.h"
#include "util/clock.h"

/* ---- The client ---- */

static struct {
	int ret; /* of a run, while a request is in flight */
	unsigned in_flight;
} web;

int http_client_new(size_t max_connections, struct http_client **client_out, struct err *error)
{
	(void)max_connections;
	(void)error;
	*client_out = NULL;
	return 0;
}

void http_client_free(struct http_client *client)
{
	(void)client;
}

int http_start(struct http_client *client, const struct http_request *request, http_done done,
	       void *context, struct http_transfer **transfer_out)
{
	(void)client;
	(void)request;
	(void)done;
	(void)context;
	(void)transfer_out;
	web.in_flight++;
	return 0;
}

void http_cancel(struct http_client *client, struct http_transfer *transfer)
{
	(void)client;
	(void)transfer;
	web.in_flight--;
}

int http_run(struct http_client *client, int64_t timeout_ms, struct pollfd *extra,
	     size_t extra_count)
{
	(void)client;
	(void)timeout_ms;
	(void)extra;
	(void)extra_count;
	return web.in_flight ? web.ret : 0;
}

static int set_up(void **state)
{
	memset(&web, 0, sizeof(web));
	return broker_set_up(state);
}

#define LEFT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, broker_tear_down)

/* ---- Who goes ---- */

/* Told to end while a cloud hangs, the revoker goes before its talker does. */
static void a_revoker_takes_its_conversations_along(void **state)
{
	char *id = issue_delivered();

	(void)state;
	fake.revoke = STEP_MORE;
	assert_int_equal(broker_revoke(broker, id, REVOKE_ASYNC, 0, &err), 0);
	turn(3);
	assert_int_equal(revoker_in_flight(revoker), 1);
	assert_int_equal(web.in_flight, 1);
	revoker_free(revoker);
	revoker = NULL;
	assert_int_equal(web.in_flight, 0);
	free(id);
}

/* The next request of the worker would move it on, with what it lent it long gone. */
static void an_issue_whose_client_fails_leaves_none_behind(void **state)
{
	struct lease *lease;

	(void)state;
	fake.issue = STEP_MORE;
	web.ret = LH_EIO;
	assert_int_equal(issue(), LH_EIO);
	assert_int_equal(reply.failure, FAILURE_INTERNAL);
	assert_int_equal(web.in_flight, 0);
	assert_int_equal(fake.issues, 1);
	/* Whatever was under way may take effect. */
	lease = only_lease();
	assert_int_equal(lease->state, LEASE_REVOKING);
	assert_in_range(lease->unsure_until - clock_now(), 1100, 1200);
	lease_free(lease);
}

static void nor_does_a_question_about_a_role(void **state)
{
	struct warnings warnings = { .count = 0 };
	json_t *role = json_object(), *resolved;

	(void)state;
	fake.asks = true;
	fake.resolve = STEP_MORE;
	web.ret = LH_EIO;
	assert_int_equal(broker_resolve_role(broker, mount(), role, clock_boot_ms() + 5000,
					     &resolved, &warnings, &err),
			 LH_EIO);
	assert_int_equal(web.in_flight, 0);
	json_decref(role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEFT_TEST(a_revoker_takes_its_conversations_along),
		LEFT_TEST(an_issue_whose_client_fails_leaves_none_behind),
		LEFT_TEST(nor_does_a_question_about_a_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

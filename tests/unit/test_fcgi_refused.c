/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anybody looks at a request, and what ends a connection without a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fcgi_fixture.h"
#include "proc/signals.h"
#include "util/clock.h"

/* ---- What is refused ---- */

static const struct {
	const char *name;
	const char *length;            /* CONTENT_LENGTH */
	const char *parameter, *value; /* one more parameter; NULL: none */
	bool without_end;              /* of the parameters: LH_END */
	enum web_role role;
	int status;
	bool kept; /* the connection: any client can cause this */
} refusals[] = {
	{ "a list without its end", "", NULL, NULL, true, WEB_RESPONDER, 400, false },
	{ "a parameter that occurs twice", "", "LH_TOKEN", "hvs.other", false, WEB_RESPONDER, 400,
	  false },
	{ "an unknown one that occurs twice", "", "LH_END", "1", false, WEB_RESPONDER, 400, false },
	{ "a name that makes another with its equals sign", "", "LH_TOKEN=a", "b", false,
	  WEB_RESPONDER, 400, false },
	{ "a role of its own making", "", "FCGI_ROLE", "RESPONDER", false, WEB_RESPONDER, 400,
	  false },
	{ "a line feed in a value", "", "CONTENT_TYPE", "a\nb", false, WEB_RESPONDER, 400, true },
	{ "a delete character in a value", "", "CONTENT_TYPE", "a\x7f", false, WEB_RESPONDER, 400,
	  true },
	{ "a control character in a name", "", "A\x01", "b", false, WEB_RESPONDER, 400, true },
	{ "bytes that are no UTF-8", "", "LH_NAMESPACE", "\xff\xfe", false, WEB_RESPONDER, 400,
	  true },
	{ "another role", "", NULL, NULL, false, WEB_AUTHORIZER, 400, false },
	{ "a negative length", "-1", NULL, NULL, false, WEB_RESPONDER, 400, false },
	{ "a length with a sign", "+1", NULL, NULL, false, WEB_RESPONDER, 400, false },
	{ "a length with text behind it", "1 ", NULL, NULL, false, WEB_RESPONDER, 400, false },
	{ "a hexadecimal length", "0x1", NULL, NULL, false, WEB_RESPONDER, 400, false },
	{ "a length over the limit", "2097153", NULL, NULL, false, WEB_RESPONDER, 413, false },
	{ "a length that overflows every number", "99999999999999999999999999999999", NULL, NULL,
	  false, WEB_RESPONDER, 413, false },
};

static void check_refusal(struct fixture *fixture, size_t i)
{
	struct buf params = BUF_INIT, text = BUF_INIT;

	web_usual_params(&params, "GET", refusals[i].length);
	if (refusals[i].parameter)
		web_param(&params, refusals[i].parameter, refusals[i].value);
	if (!refusals[i].without_end)
		web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, refusals[i].role, true);
	web_params(&fixture->bytes, &params);
	web_body_end(&fixture->bytes);
	if (deliver(fixture) != FCGI_REFUSED)
		fail_msg("%s: was not refused", refusals[i].name);
	if (fixture->refusal.status != refusals[i].status)
		fail_msg("%s: status %d", refusals[i].name, fixture->refusal.status);
	assert_true(fcgi_send(fixture->fcgi, &fixture->refusal));
	assert_true(web_reply(fixture->web, &text));
	if (!strstr(buf_text(&text), "\r\n\r\n{\"errors\":[\""))
		fail_msg("%s: the reply is %s", refusals[i].name, buf_text(&text));
	if (fcgi_end(fixture->fcgi, true) != refusals[i].kept)
		fail_msg("%s: the connection was%s kept", refusals[i].name,
			 refusals[i].kept ? " not" : "");
	api_reply_clear(&fixture->refusal);
	buf_free(&params);
	buf_free(&text);
}

static void what_nginx_would_never_send_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		check_refusal(*state, i);
		fcgi_tear_down(state);
		assert_int_equal(fcgi_set_up(state), 0);
	}
}

/* What came with it must not be taken for the next request. */
static void the_body_of_one_that_is_refused_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct buf params = BUF_INIT;

	web_usual_params(&params, "POST", "4");
	web_param(&params, "LH_NAMESPACE", "\xff");
	web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, WEB_RESPONDER, true);
	web_params(&fixture->bytes, &params);
	web_body(&fixture->bytes, "body");
	web_body_end(&fixture->bytes);
	assert_int_equal(deliver(fixture), FCGI_REFUSED);
	assert_true(fcgi_send(fixture->fcgi, &fixture->refusal));
	assert_true(fcgi_end(fixture->fcgi, true));
	api_reply_clear(&fixture->refusal);
	web_request(&fixture->bytes, "GET", "", true);
	assert_int_equal(deliver(fixture), FCGI_COMPLETE);
	assert_int_equal(fixture->request.body_size, 0);
	buf_free(&params);
}

static void too_many_parameters_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buf params = BUF_INIT;
	char name[16];

	for (int i = 0; i <= FCGI_PARAMETERS_MAX; i++) {
		snprintf(name, sizeof(name), "P%d", i);
		web_param(&params, name, "");
	}
	web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, WEB_RESPONDER, false);
	web_params(&fixture->bytes, &params);
	web_body_end(&fixture->bytes);
	assert_int_equal(deliver(fixture), FCGI_REFUSED);
	assert_int_equal(fixture->refusal.status, 400);
	api_reply_clear(&fixture->refusal);
	buf_free(&params);
}

/* ---- What is lost ---- */

static void add_head(struct fixture *fixture, const char *length)
{
	struct buf params = BUF_INIT;

	web_usual_params(&params, "POST", length);
	web_param(&params, "LH_END", "1");
	web_begin(&fixture->bytes, WEB_RESPONDER, true);
	web_params(&fixture->bytes, &params);
	buf_free(&params);
}

static void check_lost(struct fixture *fixture)
{
	struct buf text = BUF_INIT;

	assert_int_equal(deliver(fixture), FCGI_LOST);
	assert_false(fcgi_end(fixture->fcgi, true));
	assert_false(web_reply(fixture->web, &text));
	assert_int_equal(text.size, 0);
	buf_free(&text);
}

static void a_body_that_is_too_short_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "10");
	web_body(&fixture->bytes, "short");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_body_that_is_too_long_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "3");
	web_body(&fixture->bytes, "longer");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_body_without_a_length_closes(void **state)
{
	struct fixture *fixture = *state;

	add_head(fixture, "");
	web_body(&fixture->bytes, "body");
	web_body_end(&fixture->bytes);
	check_lost(fixture);
}

static void a_stalled_body_closes_after_the_timeout(void **state)
{
	struct fixture *fixture = *state;
	int64_t start = clock_boot_ms();

	add_head(fixture, "10");
	web_body(&fixture->bytes, "short");
	check_lost(fixture);
	assert_in_range(clock_boot_ms() - start, 250, 60000);
}

static void parameters_that_are_cut_short_close(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "GET", "", true);
	fixture->bytes.size = 60; /* in the middle of the parameters */
	web_send(fixture->web, &fixture->bytes);
	shutdown(fixture->web, SHUT_WR);
	fixture->bytes.size = 0;
	check_lost(fixture);
}

static void another_protocol_closes(void **state)
{
	struct fixture *fixture = *state;

	buf_add_text(&fixture->bytes, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	check_lost(fixture);
}

static void a_wrong_version_in_the_parameters_closes(void **state)
{
	struct fixture *fixture = *state;

	web_request(&fixture->bytes, "GET", "", true);
	fixture->bytes.data[16] = 9; /* of the second record */
	check_lost(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_nginx_would_never_send_is_refused),
		CASE(the_body_of_one_that_is_refused_is_read),
		CASE(too_many_parameters_are_refused),
		CASE(a_body_that_is_too_short_closes),
		CASE(a_body_that_is_too_long_closes),
		CASE(a_body_without_a_length_closes),
		CASE(a_stalled_body_closes_after_the_timeout),
		CASE(parameters_that_are_cut_short_close),
		CASE(another_protocol_closes),
		CASE(a_wrong_version_in_the_parameters_closes),
	};

	if (fcgi_init() != 0)
		return 1;
	signals_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

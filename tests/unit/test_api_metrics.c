/* SPDX-License-Identifier: Apache-2.0 */
/* sys/metrics as scrapers and clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "api_memory.h"
#include "auth/identity.h"
#include "broker/broker.h"
#include "fail_alloc.h"
#include "util/json.h"
#include "util/shared.h"

#define TEXT "text/plain; version=0.0.4"

/* Whether the text has this line. */
static bool says(const char *line)
{
	char whole[200];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(buf_text(&f.reply.body), whole);
}

/* The entry of that name in a list of the JSON, with that label. */
static json_t *entry(const char *list, const char *name, const char *method)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(f.body, list), i, one)
	{
		const char *label = json_get_text(json_object_get(one, "Labels"), "method");

		if (!strcmp(json_get_text(one, "Name"), name) && !strcmp(label, method))
			return one;
	}
	return NULL;
}

static int64_t number(const char *list, const char *name, const char *method, const char *member)
{
	const json_t *value = json_object_get(entry(list, name, method), member);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void counters_are_summed_over_all_processes(void **state)
{
	(void)state;
	slot_count(&f.shared->slots[3], COUNT_ISSUED);
	slot_count(&f.shared->slots[SHARED_SLOTS - 1], COUNT_ISSUED);
	slot_count(&f.shared->slots[4], COUNT_IDENTITIES + IDENTITY_MAP);
	f.shared->started = 1700000000;
	assert_int_equal(ask(&f, "GET", "sys/metrics?format=prometheus", NULL), 200);
	assert_string_equal(f.reply.type, TEXT);
	assert_true(
		says("# HELP leasehold_credentials_issued_total Credentials that were issued."));
	assert_true(says("# TYPE leasehold_credentials_issued_total counter"));
	assert_true(says("leasehold_credentials_issued_total 2"));
	assert_true(says("leasehold_revocations_total 0"));
	assert_true(says("leasehold_identity_requests_total{method=\"map\"} 1"));
	assert_true(says("leasehold_identity_requests_total{method=\"cert\"} 0"));
	assert_true(says("# TYPE leasehold_start_time_seconds gauge"));
	assert_true(says("leasehold_start_time_seconds 1700000000"));
}

static void the_same_is_told_as_json(void **state)
{
	(void)state;
	slot_count(&f.shared->slots[3], COUNT_CLOUD_CALLS);
	slot_count(&f.shared->slots[4], COUNT_CLOUD_CALLS);
	slot_count(&f.shared->slots[4], COUNT_IDENTITIES + IDENTITY_BASIC);
	assert_int_equal(ask(&f, "GET", "sys/metrics", NULL), 200);
	assert_null(f.reply.type);
	assert_int_equal(number("Counters", "leasehold_cloud_calls_total", "", "Count"), 2);
	assert_int_equal(number("Counters", "leasehold_cloud_calls_total", "", "Sum"), 2);
	assert_int_equal(number("Counters", "leasehold_identity_requests_total", "basic", "Count"),
			 1);
	assert_int_equal(number("Gauges", "leasehold_clock_disagrees", "", "Value"), 0);
	assert_int_equal(json_array_size(json_object_get(f.body, "Points")), 0);
	assert_int_equal(json_array_size(json_object_get(f.body, "Samples")), 0);
	assert_string_equal(json_get_text(f.body, "Timestamp") + 19, " +0000 UTC");
}

/* The dead and the places that nobody has are no processes. */
static void gauges_tell_of_now(void **state)
{
	(void)state;
	atomic_store(&f.shared->slots[10].pid, 100);
	atomic_store(&f.shared->slots[11].pid, 101);
	atomic_store(&f.shared->slots[11].deadline, 5);
	atomic_store(&f.shared->slots[12].pid, -102);
	atomic_store(&f.shared->slots[12].deadline, 5);
	atomic_store(&f.shared->dates_off, 2);
	assert_int_equal(ask(&f, "GET", "sys/metrics", NULL), 200);
	assert_int_equal(number("Gauges", "leasehold_processes", "", "Value"), 2);
	assert_int_equal(number("Gauges", "leasehold_requests_in_flight", "", "Value"), 1);
	assert_int_equal(number("Gauges", "leasehold_clock_disagrees", "", "Value"), 1);
}

static void the_accept_header_chooses_where_no_format_is_named(void **state)
{
	static const struct {
		const char *name, *accept, *query, *type;
	} cases[] = {
		{ "a scraper", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "",
		  TEXT },
		{ "an older scraper", "text/plain;version=0.0.4", "", TEXT },
		{ "as Vault's own documentation says", "prometheus/telemetry", "", TEXT },
		{ "curl", "*/*", "", NULL },
		{ "a browser", "text/html,application/json", "", NULL },
		{ "a format that is named wins", "*/*", "format=prometheus", TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct api_request raw = {
			.method = "GET",
			.path = "/v1/sys/metrics",
			.query = cases[i].query,
			.accept = cases[i].accept,
			.token = f.token,
		};

		if (ask_raw(&f, &raw) != 200 ||
		    strcmp(f.reply.type ? f.reply.type : "", cases[i].type ? cases[i].type : ""))
			fail_msg("%s: %d %s", cases[i].name, f.reply.status, f.reply.type);
	}
}

static void another_format_is_refused(void **state)
{
	(void)state;
	expect(&f, "GET", "sys/metrics?format=xml", NULL, 400,
	       "format: is \"prometheus\", or absent for JSON");
}

static void without_a_policy_nothing_is_shown(void **state)
{
	(void)state;
	f.token[0] = '\0';
	expect(&f, "GET", "sys/metrics", NULL, 403, "permission denied");
}

static void lost_memory_is_a_fault(void **state)
{
	struct api_request raw = {
		.method = "GET",
		.path = "/v1/sys/metrics",
		.token = f.token,
	};

	(void)state;
	lose_each(&f, &raw, LOSS_MAY_BE_BORNE, 200);
	raw.query = "format=prometheus";
	lose_each(&f, &raw, LOSS_MAY_BE_BORNE, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(counters_are_summed_over_all_processes),
		API_TEST(the_same_is_told_as_json),
		API_TEST(gauges_tell_of_now),
		API_TEST(the_accept_header_chooses_where_no_format_is_named),
		API_TEST(another_format_is_refused),
		API_TEST(without_a_policy_nothing_is_shown),
		API_TEST(lost_memory_is_a_fault),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

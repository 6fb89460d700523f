/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and their leases through the API, with an engine without a cloud. Nobody but the test
 * turns the revoker: what waits for it ends at its deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "fail_alloc.h"
#include "lending_fixture.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/text.h"

#define GOES_ON                                                                                    \
	"the revocation was recorded and goes on; it was not done before the deadline of this "    \
	"request"

static char lease_id[200];

static void issue(void)
{
	assert_int_equal(ask(&f, "GET", "cloud/creds/app", NULL), 200);
	snprintf(lease_id, sizeof(lease_id), "%s", json_get_text(f.body, "lease_id"));
	assert_true(text_starts_with(lease_id, "cloud/creds/app/"));
}

static const char *with_lease(const char *rest)
{
	static char body[400];

	snprintf(body, sizeof(body), "{\"lease_id\":\"%s\"%s}", lease_id, rest);
	return body;
}

static json_t *look_up(void)
{
	assert_int_equal(ask(&f, "PUT", "sys/leases/lookup", with_lease("")), 200);
	return json_object_get(f.body, "data");
}

static int lease_state(void)
{
	struct lease *lease;
	int state;

	assert_int_equal(lease_get(f.temp.store, lease_id, &lease), 0);
	state = (int)lease->state;
	lease_free(lease);
	return state;
}

/* ---- Issue ---- */

static void a_credential_comes_with_its_lease(void **state)
{
	(void)state;
	fake.ttl = 1800;
	issue();
	assert_string_equal(data_text(&f, "secret"), "only for the caller");
	assert_int_equal(json_get_int(f.body, "lease_duration", 0), 1800);
	assert_true(json_get_true(f.body, "renewable"));
	assert_string_equal(json_get_text(f.body, "mount_type"), "fake");
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static int serve_creds(void)
{
	const struct api_request raw = {
		.method = "GET",
		.path = "/v1/" CREDS,
		.token = f.token,
		.deadline = clock_boot_ms() + 5000,
	};

	return serve(&f, &raw);
}

static void a_credential_that_nobody_received_is_revoked(void **state)
{
	(void)state;
	assert_int_equal(serve_creds(), 200);
	settle(&f, false);
	turn(2);
	assert_int_equal(fake.revokes, 1);
	/* Once is enough, whatever is sent next. */
	assert_int_equal(ask(&f, "GET", "sys/mounts", NULL), 200);
	turn(2);
	assert_int_equal(fake.revokes, 1);
}

/* Whatever is slow comes when the web server does not wait any more. Until then the slot says how the
 * reply fared. */
static void a_sent_credential_is_confirmed_afterwards(void **state)
{
	const struct slot *slot = &f.shared->slots[0];
	json_t *body;

	(void)state;
	assert_int_equal(serve_creds(), 200);
	assert_int_equal(json_read(f.reply.body.data, f.reply.body.size, &body, NULL), 0);
	snprintf(lease_id, sizeof(lease_id), "%s", json_get_text(body, "lease_id"));
	json_decref(body);
	assert_int_equal(slot->phase, SLOT_ISSUED);
	api_sent(f.api, true);
	assert_int_equal(slot->phase, SLOT_DELIVERED);
	assert_int_equal(lease_state(), LEASE_ISSUED);
	api_settle(f.api);
	assert_int_equal(slot->phase, SLOT_FREE);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

/* Whatever allocation fails: a reply without credential leaves no lease behind. */
static void lost_memory_leaves_no_credential(void **state)
{
	int status = 500;

	(void)state;
	for (unsigned n = 1; status != 200; n++) {
		fail_alloc_at(n);
		status = serve_creds();
		fail_alloc_stop();
		settle(&f, true);
		assert_true(status == 200 || status >= 400);
		if (status != 200) {
			turn(3);
			expect(&f, "LIST", "sys/leases/lookup/cloud", NULL, 404, "{\"errors\":[]}");
		}
		assert_true(n < 3000);
	}
	assert_int_equal(ask(&f, "LIST", "sys/leases/lookup/cloud", NULL), 200);
}

static const struct {
	enum answer_kind kind;
	int status;
	const char *error;
} failures[] = {
	{ ANSWER_REFUSED, 400,
	  "fake: CreateUser as key-1: NoPermission (request R-1): ask an operator" },
	{ ANSWER_THROTTLED, 429,
	  "fake: CreateUser as key-1: NoPermission (request R-1): ask an operator" },
	{ ANSWER_UNSENT, 502,
	  "fake: CreateUser as key-1: NoPermission (request R-1): ask an operator" },
};

static void failures_of_the_cloud_have_their_status(void **state)
{
	(void)state;
	fake.issue = STEP_FAILED;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		fake.culprit = (struct answer){ .action = "CreateUser",
						.kind = failures[i].kind,
						.code = "NoPermission",
						.request_id = "R-1",
						.retry_after_ms = 2500 };
		expect(&f, "GET", "cloud/creds/app", NULL, failures[i].status, failures[i].error);
		if (failures[i].kind == ANSWER_THROTTLED)
			assert_string_equal(f.reply.headers[0].value, "3");
	}
}

/* ---- Lookup and lists ---- */

static void a_lease_is_looked_up(void **state)
{
	json_t *data;
	char time[40];

	(void)state;
	fake.ttl = 1800;
	issue();
	data = look_up();
	assert_string_equal(json_get_text(data, "id"), lease_id);
	assert_string_equal(json_get_text(data, "path"), "cloud/creds/app");
	assert_in_range(json_get_int(data, "ttl", 0), 1799, 1800);
	assert_true(json_get_true(data, "renewable"));
	assert_true(json_is_null(json_object_get(data, "last_renewal")));
	assert_null(json_object_get(data, "revoke_error"));
	clock_format(clock_now() - 100, time);
	assert_true(strcmp(json_get_text(data, "issue_time"), time) > 0);
	assert_true(strcmp(json_get_text(data, "expire_time"), json_get_text(data, "issue_time")) >
		    0);
	assert_int_equal(ask(&f, "PUT", "sys/leases/renew", with_lease("")), 200);
	assert_true(json_is_string(json_object_get(look_up(), "last_renewal")));
}

static void leases_are_listed_folder_by_folder(void **state)
{
	(void)state;
	issue();
	expect_data(&f, "LIST", "sys/leases/lookup/", NULL, "{\"keys\":[\"cloud/\"]}");
	expect_data(&f, "LIST", "sys/leases/lookup", NULL, "{\"keys\":[\"cloud/\"]}");
	expect_data(&f, "LIST", "sys/leases/lookup/cloud/creds", NULL, "{\"keys\":[\"app/\"]}");
	issue();
	issue();
	assert_int_equal(ask(&f, "LIST", "sys/leases/lookup/cloud/creds/app", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(json_object_get(f.body, "data"), "keys")),
			 3);
	assert_int_equal(
		ask(&f, "GET", "sys/leases/lookup/cloud/creds/app?list=true&limit=2", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(json_object_get(f.body, "data"), "keys")),
			 2);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 1);
}

/* No key of the store is that long. */
static void what_is_too_long_to_be_listed_is_the_clients_mistake(void **state)
{
	char path[1200];

	(void)state;
	issue();
	snprintf(path, sizeof(path), "sys/leases/lookup/%0600d", 0);
	expect(&f, "LIST", path, NULL, 404, "{\"errors\":[]}");
	snprintf(path, sizeof(path), "sys/leases/lookup/cloud?after=%0600d", 0);
	expect(&f, "LIST", path, NULL, 400, "after is too long");
	snprintf(path, sizeof(path), "sys/leases/lookup/cloud?after=%0600d/", 0);
	expect(&f, "LIST", path, NULL, 400, "after is too long");
}

/* ---- Renew ---- */

static void a_lease_is_renewed(void **state)
{
	char path[300];

	(void)state;
	fake.max_ttl = 7200;
	issue();
	assert_int_equal(ask(&f, "PUT", "sys/leases/renew", with_lease(",\"increment\":\"15m\"")),
			 200);
	assert_int_equal(json_get_int(f.body, "lease_duration", 0), 900);
	assert_string_equal(json_get_text(f.body, "lease_id"), lease_id);
	assert_true(json_get_true(f.body, "renewable"));
	assert_true(json_is_null(json_object_get(f.body, "data")));
	snprintf(path, sizeof(path), "sys/renew/%s", lease_id);
	assert_int_equal(ask(&f, "POST", path, "{\"increment\":99999,\"x\":1}"), 200);
	assert_in_range(json_get_int(f.body, "lease_duration", 0), 7198, 7200);
	assert_int_equal(json_array_size(json_object_get(f.body, "warnings")), 2);
}

/* ---- Revoke ---- */

static void a_revocation_that_is_only_begun_is_a_202(void **state)
{
	(void)state;
	issue();
	expect(&f, "PUT", "sys/leases/revoke", with_lease(",\"sync\":false"), 202, "");
	assert_false(json_get_true(look_up(), "renewable"));
	expect(&f, "PUT", "sys/leases/renew", with_lease(""), 400, "lease expired");
	turn(2);
	expect(&f, "PUT", "sys/leases/lookup", with_lease(""), 400, "invalid lease");
	assert_int_equal(fake.revokes, 1);
}

static void one_that_takes_too_long_goes_on(void **state)
{
	char path[300];

	(void)state;
	issue();
	snprintf(path, sizeof(path), "sys/leases/revoke/%s", lease_id);
	expect(&f, "PUT", path, NULL, 504, GOES_ON);
	turn(2);
	expect(&f, "PUT", path, NULL, 204, "");
}

static void a_prefix_is_no_part_of_a_name(void **state)
{
	(void)state;
	issue();
	expect(&f, "PUT", "sys/leases/revoke-prefix/cloud/creds/ap", "{\"sync\":false}", 202, "");
	turn(3);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
	expect(&f, "PUT", "sys/revoke-prefix/cloud/creds", "{\"sync\":false}", 202, "");
	turn(3);
	expect(&f, "PUT", "sys/leases/lookup", with_lease(""), 400, "invalid lease");
}

static void a_prefix_may_be_one_lease(void **state)
{
	char path[300], first[200];

	(void)state;
	issue();
	snprintf(first, sizeof(first), "%s", lease_id);
	issue();
	snprintf(path, sizeof(path), "sys/leases/revoke-prefix/%s", first);
	expect(&f, "PUT", path, "{\"sync\":false}", 202, "");
	turn(3);
	assert_int_equal(fake.revokes, 1);
	assert_int_equal(lease_state(), LEASE_ACTIVE);
}

static void fail_revocations(int times)
{
	struct store_batch batch;
	struct lease *old, *new;

	fake.revoke = STEP_FAILED;
	fake.culprit = (struct answer){ .action = "DeleteUser", .kind = ANSWER_SICK };
	for (int i = 0; i < times; i++) {
		memset(&batch, 0, sizeof(batch));
		assert_int_equal(lease_get(f.temp.store, lease_id, &old), 0);
		new = lease_copy(old);
		new->due = clock_now() - 1;
		assert_int_equal(lease_change(f.temp.store, &batch, old, new), 0);
		assert_int_equal(store_apply(f.temp.store, STORE_NORMAL, &batch, NULL), 0);
		store_batch_free(&batch);
		lease_free(old);
		lease_free(new);
		turn(2);
	}
}

static void what_cannot_be_revoked_is_shown(void **state)
{
	json_t *data, *entry;

	(void)state;
	issue();
	fail_revocations(1);
	assert_string_equal(json_get_text(look_up(), "revoke_error"),
			    "fake: DeleteUser as key-1: the cloud is unwell");
	expect_data(&f, "GET", "sys/leases/count?type=irrevocable", NULL,
		    "{\"lease_count\":0,\"counts\":{}}");
	fail_revocations(5);
	assert_int_equal(ask(&f, "GET", "sys/leases/count?type=irrevocable", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_int_equal(json_get_int(data, "lease_count", 0), 1);
	assert_int_equal(json_object_size(json_object_get(data, "counts")), 1);
	assert_int_equal(ask(&f, "GET", "sys/leases?type=irrevocable", NULL), 200);
	data = json_object_get(f.body, "data");
	assert_int_equal(json_get_int(data, "lease_count", 0), 1);
	entry = json_array_get(json_object_get(data, "leases"), 0);
	assert_string_equal(json_get_text(entry, "lease_id"), lease_id);
	assert_true(text_starts_with(json_get_text(entry, "mount_id"), "fake_"));
	assert_string_equal(json_get_text(entry, "error"),
			    "fake: DeleteUser as key-1: the cloud is unwell");
	expect(&f, "PUT", "sys/leases/renew", with_lease(""), 400,
	       "lease is expired and has failed previous revocation attempts");
}

static void force_forgets_what_cannot_be_revoked(void **state)
{
	char path[300];

	(void)state;
	issue();
	fake.revoke = STEP_FAILED;
	snprintf(path, sizeof(path), "sys/leases/revoke-force/%s", lease_id);
	expect(&f, "PUT", path, "{\"sync\":false}", 504, GOES_ON);
	turn(2);
	expect(&f, "PUT", path, NULL, 504, GOES_ON);
	turn(3);
	expect(&f, "PUT", "sys/leases/lookup", with_lease(""), 400, "invalid lease");
}

/* ---- Mounts with leases ---- */

static void a_disabled_mount_takes_its_leases_along(void **state)
{
	(void)state;
	issue();
	expect(&f, "DELETE", "sys/mounts/cloud", NULL, 504, GOES_ON);
	expect(&f, "GET", "cloud/creds/app", NULL, 404,
	       "no handler for route \"cloud/creds/app\". route entry is tainted.");
	turn(6);
	expect(&f, "DELETE", "sys/mounts/cloud", NULL, 204, "");
	expect(&f, "GET", "cloud/creds/app", NULL, 404,
	       "no handler for route \"cloud/creds/app\". route entry not found.");
	assert_int_equal(fake.revokes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LENDING_TEST(a_credential_comes_with_its_lease),
		LENDING_TEST(a_credential_that_nobody_received_is_revoked),
		LENDING_TEST(a_sent_credential_is_confirmed_afterwards),
		LENDING_TEST(lost_memory_leaves_no_credential),
		LENDING_TEST(failures_of_the_cloud_have_their_status),
		LENDING_TEST(a_lease_is_looked_up),
		LENDING_TEST(leases_are_listed_folder_by_folder),
		LENDING_TEST(what_is_too_long_to_be_listed_is_the_clients_mistake),
		LENDING_TEST(a_lease_is_renewed),
		LENDING_TEST(a_revocation_that_is_only_begun_is_a_202),
		LENDING_TEST(one_that_takes_too_long_goes_on),
		LENDING_TEST(a_prefix_is_no_part_of_a_name),
		LENDING_TEST(a_prefix_may_be_one_lease),
		LENDING_TEST(what_cannot_be_revoked_is_shown),
		LENDING_TEST(force_forgets_what_cannot_be_revoked),
		LENDING_TEST(a_disabled_mount_takes_its_leases_along),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

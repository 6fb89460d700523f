/* SPDX-License-Identifier: Apache-2.0 */
/* The plans of every engine in the array: names that the cloud takes, whatever a role and a caller
 * are called, and never the same one twice. A new engine needs a row of shapes here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "util/err.h"
#include "util/json.h"

#define DIGITS      32 /* of what is drawn for a plan */
#define PLANS       100000
#define SAMPLES     1000 /* under valgrind */
#define ENTROPY_MIN 16   /* digits that must show in a name: 64 bits */

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DEC   "0123456789"

/* What a cloud takes for a name: the first character, the others, and how many in all. */
struct shape {
	const char *first, *rest;
	size_t min, max;
};

/* One engine, and role bodies that make each kind of plan. */
static const struct row {
	const char *type, *user_role, *session_role;
	struct shape user, policy, session;
} rows[] = {
	{ "alicloud",
	  "{\"inline_policies\":\"[{\\\"Version\\\":\\\"1\\\",\\\"Statement\\\":[{}]}]\","
	  "\"remote_policies\":[\"name:existing-policy,type:Custom\"]}",
	  "{\"role_arn\":\"acs:ram::1:role/r\"}",
	  { LOWER UPPER DEC, LOWER UPPER DEC "._-", 1, 64 },
	  { LOWER UPPER DEC, LOWER UPPER DEC "-", 1, 128 },
	  { LOWER UPPER DEC "._-", LOWER UPPER DEC ".@_-", 2, 32 } },
	{ "tencentcloud",
	  "{\"inline_policies\":\"[{\\\"version\\\":\\\"2.0\\\",\\\"statement\\\":[{}]}]\","
	  "\"remote_policies\":[\"policy_name:existing-policy,scope:Local\"]}",
	  "{\"role_arn\":\"qcs::cam::uin/1:roleName/r\"}",
	  { LOWER, LOWER DEC "_-", 1, 64 },
	  { LOWER UPPER DEC "+=,.@_-", LOWER UPPER DEC "+=,.@_-", 1, 128 },
	  { LOWER UPPER DEC "+=,.@_-", LOWER UPPER DEC "+=,.@_-", 2, 32 } },
	/* Of the tests alone. */
	{ "thirdcloud",
	  "{\"rights\":[\"read\"]}",
	  "{\"role\":\"reader\"}",
	  { LOWER, LOWER DEC "-", 1, 40 },
	  { "", "", 0, 0 },
	  { LOWER, LOWER DEC "-", 1, 40 } },
};

static const char *const displays[] = {
	"root",
	"",
	"token-jenkins",
	"oidc-mary@example.com",
	"----",
	"..",
	"a/b?c=d&e#f",
	"J\xc3\xbcrgen \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\xa6\x8a",
	"%s%n%%",
	"\x01\x7f\t\n",
	"0123456789",
	"Upper CASE",
	LOWER LOWER LOWER LOWER LOWER LOWER,
};

static const char *const role_names[] = {
	"app",
	"a",
	"9",
	"_",
	"0-1.2_3",
	"backup.production-eu_central_1",
	"x-------------------------------------------------------------------------------------y",
	LOWER DEC LOWER DEC LOWER DEC "abcdefghijklmnopqrst",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct row *row_of(const struct engine *engine)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].type, engine->type) == 0)
			return &rows[i];
	}
	fail_msg("%s: no row in this test says what its names must look like", engine->type);
	abort();
}

static json_t *role_of(const struct engine *engine, const char *text)
{
	const struct role_limits limits = { .max_ttl = 3600 };
	struct warnings warnings = { .count = 0 };
	json_t *input = NULL, *role = NULL;
	struct err err = { .text = "" };

	assert_int_equal(json_read(text, strlen(text), &input, NULL), 0);
	if (engine->check_role(NULL, input, &limits, "0123456789abcdef0123456789abcdef", &role,
			       &warnings, &err))
		fail_msg("%s: %s: %s", engine->type, text, err.text);
	json_decref(input);
	return role;
}

static json_t *plan_of(const struct engine *engine, const json_t *role, const char *display,
		       const char *name, const char *random)
{
	const struct plan_request request = { name, display, role, NULL, random };
	json_t *plan;
	bool lasting;

	assert_int_equal(engine->plan(&request, &plan, &lasting, NULL), 0);
	assert_int_equal(engine->renewable(plan), lasting);
	return plan;
}

static void check_name(const struct engine *engine, const struct shape *shape, const char *name)
{
	size_t size = strlen(name);

	if (size < shape->min || size > shape->max)
		fail_msg("%s: \"%s\" has %zu characters", engine->type, name, size);
	if (!strchr(shape->first, name[0]) || strspn(name, shape->rest) != size)
		fail_msg("%s: \"%s\" holds what the cloud refuses", engine->type, name);
}

static void check_plan(const struct engine *engine, const struct row *row, const json_t *plan)
{
	const json_t *user = json_object_get(plan, "user"), *policy;
	size_t i;

	if (!user) {
		check_name(engine, &row->session, json_get_text(plan, "session"));
		return;
	}
	check_name(engine, &row->user, json_string_value(user));
	json_array_foreach(json_object_get(plan, "inline"), i, policy)
		check_name(engine, &row->policy, json_get_text(policy, "name"));
}

/* What a plan calls the thing that it makes. */
static const char *main_name(const json_t *plan)
{
	const char *user = json_get_text(plan, "user");

	return user[0] ? user : json_get_text(plan, "session");
}

static void digits_of(unsigned number, char random[DIGITS + 1])
{
	/* Spread over all of them, as drawn ones are; a multiplier that is odd keeps them apart. */
	uint64_t high = number * UINT64_C(0x9e3779b97f4a7c15);

	snprintf(random, DIGITS + 1, "%016llx%016llx", (unsigned long long)high,
		 (unsigned long long)(high ^ UINT64_C(0x5555555555555555)));
}

static void each_kind(void (*check)(const struct engine *engine, const struct row *row,
				    const json_t *role))
{
	assert_non_null(engine_all[0]);
	for (size_t i = 0; engine_all[i]; i++) {
		const struct row *row = row_of(engine_all[i]);
		json_t *user = role_of(engine_all[i], row->user_role);
		json_t *session = role_of(engine_all[i], row->session_role);

		check(engine_all[i], row, user);
		check(engine_all[i], row, session);
		json_decref(user);
		json_decref(session);
	}
}

/* ---- Cases ---- */

static void check_odd_names(const struct engine *engine, const struct row *row, const json_t *role)
{
	char random[DIGITS + 1];
	json_t *plan;

	for (size_t i = 0; i < COUNT(displays) * COUNT(role_names); i++) {
		digits_of((unsigned)i, random);
		plan = plan_of(engine, role, displays[i % COUNT(displays)],
			       role_names[i / COUNT(displays)], random);
		check_plan(engine, row, plan);
		json_decref(plan);
	}
}

static void odd_names_become_names_that_the_cloud_takes(void **state)
{
	(void)state;
	each_kind(check_odd_names);
}

static void check_different(const struct engine *engine, const struct row *row, const json_t *role)
{
	unsigned count = getenv("LEASEHOLD_VALGRIND") ? SAMPLES : PLANS;
	json_t *seen = json_object(), *plan;
	char random[DIGITS + 1];

	(void)row;
	for (unsigned i = 0; i < count; i++) {
		digits_of(i, random);
		plan = plan_of(engine, role, displays[COUNT(displays) - 1],
			       role_names[COUNT(role_names) - 1], random);
		json_object_set_new(seen, main_name(plan), json_true());
		json_decref(plan);
	}
	assert_int_equal(json_object_size(seen), count);
	json_decref(seen);
}

static void a_hundred_thousand_plans_have_as_many_names(void **state)
{
	(void)state;
	each_kind(check_different);
}

/* The longest names leave the least room for what is drawn. */
static void check_entropy(const struct engine *engine, const struct row *row, const json_t *role)
{
	const char *display = displays[COUNT(displays) - 1];
	const char *name = role_names[COUNT(role_names) - 1];
	char random[DIGITS + 1];
	json_t *plan, *other;
	unsigned shown = 0;

	(void)row;
	digits_of(7, random);
	plan = plan_of(engine, role, display, name, random);
	for (size_t i = 0; i < DIGITS; i++) {
		char digit = random[i];

		random[i] = digit == '0' ? '1' : '0';
		other = plan_of(engine, role, display, name, random);
		shown += strcmp(main_name(plan), main_name(other)) != 0;
		json_decref(other);
		random[i] = digit;
	}
	json_decref(plan);
	if (shown < ENTROPY_MIN)
		fail_msg("%s: only %u random digits are in a name", engine->type, shown);
}

static void a_name_carries_64_random_bits(void **state)
{
	(void)state;
	each_kind(check_entropy);
}

static void check_role_part(const struct engine *engine, const struct row *row, const json_t *role)
{
	json_t *plan = plan_of(engine, role, displays[COUNT(displays) - 1], "billing",
			       "0123456789abcdef0123456789abcdef");

	(void)row;
	if (!strstr(main_name(plan), "billing"))
		fail_msg("%s: \"%s\" does not name its role", engine->type, main_name(plan));
	json_decref(plan);
}

static void a_name_tells_its_role(void **state)
{
	(void)state;
	each_kind(check_role_part);
}

static void check_pure(const struct engine *engine, const struct row *row, const json_t *role)
{
	json_t *one, *two;

	(void)row;
	one = plan_of(engine, role, "root", "app", "0123456789abcdef0123456789abcdef");
	two = plan_of(engine, role, "root", "app", "0123456789abcdef0123456789abcdef");
	assert_true(json_equal(one, two));
	json_decref(one);
	json_decref(two);
}

static void the_same_request_is_the_same_plan(void **state)
{
	(void)state;
	each_kind(check_pure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_names_become_names_that_the_cloud_takes),
		cmocka_unit_test(a_hundred_thousand_plans_have_as_many_names),
		cmocka_unit_test(a_name_carries_64_random_bits),
		cmocka_unit_test(a_name_tells_its_role),
		cmocka_unit_test(the_same_request_is_the_same_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

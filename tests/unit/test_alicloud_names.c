/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "fail_alloc.h"
#include "util/err.h"
#include "util/json.h"
#include "util/wipe.h"

#define RANDOM "0123456789abcdef0123456789abcdef"

#define RAM_ROLE                                                                                   \
	"{\"role_arn\":\"\",\"ttl\":0,\"max_ttl\":0,\"inline_policies\":["                         \
	"{\"hash\":\"h1\",\"policy_document\":{}},{\"hash\":\"h2\",\"policy_document\":{}}],"      \
	"\"remote_policies\":[{\"name\":\"AliyunOSSReadOnlyAccess\",\"type\":\"System\"}]}"
#define STS_ROLE                                                                                   \
	"{\"role_arn\":\"acs:ram::1:role/r\",\"ttl\":0,\"max_ttl\":0,\"inline_policies\":null,"    \
	"\"remote_policies\":null}"

static json_t *read(const char *text)
{
	json_t *value = NULL;

	assert_int_equal(json_read(text, strlen(text), &value, NULL), 0);
	return value;
}

static json_t *plan(const json_t *role, const char *display, const char *name, const char *random)
{
	struct plan_request request = { name, display, role, NULL, random };
	bool lasting;
	json_t *made;

	assert_int_equal(engine_alicloud.plan(&request, &made, &lasting, NULL), 0);
	assert_int_equal(lasting, json_get_text(role, "role_arn")[0] == '\0');
	assert_int_equal(engine_alicloud.renewable(made), lasting);
	return made;
}

#define LONG "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static const struct {
	const char *name, *display, *role, *user, *session;
} cases[] = {
	{ "plain names", "root", "app", "root-app-0123456789abcdef0123",
	  "root-app-0123456789abcdef" },
	{ "characters that a policy may not have become one dash", "oidc-mary@example.com",
	  "app_1.x", "oidc-mary-example-com-app-1-x-0123456789abcdef0123",
	  "oidc-ma-app-1-x-0123456789abcdef" },
	{ "letters beyond ASCII", "J\xc3\xbcrgen  \xe2\x82\xac", "app",
	  "J-rgen-app-0123456789abcdef0123", "J-rgen-app-0123456789abcdef" },
	{ "no display name", "", "app", "app-0123456789abcdef0123", "app-0123456789abcdef" },
	{ "nothing usable at all", "@@@", "_", "0123456789abcdef0123", "0123456789abcdef" },
	{ "a long display name leaves the role whole", LONG LONG, "production-billing",
	  "abcdefghijklmnopqrstuvwx-production-billing-0123456789abcdef0123",
	  "abcdef-producti-0123456789abcdef" },
	{ "a long role leaves a short display name whole", "token", LONG,
	  "token-abcdefghijklmnopqrstuvwxyzabcdefghijk-0123456789abcdef0123",
	  "token-abcdefghi-0123456789abcdef" },
	{ "two long ones share", LONG, LONG,
	  "abcdefghijklmnopqr-abcdefghijklmnopqrstuvwx-0123456789abcdef0123",
	  "abcdef-abcdefgh-0123456789abcdef" },
	{ "a cut leaves no dash at the end", "root", "abcdefg--------------------------x",
	  "root-abcdefg-x-0123456789abcdef0123", "root-abcdefg-x-0123456789abcdef" },
};

static void names_are_readable_and_fit(void **state)
{
	json_t *ram = read(RAM_ROLE), *sts = read(STS_ROLE);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *user = plan(ram, cases[i].display, cases[i].role, RANDOM);
		json_t *session = plan(sts, cases[i].display, cases[i].role, RANDOM);

		if (strcmp(json_get_text(user, "user"), cases[i].user) != 0 ||
		    strcmp(json_get_text(session, "session"), cases[i].session) != 0)
			fail_msg("%s: %s, %s", cases[i].name, json_get_text(user, "user"),
				 json_get_text(session, "session"));
		json_decref(user);
		json_decref(session);
	}
	json_decref(ram);
	json_decref(sts);
}

static void a_plan_names_all_that_will_be_made(void **state)
{
	json_t *ram = read(RAM_ROLE), *sts = read(STS_ROLE);
	json_t *user = plan(ram, "root", "app", RANDOM),
	       *session = plan(sts, "root", "app", RANDOM);
	char *text = json_text(user);

	(void)state;
	assert_string_equal(
		text, "{\"kind\":\"ram\",\"user\":\"root-app-0123456789abcdef0123\","
		      "\"inline\":[{\"name\":\"root-app-0123456789abcdef0123-1\"},"
		      "{\"name\":\"root-app-0123456789abcdef0123-2\"}],"
		      "\"remote\":[{\"name\":\"AliyunOSSReadOnlyAccess\",\"type\":\"System\"}]}");
	wipe_free(text);
	text = json_text(session);
	assert_string_equal(text, "{\"kind\":\"sts\",\"session\":\"root-app-0123456789abcdef\","
				  "\"role_arn\":\"acs:ram::1:role/r\"}");
	wipe_free(text);
	json_decref(user);
	json_decref(session);
	json_decref(ram);
	json_decref(sts);
}

/* ---- Many ---- */

#define NAMES 100000

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void draw_text(uint64_t *seed, char *out, size_t max)
{
	size_t size = draw(seed) % max;

	for (size_t i = 0; i < size; i++)
		out[i] = (char)(1 + draw(seed) % 255);
	out[size] = '\0';
}

static bool is_valid(const char *name, size_t max)
{
	size_t size = strspn(name,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return size > 0 && size <= max && !name[size] && name[0] != '-';
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void check_policy_names(const json_t *made)
{
	const json_t *policy;
	size_t i;

	json_array_foreach(json_object_get(made, "inline"), i, policy)
		assert_true(is_valid(json_get_text(policy, "name"), 128));
}

static void a_hundred_thousand_names_are_valid_and_unique(void **state)
{
	static char names[NAMES][65];
	json_t *roles[2] = { read(RAM_ROLE), read(STS_ROLE) };
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		char display[160], role[129], random[33];
		bool session = i % 2;
		const char *name;
		json_t *made;

		draw_text(&seed, display, sizeof(display));
		draw_text(&seed, role, sizeof(role));
		snprintf(random, sizeof(random), "%016llx%016llx", (unsigned long long)draw(&seed),
			 (unsigned long long)draw(&seed));
		/* Every tenth has the same words: only the digits tell them apart. */
		made = i % 10 ? plan(roles[session], display, role, random)
			      : plan(roles[session], "root", "app", random);
		name = json_get_text(made, session ? "session" : "user");
		if (!is_valid(name, session ? 32 : 64))
			fail_msg("\"%s\"", name);
		check_policy_names(made);
		memcpy(names[i], name, strlen(name) + 1);
		json_decref(made);
	}
	qsort(names, NAMES, sizeof(names[0]), compare);
	for (size_t i = 1; i < NAMES; i++)
		assert_string_not_equal(names[i - 1], names[i]);
	json_decref(roles[0]);
	json_decref(roles[1]);
}

static void each_failing_allocation_is_an_error(void **state)
{
	json_t *role = read(RAM_ROLE);
	struct plan_request request = { "app", "root", role, NULL, RANDOM };
	unsigned n = 1;
	bool failed;

	(void)state;
	do {
		bool lasting;
		json_t *made;
		int ret;

		fail_alloc_at(n++);
		ret = engine_alicloud.plan(&request, &made, &lasting, NULL);
		failed = fail_alloc_stop();
		assert_int_equal(ret, failed ? LH_ENOMEM : 0);
		assert_true((made != NULL) == (ret == 0));
		json_decref(made);
	} while (failed);
	assert_true(n > 10);
	json_decref(role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_readable_and_fit),
		cmocka_unit_test(a_plan_names_all_that_will_be_made),
		cmocka_unit_test(a_hundred_thousand_names_are_valid_and_unique),
		cmocka_unit_test(each_failing_allocation_is_an_error),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nginx/include.h"
#include "nginx/parse.h"
#include "nginx/rules.h"
#include "util/err.h"

#define PASS "fastcgi_pass leasehold_read; "
#define LIST "fastcgi_param LH_END 1; fastcgi_next_upstream off; "

/* Each site has one finding, or none, that begins like this. */
static const struct {
	const char *name, *text, *finding;
} cases[] = {
	{ "a guarded identity",
	  "location /v1/ { satisfy all; auth_basic x; set $lh_auth_name $remote_user; " LIST PASS
	  "}",
	  NULL },
	{ "satisfy any at an identity", "location / {\n satisfy any; set $lh_auth_name x; }",
	  "x:2: satisfy:" },
	{ "satisfy any above an identity", "satisfy any;\nlocation / { set $lh_auth_name x; }",
	  "x:1: satisfy:" },
	{ "satisfy any elsewhere",
	  "location /a { satisfy any; } location / { set $lh_auth_name x; }", NULL },
	{ "a guard switched off", "location / { set $lh_auth_name x;\nauth_basic off; }",
	  "x:2: auth_basic:" },
	{ "another guard switched off", "location / { set $lh_auth_method x; auth_request off; }",
	  "x:1: auth_request:" },
	{ "an identity set twice", "location / { set $lh_auth_name x;\nset $lh_auth_name y; }",
	  "x:2: set:" },
	{ "an identity from a header", "location / { set $lh_auth_name $http_user; }",
	  "x:1: set:" },
	{ "an identity from a cookie as parameter", "fastcgi_param LH_AUTH_NAME a${cookie_b};",
	  "x:1: fastcgi_param:" },
	{ "another parameter from a header", "fastcgi_param LH_TOKEN $http_x_vault_token;", NULL },
	{ "a token in the log", "log_format a '$status ' '$http_x_vault_token';",
	  "x:1: log_format:" },
	{ "a log without secrets", "log_format a '$status $request_id';", NULL },
	{ "every address is a proxy", "set_real_ip_from 0.0.0.0/0;", "x:1: set_real_ip_from:" },
	{ "every address of IPv6 is a proxy", "set_real_ip_from ::/0;", "x:1: set_real_ip_from:" },
	{ "a private range of proxies", "set_real_ip_from 10.0.0.0/8; set_real_ip_from ::1;",
	  NULL },
	{ "no parameters", "fastcgi_next_upstream off; location / { " PASS "}",
	  "x:1: fastcgi_pass:" },
	{ "inherited parameters", LIST "location / { " PASS "}", NULL },
	{ "inherited parameters dropped by one more",
	  LIST "location / { fastcgi_param A b;\n" PASS "}", "x:2: fastcgi_pass:" },
	{ "a request sent twice by default", "fastcgi_param LH_END 1; location / {\n" PASS "}",
	  "x:2: fastcgi_pass:" },
	{ "a request sent twice", LIST "location / { fastcgi_next_upstream error; " PASS "}",
	  "x:1: fastcgi_next_upstream:" },
	{ "another application", "location / { fastcgi_pass unix:/php; }", NULL },
	{ "an included danger",
	  "# configuration file /e/main:\nlocation / { include *.conf; }\n"
	  "# configuration file /e/a.conf:\n\nset $lh_auth_name $arg_a;",
	  "/e/a.conf:2: set:" },
	{ "a file that nobody includes",
	  "# configuration file /e/main:\n# configuration file /e/a:\nset $lh_auth_name $arg_a;",
	  NULL },
};

static void each_danger_is_named_by_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *files, *site, *findings = json_array();
		const char *wanted = cases[i].finding, *first;
		struct err err = { 0 };

		assert_int_equal(nginx_parse("x", cases[i].text, &files, &err), 0);
		assert_int_equal(nginx_include(files, &site, &err), 0);
		assert_int_equal(nginx_rules(site, findings), 0);
		first = json_string_value(json_array_get(findings, 0));
		if (json_array_size(findings) != (wanted ? 1 : 0) ||
		    (wanted && strncmp(first, wanted, strlen(wanted)) != 0))
			fail_msg("%s: %s", cases[i].name, first ? first : "found nothing");
		json_decref(files);
		json_decref(site);
		json_decref(findings);
	}
}

static void what_is_not_whole_is_refused(void **state)
{
	static const char *const texts[] = {
		"include a;",
		"# configuration file /a:\ninclude /a;",
		"include;",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct err err = { 0 };
		json_t *files, *site;

		assert_int_equal(nginx_parse("x", texts[i], &files, &err), 0);
		assert_int_equal(nginx_include(files, &site, &err), LH_EINVAL);
		assert_null(site);
		json_decref(files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_danger_is_named_by_its_line),
		cmocka_unit_test(what_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

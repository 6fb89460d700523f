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
#include "nginx_fixture.h"
#include "util/err.h"

/* As leasehold-http.conf has it. */
#define EMPTY "map '' $lh_auth_method { default ''; } map '' $lh_auth_name { default ''; } "

json_t *site_findings(const char *text)
{
	json_t *files, *site = NULL, *findings = json_array();
	char *whole = NULL;
	struct err err = { 0 };

	/* Nothing stands before a first mark. */
	if (asprintf(&whole, "%s%s", *text == '#' ? "" : EMPTY, text) < 0)
		fail_msg("memory is out");
	if (nginx_parse("x", whole, &files, &err) || nginx_include(files, &site, &err))
		fail_msg("%s", err.text);
	assert_int_equal(nginx_rules(site, findings), 0);
	json_decref(files);
	json_decref(site);
	free(whole);
	return findings;
}

void assert_findings(const struct site_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *findings = site_findings(cases[i].text);
		const char *wanted = cases[i].finding;
		const char *first = json_string_value(json_array_get(findings, 0));

		if (json_array_size(findings) != (wanted ? 1 : 0) ||
		    (wanted && strncmp(first, wanted, strlen(wanted)) != 0))
			fail_msg("%s: %zu found, %s", cases[i].name, json_array_size(findings),
				 first ? json_dumps(findings, JSON_INDENT(1)) : "");
		json_decref(findings);
	}
}

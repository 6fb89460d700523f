/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what `nginx -T` prints: read and judged, or refused in words. */
#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"
#include "nginx/include.h"
#include "nginx/parse.h"
#include "nginx/rules.h"
#include "util/err.h"

static void judge(json_t *site)
{
	json_t *findings = json_array(), *finding;
	int ret = nginx_rules(site, findings);
	size_t i;

	MUST(ret == 0 || ret == LH_ERANGE);
	json_array_foreach(findings, i, finding) MUST(strchr(json_string_value(finding), ':'));
	json_decref(findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_piece(&data, &size, '\0');
	struct err err = { "" };
	json_t *files, *site;

	if (nginx_parse("fuzz", text, &files, &err)) {
		MUST(!files && err.text[0]);
	} else if (nginx_include(files, &site, &err)) {
		MUST(!site && err.text[0]);
	} else {
		judge(site);
		json_decref(site);
	}
	json_decref(files);
	free(text);
	return 0;
}

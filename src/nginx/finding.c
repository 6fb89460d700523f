/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/finding.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "nginx/tree.h"
#include "util/err.h"

static bool is_known(json_t *findings, json_t *sentence)
{
	json_t *other;
	size_t i;

	json_array_foreach(findings, i, other)
	{
		if (json_equal(other, sentence))
			return true;
	}
	return false;
}

int finding_add_as(json_t *findings, json_t *directive, const char *verb, const char *sentence)
{
	json_t *line = json_sprintf("%s:%d: %s: %s", directive_file(directive),
				    directive_line(directive), verb, sentence);

	if (!line)
		return LH_ENOMEM;
	if (is_known(findings, line)) {
		json_decref(line);
		return 0;
	}
	return json_array_append_new(findings, line) ? LH_ENOMEM : 0;
}

int finding_add(json_t *findings, json_t *directive, const char *format, ...)
{
	char text[1024];
	va_list more;

	va_start(more, format);
	vsnprintf(text, sizeof(text), format, more);
	va_end(more);
	return finding_add_as(findings, directive, directive_word(directive, 0), text);
}

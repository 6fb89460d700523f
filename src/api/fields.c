/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"

#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "util/buf.h"
#include "util/err.h"

static int read_field(const struct field *field, const json_t *input, json_t *fields,
		      struct err *err)
{
	const json_t *sent = json_object_get(input, field->name);
	json_t *value;
	int ret;

	if (!sent)
		return 0;
	ret = field_coerce(field->type, sent, &value, err);
	if (ret == LH_EINVAL)
		return err_prefix(err, ret, "error converting input for field \"%s\"", field->name);
	if (ret || !value)
		return ret;
	return json_object_set_new(fields, field->name, value) ? LH_ENOMEM : 0;
}

int fields_read(const struct field *fields, const json_t *input, json_t **fields_out,
		struct err *err)
{
	json_t *read = json_object();
	int ret = read ? 0 : LH_ENOMEM;

	*fields_out = NULL;
	for (; !ret && fields && fields->name; fields++)
		ret = read_field(fields, input, read, err);
	if (ret) {
		json_decref(read);
		return ret;
	}
	*fields_out = read;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "[a b]", sorted. */
static void add_names(struct buf *text, const char **names, size_t count)
{
	qsort(names, count, sizeof(*names), compare_names);
	buf_add_char(text, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_add_char(text, ' ');
		buf_add_text(text, names[i]);
	}
	buf_add_char(text, ']');
}

static void warn_unknown(const char **names, size_t count, struct outcome *outcome)
{
	struct buf text = BUF_INIT;

	add_names(&text, names, count);
	if (buf_error(&text))
		outcome->failed = true;
	else
		outcome_warn(outcome, "Endpoint ignored these unrecognized parameters: %s",
			     buf_text(&text));
	buf_free(&text);
}

void fields_warn(const struct field *fields, const json_t *input, const char *capture,
		 size_t capture_size, struct outcome *outcome)
{
	size_t count = 0;
	bool replaced = false;
	const char **unknown, *name;
	json_t *value;

	unknown = calloc(json_object_size(input) + 1, sizeof(*unknown));
	if (!unknown) {
		outcome->failed = true;
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)input, name, value)
	{
		if (strlen(name) == capture_size && !memcmp(name, capture, capture_size))
			replaced = true;
		else if (!fields || !field_find(fields, name))
			unknown[count++] = name;
	}
	if (count)
		warn_unknown(unknown, count, outcome);
	if (replaced)
		outcome_warn(outcome,
			     "Endpoint replaced the value of these parameters with the values "
			     "captured from the endpoint's path: [%.*s]",
			     (int)capture_size, capture);
	free(unknown);
}

const char *fields_secret_in(const struct field *fields, const json_t *query)
{
	for (; fields && fields->name; fields++)
		if (fields->secret && json_object_get(query, fields->name))
			return fields->name;
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "config.h"
#include "util/buf.h"
#include "util/err.h"

json_t *openapi_new(void)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:{}, s:{s:{}}}", "openapi", "3.0.2", "info",
			 "title", "leasehold", "description",
			 "All paths are prefixed with `/v1/` and the path of their mount.",
			 "version", PACKAGE_VERSION, "paths", "components", "schemas");
}

/* "role/:name" becomes "/role/{name}". */
static char *path_of(const char *pattern)
{
	struct buf path = BUF_INIT;
	const char *name;
	char *text;
	size_t size;

	name = route_capture(pattern, &size);
	buf_add_char(&path, '/');
	if (size) {
		buf_add(&path, pattern, (size_t)(name - 1 - pattern));
		buf_printf(&path, "{%.*s}", (int)size, name);
		name += size;
		buf_add_text(&path, name + strspn(name, "+*"));
	} else {
		buf_add(&path, pattern, strcspn(pattern, "?"));
	}
	text = buf_take(&path);
	buf_free(&path);
	return text;
}

static json_t *schema_of(enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
	case FIELD_LOWER_STRING:
	case FIELD_NAME: return json_pack("{s:s}", "type", "string");
	case FIELD_DURATION:
	case FIELD_SIGNED_DURATION:
		return json_pack("{s:s, s:s}", "type", "string", "format", "duration");
	case FIELD_STRINGS:
	case FIELD_COMMA_STRINGS:
		return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
	case FIELD_BOOL: return json_pack("{s:s}", "type", "boolean");
	case FIELD_INT: return json_pack("{s:s}", "type", "integer");
	case FIELD_MAP:
	case FIELD_PAIRS: return json_pack("{s:s}", "type", "object");
	}
	return NULL;
}

static json_t *field_schema(const struct field *field)
{
	json_t *schema = schema_of(field->type);

	if (json_object_set_new(schema, "description", json_string(field->description)) ||
	    (field->secret && json_object_set_new(schema, "format", json_string("password")))) {
		json_decref(schema);
		return NULL;
	}
	return schema;
}

static json_t *query_parameters(const struct field *fields)
{
	json_t *list = json_array();

	for (; fields && fields->name; fields++)
		if (json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o}", "name",
							  fields->name, "in", "query", "required",
							  (int)fields->required, "schema",
							  field_schema(fields)))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *request_body(const struct field *fields)
{
	json_t *properties = json_object(), *required = json_array(), *schema;
	int failed = 0;

	for (; fields && fields->name; fields++) {
		failed |= json_object_set_new(properties, fields->name, field_schema(fields));
		if (fields->required)
			failed |= json_array_append_new(required, json_string(fields->name));
	}
	schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	if (json_array_size(required))
		failed |= json_object_set(schema, "required", required);
	json_decref(required);
	if (failed || !schema) {
		json_decref(schema);
		return NULL;
	}
	return json_pack("{s:{s:{s:o}}}", "content", "application/json", "schema", schema);
}

/* One member of a path item: "get", "post" or "delete". */
static int add_operation(json_t *item, const char *method, const struct route *route,
			 const struct field *fields)
{
	bool writes = !strcmp(method, "post");
	json_t *operation;

	operation = json_pack("{s:s, s:{s:{s:s}}}", "summary", route->help, "responses",
			      route->pool == API_WORK && !(route->operations & OPERATION_READ) &&
					      !(route->operations & OPERATION_LIST)
				      ? "204"
				      : "200",
			      "description", "OK");
	if (json_object_set_new(operation, writes ? "requestBody" : "parameters",
				writes ? request_body(fields) : query_parameters(fields))) {
		json_decref(operation);
		return LH_ENOMEM;
	}
	return json_object_set_new(item, method, operation) ? LH_ENOMEM : 0;
}

static int add_capture(json_t *item, const char *pattern)
{
	const char *name;
	size_t size;

	name = route_capture(pattern, &size);
	if (!size || json_object_get(item, "parameters"))
		return 0;
	return json_object_set_new(item, "parameters",
				   json_pack("[{s:s%, s:s, s:b, s:{s:s}}]", "name", name, size,
					     "in", "path", "required", 1, "schema", "type",
					     "string"))
		       ? LH_ENOMEM
		       : 0;
}

static int fill_item(json_t *item, const struct route *route, const struct engine *engine)
{
	static const struct {
		enum operation operation;
		const char *method;
	} methods[] = {
		{ OPERATION_READ, "get" },
		{ OPERATION_LIST, "get" },
		{ OPERATION_WRITE, "post" },
		{ OPERATION_DELETE, "delete" },
	};
	const struct field *fields = route_fields(route, engine);
	int ret = add_capture(item, route->pattern);

	for (size_t i = 0; !ret && i < sizeof(methods) / sizeof(methods[0]); i++)
		if (route->operations & methods[i].operation)
			ret = add_operation(item, methods[i].method, route, fields);
	if (!ret && (route->flags & ROUTE_SUDO) &&
	    json_object_set_new(item, "x-vault-sudo", json_true()))
		ret = LH_ENOMEM;
	if (!ret && route->capability == CAPABILITY_NONE &&
	    json_object_set_new(item, "x-vault-unauthenticated", json_true()))
		ret = LH_ENOMEM;
	if (!ret && route_creates(route, engine) &&
	    json_object_set_new(item, "x-vault-createSupported", json_true()))
		ret = LH_ENOMEM;
	return ret;
}

int openapi_add(json_t *document, const struct route *route, const struct engine *engine)
{
	json_t *paths = json_object_get(document, "paths"), *item;
	char *path = path_of(route->pattern);
	int ret = path ? 0 : LH_ENOMEM;

	item = path ? json_object_get(paths, path) : NULL;
	if (!ret && !item) {
		item = json_object();
		ret = json_object_set_new(paths, path, item) ? LH_ENOMEM : 0;
	}
	if (!ret)
		ret = fill_item(item, route, engine);
	free(path);
	return ret;
}

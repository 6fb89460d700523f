/* SPDX-License-Identifier: Apache-2.0 */
/* A request as it comes from outside: method, path, query, content type, headers, each a line, then
 * the body. What is read must be what fields can be taken from; what is refused has a reply. */
#include "api/fields.h"
#include "api/reply.h"
#include "api/request.h"
#include "fuzz.h"
#include "util/buf.h"
#include "util/err.h"

static const struct field all_fields[] = {
	{ "string", FIELD_STRING, "", false, false },
	{ "lower", FIELD_LOWER_STRING, "", false, false },
	{ "name", FIELD_NAME, "", false, false },
	{ "duration", FIELD_DURATION, "", false, false },
	{ "signed", FIELD_SIGNED_DURATION, "", false, false },
	{ "strings", FIELD_STRINGS, "", false, false },
	{ "commas", FIELD_COMMA_STRINGS, "", false, false },
	{ "bool", FIELD_BOOL, "", false, false },
	{ "int", FIELD_INT, "", false, false },
	{ "map", FIELD_MAP, "", false, false },
	{ "pairs", FIELD_PAIRS, "", false, false },
	{ .name = NULL },
};

static void read_fields(const struct request *request, struct outcome *outcome)
{
	struct err err = { "" };
	json_t *fields;
	int ret = fields_read(all_fields, request->input, &fields, &err);

	MUST(ret == 0 ? json_is_object(fields) : ret == LH_EINVAL && !fields && err.text[0]);
	fields_warn(all_fields, request->input, "name", 4, outcome);
	if (!ret)
		outcome_data(outcome, fields);
}

static void write_reply(const struct request *request, const struct outcome *outcome)
{
	struct reply_terms terms = {
		.request_id = "00112233445566778899aabbccddeeff",
		.operation = request->operation,
		.mount_type = "",
		.inject = true,
	};
	struct api_reply reply = { .status = 0 };

	MUST(!reply_write(outcome, &terms, &reply));
	MUST(reply.status >= 200 && reply.status < 600);
	api_reply_clear(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *pieces[7];
	struct outcome outcome = { .kind = OUTCOME_NONE };
	struct request request;
	int ret;

	for (size_t i = 0; i < 7; i++)
		pieces[i] = fuzz_piece(&data, &size, '\n');
	struct api_request raw = {
		.method = pieces[0],
		.path = pieces[1],
		.query = pieces[2],
		.content_type = pieces[3],
		.token = pieces[4],
		.authorization = pieces[5],
		.wrap_ttl = pieces[6],
		.namespace = "",
		.vault_request = "",
		.remote_address = "",
		.request_id = "",
		.body = data,
		.body_size = size,
	};

	ret = request_read(&raw, &request, &outcome);
	MUST(ret == 0 || (ret == LH_EINVAL && outcome.kind == OUTCOME_ERRORS));
	if (!ret) {
		MUST(json_is_object(request.input) && request.path);
		read_fields(&request, &outcome);
	}
	write_reply(&request, &outcome);
	request_clear(&request);
	outcome_clear(&outcome);
	for (size_t i = 0; i < 7; i++)
		free(pieces[i]);
	return 0;
}

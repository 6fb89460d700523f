/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alicloud/alicloud.h"
#include "util/err.h"
#include "util/json.h"

#define ID "FC9D48BC-B0C8-5E33-9722-06D4D2FF7507"

static const struct {
	const char *name;
	int status;
	const char *body; /* "" or no JSON: what comes from something in between */
	enum answer_kind kind;
	const char *code, *request_id;
} cases[] = {
	{ "a success", 200, "{\"RequestId\":\"" ID "\",\"User\":{\"UserName\":\"u\"}}", ANSWER_OK,
	  "", ID },
	{ "a success with nothing in it", 200, "{}", ANSWER_OK, "", "" },
	{ "a success that is no JSON", 200, "<html>...</html>", ANSWER_UNSURE, "", "" },
	{ "an empty success", 200, "", ANSWER_UNSURE, "", "" },
	{ "a success that is a list", 200, "[]", ANSWER_UNSURE, "", "" },
	{ "no such user", 404,
	  "{\"RequestId\":\"" ID "\",\"HostId\":\"ram.aliyuncs.com\","
	  "\"Code\":\"EntityNotExist.User\",\"Message\":\"account not exists\"}",
	  ANSWER_REFUSED, "EntityNotExist.User", ID },
	{ "no permission", 403,
	  "{\"HttpStatus\":403,\"RequestId\":\"" ID "\",\"Code\":\"NoPermission\","
	  "\"Message\":\"You are not authorized to do this action. Action: ram:CreateRole\"}",
	  ANSWER_REFUSED, "NoPermission", ID },
	{ "lower-case members of a gateway", 400,
	  "{\"requestId\":\"" ID "\",\"code\":\"MissingParameter\",\"message\":\"m\"}",
	  ANSWER_REFUSED, "MissingParameter", ID },
	{ "throttled by user with status 400", 400, "{\"Code\":\"Throttling.User\"}",
	  ANSWER_THROTTLED, "Throttling.User", "" },
	{ "throttled without a second part", 400, "{\"Code\":\"Throttling\"}", ANSWER_THROTTLED,
	  "Throttling", "" },
	{ "throttled by suffix", 400, "{\"Code\":\"Rejected.Throttling\"}", ANSWER_THROTTLED,
	  "Rejected.Throttling", "" },
	{ "throttled with status 503", 503, "{\"Code\":\"Throttling.Api\"}", ANSWER_THROTTLED,
	  "Throttling.Api", "" },
	{ "throttled by status alone", 429, "", ANSWER_THROTTLED, "HTTP429", "" },
	{ "an internal error", 500, "{\"Code\":\"InternalError\"}", ANSWER_SICK, "InternalError",
	  "" },
	{ "unavailable", 503, "{\"Code\":\"ServiceUnavailable\"}", ANSWER_SICK,
	  "ServiceUnavailable", "" },
	{ "a proxy's page", 502, "<html>...</html>", ANSWER_SICK, "HTTP502", "" },
	{ "a nonce that was used: perhaps by our own echo", 400,
	  "{\"Code\":\"SignatureNonceUsed\"}", ANSWER_UNSURE, "SignatureNonceUsed", "" },
	{ "a request that a proxy gave up", 408, "", ANSWER_UNSURE, "HTTP408", "" },
	{ "XML does not say what was done", 404,
	  "<?xml version='1.0'?><Error><Code>InvalidAccessKeyId.NotFound</Code></Error>",
	  ANSWER_UNSURE, "HTTP404", "" },
	{ "a refusal that was cut short may have been of a repetition", 409,
	  "{\"Code\":\"EntityAlreadyEx", ANSWER_UNSURE, "HTTP409", "" },
	{ "a code that is no text", 400, "{\"Code\":7}", ANSWER_REFUSED, "HTTP400", "" },
	{ "a redirect", 302, "", ANSWER_REFUSED, "HTTP302", "" },
	{ "only harmless characters of code and id are kept", 400,
	  "{\"Code\":\"A.b_c-1\\u001b[31m <x>\",\"RequestId\":\"a b\\nc\"}", ANSWER_REFUSED,
	  "A.b_c-131mx", "abc" },
	{ "a long code is cut", 400,
	  "{\"Code\":\"0123456789012345678901234567890123456789012345678901234567890123"
	  "0123456789012345678901234567890123456789012345678901234567890123\"}",
	  ANSWER_REFUSED,
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "012345678901234567890123456789012345678901234567890123456789012",
	  "" },
};

static json_t *read(const char *text)
{
	json_t *value = NULL;

	json_read(text, strlen(text), &value, NULL);
	if (value && !json_is_object(value)) {
		json_decref(value);
		value = NULL;
	}
	return value;
}

static void answers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer answer = { 0 };
		json_t *body = read(cases[i].body);

		engine_alicloud.read_answer(cases[i].status, body, &answer);
		if (answer.kind != cases[i].kind || strcmp(answer.code, cases[i].code) != 0 ||
		    strcmp(answer.request_id, cases[i].request_id) != 0)
			fail_msg("%s: %d, \"%s\", \"%s\"", cases[i].name, (int)answer.kind,
				 answer.code, answer.request_id);
		if (answer.body != (answer.kind == ANSWER_OK ? body : NULL))
			fail_msg("%s: the body", cases[i].name);
		if (answer.kind != ANSWER_OK && !answer.code[0] && !answer.reason[0])
			fail_msg("%s: nothing to tell", cases[i].name);
		answer_clear(&answer);
		json_decref(body);
	}
}

/* Its message quotes what was signed, the session token among it. */
static void nothing_of_a_message_is_kept(void **state)
{
	json_t *body = read("{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"server "
			    "CanonicalRequest is [x-acs-security-token:hunter2]\"}");
	struct answer answer = { 0 };

	(void)state;
	engine_alicloud.read_answer(400, body, &answer);
	assert_int_equal(answer.kind, ANSWER_REFUSED);
	assert_null(answer.body);
	assert_null(strstr(answer.reason, "hunter2"));
	json_decref(body);
}

static const struct {
	const char *code;
	bool needs_operator, has_advice;
} codes[] = {
	{ "NoPermission", true, true },
	{ "NoPermissionToday", false, false },
	{ "InvalidAccessKeyId.NotFound", true, true },
	{ "InvalidAccessKeyId.Inactive", true, true },
	{ "SignatureDoesNotMatch", true, true },
	{ "IncompleteSignature", true, true },
	{ "InvalidTimeStamp.Expired", true, true },
	{ "Inactive", true, true },
	{ "EntityNotExist.Role", true, true },
	{ "EntityNotExist.Policy", false, true },
	{ "EntityNotExist.User", false, false },
	{ "LimitExceeded.User", true, true },
	{ "LimitExceeded.Policy", true, true },
	{ "InvalidSecurityToken.Expired", false, true },
	{ "MissingSecurityToken", true, true },
	{ "MalformedPolicyDocument", false, true },
	{ "DeleteConflict.User.Group", true, true },
	{ "DeleteConflict.User.Policy", false, true },
	{ "DeleteConflict.Policy.User", false, true },
	{ "InternalError", false, false },
	{ "HTTP502", false, false },
	{ "", false, false },
};

static void codes_have_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		bool advised = engine_alicloud.advice(codes[i].code)[0] != '\0';

		if (engine_alicloud.needs_operator(codes[i].code) != codes[i].needs_operator ||
		    advised != codes[i].has_advice)
			fail_msg("%s", codes[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(nothing_of_a_message_is_kept),
		cmocka_unit_test(codes_have_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

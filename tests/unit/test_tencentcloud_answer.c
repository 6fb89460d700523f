/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tencentcloud/tencentcloud.h"
#include "util/json.h"

#define ID          "b46d2afe-6893-4529-bc96-2c82d9214957"
#define ERROR(code) "{\"Response\":{\"Error\":{\"Code\":\"" code "\",\"Message\":\"m\"}}}"

static const struct {
	const char *name;
	int status;
	const char *body; /* "" or no JSON: what comes from something in between */
	enum answer_kind kind;
	const char *code, *request_id;
} cases[] = {
	{ "a success", 200, "{\"Response\":{\"RequestId\":\"" ID "\",\"Uin\":1}}", ANSWER_OK, "",
	  ID },
	{ "a success with nothing in it", 200, "{\"Response\":{}}", ANSWER_OK, "", "" },
	{ "a warning does not hurt", 200,
	  "{\"Response\":{\"DeprecatedWarning\":\"old\",\"RequestId\":\"" ID "\"}}", ANSWER_OK, "",
	  ID },
	{ "no answer of the cloud", 200, "{}", ANSWER_UNSURE, "", "" },
	{ "a response that is a list", 200, "{\"Response\":[]}", ANSWER_UNSURE, "", "" },
	{ "no JSON", 200, "<html>...</html>", ANSWER_UNSURE, "", "" },
	{ "nothing", 200, "", ANSWER_UNSURE, "", "" },
	{ "an error without a code", 200, "{\"Response\":{\"Error\":{}}}", ANSWER_UNSURE, "", "" },
	{ "no permission, in an answer with status 200", 200,
	  "{\"Response\":{\"Error\":{\"Code\":\"AuthFailure.UnauthorizedOperation\",\"Message\":"
	  "\"m\"},\"RequestId\":\"" ID "\"}}",
	  ANSWER_REFUSED, "AuthFailure.UnauthorizedOperation", ID },
	{ "an older gateway", 200, "{\"code\":4100,\"message\":\"m\",\"codeDesc\":\"AuthFailure\"}",
	  ANSWER_REFUSED, "AuthFailure", "" },
	{ "a success of an older gateway is none that we know", 200,
	  "{\"code\":0,\"message\":\"\",\"codeDesc\":\"Success\"}", ANSWER_UNSURE, "", "" },
	{ "throttled", 200, ERROR("RequestLimitExceeded"), ANSWER_THROTTLED, "RequestLimitExceeded",
	  "" },
	{ "throttled by user", 200, ERROR("RequestLimitExceeded.UinLimitExceeded"),
	  ANSWER_THROTTLED, "RequestLimitExceeded.UinLimitExceeded", "" },
	{ "throttled by STS, which says otherwise", 200, ERROR("InvalidParameter.OverLimit"),
	  ANSWER_THROTTLED, "InvalidParameter.OverLimit", "" },
	{ "a daily limit does not end by waiting", 200, ERROR("RequestLimitExceeded.CreateUser"),
	  ANSWER_REFUSED, "RequestLimitExceeded.CreateUser", "" },
	{ "throttled by something in between", 429, "", ANSWER_THROTTLED, "HTTP429", "" },
	{ "an internal error", 200, ERROR("InternalError"), ANSWER_SICK, "InternalError", "" },
	{ "an internal error of a part", 200, ERROR("InternalError.SystemError"), ANSWER_SICK,
	  "InternalError.SystemError", "" },
	{ "unavailable", 200, ERROR("ServiceUnavailable"), ANSWER_SICK, "ServiceUnavailable", "" },
	{ "an internal error that means a wrong role", 200, ERROR("InternalError.IllegalRole"),
	  ANSWER_REFUSED, "InternalError.IllegalRole", "" },
	{ "a gateway that is unwell", 502, "<html>...</html>", ANSWER_SICK, "HTTP502", "" },
	{ "a status that says nothing", 404, "", ANSWER_UNSURE, "HTTP404", "" },
	{ "a redirect", 302, "", ANSWER_UNSURE, "HTTP302", "" },
	{ "only harmless characters of code and id are kept", 200,
	  "{\"Response\":{\"Error\":{\"Code\":\"A.b_c-1\\u001b[31m <x>\"},\"RequestId\":\"a "
	  "b\\nc\"}}",
	  ANSWER_REFUSED, "A.b_c-131mx", "abc" },
};

static json_t *read(const char *text)
{
	json_t *value = NULL;

	json_read(text, strlen(text), &value, NULL);
	return value;
}

static void answers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer answer = { 0 };
		json_t *body = read(cases[i].body);
		bool good = cases[i].kind == ANSWER_OK;

		engine_tencentcloud.read_answer(cases[i].status, body, &answer);
		if (answer.kind != cases[i].kind || strcmp(answer.code, cases[i].code) != 0 ||
		    strcmp(answer.request_id, cases[i].request_id) != 0)
			fail_msg("%s: %d, \"%s\", \"%s\"", cases[i].name, (int)answer.kind,
				 answer.code, answer.request_id);
		if (answer.body != (good ? json_object_get(body, "Response") : NULL))
			fail_msg("%s: the body", cases[i].name);
		if (!good && !answer.code[0] && !answer.reason[0])
			fail_msg("%s: nothing to tell", cases[i].name);
		answer_clear(&answer);
		json_decref(body);
	}
}

static const struct {
	const char *code;
	bool needs_operator, has_advice;
} codes[] = {
	{ "AuthFailure.UnauthorizedOperation", true, true },
	{ "UnauthorizedOperation", true, true },
	{ "UnauthorizedOperation.DeleteApiKey", true, true },
	{ "AuthFailure.SecretIdNotFound", true, true },
	{ "AuthFailure.SignatureFailure", true, true },
	{ "AuthFailure.SignatureExpire", true, true },
	{ "AuthFailure.TokenFailure", false, true },
	{ "ResourceNotFound.RoleNotFound", true, true },
	{ "ResourceNotFound.UserNotExist", false, false },
	{ "ResourceNotFound.PolicyIdNotFound", false, true },
	{ "InvalidParameter.SubUserFull", true, true },
	{ "RequestLimitExceeded.CreateUser", true, true },
	{ "RequestLimitExceeded", false, false },
	{ "FailedOperation.PolicyFull", true, true },
	{ "FailedOperation", false, false },
	{ "InvalidParameter.ActionNotExist", false, true },
	{ "InvalidParameter.PrincipalQcsError", false, true },
	{ "InvalidParameter.ParamError", false, false },
	{ "InvalidAction", true, true },
	{ "InternalError", false, false },
	{ "", false, false },
};

static void codes_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		const char *advice = engine_tencentcloud.advice(codes[i].code);

		if (engine_tencentcloud.needs_operator(codes[i].code) != codes[i].needs_operator ||
		    (advice[0] != '\0') != codes[i].has_advice)
			fail_msg("%s: %s", codes[i].code, advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(codes_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

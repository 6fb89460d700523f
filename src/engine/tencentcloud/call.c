/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tencentcloud/tencentcloud_priv.h"
#include "util/json.h"
#include "util/text.h"

const struct service tencentcloud_cam = { "cam", "2019-01-16", ENDPOINT_USER };
const struct service tencentcloud_sts = { "sts", "2018-08-13", ENDPOINT_STS };

json_int_t tencentcloud_number(const json_t *object, const char *name)
{
	int64_t number = json_get_int(object, name, 0);
	const char *text = json_get_text(object, name);

	if (text[0] && text_int64(text, &number))
		return 0;
	return number > 0 ? number : 0;
}

struct call *tencentcloud_user_call(struct step *step, const char *action, enum call_effect effect,
				    int tag)
{
	struct call *call = round_add(&step->next, &tencentcloud_cam, action, effect, tag);

	call_param(call, "Name", json_get_text(step->plan, "user"));
	return call;
}

struct call *tencentcloud_uin_call(struct step *step, const char *action, enum call_effect effect,
				   int tag, const char *member)
{
	struct call *call = round_add(&step->next, &tencentcloud_cam, action, effect, tag);
	json_int_t uin = json_get_int(step->notes, "uin", 0);

	if (uin <= 0)
		step->next.failed = true;
	call_value(call, member, json_integer(uin));
	return call;
}

void tencentcloud_numbers_new(struct step *step, const char *name, size_t count)
{
	json_t *numbers = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(numbers, json_integer(0)))
			step->next.failed = true;
	step_note(step, name, numbers);
}

json_int_t tencentcloud_numbers_get(const struct step *step, const char *name, size_t index)
{
	return json_integer_value(json_array_get(json_object_get(step->notes, name), index));
}

void tencentcloud_numbers_set(struct step *step, const char *name, size_t index, json_int_t number)
{
	if (json_array_set_new(json_object_get(step->notes, name), index, json_integer(number)))
		step->next.failed = true;
}

/* Both spellings are declared by the cloud. */
bool tencentcloud_user_missing(const struct answer *answer)
{
	return answer_refused_as(answer, "ResourceNotFound.UserNotExist") ||
	       answer_refused_as(answer, "ResourceNotFound.UserNotExists") ||
	       answer_refused_as(answer, "InvalidParameter.UserNotExist");
}

bool tencentcloud_policy_missing(const struct answer *answer)
{
	return answer_refused_as(answer, "ResourceNotFound.PolicyIdNotFound") ||
	       answer_refused_as(answer, "ResourceNotFound.NotFound") ||
	       answer_refused_as(answer, "InvalidParameter.PolicyIdNotExist");
}

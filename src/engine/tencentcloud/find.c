/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud finds policies by a keyword, fuzzily, and in pages: only a name that is the same byte for
 * byte, in a scope that is the same, is the one that was meant. */
#include "engine/tencentcloud/tencentcloud_priv.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

#define PAGE_SIZE       200
#define PAGES_MAX       50 /* 10,000 policies: several times what an account may have */
#define NEAR_MAX        3  /* names that a message suggests */
#define POLICY_NAME_MAX 128

enum { TYPE_OWN = 1, TYPE_PRESET = 2 };

/* Notes: "find", an object with an entry for each index that is looked for:
 *   {"page", "plain": without a keyword, "first": number of the page before, "id", "count", "near"} */

static json_t *state_of(const struct step *step, size_t index)
{
	char key[24];

	snprintf(key, sizeof(key), "%zu", index);
	return json_object_get(json_object_get(step->notes, "find"), key);
}

static void start(struct step *step, size_t index, bool plain)
{
	json_t *finds = json_object_get(step->notes, "find");
	char key[24];

	snprintf(key, sizeof(key), "%zu", index);
	if (!finds) {
		step_note(step, "find", json_object());
		finds = json_object_get(step->notes, "find");
	}
	if (json_object_set_new(finds, key,
				json_pack("{s:i, s:b, s:I, s:I, s:i, s:[]}", "page", 1, "plain",
					  plain, "first", (json_int_t)0, "id", (json_int_t)0,
					  "count", 0, "near")))
		step->next.failed = true;
}

static void ask(struct step *step, size_t index, const struct wanted *wanted)
{
	struct call *call = round_add(&step->next, &tencentcloud_cam, "ListPolicies", CALL_READS,
				      tag_of(KIND_FIND_POLICY, index));
	const json_t *state = state_of(step, index);

	call_value(call, "Rp", json_integer(PAGE_SIZE));
	call_value(call, "Page", json_integer(json_get_int(state, "page", 1)));
	call_param(call, "Scope", wanted->scope);
	if (!json_get_true(state, "plain"))
		call_param(call, "Keyword", wanted->name);
}

struct wanted tencentcloud_wanted(const json_t *policies, size_t index)
{
	const json_t *policy = json_array_get(policies, index);

	return (struct wanted){ json_get_text(policy, "policy_name"),
				json_get_text(policy, "scope") };
}

void tencentcloud_find(struct step *step, size_t index, const struct wanted *wanted)
{
	start(step, index, false);
	ask(step, index, wanted);
}

/* ---- One page ---- */

static bool is_in_scope(const json_t *policy, const char *scope)
{
	json_int_t type = json_get_int(policy, "Type", 0);

	if (strcmp(scope, "Local") == 0)
		return type != TYPE_PRESET;
	return strcmp(scope, "QCS") != 0 || type != TYPE_OWN;
}

static int set(json_t *state, const char *name, json_int_t number)
{
	return json_object_set_new(state, name, json_integer(number));
}

/* One that is made meanwhile, before others in the list, pushes the last of a page to the next. */
static int count(json_t *state, json_int_t id)
{
	if (id == json_get_int(state, "id", 0))
		return 0;
	return set(state, "id", id) | set(state, "count", json_get_int(state, "count", 0) + 1);
}

static int look_at(json_t *state, const json_t *policy, const struct wanted *wanted)
{
	const char *name = json_get_text(policy, "PolicyName");
	json_t *near = json_object_get(state, "near");
	json_int_t id = tencentcloud_number(policy, "PolicyId");

	if (strcmp(name, wanted->name) == 0 && is_in_scope(policy, wanted->scope) && id > 0)
		return count(state, id);
	if (json_get_true(state, "plain") || json_array_size(near) >= NEAR_MAX ||
	    !text_is_word(name, "+=,.@_-", POLICY_NAME_MAX))
		return 0;
	return json_array_append_new(near, json_string(name));
}

static bool has_more(const json_t *body, json_int_t page)
{
	size_t size = json_array_size(json_object_get(body, "List"));

	return size >= PAGE_SIZE &&
	       page * PAGE_SIZE < json_get_int(body, "TotalNum", PAGE_SIZE * PAGES_MAX + 1);
}

/* The numbers of pages are ours, so a cloud that always shows the same one is told by its content. */
static bool goes_on(struct step *step, json_t *state, const json_t *list, json_int_t page)
{
	json_int_t first = tencentcloud_number(json_array_get(list, 0), "PolicyId");

	if (page == PAGES_MAX || (page > 1 && first == json_get_int(state, "first", 0))) {
		step_fail(step, "ListPolicies does not come to an end");
		return false;
	}
	if (set(state, "first", first) || set(state, "page", page + 1))
		step->next.failed = true;
	return true;
}

static enum finding take_page(struct step *step, const struct answer *answer,
			      const struct wanted *wanted, json_int_t *id_out)
{
	json_t *list = json_object_get(answer->body, "List"), *policy;
	json_t *state = state_of(step, tag_index(answer->tag));
	json_int_t page = json_get_int(state, "page", 1), matches;
	size_t i;

	json_array_foreach(list, i, policy)
	{
		if (look_at(state, policy, wanted))
			step->next.failed = true;
	}
	if (has_more(answer->body, page)) {
		if (!goes_on(step, state, list, page))
			return FIND_FAILED;
		ask(step, tag_index(answer->tag), wanted);
		return FIND_MORE;
	}
	matches = json_get_int(state, "count", 0);
	if (matches != 1)
		return matches ? FIND_SEVERAL : FIND_NONE;
	*id_out = json_get_int(state, "id", 0);
	return FIND_ONE;
}

enum finding tencentcloud_found(struct step *step, const struct answer *answer,
				const struct wanted *wanted, json_int_t *id_out)
{
	size_t index = tag_index(answer->tag);
	bool disliked = answer_refused_as(answer, "InvalidParameter.KeywordError") ||
			answer_refused_as(answer, "InvalidParameter.SearchKeywordLengthError");

	*id_out = 0;
	if (answer->kind == ANSWER_OK)
		return take_page(step, answer, wanted, id_out);
	if (!disliked || json_get_true(state_of(step, index), "plain")) {
		step_blame(step, answer);
		return FIND_FAILED;
	}
	start(step, index, true);
	ask(step, index, wanted);
	return FIND_MORE;
}

/* ---- What a person is told ---- */

static void add_near(struct buf *text, const json_t *near)
{
	const json_t *name;
	size_t i;

	json_array_foreach(near, i, name)
	{
		buf_add_text(text, i ? ", " : "; near it: ");
		buf_add_text(text, json_string_value(name));
	}
}

enum verdict tencentcloud_find_fail(struct step *step, size_t index, const struct wanted *wanted,
				    enum finding finding)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "remote_policies: policy_name:%s,scope:%s ", wanted->name, wanted->scope);
	if (finding == FIND_SEVERAL) {
		buf_add_text(&text, "is the name of several policies; say QCS or Local");
	} else {
		buf_add_text(&text, "no data: no policy has exactly this name");
		add_near(&text, json_object_get(state_of(step, index), "near"));
	}
	step->mistake = true;
	step_fail(step, buf_error(&text) ? "memory is out" : buf_text(&text));
	buf_free(&text);
	return STEP_FAILED;
}

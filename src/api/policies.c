/* SPDX-License-Identifier: Apache-2.0 */
/* sys/policies/acl, and sys/policy as older clients know it. */
#include "auth/policies.h"

#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

/* ---- Names ---- */

/* A name in a path stands as it is stored; a blank around it would be trimmed where it is named in a
 * body. false: the refusal is in the outcome. */
static bool check_name(struct context *context)
{
	const char *name = context->match->capture;
	size_t size = strlen(name), front = strspn(name, " "), back = 0;

	while (back < size - front && name[size - 1 - back] == ' ')
		back++;
	if (front || back)
		outcome_error(&context->outcome, 400,
			      "names are stored without blanks around them: write \"%.*s\" instead "
			      "of \"%s\"",
			      (int)(size - front - back), name + front, name);
	else if (!policy_name_is_valid(name))
		outcome_error(&context->outcome, 400,
			      "a policy's name has at most %d characters, all of them printable "
			      "ASCII",
			      POLICY_NAME_MAX);
	else
		return true;
	return false;
}

/* ---- Lists ---- */

int policy_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = policies_list(context->policies, page.after, page_ask(&page), page_add, &page);
	return page_end(context, &page, ret);
}

int old_policy_list(struct context *context)
{
	int ret = policy_list(context);
	json_t *data = context->outcome.data;

	if (!ret && data && json_object_set(data, "policies", json_object_get(data, "keys")))
		return LH_ENOMEM;
	return ret;
}

/* ---- One ---- */

static int read_as(struct context *context, const char *member)
{
	const char *name = context->match->capture;
	struct buf text = BUF_INIT;
	int ret;

	if (!check_name(context))
		return 0;
	ret = policies_get(context->policies, name, &text);
	if (!ret)
		outcome_data(&context->outcome,
			     json_pack("{s:s, s:s}", "name", name, member, buf_text(&text)));
	buf_free(&text);
	return ret == LH_ENOENT ? 0 : ret;
}

int policy_read(struct context *context)
{
	return read_as(context, "policy");
}

int old_policy_read(struct context *context)
{
	return read_as(context, "rules");
}

/* A text that reads as base64 of a text is taken as such; a word may read as base64 of anything. */
static int read_base64(const char *sent, struct buf *text)
{
	size_t step = 1;
	int ret;

	ret = text_unbase64(sent, strlen(sent), text);
	for (size_t i = 0; !ret && step && i < text->size; i += step)
		step = text_utf8(text->data + i, text->size - i);
	return ret || step ? ret : LH_EINVAL;
}

static int store_text(struct context *context, const char *sent, const char **unkept_out,
		      struct err *err)
{
	struct buf decoded = BUF_INIT;
	struct bytes text = { sent, strlen(sent) };
	int ret;

	ret = read_base64(sent, &decoded);
	if (!ret)
		text = (struct bytes){ buf_text(&decoded), decoded.size };
	if (!ret || ret == LH_EINVAL)
		ret = policies_put(context->policies, context->match->capture, text, unkept_out,
				   err);
	buf_free(&decoded);
	return ret;
}

int policy_write(struct context *context)
{
	const char *text = json_get_text(context->fields, "policy");
	const char *rules = json_get_text(context->fields, "rules");
	const char *unkept = NULL;
	struct err err = { "" };
	int ret;

	if (!check_name(context))
		return 0;
	if (!text[0] && !rules[0])
		return outcome_error(&context->outcome, 400,
				     "'policy' parameter not supplied or empty");
	ret = store_text(context, text[0] ? text : rules, &unkept, &err);
	if (ret)
		return context_failure(context, ret, &err);
	if (text[0] && !unkept)
		return 0;
	if (!text[0])
		outcome_warn(&context->outcome,
			     "'rules' is deprecated, please use 'policy' instead");
	if (unkept)
		outcome_warn(&context->outcome,
			     "%s is kept in the text, but nobody asks for it here", unkept);
	return outcome_no_data(&context->outcome, 0);
}

int policy_delete(struct context *context)
{
	struct err err = { "" };
	int ret;

	if (!check_name(context))
		return 0;
	ret = policies_delete(context->policies, context->match->capture, &err);
	return ret ? context_failure(context, ret, &err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page.h"

#include "api/context.h"
#include "util/err.h"
#include "util/json.h"

const struct field page_fields[] = {
	{ "after", FIELD_STRING, "Only entries behind this one.", false, false },
	{ "limit", FIELD_INT, "How many entries at most, 1 to 1000.", false, false },
	{ .name = NULL },
};

bool page_start(struct context *context, struct page *page)
{
	json_int_t limit = json_get_int(context->fields, "limit", API_LIST_MAX);

	page->after = json_get_text(context->fields, "after");
	page->limit = (size_t)limit;
	page->more = false;
	page->keys = json_array();
	if (limit >= 1 && limit <= API_LIST_MAX)
		return true;
	outcome_error(&context->outcome, 400, "limit must be 1 to %d", API_LIST_MAX);
	json_decref(page->keys);
	page->keys = NULL;
	return false;
}

size_t page_ask(const struct page *page)
{
	return page->limit + 1;
}

int page_add(void *context, const char *name)
{
	struct page *page = context;

	if (json_array_size(page->keys) == page->limit) {
		page->more = true;
		return 0;
	}
	return json_array_append_new(page->keys, json_string(name)) ? LH_ENOMEM : 0;
}

/* Its keys, and a warning when there are more. */
static int say(struct context *context, struct page *page)
{
	if (page->more)
		outcome_warn(&context->outcome,
			     "There are more than these %zu entries: ask for those after the last.",
			     page->limit);
	return outcome_data(&context->outcome, json_pack("{s:o}", "keys", page->keys));
}

int page_end(struct context *context, struct page *page, int ret)
{
	if (!ret)
		return say(context, page);
	json_decref(page->keys);
	return ret == LH_ERANGE ? outcome_error(&context->outcome, 400, "after is too long") : ret;
}

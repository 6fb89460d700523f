/* SPDX-License-Identifier: Apache-2.0 */
/* sys/leases: lists and counts. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/page.h"
#include "lease/index.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

/* ---- Folder by folder ---- */

int leases_list(struct context *context)
{
	struct page page;
	int ret;

	if (!page_start(context, &page))
		return 0;
	ret = lease_list(context_store(context), context->match->capture, page.after,
			 page_ask(&page), page_add, &page);
	return page_end(context, &page, ret);
}

/* ---- Those that cannot be revoked ---- */

static bool wants_irrevocable(const struct context *context)
{
	return !strcmp(json_get_text(context->fields, "type"), "irrevocable");
}

static const char *accessor_of(const struct mount *mount)
{
	return json_get_text(mount->entry, "accessor");
}

struct counting {
	struct store *store;
	json_t *counts; /* accessor → number */
	size_t total;
};

static int count_mount(void *context, const struct mount *mount)
{
	struct counting *counting = context;
	struct lease_key none;
	size_t count, total;
	int ret;

	ret = lease_scan_irrevocable(counting->store, mount->uuid, &none, 0, &count, &total);
	if (ret || !total)
		return ret;
	counting->total += total;
	return json_object_set_new(counting->counts, accessor_of(mount),
				   json_integer((json_int_t)total))
		       ? LH_ENOMEM
		       : 0;
}

int leases_count(struct context *context)
{
	struct counting counting = { .store = context_store(context) };
	int ret;

	if (!wants_irrevocable(context))
		return outcome_error(&context->outcome, 404, NULL);
	counting.counts = json_object();
	ret = counting.counts ? mount_each(context->broker, count_mount, &counting) : LH_ENOMEM;
	if (!ret)
		outcome_data(&context->outcome,
			     json_pack("{s:I, s:O}", "lease_count", (json_int_t)counting.total,
				       "counts", counting.counts));
	json_decref(counting.counts);
	return ret;
}

/* mount uuid in hex → accessor */
static int note_accessor(void *context, const struct mount *mount)
{
	char uuid[2 * LEASE_UUID_SIZE + 1];

	text_hex(mount->uuid, sizeof(mount->uuid), uuid);
	return json_object_set_new(context, uuid, json_string(accessor_of(mount))) ? LH_ENOMEM : 0;
}

static int add_irrevocable(struct store *store, const struct lease_key *key,
			   const json_t *accessors, json_t *leases)
{
	char uuid[2 * LEASE_UUID_SIZE + 1];
	struct lease *lease;
	json_t *entry;
	int ret;

	ret = lease_get_key(store, key, &lease);
	if (ret)
		return ret == LH_ENOENT ? 0 : ret; /* revoked meanwhile */
	text_hex(lease->mount, sizeof(lease->mount), uuid);
	entry = json_pack("{s:s, s:s, s:s}", "lease_id", lease->id, "mount_id",
			  json_get_text(accessors, uuid), "error", lease->error);
	lease_free(lease);
	return json_array_append_new(leases, entry) ? LH_ENOMEM : 0;
}

/* "none" asks for all: as many as one answer holds. */
static bool read_limit(struct context *context, size_t *limit_out)
{
	const char *text = json_get_text(context->fields, "limit");
	int64_t limit = API_LIST_MAX;

	if (text[0] && strcmp(text, "none") != 0 && (text_int64(text, &limit) || limit < 1)) {
		outcome_error(&context->outcome, 400,
			      "invalid 'limit' provided: must be \"none\" or a positive number");
		return false;
	}
	*limit_out = limit < API_LIST_MAX ? (size_t)limit : API_LIST_MAX;
	return true;
}

static int list_irrevocable(struct context *context, size_t limit, struct lease_key *keys,
			    const json_t *accessors, json_t *leases)
{
	struct store *store = context_store(context);
	size_t count, total;
	int ret;

	ret = lease_scan_irrevocable(store, NULL, keys, limit, &count, &total);
	for (size_t i = 0; !ret && i < count; i++)
		ret = add_irrevocable(store, &keys[i], accessors, leases);
	if (ret)
		return ret;
	if (total > count)
		outcome_warn(&context->outcome, "There are more than these %zu leases.", count);
	return outcome_data(&context->outcome, json_pack("{s:I, s:O}", "lease_count",
							 (json_int_t)total, "leases", leases));
}

int leases_irrevocable(struct context *context)
{
	json_t *accessors = json_object(), *leases = json_array();
	struct lease_key *keys = NULL;
	size_t limit;
	int ret = 0;

	if (!wants_irrevocable(context)) {
		outcome_error(&context->outcome, 404, NULL);
		goto cleanup;
	}
	if (!read_limit(context, &limit))
		goto cleanup;
	keys = calloc(limit, sizeof(*keys));
	ret = keys && accessors && leases ? 0 : LH_ENOMEM;
	if (!ret)
		ret = mount_each(context->broker, note_accessor, accessors);
	if (!ret)
		ret = list_irrevocable(context, limit, keys, accessors, leases);
cleanup:
	free(keys);
	json_decref(accessors);
	json_decref(leases);
	return ret;
}

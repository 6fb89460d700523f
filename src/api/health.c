/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may ask about the server. One server, never sealed, never a standby. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "config.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/text.h"

#define CLUSTER_NAME "leasehold"

/* A parameter that came more than once is not a number. */
static const char *parameter(const struct context *context, const char *name)
{
	const json_t *value = json_object_get(context->request->query, name);

	if (!value)
		return NULL;
	return json_is_string(value) ? json_string_value(value) : "";
}

/* Load balancers choose what a state is to be called. All choices are checked, one can matter. */
static bool read_codes(const struct context *context, int *active_out)
{
	static const char *const names[] = {
		"activecode",      "standbycode", "drsecondarycode", "performancestandbycode",
		"haunhealthycode", "uninitcode",  "sealedcode",      "removedcode",
	};
	int64_t code;

	*active_out = 200;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = parameter(context, names[i]);

		if (!text)
			continue;
		if (text_int64(text, &code) || code < 200 || code > 599)
			return false;
		if (i == 0)
			*active_out = (int)code;
	}
	return true;
}

static bool read_flags(const struct context *context)
{
	static const char *const names[] = { "standbyok", "perfstandbyok" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = parameter(context, names[i]);
		bool value;

		if (text && text[0] && request_bool(text, &value))
			return false;
	}
	return true;
}

int health_read(struct context *context)
{
	int status;

	if (!read_codes(context, &status) || !read_flags(context))
		return outcome_error(&context->outcome, 400, NULL);
	return outcome_bare(
		&context->outcome, status,
		json_pack("{s:b, s:b, s:b, s:b, s:s, s:s, s:I, s:s, s:b, s:s, s:s}", "initialized",
			  1, "sealed", 0, "standby", 0, "performance_standby", 0,
			  "replication_performance_mode", "disabled", "replication_dr_mode",
			  "disabled", "server_time_utc", (json_int_t)clock_now(), "version",
			  PACKAGE_VERSION, "enterprise", 0, "cluster_name", CLUSTER_NAME,
			  "cluster_id", store_id(context_store(context))));
}

int seal_status_read(struct context *context)
{
	return outcome_bare(
		&context->outcome, 200,
		json_pack("{s:s, s:b, s:b, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:b, "
			  "s:s}",
			  "type", "shamir", "initialized", 1, "sealed", 0, "t", 1, "n", 1,
			  "progress", 0, "nonce", "", "version", PACKAGE_VERSION, "build_date", "",
			  "commit_date", "", "migration", 0, "cluster_name", CLUSTER_NAME,
			  "cluster_id", store_id(context_store(context)), "recovery_seal", 0,
			  "storage_type", "lmdb"));
}

int init_read(struct context *context)
{
	return outcome_bare(&context->outcome, 200, json_pack("{s:b}", "initialized", 1));
}

int init_write(struct context *context)
{
	return outcome_error(&context->outcome, 400, "Vault is already initialized");
}

int leader_read(struct context *context)
{
	return outcome_bare(&context->outcome, 200,
			    json_pack("{s:b, s:b, s:s, s:s, s:s, s:b, s:i}", "ha_enabled", 0,
				      "is_self", 0, "active_time", "0001-01-01T00:00:00Z",
				      "leader_address", "", "leader_cluster_address", "",
				      "performance_standby", 0,
				      "performance_standby_last_remote_wal", 0));
}

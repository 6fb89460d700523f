/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/pace.h"

#include <string.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "util/clock.h"
#include "util/json.h"

static unsigned engine_quota(const struct engine *engine, const char *action)
{
	unsigned others = 1;

	for (const struct quota *quota = engine->quotas; quota->action; quota++) {
		if (strcmp(quota->action, action) == 0)
			return quota->per_second;
		if (strcmp(quota->action, "*") == 0)
			others = quota->per_second;
	}
	return others;
}

unsigned pace_quota(const struct engine *engine, const struct conf_engine *conf, const char *action)
{
	json_int_t quota = json_get_int(conf->quotas, action, 0);

	if (!quota)
		quota = json_get_int(conf->quotas, "*", 0);
	return quota ? (unsigned)quota : engine_quota(engine, action);
}

static struct bucket *bucket_of(const struct pace *pace, const char *action)
{
	if (!pace->account || !pace->account[0])
		return NULL;
	return bucket_find(pace->buckets, pace->engine->type, pace->account, action);
}

int64_t pace_take(const struct pace *pace, const char *action)
{
	struct bucket *bucket = bucket_of(pace, action);
	unsigned quota;
	int64_t wait;

	if (!bucket)
		return 0;
	quota = pace_quota(pace->engine, pace->conf, action);
	wait = bucket_take(bucket, quota, pace->use, clock_boot_us());
	return (wait + 999) / 1000;
}

void pace_throttled(const struct pace *pace, const char *action, int64_t retry_ms)
{
	struct bucket *bucket = bucket_of(pace, action);

	if (bucket)
		bucket_throttled(bucket, clock_boot_us(), retry_ms * 1000);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <string.h>

#include "engine/alicloud/alicloud.h"
#include "engine/tencentcloud/tencentcloud.h"

const struct engine *const engine_all[] = { &engine_alicloud, &engine_tencentcloud, NULL };

const struct engine *engine_find(const char *type)
{
	for (size_t i = 0; engine_all[i]; i++) {
		if (strcmp(engine_all[i]->type, type) == 0)
			return engine_all[i];
	}
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <string.h>

#include "conf/conf.h"

const struct engine *engine_find(const char *type)
{
	for (size_t i = 0; engine_all[i]; i++) {
		if (strcmp(engine_all[i]->type, type) == 0)
			return engine_all[i];
	}
	return NULL;
}

bool engine_conf_type(size_t i, struct conf_engine_type *type_out)
{
	const struct engine *engine = engine_all[i];

	if (engine)
		*type_out = (struct conf_engine_type){ engine->type, engine->conf_keys,
						       engine->signature_validity };
	return engine;
}

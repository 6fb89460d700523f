/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/surroundings.h"

#include <string.h>

#include "util/json.h"

const char *surroundings_variable(const struct surroundings *around, const char *name)
{
	return json_get_text(around->environment, name);
}

size_t surroundings_login_token(const struct surroundings *around)
{
	return strcspn(around->login_token, "\r\n");
}

bool surroundings_key(const struct surroundings *around, const struct key_variables *table,
		      struct root_key *key)
{
	for (; table->id; table++) {
		struct session found = {
			.id = surroundings_variable(around, table->id),
			.secret = surroundings_variable(around, table->secret),
			.token = "",
		};

		for (size_t i = 0; i < TOKEN_VARIABLES_MAX && !found.token[0]; i++)
			if (table->tokens[i])
				found.token = surroundings_variable(around, table->tokens[i]);
		if (found.id[0] && found.secret[0])
			return session_fill_key(&found, key) == 0;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Root credentials in the environment of the server, and what it holds to find others. */
#ifndef ENGINE_SURROUNDINGS_H
#define ENGINE_SURROUNDINGS_H

#include "engine/engine.h"
#include "engine/session.h"

/* A variable; "" if unset. Borrowed. */
const char *surroundings_variable(const struct surroundings *around, const char *name);

/* The login token without the end of its line. Its size; 0 if there is none. */
size_t surroundings_login_token(const struct surroundings *around);

#define TOKEN_VARIABLES_MAX 3

/* The names of one of the cloud's tools; of the tokens the first that is set counts. */
struct key_variables {
	const char *id, *secret, *tokens[TOKEN_VARIABLES_MAX];
};

/* What struct engine says about environment_key, from the first of the tools' names that are set;
 * a NULL id ends the table. */
bool surroundings_key(const struct surroundings *around, const struct key_variables *table,
		      struct root_key *key);

#endif

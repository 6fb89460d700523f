/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the instance's own role, from the metadata service. */
#ifndef ENGINE_METADATA_H
#define ENGINE_METADATA_H

#include "engine/engine.h"
#include "engine/session.h"

struct metadata_rules {
	const char *roles; /* the path under which the roles are */
	const char *role;  /* what a role is called in messages, "RAM role" */
	const struct session_names *names;

	/* Optional, together. The service wants a token: fetched by PUT from this path with this
	 * header, and shown in a header of this name. */
	const char *token_path, *token_request, *token_header;

	/* Optional. Variables that name the role, and that switch the service off. */
	const char *role_variable, *disabled_variable;
};

/* What struct engine says about fetch_key. */
enum verdict metadata_key(const struct metadata_rules *rules, struct step *step,
			  const struct surroundings *around, struct root_key *key);

#endif

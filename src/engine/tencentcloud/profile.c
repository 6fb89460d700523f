/* SPDX-License-Identifier: Apache-2.0 */
/* The profile file of the cloud's SDKs: sections of "name = value" lines, of which [default] counts. */
#include "engine/tencentcloud/tencentcloud_priv.h"

#include <string.h>

#include "engine/session.h"
#include "util/wipe.h"

#define SPACE " \t\r"

/* Takes the white space off both ends of a text, in place. */
static char *trim(char *text)
{
	size_t size;

	text += strspn(text, SPACE);
	size = strlen(text);
	while (size > 0 && strchr(SPACE, text[size - 1]))
		size--;
	text[size] = '\0';
	return text;
}

static void take_pair(char *line, struct session *found)
{
	char *equals = strchr(line, '='), *name, *value;

	if (!equals)
		return;
	*equals = '\0';
	name = trim(line);
	value = trim(equals + 1);
	if (strcmp(name, "secret_id") == 0)
		found->id = value;
	else if (strcmp(name, "secret_key") == 0)
		found->secret = value;
	else if (strcmp(name, "token") == 0)
		found->token = value;
}

/* The texts of found are parts of text. */
static void read_profile(char *text, struct session *found)
{
	bool ours = false;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line = trim(line);
		if (line[0] == '[')
			ours = strcmp(line, "[default]") == 0;
		else if (ours && line[0] != '#' && line[0] != ';')
			take_pair(line, found);
	}
}

bool tencentcloud_profile_key(const char *text, struct root_key *key)
{
	struct session found = { .id = "", .secret = "", .token = "" };
	size_t size = strlen(text);
	char *copy = wipe_copy(text, size);
	bool whole = false;

	if (!copy)
		return false;
	read_profile(copy, &found);
	if (found.id[0] && found.secret[0])
		whole = session_fill_key(&found, key) == 0;
	/* Terminators stand between the parts now: wipe_free would not see the end. */
	wipe(copy, size);
	wipe_free(copy);
	return whole;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/goal.h"

#include <string.h>
#include <strings.h>

#include "nginx/tree.h"

static bool is_prefix(const char *sign)
{
	return !*sign || strcmp(sign, "^~") == 0;
}

/* Of a path that is known to its end. */
static bool fits(const struct goal *goal, const struct block *location)
{
	const char *text, *sign = location_pattern(location, &text);
	size_t size = strlen(text);

	if (strcmp(sign, "=") == 0)
		return size == goal->size && memcmp(text, goal->path, size) == 0;
	return is_prefix(sign) && size <= goal->size && memcmp(text, goal->path, size) == 0;
}

static bool is_better(const struct block *location, const struct block *than)
{
	const char *text, *other, *sign = location_pattern(location, &text);

	if (!than)
		return true;
	if (strcmp(location_pattern(than, &other), "=") == 0)
		return false;
	return strcmp(sign, "=") == 0 || strlen(text) > strlen(other);
}

struct goal goal_make(const struct tree *tree, const struct block *server, const char *path)
{
	struct goal goal = { .path = path, .size = strcspn(path, "?$") };

	goal.open = path[goal.size] == '$';
	for (size_t i = server->number; i < server->end; i++) {
		const struct block *location = &tree->blocks[i];

		if (location->kind == BLOCK_LOCATION && block_server(location) == server &&
		    fits(&goal, location) && is_better(location, goal.best))
			goal.best = location;
	}
	return goal;
}

static bool may_begin_so(const struct goal *goal, const char *text)
{
	size_t size = strlen(text);

	return memcmp(text, goal->path, size < goal->size ? size : goal->size) == 0;
}

/* How much of a regular expression behind its ^ stands for itself. */
static size_t plain_length(const char *regex)
{
	size_t size = strcspn(regex, "\\^$.[]|()?*+{}");

	return size && regex[size] && strchr("?*{", regex[size]) ? size - 1 : size;
}

/* Only the beginning is compared; whatever else it says may match. */
static bool may_match(const struct goal *goal, const char *sign, const char *regex)
{
	size_t size;

	if (*regex != '^' || strchr(regex, '|'))
		return true;
	size = plain_length(++regex);
	if (size > goal->size && !goal->open)
		return false;
	size = size < goal->size ? size : goal->size;
	return (sign[1] == '*' ? strncasecmp(regex, goal->path, size)
			       : strncmp(regex, goal->path, size)) == 0;
}

bool goal_meets(const struct goal *goal, const struct block *location)
{
	const char *text, *sign = location_pattern(location, &text);

	if (*sign == '@')
		return false;
	if (*sign != '~' && !goal->open)
		return location == goal->best;
	if (*sign != '~')
		return may_begin_so(goal, text);
	if (!may_match(goal, sign, text))
		return false;
	if (goal->open || !goal->best)
		return true;
	sign = location_pattern(goal->best, &text);
	return *sign != '=' && strcmp(sign, "^~") != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/visits.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/err.h"

#define VISITS_MAX 200000

/* How it came does not matter twice: the first way is the one that is told. */
static int mark(struct visits *visits, const struct block *block, const struct state *state,
		bool *known_out)
{
	char key[256];

	if (!visits->seen)
		visits->seen = json_object();
	err_text(key, sizeof(key), "%p %p%d %p%d %u %d%d %p %p", (const void *)block,
		 (void *)state->method.directive, state->method.sure, (void *)state->name.directive,
		 state->name.sure, state->passed, state->early, state->sub, (void *)state->any,
		 (void *)state->rewritten);
	*known_out = json_object_get(visits->seen, key) != NULL;
	return json_object_set_new(visits->seen, key, json_true()) ? LH_ENOMEM : 0;
}

static int grow(struct visits *visits)
{
	size_t capacity = visits->capacity ? 2 * visits->capacity : 8;
	struct visit *items;

	if (visits->count == VISITS_MAX)
		return LH_ERANGE;
	if (visits->count < visits->capacity)
		return 0;
	items = realloc(visits->items, capacity * sizeof(*items));
	if (!items)
		return LH_ENOMEM;
	visits->items = items;
	visits->capacity = capacity;
	return 0;
}

int visits_add(struct visits *visits, const struct block *block, const struct state *state)
{
	bool known;
	int ret = mark(visits, block, state, &known);

	if (ret || known)
		return ret;
	ret = grow(visits);
	if (ret)
		return ret;
	visits->items[visits->count++] = (struct visit){ block, *state };
	return 0;
}

void visits_free(struct visits *visits)
{
	free(visits->items);
	json_decref(visits->seen);
	*visits = (struct visits){ 0 };
}

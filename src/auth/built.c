/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/built.h"

#include <stdlib.h>

#include "auth/acl.h"
#include "util/err.h"

/* FNV-1a. The names are an operator's: nobody chooses them to make it slow. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash * 16777619u; /* as for the NUL at the end */
}

static struct built **bucket_of(struct built_cache *cache, const json_t *names)
{
	uint32_t hash = 2166136261u;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (json_is_string(name))
			hash = hash_text(hash, json_string_value(name));
	}
	return &cache->buckets[(hash ^ hash >> 16) % BUILT_BUCKETS];
}

static void free_built(struct built *built)
{
	json_decref(built->names);
	acl_free(built->acl);
	free(built->revisions);
	free(built);
}

struct built *built_find(struct built_cache *cache, const json_t *names)
{
	struct built *built = *bucket_of(cache, names);

	while (built && !json_equal(built->names, names))
		built = built->next;
	if (built)
		built->used = ++cache->turn;
	return built;
}

void built_drop(struct built_cache *cache, struct built *built)
{
	struct built **link = bucket_of(cache, built->names);

	while (*link != built)
		link = &(*link)->next;
	*link = built->next;
	cache->count--;
	cache->rules -= acl_count(built->acl);
	free_built(built);
}

static struct built *find_oldest(struct built_cache *cache)
{
	struct built *oldest = NULL;

	for (size_t i = 0; i < BUILT_BUCKETS; i++)
		for (struct built *built = cache->buckets[i]; built; built = built->next)
			if (!oldest || built->used < oldest->used)
				oldest = built;
	return oldest;
}

int built_keep(struct built_cache *cache, json_t *names, struct acl *acl, uint64_t *revisions,
	       uint64_t generation)
{
	struct built *built = calloc(1, sizeof(*built)), **bucket = bucket_of(cache, names);

	if (!built) {
		acl_free(acl);
		free(revisions);
		return LH_ENOMEM;
	}
	while (cache->count &&
	       (cache->count == BUILT_MAX || cache->rules + acl_count(acl) > BUILT_RULES_MAX))
		built_drop(cache, find_oldest(cache));
	*built = (struct built){
		.next = *bucket,
		.names = json_incref(names),
		.acl = acl,
		.revisions = revisions,
		.generation = generation,
		.used = ++cache->turn,
	};
	*bucket = built;
	cache->count++;
	cache->rules += acl_count(acl);
	return 0;
}

void built_free_all(struct built_cache *cache)
{
	struct built *built;

	while ((built = find_oldest(cache)))
		built_drop(cache, built);
}

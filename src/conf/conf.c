/* SPDX-License-Identifier: Apache-2.0 */
/* The file in four steps: read it as HCL, fill in the defaults, let every block fill its part by its
 * table of keys, then check what several keys must agree on. */
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "conf/engine_keys.h"
#include "conf/keys.h"
#include "conf/listener.h"
#include "hcl/hcl.h"
#include "util/buf.h"
#include "util/duration.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/wipe.h"

/* A configuration on its way in. */
struct load {
	struct conf *conf;
	conf_type_at types;
	const json_t *items;
	unsigned line; /* of what is looked at, for the error; 0: the file as a whole */
	struct err *err;
};

static const char *const block_names[] = { "listener", "storage", "seal", "engine", NULL };

static bool is_block_name(const char *name)
{
	for (size_t i = 0; block_names[i]; i++) {
		if (strcmp(block_names[i], name) == 0)
			return true;
	}
	return false;
}

static unsigned line_of(const json_t *item)
{
	return (unsigned)json_get_int(item, "line", 0);
}

/* Where a key stands among these items; 0: nowhere. */
static unsigned line_of_key(const json_t *items, const char *key)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (strcmp(json_get_text(item, "key"), key) == 0)
			return line_of(item);
	}
	return 0;
}

static const char *label(const json_t *item, size_t i)
{
	const char *text = json_string_value(json_array_get(json_object_get(item, "labels"), i));

	return text ? text : "";
}

/* Blocks go to their readers; everything else, mistakes included, to the table of top-level keys. */
static int check_block(struct load *load, const json_t *item)
{
	const char *name = json_get_text(item, "key"), *nearest;
	bool is_block = json_object_get(item, "body") != NULL;

	if (is_block == is_block_name(name))
		return 0;
	load->line = line_of(item);
	if (!is_block)
		return err_set(load->err, LH_EINVAL, "%s: must be a block, %s \"…\" { … }", name,
			       name);
	nearest = conf_nearest(name, block_names);
	if (!nearest)
		return 0;
	return err_set(load->err, LH_EINVAL, "%.64s: unknown block; did you mean \"%s\"?", name,
		       nearest);
}

static int read_top(struct load *load)
{
	json_t *keys = json_array(), *item;
	size_t i;
	int ret = keys ? 0 : err_set(load->err, LH_ENOMEM, "memory is out");

	json_array_foreach(load->items, i, item)
	{
		if (ret == 0)
			ret = check_block(load, item);
		if (ret == 0 && !is_block_name(json_get_text(item, "key")) &&
		    json_array_append(keys, item) != 0)
			ret = err_set(load->err, LH_ENOMEM, "memory is out");
	}
	if (ret == 0)
		ret = conf_fill(conf_top_keys, keys, load->conf, &load->line, load->err);
	json_decref(keys);
	return ret;
}

/* A block that exists once and in one type: `storage "lmdb"`. */
static int read_single(struct load *load, const char *name, const char *type,
		       const struct conf_key *keys)
{
	unsigned earlier = 0;
	json_t *item;
	size_t i;
	int ret;

	json_array_foreach(load->items, i, item)
	{
		if (strcmp(json_get_text(item, "key"), name) != 0)
			continue;
		load->line = line_of(item);
		if (json_array_size(json_object_get(item, "labels")) != 1 ||
		    strcmp(label(item, 0), type) != 0)
			return err_set(
				load->err, LH_EINVAL,
				"%s: must be written %s \"%s\" { … }; there is no other type", name,
				name, type);
		if (earlier)
			return err_set(load->err, LH_EINVAL, "%s: given twice, first in line %u",
				       name, earlier);
		earlier = load->line;
		ret = conf_fill(keys, json_object_get(item, "body"), load->conf, &load->line,
				load->err);
		if (ret)
			return err_prefix(load->err, ret, "%s \"%s\"", name, type);
	}
	load->line = earlier;
	return 0;
}

static int read_seal(struct load *load)
{
	int ret = read_single(load, "seal", "file", conf_seal_keys);

	if (ret || load->conf->seal_key_file)
		return ret;
	return err_set(load->err, LH_EINVAL,
		       "seal \"file\": key_file: missing; name the file of the master key, "
		       "key_file = \"/etc/leasehold/master.key\"");
}

static int add_engine(struct load *load, const struct conf_engine_type *type)
{
	struct conf *conf = load->conf;
	struct conf_engine *engines;

	engines = realloc(conf->engines, (conf->engine_count + 1) * sizeof(*engines));
	if (!engines)
		return err_set(load->err, LH_ENOMEM, "memory is out");
	conf->engines = engines;
	engines += conf->engine_count++;
	*engines = (struct conf_engine){ .of = *type };
	return conf_fill_defaults(type->keys, engines, load->err);
}

static int add_engines(struct load *load)
{
	struct conf_engine_type type;
	int ret = 0;

	for (size_t i = 0; !ret && load->types(i, &type); i++)
		ret = add_engine(load, &type);
	return ret;
}

/* A sweep that comes while a signed call may still be carried out can miss what that call makes.
 * Simulators on this machine answer at once. */
static int check_sweeps(const struct conf_engine *engine, struct err *err)
{
	char validity[32];

	if (engine->sweep_after[engine->sweep_count - 1] > engine->of.signature_validity ||
	    conf_endpoint_is_loopback(engine->user_endpoint))
		return 0;
	duration_format(engine->of.signature_validity, validity);
	return err_set(
		err, LH_EINVAL,
		"sweep_after: the last must be later than %s, for so long the cloud may still "
		"carry out a call",
		validity);
}

static struct conf_engine *find_engine(const struct conf *conf, const char *type)
{
	for (size_t i = 0; i < conf->engine_count; i++) {
		if (strcmp(conf->engines[i].of.type, type) == 0)
			return &conf->engines[i];
	}
	return NULL;
}

static int read_engine(struct load *load, const json_t *item)
{
	unsigned line = load->line;
	const char *name = label(item, 0);
	struct conf_engine *engine;
	int ret;

	if (json_array_size(json_object_get(item, "labels")) != 1)
		return err_set(load->err, LH_EINVAL,
			       "engine: must be written engine \"type\" { … }");
	engine = find_engine(load->conf, name);
	if (!engine)
		return err_set(load->err, LH_EINVAL, "engine \"%.64s\": unknown engine", name);
	if (engine->line)
		return err_set(load->err, LH_EINVAL, "engine \"%s\": given twice, first in line %u",
			       name, engine->line);
	engine->line = line;
	ret = conf_fill(engine->of.keys, json_object_get(item, "body"), engine, &load->line,
			load->err);
	if (ret == 0) {
		load->line = line_of_key(json_object_get(item, "body"), "sweep_after");
		ret = check_sweeps(engine, load->err);
	}
	return ret ? err_prefix(load->err, ret, "engine \"%s\"", name) : 0;
}

static int read_engines(struct load *load)
{
	json_t *item;
	size_t i;
	int ret = add_engines(load);

	json_array_foreach(load->items, i, item)
	{
		if (ret)
			return ret;
		if (strcmp(json_get_text(item, "key"), "engine") != 0)
			continue;
		load->line = line_of(item);
		ret = read_engine(load, item);
	}
	return ret;
}

static int check_ttls(struct load *load)
{
	const struct conf *conf = load->conf;
	char ttl[32], max[32];

	if (conf->default_lease_ttl <= conf->max_lease_ttl)
		return 0;
	load->line = line_of_key(load->items, "default_lease_ttl");
	if (!load->line)
		load->line = line_of_key(load->items, "max_lease_ttl");
	duration_format(conf->default_lease_ttl, ttl);
	duration_format(conf->max_lease_ttl, max);
	return err_set(load->err, LH_EINVAL,
		       "default_lease_ttl: must be at most max_lease_ttl, which is %s, is %s", max,
		       ttl);
}

static int read_all(struct load *load)
{
	int ret;

	ret = conf_fill_defaults(conf_top_keys, load->conf, load->err);
	if (ret == 0)
		ret = conf_fill_defaults(conf_storage_keys, load->conf, load->err);
	if (ret == 0)
		ret = read_top(load);
	if (ret == 0)
		ret = check_ttls(load);
	if (ret == 0)
		ret = read_single(load, "storage", "lmdb", conf_storage_keys);
	if (ret == 0)
		ret = read_seal(load);
	if (ret == 0)
		ret = read_engines(load);
	load->line = ret ? load->line : 0;
	if (ret == 0)
		ret = conf_read_listeners(load->conf, load->items, &load->line, load->err);
	return ret;
}

/* "line 12: …" of the HCL reader becomes "path:12: …", as in every other sentence. */
static int place_syntax_error(const char *path, int ret, struct err *err)
{
	unsigned line = 0;
	int skip = 0;

	if (!err || sscanf(err->text, "line %u: %n", &line, &skip) != 1 || skip == 0)
		return err_prefix(err, ret, "%s", path);
	return err_set(err, ret, "%s:%u: %s", path, line, err->text + skip);
}

static int read_items(const char *path, json_t **items_out, struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	ret = file_read(path, HCL_SIZE_MAX, &text, err);
	if (ret == 0) {
		ret = hcl_read(buf_text(&text), text.size, items_out, err);
		if (ret)
			place_syntax_error(path, ret, err);
	}
	buf_free(&text);
	return ret == LH_ERANGE ? LH_EINVAL : ret;
}

static int fill(struct conf *conf, conf_type_at types, const json_t *items, struct err *err)
{
	struct load load = { .conf = conf, .types = types, .items = items, .err = err };
	int ret = read_all(&load);

	if (ret && load.line)
		return err_prefix(err, ret, "%s:%u", conf->path, load.line);
	return ret ? err_prefix(err, ret, "%s", conf->path) : 0;
}

int conf_load(const char *path, conf_type_at types, struct conf **conf_out, struct err *err)
{
	struct conf *conf = NULL;
	json_t *items = NULL;
	int ret;

	*conf_out = NULL;
	ret = read_items(path, &items, err);
	if (ret)
		return ret;
	conf = calloc(1, sizeof(*conf));
	if (conf)
		conf->path = wipe_copy(path, strlen(path));
	if (!conf || !conf->path) {
		ret = err_set(err, LH_ENOMEM, "%s: memory is out", path);
		goto cleanup;
	}
	ret = fill(conf, types, items, err);
	if (ret)
		goto cleanup;

	*conf_out = conf;
	conf = NULL;
cleanup:
	conf_free(conf);
	json_decref(items);
	return ret;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int conf_check_reload(const struct conf *old, const struct conf *new, struct err *err)
{
	const char *key = NULL;

	if (!is_same(old->store_path, new->store_path))
		key = "storage \"lmdb\": path";
	else if (old->map_size != new->map_size)
		key = "storage \"lmdb\": map_size";
	else if (!is_same(old->seal_key_file, new->seal_key_file))
		key = "seal \"file\": key_file";
	else if (!is_same(old->user, new->user))
		key = "user";
	else if (!is_same(old->group, new->group))
		key = "group";
	if (!key)
		return 0;
	return err_set(err, LH_EINVAL,
		       "%s: %s: changed, which a running server cannot follow; restart it",
		       new->path, key);
}

int conf_check_files(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->engine_count; i++) {
		const struct conf_engine *engine = &conf->engines[i];
		int ret = conf_check_certificates(NULL, engine->ca_file, err);

		if (ret)
			return err_prefix(err, ret, "%s:%u: engine \"%s\": ca_file", conf->path,
					  engine->line, engine->of.type);
	}
	return 0;
}

const struct conf_engine *conf_engine(const struct conf *conf, const char *type)
{
	return find_engine(conf, type);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->listener_count; i++) {
		free(conf->listeners[i].name);
		conf_release(conf_listener_keys, &conf->listeners[i]);
	}
	for (size_t i = 0; i < conf->engine_count; i++)
		conf_release(conf->engines[i].of.keys, &conf->engines[i]);
	free(conf->engines);
	conf_release(conf_top_keys, conf);
	conf_release(conf_storage_keys, conf);
	conf_release(conf_seal_keys, conf);
	free(conf->path);
	free(conf);
}

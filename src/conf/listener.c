/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/listener.h"

#include <string.h>

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

#define READ_WORKERS 4
#define WORK_WORKERS 32
#define WORKERS_MAX  256

static unsigned line_of(const json_t *item)
{
	return (unsigned)json_get_int(item, "line", 0);
}

/* The item with this key; NULL if the block does not give it. */
static const json_t *find(const json_t *body, const char *key)
{
	json_t *item;
	size_t i;

	json_array_foreach(body, i, item)
	{
		if (strcmp(json_get_text(item, "key"), key) == 0)
			return item;
	}
	return NULL;
}

static int set_name(struct conf_listener *listener, const char *name, struct err *err)
{
	if (!text_is_name(name))
		return err_set(err, LH_EINVAL,
			       "the name must be letters, digits, \"_\", \"-\" and \".\"");
	listener->name = wipe_copy(name, strlen(name));
	return listener->name ? 0 : err_set(err, LH_ENOMEM, "memory is out");
}

/* A listener that is called like a pool belongs to it. */
static int set_pool(struct conf_listener *listener, const json_t *body, struct err *err)
{
	if (find(body, "pool"))
		return 0;
	if (strcmp(listener->name, "read") == 0)
		listener->pool = CONF_POOL_READ;
	else if (strcmp(listener->name, "work") == 0)
		listener->pool = CONF_POOL_WORK;
	else
		return err_set(err, LH_EINVAL,
			       "pool: missing; must be \"read\" or \"work\", unless the listener "
			       "has one of these names");
	return 0;
}

/* What the tables cannot say, because it depends on the name or the pool. */
static int set_defaults(struct conf_listener *listener, const json_t *body, struct err *err)
{
	struct buf address = BUF_INIT;
	int ret = set_pool(listener, body, err);

	if (ret)
		return ret;
	if (!listener->workers)
		listener->workers = listener->pool == CONF_POOL_READ ? READ_WORKERS : WORK_WORKERS;
	if (!find(body, "keepalive"))
		listener->keepalive = listener->pool == CONF_POOL_READ;
	if (listener->address)
		return 0;
	buf_printf(&address, "/run/leasehold/%s.sock", listener->name);
	listener->address = buf_take(&address);
	if (!listener->address)
		return err_set(err, LH_ENOMEM, "memory is out");
	ret = conf_check_address(listener->address, err);
	return ret ? err_prefix(err, ret, "address") : 0;
}

/* Who may connect can say who anybody is: nobody may by mere oversight. */
static int check_trust(const struct conf_listener *listener, const json_t *body, unsigned *line_out,
		       struct err *err)
{
	if (!listener->trust_identity || listener->peer_users)
		return 0;
	*line_out = line_of(find(body, "trust_identity"));
	return err_set(err, LH_EINVAL,
		       "trust_identity: needs peer_users, the users that may say who somebody is, "
		       "as [\"www-data\"]");
}

/* Keys that were given and have no effect here are mistakes. */
static int check_keys(const struct conf_listener *listener, const json_t *body, unsigned *line_out,
		      struct err *err)
{
	static const char *const path_keys[] = { "socket_mode", "socket_group", "peer_users",
						 "trust_identity", "identity_prefix" };

	if (listener->keepalive && listener->pool == CONF_POOL_WORK) {
		*line_out = line_of(find(body, "keepalive"));
		return err_set(
			err, LH_EINVAL,
			"keepalive: must be false in pool \"work\", whose workers would each "
			"wait on one connection of the web server");
	}
	if (listener->address[0] == '/')
		return check_trust(listener, body, line_out, err);
	for (size_t i = 0; i < sizeof(path_keys) / sizeof(path_keys[0]); i++) {
		const json_t *item = find(body, path_keys[i]);

		if (!item)
			continue;
		*line_out = line_of(item);
		return err_set(err, LH_EINVAL,
			       "%s: must be left out, as address is TCP, which knows no users; use "
			       "the path of a socket",
			       path_keys[i]);
	}
	return 0;
}

static int check_others(const struct conf *conf, const struct conf_listener *listener,
			struct err *err)
{
	unsigned workers = listener->workers;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *other = &conf->listeners[i];

		if (strcmp(other->name, listener->name) == 0)
			return err_set(err, LH_EINVAL, "there is another listener of this name");
		if (strcmp(other->address, listener->address) == 0)
			return err_set(err, LH_EINVAL,
				       "address: \"%s\" is that of listener \"%s\" already",
				       listener->address, other->name);
		workers += other->workers;
	}
	if (workers > WORKERS_MAX)
		return err_set(err, LH_EINVAL,
			       "workers: all listeners together must have at most %d, have %u",
			       WORKERS_MAX, workers);
	return 0;
}

static int fill(const struct conf *conf, struct conf_listener *listener, const char *name,
		const json_t *body, unsigned *line_out, struct err *err)
{
	unsigned line = *line_out;
	int ret;

	ret = set_name(listener, name, err);
	if (ret == 0)
		ret = conf_fill_defaults(conf_listener_keys, listener, err);
	if (ret == 0)
		ret = conf_fill(conf_listener_keys, body, listener, line_out, err);
	if (ret)
		return ret;
	*line_out = line;
	ret = set_defaults(listener, body, err);
	if (ret == 0)
		ret = check_keys(listener, body, line_out, err);
	return ret ? ret : check_others(conf, listener, err);
}

/* The listener is counted only when it is whole; until then it is released here. */
static int add(struct conf *conf, const char *name, const json_t *body, unsigned *line_out,
	       struct err *err)
{
	struct conf_listener *listener = &conf->listeners[conf->listener_count];
	int ret;

	if (conf->listener_count == CONF_LISTENERS_MAX)
		return err_set(err, LH_EINVAL, "listener \"%.128s\": there may be at most %d", name,
			       CONF_LISTENERS_MAX);
	ret = fill(conf, listener, name, body, line_out, err);
	if (ret) {
		wipe_free(listener->name);
		conf_release(conf_listener_keys, listener);
		listener->name = NULL;
		return err_prefix(err, ret, "listener \"%.128s\"", name);
	}
	conf->listener_count++;
	return 0;
}

static int add_block(struct conf *conf, const json_t *item, unsigned *line_out, struct err *err)
{
	const json_t *labels = json_object_get(item, "labels");
	const char *type = json_string_value(json_array_get(labels, 0));

	*line_out = line_of(item);
	if (json_array_size(labels) != 2 || strcmp(type, "fastcgi") != 0)
		return err_set(err, LH_EINVAL,
			       "listener: must be written listener \"fastcgi\" \"name\" { … }");
	return add(conf, json_string_value(json_array_get(labels, 1)),
		   json_object_get(item, "body"), line_out, err);
}

/* Requests that write are handed from the read pool to the work pool, never the other way. */
static int check_pools(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		if (conf->listeners[i].pool == CONF_POOL_WORK)
			return 0;
	}
	return err_set(err, LH_EINVAL,
		       "listener: one of pool \"work\" is missing; without it nothing can be "
		       "issued or written");
}

int conf_read_listeners(struct conf *conf, const json_t *items, unsigned *line_out, struct err *err)
{
	json_t *item;
	size_t i;
	int ret;

	json_array_foreach(items, i, item)
	{
		if (strcmp(json_get_text(item, "key"), "listener") != 0)
			continue;
		ret = add_block(conf, item, line_out, err);
		if (ret)
			return ret;
	}
	if (conf->listener_count > 0) {
		ret = check_pools(conf, err);
	} else {
		ret = add(conf, "read", NULL, line_out, err);
		if (ret == 0)
			ret = add(conf, "work", NULL, line_out, err);
	}
	return ret;
}

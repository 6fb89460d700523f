/* SPDX-License-Identifier: Apache-2.0 */
/* The small sub-commands: server hands over, adopt and check do their work here. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "proc/environment.h"
#include "proc/listen.h"
#include "proc/master.h"
#include "proc/peer.h"
#include "proc/privileges.h"
#include "store/store.h"
#include "util/err.h"
#include "util/wipe.h"

int command_store(const struct conf *conf, struct store_options *options_out, struct err *err)
{
	int ret;

	*options_out = (struct store_options){
		.driver = &store_lmdb,
		.path = conf->store_path,
		.map_size = conf->map_size,
		.key_file = conf->seal_key_file,
	};
	ret = board_read("", &options_out->board);
	return ret ? err_set(err, ret, "cannot tell which machine this is: %s", err_name(ret)) : 0;
}

/* ---- server ---- */

int command_server(const struct cli *cli, struct err *err)
{
	json_t *environment = NULL;
	struct conf *conf = NULL;
	struct board board;
	int ret;

	ret = board_read("", &board); /* whose place the environment may tell */
	if (ret == 0)
		ret = environment_take(&environment);
	if (ret)
		return err_set(err, ret, "cannot begin: %s", err_name(ret));
	ret = conf_load(cli->config, engine_conf_type, &conf, err);
	if (ret == 0)
		ret = master_run(conf, environment, &board, err);
	json_decref(environment);
	return ret;
}

/* ---- adopt ---- */

/* The lock keeps a server from running on the store meanwhile. */
static int adopt(const struct conf *conf, struct err *err)
{
	struct store_options options;
	struct identity identity;
	int lock = -1, ret;

	ret = command_store(conf, &options, err);
	if (ret == 0)
		ret = identity_find(conf->user, conf->group, &identity, err);
	if (ret == 0)
		ret = privileges_become(&identity, err);
	if (ret == 0)
		ret = store_lock(conf->store_path, &lock, err);
	if (ret == 0)
		ret = store_adopt(&options, err);
	if (lock >= 0)
		close(lock);
	return ret;
}

int command_adopt(const struct cli *cli, struct err *err)
{
	struct conf *conf;
	int ret = conf_load(cli->config, engine_conf_type, &conf, err);

	if (ret)
		return ret;
	ret = adopt(conf, err);
	if (ret == 0)
		printf("%s: the store belongs to this machine now\n", conf->store_path);
	conf_free(conf);
	return ret;
}

/* ---- check ---- */

/* As the user that a server would become, after everything that may need root. No key file yet is no
 * fault, if there is no store either: init makes both. */
static int check_key(const struct conf *conf, struct err *err)
{
	unsigned char key[MASTER_KEY_SIZE];
	int ret;

	if (access(conf->seal_key_file, F_OK) != 0 && errno == ENOENT &&
	    !store_exists(conf->store_path))
		return 0;
	ret = master_key_read(conf->seal_key_file, key, err);
	wipe(key, sizeof(key));
	return ret;
}

static int check(const struct conf *conf, struct err *err)
{
	struct identity identity;
	struct peers peers;
	int ret = identity_find(conf->user, conf->group, &identity, err);

	for (size_t i = 0; ret == 0 && i < conf->listener_count; i++) {
		const struct conf_listener *listener = &conf->listeners[i];

		ret = peers_find(listener, &peers, err);
		if (ret)
			err_prefix(err, ret, "listener \"%s\"", listener->name);
		else
			ret = listener_check(listener, err);
	}
	if (ret == 0)
		ret = privileges_become(&identity, err);
	if (ret == 0)
		ret = conf_check_files(conf, err);
	return ret ? ret : check_key(conf, err);
}

static int check_config(const char *path, struct err *err)
{
	struct conf *conf;
	int ret = conf_load(path, engine_conf_type, &conf, err);

	if (ret)
		return ret;
	ret = check(conf, err);
	if (ret == 0)
		printf("%s: the configuration is good\n", path);
	conf_free(conf);
	return ret;
}

/* nginx first: its file may be for root's eyes only, and check_config becomes somebody else. */
int command_check(const struct cli *cli, struct err *err)
{
	int ret = cli->nginx ? command_check_nginx(cli->nginx, err) : 0;

	return ret == 0 && cli->config ? check_config(cli->config, err) : ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `leasehold init`: master key, store, keyring and root token.
 *
 * The token is shown before the store that knows it is committed: whoever kills init in between has
 * a token that is worth nothing and no store, and runs it again. The other way round there would be
 * a store whose root token nobody has ever seen. What needs root is done first; the rest is done as
 * the configured user, so that every file is that user's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"
#include "cli.h"
#include "command.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "proc/privileges.h"
#include "store/store.h"
#include "util/err.h"
#include "util/wipe.h"

#define TOKEN_SIZE 32

/* Gives an open file of root's to the user. Files of others are left to them. */
static int give(int fd, const char *path, const struct identity *identity, struct err *err)
{
	struct stat stat;

	if (!identity->change)
		return 0;
	if (fstat(fd, &stat) != 0 ||
	    (stat.st_uid == 0 && fchown(fd, identity->uid, identity->gid) != 0))
		return err_set(err, LH_EIO, "%s: cannot be given to the user: %s", path,
			       strerror(errno));
	return 0;
}

/* Also for a key that is there already: init may have been killed between the two steps. Such a key is
 * only looked at, as its folder may take nothing new; one behind a link is somebody else's to give. */
static int prepare_key(const struct conf *conf, const struct identity *identity, struct err *err)
{
	const char *path = conf->seal_key_file;
	int ret = access(path, F_OK) == 0 ? 0 : master_key_create(path, err);
	int fd;

	if (ret && ret != LH_EEXIST)
		return ret;
	if (!identity->change)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return 0;
	if (fd < 0)
		return err_set(err, LH_EIO, "%s: %s", path, strerror(errno));
	ret = give(fd, path, identity, err);
	close(fd);
	return ret;
}

static bool is_empty(int folder)
{
	int copy = dup(folder);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	int count = 0;

	if (!entries) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (count <= 2 && readdir(entries))
		count++;
	closedir(entries);
	return count <= 2; /* "." and ".." */
}

/* An empty folder is ready to become a store's; one with anything in it is somebody's. */
static int prepare_folder(const struct conf *conf, const struct identity *identity, bool *empty_out,
			  struct err *err)
{
	const char *path = conf->store_path;
	int fd, ret = 0;

	*empty_out = false;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_set(err, LH_EIO, "%s: the folder cannot be made: %s", path,
			       strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, LH_EIO, "%s: %s", path, strerror(errno));
	*empty_out = is_empty(fd);
	if (*empty_out)
		ret = give(fd, path, identity, err);
	close(fd);
	return ret;
}

/* A folder with something in it has a key already, or had one: a new key would not open it. */
static int prepare(const struct conf *conf, const struct identity *identity, bool *empty_out,
		   struct err *err)
{
	int ret = prepare_folder(conf, identity, empty_out, err);

	if (ret || !*empty_out)
		return ret;
	return prepare_key(conf, identity, err);
}

/* Before anything is put into the folder: as long as it is empty, init may be run again with another
 * key, or with none. */
static int try_key(const struct conf *conf, struct err *err)
{
	unsigned char key[MASTER_KEY_SIZE];
	int ret = master_key_read(conf->seal_key_file, key, err);

	wipe(key, sizeof(key));
	return ret;
}

/* The only place where the token is ever shown. */
static int show_token(const char *token, bool json)
{
	int size;

	if (json)
		size = printf("{\"root_token\": \"%s\"}\n", token);
	else
		size = printf("The root token, shown this once and stored nowhere:\n\n    %s\n\n"
			      "Keep a copy of the master key apart from the copies of the store.\n",
			      token);
	return size < 0 || fflush(stdout) != 0 ? LH_EIO : 0;
}

struct showing {
	bool json;
	bool failed;
};

/* Called by store_create when everything but the commit is done. */
static int add_root(void *context, const struct keyring *keyring, struct store_batch *batch)
{
	struct showing *showing = context;
	char token[TOKEN_SIZE];
	int ret = auth_new_root(keyring, batch, token);

	if (ret == 0) {
		ret = show_token(token, showing->json);
		showing->failed = ret != 0;
	}
	wipe(token, sizeof(token));
	return ret;
}

/* A buffer of stdio's own would keep the token in freed memory. */
static int create(const struct cli *cli, const struct store_options *options, struct err *err)
{
	struct showing showing = { cli->json, false };
	char buffer[512];
	int ret;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	ret = store_create(options, add_root, &showing, err);
	setvbuf(stdout, NULL, _IONBF, 0);
	wipe(buffer, sizeof(buffer));
	if (showing.failed)
		return err_set(err, ret, "the root token cannot be written to standard output");
	return ret;
}

static int prepare_and_create(const struct cli *cli, const struct conf *conf, struct err *err)
{
	struct store_options options;
	struct identity identity;
	bool empty = false;
	int ret = command_store(conf, &options, err);

	if (ret == 0)
		ret = identity_find(conf->user, conf->group, &identity, err);
	if (ret == 0)
		ret = privileges_harden(err);
	if (ret == 0)
		ret = prepare(conf, &identity, &empty, err);
	if (ret == 0)
		ret = privileges_become(&identity, err);
	if (ret == 0 && empty)
		ret = try_key(conf, err);
	return ret ? ret : create(cli, &options, err);
}

int command_init(const struct cli *cli, struct err *err)
{
	struct conf *conf;
	int ret = conf_load(cli->config, engine_conf_type, &conf, err);

	if (ret)
		return ret;
	ret = prepare_and_create(cli, conf, err);
	conf_free(conf);
	return ret;
}

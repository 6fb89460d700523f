/* SPDX-License-Identifier: Apache-2.0 */
/* `leasehold nginx-secret`: what the web server proves itself with when it says who somebody is. */
#include <stdio.h>

#include "cli.h"
#include "command.h"
#include "conf/conf.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "proc/privileges.h"
#include "util/err.h"
#include "util/wipe.h"

/* As the configured user, to whom the master key belongs. */
static int derive(const struct conf *conf, char *secret, struct err *err)
{
	unsigned char master[MASTER_KEY_SIZE];
	struct identity user;
	int ret;

	ret = identity_find(conf->user, conf->group, &user, err);
	if (!ret)
		ret = privileges_become(&user, err);
	if (ret)
		return ret;
	ret = master_key_read(conf->seal_key_file, master, err);
	if (!ret && web_secret_derive(master, secret))
		ret = err_set(err, LH_EIO, "the secret cannot be derived");
	wipe(master, sizeof(master));
	return ret;
}

/* A buffer of stdio's own would keep the secret in freed memory. */
static int show(const char *secret, struct err *err)
{
	char buffer[256];
	int size;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	size = printf("set $lh_auth_secret %s;\n", secret);
	if (fflush(stdout) != 0)
		size = -1;
	setvbuf(stdout, NULL, _IONBF, 0);
	wipe(buffer, sizeof(buffer));
	return size < 0 ? err_set(err, LH_EIO, "the secret cannot be written to standard output")
			: 0;
}

int command_nginx_secret(const struct cli *cli, struct err *err)
{
	char secret[WEB_SECRET_SIZE + 1] = "";
	struct conf *conf;
	int ret = conf_load(cli->config, engine_conf_type, &conf, err);

	if (ret)
		return ret;
	ret = derive(conf, secret, err);
	if (!ret)
		ret = show(secret, err);
	wipe(secret, sizeof(secret));
	conf_free(conf);
	return ret;
}

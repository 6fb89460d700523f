/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands. Each returns 0, or LH_E… with a sentence in err. */
#ifndef COMMAND_H
#define COMMAND_H

struct cli;
struct conf;
struct err;
struct store_options;

int command_server(const struct cli *cli, struct err *err);
int command_init(const struct cli *cli, struct err *err);
int command_check(const struct cli *cli, struct err *err);
/* What `check -nginx path` does; sentences about a site go to standard error. */
int command_check_nginx(const char *path, struct err *err);
int command_policy_check(const struct cli *cli, struct err *err);
int command_nginx_secret(const struct cli *cli, struct err *err);
int command_adopt(const struct cli *cli, struct err *err);

/* Where conf says that the store is, on this machine; borrows from it. To be called before any rights
 * are given up (store/machine.h). */
int command_store(const struct conf *conf, struct store_options *options_out, struct err *err);

#endif

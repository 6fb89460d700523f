/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli.h"
#include "command.h"
#include "util/err.h"
#include "util/wipe.h"

static int command_version(const struct cli *cli, struct err *err)
{
	(void)cli;
	(void)err;
	puts(PACKAGE_STRING);
	return 0;
}

static int command_help(const struct cli *cli, struct err *err)
{
	(void)cli;
	(void)err;
	cli_help(stdout, NULL);
	return 0;
}

const struct command commands[] = {
	{ .name = "server",
	  .summary = "runs the server",
	  .text = "Runs the server in the foreground and logs to standard error. Started as root, "
		  "its\n"
		  "processes become the configured user; started as anyone else, they stay who "
		  "they are.\n\n"
		  "signals to the first process:\n"
		  "  TERM, INT  answers every accepted request, then ends\n"
		  "  HUP        reads the configuration again; a bad file keeps the old one\n\n"
		  "Cloud keys may come in the environment; it is wiped when it was read.\n",
	  .takes_config = true,
	  .run = command_server },
	{ .name = "init",
	  .summary = "makes master key, store and root token",
	  .text = "Makes the master key if there is none, and a store that it seals, all owned by "
		  "the\n"
		  "configured user. Prints the root token, once. A store that exists is not "
		  "touched.\n"
		  "With -format json it prints {\"root_token\": \"hvs.…\"}.\n",
	  .takes_config = true,
	  .takes_format = true,
	  .run = command_init },
	{ .name = "check",
	  .summary = "checks the configuration and changes nothing",
	  .text = "Reads the configuration file, and checks what a server would need: users and "
		  "groups,\n"
		  "places for the sockets, the form of the master key. Changes nothing, and may be "
		  "run\n"
		  "beside a running server.\n\n"
		  "With -nginx FILE it reads what `nginx -T` printed (- is standard "
		  "input), and names by\n"
		  "file and line what makes the site unsafe: identities that reach "
		  "leasehold without a guard,\n"
		  "wherever location, if, limit_except, rewrite, try_files, "
		  "error_page, subrequests and\n"
		  "X-Accel-Redirect lead; identities that the client writes or can "
		  "guess; parameters that are\n"
		  "missing or altered; tokens and credentials in logs, caches and "
		  "files; requests that are\n"
		  "sent again. It does not know what your login service and other "
		  "applications do.\n",
	  .takes_config = true,
	  .takes_nginx = true,
	  .run = command_check },
	{ .name = "policy check",
	  .summary = "tells what policies grant at paths",
	  .text = "Reads policies from files, and prints what a token that has them all may do at "
		  "each\n"
		  "path, and which rule decides. Asks no server. -policy may be given several "
		  "times.\n"
		  "A path stands as the API has it, without /v1/; one that ends in a slash is a "
		  "list.\n",
	  .takes_policies = true,
	  .run = command_policy_check },
	{ .name = "nginx-secret",
	  .summary = "prints what nginx proves itself with",
	  .text = "Prints a line for nginx, `set $lh_auth_secret …;`, with which it proves itself "
		  "when it\n"
		  "says who somebody is (listener option trust_identity). The value follows from "
		  "the "
		  "master\n"
		  "key. Keep it in a file that only root can read, and include that where an "
		  "identity is\n"
		  "set:\n\n"
		  "    (umask 077; leasehold nginx-secret -config FILE > "
		  "/etc/leasehold/nginx-secret.conf)\n",
	  .takes_config = true,
	  .run = command_nginx_secret },
	{ .name = "adopt",
	  .summary = "lets a copied store live on this machine",
	  .text = "A store that was copied or restored elsewhere does not start there, because two "
		  "servers\n"
		  "would take back each other's credentials. When the original is gone, this makes "
		  "the copy\n"
		  "the store of this machine.\n",
	  .takes_config = true,
	  .run = command_adopt },
	{ .name = "version",
	  .summary = "prints the version",
	  .text = "Prints the version.\n",
	  .run = command_version },
	{ .name = "help",
	  .summary = "prints this",
	  .text = "Prints the commands.\n",
	  .run = command_help },
	{ .name = NULL },
};

/* What was printed must have arrived: a full disk behind a redirection is a failure. */
static int close_output(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK) {
		fputs("leasehold: cannot write to standard output\n", stderr);
		return CLI_FAILED;
	}
	return status;
}

/* glibc keeps small freed blocks in a cache that wipe_freed_memory does not reach, and lets it be
 * switched off only from outside: so the program starts itself once more. What cannot be done so is
 * no reason not to run. A sanitizer has an allocator of its own. */
static void start_without_cache(char **argv)
{
#ifndef LH_SANITIZERS
	static const char setting[] = "glibc.malloc.tcache_count=0";
	const char *now = getenv("GLIBC_TUNABLES");

	/* With rights from the file itself (setuid, capabilities) glibc takes the setting away each
	 * time: the program would start itself for ever. */
	if (getauxval(AT_SECURE) || (now && strstr(now, setting)))
		return;
	if (setenv("GLIBC_TUNABLES", setting, 1) == 0)
		execv("/proc/self/exe", argv);
#else
	(void)argv;
#endif
}

/* A standard stream that is closed would be the next file that is opened, and what is printed would
 * go there: the root token into the store. Writing to the stand-in fails, as it should. */
static bool occupy_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	struct cli cli;
	int ret;

	start_without_cache(argv);
	prctl(PR_SET_NAME, PACKAGE_NAME, 0, 0, 0); /* "exe", as it was started now */
	wipe_freed_memory();
	if (!occupy_streams())
		return CLI_FAILED;
	if (cli_parse(argc, argv, &cli, &err) != 0) {
		fprintf(stderr, "leasehold: %s\n", err.text);
		return CLI_USAGE;
	}
	if (cli.help) {
		cli_help(stdout, cli.command);
		return close_output(CLI_OK);
	}
	ret = cli.command->run(&cli, &err);
	if (ret) {
		fprintf(stderr, "leasehold: %s\n", err.text[0] ? err.text : err_name(ret));
		return close_output(CLI_FAILED);
	}
	return close_output(CLI_OK);
}

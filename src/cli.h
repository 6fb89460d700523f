/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one sub-command and its options. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct err;

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

#define CLI_POLICIES_MAX 64

/* What was asked for; texts are borrowed from the arguments. */
struct cli {
	const struct command *command;
	const char *config;                     /* NULL if it was not given */
	const char *nginx;                      /* -nginx; NULL if it was not given */
	const char *policies[CLI_POLICIES_MAX]; /* -policy, in order */
	size_t policy_count;
	char **paths; /* the arguments that are no options; borrowed */
	size_t path_count;
	bool json; /* -format json */
	bool help; /* instead of running the command */
};

struct command {
	const char *name;    /* one word or two */
	const char *summary; /* one line */
	const char *text;    /* for its help: what it does, in full sentences */
	bool takes_config;   /* and needs it */
	bool takes_nginx;    /* then one of both is enough */
	bool takes_format;
	bool takes_policies;                                /* and paths, and needs some of both */
	int (*run)(const struct cli *cli, struct err *err); /* 0 or LH_E… with a sentence in err */
};

/* The commands, in the order of the help; a NULL name ends them. */
extern const struct command commands[];

/* Moves the arguments that are no options together. Understands "-config FILE", "-config=FILE" and
 * both with two dashes; -h, -help or --help anywhere asks for help. 0, or LH_EINVAL with what is
 * wrong. */
int cli_parse(int argc, char **argv, struct cli *cli_out, struct err *err);

/* The help of one command, or of the program if command is NULL. */
void cli_help(FILE *out, const struct command *command);

#endif

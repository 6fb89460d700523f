/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <string.h>

#include "util/err.h"

static const struct command *find_command(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

/* "config" for "-config", "--config" and "--config=x"; *size_out is its length. NULL: no option. */
static const char *option_name(const char *argument, size_t *size_out)
{
	if (argument[0] != '-' || argument[1] == '\0')
		return NULL;
	argument += argument[1] == '-' ? 2 : 1;
	*size_out = strcspn(argument, "=");
	return argument;
}

static bool is_option(const char *name, size_t size, const char *wanted)
{
	return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

static int set_format(struct cli *cli, const char *value, struct err *err)
{
	cli->json = strcmp(value, "json") == 0;
	if (!cli->json && strcmp(value, "text") != 0)
		return err_set(err, LH_EINVAL, "-format is text or json, not \"%s\"", value);
	return 0;
}

static int set_option(struct cli *cli, const char *name, size_t size, const char *value,
		      struct err *err)
{
	if (cli->command->takes_config && is_option(name, size, "config")) {
		if (!*value)
			return err_set(err, LH_EINVAL, "-config needs the name of a file");
		cli->config = value;
		return 0;
	}
	if (cli->command->takes_format && is_option(name, size, "format"))
		return set_format(cli, value, err);
	return err_set(err, LH_EINVAL, "\"%s\" has no option \"-%.*s\"", cli->command->name,
		       (int)size, name);
}

static int parse_options(int argc, char **argv, struct cli *cli, struct err *err)
{
	for (int i = 2; i < argc; i++) {
		size_t size;
		const char *name = option_name(argv[i], &size);
		const char *value;
		int ret;

		if (!name)
			return err_set(err, LH_EINVAL, "\"%s\" does not take the argument \"%s\"",
				       cli->command->name, argv[i]);
		if (name[size] == '=')
			value = name + size + 1;
		else
			value = i + 1 < argc ? argv[++i] : "";
		ret = set_option(cli, name, size, value, err);
		if (ret)
			return ret;
	}
	if (cli->command->takes_config && !cli->config)
		return err_set(err, LH_EINVAL, "\"%s\" needs -config FILE", cli->command->name);
	return 0;
}

static bool asks_for_help(const char *argument)
{
	size_t size = 0;
	const char *name = option_name(argument, &size);

	return name && (is_option(name, size, "h") || is_option(name, size, "help"));
}

int cli_parse(int argc, char **argv, struct cli *cli_out, struct err *err)
{
	*cli_out = (struct cli){ 0 };
	if (argc < 2)
		return err_set(err, LH_EINVAL, "a command is missing; try `leasehold help`");
	for (int i = 1; i < argc; i++)
		cli_out->help |= asks_for_help(argv[i]);
	cli_out->command = find_command(argv[1]);
	if (cli_out->help)
		return 0;
	if (!cli_out->command)
		return err_set(err, LH_EINVAL, "there is no command \"%s\"; try `leasehold help`",
			       argv[1]);
	return parse_options(argc, argv, cli_out, err);
}

static void program_help(FILE *out)
{
	fputs("leasehold lends cloud credentials and takes them back.\n\n"
	      "usage: leasehold COMMAND [OPTIONS]\n\ncommands:\n",
	      out);
	for (const struct command *command = commands; command->name; command++)
		fprintf(out, "  %-8s  %s\n", command->name, command->summary);
	fputs("\n`leasehold COMMAND -h` tells more about one. Options take one or two dashes, and "
	      "their\n"
	      "value as the next argument or after an equals sign.\n\n"
	      "exit status: 0 done, 1 failed, 2 wrong usage; errors go to standard error.\n",
	      out);
}

void cli_help(FILE *out, const struct command *command)
{
	if (!command) {
		program_help(out);
		return;
	}
	fprintf(out, "usage: leasehold %s%s%s\n\n%s", command->name,
		command->takes_config ? " -config FILE" : "",
		command->takes_format ? " [-format text|json]" : "", command->text);
}

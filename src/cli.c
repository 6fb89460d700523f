/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <string.h>

#include "util/err.h"

/* The command whose words are argv[1] and, of two, argv[2]; *words_out is their number. */
static const struct command *find_command(int argc, char **argv, int *words_out)
{
	for (const struct command *command = commands; command->name; command++) {
		const char *second = strchr(command->name, ' ');
		size_t size = strcspn(command->name, " ");

		if (strlen(argv[1]) != size || memcmp(command->name, argv[1], size) != 0)
			continue;
		if (second && (argc < 3 || strcmp(second + 1, argv[2]) != 0))
			continue;
		*words_out = second ? 2 : 1;
		return command;
	}
	*words_out = 0;
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

static int add_policy(struct cli *cli, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, LH_EINVAL, "-policy needs the name of a file");
	if (cli->policy_count == CLI_POLICIES_MAX)
		return err_set(err, LH_EINVAL, "there are more than %d -policy FILE",
			       CLI_POLICIES_MAX);
	cli->policies[cli->policy_count++] = value;
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
	if (cli->command->takes_nginx && is_option(name, size, "nginx")) {
		if (!*value)
			return err_set(err, LH_EINVAL, "-nginx needs the name of a file, or -");
		cli->nginx = value;
		return 0;
	}
	if (cli->command->takes_format && is_option(name, size, "format"))
		return set_format(cli, value, err);
	if (cli->command->takes_policies && is_option(name, size, "policy"))
		return add_policy(cli, value, err);
	return err_set(err, LH_EINVAL, "\"%s\" has no option \"-%.*s\"", cli->command->name,
		       (int)size, name);
}

static int check_complete(const struct cli *cli, struct err *err)
{
	const struct command *command = cli->command;

	if (command->takes_nginx && !cli->config && !cli->nginx)
		return err_set(err, LH_EINVAL, "\"%s\" needs -config FILE or -nginx FILE",
			       command->name);
	if (command->takes_config && !command->takes_nginx && !cli->config)
		return err_set(err, LH_EINVAL, "\"%s\" needs -config FILE", command->name);
	if (command->takes_policies && !cli->policy_count)
		return err_set(err, LH_EINVAL, "\"%s\" needs -policy FILE", command->name);
	if (command->takes_policies && !cli->path_count)
		return err_set(err, LH_EINVAL, "\"%s\" needs a path", command->name);
	return 0;
}

static int parse_options(int argc, char **argv, int first, struct cli *cli, struct err *err)
{
	cli->paths = argv + first;
	for (int i = first; i < argc; i++) {
		size_t size;
		const char *name = option_name(argv[i], &size);
		const char *value;
		int ret;

		if (!name && cli->command->takes_policies) {
			cli->paths[cli->path_count++] = argv[i];
			continue;
		}
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
	return check_complete(cli, err);
}

static bool asks_for_help(const char *argument)
{
	size_t size = 0;
	const char *name = option_name(argument, &size);

	return name && (is_option(name, size, "h") || is_option(name, size, "help"));
}

/* Half of a command of two words is told the whole. */
static int refuse(const char *word, struct err *err)
{
	size_t size = strlen(word);

	for (const struct command *command = commands; command->name; command++)
		if (!strncmp(command->name, word, size) && command->name[size] == ' ')
			return err_set(err, LH_EINVAL,
				       "there is no command \"%s\", but \"%s\"; try `leasehold "
				       "%s -h`",
				       word, command->name, command->name);
	return err_set(err, LH_EINVAL, "there is no command \"%s\"; try `leasehold help`", word);
}

int cli_parse(int argc, char **argv, struct cli *cli_out, struct err *err)
{
	int words;

	*cli_out = (struct cli){ 0 };
	if (argc < 2)
		return err_set(err, LH_EINVAL, "a command is missing; try `leasehold help`");
	for (int i = 1; i < argc; i++)
		cli_out->help |= asks_for_help(argv[i]);
	cli_out->command = find_command(argc, argv, &words);
	if (cli_out->help)
		return 0;
	if (!cli_out->command)
		return refuse(argv[1], err);
	return parse_options(argc, argv, 1 + words, cli_out, err);
}

static void program_help(FILE *out)
{
	fputs("leasehold lends cloud credentials and takes them back.\n\n"
	      "usage: leasehold COMMAND [OPTIONS]\n\ncommands:\n",
	      out);
	for (const struct command *command = commands; command->name; command++)
		fprintf(out, "  %-12s  %s\n", command->name, command->summary);
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
	fprintf(out, "usage: leasehold %s%s%s%s%s\n\n%s", command->name,
		command->takes_nginx    ? " [-config FILE]"
		: command->takes_config ? " -config FILE"
					: "",
		command->takes_nginx ? " [-nginx FILE]" : "",
		command->takes_format ? " [-format text|json]" : "",
		command->takes_policies ? " -policy FILE... PATH..." : "", command->text);
}

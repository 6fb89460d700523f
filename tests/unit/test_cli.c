/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "util/err.h"

const struct command commands[] = {
	{ .name = "server",
	  .summary = "runs it",
	  .text = "About the server.\n",
	  .takes_config = true },
	{ .name = "init",
	  .summary = "makes it",
	  .text = "About init.\n",
	  .takes_config = true,
	  .takes_format = true },
	{ .name = "check",
	  .summary = "checks it",
	  .text = "About check.\n",
	  .takes_config = true,
	  .takes_nginx = true },
	{ .name = "version", .summary = "prints it", .text = "About the version.\n" },
	{ .name = "policy check",
	  .summary = "tells it",
	  .text = "About policies.\n",
	  .takes_policies = true },
	{ .name = NULL },
};

#define ARGUMENTS 6

static const struct {
	const char *name;
	const char *arguments[ARGUMENTS]; /* behind the program's name */
	const char *command, *config;     /* NULL: none */
	bool json, help;
	const char *complaint; /* part of the sentence; NULL: none */
} cases[] = {
	{ "one dash", { "server", "-config", "f" }, "server", "f", false, false, NULL },
	{ "two dashes", { "server", "--config", "f" }, "server", "f", false, false, NULL },
	{ "an equals sign", { "server", "-config=f=g" }, "server", "f=g", false, false, NULL },
	{ "two dashes and an equals sign",
	  { "server", "--config=f" },
	  "server",
	  "f",
	  false,
	  false,
	  NULL },
	{ "json", { "init", "-format", "json", "-config", "f" }, "init", "f", true, false, NULL },
	{ "text", { "init", "--format=text", "-config", "f" }, "init", "f", false, false, NULL },
	{ "the last format counts",
	  { "init", "-config=f", "-format=json", "-format=text" },
	  "init",
	  "f",
	  false,
	  false,
	  NULL },
	{ "a command without options", { "version" }, "version", NULL, false, false, NULL },
	{ "-h alone", { "-h" }, NULL, NULL, false, true, NULL },
	{ "--help alone", { "--help" }, NULL, NULL, false, true, NULL },
	{ "help about a command", { "init", "-help" }, "init", NULL, false, true, NULL },
	{ "help beside a mistake", { "init", "-nonsense", "-h" }, "init", NULL, false, true, NULL },
	{ "nothing", { NULL }, NULL, NULL, false, false, "a command is missing" },
	{ "an unknown command", { "serve" }, NULL, NULL, false, false, "no command \"serve\"" },
	{ "nginx alone", { "check", "-nginx", "-" }, "check", NULL, false, false, NULL },
	{ "nginx and a configuration",
	  { "check", "-nginx=n", "-config=f" },
	  "check",
	  "f",
	  false,
	  false,
	  NULL },
	{ "neither", { "check" }, "check", NULL, false, false, "-config FILE or -nginx FILE" },
	{ "nginx without a file",
	  { "check", "-nginx" },
	  "check",
	  NULL,
	  false,
	  false,
	  "needs the name of a file, or -" },
	{ "no configuration", { "server" }, "server", NULL, false, false, "needs -config FILE" },
	{ "a configuration without a name",
	  { "server", "-config" },
	  "server",
	  NULL,
	  false,
	  false,
	  "-config needs" },
	{ "an empty name",
	  { "server", "-config=" },
	  "server",
	  NULL,
	  false,
	  false,
	  "-config needs" },
	{ "another format",
	  { "init", "-config", "f", "-format", "xml" },
	  "init",
	  "f",
	  false,
	  false,
	  "\"xml\"" },
	{ "an option of another command",
	  { "server", "-config", "f", "-format=json" },
	  "server",
	  "f",
	  false,
	  false,
	  "\"server\" has no option \"-format\"" },
	{ "an option that only begins well",
	  { "server", "-conf", "f" },
	  "server",
	  NULL,
	  false,
	  false,
	  "no option \"-conf\"" },
	{ "an argument that is no option",
	  { "version", "x" },
	  "version",
	  NULL,
	  false,
	  false,
	  "argument \"x\"" },
	{ "two words",
	  { "policy", "check", "-policy", "f", "x" },
	  "policy check",
	  NULL,
	  false,
	  false,
	  NULL },
	{ "help about two words",
	  { "policy", "check", "-h" },
	  "policy check",
	  NULL,
	  false,
	  true,
	  NULL },
	{ "one word of two",
	  { "policy", "-policy", "f" },
	  NULL,
	  NULL,
	  false,
	  false,
	  "no command \"policy\", but \"policy check\"" },
	{ "one word of two alone",
	  { "policy" },
	  NULL,
	  NULL,
	  false,
	  false,
	  "no command \"policy\"" },
	{ "no policy",
	  { "policy", "check", "x" },
	  NULL,
	  NULL,
	  false,
	  false,
	  "\"policy check\" needs -policy FILE" },
	{ "a policy without a name",
	  { "policy", "check", "x", "-policy" },
	  NULL,
	  NULL,
	  false,
	  false,
	  "-policy needs" },
	{ "no path",
	  { "policy", "check", "-policy", "f" },
	  NULL,
	  NULL,
	  false,
	  false,
	  "\"policy check\" needs a path" },
	{ "a single dash", { "version", "-" }, "version", NULL, false, false, "argument \"-\"" },
};

static int parse(size_t i, struct cli *cli, struct err *err)
{
	char texts[ARGUMENTS + 1][32] = { "leasehold" };
	char *argv[ARGUMENTS + 2] = { texts[0] };
	int argc = 1;

	for (size_t k = 0; k < ARGUMENTS && cases[i].arguments[k]; k++) {
		strcpy(texts[argc], cases[i].arguments[k]);
		argv[argc] = texts[argc];
		argc++;
	}
	err->text[0] = '\0';
	int ret = cli_parse(argc, argv, cli, err);

	/* The texts go now: what they said is compared by way of the table. */
	if (cli->config && cases[i].config && strcmp(cli->config, cases[i].config) == 0)
		cli->config = cases[i].config;
	return ret;
}

static void arguments_are_understood_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli cli;
		struct err err;
		int ret = parse(i, &cli, &err);

		if (cases[i].complaint) {
			if (ret != LH_EINVAL || !strstr(err.text, cases[i].complaint))
				fail_msg("%s: %d, %s", cases[i].name, ret, err.text);
			continue;
		}
		if (ret != 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		if (cli.help != cases[i].help || cli.json != cases[i].json ||
		    cli.config != cases[i].config)
			fail_msg("%s: an option", cases[i].name);
		if (cases[i].command ? strcmp(cli.command->name, cases[i].command) != 0
				     : cli.command != NULL)
			fail_msg("%s: the command", cases[i].name);
	}
}

static void policies_and_paths_are_collected(void **state)
{
	char texts[][16] = { "leasehold", "policy", "check",      "a", "-policy",
			     "f",         "b/",     "--policy=g", "c" };
	char *argv[10] = { NULL };
	struct cli cli;
	struct err err = { "" };

	(void)state;
	for (size_t i = 0; i < 9; i++)
		argv[i] = texts[i];
	assert_int_equal(cli_parse(9, argv, &cli, &err), 0);
	assert_int_equal(cli.policy_count, 2);
	assert_string_equal(cli.policies[0], "f");
	assert_string_equal(cli.policies[1], "g");
	assert_int_equal(cli.path_count, 3);
	assert_string_equal(cli.paths[0], "a");
	assert_string_equal(cli.paths[1], "b/");
	assert_string_equal(cli.paths[2], "c");
}

static void policies_have_a_limit(void **state)
{
	char words[][16] = { "leasehold", "policy", "check", "x" }, option[] = "-policy=f";
	char *argv[CLI_POLICIES_MAX + 6];
	struct cli cli;
	struct err err = { "" };
	int argc = 0;

	(void)state;
	for (; argc < 4; argc++)
		argv[argc] = words[argc];
	while (argc < CLI_POLICIES_MAX + 4)
		argv[argc++] = option;
	assert_int_equal(cli_parse(argc, argv, &cli, &err), 0);
	argv[3] = words[3];
	argv[argc++] = option;
	assert_int_equal(cli_parse(argc, argv, &cli, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "more than 64 -policy FILE"));
}

static char *help_of(const struct command *command)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	cli_help(out, command);
	fclose(out);
	return text;
}

static void the_help_names_every_command(void **state)
{
	char *text = help_of(NULL);

	(void)state;
	for (const struct command *command = commands; command->name; command++) {
		assert_non_null(strstr(text, command->name));
		assert_non_null(strstr(text, command->summary));
	}
	assert_non_null(strstr(text, "exit status"));
	free(text);
}

static void the_help_of_a_command_shows_its_options(void **state)
{
	char *text = help_of(&commands[1]);

	(void)state;
	assert_non_null(strstr(text, "leasehold init -config FILE [-format text|json]\n"));
	assert_non_null(strstr(text, commands[1].text));
	free(text);
	text = help_of(&commands[4]);
	assert_non_null(strstr(text, "leasehold policy check -policy FILE... PATH...\n"));
	free(text);
	text = help_of(&commands[2]);
	assert_non_null(strstr(text, "leasehold check [-config FILE] [-nginx FILE]\n"));
	free(text);
	text = help_of(&commands[3]);
	assert_non_null(strstr(text, "leasehold version\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_understood_or_refused),
		cmocka_unit_test(policies_and_paths_are_collected),
		cmocka_unit_test(policies_have_a_limit),
		cmocka_unit_test(the_help_names_every_command),
		cmocka_unit_test(the_help_of_a_command_shows_its_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about places where secrets would stay: logs, caches, files. */
#include <stdlib.h>
#include <string.h>

#include "nginx/finding.h"
#include "nginx/rules_priv.h"
#include "nginx/value.h"
#include "nginx/writers.h"

/* The header, say, by which a map of the site's own knows somebody. */
static bool carries_proof(const struct judging *judging, const char *text)
{
	static const char *const kinds[] = { "http_", "cookie_", "arg_" };
	const char *name;
	json_t *value;

	json_object_foreach(judging->proofs, name, value)
	{
		const char *const names[] = { name, NULL };

		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			if (strncmp(name, kinds[i], strlen(kinds[i])) == 0 &&
			    value_carries(judging->tree, text, names))
				return true;
		}
	}
	return false;
}

static int find_secret(const struct judging *judging, json_t *format)
{
	static const char *const secrets[] = {
		"http_x_vault_token", "http_authorization", "http_cookie", "cookie_",
		"request_body",       "lh_auth_secret",     NULL
	};

	for (size_t i = 2; i < directive_size(format); i++) {
		const char *text = directive_word(format, i);

		if (value_carries(judging->tree, text, secrets) || carries_proof(judging, text))
			return finding_add(judging->findings, format,
					   "writes tokens or other secrets into the log; use the "
					   "format \"leasehold\"");
	}
	return 0;
}

static bool names_format(const struct block *list, json_t *format)
{
	json_t *directive;
	size_t i;

	json_array_foreach(list ? list->body : NULL, i, directive)
	{
		if (directive_is(directive, "access_log") &&
		    strcmp(directive_word(directive, 2), directive_word(format, 1)) == 0)
			return true;
	}
	return false;
}

/* Another application's, that is: what a server of leasehold's logs, or a location of it, is in another
 * format. One that nobody uses waits for somebody. */
static bool is_of_others(const struct judging *judging, json_t *format)
{
	const struct tree *tree = judging->tree;
	bool used = false;

	for (size_t i = 0; i < tree->count; i++) {
		const struct block *block = &tree->blocks[i];
		bool ours = rule_pass(judging, block) ||
			    (block->kind == BLOCK_SERVER && block_reaches(tree, block));

		if (ours && names_format(block_with(block, "access_log"), format))
			return false;
		used = used || names_format(block, format);
	}
	return used;
}

int rule_token_logged(const struct judging *judging, const struct block *block)
{
	json_t *directive;
	int ret = 0;
	size_t i;

	json_array_foreach(block->body, i, directive)
	{
		if (directive_is(directive, "log_format") && !is_of_others(judging, directive))
			ret = find_secret(judging, directive);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the query ---- */

static bool is_query(const char *name)
{
	static const char *const queries[] = { "request", "request_uri", "args", "query_string" };

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		if (strcmp(name, queries[i]) == 0)
			return true;
	}
	return strncmp(name, "arg_", 4) == 0;
}

static bool logs_query(json_t *format)
{
	char name[64];

	for (size_t i = 2; i < directive_size(format); i++) {
		const char *text = directive_word(format, i);

		while ((text = next_variable(text, name, sizeof(name)))) {
			if (is_query(name))
				return true;
		}
	}
	return false;
}

/* NULL: nginx's own. */
static json_t *format_of(const struct judging *judging, json_t *log)
{
	const char *name = directive_word(log, 2);

	for (size_t i = 0; i < judging->tree->count; i++) {
		json_t *directive;
		size_t j;

		json_array_foreach(judging->tree->blocks[i].body, j, directive)
		{
			if (directive_is(directive, "log_format") &&
			    strcmp(directive_word(directive, 1), name) == 0)
				return directive;
		}
	}
	return NULL;
}

static int find_query(const struct judging *judging, json_t *log)
{
	json_t *format;

	if (!directive_is(log, "access_log") || strcmp(directive_word(log, 1), "off") == 0)
		return 0;
	format = format_of(judging, log);
	if (format && !logs_query(format))
		return 0;
	return finding_add(
		judging->findings, log,
		"this log has the whole query of requests to leasehold, in which careless "
		"clients put tokens; use the format \"leasehold\"");
}

int rule_query_logged(const struct judging *judging, const struct block *block)
{
	const struct block *list = block_with(block, "access_log");
	json_t *pass = rule_pass(judging, block), *log;
	int ret = 0;
	size_t i;

	if (!pass)
		return 0;
	if (!list)
		return finding_add(
			judging->findings, pass,
			"nginx's own access log has the whole query of requests, in which "
			"careless clients put tokens; say `access_log FILE leasehold`");
	json_array_foreach(list->body, i, log)
	{
		ret = find_query(judging, log);
		if (ret)
			return ret;
	}
	return 0;
}

int rule_debug_log(const struct judging *judging, const struct block *block)
{
	json_t *log = block_nearest(block, "error_log");

	if (!rule_pass(judging, block) || strncmp(directive_word(log, 2), "debug", 5) != 0)
		return 0;
	return finding_add(judging->findings, log,
			   "a debugging log has every header of requests to leasehold, tokens too; "
			   "say `error_log FILE error`");
}

/* It stands in events { } and counts for all servers, whatever their error_log says. */
int rule_debug_connection(const struct judging *judging, const struct block *block)
{
	json_t *clients = block_find(block, "debug_connection");

	if (!clients || !block_reaches(judging->tree, &judging->tree->blocks[0]))
		return 0;
	return finding_add(judging->findings, clients,
			   "of these clients the error log has every header of requests to "
			   "leasehold, tokens too; take this line out");
}

/* ---- caches and files ---- */

int rule_answer_kept(const struct judging *judging, const struct block *block)
{
	static const char *const keepers[] = { "fastcgi_cache", "fastcgi_store" };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < 2; i++) {
		json_t *keeper = block_nearest(block, keepers[i]);

		if (keeper && strcmp(directive_word(keeper, 1), "off") != 0 &&
		    rule_pass(judging, block))
			ret = finding_add(
				judging->findings, keeper,
				"keeps answers of leasehold, which are one client's "
				"credentials, on disk or for the next client; say `%s off`",
				keepers[i]);
	}
	return ret;
}

/* "2m" in bytes. */
static long long size_of(const char *text)
{
	char *end;
	long long size = strtoll(text, &end, 10);

	if (*end == 'k' || *end == 'K')
		return size << 10;
	if (*end == 'm' || *end == 'M')
		return size << 20;
	return *end == 'g' || *end == 'G' ? size << 30 : size;
}

/* max_body 0 is no limit at all. */
static bool spills_bodies(const struct block *block)
{
	long long most = size_of(block_setting(block, "client_max_body_size", "1m"));

	return most == 0 || most > size_of(block_setting(block, "client_body_buffer_size", "16k"));
}

int rule_on_disk(const struct judging *judging, const struct block *block)
{
	json_t *pass = rule_pass(judging, block);
	json_t *file = block_nearest(block, "client_body_in_file_only");
	int ret = 0;

	if (!pass)
		return 0;
	if (file && strcmp(directive_word(file, 1), "off") != 0)
		ret = finding_add(
			judging->findings, file,
			"writes what clients send to leasehold, keys among it, into files; "
			"say `client_body_in_file_only off`");
	else if (spills_bodies(block))
		ret = finding_add(
			judging->findings, pass,
			"requests larger than client_body_buffer_size are written into "
			"files, keys among them; make it as large as client_max_body_size");
	if (ret == 0 &&
	    strcmp(block_setting(block, "fastcgi_max_temp_file_size", "1024m"), "0") != 0)
		ret = finding_add(judging->findings, pass,
				  "answers are written into files when a client is slow, and hold "
				  "credentials; say `fastcgi_max_temp_file_size 0`");
	return ret;
}

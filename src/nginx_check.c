/* SPDX-License-Identifier: Apache-2.0 */
/* `leasehold check -nginx`: judges a site by what `nginx -T` prints. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "command.h"
#include "nginx/include.h"
#include "nginx/parse.h"
#include "nginx/rules.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"

#define OUTPUT_MAX (16u << 20)

static int read_input(const char *path, struct buf *text, struct err *err)
{
	char piece[8192];
	size_t size;

	if (strcmp(path, "-") != 0)
		return file_read(path, OUTPUT_MAX, text, err);
	while (text->size <= OUTPUT_MAX && (size = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_add(text, piece, size);
	if (ferror(stdin) || text->size > OUTPUT_MAX)
		return err_set(err, LH_EIO, "standard input: cannot be read, or is over 16 MiB");
	return buf_error(text);
}

static int judge(const char *path, const char *text, json_t *findings, struct err *err)
{
	json_t *files = NULL, *site = NULL;
	int ret = nginx_parse(path, text, &files, err);

	if (ret == 0)
		ret = nginx_include(files, &site, err);
	if (ret == 0)
		ret = nginx_rules(site, findings);
	if (ret == LH_ERANGE)
		err_set(err, ret,
			"%s: requests have more ways through this site than can be followed; check "
			"it in parts, server by server",
			path);
	json_decref(site);
	json_decref(files);
	return ret;
}

int command_check_nginx(const char *path, struct err *err)
{
	json_t *findings = json_array(), *finding;
	struct buf text = BUF_INIT;
	int ret = read_input(path, &text, err);
	size_t i;

	if (ret == 0 && (!findings || strlen(buf_text(&text)) != text.size))
		ret = err_set(err, LH_EINVAL, "%s: is not what `nginx -T` prints", path);
	/* `nginx -T` prints nothing of a broken configuration: that is no safe site. */
	if (ret == 0 && !strstr(buf_text(&text), "fastcgi_pass"))
		ret = err_set(err, LH_EINVAL,
			      "%s: has no fastcgi_pass: is it what `nginx -T` prints, and has that "
			      "succeeded?",
			      path);
	if (ret == 0)
		ret = judge(path, buf_text(&text), findings, err);
	json_array_foreach(findings, i, finding)
		fprintf(stderr, "%s\n", json_string_value(finding));
	if (ret == 0 && json_array_size(findings))
		ret = err_set(err, LH_EINVAL, "%s: the site is unsafe, see above", path);
	else if (ret == 0)
		printf("%s: none of the mistakes that this check knows\n", path);
	json_decref(findings);
	buf_free(&text);
	return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf_fixture.h"
#include "engine/engine.h"

char folder[] = "/tmp/test_conf.XXXXXX";

int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

int leave_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/f", folder);
	unlink(path);
	return rmdir(folder);
}

int load_text(const char *text, struct conf **conf_out, struct err *err)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/f", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return conf_load(path, engine_conf_type, conf_out, err);
}

struct conf *load_sound(const char *text)
{
	struct err err = { 0 };
	struct conf *conf;

	if (load_text(text, &conf, &err) != 0)
		fail_msg("%s", err.text);
	return conf;
}

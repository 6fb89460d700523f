/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/profile.h"
#include "util/err.h"
#include "util/wipe.h"

static char folder[] = "/tmp/test_profile.XXXXXX";

static bool read_key(const char *text, struct root_key *key)
{
	if (strncmp(text, "key ", 4) != 0)
		return false;
	key->id = wipe_copy(text + 4, strlen(text + 4));
	return true;
}

static char machine[128];

static struct engine cloud = {
	.type = "cloud",
	.profile_variable = "CLOUD_FILE",
	.profile_file = "profile",
	.profile_of_machine = machine,
	.profile_key = read_key,
};

static int enter(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(machine, sizeof(machine), "%s/machine", folder);
	return 0;
}

static void path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static int leave(void **state)
{
	static const char *const names[] = { "profile", "open", "empty", "machine" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		path_of(names[i], path);
		unlink(path);
	}
	return rmdir(folder);
}

static const struct {
	const char *name;
	const char *home, *file; /* in the folder; NULL: unset */
	int ret;
	const char *id, *error;
} cases[] = {
	{ "nothing says where it is", NULL, NULL, LH_ENOENT, NULL, "" },
	{ "in the home folder", "", NULL, 0, "home", "" },
	{ "there is no such file in the home folder", "nowhere", NULL, LH_ENOENT, NULL, "" },
	{ "the variable goes first", "nowhere", "profile", 0, "home", "" },
	{ "others may read it", NULL, "open", LH_EINVAL, NULL, "/open" },
	{ "it holds no key", "", "empty", LH_EINVAL, NULL, "/empty: holds no key" },
	{ "it is a folder", NULL, ".", LH_EINVAL, NULL, "the profile file cannot be used" },
};

/* What the variable names, and what is at home, goes before the machine's. */
static const struct {
	const char *name;
	const char *home, *file;
	int ret;
	const char *id;
} shared[] = {
	{ "nothing else says where it is", NULL, NULL, 0, "machine" },
	{ "there is none in the home folder", "nowhere", NULL, 0, "machine" },
	{ "there is one in the home folder", "", NULL, 0, "home" },
	{ "the variable names a file that is not there", NULL, "nowhere", LH_ENOENT, NULL },
};

static void set_place(json_t *environment, const char *name, const char *place)
{
	char path[128];

	if (!place)
		return;
	path_of(place, path);
	json_object_set_new(environment, name, json_string(path));
}

static void places_are_tried_in_their_order(void **state)
{
	(void)state;
	write_file("profile", "key home", 0600);
	write_file("open", "key open", 0644);
	write_file("empty", "", 0600);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *environment = json_object();
		struct root_key key = { 0 };
		struct err err = { "" };
		int ret;

		set_place(environment, "HOME", cases[i].home);
		set_place(environment, "CLOUD_FILE", cases[i].file);
		ret = profile_key(&cloud, environment, &key, &err);
		if (ret != cases[i].ret || (key.id != NULL) != (cases[i].id != NULL) ||
		    (key.id && strcmp(key.id, cases[i].id) != 0) ||
		    (ret == LH_EINVAL && !strstr(err.text, cases[i].error)))
			fail_msg("%s: %d, %s", cases[i].name, ret, err.text);
		root_key_clear(&key);
		json_decref(environment);
	}
}

static void the_file_of_the_machine_goes_last(void **state)
{
	(void)state;
	write_file("profile", "key home", 0600);
	write_file("machine", "key machine", 0600);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		json_t *environment = json_object();
		struct root_key key = { 0 };
		struct err err = { "" };
		int ret;

		set_place(environment, "HOME", shared[i].home);
		set_place(environment, "CLOUD_FILE", shared[i].file);
		ret = profile_key(&cloud, environment, &key, &err);
		if (ret != shared[i].ret || (key.id != NULL) != (shared[i].id != NULL) ||
		    (key.id && strcmp(key.id, shared[i].id) != 0))
			fail_msg("%s: %d, %s", shared[i].name, ret, err.text);
		root_key_clear(&key);
		json_decref(environment);
	}
}

static void an_engine_without_profiles_has_none(void **state)
{
	static const struct engine other = { .type = "other" };
	json_t *environment = json_object();
	struct root_key key = { 0 };

	(void)state;
	set_place(environment, "HOME", "");
	assert_int_equal(profile_key(&other, environment, &key, NULL), LH_ENOENT);
	json_decref(environment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_tried_in_their_order),
		cmocka_unit_test(the_file_of_the_machine_goes_last),
		cmocka_unit_test(an_engine_without_profiles_has_none),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}

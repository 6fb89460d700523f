/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "util/err.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define A             "0123456789abcdef0123456789abcdef"
#define B             "fedcba9876543210fedcba9876543210"
#define UUID_A        "01234567-89AB-CDEF-0123-456789ABCDEF"

static char root[] = "/tmp/leasehold-test-XXXXXX";

static int run(const char *before, const char *after)
{
	char command[256];

	snprintf(command, sizeof(command), "%s %s%s", before, root, after);
	return system(command);
}

static int make_root(void **state)
{
	(void)state;
	if (!mkdtemp(root) || run("mkdir", "/etc"))
		return -1;
	return run("mkdir -p", "/sys/class/dmi/id");
}

static int remove_root(void **state)
{
	(void)state;
	return run("rm -r", "");
}

static void set(const char *file, const char *content)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s%s", root, file);
	unlink(path);
	if (!content)
		return;
	stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(content, stream);
	fclose(stream);
}

struct marks {
	const char *id, *board;
	struct driver_identity file;
};

static struct machine machine_of(const struct marks *marks)
{
	struct machine machine;
	struct board board;

	set("/etc/machine-id", marks->id);
	set("/sys/class/dmi/id/product_uuid", marks->board);
	assert_int_equal(board_read(root, &board), 0);
	assert_int_equal(machine_read(root, &board, &marks->file, &machine), 0);
	return machine;
}

static const struct {
	const char *name;
	struct marks then, now;
	const char *difference;
} cases[] = {
	{ "nothing is known", { NULL, NULL, { 0, 0 } }, { NULL, NULL, { 0, 0 } }, NULL },
	{ "everything is the same",
	  { A "\n", UUID_A, { 1, 2 } },
	  { A "\n", UUID_A, { 1, 2 } },
	  NULL },
	{ "another machine id",
	  { A, UUID_A, { 1, 2 } },
	  { B, UUID_A, { 1, 2 } },
	  "the machine id" },
	{ "another board", { A, UUID_A, { 1, 2 } }, { A, B, { 1, 2 } }, "the board's UUID" },
	{ "another file", { A, UUID_A, { 1, 2 } }, { A, UUID_A, { 3, 2 } }, "the data file" },
	{ "the same inode, made later",
	  { A, UUID_A, { 1, 2 } },
	  { A, UUID_A, { 1, 3 } },
	  "the data file" },
	{ "the machine id appeared", { NULL, UUID_A, { 1, 2 } }, { A, UUID_A, { 1, 2 } }, NULL },
	{ "the machine id went", { A, UUID_A, { 1, 2 } }, { NULL, UUID_A, { 1, 2 } }, NULL },
	{ "the machine id is not set yet",
	  { A, UUID_A, { 1, 2 } },
	  { "uninitialized\n", UUID_A, { 1, 2 } },
	  NULL },
	{ "an empty machine id", { A, UUID_A, { 1, 2 } }, { "\n", UUID_A, { 1, 2 } }, NULL },
	{ "the board may not be read any more",
	  { A, UUID_A, { 1, 2 } },
	  { A, NULL, { 1, 2 } },
	  NULL },
	{ "the same board in other letters",
	  { A, UUID_A, { 1, 2 } },
	  { A, A "\n", { 1, 2 } },
	  NULL },
	{ "the file's birth is not known", { A, UUID_A, { 1, 0 } }, { A, UUID_A, { 1, 2 } }, NULL },
};

static void test_differences(void **state)
{
	struct machine then, now;
	const char *difference;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		then = machine_of(&cases[i].then);
		now = machine_of(&cases[i].now);
		difference = machine_difference(&then, &now);
		if (!difference != !cases[i].difference ||
		    (difference && strcmp(difference, cases[i].difference) != 0))
			fail_msg("%s: %s", cases[i].name, difference ? difference : "same");
	}
}

static void test_the_identifier_itself_is_not_kept(void **state)
{
	const struct marks marks = { A, NULL, { 0, 0 } };
	struct machine machine = machine_of(&marks);
	static const unsigned char id[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	static const unsigned char unknown[MACHINE_MARK_SIZE] = { 0 };

	(void)state;
	assert_memory_not_equal(machine.id, id, sizeof(id));
	assert_memory_not_equal(machine.id, unknown, sizeof(unknown));
	assert_memory_equal(machine.board.mark, unknown, sizeof(unknown));
}

/* The service manager's copy, for whom the kernel shows nothing. */
static void test_a_board_that_is_handed_over_counts_more(void **state)
{
	struct board read, handed_over, same;

	(void)state;
	set("/sys/class/dmi/id/product_uuid", UUID_A);
	assert_int_equal(board_read(root, &read), 0);
	set("/board", B);
	setenv("CREDENTIALS_DIRECTORY", root, 1);
	assert_int_equal(board_read(root, &handed_over), 0);
	set("/board", "unknown");
	assert_int_equal(board_read(root, &same), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_memory_not_equal(&handed_over, &read, sizeof(read));
	assert_memory_equal(&same, &read, sizeof(read));
}

static void test_every_failing_allocation_is_reported(void **state)
{
	const struct marks marks = { A, UUID_A, { 1, 2 } };
	struct machine whole = machine_of(&marks), machine;
	struct board board;
	unsigned n;
	int ret;

	(void)state;
	for (n = 1;; n++) {
		fail_alloc_at(n);
		ret = board_read(root, &board);
		if (!ret)
			ret = machine_read(root, &board, &marks.file, &machine);
		if (!fail_alloc_stop())
			break;
		assert_int_equal(ret, LH_ENOMEM);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 4);
	assert_memory_equal(&machine, &whole, sizeof(whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_the_identifier_itself_is_not_kept),
		cmocka_unit_test(test_a_board_that_is_handed_over_counts_more),
		cmocka_unit_test(test_every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}

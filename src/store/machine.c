/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"

#define SOURCE_MAX 256

/* The hex digits of an identifier, lower case. Anything else in the file ("uninitialized", as
 * systemd writes it before the first boot) means that there is none. */
static size_t digits_of(const struct buf *text, char digits[SOURCE_MAX])
{
	size_t size = 0, i;

	for (i = 0; i < text->size && !isspace((unsigned char)text->data[i]); i++) {
		if (isxdigit((unsigned char)text->data[i]))
			digits[size++] = (char)tolower((unsigned char)text->data[i]);
		else if (text->data[i] != '-')
			return 0;
	}
	return size;
}

/* A file that is missing or may not be read gives no mark. */
static int read_mark(const char *root, const char *path, unsigned char mark[MACHINE_MARK_SIZE])
{
	static const char purpose[] = "leasehold machine";
	struct buf file = BUF_INIT, text = BUF_INIT;
	unsigned char mac[SHA256_SIZE];
	char digits[SOURCE_MAX];
	size_t size;
	int ret;

	buf_printf(&file, "%s%s", root, path);
	ret = buf_error(&file);
	if (ret)
		goto cleanup;
	ret = file_read(file.data, SOURCE_MAX, &text, NULL);
	if (ret) {
		ret = ret == LH_ENOMEM ? ret : 0;
		goto cleanup;
	}
	size = digits_of(&text, digits);
	if (!size)
		goto cleanup;
	ret = hmac_sha256(digits, size, purpose, sizeof(purpose) - 1, mac);
	if (!ret)
		memcpy(mark, mac, MACHINE_MARK_SIZE);
cleanup:
	buf_free(&file);
	buf_free(&text);
	return ret;
}

static bool is_known(const unsigned char *mark)
{
	static const unsigned char unknown[MACHINE_MARK_SIZE] = { 0 };

	return memcmp(mark, unknown, sizeof(unknown)) != 0;
}

int board_read(const char *root, struct board *board_out)
{
	const char *handed_over = getenv("CREDENTIALS_DIRECTORY");
	int ret = 0;

	memset(board_out, 0, sizeof(*board_out));
	if (handed_over)
		ret = read_mark(handed_over, "/board", board_out->mark);
	if (ret || is_known(board_out->mark))
		return ret;
	return read_mark(root, "/sys/class/dmi/id/product_uuid", board_out->mark);
}

int machine_read(const char *root, const struct board *board, const struct driver_identity *file,
		 struct machine *machine_out)
{
	struct machine machine = { .board = *board };
	int ret;

	memset(machine_out, 0, sizeof(*machine_out));
	if (file)
		machine.file = *file;
	ret = read_mark(root, "/etc/machine-id", machine.id);
	if (!ret)
		*machine_out = machine;
	return ret;
}

static bool marks_differ(const unsigned char *a, const unsigned char *b)
{
	return is_known(a) && is_known(b) && memcmp(a, b, MACHINE_MARK_SIZE) != 0;
}

static bool numbers_differ(uint64_t a, uint64_t b)
{
	return a && b && a != b;
}

const char *machine_difference(const struct machine *recorded, const struct machine *here)
{
	if (marks_differ(recorded->id, here->id))
		return "the machine id";
	if (marks_differ(recorded->board.mark, here->board.mark))
		return "the board's UUID";
	if (numbers_differ(recorded->file.inode, here->file.inode) ||
	    numbers_differ(recorded->file.born_ns, here->file.born_ns))
		return "the data file";
	return NULL;
}

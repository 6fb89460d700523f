/* SPDX-License-Identifier: Apache-2.0 */
/* The master key's file: 64 hex digits and an end of line. */
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/text.h"
#include "util/wipe.h"

#define FILE_MAX 4096 /* room for stray blank lines, not for another kind of file */

/* Takes off what an editor may add behind the digits. */
static void trim(struct buf *text)
{
	while (text->size && strchr("\r\n\t ", text->data[text->size - 1]))
		text->data[--text->size] = '\0';
}

/* Without it there is nothing to be done here: so the words of the system are not enough. */
static int read_file(const char *path, struct buf *text, struct err *err)
{
	int ret = file_read_private(path, FILE_MAX, text, err);
	struct err why;

	if (ret == LH_ENOENT)
		return err_set(
			err, ret,
			"%s: there is no master key; put back the copy that was kept of it, or "
			"run `leasehold init` if there was none yet",
			path);
	if (ret != LH_EIO || !err)
		return ret;
	why = *err;
	return err_set(err, ret, "%s; it must be a file that user %lu may read", why.text,
		       (unsigned long)geteuid());
}

int master_key_read(const char *path, unsigned char key[MASTER_KEY_SIZE], struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	memset(key, 0, MASTER_KEY_SIZE);
	ret = read_file(path, &text, err);
	if (ret)
		goto cleanup;
	trim(&text);
	if (text.size != 2 * MASTER_KEY_SIZE || text_unhex(text.data, key, MASTER_KEY_SIZE)) {
		wipe(key, MASTER_KEY_SIZE);
		ret = err_set(err, LH_EINVAL,
			      "%s: must hold a master key of %d hex digits and nothing else", path,
			      2 * MASTER_KEY_SIZE);
	}
cleanup:
	buf_free(&text);
	return ret;
}

int master_key_create(const char *path, struct err *err)
{
	char text[2 * MASTER_KEY_SIZE + 2];
	int ret;

	random_hex(text, MASTER_KEY_SIZE);
	strcpy(text + 2 * MASTER_KEY_SIZE, "\n");
	ret = file_create_private(path, text, strlen(text), err);
	wipe(text, sizeof(text));
	return ret;
}

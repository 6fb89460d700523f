/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/profile.h"

#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/wipe.h"

#define PROFILE_MAX 65536

/* Its path; NULL if nothing says where it is, or memory is out (*ret_out). */
static char *profile_path(const struct engine *engine, const json_t *environment, int *ret_out)
{
	const char *path = json_get_text(environment, engine->profile_variable);
	const char *home = json_get_text(environment, "HOME");
	struct buf text = BUF_INIT;
	char *taken;

	*ret_out = LH_ENOENT;
	if (!path[0] && !home[0])
		return NULL;
	if (path[0])
		buf_add_text(&text, path);
	else
		buf_printf(&text, "%s/%s", home, engine->profile_file);
	taken = buf_take(&text);
	buf_free(&text);
	*ret_out = taken ? 0 : LH_ENOMEM;
	return taken;
}

/* Read at every use, as the stored key is. A file that others may read, or that holds no key, is a
 * mistake that must not be passed over: the next in the chain may be somebody else. */
static int read_profile(const struct engine *engine, const char *path, struct root_key *key_out,
			struct err *err)
{
	struct buf text = BUF_INIT;
	int ret = file_read_private(path, PROFILE_MAX, &text, err);

	if (!ret && !engine->profile_key(buf_text(&text), key_out))
		ret = err_set(err, LH_EINVAL, "%s: holds no key in its section [default]", path);
	buf_free(&text);
	return ret;
}

int profile_key(const struct engine *engine, const json_t *environment, struct root_key *key_out,
		struct err *err)
{
	char *path;
	int ret;

	if (!engine->profile_key)
		return LH_ENOENT;
	path = profile_path(engine, environment, &ret);
	if (path)
		ret = read_profile(engine, path, key_out, err);
	wipe_free(path);
	if (!ret || ret == LH_ENOENT || ret == LH_ENOMEM)
		return ret;
	return err_prefix(err, LH_EINVAL, "%s: the profile file cannot be used", engine->type);
}

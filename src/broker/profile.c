/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/profile.h"

#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"
#include "util/wipe.h"

#define PROFILE_MAX 65536

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

static int read_at_home(const struct engine *engine, const char *home, struct root_key *key_out,
			struct err *err)
{
	struct buf text = BUF_INIT;
	char *path;
	int ret;

	if (!home[0])
		return LH_ENOENT;
	buf_printf(&text, "%s/%s", home, engine->profile_file);
	path = buf_take(&text);
	buf_free(&text);
	ret = path ? read_profile(engine, path, key_out, err) : LH_ENOMEM;
	wipe_free(path);
	return ret;
}

int profile_key(const struct engine *engine, const json_t *environment, struct root_key *key_out,
		struct err *err)
{
	const char *named;
	int ret;

	if (!engine->profile_key)
		return LH_ENOENT;
	named = json_get_text(environment, engine->profile_variable);
	if (named[0]) {
		ret = read_profile(engine, named, key_out, err);
	} else {
		ret = read_at_home(engine, json_get_text(environment, "HOME"), key_out, err);
		if (ret == LH_ENOENT)
			ret = read_profile(engine, engine->profile_of_machine, key_out, err);
	}
	if (!ret || ret == LH_ENOENT || ret == LH_ENOMEM)
		return ret;
	return err_prefix(err, LH_EINVAL, "%s: the profile file cannot be used", engine->type);
}

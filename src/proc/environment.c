/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "util/err.h"
#include "util/wipe.h"

/* Of the service manager: readiness and passed sockets (sd_notify(3), sd_listen_fds(3)). */
static const char *const service_variables[] = {
	"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", NULL,
};

static int copy(json_t *environment, const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		/* A value that is no text cannot be a key; it counts as unset. */
		if (value && json_object_set_new(environment, *names, json_string(value)) != 0 &&
		    json_object_set_new(environment, *names, json_string("")) != 0)
			return LH_ENOMEM;
	}
	return 0;
}

static void clear(void)
{
	for (char **variable = environ; variable && *variable; variable++)
		wipe(*variable, strlen(*variable));
	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
}

int environment_take(json_t **environment_out)
{
	json_t *environment = json_object();
	int ret = environment ? copy(environment, service_variables) : LH_ENOMEM;

	*environment_out = NULL;
	for (size_t i = 0; ret == 0 && engine_all[i]; i++)
		ret = copy(environment, engine_all[i]->environment);
	clear();
	if (ret) {
		json_decref(environment);
		return ret;
	}
	*environment_out = environment;
	return 0;
}

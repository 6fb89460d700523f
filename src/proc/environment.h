/* SPDX-License-Identifier: Apache-2.0 */
/* The environment as it was at the start, taken out of where everybody could read it. */
#ifndef PROC_ENVIRONMENT_H
#define PROC_ENVIRONMENT_H

#include <jansson.h>

/* Copies the variables that the engines and the service manager name into an object, then
 * overwrites the whole environment in place (it may hold cloud keys, and /proc/PID/environ shows
 * the original texts) and leaves a minimal PATH. To be called once, before anything else reads it.
 * *environment_out is new. 0 or LH_ENOMEM; the environment is wiped in any case. */
int environment_take(json_t **environment_out);

#endif

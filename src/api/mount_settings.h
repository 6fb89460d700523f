/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in a mount's entry, changed by enabling and by tuning. */
#ifndef API_MOUNT_SETTINGS_H
#define API_MOUNT_SETTINGS_H

#include <jansson.h>
#include <stdint.h>

struct err;

/* The settings of a mount for which nobody has chosen any. New, NULL if memory is out. */
json_t *mount_settings_new(void);

/* Coerces the `config` object of an enabling request: unknown members are left out. *config_out is
 * new. 0, LH_ENOMEM, LH_EINVAL. */
int mount_settings_coerce(const json_t *sent, json_t **config_out, struct err *err);

/* Merges coerced settings into a mount's own: all but the TTLs. An empty list or text goes.
 * 0, LH_ENOMEM, or LH_EINVAL with the sentence in err. */
int mount_settings_merge(json_t *config, const json_t *settings, struct err *err);

/* Reads a TTL: "" and "system" are 0, the system's. 0, LH_EINVAL, LH_ERANGE with Go's words. */
int mount_ttl_read(const char *text, int64_t *ttl_out, struct err *err);

#endif

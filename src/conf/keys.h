/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys: what each block of the file takes. Those of engines are in the engines'
 * folders, see engine_keys.h. */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "conf/schema.h"

extern const struct conf_key conf_top_keys[];      /* struct conf */
extern const struct conf_key conf_storage_keys[];  /* struct conf */
extern const struct conf_key conf_seal_keys[];     /* struct conf */
extern const struct conf_key conf_listener_keys[]; /* struct conf_listener */

#endif

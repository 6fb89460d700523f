/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys: what each block of the file takes. */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "conf/schema.h"

extern const struct conf_key conf_top_keys[];      /* struct conf */
extern const struct conf_key conf_storage_keys[];  /* struct conf */
extern const struct conf_key conf_seal_keys[];     /* struct conf */
extern const struct conf_key conf_listener_keys[]; /* struct conf_listener */

/* One engine type that a file may name. */
struct conf_engine_type {
	const char *type;            /* NULL ends the table */
	const struct conf_key *keys; /* struct conf_engine */
	int64_t signature_validity;  /* seconds for which the cloud may still carry out a call */
};

#define CONF_ENGINE_TYPES_MAX 8

extern const struct conf_engine_type conf_engine_types[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine says of its block in the file: its keys, each of which fills a member of struct
 * conf_engine. An engine's table is made of these rows, of its own, and ends with { 0 }. */
#ifndef CONF_ENGINE_KEYS_H
#define CONF_ENGINE_KEYS_H

#include <stddef.h>

#include "conf/conf.h"
#include "conf/schema.h"
#include "util/shared.h"

/* A URL; "" is an error. */
#define CONF_ENDPOINT(key, member, url)                                                            \
	{                                                                                          \
		key, CONF_TEXT, offsetof(struct conf_engine, member),                              \
			.check = conf_check_endpoint_key, .value = "\"" url "\""                   \
	}

/* The metadata service, which is reached without TLS under the name of this host; "" is none. */
#define CONF_METADATA_ENDPOINT(url, host)                                                          \
	{                                                                                          \
		"metadata_endpoint", CONF_TEXT, offsetof(struct conf_engine, metadata_endpoint),   \
			.check = conf_check_endpoint_or_none, .plain_host = host,                  \
			.value = "\"" url "\""                                                     \
	}

#define CONF_REGION(region_)                                                                       \
	{                                                                                          \
		"region", CONF_TEXT, offsetof(struct conf_engine, region),                         \
			.check = conf_check_region, .value = "\"" region_ "\""                     \
	}

/* What the block of every engine takes. */
#define CONF_COMMON_CA_FILE                                                                        \
	{                                                                                          \
		"ca_file", CONF_TEXT, offsetof(struct conf_engine, ca_file),                       \
			.check = conf_check_certificates, .value = "\"\""                          \
	}
#define CONF_COMMON_REQUEST_TIMEOUT                                                                \
	{                                                                                          \
		"request_timeout", CONF_MILLISECONDS,                                              \
			offsetof(struct conf_engine, request_timeout), .min = 1, .max = 60,        \
								       .value = "\"10s\""          \
	}
#define CONF_COMMON_SWEEP_AFTER                                                                    \
	{                                                                                          \
		"sweep_after", CONF_SWEEPS, offsetof(struct conf_engine, sweep_after),             \
			.min = 1, .max = INT64_C(86400), .value = "[\"30s\", \"5m\", \"20m\"]"     \
	}
#define CONF_COMMON_QUOTAS                                                                         \
	{                                                                                          \
		"quotas", CONF_QUOTAS, offsetof(struct conf_engine, quotas),                       \
			.min = 1, .max = BUCKET_RATE_MAX                                           \
	}
#define CONF_ENGINE_KEYS                                                                           \
	CONF_COMMON_CA_FILE, CONF_COMMON_REQUEST_TIMEOUT, CONF_COMMON_SWEEP_AFTER,                 \
		CONF_COMMON_QUOTAS

int conf_check_endpoint_key(const struct conf_key *key, const char *text, struct err *err);
int conf_check_endpoint_or_none(const struct conf_key *key, const char *text, struct err *err);
int conf_check_certificates(const struct conf_key *key, const char *text, struct err *err);
int conf_check_region(const struct conf_key *key, const char *text, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file, read and checked as a whole before anything is touched. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/log.h"

struct conf_key;
struct err;

enum conf_pool { CONF_POOL_READ, CONF_POOL_WORK };

#define CONF_LISTENERS_MAX 8
#define CONF_SWEEPS_MAX    8

struct conf_listener {
	char *name;
	char *address; /* a socket path that begins with '/', or "host:port" with a literal IP */
	enum conf_pool pool;
	unsigned workers; /* 1 to 256 */
	unsigned backlog; /* 1 to 4096 */
	bool keepalive;   /* read pool only */
	mode_t socket_mode;
	char *socket_group; /* NULL: unchanged */
	char **peer_users;  /* names, NULL-terminated; NULL: whoever the mode lets in */
	/* Whether who the web server says somebody is counts; with peer_users on a path only. */
	bool trust_identity;
	char *identity_prefix; /* what the web server takes off the path, "/vault"; "": nothing */
};

/* An engine that a file may name in a block. All borrowed, for ever. */
struct conf_engine_type {
	const char *type;
	const struct conf_key *keys; /* of struct conf_engine, see engine_keys.h */
	int64_t signature_validity;  /* seconds for which the cloud may still carry out a call */
};

/* Tells the i-th of them; false behind the last. */
typedef bool (*conf_type_at)(size_t i, struct conf_engine_type *type_out);

/* One `engine` block. Endpoints are URLs without a path. */
struct conf_engine {
	struct conf_engine_type of;
	unsigned line;       /* where it stands in the file; 0: not there */
	char *user_endpoint; /* ram_endpoint, cam_endpoint: users, keys and policies */
	char *sts_endpoint;
	char *metadata_endpoint; /* "" switches instance metadata off */
	char *region;            /* NULL: the cloud's services ask for none */
	char *ca_file;           /* "": the system's */
	int64_t request_timeout; /* milliseconds, one call */
	/* When a lease whose calls may still take effect late is swept, in seconds after its
	 * revocation, ascending; the last is past the validity of a signature, unless the user
	 * endpoint is on this machine (a simulator). */
	int64_t sweep_after[CONF_SWEEPS_MAX];
	size_t sweep_count;
	/* Calls a second that the cloud takes from one account, by action; "*" stands for all that
	 * are not named. NULL: as the engine says. */
	json_t *quotas;
};

struct conf {
	char *path; /* of the file itself */
	struct conf_listener listeners[CONF_LISTENERS_MAX];
	size_t listener_count;
	char *store_path;
	uint64_t map_size; /* bytes */
	char *seal_key_file;
	char *user;                /* NULL: stay */
	char *group;               /* NULL: the user's own */
	int64_t default_lease_ttl; /* seconds */
	int64_t max_lease_ttl;
	int64_t issue_timeout; /* milliseconds, all calls of one request */
	int64_t drain_timeout; /* seconds that a stopping server waits for requests in hand */
	enum log_level log_level;
	enum log_format log_format;
	struct conf_engine *engines; /* one for each engine type that there is */
	size_t engine_count;
};

/* Reads and checks the file. *conf_out is new, to be released with conf_free; it has a block for each
 * of the types.
 * Errors read `file:line: key: what and what to do`. 0, LH_ENOMEM, LH_ENOENT, LH_EINVAL, LH_EIO. */
int conf_load(const char *path, conf_type_at types, struct conf **conf_out, struct err *err);

/* Whether a running server may go from one configuration to the other: storage, seal, user and
 * group must be the same. 0, or LH_EINVAL naming the key that changed. */
int conf_check_reload(const struct conf *old, const struct conf *new, struct err *err);

/* The block of an engine type; NULL if that type is unknown. Borrowed. */
const struct conf_engine *conf_engine(const struct conf *conf, const char *type);

void conf_free(struct conf *conf);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: one table decides what exists, who may use it, where it is answered and by whom.
 *
 * A pattern is literal text with at most one capture:
 *   role/:name               one part that keeps the naming rule (util/text.h)
 *   sys/mounts/:path+/tune   one part or more
 *   sys/leases/renew/:id*    none or more: "sys/leases/renew" matches as well
 *   role/?                   with or without the final slash
 * The first pattern that matches a path is the path's; its rows stand together. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"
#include "api/request.h"
#include "auth/auth.h"
#include "util/field.h"

struct broker;
struct context;
struct engine;
struct mount;

/* Answers a request whose caller may ask and whose fields are coerced. 0 when the outcome is set;
 * any other code is a fault that the client cannot mend: logged, and told as "internal error". */
typedef int (*route_handler)(struct context *context);

/* Whether what is written exists already: if not, the capability is `create`. 0, LH_EIO, … */
typedef int (*route_exists)(struct context *context, bool *exists_out);

enum route_flag {
	ROUTE_SUDO = 1,
	ROUTE_BARE = 2,        /* outside the envelope; a wrong method is {"errors":[]} */
	ROUTE_INJECT = 4,      /* repeats data at the top of the envelope */
	ROUTE_LOWER = 8,       /* the captured name is stored in lower case */
	ROUTE_ANY = 16,        /* takes any input: nothing is unknown */
	ROUTE_WRAPPER = 32,    /* about a wrapping token, which is checked before anything else */
	ROUTE_MERGED = 64,     /* `exists` counts where the engine merges its configuration only */
	ROUTE_TOKENLESS = 128, /* open as long as there is neither token nor identity */
};

/* Where the fields of an engine's route come from. */
enum route_fields { FIELDS_OWN, FIELDS_CONFIG, FIELDS_ROLE, FIELDS_CREDS };

struct route {
	const char *pattern;
	unsigned operations; /* enum operation, one or more */
	enum capability capability;
	enum api_pool pool;          /* API_READ: anybody; API_WORK: the work pool alone */
	unsigned flags;              /* enum route_flag */
	const struct field *fields;  /* NULL: none */
	enum route_fields fields_of; /* of the engine, instead of fields */
	route_handler handle;
	route_exists exists; /* Optional */
	const char *help;    /* one sentence */
};

/* routes.c; ended by a NULL pattern. Patterns of the first are relative to /v1/, those of the second
 * to the mount. */
extern const struct route routes_system[];
extern const struct route routes_token[];    /* token_routes.c */
extern const struct route routes_identity[]; /* identity_routes.c */
extern const struct route routes_cert[];     /* cert_routes.c */
extern const struct route routes_engine[];

enum route_miss {
	ROUTE_FOUND,
	ROUTE_NO_MOUNT,
	ROUTE_TAINTED, /* the mount is being disabled */
	ROUTE_NO_PATH,
	ROUTE_NO_OPERATION, /* the path exists, `route` is its first row */
};

/* What a path leads to. Borrowed from the request and the mount table. */
struct route_match {
	enum route_miss miss;
	const struct route *route;   /* with ROUTE_FOUND and ROUTE_NO_OPERATION */
	const struct route *table;   /* the table it was looked for in; NULL: no mount */
	const struct mount *mount;   /* NULL unless it is an engine's; until the broker is called */
	const struct engine *engine; /* of that mount */
	const char *mount_type;      /* "system", "token", "alicloud"; "" without mount */
	const char *mount_path;      /* "sys/", "alicloud/"; "" without mount */
	const char *path;            /* relative to that table */
	char capture[API_PATH_MAX + 2]; /* "" if the pattern has none */
};

/* Whether the path matches; the capture is copied (size bytes, enough for the path). */
bool route_matches(const char *pattern, const char *path, char *capture, size_t size);

/* The name of a pattern's capture: its length, 0 if there is none. Borrowed from the pattern. */
const char *route_capture(const char *pattern, size_t *size_out);

/* The row for a path in one table. */
void route_search(const struct route *table, enum operation operation, const char *path,
		  struct route_match *match);

/* The row for a path, the mounts looked up. 0, LH_EIO, LH_ENOMEM. */
int route_find(struct broker *broker, enum operation operation, const char *path,
	       struct route_match *match);

/* The fields of a row; NULL if there are none. engine: NULL for routes of the system. */
const struct field *route_fields(const struct route *route, const struct engine *engine);

/* Whether a write of what does not exist yet takes the capability `create`. engine: as above. */
bool route_creates(const struct route *route, const struct engine *engine);

#endif

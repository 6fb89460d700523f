/* SPDX-License-Identifier: Apache-2.0 */
/* The seam to a cloud: one `const struct engine` in one folder, one line in the array of all.c.
 *
 * An engine is pure. It touches no network, no store, no clock and keeps no state: it is handed what
 * is known and returns what shall be called next. The broker signs, paces, performs and records. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/field.h"

struct conf_engine_type;
struct conf_key;
struct err;
struct sign_scheme;

/* ---- Calls and their answers ---- */

enum endpoint { ENDPOINT_USER, ENDPOINT_STS, ENDPOINT_METADATA };

/* A service of the cloud that takes signed calls. */
struct service {
	const char *name;
	const char *version;
	enum endpoint endpoint;
};

enum call_effect {
	CALL_READS,   /* changes nothing: repeated at will */
	CALL_REMOVES, /* or sets a relation: repeating it is harmless, "already so" is success */
	CALL_CREATES, /* makes a thing under a planned name: may be repeated, may happen late */
	CALL_ONCE, /* makes one more thing each time: never repeated unless surely not executed */
};

/* One call. `action` and `service` are literals of the engine; params is owned by the call. */
struct call {
	struct round *round;           /* borrowed: the one it was added to, for call_param */
	const struct service *service; /* NULL: a plain request, see below */
	const char *action;
	json_t *params; /* object; the cloud's signature scheme puts it where it belongs */
	enum call_effect effect;
	int tag;        /* the engine's own mark, repeated in the answer */
	bool anonymous; /* a login: sent without a key, as the cloud's scheme has it */

	/* A plain, unsigned request (instance metadata, federated login): service is NULL. */
	enum endpoint endpoint;
	const char *method;
	char *path;        /* with its query; owned */
	char *header;      /* one "Name: value", or NULL; owned */
	char *body;        /* application/x-www-form-urlencoded, or NULL; owned */
	bool body_is_text; /* the answer is text, not JSON: answer.body becomes a JSON string */
};

/* The calls to perform side by side, after waiting delay_ms. */
struct round {
	struct call *calls;
	size_t count;
	size_t capacity;
	int64_t delay_ms;
	bool failed; /* memory was out while it was built: not to be performed */
};

/* Adds a signed call with an empty parameter object and returns it; NULL if memory is out (the round
 * remembers). The pointer is good until the next call is added. */
struct call *round_add(struct round *round, const struct service *service, const char *action,
		       enum call_effect effect, int tag);

/* Sets one parameter. A NULL call is allowed: the round knows already. A value that is no UTF-8 makes
 * the round fail as lost memory does. The round must still be where it was when the call was added. */
void call_param(struct call *call, const char *name, const char *value);

/* The same with any JSON value, which is taken; NULL makes the round fail. */
void call_value(struct call *call, const char *name, json_t *value);

/* Frees and wipes what the calls own; the round is empty again. */
void round_clear(struct round *round);

enum answer_kind {
	ANSWER_OK,
	ANSWER_REFUSED,   /* the cloud says no, with a code; surely not executed */
	ANSWER_THROTTLED, /* too many calls; surely not executed */
	ANSWER_SICK,      /* 5xx of the cloud: perhaps executed */
	ANSWER_UNSURE,    /* no usable answer: perhaps executed, perhaps later */
	ANSWER_UNSENT,    /* could not be reached: surely not executed */
};

/* What became of a call, after the broker's own repetitions. */
struct answer {
	int tag;
	const char *action;
	enum answer_kind kind;
	int status;
	bool slow;           /* with ANSWER_UNSURE: there was none within its time */
	bool repeated;       /* an earlier attempt may have been executed: "exists" is then ours */
	json_t *body;        /* with ANSWER_OK; NULL otherwise */
	char code[128];      /* only [A-Za-z0-9._-] */
	char request_id[64]; /* only [A-Za-z0-9._-] */
	char reason[256];    /* for an operator, without anything the cloud echoed */
	int64_t retry_after_ms;
};

void answer_clear(struct answer *answer);

/* The answer with this tag, NULL if there is none. */
const struct answer *answer_find(const struct answer *answers, size_t count, int tag);

/* ---- Steps ---- */

enum verdict {
	STEP_MORE,   /* perform `next`, then ask again */
	STEP_DONE,   /* the result is complete */
	STEP_FAILED, /* `culprit` or `reason` tells why */
	STEP_TAKEN,  /* issue only: a planned name is in use; plan anew */
};

/* How far `revoke` goes. When many leases are due and the cloud's quota is what they wait for, the
 * keys of all of them die before the rest of any is cleared away. */
enum revoke_part {
	REVOKE_ALL,  /* everything, the keys first */
	REVOKE_KEYS, /* only the keys: STEP_DONE says that no key of the plan works any more */
	REVOKE_REST, /* everything else: REVOKE_KEYS has succeeded for this plan */
};

/* One conversation with a cloud: what the engine is told and what it tells. The broker zeroes it,
 * sets the inputs, calls the step function with no answers first, and frees it at the end. */
struct step {
	/* Inputs, borrowed. */
	const json_t *role;           /* issue: the role as stored */
	const json_t *plan;           /* names chosen by `plan` */
	const json_t *facts;          /* revoke: what issue learned; NULL if it never ended */
	enum revoke_part part;        /* revoke */
	const struct answer *answers; /* of the last round */
	size_t answer_count;

	/* The engine's own notes between rounds: an object, {} at first. */
	json_t *notes;

	/* Outputs. */
	struct round next;            /* with STEP_MORE */
	const struct answer *culprit; /* with STEP_FAILED: one of `answers`, &kept, or NULL */
	struct answer kept;           /* the engine's copy of an earlier answer, without its body */
	char reason[256];             /* with STEP_FAILED and no culprit */
	bool mistake;                 /* with a reason: of the role, its user can mend it */
	json_t *data;                 /* issue, STEP_DONE: the credential for the caller; new */
	json_t *facts_out;            /* issue, STEP_DONE: ids to take it back by, no secret; new */
	int64_t expires_at;           /* issue, STEP_DONE: when the cloud ends it; 0: never */
	json_t *role_out;             /* resolve_role, issue: see resolve_role; new */
};

/* ---- Root credentials that the server finds in its surroundings ---- */

/* What the server was started with, and what must come from outside of an engine. Borrowed. */
struct surroundings {
	const json_t *environment; /* object: the variables named by engine->environment */
	const char *login_token; /* content of the file named by engine->token_file_variable; "" */
	int64_t now;             /* seconds since 1970 */
	const char *random;      /* 32 hex digits drawn for this step alone */
};

struct root_key {
	char *id;
	char *secret;
	char *token;        /* NULL: a long-lived key */
	int64_t expires_at; /* 0: never */
};

void root_key_clear(struct root_key *key); /* wipes and frees the members */

/* ---- The engine ---- */

/* What `plan` chooses names from. Borrowed. */
struct plan_request {
	const char *role_name;
	const char *display_name; /* of the caller's token; any characters */
	const json_t *role;
	const json_t *fields; /* of creds_fields, coerced */
	const char *random;   /* 32 hex digits drawn for this plan alone */
};

#define ENGINE_WARNINGS_MAX 8

/* Warnings for the answer; texts are copied and cut, those past the last place are dropped. */
struct warnings {
	char text[ENGINE_WARNINGS_MAX][256];
	size_t count;
};

void warnings_add(struct warnings *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* How many calls of an action the cloud takes from one account in any second. */
struct quota {
	const char *action;  /* "*": any other; NULL ends a list */
	unsigned per_second; /* at least 1 */
};

/* System limits that a role is checked against, seconds. */
struct role_limits {
	int64_t max_ttl;
};

struct engine {
	/* Mandatory. The mount type, "alicloud". */
	const char *type;
	const char *help; /* one paragraph for ?help=1 */

	/* Mandatory. The keys of its block in the configuration file (conf/engine_keys.h), and for how
	 * many seconds after it was signed the cloud may carry out a call. */
	const struct conf_key *conf_keys;
	int64_t signature_validity;

	/* Mandatory. How its calls are signed. */
	const struct sign_scheme *scheme;

	/* Mandatory. What the cloud allows an account by default; the configuration file may say
	 * otherwise. "*" is among them. */
	const struct quota *quotas;

	/* Mandatory. Fields of `config`, `role/:name` and `creds/:name` (field.h), ended by a NULL
	 * name. creds_fields may be empty. */
	const struct field *config_fields;
	const struct field *role_fields;
	const struct field *creds_fields;

	/* Mandatory. Merges a write into the stored configuration (NULL if none). `input` holds only
	 * the fields that were sent, already coerced. *config_out is new.
	 * 0, LH_ENOMEM, LH_EINVAL with the contract's words in err (the API answers 400). */
	int (*check_config)(const json_t *stored, const json_t *input, json_t **config_out,
			    struct err *err);

	/* Optional. A write is merged into what is stored, so that the first one takes the capability
	 * "create", as with a role; else any takes "update". */
	bool config_is_merged;

	/* Mandatory. The configuration as a read shows it: never a secret. New. */
	json_t *(*show_config)(const json_t *config);

	/* Mandatory. As check_config for a role; random is 32 hex digits for ids that the engine
	 * gives. */
	int (*check_role)(const json_t *stored, const json_t *input,
			  const struct role_limits *limits, const char *random, json_t **role_out,
			  struct warnings *warnings, struct err *err);
	/* Mandatory. A role as a read shows it. New. */
	json_t *(*show_role)(const json_t *role);

	/* Mandatory. ttl and max_ttl of a role in seconds, 0: the mount's. */
	void (*role_ttl)(const json_t *role, int64_t *ttl_out, int64_t *max_ttl_out);

	/* Optional. Asks the cloud what a role only names, numbers of policies for example; run when
	 * a role is written and root credentials are at hand. Notes and answers as in `issue`, which
	 * does the same when it finds the role as it was. STEP_DONE with role_out: the role with the
	 * cloud's answers, to be stored in its place, or NULL. STEP_FAILED: with `mistake` the role
	 * cannot be used; else it is stored as it is. */
	enum verdict (*resolve_role)(struct step *step);

	/* Mandatory. Chooses every cloud-side name. *plan_out is new. *lasting_out says whether
	 * something stays in the cloud that must be taken back (a user) or not (a session).
	 * 0, LH_ENOMEM, LH_EINVAL. */
	int (*plan)(const struct plan_request *request, json_t **plan_out, bool *lasting_out,
		    struct err *err);

	/* Mandatory. Makes the planned credential, in as few rounds as the cloud allows. */
	enum verdict (*issue)(struct step *step);

	/* Mandatory. Removes what the plan may have made, as far as step->part says, whatever of it
	 * exists: may be repeated for ever, "does not exist" is success, foreign policies are
	 * detached but never deleted. */
	enum verdict (*revoke)(struct step *step);

	/* Mandatory. Whether leases of this kind of plan can be renewed. */
	bool (*renewable)(const json_t *plan);

	/* Mandatory. Reads an HTTP answer of a signed call: sets kind, code, request_id, and body
	 * (new reference) with ANSWER_OK. json is NULL when the body was not a JSON object. */
	void (*read_answer)(int status, const json_t *json, struct answer *answer);

	/* Mandatory. A sentence of advice for a code, e.g. "the configured key may not do this; see
	 * README, \"Least privilege\""; "" if there is none. */
	const char *(*advice)(const char *code);

	/* Mandatory. Whether an operator must act before a repetition can help (no permission,
	 * unknown key): such errors are retried up to an hour apart. */
	bool (*needs_operator)(const char *code);

	/* Mandatory. Who a key belongs to: a signed call without parameters, and the member of its
	 * answer that names the account. */
	const struct service *identity_service;
	const char *identity_action;
	const char *identity_field;

	/* Mandatory. The fields of `config` that hold the key. */
	const char *config_id_field;
	const char *config_secret_field;

	/* Mandatory. Environment variables that the server may keep at its start, NULL-terminated;
	 * the rest of the environment is wiped. And the one that names a login token's file. */
	const char *const *environment;
	const char *token_file_variable;

	/* Mandatory. Whether the environment alone holds a key: fills *key (texts copied) and returns
	 * true, or leaves it. */
	bool (*environment_key)(const struct surroundings *around, struct root_key *key);

	/* Optional, together. A file of the cloud's tools that may hold a key: the variable that names
	 * it; if that is not set, its place in the home folder, and the whole machine's, used when
	 * there is none at home; and whether its text holds a key, as environment_key. */
	const char *profile_variable;
	const char *profile_file;
	const char *profile_of_machine;
	bool (*profile_key)(const char *text, struct root_key *key);

	/* Mandatory. Fetches temporary credentials: federated login if the environment asks for it,
	 * else instance metadata. Notes and answers as in `issue`; STEP_DONE with *key filled, or
	 * STEP_FAILED when there are none to be had. */
	enum verdict (*fetch_key)(struct step *step, const struct surroundings *around,
				  struct root_key *key);
};

/* The engine of a type; NULL if unknown. */
const struct engine *engine_find(const char *type);

/* All of them, NULL-terminated (all.c). */
extern const struct engine *const engine_all[];

/* What conf_load is told of the i-th; false behind the last. */
bool engine_conf_type(size_t i, struct conf_engine_type *type_out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The rules, by theme. Each looks at one block and appends what is dangerous in it.
 * All return 0, LH_ENOMEM or LH_ERANGE. */
#ifndef NGINX_RULES_PRIV_H
#define NGINX_RULES_PRIV_H

#include <jansson.h>

#include "nginx/tree.h"

struct judging {
	const struct tree *tree;
	json_t *proofs; /* the variables that decide about an identity, as keys */
	json_t *findings;
};

/* Whether a location (or an `if` in one) has a fastcgi_pass to leasehold of its own: that line. */
json_t *rule_pass(const struct judging *judging, const struct block *block);

/* Whether a set gives text, or a part of one, that becomes half an identity. */
bool rule_names_somebody(const struct judging *judging, json_t *directive);

/* ---- rules_identity.c: who somebody is ---- */
int rule_unguarded(const struct judging *judging, const struct block *block);
int rule_set_twice(const struct judging *judging, const struct block *block);
int rule_said_by_client(const struct judging *judging, const struct block *block);
int rule_chosen_by_client(const struct judging *judging, const struct block *block);
int rule_wide_proxies(const struct judging *judging, const struct block *block);

/* ---- rules_tls.c: whose certificates count ---- */
int rule_verified_elsewhere(const struct judging *judging, const struct block *block);
int rule_stapling_authority(const struct judging *judging, const struct block *block);

/* ---- rules_map.c: maps and conditions from a secret to a name ---- */
int rule_open_map(const struct judging *judging, const struct block *block);
int rule_blind_map(const struct judging *judging, const struct block *block);
int rule_loose_map(const struct judging *judging, const struct block *block);
int rule_loose_condition(const struct judging *judging, const struct block *block);

/* Fills judging->proofs with what identities are made of. */
int rule_find_proofs(const struct judging *judging);

/* ---- rules_parameter.c: what leasehold is told ---- */
int rule_missing_parameters(const struct judging *judging, const struct block *block);
int rule_parameter_twice(const struct judging *judging, const struct block *block);
int rule_other_value(const struct judging *judging, const struct block *block);
int rule_headers(const struct judging *judging, const struct block *block);
int rule_sent_twice(const struct judging *judging, const struct block *block);

/* ---- rules_secret.c: where secrets would stay ---- */
int rule_token_logged(const struct judging *judging, const struct block *block);
int rule_query_logged(const struct judging *judging, const struct block *block);
int rule_debug_log(const struct judging *judging, const struct block *block);
int rule_debug_connection(const struct judging *judging, const struct block *block);
int rule_answer_kept(const struct judging *judging, const struct block *block);
int rule_on_disk(const struct judging *judging, const struct block *block);

#endif

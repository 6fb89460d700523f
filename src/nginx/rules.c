/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/rules.h"

#include "nginx/rules_priv.h"
#include "util/err.h"

static int (*const rules[])(const struct judging *judging, const struct block *block) = {
	rule_unguarded,
	rule_set_twice,
	rule_said_by_client,
	rule_chosen_by_client,
	rule_wide_proxies,
	rule_open_map,
	rule_blind_map,
	rule_loose_map,
	rule_loose_condition,
	rule_missing_parameters,
	rule_parameter_twice,
	rule_other_value,
	rule_headers,
	rule_sent_twice,
	rule_token_logged,
	rule_query_logged,
	rule_debug_log,
	rule_debug_connection,
	rule_answer_kept,
	rule_on_disk,
	rule_verified_elsewhere,
	rule_stapling_authority,
};

json_t *rule_pass(const struct judging *judging, const struct block *block)
{
	return block_find(block, "fastcgi_pass") ? block_believer(judging->tree, block) : NULL;
}

static int judge(const struct judging *judging)
{
	int ret = judging->proofs ? rule_find_proofs(judging) : LH_ENOMEM;

	for (size_t i = 0; ret == 0 && i < judging->tree->count; i++) {
		for (size_t j = 0; ret == 0 && j < sizeof(rules) / sizeof(*rules); j++)
			ret = rules[j](judging, &judging->tree->blocks[i]);
	}
	return ret;
}

int nginx_rules(json_t *site, json_t *findings)
{
	struct judging judging = { .proofs = json_object(), .findings = findings };
	struct tree tree;
	int ret = tree_make(site, &tree);

	judging.tree = &tree;
	if (ret == 0)
		ret = judge(&judging);
	json_decref(judging.proofs);
	tree_free(&tree);
	return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/key.h"
#include "token_fixture.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json.h"

json_t *policies;
json_t *metadata;

void token_fixture_open(void)
{
	policies = json_pack("[s,s]", "a", "default");
	metadata = json_pack("{s:s}", "team", "blue");
}

void token_fixture_close(void)
{
	json_decref(policies);
	json_decref(metadata);
}

int token_set_up(void **state)
{
	token_fixture_open();
	return temp_set_up(state);
}

int token_tear_down(void **state)
{
	token_fixture_close();
	return temp_tear_down(state);
}

/* ---- Verbs ---- */

struct token_terms ordinary(const struct caller *parent)
{
	struct token_terms terms = {
		.parent = parent,
		.display_name = "token-ci",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 600,
		.renewable = true,
	};

	return terms;
}

void make(const struct token_terms *terms, struct token_made *made)
{
	assert_int_equal(token_create(temp.store, terms, made), 0);
}

struct caller born(const struct token_terms *terms, char *token)
{
	struct token_made made;
	struct caller caller;

	make(terms, &made);
	assert_int_equal(auth_lookup(temp.store, made.token, &caller), 0);
	if (token)
		strcpy(token, made.token);
	token_made_clear(&made);
	return caller;
}

struct caller child_of(const struct caller *parent)
{
	struct token_terms terms = ordinary(parent);

	return born(&terms, NULL);
}

int look_up(const char *token)
{
	struct caller caller;
	int ret = auth_lookup(temp.store, token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}

int look_up_name(const struct caller *known)
{
	struct caller caller;
	int ret = token_find_name(temp.store, known->token, &caller);

	if (!ret)
		caller_clear(&caller);
	return ret;
}

void let_end(const struct caller *caller)
{
	struct store_batch batch = { 0 };
	struct buf text = BUF_INIT;
	json_t *record;
	struct key key;
	char *changed;

	key_token(&key, caller->token);
	assert_int_equal(store_get(temp.store, key_bytes(&key), &text, NULL), 0);
	assert_int_equal(json_read(text.data, text.size, &record, NULL), 0);
	json_object_set_new(record, "expires_ns", json_integer(clock_now_ns()));
	changed = json_dumps(record, 0);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ changed, strlen(changed) });
	assert_int_equal(store_apply(temp.store, STORE_NORMAL, &batch, NULL), 0);
	store_batch_free(&batch);
	free(changed);
	json_decref(record);
	buf_free(&text);
}

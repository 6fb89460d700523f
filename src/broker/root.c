/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/root.h"

#include <stdlib.h>
#include <string.h>

#include "broker/broker_priv.h"
#include "broker/exchange.h"
#include "broker/fetch.h"
#include "broker/profile.h"
#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/json.h"
#include "util/shared.h"
#include "util/wipe.h"

#define ROOTS_MAX      64        /* keys remembered by one process */
#define REFRESH_BEFORE (15 * 60) /* seconds before their end that temporary keys are fetched anew */
#define TALK_TIME      20000     /* ms that a fetch may take */
#define TOKEN_FILE_MAX 65536

/* Temporary keys from the surroundings; one for each engine. */
struct ambient {
	struct roots *roots;
	const struct engine *engine;
	struct root_key key;
	char *login_token;
	struct fetch fetch;
};

struct account {
	struct roots *roots;
	const struct engine *engine;
	char *key_id;
	char account[64];
	bool lasting; /* the key: worth a record */
	struct fetch fetch;
	uint64_t used;
};

struct roots {
	struct broker *broker;
	struct ambient *ambients;
	size_t ambient_count;
	struct account accounts[ROOTS_MAX];
	uint64_t clock;
};

int roots_new(struct broker *broker, struct roots **roots_out)
{
	struct roots *roots = calloc(1, sizeof(*roots));
	size_t count = 0;

	*roots_out = NULL;
	while (engine_all[count])
		count++;
	if (roots)
		roots->ambients = calloc(count, sizeof(*roots->ambients));
	if (!roots || !roots->ambients) {
		free(roots);
		return LH_ENOMEM;
	}
	roots->broker = broker;
	roots->ambient_count = count;
	for (size_t i = 0; i < count; i++) {
		roots->ambients[i].roots = roots;
		roots->ambients[i].engine = engine_all[i];
	}
	*roots_out = roots;
	return 0;
}

void roots_free(struct roots *roots)
{
	if (!roots)
		return;
	for (size_t i = 0; i < roots->ambient_count; i++) {
		root_key_clear(&roots->ambients[i].key);
		wipe_free(roots->ambients[i].login_token);
	}
	for (size_t i = 0; i < ROOTS_MAX; i++)
		wipe_free(roots->accounts[i].key_id);
	free(roots->ambients);
	free(roots);
}

void root_clear(struct root *root)
{
	root_key_clear(&root->key);
}

/* ---- Temporary keys ---- */

static const char *login_token(const struct ambient *ambient)
{
	return ambient->login_token ? ambient->login_token : "";
}

static void forget_login_token(struct ambient *ambient)
{
	wipe_free(ambient->login_token);
	ambient->login_token = NULL;
}

static struct surroundings around(struct ambient *ambient)
{
	return (struct surroundings){
		.environment = ambient->roots->broker->options.environment,
		.login_token = login_token(ambient),
		.now = clock_now(),
	};
}

static enum verdict ambient_advance(void *context, struct step *step)
{
	struct ambient *ambient = context;
	struct surroundings surroundings = around(ambient);
	struct root_key key = { 0 };
	char random[33];
	enum verdict verdict;

	random_hex(random, 16);
	surroundings.random = random;
	verdict = ambient->engine->fetch_key(step, &surroundings, &key);
	if (verdict == STEP_DONE && key.expires_at <= surroundings.now) {
		step->culprit = NULL;
		err_text(step->reason, sizeof(step->reason),
			 "what was fetched has ended already; check the clock of this machine");
		verdict = STEP_FAILED;
	}
	if (verdict != STEP_DONE) {
		root_key_clear(&key);
		return verdict;
	}
	root_key_clear(&ambient->key);
	ambient->key = key;
	return STEP_DONE;
}

static void ambient_done(void *context, const struct talk_end *end)
{
	struct ambient *ambient = context;

	ambient->fetch.busy = false;
	if (end->verdict != STEP_DONE)
		fetch_fail(&ambient->fetch, ambient->engine, NULL, end);
	forget_login_token(ambient);
}

/* The token's file is read anew each time: the cluster rotates it. */
static void read_login_token(struct ambient *ambient)
{
	const json_t *environment = ambient->roots->broker->options.environment;
	const char *path = json_get_text(environment, ambient->engine->token_file_variable);
	struct buf text = BUF_INIT;

	forget_login_token(ambient);
	if (path[0] && !file_read(path, TOKEN_FILE_MAX, &text, NULL))
		ambient->login_token = buf_take(&text);
	buf_free(&text);
}

static int ambient_start(struct ambient *ambient)
{
	struct broker *broker = ambient->roots->broker;
	struct talk_terms terms = {
		.engine = ambient->engine,
		.conf = conf_engine(broker->options.conf, ambient->engine->type),
		.deadline = clock_boot_ms() + TALK_TIME,
		.attempts = 2,
		.advance = ambient_advance,
		.done = ambient_done,
		.context = ambient,
	};
	int ret;

	read_login_token(ambient);
	fetch_begin(&ambient->fetch, login_token(ambient));
	ret = talk_start(broker->talker, &terms);
	ambient->fetch.busy = !ret;
	return ret;
}

static struct ambient *ambient_of(struct roots *roots, const struct engine *engine)
{
	for (size_t i = 0; i < roots->ambient_count; i++)
		if (roots->ambients[i].engine == engine)
			return &roots->ambients[i];
	return NULL;
}

/* A key from login or metadata. An old one is good until it ends, however the refresh goes. */
static int ambient_key(struct ambient *ambient, struct root_key *key_out, struct answer *answer_out,
		       struct err *err)
{
	int64_t left = ambient->key.expires_at - clock_now();
	bool usable = ambient->key.id && left > 0;
	bool fresh = ambient->key.id && left > REFRESH_BEFORE;
	bool failed;
	int ret = 0;

	if (ambient->fetch.failed) {
		read_login_token(ambient);
		fetch_forgive(&ambient->fetch, login_token(ambient));
		forget_login_token(ambient);
	}
	failed = fetch_failed(&ambient->fetch, answer_out, err);
	if (!fresh && !failed && !ambient->fetch.busy)
		ret = ambient_start(ambient);
	if (usable)
		return root_key_copy(key_out, &ambient->key);
	if (ret)
		return ret;
	if (!failed)
		return LH_EBUSY;
	/* Where there was one, there is none only for the moment. */
	if (!ambient->fetch.none || ambient->key.id)
		return LH_ECLOUD;
	return err_prefix(err, LH_EINVAL,
			  "unable to create secret because no credentials are configured");
}

/* ---- The account of a key ---- */

static void key_account(struct key *key, struct store *store, const char *key_id)
{
	unsigned char name[KEYRING_NAME_SIZE] = { 0 };

	key_start(key, 'a');
	if (keyring_name(store_keyring(store), KEYRING_ACCOUNT, key_id, name))
		key->overflow = 1;
	key_add(key, name, sizeof(name));
}

static int account_load(struct broker *broker, struct account *account)
{
	struct buf value = BUF_INIT;
	struct key key;
	int ret;

	key_account(&key, broker->options.store, account->key_id);
	ret = store_get(broker->options.store, key_bytes(&key), &value, NULL);
	if (!ret)
		err_text(account->account, sizeof(account->account), "%s", buf_text(&value));
	buf_free(&value);
	return ret;
}

/* A memory of the cloud's answer: when it cannot be written, the cloud is asked again. Temporary keys
 * come and go, many a day, and their records would stay. */
static void account_save(struct broker *broker, const struct account *account)
{
	struct store_batch batch = { 0 };
	struct key key;

	if (!account->lasting)
		return;
	key_account(&key, broker->options.store, account->key_id);
	store_batch_put(&batch, STORE_ANY, 0, key_bytes(&key),
			(struct bytes){ account->account, strlen(account->account) });
	store_apply(broker->options.store, STORE_NORMAL, &batch, NULL);
	store_batch_free(&batch);
}

static enum verdict account_advance(void *context, struct step *step)
{
	struct account *account = context;
	const struct engine *engine = account->engine;
	const char *text;

	if (!step->answer_count) {
		round_add(&step->next, engine->identity_service, engine->identity_action,
			  CALL_READS, 0);
		return STEP_MORE;
	}
	step->culprit = &step->answers[0];
	text = json_get_text(step->answers[0].body, engine->identity_field);
	if (step->answers[0].kind != ANSWER_OK || !text[0] ||
	    strlen(text) >= sizeof(account->account))
		return STEP_FAILED;
	memcpy(account->account, text, strlen(text) + 1);
	return STEP_DONE;
}

static void account_done(void *context, const struct talk_end *end)
{
	struct account *account = context;

	account->fetch.busy = false;
	if (end->verdict != STEP_DONE)
		fetch_fail(&account->fetch, account->engine, account->key_id, end);
	else
		account_save(account->roots->broker, account);
}

static int account_start(struct account *account, const struct root_key *key)
{
	struct broker *broker = account->roots->broker;
	struct talk_terms terms = {
		.engine = account->engine,
		.conf = conf_engine(broker->options.conf, account->engine->type),
		.key = key,
		.deadline = clock_boot_ms() + TALK_TIME,
		.attempts = 2,
		.advance = account_advance,
		.done = account_done,
		.context = account,
	};
	int ret = talk_start(broker->talker, &terms);

	fetch_begin(&account->fetch, key->secret);
	account->lasting = !key->token;
	account->fetch.busy = !ret;
	return ret;
}

/* The entry of a key; the one that was not used for the longest time makes room. */
static struct account *account_of(struct roots *roots, const struct engine *engine, const char *id)
{
	struct account *oldest = NULL, *account;

	for (size_t i = 0; i < ROOTS_MAX; i++) {
		account = &roots->accounts[i];
		if (account->key_id && account->engine == engine && !strcmp(account->key_id, id)) {
			account->used = ++roots->clock;
			return account;
		}
		if (!account->fetch.busy && (!oldest || account->used < oldest->used))
			oldest = account;
	}
	if (!oldest)
		return NULL;
	wipe_free(oldest->key_id);
	memset(oldest, 0, sizeof(*oldest));
	oldest->roots = roots;
	oldest->engine = engine;
	oldest->used = ++roots->clock;
	oldest->key_id = wipe_copy(id, strlen(id));
	return oldest->key_id ? oldest : NULL;
}

static int find_account(struct roots *roots, const struct engine *engine, struct root *root,
			struct answer *answer_out, struct err *err)
{
	struct account *account = account_of(roots, engine, root->key.id);
	int ret;

	if (!account)
		return LH_ENOMEM;
	if (!account->account[0] && !account->fetch.busy) {
		fetch_forgive(&account->fetch, root->key.secret);
		if (fetch_failed(&account->fetch, answer_out, err))
			return LH_ECLOUD;
		ret = account_load(roots->broker, account);
		if (ret == LH_ENOENT)
			ret = account_start(account, &root->key);
		if (ret)
			return ret;
	}
	if (account->fetch.busy)
		return LH_EBUSY;
	memcpy(root->account, account->account, sizeof(root->account));
	return 0;
}

/* ---- The chain ---- */

static int stored_key(struct broker *broker, const unsigned char *mount,
		      const struct engine *engine, struct root_key *key_out)
{
	struct root_key borrowed = { 0 };
	json_t *config = NULL;
	int ret;

	ret = mount_config_of(broker, mount, &config, NULL);
	if (ret)
		return ret;
	borrowed.id = (char *)(uintptr_t)json_get_text(config, engine->config_id_field);
	borrowed.secret = (char *)(uintptr_t)json_get_text(config, engine->config_secret_field);
	ret = borrowed.id[0] && borrowed.secret[0] ? root_key_copy(key_out, &borrowed) : LH_ENOENT;
	json_decref(config);
	return ret;
}

static int find_key(struct broker *broker, const unsigned char *mount, const struct engine *engine,
		    struct root_key *key_out, struct answer *answer_out, struct err *err)
{
	struct ambient *ambient = ambient_of(broker->roots, engine);
	struct surroundings surroundings;
	int ret;

	ret = stored_key(broker, mount, engine, key_out);
	if (ret != LH_ENOENT)
		return ret;
	surroundings = around(ambient);
	if (engine->environment_key(&surroundings, key_out))
		return 0;
	ret = profile_key(engine, broker->options.environment, key_out, err);
	if (ret != LH_ENOENT)
		return ret;
	return ambient_key(ambient, key_out, answer_out, err);
}

int root_get(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	     const struct engine *engine, struct root *root_out, struct answer *answer_out,
	     struct err *err)
{
	int ret;

	memset(root_out, 0, sizeof(*root_out));
	memset(answer_out, 0, sizeof(*answer_out));
	ret = find_key(broker, mount, engine, &root_out->key, answer_out, err);
	if (!ret)
		ret = find_account(broker->roots, engine, root_out, answer_out, err);
	if (ret)
		root_clear(root_out);
	return ret;
}

int root_wait(struct broker *broker, const unsigned char mount[LEASE_UUID_SIZE],
	      const struct engine *engine, int64_t deadline, struct root *root_out,
	      struct answer *answer_out, struct err *err)
{
	int ret;

	for (;;) {
		ret = root_get(broker, mount, engine, root_out, answer_out, err);
		if (ret != LH_EBUSY)
			return ret;
		if (clock_boot_ms() >= deadline)
			return err_set(err, LH_ETIMEOUT,
				       "%s: the root credentials were not to be had in time",
				       engine->type);
		slot_beat(broker->options.slot);
		ret = talker_run(broker->talker, 1000, NULL, 0);
		if (ret)
			return ret;
	}
}

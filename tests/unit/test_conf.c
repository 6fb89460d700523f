/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration says, and what a running server takes over of a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/schema.h"
#include "conf_fixture.h"
#include "engine/engine.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"

static void assert_listener(const struct conf_listener *listener, const char *name,
			    enum conf_pool pool, unsigned workers)
{
	char address[64];

	snprintf(address, sizeof(address), "/run/leasehold/%s.sock", name);
	assert_string_equal(listener->name, name);
	assert_string_equal(listener->address, address);
	assert_int_equal(listener->pool, pool);
	assert_int_equal(listener->workers, workers);
	assert_int_equal(listener->backlog, 64);
	assert_int_equal(listener->keepalive, pool == CONF_POOL_READ);
	assert_int_equal(listener->socket_mode, 0660);
	assert_null(listener->socket_group);
	assert_null(listener->peer_users);
}

static void assert_engine(const struct conf_engine *engine)
{
	assert_non_null(engine);
	assert_string_equal(engine->ca_file, "");
	assert_int_equal(engine->request_timeout, 10000);
	assert_int_equal(engine->sweep_count, 3);
	assert_int_equal(engine->sweep_after[0], 30);
	assert_int_equal(engine->sweep_after[1], 300);
	assert_int_equal(engine->sweep_after[2], 1200);
	assert_null(engine->quotas);
}

static void assert_engines(const struct conf *conf)
{
	const struct conf_engine *alicloud = conf_engine(conf, "alicloud");
	const struct conf_engine *tencent = conf_engine(conf, "tencentcloud");

	assert_int_equal(conf->engine_count, 2);
	assert_engine(alicloud);
	assert_string_equal(alicloud->user_endpoint, "https://ram.aliyuncs.com");
	assert_string_equal(alicloud->sts_endpoint, "https://sts.aliyuncs.com");
	assert_string_equal(alicloud->metadata_endpoint, "http://100.100.100.200");
	assert_null(alicloud->region);
	assert_engine(tencent);
	assert_string_equal(tencent->user_endpoint, "https://cam.tencentcloudapi.com");
	assert_string_equal(tencent->sts_endpoint, "https://sts.tencentcloudapi.com");
	assert_string_equal(tencent->metadata_endpoint, "http://metadata.tencentyun.com");
	assert_string_equal(tencent->region, "ap-guangzhou");
}

static void assert_defaults(const struct conf *conf)
{
	assert_int_equal(conf->listener_count, 2);
	assert_listener(&conf->listeners[0], "read", CONF_POOL_READ, 4);
	assert_listener(&conf->listeners[1], "work", CONF_POOL_WORK, 32);
	assert_string_equal(conf->store_path, "/var/lib/leasehold");
	assert_true(conf->map_size == UINT64_C(64) << 30);
	assert_string_equal(conf->user, "leasehold");
	assert_string_equal(conf->group, "leasehold");
	assert_int_equal(conf->default_lease_ttl, 768 * 3600);
	assert_int_equal(conf->max_lease_ttl, 768 * 3600);
	assert_int_equal(conf->issue_timeout, 45000);
	assert_int_equal(conf->drain_timeout, 60);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf->log_format, LOG_FORMAT_TEXT);
	assert_engines(conf);
}

static void the_master_key_alone_gives_the_defaults(void **state)
{
	struct conf *conf = load_sound(SEAL);

	(void)state;
	assert_defaults(conf);
	assert_string_equal(conf->seal_key_file, "/k");
	assert_null(conf_engine(conf, "aws"));
	conf_free(conf);
	conf_free(NULL);
}

static void read_commented(struct buf *text)
{
	const char *srcdir = getenv("srcdir");
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/conf/leasehold.hcl", srcdir ? srcdir : ".");
	assert_int_equal(file_read(path.data, 1 << 20, text, NULL), 0);
	buf_free(&path);
}

static void the_commented_file_says_the_defaults(void **state)
{
	struct buf text = BUF_INIT;
	struct conf *conf;

	(void)state;
	read_commented(&text);
	conf = load_sound(text.data);
	assert_defaults(conf);
	assert_string_equal(conf->seal_key_file, "/etc/leasehold/master.key");
	conf_free(conf);
	buf_free(&text);
}

static void its_commented_out_keys_are_keys(void **state)
{
	static const char *const keys[] = { "# socket_group = ", "# peer_users = ",
					    "# trust_identity = ", "# identity_prefix = " };
	struct buf text = BUF_INIT;
	struct conf *conf;

	(void)state;
	read_commented(&text);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *at = strstr(text.data, keys[i]);

		assert_non_null(at);
		*at = ' ';
	}
	conf = load_sound(text.data);
	assert_string_equal(conf->listeners[0].socket_group, "www-data");
	assert_string_equal(conf->listeners[0].peer_users[0], "www-data");
	assert_null(conf->listeners[0].peer_users[1]);
	assert_true(conf->listeners[0].trust_identity);
	assert_string_equal(conf->listeners[0].identity_prefix, "/vault");
	conf_free(conf);
	buf_free(&text);
}

static const char full[] = SEAL
	"storage \"lmdb\" { path = \"/s\"  map_size = \"1TiB\" }\n"
	"user = \"\" group = \"\"\n"
	"default_lease_ttl = \"90\" max_lease_ttl = \"30d\"\n"
	"issue_timeout = \"5s\" drain_timeout = \"1m30s\"\n"
	"log_level = \"error\" log_format = \"json\"\n"
	"listener \"fastcgi\" \"a\" {\n"
	"  address = \"/a\" pool = \"read\" workers = 224 backlog = 1 keepalive = false\n"
	"  socket_mode = \"600\" socket_group = \"g\" peer_users = [\"x\", \"y\"]\n}\n"
	"listener \"fastcgi\" \"work\" { address = \"[::1]:9000\" }\n"
	"engine \"alicloud\" {\n"
	"  ram_endpoint = \"http://127.0.0.2:8101\" sts_endpoint = \"http://[::1]\"\n"
	"  metadata_endpoint = \"\" ca_file = \"/ca\" request_timeout = \"1s\"\n"
	"  sweep_after = [\"1s\"]\n"
	"  quotas = { CreateUser = 20, \"*\" = 10000 }\n}\n";

static void assert_full_listeners(const struct conf *conf)
{
	const struct conf_listener *a = &conf->listeners[0], *work = &conf->listeners[1];

	assert_int_equal(conf->listener_count, 2);
	assert_string_equal(a->name, "a");
	assert_string_equal(a->address, "/a");
	assert_int_equal(a->pool, CONF_POOL_READ);
	assert_int_equal(a->workers, 224);
	assert_int_equal(a->backlog, 1);
	assert_false(a->keepalive);
	assert_int_equal(a->socket_mode, 0600);
	assert_string_equal(a->socket_group, "g");
	assert_string_equal(a->peer_users[0], "x");
	assert_string_equal(a->peer_users[1], "y");
	assert_null(a->peer_users[2]);
	assert_int_equal(work->pool, CONF_POOL_WORK);
	assert_string_equal(work->address, "[::1]:9000");
	assert_int_equal(work->workers, 32);
}

static void every_key_is_taken(void **state)
{
	struct conf *conf = load_sound(full);
	const struct conf_engine *engine = conf_engine(conf, "alicloud");

	(void)state;
	assert_full_listeners(conf);
	assert_string_equal(conf->store_path, "/s");
	assert_true(conf->map_size == UINT64_C(1) << 40);
	assert_null(conf->user);
	assert_null(conf->group);
	assert_int_equal(conf->default_lease_ttl, 90);
	assert_int_equal(conf->max_lease_ttl, 30 * 86400);
	assert_int_equal(conf->issue_timeout, 5000);
	assert_int_equal(conf->drain_timeout, 90);
	assert_int_equal(conf->log_level, LOG_LEVEL_ERROR);
	assert_int_equal(conf->log_format, LOG_FORMAT_JSON);
	assert_string_equal(engine->user_endpoint, "http://127.0.0.2:8101");
	assert_string_equal(engine->sts_endpoint, "http://[::1]");
	assert_string_equal(engine->metadata_endpoint, "");
	assert_string_equal(engine->ca_file, "/ca");
	assert_int_equal(engine->request_timeout, 1000);
	assert_int_equal(engine->sweep_count, 1);
	assert_int_equal(engine->sweep_after[0], 1);
	assert_int_equal(json_get_int(engine->quotas, "CreateUser", 0), 20);
	assert_int_equal(json_get_int(engine->quotas, "*", 0), 10000);
	conf_free(conf);
}

static const struct {
	const char *text, *error;
} reloads[] = {
	{ SEAL "log_level = \"debug\"", NULL },
	{ LISTENER("address = \"/x\""), NULL },
	{ "seal \"file\" { key_file = \"/j\" }", "seal \"file\": key_file" },
	{ SEAL "storage \"lmdb\" { path = \"/j\" }", "storage \"lmdb\": path" },
	{ SEAL "storage \"lmdb\" { map_size = \"1GiB\" }", "storage \"lmdb\": map_size" },
	{ SEAL "user = \"x\"", "user" },
	{ SEAL "user = \"\"", "user" },
	{ SEAL "group = \"x\"", "group" },
};

static void a_running_server_keeps_storage_seal_and_user(void **state)
{
	struct conf *old = load_sound(SEAL);

	(void)state;
	for (size_t i = 0; i < sizeof(reloads) / sizeof(reloads[0]); i++) {
		struct conf *new = load_sound(reloads[i].text);
		struct err err = { 0 };
		char error[256] = "";

		if (reloads[i].error)
			snprintf(error, sizeof(error),
				 "%s/f: %s: changed, which a running server cannot follow; restart "
				 "it",
				 folder, reloads[i].error);
		assert_int_equal(conf_check_reload(old, new, &err),
				 reloads[i].error ? LH_EINVAL : 0);
		assert_string_equal(err.text, error);
		conf_free(new);
	}
	conf_free(old);
}

static void each_failing_allocation_is_reported(void **state)
{
	char path[64];

	(void)state;
	conf_free(load_sound(full));
	snprintf(path, sizeof(path), "%s/f", folder);
	for (unsigned n = 1;; n++) {
		struct err err = { 0 };
		struct conf *conf = NULL;
		int ret;

		fail_alloc_at(n);
		ret = conf_load(path, engine_conf_type, &conf, &err);
		if (!fail_alloc_stop()) {
			assert_int_equal(ret, 0);
			assert_true(n > 100);
			conf_free(conf);
			break;
		}
		if (ret != LH_ENOMEM || conf || !err.text[0])
			fail_msg("allocation %u: %d, %s", n, ret, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_master_key_alone_gives_the_defaults),
		cmocka_unit_test(the_commented_file_says_the_defaults),
		cmocka_unit_test(its_commented_out_keys_are_keys),
		cmocka_unit_test(every_key_is_taken),
		cmocka_unit_test(a_running_server_keeps_storage_seal_and_user),
		cmocka_unit_test(each_failing_allocation_is_reported),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

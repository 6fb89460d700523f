/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/schema.h"
#include "engine/engine.h"
#include "fail_alloc.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/json.h"

#define SEAL "seal \"file\" { key_file = \"/k\" }\n"

/* The tests run in a folder of their own and write every text to the same file. */
static char folder[] = "/tmp/test_conf.XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int leave_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/f", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ca", folder);
	unlink(path);
	return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int load_text(const char *text, struct conf **conf_out, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/f", folder);
	write_file(path, text);
	return conf_load(path, engine_conf_type, conf_out, err);
}

static struct conf *load_sound(const char *text)
{
	struct err err = { 0 };
	struct conf *conf;

	if (load_text(text, &conf, &err) != 0)
		fail_msg("%s", err.text);
	return conf;
}

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
	"  metadata_endpoint = \"\" ca_file = \"CA_FILE\" request_timeout = \"1s\"\n"
	"  sweep_after = [\"1s\"]\n"
	"  quotas = { CreateUser = 20, \"*\" = 10000 }\n}\n";

/* The text with a file of certificates that is there. */
static struct conf *load_full(void)
{
	const char *place = strstr(full, "CA_FILE");
	char path[64], text[2048];

	snprintf(path, sizeof(path), "%s/ca", folder);
	write_file(path, "-----BEGIN CERTIFICATE-----\n");
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - full), full, path,
		 place + strlen("CA_FILE"));
	return load_sound(text);
}

/* Who reads the configuration may be root; who uses the files is not. */
static void files_are_looked_at_again_when_it_is_known_who_reads_them(void **state)
{
	struct conf *conf = load_full();
	struct err err = { 0 };
	char path[64], says[256];

	(void)state;
	assert_int_equal(conf_check_files(conf, &err), 0);
	snprintf(path, sizeof(path), "%s/ca", folder);
	unlink(path);
	assert_int_equal(conf_check_files(conf, &err), LH_EINVAL);
	snprintf(says, sizeof(says), "%s/f:%u: engine \"alicloud\": ca_file: must name a file",
		 folder, conf_engine(conf, "alicloud")->line);
	assert_ptr_equal(strstr(err.text, says), err.text);
	assert_non_null(strstr(err.text, path));
	conf_free(conf);
}

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
	struct conf *conf = load_full();
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
	assert_ptr_equal(strstr(engine->ca_file, folder), engine->ca_file);
	assert_int_equal(engine->request_timeout, 1000);
	assert_int_equal(engine->sweep_count, 1);
	assert_int_equal(engine->sweep_after[0], 1);
	assert_int_equal(json_get_int(engine->quotas, "CreateUser", 0), 20);
	assert_int_equal(json_get_int(engine->quotas, "*", 0), 10000);
	conf_free(conf);
}

#define LISTENER(body) SEAL "listener \"fastcgi\" \"work\" { " body " }\n"
#define ENGINE(body)   SEAL "engine \"alicloud\" { " body " }\n"

/* The error begins behind the path of the file. */
static const struct {
	const char *name, *text, *error;
} refused[] = {
	{ "no master key", "",
	  ": seal \"file\": key_file: missing; name the file of the master key, key_file = "
	  "\"/etc/leasehold/master.key\"" },
	{ "a seal without a master key", "\nseal \"file\" {}",
	  ":2: seal \"file\": key_file: missing; name the file of the master key, key_file = "
	  "\"/etc/leasehold/master.key\"" },
	{ "broken syntax", "\nuser =",
	  ":2: found the end of the text, expected a value; text takes "
	  "double quotes" },
	{ "JSON", "{\"seal\": {\"file\": {}}}", ":1: seal: must be a block, seal \"…\" { … }" },
	{ "an unknown key", SEAL "usr = \"x\"", ":2: usr: unknown key; did you mean \"user\"?" },
	{ "an unknown key like no other", SEAL "colour = 1", ":2: colour: unknown key" },
	{ "an unknown block", SEAL "listner \"fastcgi\" \"x\" {}",
	  ":2: listner: unknown block; did you mean \"listener\"?" },
	{ "a key as a block", SEAL "user {}", ":2: user: must be written user = value" },
	{ "a key twice", SEAL "user = \"a\"\nuser = \"b\"",
	  ":3: user: given twice, first in line 2" },
	{ "a block twice", SEAL SEAL, ":2: seal: given twice, first in line 1" },
	{ "an engine twice", ENGINE("") "engine \"alicloud\" {}",
	  ":3: engine \"alicloud\": given twice, first in line 2" },
	{ "an unknown type of seal", "seal \"kms\" {}",
	  ":1: seal: must be written seal \"file\" { … }; there is no other type" },
	{ "an unknown type of storage", SEAL "storage \"etcd\" {}",
	  ":2: storage: must be written storage \"lmdb\" { … }; there is no other type" },
	{ "a storage with two labels", SEAL "storage \"lmdb\" \"x\" {}",
	  ":2: storage: must be written storage \"lmdb\" { … }; there is no other type" },
	{ "an engine that there is not", SEAL "engine \"aws\" {}",
	  ":2: engine \"aws\": unknown engine" },
	{ "a key of another engine", SEAL "engine \"tencentcloud\" { ram_endpoint = \"x\" }",
	  ":2: engine \"tencentcloud\": ram_endpoint: unknown key; did you mean "
	  "\"cam_endpoint\"?" },
	{ "a region that is none", SEAL "engine \"tencentcloud\" { region = \"a b\" }",
	  ":2: engine \"tencentcloud\": region: must be a region such as \"ap-guangzhou\", is "
	  "\"a b\"" },
	{ "plain http to an address that is not the metadata service's",
	  SEAL "engine \"tencentcloud\" { metadata_endpoint = \"http://metadata.example.com\" }",
	  ":2: engine \"tencentcloud\": metadata_endpoint: must begin with https://, is "
	  "\"http://metadata.example.com\": without TLS anyone on the way reads and changes it" },
	{ "a last sweep inside the validity of Tencent's signatures",
	  SEAL "engine \"tencentcloud\" { sweep_after = [\"10m\"] }",
	  ":2: engine \"tencentcloud\": sweep_after: the last must be later than 10m, for so long "
	  "the cloud may still carry out a call" },
	{ "an engine without a type", SEAL "engine {}",
	  ":2: engine: must be written engine \"type\" { … }" },
	{ "a relative path", SEAL "storage \"lmdb\" {\n path = \"x\" }",
	  ":3: storage \"lmdb\": path: must be an absolute path, is \"x\"" },
	{ "a number for a text", SEAL "user = 1", ":2: user: must be a text in double quotes" },
	{ "a control character in a text", SEAL "user = \"a\\n\"",
	  ":2: user: must be a text in double quotes" },
	{ "a size without a unit", SEAL "storage \"lmdb\" { map_size = \"64\" }",
	  ":2: storage \"lmdb\": map_size: must be a size in double quotes, such as \"512MiB\" or "
	  "\"64GiB\"" },
	{ "a size with a unit that is not binary", SEAL "storage \"lmdb\" { map_size = \"64GB\" }",
	  ":2: storage \"lmdb\": map_size: must be a size in double quotes, such as \"512MiB\" or "
	  "\"64GiB\"" },
	{ "a size that overflows", SEAL "storage \"lmdb\" { map_size = \"999999999TiB\" }",
	  ":2: storage \"lmdb\": map_size: must be a size in double quotes, such as \"512MiB\" or "
	  "\"64GiB\"" },
	{ "a size too small", SEAL "storage \"lmdb\" { map_size = \"15MiB\" }",
	  ":2: storage \"lmdb\": map_size: must be 16MiB to 16TiB, is 15MiB" },
	{ "a size too large", SEAL "storage \"lmdb\" { map_size = \"17TiB\" }",
	  ":2: storage \"lmdb\": map_size: must be 16MiB to 16TiB, is 17TiB" },
	{ "a duration that is none", SEAL "drain_timeout = \"soon\"",
	  ":2: drain_timeout: must be a duration, such as \"10s\" or \"1h30m\": time: invalid "
	  "duration \"soon\"" },
	{ "a duration as a number", SEAL "drain_timeout = 60",
	  ":2: drain_timeout: must be a duration in double quotes, such as \"10s\" or \"1h30m\"" },
	{ "a negative duration", SEAL "drain_timeout = \"-1s\"",
	  ":2: drain_timeout: must be 1s to 1h, is -1s" },
	{ "a duration past 64 bits", SEAL "drain_timeout = \"99999999h\"",
	  ":2: drain_timeout: must be 1s to 1h, is 99999999h" },
	{ "a default above the maximum", SEAL "max_lease_ttl = \"1h\"",
	  ": default_lease_ttl: must be at most max_lease_ttl, which is 1h, is 768h" },
	{ "an unknown log level", SEAL "log_level = \"trace\"",
	  ":2: log_level: must be \"debug\" or \"info\" or \"warn\" or \"error\", is \"trace\"" },
	{ "a log format of another type", SEAL "log_format = true",
	  ":2: log_format: must be \"text\" or \"json\"" },

	{ "too few workers", LISTENER("workers = 0"),
	  ":2: listener \"work\": workers: must be 1 to 256, is 0" },
	{ "too many workers", LISTENER("workers = 257"),
	  ":2: listener \"work\": workers: must be 1 to 256, is 257" },
	{ "workers as a text", LISTENER("workers = \"4\""),
	  ":2: listener \"work\": workers: must be a number, 1 to 256" },
	{ "too many workers together",
	  LISTENER("workers = 200") "listener \"fastcgi\" \"read\" { workers = 57 }",
	  ":3: listener \"read\": workers: all listeners together must have at most 256, have "
	  "257" },
	{ "identities from anybody", LISTENER("\ntrust_identity = true"),
	  ":3: listener \"work\": trust_identity: needs peer_users, the users that may say who "
	  "somebody is, as [\"www-data\"]" },
	{ "identities over TCP", LISTENER("address = \"127.0.0.1:9000\"\ntrust_identity = true"),
	  ":3: listener \"work\": trust_identity: must be left out, as address is TCP, which knows "
	  "no users; use the path of a socket" },
	{ "a prefix with a final slash", LISTENER("identity_prefix = \"/vault/\""),
	  ":2: listener \"work\": identity_prefix: must be a path without its final slash, as "
	  "\"/vault\", is \"/vault/\"" },
	{ "a boolean as a text", LISTENER("keepalive = \"yes\""),
	  ":2: listener \"work\": keepalive: must be true or false, without quotes" },
	{ "keepalive in the work pool", LISTENER("\nkeepalive = true"),
	  ":3: listener \"work\": keepalive: must be false in pool \"work\", whose workers would "
	  "each wait on one connection of the web server" },
	{ "a mode that is not octal", LISTENER("socket_mode = \"0680\""),
	  ":2: listener \"work\": socket_mode: must be octal digits in double quotes, such as "
	  "\"0660\"" },
	{ "a mode with a sticky bit", LISTENER("socket_mode = \"1660\""),
	  ":2: listener \"work\": socket_mode: must be octal digits in double quotes, such as "
	  "\"0660\"" },
	{ "a mode as a number", LISTENER("socket_mode = 660"),
	  ":2: listener \"work\": socket_mode: must be octal digits in double quotes, such as "
	  "\"0660\"" },
	{ "one peer without a list", LISTENER("peer_users = \"x\""),
	  ":2: listener \"work\": peer_users: must be a list of texts, [\"…\", \"…\"]" },
	{ "an empty peer", LISTENER("peer_users = [\"x\", \"\"]"),
	  ":2: listener \"work\": peer_users: must be a list of texts, [\"…\", \"…\"]" },
	{ "a listener of another type", SEAL "listener \"tcp\" \"x\" {}",
	  ":2: listener: must be written listener \"fastcgi\" \"name\" { … }" },
	{ "a listener without a name", SEAL "listener \"fastcgi\" {}",
	  ":2: listener: must be written listener \"fastcgi\" \"name\" { … }" },
	{ "a listener with a bad name", SEAL "listener \"fastcgi\" \"a/b\" {}",
	  ":2: listener \"a/b\": the name must be letters, digits, \"_\", \"-\" and \".\"" },
	{ "a listener without a pool", SEAL "listener \"fastcgi\" \"a\" {}",
	  ":2: listener \"a\": pool: missing; must be \"read\" or \"work\", unless the listener "
	  "has "
	  "one of these names" },
	{ "a listener twice", LISTENER("") "listener \"fastcgi\" \"work\" { address = \"/x\" }",
	  ":3: listener \"work\": there is another listener of this name" },
	{ "an address twice",
	  LISTENER("address = \"/x\"") "listener \"fastcgi\" \"read\" { address = \"/x\" }",
	  ":3: listener \"read\": address: \"/x\" is that of listener \"work\" already" },
	{ "no listener that works", SEAL "listener \"fastcgi\" \"read\" {}",
	  ":2: listener: one of pool \"work\" is missing; without it nothing can be issued or "
	  "written" },
	{ "peers on TCP", LISTENER("address = \"127.0.0.1:9000\"\npeer_users = [\"x\"]"),
	  ":3: listener \"work\": peer_users: must be left out, as address is TCP, which knows no "
	  "users; use the path of a socket" },
	{ "a mode on TCP", LISTENER("address = \"127.0.0.1:9000\"\nsocket_mode = \"0660\""),
	  ":3: listener \"work\": socket_mode: must be left out, as address is TCP, which knows no "
	  "users; use the path of a socket" },
	{ "a group on TCP", LISTENER("address = \"127.0.0.1:9000\"\nsocket_group = \"x\""),
	  ":3: listener \"work\": socket_group: must be left out, as address is TCP, which knows "
	  "no "
	  "users; use the path of a socket" },
	{ "an address of others", LISTENER("address = \"0.0.0.0:9000\""),
	  ":2: listener \"work\": address: must be a loopback address, is \"0.0.0.0:9000\": "
	  "FastCGI "
	  "knows no passwords, so whoever reaches the port is believed whatever the web server "
	  "says" },
	{ "a near miss of a listener's key", LISTENER("worker = 4"),
	  ":2: listener \"work\": worker: unknown key; did you mean \"workers\"?" },

	{ "plain http", ENGINE("ram_endpoint = \"http://ram.aliyuncs.com\""),
	  ":2: engine \"alicloud\": ram_endpoint: must begin with https://, is "
	  "\"http://ram.aliyuncs.com\": without TLS anyone on the way reads and changes it" },
	{ "plain http to the metadata address for another service",
	  ENGINE("sts_endpoint = \"http://100.100.100.200\""),
	  ":2: engine \"alicloud\": sts_endpoint: must begin with https://, is "
	  "\"http://100.100.100.200\": without TLS anyone on the way reads and changes it" },
	{ "an empty endpoint", ENGINE("ram_endpoint = \"\""),
	  ":2: engine \"alicloud\": ram_endpoint: must be a URL of scheme, host and perhaps port, "
	  "such as \"https://example.com\", is \"\"" },
	{ "a key of the other engine", ENGINE("cam_endpoint = \"https://x\""),
	  ":2: engine \"alicloud\": cam_endpoint: unknown key; did you mean \"ram_endpoint\"?" },
	{ "quotas that are no map", ENGINE("quotas = 20"),
	  ":2: engine \"alicloud\": quotas: must say how many calls a second, { CreateUser = 20 "
	  "\"*\" = 50 }" },
	{ "no quotas", ENGINE("quotas = {}"),
	  ":2: engine \"alicloud\": quotas: must say how many calls a second, { CreateUser = 20 "
	  "\"*\" = 50 }" },
	{ "a quota of nothing", ENGINE("quotas = { CreateUser = 0 }"),
	  ":2: engine \"alicloud\": quotas: CreateUser: must be 1 to 10000, is 0" },
	{ "a quota beyond all measure", ENGINE("quotas = { \"*\" = 10001 }"),
	  ":2: engine \"alicloud\": quotas: *: must be 1 to 10000, is 10001" },
	{ "a quota that is no number", ENGINE("quotas = { CreateUser = \"20\" }"),
	  ":2: engine \"alicloud\": quotas: CreateUser: must be a number, 1 to 10000" },
	{ "a quota of what no action is called", ENGINE("quotas = { \"Create*\" = 5 }"),
	  ":2: engine \"alicloud\": quotas: \"Create*\" is not the name of an action; \"*\" "
	  "stands for all that are not named" },
	{ "no sweeps", ENGINE("sweep_after = []"),
	  ":2: engine \"alicloud\": sweep_after: must be a list of 1 to 8 durations, such as "
	  "[\"30s\", \"20m\"]" },
	{ "too many sweeps",
	  ENGINE("sweep_after = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"20m\"]"),
	  ":2: engine \"alicloud\": sweep_after: must be a list of 1 to 8 durations, such as "
	  "[\"30s\", \"20m\"]" },
	{ "sweeps out of order", ENGINE("sweep_after = [\"5m\", \"5m\"]"),
	  ":2: engine \"alicloud\": sweep_after: number 2: must be later than the one before it" },
	{ "a sweep that is no duration", ENGINE("sweep_after = [\"5m\", 20]"),
	  ":2: engine \"alicloud\": sweep_after: number 2: must be a duration in double quotes, "
	  "such "
	  "as \"10s\" or \"1h30m\"" },
	{ "a last sweep inside a signature's validity", ENGINE("sweep_after = [\"30s\", \"15m\"]"),
	  ":2: engine \"alicloud\": sweep_after: the last must be later than 15m, for so long the "
	  "cloud may still carry out a call" },
};

static void mistakes_are_refused_with_file_line_and_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err err = { 0 };
		struct conf *conf = NULL;
		int ret = load_text(refused[i].text, &conf, &err);
		const char *error = err.text + strlen(folder) + 2;

		if (ret != LH_EINVAL || conf || memcmp(err.text, folder, strlen(folder)) != 0 ||
		    strcmp(error, refused[i].error) != 0)
			fail_msg("%s: %d, \"%s\"", refused[i].name, ret, err.text);
	}
}

static void a_ninth_listener_is_refused(void **state)
{
	struct buf text = BUF_INIT;
	struct err err = { 0 };
	struct conf *conf;

	(void)state;
	buf_add_text(&text, SEAL);
	for (int i = 0; i < 9; i++)
		buf_printf(&text, "listener \"fastcgi\" \"l%d\" { pool = \"work\" workers = 1 }\n",
			   i);
	assert_int_equal(load_text(text.data, &conf, &err), LH_EINVAL);
	assert_non_null(strstr(err.text, "f:10: listener \"l8\": there may be at most 8"));
	buf_free(&text);
}

static void a_missing_file_is_said_to_be_missing(void **state)
{
	struct err err = { 0 };
	struct conf *conf;

	(void)state;
	assert_int_equal(conf_load("/nonexistent/f", engine_conf_type, &conf, &err), LH_ENOENT);
	assert_string_equal(err.text, "/nonexistent/f: No such file or directory");
	assert_int_equal(conf_load("/", engine_conf_type, &conf, &err), LH_EIO);
	assert_null(conf);
}

static void the_nearest_name_is_found(void **state)
{
	static const char *const names[] = { "workers", "backlog", "pool", NULL };

	(void)state;
	assert_string_equal(conf_nearest("worker", names), "workers");
	assert_string_equal(conf_nearest("bcaklog", names), "backlog");
	assert_string_equal(conf_nearest("pol", names), "pool");
	assert_null(conf_nearest("x", names));
	assert_null(conf_nearest("", names));
	assert_null(conf_nearest("a_very_long_name_that_is_longer_than_any_key", names));
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
	conf_free(load_full());
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
		cmocka_unit_test(files_are_looked_at_again_when_it_is_known_who_reads_them),
		cmocka_unit_test(mistakes_are_refused_with_file_line_and_key),
		cmocka_unit_test(a_ninth_listener_is_refused),
		cmocka_unit_test(a_missing_file_is_said_to_be_missing),
		cmocka_unit_test(the_nearest_name_is_found),
		cmocka_unit_test(a_running_server_keeps_storage_seal_and_user),
		cmocka_unit_test(each_failing_allocation_is_reported),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

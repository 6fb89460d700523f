/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a configuration is refused, with file, line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/schema.h"
#include "conf_fixture.h"
#include "engine/engine.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"

#define ENGINE(body) SEAL "engine \"alicloud\" { " body " }\n"

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
	  ":2: default_lease_ttl: must be at most max_lease_ttl, which is 1h, is 768h" },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_refused_with_file_line_and_key),
		cmocka_unit_test(a_ninth_listener_is_refused),
		cmocka_unit_test(a_missing_file_is_said_to_be_missing),
		cmocka_unit_test(the_nearest_name_is_found),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

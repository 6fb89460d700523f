/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/address.h"
#include "util/err.h"

static const struct {
	const char *address;
	bool is_good;
} addresses[] = {
	{ "/run/x.sock", true },     { "127.0.0.1:9000", true },  { "127.255.0.9:1", true },
	{ "[::1]:65535", true },     { "/run/", false },          { "", false },
	{ "run/x.sock", false },     { "localhost:9000", false }, { "127.0.0.1", false },
	{ "127.0.0.1:", false },     { "127.0.0.1:0", false },    { "127.0.0.1:65536", false },
	{ "127.0.0.1:+80", false },  { "127.0.0.1:080", false },  { "::1:9000", false },
	{ "[::1]", false },          { "[::1]9000", false },      { "[::1", false },
	{ "[127.0.0.1]:80", false }, { "10.0.0.1:9000", false },  { "[::]:9000", false },
	{ "[::2]:9000", false },     { ":9000", false },          { "[]:9000", false },
	{ "0x7f.1:9000", false },
};

static void listeners_are_local(void **state)
{
	char path[120];

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		int ret = conf_check_address(addresses[i].address, NULL);

		if ((ret == 0) != addresses[i].is_good)
			fail_msg("address \"%s\": %d", addresses[i].address, ret);
	}
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[107] = '\0';
	assert_int_equal(conf_check_address(path, NULL), 0);
	path[107] = 'a';
	path[108] = '\0';
	assert_int_equal(conf_check_address(path, NULL), LH_EINVAL);
}

static const struct {
	const char *url;
	bool is_good, is_loopback;
} endpoints[] = {
	{ "https://ram.aliyuncs.com", true, false },
	{ "https://ram.aliyuncs.com:443", true, false },
	{ "https://10.0.0.1", true, false },
	{ "https://[2001:db8::1]:8443", true, false },
	{ "http://127.0.0.1:8101", true, true },
	{ "http://localhost", true, true },
	{ "http://[::1]:80", true, true },
	{ "https://127.0.0.1", true, true },
	{ "http://100.100.100.200", true, false },
	{ "http://100.100.100.200:80", true, false },
	{ "http://100.100.100.201", false, false },
	{ "http://localhost.example.com", false, false },
	{ "http://127.0.0.1.example.com", false, false },
	{ "http://[::2]", false, false },
	{ "ftp://127.0.0.1", false, false },
	{ "HTTPS://ram.aliyuncs.com", false, false },
	{ "https://", false, false },
	{ "https://x/", false, false },
	{ "https://x/y", false, false },
	{ "https://x?y", false, false },
	{ "https://x#y", false, false },
	{ "https://u@x", false, false },
	{ "https://u:1@x", false, false },
	{ "https://x:", false, false },
	{ "https://x:0", false, false },
	{ "https://x:70000", false, false },
	{ "https://-x", false, false },
	{ "https://x.", false, false },
	{ "https://x y", false, false },
	{ "https://[x]", false, false },
	{ "https://::1", false, false },
	{ "ram.aliyuncs.com", false, false },
};

static void endpoints_are_safe(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		const char *url = endpoints[i].url;
		int ret = conf_check_endpoint(url, "100.100.100.200", NULL);

		if ((ret == 0) != endpoints[i].is_good ||
		    (ret == 0 && conf_endpoint_is_loopback(url) != endpoints[i].is_loopback))
			fail_msg("endpoint \"%s\": %d", url, ret);
	}
	assert_int_equal(conf_check_endpoint("http://100.100.100.200", NULL, NULL), LH_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_are_local),
		cmocka_unit_test(endpoints_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lending_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/err.h"
#include "util/shared.h"

static struct broker *taker; /* of the revoker: another process */
static struct revoker *revoker;

static void configure(void)
{
	json_t *config = json_pack("{s:s, s:s}", "id", "key-1", "secret", "s");
	const struct mount *mount;

	assert_int_equal(mount_find(f.broker, "cloud", &mount), 0);
	assert_int_equal(mount_config_put(f.broker, mount, config, 0), 0);
	json_decref(config);
}

int lending_set_up(void **state)
{
	struct broker_options options = { .conf = &f.conf, .connections = 4 };
	struct err err = { "" };

	api_set_up(state);
	options.store = f.temp.store;
	options.shared = f.shared;
	options.slot = &f.shared->slots[2];
	assert_int_equal(broker_new(&options, &taker, &err), 0);
	assert_int_equal(revoker_new(taker, &revoker, &err), 0);
	fake_reset();
	temp_know_account(f.temp.store, "key-1", FAKE_ACCOUNT);
	enable(&f, "cloud");
	configure();
	expect(&f, "POST", "cloud/role/app", "{}", 204, "");
	return 0;
}

int lending_tear_down(void **state)
{
	revoker_free(revoker);
	broker_free(taker);
	return api_tear_down(state);
}

void turn(int times)
{
	struct err err = { "" };

	for (int i = 0; i < times; i++)
		assert_int_equal(revoker_turn(revoker, 0, &err), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fail_alloc.h"

void lose_each(struct api_fixture *fixture, const struct api_request *raw, enum loss loss,
	       int expected)
{
	bool lost = true, right;

	for (unsigned n = 1; lost; n++) {
		int status;

		fail_alloc_at(n);
		status = serve(fixture, raw);
		settle(fixture, true);
		lost = fail_alloc_stop();
		if (lost && loss == LOSS_IS_TOLD)
			right = status == 500;
		else
			right = status == expected || (lost && status == 500);
		if (!right)
			fail_msg("%s %s without allocation %u: %d", raw->method, raw->path, n,
				 status);
		assert_true(n < 3000);
		assert_true(lost || n > 20);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "play_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"

bool play_losing(struct play *play, enum verdict (*advance)(struct step *step), unsigned at)
{
	play->step.notes = json_object();
	do {
		fail_alloc_at(at);
		play->verdict = advance(&play->step);
		if (fail_alloc_stop()) {
			assert_int_equal(play->verdict, STEP_FAILED);
			assert_null(play->step.culprit);
			assert_non_null(strstr(play->step.reason, "memory"));
			return true;
		}
		play_step(play, play->verdict);
	} while (play->verdict == STEP_MORE);
	return false;
}

void play_each_loss(bool (*lose)(unsigned at), unsigned least)
{
	unsigned at = 1;

	while (lose(at))
		at++;
	assert_true(at > least);
}

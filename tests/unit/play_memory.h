/* SPDX-License-Identifier: Apache-2.0 */
/* Plays a conversation while memory is lost: what a step needs fails, the cloud's own memory does not.
 * The program lists $(play_memory) in its SOURCES and has LDFLAGS = $(fail_alloc_ldflags). */
#ifndef TESTS_PLAY_MEMORY_H
#define TESTS_PLAY_MEMORY_H

#include "play.h"

/* The allocation with this number fails in each step, 1 being its first. Whether one did: the step
 * has failed then, for want of memory, and the conversation is over. Else play->verdict is what the
 * last step said. */
bool play_losing(struct play *play, enum verdict (*advance)(struct step *step), unsigned at);

/* Calls `lose`, which plays a whole conversation with play_losing, with the first allocation, the
 * second, and so on, until none is lost. There must be more than `least`. */
void play_each_loss(bool (*lose)(unsigned at), unsigned least);

#endif

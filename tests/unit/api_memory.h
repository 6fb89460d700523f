/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the API while memory is lost. The program lists $(api_memory) in its SOURCES and has
 * LDFLAGS = $(fail_alloc_ldflags). */
#ifndef TESTS_API_MEMORY_H
#define TESTS_API_MEMORY_H

#include "api_fixture.h"

enum loss {
	LOSS_IS_TOLD,     /* without any one of its allocations the answer is 500 */
	LOSS_MAY_BE_BORNE /* what can be done without may be lost without a word */
};

/* Serves the request once for each allocation that can fail, until it needs no more of them. The
 * status must be `expected` then, and before it that or 500. */
void lose_each(struct api_fixture *fixture, const struct api_request *raw, enum loss loss,
	       int expected);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Valgrind is a processor of its own and does not play everything: it knows no locked pages, no
 * signal mask for the length of one call, no limits of memory, and reports what a forked child has
 * inherited as lost. Tests of just that are skipped there; `check` sets the variable. */
#ifndef TESTS_UNDER_VALGRIND_H
#define TESTS_UNDER_VALGRIND_H

#include <stdlib.h>

#define SKIP_UNDER_VALGRIND()                                                                      \
	do {                                                                                       \
		if (getenv("LEASEHOLD_VALGRIND"))                                                  \
			skip();                                                                    \
	} while (0)

#endif

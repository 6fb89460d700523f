/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROC_PROBE_H
#define PROC_PROBE_H

struct board;
struct conf;
struct err;
struct identity;

/* Whether a child could open the store, tried by a child of its own that ends at once: the master
 * must not open it. 0, or what store_open says, with its sentence in err. */
int probe_store(const struct conf *conf, const struct board *board, const struct identity *identity,
		struct err *err);

#endif

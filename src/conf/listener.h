/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_LISTENER_H
#define CONF_LISTENER_H

#include <jansson.h>

struct conf;
struct err;

/* Fills conf's listeners from the file's `listener` blocks (items, see hcl/hcl.h, in which other
 * things may stand), or with the two that exist by default when there is none.
 * 0, LH_ENOMEM, or LH_EINVAL with the sentence in err and its line in *line_out. */
int conf_read_listeners(struct conf *conf, const json_t *items, unsigned *line_out,
			struct err *err);

#endif

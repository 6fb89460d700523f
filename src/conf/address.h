/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses that a configuration may name. */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include <stdbool.h>

struct err;

/* A listener's address: the path of a socket, or "127.0.0.1:9000" or "[::1]:9000" with an address of
 * the loopback. 0, or LH_EINVAL with what it must be in err. */
int conf_check_address(const char *address, struct err *err);

/* A URL of scheme and host, perhaps with a port, and nothing behind: "https://ram.aliyuncs.com".
 * http is for loopback and for plain_host (NULL: none). 0, or LH_EINVAL with what it must be. */
int conf_check_endpoint(const char *url, const char *plain_host, struct err *err);

/* Whether the endpoint, which was checked, is on this machine. */
bool conf_endpoint_is_loopback(const char *url);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* ?help=1: what the route table says, for people and for programs. */
#ifndef API_HELP_H
#define API_HELP_H

struct outcome;
struct route_match;

/* Answers for whatever the path leads to, a route or a whole mount (there is one): `help`, `see_also`
 * and an OpenAPI document of those routes. 0 or LH_ENOMEM. */
int help_say(const struct route_match *match, struct outcome *outcome);

#endif

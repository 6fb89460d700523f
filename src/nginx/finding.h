/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence about a line of a site: what is dangerous, why, and what to do. */
#ifndef NGINX_FINDING_H
#define NGINX_FINDING_H

#include <jansson.h>

/* Appends "FILE:LINE: VERB: " and the sentence, unless it is there already. 0 or LH_ENOMEM. */
int finding_add(json_t *findings, json_t *directive, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same under another word: the first word of a map's entry may be a secret. */
int finding_add_as(json_t *findings, json_t *directive, const char *verb, const char *sentence);

#endif

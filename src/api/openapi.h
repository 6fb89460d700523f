/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI 3.0.2 documents, made of the route table. */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include <jansson.h>

struct engine;
struct route;

/* A document without paths. New, NULL if memory is out. */
json_t *openapi_new(void);

/* Adds one row of the table to a document. engine: NULL for routes of the system. 0 or LH_ENOMEM. */
int openapi_add(json_t *document, const struct route *route, const struct engine *engine);

#endif

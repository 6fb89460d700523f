/* SPDX-License-Identifier: Apache-2.0 */
/* The API over a real store and broker, asked as the FastCGI layer asks it. */
#ifndef TESTS_API_FIXTURE_H
#define TESTS_API_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>

#include "api/api.h"
#include "broker/broker.h"
#include "conf/conf.h"
#include "temp_store.h"

#define REQUEST_ID "00112233445566778899aabbccddeeff"

struct api_fixture {
	struct temp_store temp;
	struct conf_engine engine;
	struct conf conf;
	struct shared *shared;
	struct broker *broker;
	struct api *api;
	char token[32]; /* root's */

	/* The last answer. */
	struct api_reply reply;
	json_t *body; /* NULL: there was none */
};

/* type: the engine that the configuration names. */
void api_fixture_open(struct api_fixture *fixture, const char *type);
void api_fixture_close(struct api_fixture *fixture);

/* A request as root. body: JSON, NULL for none; path without /v1/, with its query. Returns the
 * status; the reply counts as flushed. */
int ask(struct api_fixture *fixture, const char *method, const char *path, const char *body);

/* The same with every detail: what raw leaves NULL is "". */
int ask_raw(struct api_fixture *fixture, const struct api_request *raw);

/* Asks, and fails the test unless status and body are these. body: JSON that must be equal; a text
 * that begins with anything but { is the only error; "" means that there is no body. */
void expect(struct api_fixture *fixture, const char *method, const char *path, const char *sent,
	    int status, const char *body);

/* Asks and compares only `data`, as JSON. */
void expect_data(struct api_fixture *fixture, const char *method, const char *path,
		 const char *sent, const char *data);

/* A member of the last body's data, as text. Borrowed. */
const char *data_text(const struct api_fixture *fixture, const char *member);

#endif

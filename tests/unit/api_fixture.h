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
#define ADDRESS    "192.0.2.1" /* of most who ask */
#define NOT_FOUND  "{\"errors\":[]}"

struct api_fixture {
	struct temp_store temp;
	struct conf_engine engine;
	struct conf conf;
	struct shared *shared;
	struct broker *broker;
	struct api *api;
	char token[32]; /* that ask sends: root's, unless a test puts another one here */

	/* The last answer. */
	struct api_reply reply;
	json_t *body; /* NULL: there was none */
};

/* Of the running test. */
extern struct api_fixture f;

/* Opens and closes f, with the program's first engine in the configuration. */
int api_set_up(void **state);
int api_tear_down(void **state);

#define API_TEST(name) cmocka_unit_test_setup_teardown(name, api_set_up, api_tear_down)

/* Enables the engine at a path. */
void enable(struct api_fixture *fixture, const char *path);

/* A request as root. body: JSON, NULL for none; path without /v1/, with its query. Returns the
 * status; the reply counts as flushed. */
int ask(struct api_fixture *fixture, const char *method, const char *path, const char *body);

/* The same with another token, from ADDRESS or elsewhere, and with five seconds' time. */
int ask_with(struct api_fixture *fixture, const char *token, const char *method, const char *path,
	     const char *body);
int ask_from(struct api_fixture *fixture, const char *address, const char *token,
	     const char *method, const char *path, const char *body);

/* The same with every detail: what raw leaves NULL is "", and path begins with /v1/. */
int ask_raw(struct api_fixture *fixture, const struct api_request *raw);

/* The two halves of ask_raw, for tests that lose memory or answers: only the API itself has a part
 * in them. The body is not read. */
int serve(struct api_fixture *fixture, const struct api_request *raw);
void settle(struct api_fixture *fixture, bool received);

/* Asks, and fails the test unless status and body are these. body: JSON that must be equal; a text
 * that begins with anything but { is the only error; "" means that there is no body. */
void expect(struct api_fixture *fixture, const char *method, const char *path, const char *sent,
	    int status, const char *body);

/* Asks and compares only `data`, as JSON. */
void expect_data(struct api_fixture *fixture, const char *method, const char *path,
		 const char *sent, const char *data);

/* Members of the last body's data and auth, data's also as text. Borrowed. */
const json_t *data_member(const struct api_fixture *fixture, const char *member);
const char *data_text(const struct api_fixture *fixture, const char *member);
const json_t *auth_member(const struct api_fixture *fixture, const char *member);
const char *auth_text(const struct api_fixture *fixture, const char *member);

/* The last body's first error, "" if there is none. Borrowed. */
const char *error(const struct api_fixture *fixture);

#endif

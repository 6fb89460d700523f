/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations in a folder of their own: every text is written to the same file. */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include "conf/conf.h"
#include "util/err.h"

#define SEAL "seal \"file\" { key_file = \"/k\" }\n"

#define LISTENER(body) SEAL "listener \"fastcgi\" \"work\" { " body " }\n"

extern char folder[];

/* Of a group. */
int enter_folder(void **state);
int leave_folder(void **state);

/* Loads a text; load_sound fails the test unless it can be. */
int load_text(const char *text, struct conf **conf_out, struct err *err);
struct conf *load_sound(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cert_fixture.h"
#include "crypto/keyring.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

struct paper *ca, *other, *client, *stranger;

int cert_set_up(void **state)
{
	api_set_up(state);
	ca = paper_new(&(struct paper_terms){ .authority = true, .common_name = "ca" });
	other = paper_new(&(struct paper_terms){ .authority = true, .common_name = "other" });
	client = paper_new(&(struct paper_terms){
		.signer = ca, .common_name = "svc-one", .purpose = PAPER_CLIENT, .serial = 258 });
	stranger = paper_new(&(struct paper_terms){ .common_name = "svc-one" });
	return 0;
}

int cert_tear_down(void **state)
{
	paper_free(stranger);
	paper_free(client);
	paper_free(other);
	paper_free(ca);
	return api_tear_down(state);
}

char shown[64 * 1024];

static const char *encode(const char *pem)
{
	struct buf text = BUF_INIT;

	text_percent_encode(&text, pem, strlen(pem));
	assert_true(text.size < sizeof(shown));
	memcpy(shown, buf_text(&text), text.size + 1);
	buf_free(&text);
	return shown;
}

struct api_request with(const struct paper *paper, const char *path, const char *body)
{
	return (struct api_request){
		.method = "POST",
		.path = path,
		.query = "",
		.body = body,
		.body_size = strlen(body),
		.auth_secret = keyring_web_secret(store_keyring(f.temp.store)),
		.tls_cert = paper ? encode(paper_pem(paper)) : "",
		.tls_verify = "SUCCESS",
		.remote_address = ADDRESS,
		.trusted = true,
		.deadline = clock_boot_ms() + 500,
	};
}

static json_t *entry_with(const struct paper *paper, const char *more)
{
	json_t *entry = json_loads(more, 0, NULL);

	assert_non_null(entry);
	json_object_set_new(entry, "certificate", json_string(paper_pem(paper)));
	return entry;
}

int put(const char *name, const struct paper *paper, const char *more)
{
	json_t *entry = entry_with(paper, more);
	char *text = json_text(entry);
	char path[256];
	int status;

	snprintf(path, sizeof(path), CERTS "%s", name);
	status = ask(&f, "POST", path, text);
	wipe_free(text);
	json_decref(entry);
	return status;
}

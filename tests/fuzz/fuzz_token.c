/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that nobody made: any text, and every token of ours that was changed a little. None of them
 * is anybody's. The input is a letter, then a text (t), or pairs of a position and a mask that change
 * a batch token (b) or a service token (s). */
#include "auth/auth.h"
#include "auth/token.h"
#include "fuzz.h"
#include "temp_store.h"
#include "util/err.h"

/* Of this process: libFuzzer calls functions without context. */
static char batch[TOKEN_TEXT_MAX + 1], service[TOKEN_TEXT_MAX + 1];

static void make_token(enum token_type type, char *token_out)
{
	json_t *policies = json_pack("[s, s]", "default", "p");
	struct token_terms terms = {
		.type = type,
		.display_name = "token",
		.path = "auth/token/create",
		.policies = policies,
		.ttl = 1000000,
	};
	struct token_made made;

	MUST(!token_create(temp.store, &terms, &made));
	strcpy(token_out, made.token);
	token_made_clear(&made);
	json_decref(policies);
}

static void close_store(void)
{
	temp_store_close(&temp);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	temp_store_open(&temp);
	atexit(close_store);
	make_token(TOKEN_BATCH, batch);
	make_token(TOKEN_SERVICE, service);
	return 0;
}

static void look_up(const char *token)
{
	struct caller caller;
	bool ours = !strcmp(token, batch) || !strcmp(token, service);
	int ret = auth_lookup(temp.store, token, &caller);

	MUST(ret == (ours ? 0 : LH_EPERM));
	if (!ret)
		caller_clear(&caller);
}

/* Bytes are changed, never to NUL but by the input's will, which makes the token shorter. */
static void look_up_changed(const char *token, const uint8_t *data, size_t size)
{
	char changed[TOKEN_TEXT_MAX + 1];
	size_t length = strlen(token);

	strcpy(changed, token);
	for (; size >= 3; data += 3, size -= 3)
		changed[((size_t)data[0] << 8 | data[1]) % length] ^= (char)data[2];
	look_up(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char kind = size ? (char)data[0] : 't';
	char *text;

	if (size) {
		data++;
		size--;
	}
	if (kind == 'b' || kind == 's') {
		look_up_changed(kind == 'b' ? batch : service, data, size);
		return 0;
	}
	text = fuzz_piece(&data, &size, '\0');
	look_up(text);
	free(text);
	return 0;
}

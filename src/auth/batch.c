/* SPDX-License-Identifier: Apache-2.0 */
/* Batch tokens: `hvb.` and the sealed record, in the alphabet of URLs. */
#include <string.h>

#include "auth/token_priv.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"
#include "util/wipe.h"

int batch_token_seal(struct store *store, const json_t *record, char **token_out)
{
	struct buf sealed = BUF_INIT, token = BUF_INIT;
	char *text = json_text(record);
	int ret;

	*token_out = NULL;
	if (!text)
		return LH_ENOMEM;
	ret = store_seal_token(store, text, strlen(text), &sealed);
	if (!ret) {
		buf_add_text(&token, TOKEN_BATCH_PREFIX);
		text_base64url(&token, sealed.data, sealed.size);
		ret = buf_error(&token);
	}
	if (!ret && token.size > TOKEN_TEXT_MAX)
		ret = LH_ERANGE;
	if (!ret)
		*token_out = buf_take(&token);
	buf_free(&token);
	buf_free(&sealed);
	wipe_free(text);
	return ret || *token_out ? ret : LH_ENOMEM;
}

/* Whatever is wrong with it, it is not one of ours. */
int batch_token_open(struct store *store, const char *token, json_t **record_out)
{
	const char *text = token + strlen(TOKEN_BATCH_PREFIX);
	struct buf sealed = BUF_INIT, record = BUF_INIT;
	int ret;

	*record_out = NULL;
	ret = text_unbase64url(text, strlen(text), &sealed);
	if (!ret)
		ret = store_open_token(store, sealed.data, sealed.size, &record);
	if (!ret)
		ret = json_read(buf_text(&record), record.size, record_out, NULL);
	buf_free(&record);
	buf_free(&sealed);
	return ret == LH_EINVAL || ret == LH_ECORRUPT ? LH_EPERM : ret;
}

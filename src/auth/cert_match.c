/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an entry of auth/cert lets a certificate in. Names come first: they cost least. */
#include <stdbool.h>
#include <string.h>

#include "auth/cert_entry.h"
#include "auth/identity_priv.h"
#include "auth/vouched.h"
#include "crypto/certificate.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/json.h"
#include "util/text.h"

/* ---- Names ---- */

/* Patterns of an entry, and the names of which one must be as one of them says. */
static const struct {
	const char *member;
	unsigned kinds;
	const char *fault;
} rules[] = {
	{ "allowed_names",
	  1u << CERTIFICATE_COMMON_NAME | 1u << CERTIFICATE_DNS | 1u << CERTIFICATE_EMAIL,
	  "none of its names is among allowed_names" },
	{ "allowed_common_names", 1u << CERTIFICATE_COMMON_NAME,
	  "its common name is not among allowed_common_names" },
	{ "allowed_dns_sans", 1u << CERTIFICATE_DNS,
	  "none of its DNS names is among allowed_dns_sans" },
	{ "allowed_email_sans", 1u << CERTIFICATE_EMAIL,
	  "none of its addresses is among allowed_email_sans" },
	{ "allowed_uri_sans", 1u << CERTIFICATE_URI, "none of its URIs is among allowed_uri_sans" },
	{ "allowed_organizational_units", 1u << CERTIFICATE_UNIT,
	  "none of its units is among allowed_organizational_units" },
};

static bool is_allowed(const json_t *patterns, const char *name)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach(patterns, i, pattern)
	{
		if (json_is_string(pattern) && text_matches(json_string_value(pattern), name))
			return true;
	}
	return false;
}

static int has_allowed(const json_t *patterns, const struct certificate *certificate,
		       enum certificate_name kind, bool *allowed)
{
	json_t *names = certificate_names(certificate, kind);
	const json_t *name;
	size_t i;

	if (!names)
		return LH_ENOMEM;
	json_array_foreach(names, i, name)
	{
		if (is_allowed(patterns, json_string_value(name)))
			*allowed = true;
	}
	json_decref(names);
	return 0;
}

static int follows(const json_t *patterns, unsigned kinds, const struct certificate *certificate,
		   bool *follows_out)
{
	int ret = 0;

	*follows_out = !json_array_size(patterns);
	for (unsigned kind = 0; !ret && !*follows_out && kind <= CERTIFICATE_URI; kind++)
		if (kinds & 1u << kind)
			ret = has_allowed(patterns, certificate, (enum certificate_name)kind,
					  follows_out);
	return ret;
}

static int judge_names(const json_t *entry, const struct certificate *certificate,
		       const char **fault_out)
{
	bool allowed;
	int ret = 0;

	for (size_t i = 0; !ret && !*fault_out && i < sizeof(rules) / sizeof(rules[0]); i++) {
		ret = follows(json_object_get(entry, rules[i].member), rules[i].kinds, certificate,
			      &allowed);
		if (!ret && !allowed)
			*fault_out = rules[i].fault;
	}
	return ret;
}

/* ---- The whole ---- */

static int judge_signature(const char *pem, const struct certificate *certificate, int64_t now,
			   struct vouched *vouched, const unsigned char pair[SHA256_SIZE],
			   const char **fault_out)
{
	struct anchors *anchors;
	int ret = anchors_read(pem, strlen(pem), &anchors, NULL);

	if (ret == LH_EINVAL)
		*fault_out = "the entry's certificates cannot be read any more";
	if (ret)
		return ret == LH_EINVAL ? 0 : ret;
	*fault_out = anchors_fault(anchors, certificate, now);
	if (!*fault_out)
		vouched_keep(vouched, pair, now, anchors_until(anchors));
	anchors_free(anchors);
	return 0;
}

int cert_entry_judge(const json_t *entry, const struct certificate *certificate,
		     struct vouched *vouched, int64_t now, const char **fault_out)
{
	const char *pem = json_get_text(entry, "certificate");
	unsigned char pair[SHA256_SIZE];
	int ret;

	*fault_out = NULL;
	ret = judge_names(entry, certificate, fault_out);
	if (ret || *fault_out)
		return ret;
	ret = certificate_pair(certificate, pem, pair);
	if (ret)
		return ret;
	if (!vouched_knows(vouched, pair, now))
		return judge_signature(pem, certificate, now, vouched, pair, fault_out);
	*fault_out = certificate_fault(certificate, now);
	return 0;
}

/* The key, not the certificate: it is renewed often, and its owner stays the same. */
int cert_entry_owner(struct store *store, const json_t *entry,
		     const struct certificate *certificate,
		     unsigned char identity_out[KEYRING_NAME_SIZE],
		     unsigned char root_out[KEYRING_NAME_SIZE])
{
	const char *id = json_get_text(entry, "id");
	char hex[2 * SHA256_SIZE + 1];
	unsigned char digest[SHA256_SIZE];
	struct buf text = BUF_INIT;
	int ret = certificate_key_digest(certificate, digest);

	if (ret)
		return ret;
	text_hex(digest, sizeof(digest), hex);
	buf_printf(&text, "key/%s/%s", id, hex);
	ret = buf_error(&text);
	if (!ret)
		ret = keyring_name(store_keyring(store), KEYRING_IDENTITY, buf_text(&text),
				   identity_out);
	buf_free(&text);
	return ret ? ret : identity_root(store, id, root_out);
}

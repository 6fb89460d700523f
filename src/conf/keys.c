/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/keys.h"

#include <string.h>

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/engine_keys.h"
#include "util/bucket.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/file.h"
#include "util/text.h"

#define DAY  INT64_C(86400)
#define MIB  (INT64_C(1) << 20)
#define TIB  (INT64_C(1) << 40)
#define YEAR (365 * DAY)

#define CERTIFICATES_MAX (4 * 1024 * 1024) /* bytes; the system's bundle has some 220,000 */

/* In the order of the enums. */
static const char *const pools[] = { "read", "work", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

static int check_path(const struct conf_key *key, const char *text, struct err *err)
{
	(void)key;
	if (text[0] != '/')
		return err_set(err, LH_EINVAL, "must be an absolute path, is \"%s\"", text);
	return 0;
}

/* With a file that is not there or holds none, each call to the cloud would fail. */
int conf_check_certificates(const struct conf_key *key, const char *text, struct err *err)
{
	struct buf pem = BUF_INIT;
	int ret;

	if (!text[0])
		return 0;
	ret = check_path(key, text, err);
	if (ret)
		return ret;
	ret = file_read(text, CERTIFICATES_MAX, &pem, err);
	if (ret == 0 && !strstr(buf_text(&pem), "CERTIFICATE-----"))
		ret = err_set(err, LH_EINVAL, "%s: holds none", text);
	buf_free(&pem);
	if (ret == 0 || ret == LH_ENOMEM)
		return ret;
	return err_prefix(
		err, LH_EINVAL,
		"must name a file of certificates in PEM that the server's user may read, "
		"or be \"\" for the system's");
}

/* What stands before /v1/ where a site has leasehold in a folder. */
static int check_prefix(const struct conf_key *key, const char *text, struct err *err)
{
	(void)key;
	if (text[0] && (text[0] != '/' || text_ends_with(text, "/")))
		return err_set(
			err, LH_EINVAL,
			"must be a path without its final slash, as \"/vault\", is \"%.128s\"",
			text);
	return 0;
}

static int check_address(const struct conf_key *key, const char *text, struct err *err)
{
	(void)key;
	return conf_check_address(text, err);
}

int conf_check_endpoint_key(const struct conf_key *key, const char *text, struct err *err)
{
	return conf_check_endpoint(text, key->plain_host, err);
}

int conf_check_endpoint_or_none(const struct conf_key *key, const char *text, struct err *err)
{
	return text[0] ? conf_check_endpoint_key(key, text, err) : 0;
}

/* New regions come; what they are called is the cloud's affair. */
int conf_check_region(const struct conf_key *key, const char *text, struct err *err)
{
	(void)key;
	if (!text_is_word(text, "-", 64))
		return err_set(err, LH_EINVAL,
			       "must be a region such as \"ap-guangzhou\", is \"%.64s\"", text);
	return 0;
}

#define MEMBER(name) offsetof(struct conf, name)

const struct conf_key conf_top_keys[] = {
	{ "user", CONF_TEXT_OR_NULL, MEMBER(user), .value = "\"leasehold\"" },
	{ "group", CONF_TEXT_OR_NULL, MEMBER(group), .value = "\"leasehold\"" },
	{ "default_lease_ttl", CONF_SECONDS, MEMBER(default_lease_ttl), .min = 1, .max = 100 * YEAR,
	  .value = "\"768h\"" },
	{ "max_lease_ttl", CONF_SECONDS, MEMBER(max_lease_ttl), .min = 1, .max = 100 * YEAR,
	  .value = "\"768h\"" },
	{ "issue_timeout", CONF_MILLISECONDS, MEMBER(issue_timeout), .min = 1, .max = 600,
	  .value = "\"45s\"" },
	{ "drain_timeout", CONF_SECONDS, MEMBER(drain_timeout), .min = 1, .max = 3600,
	  .value = "\"60s\"" },
	{ "log_level", CONF_CHOICE, MEMBER(log_level), .choices = log_levels, .value = "\"info\"" },
	{ "log_format", CONF_CHOICE, MEMBER(log_format), .choices = log_formats,
	  .value = "\"text\"" },
	{ 0 },
};

const struct conf_key conf_storage_keys[] = {
	{ "path", CONF_TEXT, MEMBER(store_path), .value = "\"/var/lib/leasehold\"",
	  .check = check_path },
	{ "map_size", CONF_SIZE, MEMBER(map_size), .min = 16 * MIB, .max = 16 * TIB,
	  .value = "\"64GiB\"" },
	{ 0 },
};

/* The one key without a default: nobody may come by a master key unawares. */
const struct conf_key conf_seal_keys[] = {
	{ "key_file", CONF_TEXT, MEMBER(seal_key_file), .check = check_path },
	{ 0 },
};

#undef MEMBER
#define MEMBER(name) offsetof(struct conf_listener, name)

/* What depends on the listener's name or pool has its default in src/conf/listener.c. */
const struct conf_key conf_listener_keys[] = {
	{ "address", CONF_TEXT, MEMBER(address), .check = check_address },
	{ "pool", CONF_CHOICE, MEMBER(pool), .choices = pools },
	{ "workers", CONF_NUMBER, MEMBER(workers), .min = 1, .max = 256 },
	{ "backlog", CONF_NUMBER, MEMBER(backlog), .min = 1, .max = 4096, .value = "64" },
	{ "keepalive", CONF_BOOLEAN, MEMBER(keepalive), .value = NULL },
	{ "socket_mode", CONF_MODE, MEMBER(socket_mode), .value = "\"0660\"" },
	{ "socket_group", CONF_TEXT_OR_NULL, MEMBER(socket_group), .value = NULL },
	{ "peer_users", CONF_TEXTS, MEMBER(peer_users), .value = NULL },
	{ "trust_identity", CONF_BOOLEAN, MEMBER(trust_identity), .value = NULL },
	{ "identity_prefix", CONF_TEXT, MEMBER(identity_prefix), .value = "\"\"",
	  .check = check_prefix },
	{ 0 },
};

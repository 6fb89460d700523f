/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about whose certificates count. nginx verifies a certificate before it knows which server is
 * meant, by the rules of the server that the client names in its handshake, else of the port's default
 * server; and that one's tickets and cache open the sessions of all servers of the port, and of other
 * ports whose default servers have the same ones. */
#include <string.h>
#include <strings.h>

#include "nginx/asserted.h"
#include "nginx/finding.h"
#include "nginx/guard.h"
#include "nginx/rules_priv.h"
#include "nginx/value.h"

static const char *verifies(const struct block *server)
{
	return block_setting(server, "ssl_verify_client", "off");
}

static bool is_off(const char *setting)
{
	return strcasecmp(setting, "off") == 0;
}

/* ---- which servers matter ---- */

static bool is_told_by_certificate(const struct judging *judging, const struct block *server,
				   json_t *directive)
{
	return asserted_is_set(judging->tree, directive) && *directive_word(directive, 2) &&
	       (strcasecmp(verifies(server), "on") == 0 ||
		(value_origins_set(judging->tree, directive) & VALUE_TLS));
}

/* Whether it matters here that nginx has verified a certificate. What auth/cert is told does not:
 * leasehold looks at that again, but for one thing. */
static bool counts_certificates(const struct judging *judging, const struct block *server)
{
	if (server->kind != BLOCK_SERVER || is_off(verifies(server)))
		return false;
	for (size_t i = server->number; i < server->end; i++) {
		const struct block *block = &judging->tree->blocks[i];
		json_t *directive;
		size_t j;

		if (block->kind == BLOCK_IF &&
		    condition_guard(block->directive) == GUARD_CERTIFICATE)
			return true;
		json_array_foreach(block->body, j, directive)
		{
			if (is_told_by_certificate(judging, server, directive))
				return true;
		}
	}
	return false;
}

/* Nobody but nginx knows of a certificate for auth/cert that it was revoked. */
static bool counts_revoked(const struct judging *judging, const struct block *server)
{
	return server->kind == BLOCK_SERVER && !is_off(verifies(server)) &&
	       (block_nearest(server, "ssl_crl") ||
		!is_off(block_setting(server, "ssl_ocsp", "off"))) &&
	       block_reaches(judging->tree, server);
}

/* ---- the server that answers first ---- */

/* The same port of all addresses has several spellings. */
static const char *listen_address(json_t *listen)
{
	static const char *const all[] = { "*:", "0.0.0.0:" };
	const char *address = directive_word(listen, 1);

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strncmp(address, all[i], strlen(all[i])) == 0)
			return address + strlen(all[i]);
	}
	return address;
}

/* "default" is its older name. */
static bool is_default(json_t *listen)
{
	for (size_t i = 2; i < directive_size(listen); i++) {
		if (strcmp(directive_word(listen, i), "default_server") == 0 ||
		    strcmp(directive_word(listen, i), "default") == 0)
			return true;
	}
	return false;
}

static json_t *find_listen(const struct block *server, const char *address)
{
	json_t *directive;
	size_t i;

	json_array_foreach(server->body, i, directive)
	{
		if (directive_is(directive, "listen") &&
		    strcmp(listen_address(directive), address) == 0)
			return directive;
	}
	return NULL;
}

/* Whose handshake it is when the client names no server, or none that there is. */
static const struct block *default_server(const struct tree *tree, const char *address)
{
	const struct block *first = NULL;

	for (size_t i = 0; i < tree->count; i++) {
		const struct block *block = &tree->blocks[i];
		json_t *listen = block->kind == BLOCK_SERVER ? find_listen(block, address) : NULL;

		if (listen && is_default(listen))
			return block;
		if (listen && !first)
			first = block;
	}
	return first;
}

static bool verify_alike(const struct block *one, const struct block *other)
{
	static const struct {
		const char *verb, *otherwise;
	} settings[] = {
		{ "ssl_client_certificate", "" },
		{ "ssl_trusted_certificate", "" },
		{ "ssl_crl", "" },
		{ "ssl_verify_depth", "1" },
		{ "ssl_ocsp", "off" },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (strcmp(block_setting(one, settings[i].verb, settings[i].otherwise),
			   block_setting(other, settings[i].verb, settings[i].otherwise)) != 0)
			return false;
	}
	return true;
}

static int blame_default(const struct judging *judging, json_t *listen, const struct block *first)
{
	return finding_add(
		judging->findings, listen,
		"who names no server in the handshake has a certificate verified as the "
		"default server of this port says (%s:%d), by other authorities or lists, "
		"and it counts here; ask for no certificate there",
		directive_file(first->directive), directive_line(first->directive));
}

static int blame_sessions(const struct judging *judging, json_t *listen, const struct block *first,
			  const struct block *other)
{
	return finding_add(judging->findings, listen,
			   "a session in which another server has verified a certificate by other "
			   "authorities or lists (%s:%d) may be resumed here, and the certificate "
			   "counts; say `ssl_session_tickets off` and `ssl_session_cache off` in "
			   "the default server of the port (%s:%d)",
			   directive_file(other->directive), directive_line(other->directive),
			   directive_file(first->directive), directive_line(first->directive));
}

/* ---- the sessions that it opens ---- */

static bool has_tickets(const struct block *server)
{
	return !is_off(block_setting(server, "ssl_session_tickets", "on"));
}

/* "off" and "none" keep nothing. */
static bool has_cache(const struct block *server)
{
	const char *cache = block_setting(server, "ssl_session_cache", "none");

	return !is_off(cache) && strcmp(cache, "none") != 0;
}

/* "shared:NAME:SIZE", the name with both colons; *size_out is 0 if there is none. */
static const char *shared_zone(const struct block *server, size_t *size_out)
{
	json_t *cache = block_nearest(server, "ssl_session_cache");

	*size_out = 0;
	for (size_t i = 1; i < directive_size(cache); i++) {
		const char *word = directive_word(cache, i), *name = strchr(word, ':');

		if (strncmp(word, "shared:", 7) != 0)
			continue;
		*size_out = strcspn(name + 1, ":") + 1;
		return name;
	}
	return "";
}

static bool one_zone(const struct block *one, const struct block *other)
{
	size_t size, other_size;
	const char *zone = shared_zone(one, &size), *other_zone = shared_zone(other, &other_size);

	return size && size == other_size && memcmp(zone, other_zone, size) == 0;
}

static bool one_key(const struct block *one, const struct block *other)
{
	const char *key = block_setting(one, "ssl_session_ticket_key", "");

	return *key && has_tickets(one) && has_tickets(other) &&
	       strcmp(key, block_setting(other, "ssl_session_ticket_key", "")) == 0;
}

/* nginx marks sessions by the server's certificate and the authorities that it names to clients. */
static bool mark_alike(const struct block *one, const struct block *other)
{
	static const char authorities[] = "ssl_client_certificate";

	return strcmp(block_setting(one, "ssl_certificate", ""),
		      block_setting(other, "ssl_certificate", "")) == 0 &&
	       strcmp(is_off(verifies(one)) ? "" : block_setting(one, authorities, ""),
		      is_off(verifies(other)) ? "" : block_setting(other, authorities, "")) == 0;
}

/* Whether one default server resumes what was begun at the port of another, or of its own. */
static bool opens_sessions(const struct block *first, const struct block *theirs)
{
	if (first == theirs)
		return has_tickets(first) || has_cache(first);
	return mark_alike(first, theirs) && (one_zone(first, theirs) || one_key(first, theirs));
}

/* A server that verifies certificates in another way, and whose sessions are resumed by this default
 * server; NULL if there is none. */
static const struct block *find_stranger(const struct tree *tree, const struct block *first,
					 const struct block *server)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct block *block = &tree->blocks[i];
		json_t *listen;
		size_t j;

		if (block->kind != BLOCK_SERVER || is_off(verifies(block)) ||
		    verify_alike(block, server))
			continue;
		json_array_foreach(block->body, j, listen)
		{
			if (directive_is(listen, "listen") &&
			    opens_sessions(first, default_server(tree, listen_address(listen))))
				return block;
		}
	}
	return NULL;
}

static int judge_listen(const struct judging *judging, const struct block *server, json_t *listen)
{
	const struct block *first = default_server(judging->tree, listen_address(listen));
	const struct block *stranger;

	if (!is_off(verifies(first)) && !verify_alike(first, server))
		return blame_default(judging, listen, first);
	stranger = find_stranger(judging->tree, first, server);
	return stranger ? blame_sessions(judging, listen, first, stranger) : 0;
}

int rule_verified_elsewhere(const struct judging *judging, const struct block *block)
{
	json_t *listen;
	int ret = 0;
	size_t i;

	if (!counts_certificates(judging, block) && !counts_revoked(judging, block))
		return 0;
	json_array_foreach(block->body, i, listen)
	{
		if (ret == 0 && directive_is(listen, "listen"))
			ret = judge_listen(judging, block, listen);
	}
	return ret;
}

/* ---- authorities that were meant for something else ---- */

int rule_stapling_authority(const struct judging *judging, const struct block *block)
{
	json_t *trusted;

	if (is_off(block_setting(block, "ssl_stapling", "off")) ||
	    !counts_certificates(judging, block))
		return 0;
	trusted = block_nearest(block, "ssl_trusted_certificate");
	if (!trusted || strcmp(directive_word(trusted, 1),
			       block_setting(block, "ssl_client_certificate", "")) == 0)
		return 0;
	return finding_add(
		judging->findings, trusted,
		"nginx lets in clients too whose certificates these authorities have "
		"signed, not those of ssl_client_certificate alone; for stapling let the "
		"file of ssl_certificate hold the issuer's certificate instead");
}

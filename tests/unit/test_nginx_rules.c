/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "nginx/include.h"
#include "nginx/parse.h"
#include "nginx/rules.h"
#include "nginx_fixture.h"
#include "util/err.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define REST         SITE_IDENTITY SITE_HOW "fastcgi_pass leasehold_read; "
#define TOKEN_MAP    "location / { set $lh_auth_method map; set $lh_auth_name $n; " PASS "} "

#define SUBJECT_MAP(entry)                                                                         \
	"map $ssl_client_s_dn $n {" entry                                                          \
	" } server { listen 1 ssl; ssl_verify_client optional; " TOKEN_MAP "}"

static const struct site_case identities[] = {
	{ "an identity set twice", "location / { " BASIC ALICE "\nset $lh_auth_name y; " PASS "}",
	  "x:2: set: the identity is set already in line 1" },
	{ "an identity set once more in an if",
	  "location / { " BASIC ALICE "if ($request_method = GET) {\nset $lh_auth_name y; } " PASS
	  "}",
	  "x:2: set: the identity is set already" },
	{ "an identity set in two locations",
	  "location /a { " BASIC ALICE PASS "} location /b { " BASIC ALICE PASS "}", NULL },
	{ "an identity taken back", "location / { " BASIC "set $lh_auth_name \"\"; " ALICE PASS "}",
	  NULL },
	{ "an identity from a header",
	  "location / { " BASIC "set $lh_auth_method basic;\nset $lh_auth_name $http_user; " PASS
	  "}",
	  "x:2: set: the client writes" },
	{ "an identity from a header through map and set",
	  "map $http_user $a { default \"\"; ~^(?<b>[a-z]+)$ $b; } location / { " BASIC
	  "set $c u-$a; set $lh_auth_method basic;\nset $lh_auth_name $c; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity from a header, with capitals",
	  "map $HTTP_User $A { ~^(?<B>[a-z]+)$ $b; } location / { " BASIC
	  "set $LH_Auth_Method basic;\nset $lh_auth_NAME $a; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity from the path",
	  "location ~ ^/v1/(?<who>[a-z]+)/ { " BASIC
	  "set $lh_auth_method basic;\nset $lh_auth_name $who; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity picked by the host",
	  "map $host $n { a.example a; b.example b; } location / { " BASIC
	  "set $lh_auth_method basic;\nset $lh_auth_name $n; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity by a share of what the client writes",
	  "split_clients $http_x_user $n { 50% a; * b; } location / { " BASIC
	  "set $lh_auth_method basic;\nset $lh_auth_name $n; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity by a share of addresses",
	  "split_clients $remote_addr $n { 50% a; * b; } location / { " BASIC
	  "set $lh_auth_method basic; set $lh_auth_name $n; " PASS "}",
	  NULL },
	{ "an identity picked by an address that the client writes",
	  "geo $http_x_real_ip $n { 10.0.0.0/8 a; } location / { " BASIC
	  "set $lh_auth_method address;\nset $lh_auth_name $n; " PASS "}",
	  "x:2: set: the client writes" },
	{ "an identity captured from a certificate",
	  "location / { " BASIC "if ($ssl_client_s_dn ~ ^CN=([a-z]+)$) { set $lh_auth_method cert; "
	  "set $lh_auth_name $1; } " PASS "}",
	  NULL },
	{ "an identity from a cookie as parameter",
	  "location / { " BASIC SITE_PARAMETERS
	  "fastcgi_param LH_AUTH_METHOD basic;\nfastcgi_param "
	  "LH_AUTH_NAME a${cookie_b}; " SITE_HOW "fastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_param: the client writes" },
	{ "a variable that begins with itself",
	  "location / { " BASIC "set $a x; set $a \"${a}y\"; set $a \"${a}z\"; set $lh_auth_method "
	  "basic; set $lh_auth_name $a; " PASS "}",
	  NULL },
	{ "every address is a proxy", "set_real_ip_from 0.0.0.0/0;", "x:1: set_real_ip_from:" },
	{ "half of all addresses are proxies", "set_real_ip_from 128.0.0.0/1;",
	  "x:1: set_real_ip_from:" },
	{ "every address of IPv6 is a proxy", "set_real_ip_from ::/0;", "x:1: set_real_ip_from:" },
	{ "every address is a proxy of a geo", "geo $n {\nproxy 0.0.0.0/0; 10.0.0.0/8 a; }",
	  "x:2: proxy:" },
	{ "a private range of proxies",
	  "set_real_ip_from 10.0.0.0/8; set_real_ip_from ::1; set_real_ip_from fd00::/32;", NULL },
};

static const struct site_case maps[] = {
	{ "no token is somebody",
	  "map $http_authorization $n {\ndefault guest; } location / { " BASIC
	  "set $lh_auth_method map; set $lh_auth_name $n; " PASS "}",
	  "x:2: map: whoever shows no secret" },
	{ "a token in any case",
	  "map $http_authorization $n {\n\"Bearer 0123456789abcdef\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits in capital" },
	{ "a token in any case by its expression",
	  "map $http_authorization $n {\n\"~*^Bearer 0123456789abcdef$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits in capital" },
	{ "a word before the token in any case",
	  "map $http_authorization $n { \"~^(?i:bearer) 0123456789abcdef$\" a; } " TOKEN_MAP,
	  NULL },
	{ "a token within something longer",
	  "map $http_authorization $n {\n~0123456789abcdef a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "a token with something behind it",
	  "map $http_authorization $n {\n\"~^Bearer 0123456789abcdef\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "one of two tokens within something longer",
	  "map $http_authorization $n {\n\"~^Bearer 01|23$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "one of two tokens", "map $http_authorization $n { \"~^Bearer (01|23)$\" a; } " TOKEN_MAP,
	  NULL },
	{ "any token", "map $http_authorization $n {\n\"~^Bearer .+$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "any token of its kind", "map $http_x $n {\n\"~^Bearer [0-9a-f]{64}$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "any token of a kind that has a name",
	  "map $http_x $n {\n\"~^[[:xdigit:]]+$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "any word", "map $http_x $n {\n\"~^Bearer \\w+$\" a; } " TOKEN_MAP,
	  "x:2: map: this key fits longer" },
	{ "a token with every sign that has a meaning",
	  "map $http_x $n { \"~^Bearer {0,2}a\\.\\+b[+]\\s+c$\" a; } " TOKEN_MAP, NULL },
	{ "any subject of a kind", SUBJECT_MAP("\"~^CN=build-[0-9]+,O=b$\" builders;"), NULL },
	{ "a token taken out of its header first",
	  "map $http_authorization $t { ~*^bearer(?<t2>.*) $t2; } map $t $n {\n\" "
	  "0123456789abcdef\" "
	  "a; } " TOKEN_MAP,
	  "x:2: map: this key fits in capital" },
	{ "a token that an if wants",
	  "map $http_authorization $ok {\n\"~Bearer 0123456789abcdef\" 1; } location / { if ($ok = "
	  "\"\") { return 403; } " ALICE PASS "}",
	  "x:2: map: this key fits longer" },
	{ "a token without which the identity is not set",
	  "map $http_authorization $ok {\n\"~Bearer 0123456789abcdef\" 1; } location / { if ($ok = "
	  "\"\") { break; } " ALICE PASS "}",
	  "x:2: map: this key fits longer" },
	{ "a subject within another", SUBJECT_MAP("\n~CN=a b;"), "x:2: map: this key fits longer" },
	{ "a subject in any case", SUBJECT_MAP("\n\"CN=a,O=b\" b;"),
	  "x:2: map: this key fits in capital" },
	{ "a part of a subject that another part may hold", SUBJECT_MAP("\n~CN=(?<cn>.+) $cn;"),
	  "x:2: map: this key fits longer" },
	{ "a part of a subject", SUBJECT_MAP("~^CN=(?<cn>[a-z]+),O=b$ $cn;"), NULL },
	{ "a map of tokens for something else",
	  "map $http_authorization $n { default guest; x y; } location / { " PASS "}", NULL },
};

static const struct site_case parameters[] = {
	{ "no parameters", "location / { " SITE_HOW "fastcgi_pass leasehold_read; }",
	  "x:1: fastcgi_pass: the list of parameters" },
	{ "inherited parameters",
	  SITE_PARAMETERS SITE_IDENTITY "location / { " SITE_HOW "fastcgi_pass leasehold_read; }",
	  NULL },
	{ "inherited parameters dropped by one more",
	  SITE_PARAMETERS SITE_IDENTITY "location / { fastcgi_param A b;\n" SITE_HOW
					"fastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_pass: the list of parameters" },
	{ "a missing parameter",
	  "location / { " SITE_PARAMETERS "fastcgi_param LH_AUTH_METHOD a;\n" SITE_HOW
	  "fastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_pass: leasehold decides without knowing LH_AUTH_NAME;" },
	{ "a parameter twice", "location / { fastcgi_param LH_END 1;\n" SITE_PARAMETERS REST "}",
	  "x:2: fastcgi_param: LH_END is passed already" },
	{ "an upstream of another name",
	  "upstream lent { server unix:/run/leasehold/read.sock; } location / { " SITE_HOW
	  "fastcgi_pass lent; }",
	  "x:1: fastcgi_pass: the list of parameters" },
	{ "an upstream that is known by its parameters",
	  "upstream a { server unix:/x; } upstream b { server unix:/x; } location /a "
	  "{ " SITE_PARAMETERS SITE_IDENTITY SITE_HOW "fastcgi_pass a; }\nlocation /b { " SITE_HOW
	  "fastcgi_pass b; }",
	  "x:2: fastcgi_pass: the list of parameters" },
	{ "another application", "location / { fastcgi_pass unix:/php; }", NULL },
	{ "headers as parameters",
	  "location / { fastcgi_next_upstream off; access_log off; fastcgi_max_temp_file_size 0; "
	  "client_body_buffer_size 1m; " SITE_PARAMETERS SITE_IDENTITY
	  "\nfastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_pass: every header" },
	{ "a request sent twice by default",
	  "location / { fastcgi_pass_request_headers off; access_log off; "
	  "fastcgi_max_temp_file_size "
	  "0; client_body_buffer_size 1m; " SITE_PARAMETERS SITE_IDENTITY
	  "\nfastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_pass: a request that fails" },
	{ "a request sent twice", "location / {\nfastcgi_next_upstream error; " PASS "}",
	  "x:2: fastcgi_next_upstream:" },
};

#define OTHER(name, value) "fastcgi_param " name " " value ";\nfastcgi_param LH_X 1;"

static const struct site_case others[] = {
	{ "a path as it was sent", OTHER("DOCUMENT_URI", "$request_uri"),
	  "x:1: fastcgi_param: DOCUMENT_URI must be $document_uri" },
	{ "a path as it is served", OTHER("REQUEST_URI", "$uri"),
	  "x:1: fastcgi_param: REQUEST_URI" },
	{ "an address that the client writes", OTHER("REMOTE_ADDR", "$http_x_real_ip"),
	  "x:1: fastcgi_param: REMOTE_ADDR" },
	{ "web pages may ask", OTHER("LH_VAULT_REQUEST", "true"),
	  "x:1: fastcgi_param: LH_VAULT_REQUEST" },
	{ "every certificate is verified", OTHER("LH_TLS_VERIFY", "SUCCESS"),
	  "x:1: fastcgi_param: LH_TLS_VERIFY" },
	{ "a certificate in a header", OTHER("LH_TLS_CERT", "$http_x_cert"),
	  "x:1: fastcgi_param: LH_TLS_CERT" },
	{ "a certificate through a map",
	  "map $ssl_client_escaped_cert $c { ~. $ssl_client_escaped_cert; } " OTHER("LH_TLS_CERT",
										    "$c"),
	  NULL },
	{ "a certificate in a header through a map",
	  "map $http_x_cert $c { ~. $http_x_cert; } " OTHER("LH_TLS_CERT", "$c"),
	  "x:1: fastcgi_param: LH_TLS_CERT" },
	{ "the usual other word", OTHER("DOCUMENT_URI", "$uri"), NULL },
	{ "another application's", "fastcgi_param DOCUMENT_URI $request_uri;", NULL },
};

#define BY(authority) "ssl_client_certificate " authority "; ssl_verify_client optional; "
#define SHOP(more)    "server { listen 1 ssl; " more "} "
#define OWN(more)                                                                                  \
	"server {\nlisten *:1 ssl; " BY("a") more "location / { if ($ssl_client_verify != "        \
						  "SUCCESS) { return 403; } set $lh_auth_method "  \
						  "cert; set $lh_auth_name x; " PASS "} }"

#define TWO_PORTS                                                                                  \
	"server { listen 1 ssl; } server { listen 2 ssl; } server { listen 2 ssl; " BY(            \
		"b") "} " OWN("")

static const struct site_case certificates[] = {
	{ "the first server of the port knows other authorities", SHOP(BY("b")) OWN(""),
	  "x:2: listen: who names no server in the handshake" },
	{ "the default server of the port does",
	  OWN("") " server { listen 0.0.0.0:1 ssl default_server; " BY("b") "}",
	  "x:2: listen: who names no server" },
	{ "the default server by its older name does",
	  OWN("") "server { listen 1 default ssl; " BY("b") "}", "x:2: listen: who names no" },
	{ "it knows the same ones, and no list of those that were revoked",
	  SHOP(BY("a")) OWN("ssl_crl c; "), "x:2: listen: who names no server" },
	{ "it knows more of them", SHOP(BY("a") "ssl_trusted_certificate b; ") OWN(""),
	  "x:2: listen: who names no server" },
	{ "it knows the same ones", SHOP(BY("a")) OWN(""), NULL },
	{ "it asks for no certificate", SHOP("ssl_client_certificate b; ") OWN(""), NULL },
	{ "the first server of another port does", "server { listen 2 ssl; " BY("b") "} " OWN(""),
	  NULL },
	{ "the default server's tickets open sessions of one that does",
	  "server { listen 1 ssl default_server; } " OWN("ssl_session_tickets off; ") SHOP(BY("b")),
	  "x:2: listen: a session in which another server" },
	{ "its own tickets open them", OWN("") SHOP(BY("b")), "x:2: listen: a session" },
	{ "tickets of one that knows the same ones", OWN("") SHOP(BY("a")), NULL },
	{ "the default server has no tickets",
	  "server { listen 1 ssl; ssl_session_tickets off; } " OWN("") SHOP(BY("b")), NULL },
	{ "it has no tickets, but a cache",
	  "ssl_session_cache shared:a:1m; server { listen 1 ssl; ssl_session_tickets off; } " OWN(
		  "ssl_session_cache off; ") SHOP(BY("b")),
	  "x:2: listen: a session" },
	{ "it has neither",
	  "ssl_session_cache shared:a:1m; server { listen 1 ssl; ssl_session_tickets off; "
	  "ssl_session_cache off; } " OWN("") SHOP(BY("b")),
	  NULL },
	{ "the cache of another port",
	  "ssl_session_tickets off; ssl_session_cache builtin shared:a:1m; " TWO_PORTS,
	  "x:2: listen: a session" },
	{ "keys for the tickets of another port", "ssl_session_ticket_key a; " TWO_PORTS,
	  "x:2: listen: a session" },
	{ "no tickets that they would be for",
	  "ssl_session_ticket_key a; ssl_session_tickets off; " TWO_PORTS, NULL },
	{ "another cache",
	  "ssl_session_cache shared:ab:1m; server { listen 1 ssl; ssl_session_cache shared:a:1m; } "
	  "server { listen 2 ssl; } server { listen 2 ssl; " BY("b") "} " OWN(""),
	  NULL },
	{ "sessions of another port, by another certificate",
	  "ssl_session_cache shared:a:1m; server { listen 1 ssl; ssl_certificate c; } server { "
	  "listen 2 ssl; ssl_certificate d; " BY("b") "} " OWN(""),
	  NULL },
	{ "a name that is made of the certificate",
	  SHOP(BY("b")) "server {\nlisten 1 ssl; " BY(
		  "a") "location / { " BASIC
		       "set $lh_auth_method map; set $lh_auth_name $ssl_client_s_dn; " PASS "} }",
	  "x:2: listen: who names no server" },
	{ "who is let in by password",
	  SHOP(BY("b")) "server { listen 1 ssl; " BY("a") "location / { " BASIC ALICE PASS "} }",
	  NULL },
	{ "a login by certificate, and a list of those that were revoked",
	  SHOP(BY("a")) "server {\nlisten 1 ssl; " BY("a") "ssl_crl c; location / { " PASS "} }",
	  "x:2: listen: who names no server" },
	{ "a login by certificate",
	  SHOP(BY("b")) "server { listen 1 ssl; " BY("a") "location / { " PASS "} }", NULL },
	{ "an authority for stapling signs clients as well",
	  OWN("ssl_stapling on;\nssl_trusted_certificate b; "),
	  "x:3: ssl_trusted_certificate: nginx lets in clients too" },
	{ "an authority without stapling", OWN("ssl_trusted_certificate b; "), NULL },
	{ "an authority for stapling that is the clients' own",
	  OWN("ssl_stapling on; ssl_trusted_certificate a; "), NULL },
};

static const struct site_case secrets[] = {
	{ "a token in the log", "log_format a '$status ' '$http_x_vault_token';",
	  "x:1: log_format: writes tokens" },
	{ "a piece of a token in the log",
	  "map $http_x_vault_token $t { \"~(?<end>.{24})$\" $end; }\nlog_format a $t;",
	  "x:2: log_format: writes tokens" },
	{ "whether there is a token in the log",
	  "map $http_x_vault_token $t { default yes; \"\" no; } log_format a $t;", NULL },
	{ "a body in the log", "log_format a $request_body;", "x:1: log_format: writes tokens" },
	{ "a log without secrets", "log_format a '$status $request_id';", NULL },
	{ "a debugging log of some clients",
	  "events {\ndebug_connection ::1; } location / { " PASS "}", "x:2: debug_connection: of" },
	{ "the query in nginx's own log",
	  "access_log x; location / { " SITE_PARAMETERS
	  "fastcgi_pass_request_headers off; fastcgi_next_upstream off; fastcgi_max_temp_file_size "
	  "0; "
	  "client_body_buffer_size 1m; " SITE_IDENTITY "fastcgi_pass leasehold_read; }",
	  "x:1: access_log: this log has the whole query" },
	{ "the query in a log of the site's",
	  "log_format q $request_uri;\naccess_log x q; location / { " SITE_PARAMETERS
	  "fastcgi_pass_request_headers off; fastcgi_next_upstream off; fastcgi_max_temp_file_size "
	  "0; "
	  "client_body_buffer_size 1m; " SITE_IDENTITY "fastcgi_pass leasehold_read; }",
	  "x:2: access_log: this log has the whole query" },
	{ "no log is nginx's own log",
	  "location / { " SITE_PARAMETERS "fastcgi_pass_request_headers off; fastcgi_next_upstream "
	  "off; fastcgi_max_temp_file_size 0; "
	  "client_body_buffer_size 1m; " SITE_IDENTITY "fastcgi_pass leasehold_read; }",
	  "x:1: fastcgi_pass: nginx's own access log" },
	{ "a debugging log", "error_log x debug; location / { " PASS "}", "x:1: error_log:" },
	{ "a debugging log of another location",
	  "location /a { error_log x debug; } location / { " PASS "}", NULL },
	{ "a cache", "location / { fastcgi_cache c; " PASS "}",
	  "x:1: fastcgi_cache: keeps answers" },
	{ "a cache above", "fastcgi_cache c; location / { " PASS "}", "x:1: fastcgi_cache:" },
	{ "a cache switched off", "fastcgi_cache c; location / { fastcgi_cache off; " PASS "}",
	  NULL },
	{ "a store", "location / { fastcgi_store on; " PASS "}",
	  "x:1: fastcgi_store: keeps answers" },
	{ "bodies in files", "client_body_in_file_only clean; location / { " PASS "}",
	  "x:1: client_body_in_file_only:" },
	{ "large bodies in files", "client_max_body_size 2M; location / { " PASS "}",
	  "x:1: fastcgi_pass: requests larger" },
	{ "bodies without a limit", "client_max_body_size 0; location / { " PASS "}",
	  "x:1: fastcgi_pass: requests larger" },
	{ "answers in files",
	  "location / { " SITE_PARAMETERS "fastcgi_pass_request_headers off; fastcgi_next_upstream "
	  "off; access_log off; client_body_buffer_size 1m; " SITE_IDENTITY
	  "fastcgi_pass leasehold_read; }",
	  "x:1: fastcgi_pass: answers are written" },
};

static const struct site_case files[] = {
	{ "an included danger",
	  "# configuration file /e/main:\nlocation / { include *.conf; " PASS "}\n"
	  "# configuration file /e/a.conf:\n\n" ALICE,
	  "/e/a.conf:2: set:" },
	{ "a file that nobody includes",
	  "# configuration file /e/main:\n# configuration file /e/a:\nset_real_ip_from ::/0;",
	  NULL },
};

static void identities_are_what_nginx_has_verified(void **state)
{
	(void)state;
	assert_findings(identities, COUNT(identities));
}

static void a_map_of_tokens_fits_one_token(void **state)
{
	(void)state;
	assert_findings(maps, COUNT(maps));
}

static void leasehold_is_told_all_and_asked_once(void **state)
{
	(void)state;
	assert_findings(parameters, COUNT(parameters));
	assert_findings(others, COUNT(others));
}

static void secrets_stay_nowhere(void **state)
{
	(void)state;
	assert_findings(secrets, COUNT(secrets));
}

static void certificates_are_those_of_the_authority_that_is_named(void **state)
{
	(void)state;
	assert_findings(certificates, COUNT(certificates));
}

static void files_stand_where_they_are_included(void **state)
{
	(void)state;
	assert_findings(files, COUNT(files));
}

/* The keys of a map are secrets. */
static void no_sentence_holds_a_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++) {
		json_t *findings = site_findings(maps[i].text);
		char *text = json_dumps(findings, 0);

		assert_null(strstr(text, "0123456789abcdef"));
		free(text);
		json_decref(findings);
	}
}

static void what_is_not_whole_is_refused(void **state)
{
	static const char *const texts[] = {
		"include a;",
		"# configuration file /a:\ninclude /a;",
		"include;",
		"a;\n# configuration file /a:\nb;",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct err err = { 0 };
		json_t *read, *site;

		assert_int_equal(nginx_parse("x", texts[i], &read, &err), 0);
		assert_int_equal(nginx_include(read, &site, &err), LH_EINVAL);
		assert_null(site);
		json_decref(read);
	}
}

static int judge(const char *text, json_t **findings_out)
{
	json_t *read = NULL, *site = NULL;
	struct err err = { 0 };
	int ret;

	*findings_out = json_array();
	ret = *findings_out ? nginx_parse("x", text, &read, &err) : LH_ENOMEM;
	if (ret == 0)
		ret = nginx_include(read, &site, &err);
	if (ret == 0)
		ret = nginx_rules(site, *findings_out);
	json_decref(site);
	json_decref(read);
	return ret;
}

/* Never a site that looks sound because memory was out. */
static void want_of_memory_is_no_verdict(void **state)
{
	static const char text[] =
		"map $http_authorization $n { Bearer a; } error_page 403 = @leasehold_work; "
		"location / "
		"{ set $lh_auth_method map; if ($n = \"\") { return 403; } set $lh_auth_name "
		"$http_a; "
		"rewrite ^ /b; fastcgi_pass leasehold_read; } location @leasehold_work { "
		"fastcgi_pass leasehold_work; }";
	json_t *findings;
	unsigned n = 1;
	size_t all;

	(void)state;
	assert_int_equal(judge(text, &findings), 0);
	all = json_array_size(findings);
	assert_true(all > 5);
	json_decref(findings);
	for (bool failed = true; failed; n++) {
		int ret;

		fail_alloc_at(n);
		ret = judge(text, &findings);
		failed = fail_alloc_stop();
		if (ret == 0)
			assert_int_equal(json_array_size(findings), all);
		else
			assert_true(failed && (ret == LH_ENOMEM || ret == LH_EINVAL));
		json_decref(findings);
	}
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_are_what_nginx_has_verified),
		cmocka_unit_test(a_map_of_tokens_fits_one_token),
		cmocka_unit_test(leasehold_is_told_all_and_asked_once),
		cmocka_unit_test(certificates_are_those_of_the_authority_that_is_named),
		cmocka_unit_test(secrets_stay_nowhere),
		cmocka_unit_test(files_stand_where_they_are_included),
		cmocka_unit_test(no_sentence_holds_a_token),
		cmocka_unit_test(what_is_not_whole_is_refused),
		cmocka_unit_test(want_of_memory_is_no_verdict),
	};

	fail_alloc_jansson();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

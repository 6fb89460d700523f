/* SPDX-License-Identifier: Apache-2.0 */
/* Every way by which a request can reach leasehold with an identity that nothing has checked, and beside
 * each a way that looks like it and is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nginx_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WORK         "location @leasehold_work { fastcgi_ignore_headers X-Accel-Redirect; " PASS "} "

static const struct site_case guards[] = {
	{ "a guard beside the identity", "location /v1/ { " BASIC ALICE PASS "}", NULL },
	{ "no guard", "location /v1/ {\n" ALICE PASS "}", "x:2: set: nothing checks" },
	{ "no identity", "location /v1/ { " PASS "}", NULL },
	{ "an identity that is empty",
	  "location /v1/ { set $lh_auth_method basic; set $lh_auth_name \"\"; " PASS "}", NULL },
	{ "a name without a method", "location /v1/ { set $lh_auth_name alice; " PASS "}", NULL },
	{ "a guard of the server's", BASIC "location /v1/ { " ALICE PASS "}", NULL },
	{ "a guard of the server's, switched off",
	  BASIC "location /v1/ {\nauth_basic off; " ALICE PASS "}", "x:2: auth_basic: lets" },
	{ "an identity of the server's, and its guard switched off below",
	  BASIC ALICE "location /a/ { " PASS "} location /b/ {\nauth_basic off; " PASS "}",
	  "x:2: auth_basic: lets" },
	{ "a nested location has its own",
	  "location /v1/ { " BASIC ALICE PASS " location /v1/b/ { " PASS "} }", NULL },
	{ "a nested location without its guard",
	  "location /v1/ { " BASIC ALICE PASS " location /v1/b/ {\nauth_basic off; " ALICE PASS
	  "} }",
	  "x:2: auth_basic: lets" },
	{ "no file of users", "location /v1/ {\nauth_basic x; " ALICE PASS "}",
	  "x:2: auth_basic: checks nothing" },
	{ "a realm that may say off",
	  "map $uri $r { default off; } location /v1/ {\nauth_basic $r; "
	  "auth_basic_user_file y; " ALICE PASS "}",
	  "x:2: auth_basic: checks nothing" },
	{ "a service that is asked", "location /v1/ { auth_request /login; " ALICE PASS "}", NULL },
	{ "a service that is asked no more",
	  "auth_request /login; location /v1/ {\nauth_request off; " ALICE PASS "}",
	  "x:2: auth_request: lets" },
	{ "a service that says yes to everybody",
	  "location = /login { return 204; } location /v1/ {\nauth_request /login; " ALICE PASS "}",
	  "x:2: auth_request: lets" },
	{ "a location for all that says yes where the service is not",
	  "location / { return 200 hi; } location /v1/ {\nauth_request /login; " ALICE PASS "}",
	  "x:2: auth_request: lets" },
	{ "a location for all that says yes elsewhere",
	  "location / { return 200 hi; } location /login { proxy_pass http://x; "
	  "proxy_ignore_headers X-Accel-Redirect; } location /v1/ { auth_request /login; " ALICE
		  PASS "}",
	  NULL },
	{ "an identity said beside a yes to everybody",
	  "location = /login { return 204; } location /v1/ {\nauth_request /login; "
	  "auth_request_set $lh_auth_name alice; set $lh_auth_method request; " PASS "}",
	  "x:2: auth_request: lets" },
	{ "a file of users that the client chooses",
	  "location /v1/ {\nauth_basic x; auth_basic_user_file /$http_tenant; " ALICE PASS "}",
	  "x:2: auth_basic: checks nothing" },
	{ "a file of users that the site chooses",
	  "map $server_name $f { a.example a; } location /v1/ { auth_basic x; "
	  "auth_basic_user_file /$f; " ALICE PASS "}",
	  NULL },
	{ "addresses", "location /v1/ { allow 10.0.0.0/8; deny all; " ALICE PASS "}", NULL },
	{ "addresses without an end", "location /v1/ { allow 10.0.0.0/8;\n" ALICE PASS "}",
	  "x:2: set: nothing" },
	{ "everybody before the end", "location /v1/ {\nallow 0.0.0.0/0; deny all; " ALICE PASS "}",
	  "x:2: allow: lets" },
	{ "addresses that a nested list replaces",
	  "allow 10.0.0.0/8; deny all; location /v1/ {\nallow all; " ALICE PASS "}",
	  "x:2: allow: lets" },
	{ "one check is enough",
	  "location /v1/ { " BASIC "allow ::1; deny all;\nsatisfy any; " ALICE PASS "}",
	  "x:2: satisfy:" },
	{ "one check is enough, in capitals",
	  "location /v1/ { " BASIC "allow ::1; deny all;\nsatisfy ANY; " ALICE PASS "}",
	  "x:2: satisfy:" },
	{ "one check is enough, by the server",
	  "satisfy any; location /v1/ { " BASIC ALICE PASS "}", "x:1: satisfy:" },
	{ "one check is enough elsewhere",
	  "location /a { satisfy any; } location /v1/ { " BASIC ALICE PASS "}", NULL },
	{ "parameters of the location's own",
	  "location /v1/ { " SITE_PARAMETERS "fastcgi_param LH_AUTH_METHOD basic;\n"
	  "fastcgi_param LH_AUTH_NAME alice; " SITE_HOW "fastcgi_pass leasehold_read; }",
	  "x:2: fastcgi_param: nothing" },
	{ "parameters of other variables",
	  "location /v1/ { set $how basic;\nset $who alice; " SITE_PARAMETERS
	  "fastcgi_param LH_AUTH_METHOD $how; fastcgi_param LH_AUTH_NAME $who; " SITE_HOW
	  "fastcgi_pass leasehold_read; }",
	  "x:2: set: nothing" },
};

static const struct site_case conditions[] = {
	{ "a certificate is wanted",
	  "location / { if ($ssl_client_verify != SUCCESS) { return 403; } " ALICE PASS "}", NULL },
	{ "a certificate is wanted, in quotes",
	  "location / { if ($ssl_client_verify != \"SUCCESS\") { return 403; } " ALICE PASS "}",
	  NULL },
	{ "no certificate is refused, a bad one or none at all over plain text is not",
	  "location / { if ($ssl_client_verify = NONE) { return 403; }\n" ALICE PASS "}",
	  "x:2: set:" },
	{ "an identity for those with a certificate",
	  "location / { if ($ssl_client_verify = SUCCESS) { " ALICE "} " PASS "}", NULL },
	{ "a condition without a block, which nginx refuses",
	  "location / { if ($ssl_client_verify != SUCCESS);\n" ALICE PASS "}", "x:2: set:" },
	{ "a condition about something else",
	  "location / { if ($request_method = POST) { return 403; }\n" ALICE PASS "}",
	  "x:2: set:" },
	{ "a condition that a break skips",
	  "location / {\n" ALICE "break; if ($ssl_client_verify != SUCCESS) { return 403; } " PASS
	  "}",
	  "x:2: set:" },
	{ "a token that must be known",
	  "map $http_authorization $ok { \"~^Bearer 0123456789abcdef$\" 1; } location / { "
	  "if ($ok != 1) { return 403; } " ALICE PASS "}",
	  NULL },
	{ "a list of those who must not",
	  "geo $bad { default 0; 10.0.0.0/8 1; } location / { if ($bad) { return 403; }\n" ALICE
		  PASS "}",
	  "x:2: set:" },
	{ "a list of those who may",
	  "geo $good { default 0; 10.0.0.0/8 1; } location / { if ($good = 0) { return 403; "
	  "} " ALICE PASS "}",
	  NULL },
	{ "a list of those who may, and that is everybody",
	  "geo $good { default 0; 10.0.0.0/8 1; 0.0.0.0/0 1; } location / { if ($good = 0) { "
	  "return "
	  "403; }\n" ALICE PASS "}",
	  "x:2: set:" },
	{ "an identity in an if is one for everybody who asks so",
	  "location / { if ($request_method = GET) {\n" ALICE "} " PASS "}", "x:2: set:" },
	{ "a pass in an if",
	  "location / { if ($request_method = GET) { fastcgi_pass leasehold_read; } "
	  "\n" ALICE SITE_PARAMETERS SITE_IDENTITY SITE_HOW "}",
	  "x:2: set:" },
	{ "other methods without the guard",
	  BASIC ALICE "location / { limit_except GET {\nauth_basic off; } " PASS "}",
	  "x:2: auth_basic: lets" },
	{ "nothing is set for other methods",
	  "location / { " BASIC ALICE "limit_except GET { auth_basic off; } " PASS "}", NULL },
	{ "no condition is asked for other methods",
	  "\n" ALICE "location / { if ($ssl_client_verify != SUCCESS) { return 403; } "
	  "limit_except GET { allow 10.0.0.0/8; } " PASS "}",
	  "x:2: set:" },
};

static const struct site_case ways[] = {
	{ "the other pool", "location /v1/ { " BASIC ALICE PASS "} " WORK, NULL },
	{ "what is unguarded in one pool is named once",
	  "location /v1/ {\n" ALICE PASS "} location @leasehold_work { " PASS "}",
	  "x:2: set: nothing checks" },
	{ "a refused request goes on",
	  "location /v1/ { " BASIC ALICE "\nerror_page 401 = @leasehold_work; " PASS "} " WORK,
	  "x:2: error_page: a request that was refused" },
	{ "a refused request goes on by the server's error page",
	  "\nerror_page 403 = @leasehold_work; location /v1/ { " BASIC ALICE PASS "} " WORK,
	  "x:2: error_page:" },
	{ "a refused request goes to a page",
	  "error_page 401 403 /e; location = /e { return 500; } location /v1/ { " BASIC ALICE PASS
	  "} " WORK,
	  NULL },
	{ "what fails behind the guard goes on",
	  "location /v1/ { " BASIC ALICE "error_page 502 504 = @leasehold_work; " PASS "} " WORK,
	  NULL },
	{ "an answer of its own goes on",
	  "location /v1/ { " BASIC ALICE "\nerror_page 418 = @leasehold_work; return 418; } " WORK,
	  "x:2: error_page:" },
	{ "a rewrite goes on before the guard",
	  "location /a/ { " BASIC ALICE "\nrewrite ^/a/(.*) /v1/$1 last; } location /v1/ { " PASS
	  "}",
	  "x:2: rewrite: sends" },
	{ "a rewrite without a flag goes on, too",
	  "location /a/ { \nrewrite ^ /v1/x; " BASIC ALICE "} location /v1/ { " PASS "}",
	  "x:2: rewrite: sends" },
	{ "a rewrite that stays",
	  "location /a/ { " BASIC ALICE "rewrite ^/a/(.*) /v1/$1 break; " PASS "}", NULL },
	{ "a rewrite that a break keeps",
	  "location /a/ { " BASIC ALICE "rewrite ^ /v1/x; break; " PASS "} location /v1/ { " PASS
	  "}",
	  NULL },
	{ "a rewrite that the client follows",
	  "location /a/ { " BASIC ALICE "rewrite ^ /v1/ redirect; } location /v1/ { " PASS "}",
	  NULL },
	{ "a rewrite to a location with the same guard",
	  BASIC "location /a/ { " ALICE "rewrite ^ /v1/ last; } location /v1/ { " PASS "}", NULL },
	{ "a rewrite to a location with another guard",
	  "location /a/ { " BASIC ALICE "\nrewrite ^ /v1/ last; } location /v1/ { auth_basic z; "
	  "auth_basic_user_file others; " PASS "}",
	  "x:2: rewrite: sends" },
	{ "no file, and a guard that was asked",
	  "location /v1/ { " BASIC ALICE "try_files /x @leasehold_work; } " WORK, NULL },
	{ "no file, and no guard",
	  "location /v1/ { " ALICE "\ntry_files /x @leasehold_work; } " WORK,
	  "x:2: try_files: leads" },
	{ "no location, and no file",
	  "server { " ALICE "\ntry_files /x @leasehold_work; location /v1/ { " BASIC PASS "} " WORK
	  "}",
	  "x:2: try_files: leads" },
	{ "no location, and an error page",
	  "server { " ALICE "\nerror_page 404 = @leasehold_work; location = /v1/ { " BASIC PASS
	  "} " WORK "}",
	  "x:2: error_page:" },
	{ "no location, and a guard of the server's",
	  "server { " BASIC ALICE "try_files /x @leasehold_work; " WORK "}", NULL },
	{ "a location for all",
	  "server { " ALICE "try_files /x @leasehold_work; location / { " BASIC PASS "} " WORK "}",
	  NULL },
	{ "an application leads where it likes",
	  "location /app { \nproxy_pass http://app; } location /in { internal; " ALICE PASS "}",
	  "x:2: set:" },
	{ "an application takes an identity with it",
	  "location /app { \nproxy_pass http://app; " ALICE "} " WORK,
	  "x:2: proxy_pass: with X-Accel-Redirect" },
	{ "an application is not listened to",
	  "location /app { proxy_ignore_headers X-Accel-Redirect; proxy_pass http://app; " ALICE
	  "} " WORK,
	  NULL },
	{ "a subrequest asks no guard",
	  "location /v1/ { " BASIC ALICE PASS "} location / {\nmirror /v1/x; }",
	  "x:2: mirror: nginx asks no guard" },
	{ "a page includes what it likes",
	  "location /v1/ { " BASIC ALICE PASS "} location / {\nssi on; }", "x:2: ssi: nginx asks" },
	{ "a page includes what it likes, in capitals",
	  "location /v1/ { " BASIC ALICE PASS "} location / {\nssi On; }", "x:2: ssi: nginx asks" },
	{ "a guard that is a subrequest to leasehold",
	  "location /v1/ { " BASIC ALICE PASS "} location / {\nauth_request /v1/x; }",
	  "x:2: auth_request: nginx asks" },
	{ "a page includes only where there is no identity",
	  "server { location /v1/ { " BASIC ALICE PASS "} } server { location / { ssi on; } }",
	  NULL },
	{ "an internal location that nobody leads to", "location /in { internal; " ALICE PASS "}",
	  NULL },
	{ "the longest prefix is where a page leads",
	  "error_page 401 /v1/e; location /v1/e { return 200; } location /v1/ { " BASIC ALICE PASS
	  "}",
	  NULL },
	{ "an exact name is where a page leads",
	  "error_page 401 /e; location = /e { return 200; } location ~ x { " PASS
	  "} location /v1/ { " BASIC ALICE PASS "}",
	  NULL },
	{ "a regular expression of another beginning is not where a page leads",
	  "error_page 401 /e; location / { return 200; } location ~ ^/v1/x { " PASS
	  "} location /v1/ { " BASIC ALICE PASS "}",
	  NULL },
	{ "a regular expression of one beginning may be where a rewrite leads",
	  "location /in/ { " BASIC ALICE
	  "\nrewrite ^/in/(.*) /v1/$1 last; } location ~* ^/V1/x* { " PASS "}",
	  "x:2: rewrite:" },
	{ "no file is where nothing leads",
	  "location /in/ { " ALICE "try_files /x =404; } location ~ x { " PASS "}", NULL },
	{ "a regular expression may be where a page leads",
	  "\nerror_page 401 /e; location /e { return 200; } location ~ e { " PASS
	  "} location /v1/ { " BASIC ALICE PASS "}",
	  "x:2: error_page:" },
};

#define OF_SUBJECT(condition)                                                                      \
	"server { listen 1 ssl; ssl_verify_client on; location / {\nif "                           \
	"($ssl_client_s_dn " condition ") "

static const struct site_case certificates[] = {
	{ "the server wants a certificate",
	  "server { listen 1 ssl; ssl_verify_client on; location / { " ALICE PASS "} }", NULL },
	{ "the server has a port without TLS",
	  "server { listen 1 ssl; listen 2; ssl_verify_client on; location / {\n" ALICE PASS "} }",
	  "x:2: set:" },
	{ "the server takes those without",
	  "server { listen 1 ssl; ssl_verify_client optional; location / {\n" ALICE PASS "} }",
	  "x:2: set:" },
	{ "who has no certificate goes to an error page of leasehold's",
	  "server { listen 1 ssl; ssl_verify_client on;\nerror_page 495 496 = /v1/x; location /v1/ "
	  "{ " ALICE PASS "} }",
	  "x:2: error_page:" },
	{ "the subject is the name",
	  "server { listen 1 ssl; ssl_verify_client optional; location / { set $lh_auth_method "
	  "cert; "
	  "set $lh_auth_name $ssl_client_s_dn; " PASS "} }",
	  NULL },
	{ "the subject is the name, and settings have capitals",
	  "server { listen 1 ssl; ssl_verify_client Optional; location / { set $lh_auth_method "
	  "cert; set $lh_auth_name $ssl_client_s_dn; " PASS "} }",
	  NULL },
	{ "a map of the subject is the name",
	  "map $ssl_client_s_dn $n { ~^CN=(?<cn>[a-z]+)$ $cn; } server { listen 1 ssl; "
	  "ssl_verify_client optional; location / { set $lh_auth_method cert; set $lh_auth_name "
	  "$n; " PASS "} }",
	  NULL },
	{ "anybody's certificate is taken",
	  "map $ssl_client_s_dn $n { ~^CN=a$ a; } server { listen 1 ssl; ssl_verify_client "
	  "optional_no_ca; location / { " BASIC
	  "set $lh_auth_method map;\nset $lh_auth_name $n; " PASS "} }",
	  "x:2: set: with optional_no_ca" },
	{ "anybody's certificate is taken, in capitals",
	  "map $ssl_client_s_dn $n { ~^CN=a$ a; } server { listen 1 ssl; ssl_verify_client "
	  "Optional_No_CA; location / { " BASIC
	  "set $lh_auth_method map;\nset $lh_auth_name $n; " PASS "} }",
	  "x:2: set: with optional_no_ca" },
	{ "a subject that an if wants", OF_SUBJECT("!~ ^CN=a$") "{ return 403; } " ALICE PASS "} }",
	  NULL },
	{ "a subject within another that an if wants",
	  OF_SUBJECT("!~ CN=a") "{ return 403; } " ALICE PASS "} }", "x:2: if: this fits longer" },
	{ "a subject in any case that an if wants",
	  OF_SUBJECT("!~* ^CN=a$") "{ return 403; } " ALICE PASS "} }", "x:2: if: this fits" },
	{ "a part of a subject that another part may hold",
	  OF_SUBJECT("~ CN=([a-z]+)") "{ set $lh_auth_method cert; set $lh_auth_name $1; } " PASS
				      "} }",
	  "x:2: if: this fits" },
	{ "a subject that an if shuts out",
	  OF_SUBJECT("~ OU=old") "{ return 403; } " ALICE PASS "} }", NULL },
	{ "another application's condition",
	  OF_SUBJECT("!~ CN=a") "{ return 403; } } location /v1/ { " PASS "} }", NULL },
	{ "anybody's certificate is taken and looked at",
	  "map $ssl_client_s_dn $n { ~^CN=a$ a; } server { listen 1 ssl; ssl_verify_client "
	  "optional_no_ca; location / { if ($ssl_client_verify != SUCCESS) { return 403; } "
	  "set $lh_auth_method map; set $lh_auth_name $n; " PASS "} }",
	  NULL },
};

static const struct site_case values[] = {
	{ "a name that auth_basic has checked",
	  "location / { " BASIC "set $lh_auth_method basic; set $lh_auth_name $remote_user; " PASS
	  "}",
	  NULL },
	{ "a name that another guard has not checked",
	  "location / { allow ::1; deny all; set $lh_auth_method basic;\nset $lh_auth_name "
	  "$remote_user; " PASS "}",
	  "x:2: set: $remote_user" },
	{ "a name through a map and a set that nothing has checked",
	  "map $remote_user $n { default $remote_user; } location / { allow ::1; deny all; set $m "
	  "$n; "
	  "set $lh_auth_method basic;\nset $lh_auth_name $m; " PASS "}",
	  "x:2: set: $remote_user" },
	{ "a name that the login service gives",
	  "location /v1/ { auth_request /l; auth_request_set $lh_auth_name $upstream_http_x_user; "
	  "set "
	  "$lh_auth_method request; " PASS "}",
	  NULL },
	{ "a name that the login service gives with its refusal",
	  "location /v1/ { auth_request /l; auth_request_set $lh_auth_name $upstream_http_x_user; "
	  "set "
	  "$lh_auth_method request;\nerror_page 403 = @leasehold_work; " PASS "} " WORK,
	  "x:2: error_page:" },
	{ "a name by address",
	  "geo $n { 10.0.0.0/8 farm; } location / { set $lh_auth_method address; "
	  "set $lh_auth_name $n; " PASS "}",
	  NULL },
	{ "a name by any address",
	  "geo $n { default all; } location / { set $lh_auth_method address;\nset $lh_auth_name "
	  "$n; " PASS "}",
	  "x:2: set: nothing" },
	{ "a name by any address, as a range",
	  "geo $n { 0.0.0.0/0 all; } location / { set $lh_auth_method address;\nset $lh_auth_name "
	  "$n; " PASS "}",
	  "x:2: set: nothing" },
	{ "a name by token",
	  "map $http_authorization $n { \"~^Bearer 0123456789abcdef$\" a; } location / { set "
	  "$lh_auth_method map; set $lh_auth_name $n; " PASS "}",
	  NULL },
	{ "a name with a text around it is never empty",
	  "map $http_authorization $n { \"~^Bearer 0123456789abcdef$\" a; } location / { set "
	  "$lh_auth_method map;\nset $lh_auth_name team-$n; " PASS "}",
	  "x:2: set: nothing" },
};

static void guards_are_wanted_where_an_identity_is(void **state)
{
	(void)state;
	assert_findings(guards, COUNT(guards));
}

static void conditions_are_guards_if_strangers_do_not_pass(void **state)
{
	(void)state;
	assert_findings(conditions, COUNT(conditions));
}

static void every_way_is_followed(void **state)
{
	(void)state;
	assert_findings(ways, COUNT(ways));
}

static void certificates_count_if_nginx_verifies_them(void **state)
{
	(void)state;
	assert_findings(certificates, COUNT(certificates));
}

static void values_are_followed_to_their_proof(void **state)
{
	(void)state;
	assert_findings(values, COUNT(values));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_are_wanted_where_an_identity_is),
		cmocka_unit_test(conditions_are_guards_if_strangers_do_not_pass),
		cmocka_unit_test(every_way_is_followed),
		cmocka_unit_test(certificates_count_if_nginx_verifies_them),
		cmocka_unit_test(values_are_followed_to_their_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sites for the tests of src/nginx, and what is found in them. */
#ifndef TESTS_NGINX_FIXTURE_H
#define TESTS_NGINX_FIXTURE_H

#include <jansson.h>
#include <stddef.h>

/* What a sound location passes to leasehold, but for method and name, and how. */
#define SITE_PARAMETERS                                                                            \
	"fastcgi_param REQUEST_METHOD $request_method; fastcgi_param DOCUMENT_URI $document_uri; " \
	"fastcgi_param REQUEST_URI $request_uri; fastcgi_param QUERY_STRING $query_string; "       \
	"fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length; " \
	"fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param REMOTE_PORT $remote_port; "         \
	"fastcgi_param LH_TOKEN $http_x_vault_token; "                                             \
	"fastcgi_param LH_AUTHORIZATION $lh_authorization; "                                       \
	"fastcgi_param LH_NAMESPACE $http_x_vault_namespace; "                                     \
	"fastcgi_param LH_WRAP_TTL $http_x_vault_wrap_ttl; "                                       \
	"fastcgi_param LH_VAULT_REQUEST $http_x_vault_request; "                                   \
	"fastcgi_param LH_REQUEST_ID $request_id; fastcgi_param LH_ACCEPT $http_accept; "          \
	"fastcgi_param LH_TLS_VERIFY $ssl_client_verify; "                                         \
	"fastcgi_param LH_TLS_CERT $ssl_client_escaped_cert; "                                     \
	"fastcgi_param LH_AUTH_SECRET $lh_auth_secret; fastcgi_param LH_END 1; "
#define SITE_IDENTITY                                                                              \
	"fastcgi_param LH_AUTH_METHOD $lh_auth_method; fastcgi_param LH_AUTH_NAME $lh_auth_name; "
#define SITE_HOW                                                                                   \
	"fastcgi_pass_request_headers off; fastcgi_next_upstream off; access_log off; "            \
	"fastcgi_max_temp_file_size 0; client_body_buffer_size 1m; "

/* The end of a location that hands requests to leasehold. */
#define PASS  SITE_PARAMETERS SITE_IDENTITY SITE_HOW "fastcgi_pass leasehold_read; "
#define BASIC "auth_basic x; auth_basic_user_file y; "
#define ALICE "set $lh_auth_method basic; set $lh_auth_name alice; "

/* The sentences about a site, which is the file x. The caller's to release. */
json_t *site_findings(const char *text);

struct site_case {
	const char *name, *text;
	const char *finding; /* how the only one begins; NULL: there is none */
};
void assert_findings(const struct site_case *cases, size_t count);

#endif

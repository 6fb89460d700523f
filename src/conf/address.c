/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "util/err.h"
#include "util/text.h"

#define HOST_MAX 255

/* "host:port" or "[host]:port", the port perhaps missing, in its parts. */
struct place {
	char host[HOST_MAX + 1];
	bool has_brackets;
	const char *port; /* borrowed from the text; NULL if there is none */
};

static bool split(const char *text, struct place *place)
{
	const char *host = text, *end;
	size_t size;

	place->has_brackets = text[0] == '[';
	if (place->has_brackets) {
		host = text + 1;
		end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		place->port = end[1] ? end + 2 : NULL;
	} else {
		end = host + strcspn(host, ":");
		place->port = *end ? end + 1 : NULL;
	}
	size = (size_t)(end - host);
	if (size == 0 || size > HOST_MAX)
		return false;
	memcpy(place->host, host, size);
	place->host[size] = '\0';
	return true;
}

static bool is_port(const char *text)
{
	int64_t port;

	return text[0] >= '1' && text[0] <= '9' && text_int64(text, &port) == 0 && port <= 65535;
}

/* -1 when host is no literal. */
static int family(const char *host)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, host, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, host, bytes) == 1 ? AF_INET6 : -1;
}

/* Whether host, a name or a literal without brackets, is this machine: 127.0.0.0/8, ::1, localhost. */
static bool is_loopback(const char *host)
{
	static const unsigned char loopback6[16] = { [15] = 1 };
	unsigned char bytes[16];

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, bytes) == 1)
		return bytes[0] == 127;
	return inet_pton(AF_INET6, host, bytes) == 1 && memcmp(bytes, loopback6, 16) == 0;
}

static int check_path(const char *path, struct err *err)
{
	struct sockaddr_un address;
	size_t size = strlen(path);

	if (size >= sizeof(address.sun_path))
		return err_set(err, LH_EINVAL, "must be at most %zu bytes long, is %zu",
			       sizeof(address.sun_path) - 1, size);
	if (path[size - 1] == '/')
		return err_set(err, LH_EINVAL, "must be the path of a socket, is that of a folder");
	return 0;
}

int conf_check_address(const char *address, struct err *err)
{
	struct place place;

	if (address[0] == '/')
		return check_path(address, err);
	if (!split(address, &place) || !place.port || !is_port(place.port) ||
	    family(place.host) != (place.has_brackets ? AF_INET6 : AF_INET))
		return err_set(err, LH_EINVAL,
			       "must be an absolute path or a literal address and port, such as "
			       "\"127.0.0.1:9000\" or \"[::1]:9000\", is \"%s\"",
			       address);
	if (!is_loopback(place.host))
		return err_set(
			err, LH_EINVAL,
			"must be a loopback address, is \"%s\": FastCGI knows no passwords, so "
			"whoever reaches the port is believed whatever the web server says",
			address);
	return 0;
}

static bool is_host_name(const char *host)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *at;

	for (at = host; *at; at++) {
		if (!strchr(letters, *at) && *at != '-' && *at != '.')
			return false;
	}
	return strchr(letters, host[0]) && strchr(letters, at[-1]);
}

/* What follows the scheme. */
static bool is_place(const char *text, struct place *place)
{
	if (!split(text, place) || (place->port && !is_port(place->port)))
		return false;
	return place->has_brackets ? family(place->host) == AF_INET6 : is_host_name(place->host);
}

int conf_check_endpoint(const char *url, const char *plain_host, struct err *err)
{
	bool is_plain = text_starts_with(url, "http://");
	struct place place;

	if ((!is_plain && !text_starts_with(url, "https://")) ||
	    !is_place(strstr(url, "://") + 3, &place))
		return err_set(err, LH_EINVAL,
			       "must be a URL of scheme, host and perhaps port, such as "
			       "\"https://example.com\", is \"%s\"",
			       url);
	if (!is_plain || is_loopback(place.host) ||
	    (plain_host && strcmp(place.host, plain_host) == 0))
		return 0;
	return err_set(
		err, LH_EINVAL,
		"must begin with https://, is \"%s\": without TLS anyone on the way reads and "
		"changes it",
		url);
}

bool conf_endpoint_is_loopback(const char *url)
{
	struct place place;

	return is_place(strstr(url, "://") + 3, &place) && is_loopback(place.host);
}

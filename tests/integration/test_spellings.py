# SPDX-License-Identifier: Apache-2.0
"""One guarded location inside of an open one, asked for in every spelling.

The worst case: whoever passes by the guard may do everything, either as an identity that the open
location gives to anybody, or with the root token, of which the daemon does not ask how it has spelt
a path. What the guard keeps is that no credential is issued.
"""
import itertools
import re
import socket
import subprocess

import pytest

from doors import House, basic
from harness import Server
from nginx import Nginx
from tokens import policy

SITE = """
include leasehold/leasehold-http.conf;
include leasehold/leasehold-upstream.conf;
underscores_in_headers on;
server {
	listen 127.0.0.1:8200;
	listen unix:/etc/leasehold/h2.sock http2;
	include leasehold/leasehold-server.conf;
	location /v1/ {
		set $lh_auth_method address;
		set $lh_auth_name   anybody;
		include /etc/leasehold/nginx-secret.conf;
		include leasehold/leasehold-api.conf;
	}
	location /v1/guarded/creds/ {
		include leasehold/auth/basic.conf;
		include leasehold/leasehold-api.conf;
	}
	location / {
		return 404;
	}
}
"""

PATH = "/v1/guarded/creds/r"
PARTS = PATH[1:].split("/")


class Site:
    def __init__(self, server, folder):
        self.server = server
        house = House(server, folder)
        house.login.close()
        policy(server, "all", {"*": ["create", "read", "update", "delete", "list", "sudo"]})
        house.entry("address/anybody", policies="all")
        house.entry("basic/alice", policies="all")
        self.nginx = Nginx(folder, server.path("run"), site=SITE)
        self.http2 = house.path("h2.sock")
        key, secret = server.sim.root_key
        for path, body in (("sys/mounts/guarded", {"type": "alicloud"}),
                           ("guarded/config", {"access_key": key, "secret_key": secret}),
                           ("guarded/role/r", {"remote_policies": "name:AliyunOSSReadOnlyAccess,"
                                                                  "type:System"})):
            assert server.api("POST", path, body).status == 204

    def raw(self, line, headers):
        """Status and text of the answer to a request line as it is; 0: no status."""
        lines = [line, "X-Vault-Request: true", "Connection: close", *headers, "", ""]
        with socket.create_connection(("127.0.0.1", self.nginx.port), 20) as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1"))
            text = connection.makefile("rb").read().decode("latin-1")
        status = re.match(r"HTTP/1\.\d (\d+)", text)
        return int(status[1]) if status else 0, text

    def over_http2(self, target, headers):
        arguments = [part for header in headers for part in ("-H", header)]
        done = subprocess.run(
            ["curl", "-s", "-i", "-g", "--http2-prior-knowledge", "--unix-socket", self.http2,
             "-H", "X-Vault-Request: true", *arguments, "--request-target", target, "http://x/"],
            capture_output=True, text=True, timeout=30, errors="replace", check=False)
        status = re.match(r"HTTP/2 (\d+)", done.stdout)
        return int(status[1]) if status else 0, done.stdout


@pytest.fixture(scope="module", name="site")
def one_site(leasehold, tmp_path_factory):
    with Server(trust=True) as server:
        site = Site(server, tmp_path_factory.mktemp("spellings"))
        with site.nginx:
            yield site
        assert server.api("DELETE", "sys/mounts/guarded").status == 204


def percent(text, how="%%%02x"):
    return "".join(how % ord(each) for each in text)


def joined(at, separator, parts=PARTS):
    """The path with another separator at one place."""
    return "/" + "/".join(parts[:at]) + separator + "/".join(parts[at:])


def changed(at, part):
    return "/" + "/".join(PARTS[:at] + [part] + PARTS[at + 1:])


def encoded():
    """Some characters, or all, once or twice."""
    for how in ("%%%02x", "%%%02X", "%%25%02x", "%%2525%02x", "%%u00%02x", "\\x%02x", "%%c1%%%02x"):
        for at, part in enumerate(PARTS):
            yield changed(at, percent(part, how))
            yield changed(at, part[:-1] + percent(part[-1], how))
        yield "/" + percent(PATH[1:], how)
        yield percent(PATH, how)


def separated():
    """Other things than one slash between the parts."""
    separators = (
        "//", "///", "/./", "/././", "/x/../", "/%2e/", "/%2E%2e/", "/x/%2e%2e/", "/x/.%2e/", "%2f",
        "%2F", "%252f", "%2f/", "/%2f", "%5c", "\\", "/;/", "/;x/", ";x/", ";x=y/", ";/", "/..;/",
        "/x/..;/", "%3b/", "/%00/", "%00/", "/%20/", "%20/", "%0a/", "%0d%0a/", "%09/",
        "/%c0%ae%c0%ae/", "%c0%af", "%e2%88%95", ".", ":", "%3f/", "?/", "#/", "/*/", "/+/", "")
    for at, separator in itertools.product(range(1, len(PARTS)), separators):
        yield joined(at, separator)


def surrounded():
    for tail in ("/", "//", "/.", "/..", "/./", "/../r", "/x/..", ".", "%20", "%00", "%0a", ";", ";x",
                 "?", "??", "?x", "?list=true", "?/../..", "#", "#x", "%23", "%3f", "%3flist=true",
                 "/r", ".json", "~", "*", "%2f", "%2f..", "%2f%2e%2e%2fr", "\\", "&x=y", "%ff",
                 "%c3%a9"):
        yield PATH + tail
    for head in ("/", "/.", "/x/..", "/..", "/%2e", "/%2e%2e", "/v1/..", "/v1", "/v1/v1/../..",
                 "/;x", "/%2f", "/\\", "/v1/sys/health/../../..", "/v1/sys/health?x=",
                 "/leasehold-error/..", "/?", "/#", "/v1/sys/mounts?path="):
        yield head + PATH
    yield from ("/v1/guarded/creds", "/v1/guarded/creds?/r", "/v1/guarded/creds%3f/r",
                "/v1/guarded?/creds/r", "/v1/guarded//", "/v2/guarded/creds/r", "/guarded/creds/r",
                "/v1/guarded/creds/", "/v1/guarded/creds/../creds/r", "/v1/guarded/role/../creds/r",
                "/v1/guarded/role/%2e%2e/creds/r", "/v1/guarded/role/r/../../creds/r")


def cased():
    for at, part in enumerate(PARTS):
        yield from (changed(at, part.upper()), changed(at, part.title()))
    yield from (PATH.upper(), PATH.swapcase(), "/v1/guarded/credſ/r".encode().decode("latin-1"),
                "/v1/guarded/creds/\u0052")


def whole():
    """Not only a path: absolute form, authority form and the like."""
    for scheme in ("http", "HTTP", "https", "ftp", "x"):
        yield scheme + "://x" + PATH
    for start in ("http://x:80", "http://x@y", "http://", "http:", "//x", "http://x//", "http://x/.",
                  "http://x?", "http://x#", "http://x/v1/..", "http://guarded/v1/guarded/..", "x",
                  "*", "http://x/%2e", "http://[::1]"):
        yield start + PATH
    yield from ("*", "guarded:443", "http://guarded/v1/creds/r", "v1/guarded/creds/r", "",
                "http://x/v1/guarded/%63reds/r", "http://x/v1//guarded/creds/r")


def spellings():
    made = itertools.chain(encoded(), separated(), surrounded(), cased(), whole())
    return sorted(set(made) - {PATH})


# What is served is another resource, and the path in its query means nothing.
OTHERS = ("/v1/sys/mounts?", "/v1/sys/health?")
REFUSALS = {0, 301, 400, 401, 403, 404, 405}


def statuses(answers):
    return {status for target, (status, _) in answers.items()
            if not target.startswith(OTHERS)}


def sent_by(site, bearer):
    return ["X-Vault-Token: " + site.server.root_token] if bearer == "root" else []


def is_untouched(site, answers):
    """No credential was issued, and nobody saw more than an error, or a page that is none."""
    for target, (_, text) in answers.items():
        assert "access_key" not in text and "lease_id\":\"guarded" not in text, (target, text)
    assert site.server.sim.count("CreateUser") == 0


@pytest.mark.parametrize("bearer", ["anybody", "root"])
@pytest.mark.parametrize("method", ["GET", "POST", "LIST"])
def test_no_spelling_of_a_path_goes_round_its_guard(site, bearer, method):
    sent = sent_by(site, bearer)
    answers = {target: site.raw("%s %s HTTP/1.1\r\nHost: x" % (method, target), sent)
               for target in spellings()}
    is_untouched(site, answers)
    assert statuses(answers) <= REFUSALS, [a for a in answers if answers[a][0] not in REFUSALS]
    # Of what nginx itself resolves, the guard saw the result.
    for target in ("/v1/guarded//creds/r", "/v1/x/../guarded/creds/r", "/v1/guarded/creds%2fr",
                   "/v1/guarded/%63%72%65%64%73/r", "http://x" + PATH, PATH + "?", PATH + "/."):
        assert answers[target][0] == 401, (target, answers[target])


@pytest.mark.parametrize("bearer", ["anybody", "root"])
def test_nor_over_http2(site, bearer):
    targets = [target for target in spellings() if target and "\0" not in target]
    answers = {target: site.over_http2(target, sent_by(site, bearer)) for target in targets}
    is_untouched(site, answers)
    assert 401 in statuses(answers)
    assert statuses(answers) <= REFUSALS, [a for a in answers if answers[a][0] not in REFUSALS]


@pytest.mark.parametrize("bearer", ["anybody", "root"])
@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_nor_does_a_header_that_means_another_path(site, bearer, version):
    names = ("X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-Uri", "Referer",
             "X-Accel-Redirect", "X-Forwarded-Path", "DOCUMENT_URI", "Document-URI", "REQUEST_URI",
             "LH_PATH", "Path-Info", "X-HTTP-Method-Override", "Destination")
    sent = [*("%s: %s" % (name, PATH) for name in names), *sent_by(site, bearer)]
    for path in ("/v1/sys/mounts", "/v1/guarded/role/r", "/v1/"):
        is_untouched(site, {path: site.raw("GET %s %s\r\nHost: x" % (path, version), sent)})
    for namespace, path in (("guarded", "/v1/creds/r"), ("guarded/", "/v1/creds/r"),
                            ("guarded/creds", "/v1/r"), ("/", "/v1//guarded/creds/r"),
                            ("root", "/v1/root/guarded/creds/r")):
        head = "GET %s %s\r\nHost: x" % (path, version)
        header = "X-Vault-Namespace: " + namespace
        is_untouched(site, {path: site.raw(head, [header, *sent_by(site, bearer)])})


def test_nor_does_the_oldest_http(site):
    with socket.create_connection(("127.0.0.1", site.nginx.port), 20) as connection:
        connection.sendall(b"GET " + PATH.encode() + b"\r\n")
        text = connection.makefile("rb").read().decode()
    is_untouched(site, {PATH: (0, text)})


def test_whoever_passes_the_guard_gets_a_credential(site):
    """Last: the others count on it that none was issued before."""
    sent = ["Authorization: " + basic("alice", "in")]
    status, text = site.raw("GET %s HTTP/1.1\r\nHost: x" % PATH, sent)
    assert status == 200 and "access_key" in text
    assert site.server.sim.count("CreateUser") == 1
    assert site.raw("GET /v1/sys/mounts HTTP/1.1\r\nHost: x", [])[0] == 200     # the open location
    lease = re.search(r'"lease_id":"([^"]+)"', text)[1]
    reply = site.server.api("PUT", "sys/leases/revoke", {"lease_id": lease})
    assert reply.status == 204, reply
    assert site.server.sim.leftovers() == []

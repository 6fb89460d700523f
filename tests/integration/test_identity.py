# SPDX-License-Identifier: Apache-2.0
"""Whom nginx vouches for: served without a token, and by nobody else's word.

In place of an auth rule the site takes method and name from two headers that only these tests send;
what clients try to do to a real rule's variables is tried on a site that sets them itself.
"""
import concurrent.futures
import http.client
import itertools
import os
import ssl
import subprocess

import pytest

from client import Reply, request, send_raw
from fastcgi import request as whole, send
from harness import Server, wait_until
from lending import make_role
from nginx import free_port
from tokens import policy
from vouching import ENTRY, SELF, VAULT, ask_as, is_refused, put, vouch, vouching_server

# As careless about headers as nginx can be told to be.
LOOSE = "underscores_in_headers on; ignore_invalid_headers off;"
FIXED = "set $lh_auth_method basic; set $lh_auth_name alice;"


@pytest.fixture(scope="module", name="server")
def one_server(leasehold):
    with vouching_server() as server:
        yield server


@pytest.fixture(scope="module", name="fixed")
def one_fixed_server(leasehold, tmp_path_factory):
    """A site that says itself who asks, over HTTP/1 and HTTP/2."""
    http2 = str(tmp_path_factory.mktemp("h2") / "h2.sock")
    extra = FIXED + LOOSE + "listen unix:%s http2;" % http2
    with Server(trust=True, nginx={"extra": extra}) as server:
        server.http2 = http2
        for name in ("basic/alice", "basic/admin", "map/admin"):
            put(server, name, policies="default")
        yield server


# --- served ---

def test_an_identity_fetches_renews_and_revokes_a_credential_without_a_token(server, mount):
    make_role(server, mount)
    put(server, "basic/svc", policies="app")
    reply = ask_as(server, "svc", "GET", mount + "/creds/r")
    assert reply.status == 200, reply
    lease = {"lease_id": reply["lease_id"]}
    assert ask_as(server, "svc", "PUT", "sys/leases/renew", lease).status == 200
    put(server, "basic/other", policies="app")
    assert ask_as(server, "other", "PUT", "sys/leases/revoke", lease).status == 403
    assert ask_as(server, "svc", "PUT", "sys/leases/revoke", lease).status == 204
    assert server.sim.leftovers() == []


def test_what_a_glob_grants_belongs_to_the_exact_name(server, mount):
    make_role(server, mount)
    put(server, "cert/svc-*", policies="app,default")
    one = dict(how="map")
    put(server, "map/svc-*", policies="app,default")
    lease = ask_as(server, "svc-a", "GET", mount + "/creds/r", **one)["lease_id"]
    assert ask_as(server, "svc-a", "PUT", "cubbyhole/x", {"k": "a"}, **one).status == 204
    assert ask_as(server, "svc-b", "GET", "cubbyhole/x", **one).status == 404
    assert ask_as(server, "svc-b", "PUT", "sys/leases/renew", {"lease_id": lease},
                  **one).status == 403
    put(server, "map/svc-a", policies="app,default")    # from now on a closer entry serves it
    assert ask_as(server, "svc-a", "PUT", "sys/leases/revoke", {"lease_id": lease},
                  **one).status == 204
    assert server.sim.leftovers() == []


def test_a_login_token_reaches_what_its_identity_owns(server, mount):
    make_role(server, mount)
    put(server, "basic/agent", policies="app")
    lease = ask_as(server, "agent", "GET", mount + "/creds/r")["lease_id"]
    token = ask_as(server, "agent", "POST", "auth/proxy/login")["auth"]["client_token"]
    reply = server.api("PUT", "sys/leases/revoke", {"lease_id": lease}, token=token)
    assert reply.status == 204, reply
    assert server.sim.leftovers() == []


def test_a_deleted_entry_takes_leases_and_tokens_with_it(server, mount):
    make_role(server, mount)
    put(server, "basic/team-*", policies="app")
    put(server, "basic/stays", policies="app")
    for name in ("team-a", "team-b", "stays"):
        assert ask_as(server, name, "GET", mount + "/creds/r").status == 200
    auth = ask_as(server, "team-a", "POST", "auth/proxy/login")["auth"]
    assert server.api("GET", mount + "/creds/r", token=auth["client_token"]).status == 200
    assert len(server.sim.leftovers()) >= 4
    assert server.api("DELETE", ENTRY + "basic/team-*").status == 204
    assert ask_as(server, "team-a", "GET", mount + "/creds/r").status == 403
    assert server.api("GET", SELF, token=auth["client_token"]).status == 403
    wait_until(lambda: users(server) == 1, 30, "the leases of the deleted entry are revoked")
    assert ask_as(server, "stays", "GET", SELF).status == 200
    assert server.api("DELETE", ENTRY + "basic/stays").status == 204
    wait_until(lambda: server.sim.leftovers() == [], 30)


def users(server):
    return len([left for left in server.sim.leftovers() if left.get("kind", "user") == "user"])


def test_no_lease_is_born_to_an_entry_that_is_deleted(server, mount):
    make_role(server, mount)
    put(server, "basic/racer", policies="app")
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(ask_as, server, "racer", "GET", mount + "/creds/r") for _ in range(8)]
        assert server.api("DELETE", ENTRY + "basic/racer").status == 204
        replies = [each.result() for each in asked]
    assert {reply.status for reply in replies} <= {200, 400, 403}, replies
    wait_until(lambda: server.sim.leftovers() == [], 30)


def test_a_deletion_survives_the_death_of_everybody(server, mount):
    make_role(server, mount)
    put(server, "basic/gone", policies="app")
    assert ask_as(server, "gone", "GET", mount + "/creds/r").status == 200
    server.kill("revoker")
    assert server.api("DELETE", ENTRY + "basic/gone").status == 204
    server.kill("master")
    server.start_daemon()
    wait_until(lambda: server.sim.leftovers() == [], 30)
    assert ask_as(server, "gone", "GET", SELF).status == 403


def test_renewing_a_token_needs_its_identity_now(server):
    put(server, "request/*", policies="default", ttl="5m")
    auth = ask_as(server, "ann", "POST", "auth/proxy/login", how="request")["auth"]
    assert auth["lease_duration"] == 300

    def renew(name):
        headers = {**VAULT, "X-Test-Method": "request" if name else "", "X-Test-Name": name}
        return server.api("POST", "auth/token/renew-self", {}, auth["client_token"], headers)
    assert renew("ann").status == 200
    is_refused(server, renew("bob"), "a token is not renewed")
    assert renew("").status == 403


def test_log_and_lookup_name_who_it_was(server):
    put(server, "basic/logged", policies="default", metadata={"team": "x"})
    assert ask_as(server, "logged", "POST", "auth/proxy/login").status == 200
    wait_until(lambda: "identity basic/logged: api: " in server.log())
    assert ask_as(server, "logged", "GET", SELF).data["meta"] == {
        "method": "basic", "name": "logged", "team": "x"}


def test_a_name_forges_no_line_of_the_log(server):
    reply = ask_as(server, "x\u2028\u0085".encode() + b"y", "GET", SELF)
    is_refused(server, reply, "identity: basic/x\u2028\\xc2\\x85y is refused")


def test_a_rate_counts_a_request_once_whichever_pool_answers(server, mount):
    make_role(server, mount)
    put(server, "basic/slow", policies="app", rate=1)
    put(server, "basic/slow-too", policies="app", rate=1)
    for name in ("slow", "slow-too"):
        assert ask_as(server, name, "GET", mount + "/creds/r").status == 200
    reply = wait_until(lambda: (r := ask_as(server, "slow", "GET", SELF)).status == 429 and r)
    assert reply.headers["Retry-After"] in ("1", "2"), reply


def test_the_token_of_a_login_is_held_to_the_rate_as_well(server):
    put(server, "basic/hasty", policies="app", rate=1)
    token = ask_as(server, "hasty", "POST", "auth/proxy/login")["auth"]["client_token"]
    wait_until(lambda: server.api("GET", SELF, token=token).status == 429)
    put(server, "basic/hasty", rate=0)
    assert {server.api("GET", SELF, token=token).status for _ in range(5)} == {200}


def test_the_mount_is_listed(server):
    mounts = server.api("GET", "sys/auth").data
    assert mounts["proxy/"]["type"] == "proxy" and "token/" in mounts


# --- forged, broken, empty ---

@pytest.mark.parametrize("how, name, reason", [
    ("basic", "", "the name is empty"),
    ("", "svc", "the method is none of"),
    ("kerberos", "svc", "the method is none of"),
    ("BASIC", "svc", "the method is none of"),
    ("basic", b"s\xffvc", "not printable UTF-8"),
    ("basic", "n" * 300, "the name is too long"),
    ("basic", "nobody", "no entry below auth/proxy/identity/ serves it"),
    ("cert", "svc", "has not verified the client's certificate"),
    ("basic", "poor", "its entry has no policies"),
    ("basic", "far", "bound_cidrs do not hold its address"),
])
def test_what_cannot_be_believed_is_refused_with_a_reason(server, how, name, reason):
    put(server, "basic/poor")
    put(server, "basic/far", policies="default", bound_cidrs="192.0.2.0/24")
    put(server, "cert/svc", policies="default")
    is_refused(server, ask_as(server, name, "GET", SELF, how=how), reason)


def test_a_web_page_is_not_served_as_who_its_reader_is(server):
    put(server, "basic/reader", policies="default")
    assert ask_as(server, "reader", "GET", SELF).status == 200
    for word in ("", "1", "True"):
        reply = ask_as(server, "reader", "GET", SELF, **{"X-Vault-Request": word})
        is_refused(server, reply, "the header X-Vault-Request")


@pytest.mark.parametrize("path", [
    "/v1//auth/token/lookup-self", "/v1/./auth/token/lookup-self",
    "/v1/x/../auth/token/lookup-self",
    "/v1/%2e/auth/token/lookup-self", "/v1/x/%2e%2e/auth/token/lookup-self", "//v1/" + SELF])
def test_a_path_that_nginx_had_to_resolve_is_nobodys(server, path):
    put(server, "basic/walker", policies="default")
    headers = {**VAULT, "X-Test-Method": "basic", "X-Test-Name": "walker"}
    reply = request(server.nginx.port, "GET", path, headers=headers)
    is_refused(server, reply, "the path is not the one")


def test_a_rewrite_separates_nobody_from_the_rule(leasehold):
    extra = FIXED + "location /open/ { rewrite ^/open/(.*)$ /v1/$1 last; }"
    with Server(trust=True, nginx={"extra": extra}) as server:
        put(server, "basic/alice", policies="default")
        assert request(server.nginx.port, "GET", "/v1/" + SELF, headers=VAULT).status == 200
        reply = request(server.nginx.port, "GET", "/open/" + SELF, headers=VAULT)
        is_refused(server, reply, "the path is not the one")


def test_a_token_decides_alone(server):
    put(server, "basic/both", policies="default")
    reply = ask_as(server, "both", "GET", SELF, **{"X-Vault-Token": "hvs.nobody"})
    assert reply.status == 403
    reply = ask_as(server, "both", "GET", SELF, **{"X-Vault-Token": server.root_token})
    assert reply.data["display_name"] == "root"
    reply = ask_as(server, "both", "POST", "auth/proxy/login",
                   **{"X-Vault-Token": server.root_token})
    is_refused(server, reply, "a token came along")


# --- certificates, which nginx has verified or merely let in ---

class Certificates:
    """An authority, one certificate of it and one of nobody's, made by openssl."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca",
                 "-keyout", "ca.key", "-out", "ca.crt")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=svc", "-keyout", "svc.key",
                 "-out", "svc.csr")
        self.run("x509", "-req", "-in", "svc.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                 "-CAcreateserial", "-days", "2", "-out", "svc.crt")
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=svc",
                 "-keyout", "rogue.key", "-out", "rogue.crt")

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                       timeout=60)

    def path(self, name):
        return os.path.join(self.folder, name)

    def site(self, port):
        """Says of every client what its certificate says, verified or not, as no recipe would."""
        return ("listen 127.0.0.88:%d ssl; ssl_certificate %s; ssl_certificate_key %s;"
                "ssl_client_certificate %s; ssl_verify_client optional_no_ca;"
                "set $lh_auth_method cert; set $lh_auth_name $ssl_client_s_dn;"
                % (port, self.path("svc.crt"), self.path("svc.key"), self.path("ca.crt")))

    def ask(self, port, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if name:
            context.load_cert_chain(self.path(name + ".crt"), self.path(name + ".key"))
        connection = http.client.HTTPSConnection("127.0.0.88", port, timeout=60, context=context)
        try:
            connection.request("GET", "/v1/" + SELF, headers=VAULT)
            return Reply(connection.getresponse())
        finally:
            connection.close()


def test_a_certificate_counts_only_when_nginx_has_verified_it(leasehold, tmp_path):
    certificates, port = Certificates(tmp_path), free_port("127.0.0.88")
    with Server(trust=True, nginx={"extra": certificates.site(port)}) as server:
        put(server, "cert/CN=svc", policies="default")
        reply = certificates.ask(port, "svc")
        assert reply.status == 200 and reply.data["meta"]["name"] == "CN=svc", reply
        is_refused(server, certificates.ask(port, "rogue"), "has not verified the client's")
        is_refused(server, certificates.ask(port, ""), "the name is empty")


# --- somebody beside nginx ---

@pytest.mark.parametrize("more, reason", [
    ({"LH_AUTH_SECRET": None}, "LH_AUTH_SECRET is missing"),
    ({"LH_AUTH_SECRET": "0" * 64}, "LH_AUTH_SECRET is not that"),
    ({"LH_AUTH_NAME": "n" * 65536}, "the name is too long"),
    ({"LH_AUTH_NAME": "direct\nGET"}, "not printable UTF-8"),
    ({"REQUEST_URI": None}, "the path is not the one"),
])
def test_only_who_knows_the_secret_is_believed(server, more, reason):
    put(server, "basic/direct", policies="default")
    address = server.path("run", "read.sock")
    assert send(address, whole(vouch(server))).status == 200
    is_refused(server, Answered(send(address, whole(vouch(server, **more)))), reason)


class Answered:
    """A FastCGI answer with the members of a Reply."""

    def __init__(self, answer):
        self.status, self.errors = answer.status, answer.body["errors"]


@pytest.mark.parametrize("name", ["LH_AUTH_NAME", "LH_AUTH_METHOD", "LH_AUTH_SECRET"])
def test_a_parameter_that_comes_twice_is_refused(server, name):
    twice = vouch(server)
    twice.insert(0, (name, "direct"))
    answer = send(server.path("run", "read.sock"), whole(twice))
    is_refused(server, Answered(answer), "a parameter LH_AUTH_")


def test_a_listener_that_trusts_nobody_believes_nobody(leasehold):
    with Server(nginx={"extra": FIXED}) as server:
        put(server, "basic/alice", policies="default")
        reply = request(server.nginx.port, "GET", "/v1/" + SELF, headers=VAULT)
        is_refused(server, reply, "the listener has no trust_identity")


# --- headers never become an identity ---

NAMES = ("LH_AUTH_METHOD", "LH_AUTH_NAME", "LH_AUTH_SECRET", "LH_TLS_VERIFY", "LH_TLS_CERT")


def spellings():
    for name in NAMES:
        for form in (name, name.replace("_", "-")):
            for prefix in ("", "HTTP_", "HTTP-", "X-", "$", "FCGI_"):
                for case in (str, str.lower, str.title):
                    yield case(prefix + form)
        yield name.lower().removeprefix("lh_")
    yield from ("Remote-User", "REMOTE_USER", "X-Remote-User", "X-Forwarded-User",
                "SSL-Client-Verify")


VALUES = {"METHOD": "map", "NAME": "admin", "VERIFY": "SUCCESS"}


def value_of(name):
    return VALUES.get(name.upper().replace("-", "_").rpartition("_")[2], "admin")


def is_alice(text):
    """Whatever was sent, the site's own word counted, or the request was refused whole."""
    assert "admin" not in text and "\"map\"" not in text, text
    assert "alice" in text or " 400 " in text.split("\n")[0] or "431" in text.split("\n")[0], text


def raw(server, *lines):
    data = "\r\n".join(lines).encode("latin-1")
    return send_raw(server.nginx.port, data).decode("latin-1")


def batches(size):
    names = iter(spellings())
    while batch := list(itertools.islice(names, size)):
        yield batch


HEAD = ("GET /v1/" + SELF + " HTTP/1.1", "Host: x", "X-Vault-Request: true", "Connection: close")


def test_no_spelling_of_a_header_makes_an_identity(fixed):
    for batch in batches(20):
        lines = ["%s: %s" % (name, value_of(name)) for name in batch]
        is_alice(raw(fixed, *HEAD, *lines, "", ""))


def test_nor_does_a_header_that_comes_twice(fixed):
    for batch in batches(10):
        lines = ["%s: %s" % (name, value_of(name)) for name in batch for _ in range(2)]
        is_alice(raw(fixed, *HEAD, *lines, "", ""))


def test_nor_does_a_trailer(fixed):
    for batch in batches(20):
        lines = ["%s: %s" % (name, value_of(name)) for name in batch]
        answer = raw(fixed, *HEAD, "Transfer-Encoding: chunked", "Trailer: " + ", ".join(batch[:5]),
                     "", "0", *lines, "", "")
        is_alice(answer)


def test_nor_does_anything_over_http2(fixed):
    for batch in batches(20):
        arguments = [part for name in batch for _ in range(2)
                     for part in ("-H", "%s: %s" % (name, value_of(name)))]
        done = subprocess.run(
            ["curl", "-s", "-i", "--http2-prior-knowledge", "--unix-socket", fixed.http2,
             "-H", "X-Vault-Request: true", *arguments, "http://x/v1/" + SELF],
            capture_output=True, text=True, timeout=60, check=True)
        is_alice(done.stdout)


# --- the secret ---

def test_the_secret_is_the_same_for_ever_and_in_no_log(fixed):
    line = fixed.run("nginx-secret").stdout
    with open(fixed.path("nginx-secret.conf"), encoding="utf-8") as file:
        assert file.read() == line
    fixed.restart()
    assert request(fixed.nginx.port, "GET", "/v1/" + SELF, headers=VAULT).status == 200
    secret = line.split()[2].rstrip(";")
    assert len(secret) == 64
    assert secret not in fixed.log() and secret not in fixed.nginx.log()


# --- the rest of the API, asked by an identity ---

def test_an_identity_may_have_its_answers_wrapped(server, mount):
    make_role(server, mount)
    put(server, "basic/wrapper", policies="app")
    reply = ask_as(server, "wrapper", "GET", mount + "/creds/r", **{"X-Vault-Wrap-TTL": "60s"})
    assert reply.status == 200, reply
    opened = server.api("PUT", "sys/wrapping/unwrap", {}, token=reply["wrap_info"]["token"])
    assert opened.status == 200, opened
    lease = opened["lease_id"]
    put(server, "basic/opener", policies="default")
    reply = ask_as(server, "wrapper", "GET", SELF, **{"X-Vault-Wrap-TTL": "60s"})
    body = {"token": reply["wrap_info"]["token"]}
    reply = ask_as(server, "opener", "PUT", "sys/wrapping/unwrap", body)
    assert reply.status == 200 and reply.data["meta"]["name"] == "wrapper", reply
    reply = ask_as(server, "wrapper", "PUT", "sys/leases/revoke", {"lease_id": lease})
    assert reply.status == 204, reply
    assert server.sim.leftovers() == []


def test_a_login_may_be_wrapped(server):
    put(server, "basic/gift", policies="default")
    reply = ask_as(server, "gift", "POST", "auth/proxy/login", **{"X-Vault-Wrap-TTL": "60s"})
    opened = server.api("PUT", "sys/wrapping/unwrap", {}, token=reply["wrap_info"]["token"])
    token = opened["auth"]["client_token"]
    assert server.api("GET", SELF, token=token).data["meta"]["name"] == "gift"


def test_an_identity_learns_what_it_may_do(server):
    put(server, "basic/asks", policies="app,default")
    reply = ask_as(server, "asks", "POST", "sys/capabilities-self", {"paths": ["x/creds/r", "y"]})
    assert reply.data["x/creds/r"] == ["read"] and reply.data["y"] == ["deny"]
    assert ask_as(server, "asks", "GET", "sys/internal/ui/mounts").status == 200
    reply = ask_as(server, "asks", "GET", "sys/internal/ui/resultant-acl")
    assert reply.status == 200 and reply.data["root"] is False
    reply = ask_as(server, "asks", "GET", "sys/internal/ui/resultant-acl",
                   **{"X-Vault-Wrap-TTL": "60s"})
    assert reply.status == 200 and reply["data"] is None and reply["wrap_info"]["ttl"] == 60
    reply = ask_as(server, "unheard-of", "GET", "sys/internal/ui/resultant-acl")
    assert reply.status == 403, reply


def test_an_identity_gives_back_all_that_it_has_and_goes_on(server, mount):
    make_role(server, mount)
    put(server, "basic/clean", policies="app,default")
    assert ask_as(server, "clean", "POST", "auth/token/revoke-self").status == 204
    for _ in range(2):
        assert ask_as(server, "clean", "GET", mount + "/creds/r").status == 200
    assert ask_as(server, "clean", "POST", "auth/token/revoke-self").status == 204
    wait_until(lambda: server.sim.leftovers() == [], 30)
    wait_until(lambda: ask_as(server, "clean", "GET", SELF).status == 200)


def test_an_identity_has_no_token_to_renew_or_to_bear_others(server):
    policy(server, "bears", {"auth/token/create": ["update"]})
    put(server, "basic/childless", policies="bears,default")
    for path, words in (("auth/token/create", "log in at"), ("auth/token/renew-self", "no token")):
        reply = ask_as(server, "childless", "POST", path, {})
        assert reply.status == 400 and words in reply.errors[0], reply


def test_a_folder_that_nginx_takes_off_is_no_rewrite(leasehold):
    extra = FIXED + "location /vault/ { rewrite ^/vault(/v1/.*)$ $1 last; }"
    prefix = 'identity_prefix = "/vault"'
    with Server(trust=True, nginx={"extra": extra}, trusting=prefix) as server:
        put(server, "basic/alice", policies="default")
        assert request(server.nginx.port, "GET", "/vault/v1/" + SELF, headers=VAULT).status == 200
        reply = request(server.nginx.port, "GET", "/v1/" + SELF, headers=VAULT)
        is_refused(server, reply, "the path is not the one")

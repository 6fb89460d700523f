# SPDX-License-Identifier: Apache-2.0
"""auth/cert: a certificate is shown to nginx, judged by leasehold, and becomes a token.

Two sites: one whose nginx verifies certificates, and one whose nginx knows only an authority that
has signed none of them and lets them all in, so that nobody but leasehold keeps anyone out."""
import json
import os
import re
import shutil
import subprocess
from urllib.parse import quote

import pytest

from authority import Authority, TlsClient
from doors import Door, House
from fastcgi import params_of, request as whole, send
from harness import Server, wait_until
from nginx import Nginx, shipped
from tokens import INVALID as INVALID_TOKEN
from tokens import Token

MISSING = ["client certificate must be supplied"]
DENIED = ["permission denied"]
LOGIN = "/v1/auth/cert/login"
RENEW = "/v1/auth/token/renew-self"
CLIENT = "extendedKeyUsage = clientAuth\n"
NAMES = CLIENT + "subjectAltName = DNS:one.example.com, URI:spiffe://x/one, email:one@example.com\n"
COMMAND = shutil.which("bao") or shutil.which("vault")


def many_names(count):
    """About 70 bytes each."""
    return "subjectAltName = @names\n[names]\n" + "".join(
        "DNS.%d = host-%d.%s.example.com\n" % (i, i, "x" * 50) for i in range(count))


class Clients(House):
    """Certificates of every kind, and the entry `web` for those of the authority."""

    def _make_certificates(self):
        self.authority = Authority(self.folder)
        issue = self.authority.issue
        issue("server", "/CN=127.0.0.1", "subjectAltName = IP:127.0.0.1\n")
        issue("svc-one", "/O=Example/OU=ops/CN=svc-one", NAMES)
        issue("svc-two", "/CN=svc-two", CLIENT)
        issue("plain", "/CN=plain")
        issue("for-servers", "/CN=svc-one", "extendedKeyUsage = serverAuth\n")
        issue("expired", "/CN=svc-one", CLIENT, days=0)
        issue("revoked", "/CN=svc-one", CLIENT)
        issue("below-a-client", "/CN=svc-one", CLIENT, signer="svc-two")
        issue("large", "/CN=svc-one", CLIENT + many_names(220))
        issue("too-large", "/CN=svc-one", CLIENT + many_names(290))
        issue("huge", "/CN=svc-one", CLIENT + many_names(800))
        self.authority.sign_itself("rogue", "/CN=svc-one")
        self.authority.sign_itself("nobody", "/CN=nobody")
        self.authority.revoke("revoked")
        self._make_intermediate()

    def _make_intermediate(self):
        """One below the authority, whose clients may leave it out; both.crl: what both revoke."""
        issue = self.authority.issue
        issue("between", "/CN=between", "basicConstraints = critical, CA:TRUE\n")
        issue("below", "/CN=below", CLIENT, signer="between")
        self.authority.revoke("below", signer="between")
        self.write("both.crl", "".join(self.read(name) for name in ("ca.crl", "between.crl")))
        self.write("both.crt", self.authority.pem("ca", "between"))
        self.write("below-chain.crt", self.authority.pem("below", "between"))
        self.write("below-chain.key", self.read("below.key"))

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def _let_in_certificates(self):
        self.put("web", "ca", token_policies="app", token_ttl="5m")

    def put(self, name, certificate, **fields):
        reply = self.server.api("POST", "auth/cert/certs/" + name,
                                {"certificate": self.authority.pem(certificate), **fields})
        assert reply.status == 204, reply


@pytest.fixture(scope="module", name="house")
def one_house(leasehold, tmp_path_factory):
    with Server(trust=True) as server:
        house = Clients(server, tmp_path_factory.mktemp("clients"))
        yield house
        house.login.close()


@pytest.fixture(scope="module", name="server")
def its_server(house):
    return house.server


def site(house, folder, **more):
    return Door(house, folder, "certificate-login", **more)


@pytest.fixture(scope="module", name="strict")
def strict_site(house, tmp_path_factory):
    crl = "ssl_crl %s;" % house.path("ca.crl")
    with site(house, tmp_path_factory.mktemp("strict"), more=crl) as door:
        yield door


@pytest.fixture(scope="module", name="loose")
def loose_site(house, tmp_path_factory):
    with site(house, tmp_path_factory.mktemp("loose"), verify="optional_no_ca",
              authority=house.path("nobody.crt")) as door:
        yield door


@pytest.fixture(name="door", params=["strict", "loose"])
def either_site(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(name="entry")
def an_entry(house):
    """Makes entries that go with the test."""
    names = []

    def make(name, certificate, **fields):
        names.append(name)
        house.put(name, certificate, **fields)
    yield make
    for name in names:
        assert house.server.api("DELETE", "auth/cert/certs/" + name).status == 204


def log_in(door, certificate, entry=None, **headers):
    return door.ask(certificate, "POST", LOGIN, {"name": entry} if entry else {}, **headers)


def token(door, *arguments, **headers):
    reply = log_in(door, *arguments, **headers)
    assert reply.status == 200, reply
    return Token(door.house.server, reply["auth"])


def renew(door, certificate, text):
    return door.ask(certificate, "PUT", RENEW, {}, X_Vault_Token=text)


def is_refused(door, reply, reason):
    """Nobody is told why; the log has the reason."""
    told = (400, MISSING) if reason == "no certificate came along" else (403, DENIED)
    assert (reply.status, reply.errors) == told, reply
    wait_until(lambda: "is refused: " + reason in door.house.server.log(), what=reason)


# --- let in ---

def test_a_certificate_becomes_a_token(house, door):
    reply = log_in(door, "svc-one")
    assert reply.status == 200, reply
    auth = reply["auth"]
    assert auth["policies"] == ["app", "default"] and auth["lease_duration"] == 300
    assert auth["renewable"] and auth["token_type"] == "service"
    assert auth["metadata"]["cert_name"] == "web" and auth["metadata"]["common_name"] == "svc-one"
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", house.path("svc-one.crt")],
                           check=True, capture_output=True, text=True, timeout=20).stdout
    assert int(auth["metadata"]["serial_number"]) == int(shown.split("=")[1], 16)
    data = Token(house.server, auth).lookup().data
    assert data["display_name"] == "cert-web" and data["path"] == "auth/cert/login"
    assert data["meta"] == auth["metadata"]


def test_the_token_fetches_a_credential_and_takes_it_along(house, strict, entry, mount):
    server = house.server
    server.api("POST", mount + "/role/r", {"remote_policies": "name:AliyunOSSReadOnlyAccess,"
                                                              "type:System"})
    entry("lends", "ca", token_policies="app")
    bearer = token(strict, "svc-one", "lends")
    assert bearer.api("GET", mount + "/creds/r").status == 200
    assert server.sim.leftovers() != []
    assert server.api("DELETE", "auth/cert/certs/lends").status == 204
    assert bearer.is_dead()
    wait_until(lambda: server.sim.leftovers() == [], 30)


def test_any_client_may_log_in_without_more_headers(strict):
    """As with curl alone: what the token may do is what counts."""
    assert log_in(strict, "svc-one", X_Vault_Request="").status == 200
    assert log_in(strict, "svc-one", X_Vault_Token="hvs.old").status == 200
    for body in (None, {"name": "web"}, {"name": ""}, "name=web"):
        assert strict.ask("svc-one", "PUT", LOGIN, body).status == (400 if body == "name=web" else 200)


@pytest.mark.parametrize("who", ["plain", "large"])
def test_a_certificate_may_be_of_any_purpose_or_long(door, who):
    assert log_in(door, who).status == 200


@pytest.mark.parametrize("field, pattern, other", [
    ("allowed_names", "one.example.*", "two"),
    ("allowed_common_names", "svc-o*", "svc-two"),
    ("allowed_dns_sans", "*.example.com", "svc-one"),
    ("allowed_email_sans", "*@example.com", "*@example.org"),
    ("allowed_uri_sans", "spiffe://x/*", "spiffe://y/*"),
    ("allowed_organizational_units", "ops", "dev"),
])
def test_names_are_those_of_the_entry(loose, entry, field, pattern, other):
    entry("named", "ca", **{field: pattern})
    assert log_in(loose, "svc-one", "named").status == 200
    is_refused(loose, log_in(loose, "plain", "named"), "")
    entry("named", "ca", **{field: other})
    is_refused(loose, log_in(loose, "svc-one", "named"), "")


def test_a_certificate_that_signed_itself_may_be_meant(loose, entry):
    is_refused(loose, log_in(loose, "rogue"), "no entry has its authority")
    entry("itself", "rogue")
    assert log_in(loose, "rogue").status == 200
    entry("itself", "svc-two")    # whoever has signed it: its very bytes
    assert log_in(loose, "svc-two", "itself").status == 200
    is_refused(loose, log_in(loose, "svc-one", "itself"), "it is none of those that are meant")
    is_refused(loose, log_in(loose, "rogue", "itself"), "it is none of those that are meant")


@pytest.mark.parametrize("name", ["nosuch", "x" * 129])
def test_a_login_to_an_entry_that_is_not_there_is_logged_as_such(loose, name):
    is_refused(loose, log_in(loose, "svc-one", name), "there is no entry of this name")


def test_a_login_may_be_wrapped(house, strict):
    reply = log_in(strict, "svc-one", X_Vault_Wrap_TTL="60s")
    opened = house.server.api("PUT", "sys/wrapping/unwrap", {},
                              token=reply["wrap_info"]["token"])
    assert not Token(house.server, opened["auth"]).is_dead()
    reply = log_in(strict, "svc-two", "nobody", X_Vault_Wrap_TTL="60s")
    assert (reply.status, reply.errors) == (403, DENIED), reply


# --- kept out ---

@pytest.mark.parametrize("who, reason", [
    ("for-servers", "its extended key usage is not that of clients"),
    ("rogue", "none of the authorities has signed it"),
    ("below-a-client", "none of the authorities has signed it"),
    ("huge", "no certificate came along"),
    (None, "no certificate came along"),
])
def test_what_nginx_let_in_leasehold_judges(loose, who, reason):
    reply = log_in(loose, who, "web")
    is_refused(loose, reply, reason)
    assert log_in(loose, who).status == reply.status


LOGGED = {"for-servers": "FAILED:unsuitable certificate purpose",
          "expired": "FAILED:certificate has expired", "revoked": "FAILED:certificate revoked",
          "rogue": "FAILED:unable to get", "below-a-client": "FAILED:unable to get"}


@pytest.mark.parametrize("who", LOGGED)
def test_what_nginx_keeps_out_does_not_come_in(strict, who):
    wait_until(lambda: who != "expired" or log_in(strict, who).status != 200)
    reply = log_in(strict, who)
    assert (reply.status, reply.errors) == (403, DENIED), reply
    wait_until(lambda: LOGGED[who] in strict.nginx.log("leasehold.log"), what=LOGGED[who])


def test_a_revoked_certificate_is_nginx_to_know(loose):
    """Without ssl_crl it is as good as ever."""
    assert log_in(loose, "revoked").status == 200


@pytest.mark.parametrize("verify, authorities, status", [
    ("optional", "ca.crt", 403), ("optional_no_ca", "both.crt", 403), ("optional_no_ca", "ca.crt", 200)])
def test_who_leaves_an_authority_out_is_known_where_nginx_has_it(house, tmp_path, entry, verify,
                                                                authorities, status):
    """As the recipe says; the last of these sites is what it warns of."""
    entry("below", "between", token_policies="app")
    more = "ssl_crl %s;" % house.path("both.crl")
    with site(house, tmp_path, verify=verify, authority=house.path(authorities), more=more) as door:
        assert log_in(door, "below-chain", "below").status == 403
        assert log_in(door, "below", "below").status == status


def test_only_the_entry_that_is_named_counts(strict, entry):
    entry("narrow", "ca", allowed_common_names="else")
    is_refused(strict, log_in(strict, "svc-one", "narrow"), "its common name is not among")
    is_refused(strict, log_in(strict, "svc-one", "nobody"), "no entry")
    assert log_in(strict, "svc-one").status == 200


def test_a_login_must_come_from_where_its_token_may(strict, entry):
    entry("far", "ca", token_bound_cidrs="192.0.2.0/24")
    reply = log_in(strict, "svc-one", "far")
    assert (reply.status, reply.errors) == (403, DENIED)
    entry("far", "ca", token_bound_cidrs="127.0.0.1")
    bearer = token(strict, "svc-one", "far")
    assert not bearer.is_dead()
    assert strict.ask(path="/v1/auth/token/lookup-self", source="127.0.0.2",
                      X_Vault_Token=bearer.text).status == 403


def test_headers_are_no_certificate(house, loose):
    pem = house.authority.pem("svc-one").replace("\n", "%0A").replace(" ", "%20")
    for name in ("LH-TLS-Cert", "LH_TLS_CERT", "X-SSL-Client-Cert", "SSL-Client-Cert",
                 "X-Forwarded-Client-Cert", "Client-Cert"):
        assert loose.ask(None, "POST", LOGIN, {}, **{name: pem}).status == 400


def test_without_the_secret_nobody_is_told_of_certificates(house, tmp_path):
    with site(house, tmp_path, edited={"certificate-login.conf": ""}) as door:
        reply = log_in(door, "svc-one")
    assert (reply.status, reply.errors) == (403, DENIED)
    wait_until(lambda: "LH_AUTH_SECRET is missing" in house.server.log())


@pytest.mark.parametrize("who", ["large", "too-large"])
def test_nothing_a_client_may_send_is_too_much_for_nginx_to_hand_on(loose, who):
    """All its lines are as long as nginx takes them, beside such a certificate."""
    reply = loose.ask(who, "POST", LOGIN + "?x=" + "y" * 7900, {}, X_Vault_Token="t" * 7900,
                      X_Vault_Namespace="n" * 7900, Authorization="Bearer " + "a" * 7900)
    assert (reply.status, reply.errors) == (404, ["namespace not found"]), reply
    assert "too big" not in loose.nginx.log()


# --- somebody beside nginx ---

def tell(house, certificate, **more):
    """A login as nginx tells of it, by somebody who has found out how."""
    with open(house.path("nginx-secret.conf"), encoding="utf-8") as file:
        secret = file.read().split()[2].rstrip(";")
    values = {"REQUEST_URI": LOGIN, "LH_AUTH_SECRET": secret, "REMOTE_ADDR": "127.0.0.1",
              "LH_TLS_VERIFY": "SUCCESS", "LH_TLS_CERT": quote(certificate)}
    return send(house.server.path("run", "work.sock"),
                whole(params_of("POST", LOGIN, **{**values, **more})))


def test_what_nginx_would_not_let_in_is_judged_again(house):
    pem = house.authority.pem
    assert tell(house, pem("svc-one")).status == 200
    wait_until(lambda: tell(house, pem("expired")).status != 200)
    for certificate in (pem("expired"), pem("huge"), pem("svc-one") + pem("svc-one"),
                        pem("svc-one").replace("A", "B"), pem("svc-one")[:200], "x" * 60000):
        answer = tell(house, certificate)
        assert (answer.status, answer.body["errors"]) == (403, DENIED), certificate[:300]
    wait_until(lambda: "it has expired" in house.server.log())
    answer = tell(house, pem("svc-one"), LH_AUTH_SECRET="0" * 64)
    assert (answer.status, answer.body["errors"]) == (403, DENIED)
    answer = tell(house, "", LH_TLS_CERT="%zz%2")
    assert (answer.status, answer.body["errors"]) == (403, DENIED)


# --- renewed, ended ---

PLAIN_SITE = """
include leasehold/leasehold-http.conf;
include leasehold/leasehold-upstream.conf;
server {
	listen 127.0.0.1:8200 ssl http2;
	ssl_certificate /etc/leasehold/server.crt;
	ssl_certificate_key /etc/leasehold/server.key;
	ssl_verify_client optional_no_ca;
	include leasehold/leasehold-locations.conf;
%s
}
"""


def test_the_locations_that_the_recipe_names_are_enough(house, tmp_path):
    """In a site for tokens, which has no word of certificates elsewhere."""
    recipe = shipped()["auth/certificate-login.conf"]
    locations = re.findall(r"^#\t((?:location|\t|\}).*)$", recipe, re.MULTILINE)
    assert len(locations) == 8, locations
    house.lend_files(str(tmp_path))
    with Nginx(tmp_path, house.server.path("run"), site=PLAIN_SITE % "\n".join(locations)) as nginx:
        def ask(method, path, token="", who="svc-one"):
            return TlsClient(nginx.port, house.path(who)).ask(method, path, {},
                                                              {"X-Vault-Token": token})
        token = ask("POST", LOGIN)["auth"]["client_token"]
        assert ask("POST", RENEW, token).status == 200
        assert ask("POST", RENEW, token, "svc-two").status == 403
        assert ask("GET", "/v1/auth/token/lookup-self", token, "svc-two").status == 200
        assert ask("GET", "/v1/auth/token/lookup-self").status == 403


def test_renewing_takes_a_certificate_for_the_same_key(strict):
    bearer = token(strict, "svc-one")
    assert renew(strict, "svc-one", bearer.text).status == 200
    for other in ("svc-two", None):
        reply = renew(strict, other, bearer.text)
        assert (reply.status, reply.errors) == (403, DENIED), reply
    assert bearer.api("PUT", "auth/token/renew-self", {}).status == 403
    wait_until(lambda: "identity auth/cert/web: cert: a token is not renewed: the certificate is not "
                       "for the key that logged in" in strict.house.server.log())
    assert not bearer.is_dead()


def test_an_entry_takes_its_tokens_with_it_whoever_dies(house, strict):
    server = house.server
    house.put("mortal", "ca")
    bearer = token(strict, "svc-one", "mortal")
    server.kill("revoker")
    assert server.api("DELETE", "auth/cert/certs/mortal").status == 204
    server.kill("master")
    server.start_daemon()
    assert bearer.is_dead()
    assert bearer.api("GET", "auth/token/lookup-self").errors == INVALID_TOKEN
    wait_until(lambda: log_in(strict, "svc-one").status == 200)


# --- clients of Vault ---

def test_hvac_makes_an_entry_and_logs_in(house, strict, entry):
    hvac = pytest.importorskip("hvac", reason="hvac is not installed")
    entry("by-hvac", "ca")
    client = hvac.Client(url="http://127.0.0.1:%d" % house.server.nginx.port,
                         token=house.server.root_token)
    client.auth.cert.create_ca_certificate_role("by-hvac", certificate=house.authority.pem("ca"),
                                                token_policies="app", token_ttl=60)
    assert client.auth.cert.read_ca_certificate_role("by-hvac")["data"]["token_ttl"] == 60
    assert "by-hvac" in client.auth.cert.list_certificate_roles()["data"]["keys"]
    there = hvac.Client(url="https://127.0.0.1:%d" % strict.nginx.port, verify=house.path("ca.crt"))
    auth = there.auth.cert.login(name="by-hvac", cert_pem=house.path("svc-one.crt"),
                                 key_pem=house.path("svc-one.key"))["auth"]
    assert auth["lease_duration"] == 60 and "app" in auth["policies"]


@pytest.mark.skipif(not COMMAND, reason="neither vault nor bao is installed")
def test_the_command_line_logs_in(house, strict):
    done = subprocess.run(
        [COMMAND, "login", "-method=cert", "-format=json", "-no-store",
         "-client-cert=" + house.path("svc-one.crt"), "-client-key=" + house.path("svc-one.key"),
         "-tls-skip-verify", "name=web"], check=True, capture_output=True, text=True, timeout=60,
        env={**os.environ, "VAULT_ADDR": "https://127.0.0.1:%d" % strict.nginx.port,
             "BAO_ADDR": "https://127.0.0.1:%d" % strict.nginx.port})
    assert json.loads(done.stdout)["auth"]["metadata"]["cert_name"] == "web"

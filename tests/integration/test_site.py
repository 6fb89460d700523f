# SPDX-License-Identifier: Apache-2.0
"""The shipped site for everybody, leasehold-site.conf.example, as it is but for ports and files:
TLS, other names, health, maintenance, another proxy in front, errors of nginx's own.

A stand-in for the daemon tells what arrives; where it matters who gets in, it is the daemon itself.
"""
import os
import socket
import ssl
import subprocess
import threading

import pytest

from authority import Authority, TlsClient
from doors import SELF, VAULT
from harness import Server
from nginx import NO_LIMITS, Nginx, shipped, shipped_file
from responder import Responder, json_answer

NAME = "leasehold.example.com"
HOST = {"Host": NAME}
EXAMPLE = "leasehold-site.conf.example"


def example(*said):
    """The site; lines that begin with one of `said` are no longer comments."""
    text = shipped_file(EXAMPLE).replace("listen 8200", "listen 127.0.0.1:8200")
    text = text.replace("listen [::]:8200", "listen unix:/etc/leasehold/six.sock")
    return "\n".join(_said(line, said) for line in text.split("\n"))


def _said(line, said):
    words = line.strip().removeprefix("# ").strip()
    return words if line.strip().startswith("# ") and words.startswith(said) and said else line


CERTIFICATES = ("include leasehold/auth/certificate-http.conf", "ssl_client_certificate",
                "ssl_verify_client", "location /v1/", "location = /v1/auth/cert",
                "include leasehold/auth/", "include leasehold/leasehold-api.conf", "}")
BEHIND_A_PROXY = ("set_real_ip_from", "real_ip_header", "real_ip_recursive")


LATER = threading.Event()


def answer(request):
    """None, later, where nobody waits for it any longer."""
    if request.get("DOCUMENT_URI") == "/v1/late":
        LATER.wait(10)
        return None
    return json_answer(200, '{"at":"%s"}\n' % request.get("DOCUMENT_URI"))


class Site:
    """The site before a daemon, or before one that only tells what it sees."""

    def __init__(self, folder, text, sockets=None, secret="", **more):
        """sockets: where those of a daemon are. secret: what it says to `nginx-secret`."""
        self.folder, self.sockets, self.read = str(folder), sockets, None
        authority = Authority(folder)
        authority.issue("tls", "/CN=" + NAME)
        authority.issue("build-7", "/O=Example/OU=machines/CN=build-7")
        os.link(self.path("ca.crt"), self.path("clients-ca.crt"))
        with open(self.path("nginx-secret.conf"), "w", encoding="utf-8") as out:
            out.write(secret)
        self.nginx = Nginx(folder, sockets or folder, site=text, **more)

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        if not self.sockets:
            self.read = Responder(self.path("read.sock"), answer)
        self.nginx.start()
        return self

    def __exit__(self, *_):
        self.nginx.stop()
        if self.read:
            self.read.close()

    def ask(self, method, path, body=None, headers=None, certificate=None, called=NAME, **more):
        """called: the name in the handshake."""
        client = TlsClient(self.nginx.port, certificate and self.path(certificate), called, **more)
        return client.ask(method, path, body, {**HOST, **(headers or {})})

    def curl(self, *arguments):
        """Over HTTP/2: status, type and body."""
        done = subprocess.run(
            ["curl", "-sk", "--http2", "--resolve", "%s:%d:127.0.0.1" % (NAME, self.nginx.port),
             "-w", "\n%{http_version} %{http_code} %{content_type}", *arguments[:-1],
             "https://%s:%d%s" % (NAME, self.nginx.port, arguments[-1])],
            capture_output=True, text=True, timeout=30, check=True)
        body, _, last = done.stdout.rpartition("\n")
        version, status, kind = last.split()
        assert version == "2"
        return int(status), kind, body.strip()


@pytest.fixture(scope="module", name="site")
def one_site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site"), example()) as site:
        yield site


def is_error(reply, status, *errors):
    assert (reply.status, reply.errors) == (status, list(errors)), reply
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers.get_all("Cache-Control") == ["no-store"]


# --- TLS ---

def test_nginx_accepts_the_site_without_a_warning(tmp_path):
    code, text = Site(tmp_path, example()).nginx.check()
    assert code == 0 and "[warn]" not in text, text


def test_whatever_the_site_offers_in_comments_can_be_said(tmp_path):
    """Of OCSP too, in the file about TLS; the certificate of this test names no responder."""
    stapling = ("ssl_stapling", "ssl_trusted_certificate", "resolver")
    text = "\n".join(_said(line, stapling) for line in shipped()["leasehold-tls.conf"].split("\n"))
    site = Site(tmp_path, example(*CERTIFICATES, *BEHIND_A_PROXY),
                edited={"leasehold-tls.conf": text})
    os.link(site.path("ca.crt"), site.path("tls-chain.crt"))
    code, text = site.nginx.check()
    assert code == 0, text
    assert "no OCSP responder URL" in text or "[warn]" not in text, text


@pytest.mark.parametrize("said", [(), (*CERTIFICATES, *BEHIND_A_PROXY)], ids=["plain", "all"])
def test_the_check_of_a_site_finds_nothing_to_say_of_it(leasehold, tmp_path, said):
    nginx = Site(tmp_path, example(*said)).nginx
    assert nginx.check()[0] == 0
    printed = subprocess.run(nginx.command("-T"), check=True, capture_output=True, timeout=30)
    done = subprocess.run([leasehold, "check", "-nginx", "-"], input=printed.stdout, timeout=30,
                          check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def offers(port, **limits):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(limits.get("ciphers", "ALL:@SECLEVEL=0"))
    context.maximum_version = limits.get("version", ssl.TLSVersion.TLSv1_3)
    context.minimum_version = limits.get("version", ssl.TLSVersion.TLSv1_2)
    context.set_alpn_protocols(limits.get("alpn", ["http/1.1"]))
    with socket.create_connection(("127.0.0.1", port), 10) as connection, \
            context.wrap_socket(connection, server_hostname=NAME) as tls:
        return tls.version(), tls.cipher()[0], tls.selected_alpn_protocol()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_it_speaks_tls_of_today_alone(site):
    port = site.nginx.port
    assert offers(port)[0] == "TLSv1.3"
    version, cipher, _ = offers(port, version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2" and cipher.startswith("ECDHE-") and "CBC" not in cipher
    for limits in ({"version": ssl.TLSVersion.TLSv1_1}, {"version": ssl.TLSVersion.TLSv1},
                   {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "AES:!AESGCM:@SECLEVEL=0"}):
        with pytest.raises(ssl.SSLError):
            offers(port, **limits)


def test_it_speaks_http2(site):
    assert offers(site.nginx.port, alpn=["h2", "http/1.1"])[2] == "h2"
    assert site.curl("/v1/x") == (200, "application/json", '{"at":"/v1/x"}')


def test_who_speaks_no_tls_is_told_so_in_json(site):
    with socket.create_connection(("127.0.0.1", site.nginx.port), 10) as plain:
        plain.sendall(b"GET /v1/x HTTP/1.0\r\nHost: %s\r\n\r\n" % NAME.encode())
        text = plain.makefile("rb").read().decode()
    assert text.startswith("HTTP/1.1 400 ") and '{"errors":["bad request"]}' in text


# --- other names ---

@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1", "localhost", NAME + ".evil.com",
                                  "x." + NAME, "[::1]", "example.com:8200"])
@pytest.mark.parametrize("called", [NAME, None, "evil.example.com"])
def test_nobody_is_served_under_another_name(site, host, called):
    before = len(site.read.requests)
    reply = site.ask("GET", SELF, headers={"Host": host}, called=called)
    is_error(reply, 421, "no service by this host name")
    assert len(site.read.requests) == before


@pytest.mark.parametrize("host", [NAME, NAME.upper(), NAME + ".", NAME + ":8200"])
def test_its_own_name_may_be_written_in_every_way(site, host):
    assert site.ask("GET", "/v1/x", headers={"Host": host}).status == 200


def test_nor_over_http2(site):
    status, kind, body = site.curl("-H", "Host: evil.example.com", SELF)
    assert (status, kind) == (421, "application/json") and "host name" in body


# --- health ---

@pytest.mark.parametrize("host", [NAME, "10.0.0.7"])
@pytest.mark.parametrize("path", ["/health", "/v1/sys/health"])
def test_a_load_balancer_may_ask_under_any_name(site, host, path):
    reply = site.ask("GET", path + "?standbyok=true", headers={"Host": host}, called=None)
    assert reply.status == 200 and reply["at"] == "/v1/sys/health"
    assert site.read.requests[-1].get("QUERY_STRING") == "standbyok=true"


def test_health_is_the_daemons_own_answer(leasehold, tmp_path):
    with Server() as server, Site(tmp_path, example(), server.path("run")) as site:
        for method in ("GET", "HEAD"):
            assert site.ask(method, "/health", headers={"Host": "10.0.0.7"}).status == 200
        assert site.ask("GET", "/health")["initialized"] is True
        server.stop_daemon()
        assert site.ask("GET", "/health").status == 502


# --- maintenance ---

def test_while_there_is_a_maintenance_file_all_is_a_503(tmp_path):
    with Site(tmp_path, example()) as site:
        assert site.ask("GET", "/v1/x").status == 200
        (tmp_path / "maintenance").touch()
        before = len(site.read.requests)
        for method, path in (("GET", "/v1/x"), ("PUT", "/v1/x"), ("GET", "/health")):
            reply = site.ask(method, path, body="{}" if method == "PUT" else None)
            is_error(reply, 503, "down for maintenance")
            assert reply.headers["Retry-After"] == "1"
        assert site.curl("/v1/x")[0] == 503
        assert len(site.read.requests) == before
        (tmp_path / "maintenance").unlink()
        assert site.ask("GET", "/v1/x").status == 200


# --- another proxy in front ---

@pytest.mark.parametrize("forwarded, address", [
    ("198.51.100.9", "198.51.100.9"),
    ("203.0.113.1, 198.51.100.9", "198.51.100.9"),     # the first is what the client claims
    ("198.51.100.9, 127.0.0.1", "198.51.100.9"),       # two of ours, one behind the other
    ("nonsense", "127.0.0.1"),
    (None, "127.0.0.1"),
])
def test_behind_a_proxy_the_address_is_the_clients(tmp_path, forwarded, address):
    text = example(*BEHIND_A_PROXY).replace("192.0.2.10", "127.0.0.1")
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with Site(tmp_path, text) as site:
        assert site.ask("GET", "/v1/x", headers=headers).status == 200
        assert site.read.requests[-1].get("REMOTE_ADDR") == address
        site.ask("GET", "/v1/x", headers=headers, source="127.0.0.2")
        assert site.read.requests[-1].get("REMOTE_ADDR") == "127.0.0.2"


def test_without_a_proxy_nobody_is_believed(site):
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        site.ask("GET", "/v1/x", headers={name: "198.51.100.9"})
        assert site.read.requests[-1].get("REMOTE_ADDR") == "127.0.0.1"


# --- errors of nginx's own, over both protocols ---

def test_a_body_too_large_is_a_json_413(site):
    with open(site.path("large"), "wb") as out:
        out.write(b"b" * (2 * 1024 * 1024 + 1))
    for how in (("--data-binary", "@" + site.path("large")),
                ("--data-binary", "@" + site.path("large"), "-H", "Content-Length:")):
        status, kind, body = site.curl(*how, "/v1/x")
        assert (status, kind) == (413, "application/json"), how
        assert body == '{"errors":["http: request body too large"]}'


def test_too_many_requests_are_a_json_429(tmp_path):
    few = (("rate=1000r/s", "rate=1r/m"), ("burst=2000", "burst=1"))
    with Site(tmp_path, example(), replace=few) as site:
        assert [site.ask("GET", "/v1/x").status for _ in range(2)] == [200, 200]
        is_error(site.ask("GET", "/v1/x"), 429, "too many requests")
        assert site.curl("/v1/x") == (429, "application/json", '{"errors":["too many requests"]}')


def test_a_late_answer_is_a_json_504(tmp_path):
    soon = NO_LIMITS + (("fastcgi_read_timeout 10s", "fastcgi_read_timeout 100ms"),)
    with Site(tmp_path, example(), replace=soon) as site:
        is_error(site.ask("GET", "/v1/late"), 504, "no answer from leasehold in time")
        assert site.curl("/v1/late")[:2] == (504, "application/json")
        LATER.set()


def test_no_answer_is_a_json_502(tmp_path):
    with Site(tmp_path, example(), sockets=tmp_path) as site:
        reply = site.ask("GET", "/v1/x")
        assert reply.status == 502 and "not running" in reply.errors[0]
        assert site.curl("/v1/x")[:2] == (502, "application/json")


def test_what_is_not_the_api_is_a_json_404(site):
    is_error(site.ask("GET", "/favicon.ico"), 404)


# --- with certificates ---

def test_the_site_lets_a_certificate_in_and_another_site_does_not(leasehold, tmp_path):
    text = example(*CERTIFICATES).replace("/v1/alicloud/creds/", "/v1/auth/token/lookup-self")
    with Server(trust=True) as server, \
            Site(tmp_path, text, server.path("run"), server.run("nginx-secret").stdout) as site:
        fields = {"policies": "default"}
        assert server.api("POST", "auth/proxy/identity/cert/build-7", fields).status == 204
        reply = site.ask("GET", SELF, headers=VAULT, certificate="build-7")
        assert reply.status == 200 and reply.data["meta"]["name"] == "build-7", reply
        is_error(site.ask("GET", SELF, headers=VAULT), 403, "permission denied")
        # A handshake by another name asks for no certificate.
        for called, status in ((None, 403), ("evil.example.com", 403)):
            reply = site.ask("GET", SELF, headers=VAULT, certificate="build-7", called=called)
            assert reply.status == status, reply
        is_error(site.ask("GET", SELF, headers={**VAULT, "Host": "evil.example.com"},
                          certificate="build-7"), 421, "no service by this host name")


def test_a_certificate_logs_in_at_the_site(leasehold, tmp_path):
    with Server(trust=True) as server, \
            Site(tmp_path, example(*CERTIFICATES), server.path("run"),
                 server.run("nginx-secret").stdout) as site:
        with open(site.path("ca.crt"), encoding="ascii") as file:
            entry = {"certificate": file.read(), "token_policies": "default"}
        reply = server.api("POST", "auth/cert/certs/machines", entry)
        assert reply.status == 204, reply
        reply = site.ask("POST", "/v1/auth/cert/login", certificate="build-7")
        assert reply.status == 200 and reply["auth"]["metadata"]["common_name"] == "build-7", reply
        assert site.ask("POST", "/v1/auth/cert/login").status == 400
        token = {"X-Vault-Token": reply["auth"]["client_token"]}
        for certificate, status in (("build-7", 200), (None, 403)):
            reply = site.ask("POST", "/v1/auth/token/renew-self", "{}", token, certificate)
            assert reply.status == status, reply

# SPDX-License-Identifier: Apache-2.0
"""What each mistake of tests/nginx/bad lets strangers do.

The one idea: a stand-in takes the daemon's place behind the real nginx, so that what it is told is
what the daemon would believe. Nobody here has a password, a token or a certificate that somebody
else signed, unless a danger says so."""
import glob
import os
import socket
import subprocess

from authority import Authority, TlsClient
from client import request
from doors import basic, user
from harness import wait_until
from nginx import Nginx, shipped_file
from responder import Responder, json_answer

SECRET = "hvs.not-for-logs"
X_ACCEL = "X-Accel-Redirect: "


class Visitor:
    """What sites find in /etc/leasehold, and what strangers bring: a certificate that they signed
    themselves."""

    FILES = ("tls.crt", "tls.key", "clients-ca.crt", "basic.htpasswd", "nginx-secret.conf",
             "auditors.htpasswd", "page", "others-ca.crt", "ca.crl")

    def __init__(self, folder):
        self.folder = str(folder)
        authority = Authority(folder)
        authority.issue("tls", "/CN=127.0.0.1")
        os.link(self.path("ca.crt"), self.path("clients-ca.crt"))
        authority.issue("other", "/CN=build-77")
        authority.sign_itself("rogue", "/O=Example/OU=machines/CN=build-7")
        authority.sign_itself("others-ca", "/CN=others")
        authority.issue("foreign", "/O=Example/OU=machines/CN=build-7", signer="others-ca")
        authority.issue("revoked", "/O=Example/OU=machines/CN=build-7")
        authority.revoke("revoked")
        self.write("basic.htpasswd", user("alice", "in") + user("bob", "bin"))
        self.write("auditors.htpasswd", user("ann", "look"))
        self.write("nginx-secret.conf", "set $lh_auth_secret x;\n")
        self.write("page", '<!--# include virtual="/v1/x" -->')

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)


def without(word):
    """leasehold-params.conf without the lines about one thing."""
    lines = shipped_file("leasehold-params.conf").splitlines()
    kept = [line for line in lines if line[:1] == "#" or word not in line.rstrip(";").split()]
    assert len(kept) == len(lines) - 1, word
    return "\n".join(kept) + "\n"


class Site:
    """A site before the stand-in. Whatever it includes as without-WORD.conf is made."""

    def __init__(self, folder, text, visitor, edited=None):
        self.folder, self.visitor, self.secure = str(folder), visitor, " ssl" in text
        words = [piece.split(".conf")[0] for piece in text.split("leasehold/without-")[1:]]
        edited = {**(edited or {}), **{"without-%s.conf" % word: without(word) for word in words}}
        # nginx warns when it writes what it has in hand to the disk.
        self.nginx = Nginx(folder, folder, level="warn", edited=edited, replace=(),
                           site=text.replace("/run/application/", self.folder + "/"))
        self.answer = json_answer(200, "{}")
        self.app_says = "/"
        for name in visitor.FILES:
            os.symlink(visitor.path(name), self.path(name))
        for name in ("cache", "stored"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o777)

    def __enter__(self):
        self.read = Responder(self.path("read.sock"), lambda _: self.answer)
        self.work = Responder(self.path("work.sock"), lambda _: self.answer)
        self.app = Responder(self.path("app.sock"), lambda _: (X_ACCEL + self.app_says +
                                                               "\r\n\r\n").encode())
        self.nginx.start()
        return self

    def __exit__(self, *_):
        self.nginx.stop()
        for responder in (self.read, self.work, self.app):
            responder.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def printed(self):
        """By nginx -T."""
        done = subprocess.run(self.nginx.command("-T"), capture_output=True, text=True, timeout=60,
                              check=True)
        return done.stdout

    def get(self, path="/v1/x", method="GET", body=None, **headers):
        """In the names of headers _ stands for -."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.nginx.port, method, path, body, headers)

    def get_tls(self, certificate=None, path="/v1/x", method="GET"):
        certificate = certificate and self.visitor.path(certificate)
        return TlsClient(self.nginx.port, certificate).ask(method, path)

    def told(self, name):
        """The values of a parameter in all requests that came."""
        return [request.get(name) for request in self.read.requests + self.work.requests]

    def is_reached_by(self, name):
        assert name in self.told("LH_AUTH_NAME"), self.told("LH_AUTH_NAME")
        assert all(self.told("LH_AUTH_METHOD"))

    def is_nobodys(self, paths):
        """Strangers ask there in several ways, and leasehold is told of nobody."""
        for path in paths:
            for method in ("GET", "PUT", "DELETE"):
                self.get(path + "x", method, Authorization=basic("alice", "unknown"),
                         X_Forwarded_For="10.20.0.1", X_Real_IP="10.20.0.1")
                if self.secure:
                    self.get_tls(None, path + "x", method)
                    self.get_tls("rogue", path + "x", method)
        assert not any(self.told("LH_AUTH_NAME")), self.told("LH_AUTH_NAME")

    def files(self, *where):
        """The content of all files there."""
        found = ""
        for path in glob.glob(self.path(os.path.join(*where)), recursive=True):
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    found += file.read()
        return found


def asking(name, path="/v1/x", **more):
    """The danger that whoever asks so becomes somebody."""
    def danger(site):
        site.get(path, **more)
        site.is_reached_by(name)
    return danger


def asking_by_tls(name, certificate=None):
    def danger(site):
        site.get_tls(certificate)
        site.is_reached_by(name)
    return danger


def trying_headers(site):
    """Until each name was had."""
    for user in range(16):
        site.get(Authorization=basic("bob", "bin"), X_User=str(user))
    assert set(site.told("LH_AUTH_NAME")) == {"a", "b"}


def telling(parameter, value, path="/v1/x", **headers):
    """The danger that leasehold is told what is not so."""
    def danger(site):
        site.get(path, **headers)
        assert site.told(parameter) == [value]
    return danger


def led_by_application(where):
    def danger(site):
        site.app_says = where
        site.get("/app/x")
        site.is_reached_by("alice")
    return danger


def plain_port(site):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(site.path("plain.sock"))
        client.sendall(b"GET /v1/x HTTP/1.0\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 200")
    site.is_reached_by("alice")


def resumed(site):
    """What one server has verified counts at another, which would not have."""
    client = TlsClient(site.nginx.port, site.visitor.path("foreign"), name="shop.example")
    client.ask("GET", "/", headers={"Host": "shop.example"}, keep_session=True)
    assert not site.told("LH_AUTH_NAME")
    client.name = None
    client.ask("GET", "/v1/x")
    site.is_reached_by("build-7")


def revoked_elsewhere(site):
    assert site.get_tls("revoked").status == 200
    assert site.told("LH_TLS_VERIFY") == ["SUCCESS"] and all(site.told("LH_TLS_CERT"))


def carried(site):
    """The same from one port to another."""
    client = TlsClient(site.nginx.port, site.visitor.path("foreign"))
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(site.path("shop.sock"))
        with client.context.wrap_socket(plain, server_hostname="shop.example") as shop:
            shop.sendall(b"GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n")
            while shop.recv(4096):
                pass
            client.session = shop.session
    client.ask("GET", "/v1/x")
    site.is_reached_by("build-7")


def mirrored(site):
    site.get("/page", Authorization=basic("nobody", "x"))
    wait_until(lambda: site.told("LH_AUTH_NAME"), what="the mirrored request")
    site.is_reached_by("nobody")


def no_token_seen(site):
    site.get(X_Vault_Token="hvs.x")
    assert site.told("LH_END") == ["1"] and site.told("LH_TOKEN") == [None]


def twice(site):
    site.get()
    assert [value for name, value in site.read.requests[0].params if name == "REMOTE_ADDR"] == [
        "127.0.0.1"] * 2


def asked_again(site):
    site.answer = None
    site.get()
    assert len(site.read.requests) == 1 and len(site.work.requests) == 1


def logging(site, log="own.log"):
    site.get("/v1/x?key=" + SECRET, X_Vault_Token=SECRET, X_Build_Token=SECRET)
    wait_until(lambda: SECRET in site.files(log), what="the secret is logged")


def shared(site):
    site.answer = json_answer(200, '{"of": "the first"}')
    site.get(X_Vault_Token="first")
    site.answer = json_answer(403, "{}")
    assert site.get(X_Vault_Token="second")["of"] == "the first"
    assert site.told("LH_TOKEN") == ["first"]


def stored(site):
    site.answer = json_answer(200, '{"secret": "%s"}' % SECRET)
    site.get()
    assert SECRET in site.files("stored", "**")


def sent_to_disk(site):
    site.get(method="POST", body=SECRET * 4000)
    wait_until(lambda: "temporary file" in site.nginx.log() or
               SECRET in site.files("tmp", "body", "**"), what="the body is in a file")


def answered_to_disk(site):
    site.answer = json_answer(200, '"%s"' % ("x" * (8 << 20)))
    with socket.create_connection(("127.0.0.1", site.nginx.port), 20) as client:
        client.sendall(b"GET /v1/x HTTP/1.0\r\n\r\n")
        wait_until(lambda: "temporary file" in site.nginx.log(), what="nginx writes a file")


DANGERS = {
    # guards
    "no-guard": asking("alice"),
    "guard-off-below": asking("monitor", "/v1/sys/x"),
    "guard-of-the-server-off": asking("alice", "/v1/sys/x"),
    "guard-without-users": asking("alice"),
    "guard-that-says-yes": asking("alice"),
    "guard-that-is-not-there": asking("alice"),
    "users-by-header": asking("ann", Authorization=basic("ann", "look"), X_Tenant="auditors"),
    "addresses-without-an-end": asking("farm"),
    "other-methods": asking("alice"),
    "condition-in-limit-except": asking("alice"),
    "satisfy-any": asking("alice"),
    "two-identities": asking("admin", Authorization=basic("bob", "bin")),
    "break": asking("alice"),
    "condition-about-none": asking("alice"),
    "identity-in-an-if": asking("alice"),
    # ways
    "error-page": asking("nobody", Authorization=basic("nobody", "x")),
    "return-to-error-page": asking("nobody", "/in/x", Authorization=basic("nobody", "x")),
    "rewrite": asking("nobody", "/in/x", Authorization=basic("nobody", "x")),
    "try-files": asking("alice", "/in/x"),
    "no-location": asking("alice"),
    "redirect-of-an-application": led_by_application("@leasehold_work"),
    "internal-location": led_by_application("/in/x"),
    "include-in-a-page": asking("nobody", "/page", Authorization=basic("nobody", "x")),
    "mirror": mirrored,
    "guard-is-leasehold": asking("nobody", "/page", Authorization=basic("nobody", "x")),
    # certificates
    "port-without-tls": plain_port,
    "refused-certificate": asking_by_tls("visitor"),
    "any-certificate": asking_by_tls("build-7", "rogue"),
    "verified-elsewhere": asking_by_tls("build-7", "foreign"),
    "sessions-of-another-server": resumed,
    "revoked-elsewhere": revoked_elsewhere,
    "sessions-in-a-cache": resumed,
    "sessions-of-another-port": carried,
    "authority-for-stapling": asking_by_tls("build-7", "foreign"),
    "subject-by-condition": asking_by_tls("build-7", "other"),
    "subject-within-another": asking_by_tls("build-7", "other"),
    # values
    "name-in-a-header": asking("user-root", Authorization=basic("bob", "bin"), X_User="root"),
    "name-in-capitals": asking("alice", Authorization=basic("alice", "unknown")),
    "name-by-host": asking("b", Authorization=basic("bob", "bin"), Host="b.example"),
    "name-by-condition": asking("admin", Authorization=basic("bob", "bin"), X_Role="admin"),
    "name-by-share": trying_headers,
    "user-without-password": asking("alice", Authorization=basic("alice", "unknown")),
    "every-proxy": asking("build-farm", X_Real_IP="10.20.0.1"),
    "every-proxy-of-a-geo": asking("build-farm", X_Forwarded_For="10.20.0.1"),
    "token-in-any-case": asking("build-7", Authorization="BEARER fa4s0methingsecret"),
    "any-token": asking("build-7", Authorization="Bearer 00000000"),
    "token-within-another": asking("build-1", Authorization="Bearer ci-secret-17"),
    "no-token": asking("admin", Authorization=basic("bob", "bin")),
    # parameters
    "list-dropped": telling("LH_END", None),
    "no-token-parameter": no_token_seen,
    "parameter-twice": twice,
    "path-as-sent": telling("DOCUMENT_URI", "/v1/x/../y", "/v1/x/../y"),
    "path-as-served": telling("REQUEST_URI", "/v1/y", "/v1/x/../y"),
    "method-in-a-header": telling("REQUEST_METHOD", "DELETE", X_HTTP_Method_Override="DELETE"),
    "address-in-a-header": telling("REMOTE_ADDR", "192.0.2.1", X_Forwarded_For="192.0.2.1"),
    "web-pages-may-ask": telling("LH_VAULT_REQUEST", "true"),
    "verified-by-itself": telling("LH_TLS_VERIFY", "SUCCESS"),
    "certificate-in-a-header": telling("LH_TLS_CERT", "any", X_Client_Cert="any"),
    "headers-as-parameters": telling("HTTP_X_ANY", "1", X_Any="1"),
    "asked-again": asked_again,
    # secrets
    "token-in-a-log": logging,
    "own-token-in-a-log": logging,
    "query-in-a-log": logging,
    "debugging-log": logging,
    "cache": shared,
    "store": stored,
    "body-files": sent_to_disk,
    "large-bodies": sent_to_disk,
    "large-answers": answered_to_disk,
}

# SPDX-License-Identifier: Apache-2.0
"""Recipes of conf/nginx/auth before a daemon, as they are shipped.

The one idea: a door is a site of its own, all of whose /v1/ has one recipe; a house is the daemon
behind all doors, what it grants whom, and the files that recipes name. Only what an operator must
write for himself is put in: addresses and tokens.
"""
import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from authority import Authority, TlsClient
from nginx import Nginx, shipped
from tokens import make, policy

SELF = "/v1/auth/token/lookup-self"
VAULT = {"X-Vault-Request": "true"}
BEARER = "5f" * 32

SITE = """
include leasehold/leasehold-http.conf;
include leasehold/leasehold-upstream.conf;
{http}
server {{
	listen 127.0.0.1:8200 ssl http2;
	ssl_certificate /etc/leasehold/server.crt;
	ssl_certificate_key /etc/leasehold/server.key;
	ssl_client_certificate {authority};
	ssl_verify_client {verify};
	{more}
	include leasehold/leasehold-server.conf;
	{server}
	location /v1/ {{
		include leasehold/auth/{recipe}.conf;
		include leasehold/leasehold-api.conf;
	}}
}}
"""

# The shipped text and what stands in its place, line by line.
WRITTEN = (
    ('# "~^Bearer 64-digits-of-openssl-rand$" build-7;', '"~^Bearer %s$" build-7;' % BEARER),
    ("10.20.0.0/16", "127.0.0.1/32"),
    ("192.0.2.7 ", "127.0.0.7 "),
    ("192.0.2.7;", "127.0.0.7;"),
)


def written(name, login_port=4180):
    """A file of auth/ as an operator leaves it."""
    text = shipped()["auth/" + name]
    for old, new in (*WRITTEN, ("127.0.0.1:4180", "127.0.0.1:%d" % login_port)):
        text = text.replace(old, new)
    return text


def files(recipe):
    """Those that belong to a recipe."""
    names = [recipe + suffix + ".conf" for suffix in ("", "-http", "-server")]
    return [name for name in names if "auth/" + name in shipped()]


class Door:
    """One recipe in front of the daemon; edited: other text for its files, by name.

    authority: the file of those whom nginx knows. more: lines for the server.
    site: the whole site, if it is not the usual."""

    def __init__(self, house, folder, recipe, edited=None, verify="optional",
                 authority="/etc/leasehold/ca.crt", more="", site=None):
        self.house, self.folder, self.recipe = house, str(folder), recipe
        texts = {name: written(name, house.login.port) for name in files(recipe)}
        helpers = {level: "include leasehold/auth/%s-%s.conf;" % (recipe, level)
                   if "%s-%s.conf" % (recipe, level) in texts else ""
                   for level in ("http", "server")}
        site = site or SITE.format(recipe=recipe, verify=verify, authority=authority, more=more,
                                   **helpers)
        self.nginx = Nginx(folder, house.server.path("run"), site=site, edited={
            "auth/" + name: text for name, text in {**texts, **(edited or {})}.items()})
        house.lend_files(self.folder)

    def __enter__(self):
        self.nginx.start()
        return self

    def __exit__(self, *_):
        self.nginx.stop()

    def ask(self, certificate=None, method="GET", path=SELF, body=None, source="127.0.0.1",
            **headers):
        """One request; in the names of headers _ stands for -."""
        headers = {**VAULT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        client = TlsClient(self.nginx.port, certificate and self.house.path(certificate),
                           source=source)
        return client.ask(method, path, body, headers)

    def check(self):
        """What `leasehold check -nginx` makes of the site: exit code and sentences."""
        code, said = self.nginx.check()
        assert code == 0, said
        printed = subprocess.run(self.nginx.command("-T"), check=True, capture_output=True,
                                 text=True, timeout=30).stdout
        done = subprocess.run([self.house.server.program, "check", "-nginx", "-"], input=printed,
                              check=False, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def who(self, *arguments, **more):
        """As whom a request was served: METHOD/NAME."""
        reply = self.ask(*arguments, **more)
        assert reply.status == 200, reply
        return "%(method)s/%(name)s" % reply.data["meta"]


class House:
    FILES = ("nginx-secret.conf", "server.crt", "server.key", "ca.crt", "ca.crl",
             "basic.htpasswd", "auditors.htpasswd")
    ENTRIES = ("basic/alice", "basic/bob", "cert/build-7", "cert/alice@example", "request/ann",
               "address/build-farm", "map/build-7")

    def __init__(self, server, folder):
        self.server, self.folder, self.login = server, str(folder), Login()
        self._make_certificates()
        self.write("nginx-secret.conf", server.run("nginx-secret").stdout)
        self.write("basic.htpasswd", user("alice", "in") + user("bob", "bin"))
        self.write("auditors.htpasswd", user("ann", "look"))
        policy(server, "app", {"+/creds/r": ["read"]})
        policy(server, "audit", {"auth/token/lookup-self": ["read"], "sys/mounts": ["read"]})
        for entry in self.ENTRIES:
            self.entry(entry, policies="app,default")
        self.entry("basic/auditors-*", policies="audit")
        self._let_in_certificates()
        self.token = make(server, policies=["default"], display_name="app").text

    def _make_certificates(self):
        authority = self.authority = Authority(self.folder)
        authority.issue("server", "/CN=127.0.0.1")
        authority.issue("build-7", "/O=Example/OU=machines/CN=build-7")
        authority.issue("alice", "/O=Example/OU=people/CN=Alice Doe")
        authority.issue("visitor", "/O=Example/OU=visitors/CN=build-7")
        authority.issue("twice", "/O=Example/OU=machines/CN=build-7/CN=x")
        authority.issue("expired", "/O=Example/OU=machines/CN=build-7", days=-1)
        authority.issue("revoked", "/O=Example/OU=machines/CN=build-7")
        authority.revoke("revoked")
        authority.sign_itself("rogue", "/O=Example/OU=machines/CN=build-7")

    def _let_in_certificates(self):
        """By auth/cert, those of machines."""
        reply = self.server.api("POST", "auth/cert/certs/machines", {
            "certificate": self.authority.pem("ca"), "token_policies": "app",
            "allowed_organizational_units": "machines"})
        assert reply.status == 204, reply

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def lend_files(self, folder):
        """To an nginx that looks for them there."""
        for name in self.FILES:
            os.symlink(self.path(name), os.path.join(folder, name))

    def entry(self, name, **fields):
        reply = self.server.api("POST", "auth/proxy/identity/" + name, fields)
        assert reply.status == 204, reply


def user(name, password):
    """A line of a password file, made as the recipe says."""
    done = subprocess.run(["openssl", "passwd", "-6", password], check=True, capture_output=True,
                          text=True, timeout=20)
    return "%s:%s" % (name, done.stdout)


def basic(name, password):
    """The value of Authorization."""
    return "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode()


class Login:
    """A login service: the cookie `session=NAME` is NAME's session; others have a status of theirs.

    seen: the headers and bodies of all requests."""
    ANSWERS = {"": 401, "session=banned": 403, "session=elsewhere": 302, "session=broken": 500}

    def __init__(self):
        self.seen = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def _handler(self):
        login = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):    # pylint: disable=invalid-name
                login.seen.append(self)
                cookie = self.headers.get("Cookie", "")
                bearer = self.headers.get("Authorization", "")
                name = cookie.removeprefix("session=") or bearer.removeprefix("Bearer jwt-of-")
                self.send_response(login.ANSWERS.get(cookie, 202) if cookie or not bearer else 202)
                if name != "nameless":
                    self.send_header("X-Auth-Request-User", name)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_):    # pylint: disable=arguments-differ
                pass

        return Handler

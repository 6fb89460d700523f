# SPDX-License-Identifier: Apache-2.0
"""The recipes of conf/nginx/auth as they are shipped: who gets in, who does not, and who still does
not when any one line is gone.

The one idea: every recipe guards all of /v1/ of a site of its own in front of one daemon, and is
asked for lookup-self, which says as whom. A stranger is whoever the recipe must refuse.
"""
import base64
import os
import subprocess

import pytest

from authority import Authority, TlsClient
from harness import Server, wait_until
from nginx import Nginx, shipped_file
from tokens import DENIED, INVALID, policy

SELF = "/v1/auth/token/lookup-self"
VAULT = {"X-Vault-Request": "true"}

SITE = """
include leasehold/leasehold-http.conf;
include leasehold/leasehold-upstream.conf;
{http}
server {{
	listen 127.0.0.1:8200 ssl http2;
	ssl_certificate /etc/leasehold/server.crt;
	ssl_certificate_key /etc/leasehold/server.key;
	ssl_client_certificate /etc/leasehold/ca.crt;
	ssl_verify_client {verify};
	include leasehold/leasehold-server.conf;
	location /v1/ {{
		include leasehold/auth/{recipe}.conf;
		include leasehold/leasehold-api.conf;
	}}
}}
"""


class Door:
    """One recipe in front of the daemon; edited: other text for its files, by name."""

    def __init__(self, house, folder, recipe, edited=None, verify="optional"):
        self.house, self.folder, self.recipe = house, str(folder), recipe
        helper = recipe + "-http.conf"
        http = os.path.exists(_path(helper)) and "include leasehold/auth/%s;" % helper
        site = SITE.format(recipe=recipe, http=http or "", verify=verify)
        self.nginx = Nginx(folder, house.server.path("run"), site=site, edited={
            "auth/" + name: text for name, text in (edited or {}).items()})
        for name in house.FILES:
            os.symlink(house.path(name), os.path.join(self.folder, name))

    def __enter__(self):
        self.nginx.start()
        return self

    def __exit__(self, *_):
        self.nginx.stop()

    def ask(self, certificate=None, method="GET", path=SELF, body=None, **headers):
        """One request; headers with _ for -, None for one that shall not be sent."""
        headers = {**VAULT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        client = TlsClient(self.nginx.port, certificate and self.house.path(certificate))
        return client.ask(method, path, body, headers)

    def who(self, *arguments, **more):
        """As whom a request was served: METHOD/NAME."""
        reply = self.ask(*arguments, **more)
        assert reply.status == 200, reply
        return "%(method)s/%(name)s" % reply.data["meta"]


def _path(name):
    return os.path.join(os.path.dirname(__file__), "..", "..", "conf", "nginx", "auth", name)


class House:
    """The daemon, whom it grants what, and the files that recipes name."""
    FILES = ("nginx-secret.conf", "server.crt", "server.key", "ca.crt", "basic.htpasswd")
    ENTRIES = ("basic/alice", "basic/bob", "cert/build-7", "cert/alice@example")

    def __init__(self, server, folder):
        self.server, self.folder = server, str(folder)
        self.authority = authority = Authority(folder)
        authority.issue("server", "/CN=127.0.0.1")
        authority.issue("build-7", "/O=Example/OU=machines/CN=build-7")
        authority.issue("alice", "/O=Example/OU=people/CN=Alice Doe")
        authority.issue("nobody", "/O=Example/OU=visitors/CN=build-7")
        authority.issue("twice", "/O=Example/OU=machines/CN=build-7/CN=x")
        authority.sign_itself("rogue", "/O=Example/OU=machines/CN=build-7")
        self.write("nginx-secret.conf", server.run("nginx-secret").stdout)
        self.write("basic.htpasswd", user("alice", "in") + user("bob", "bin"))
        for entry in self.ENTRIES:
            self.entry(entry, policies="default")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def entry(self, name, **fields):
        reply = self.server.api("POST", "auth/proxy/identity/" + name, fields)
        assert reply.status == 204, reply


def user(name, password):
    """A line of a password file, made as the recipe says."""
    done = subprocess.run(["openssl", "passwd", "-6", password], check=True, capture_output=True,
                          text=True, timeout=20)
    return "%s:%s" % (name, done.stdout)


@pytest.fixture(scope="module", name="house")
def one_house(leasehold, tmp_path_factory):
    with Server(trust=True) as server:
        policy(server, "app", {"+/creds/r": ["read"]})
        yield House(server, tmp_path_factory.mktemp("house"))


@pytest.fixture(name="door")
def a_door(house, tmp_path, request):
    with Door(house, tmp_path, request.param) as door:
        yield door


def through(recipe):
    """The test goes through a door with that recipe."""
    return pytest.mark.parametrize("door", [recipe], indirect=True, ids=[recipe])


def basic(name, password):
    return "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode()


def is_refused(reply, status=403, errors=("permission denied",)):
    """In the words of the API, whoever of the two refuses."""
    assert (reply.status, reply.errors) == (status, list(errors)), reply
    assert reply.headers["Content-Type"] == "application/json"


# --- who gets in ---

ASKS_FOR_A_PASSWORD = (401, ["user name and password wanted, or another login"])


@through("basic")
def test_name_and_password_are_an_identity(door):
    assert door.who(Authorization=basic("alice", "in")) == "basic/alice"
    assert door.who(Authorization=basic("bob", "bin")) == "basic/bob"
    for claimed in (basic("alice", "bin"), basic("alice", ""), basic("root", "in"), "Basic !"):
        is_refused(door.ask(Authorization=claimed), *ASKS_FOR_A_PASSWORD)
    reply = door.ask()
    is_refused(reply, *ASKS_FOR_A_PASSWORD)
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="leasehold"'


@through("certificate")
def test_a_certificate_is_the_identity_that_the_map_names(door):
    assert door.who("build-7") == "cert/build-7"
    assert door.who("alice") == "cert/alice@example"
    for stranger in (None, "nobody", "twice"):
        is_refused(door.ask(stranger))
    is_refused(door.ask("rogue"), 400, ["the client certificate is not accepted"])


@pytest.mark.parametrize("door, certificate, headers", [
    ("basic", None, {"Authorization": basic("alice", "in")}),
    ("certificate", "build-7", {}),
], indirect=["door"])
def test_an_identity_fetches_a_credential(house, door, certificate, headers):
    """The whole way: two pools, one named location between them."""
    server, sim = house.server, house.server.sim
    mount = "ali-" + door.recipe
    assert server.api("POST", "sys/mounts/" + mount, {"type": "alicloud"}).status == 204
    key, secret = sim.root_key
    server.api("POST", mount + "/config", {"access_key": key, "secret_key": secret})
    server.api("POST", mount + "/role/r", {"remote_policies": "name:AliyunOSSReadOnlyAccess,"
                                                              "type:System"})
    for entry in house.ENTRIES:
        house.entry(entry, policies="app,default")
    reply = door.ask(certificate, path="/v1/%s/creds/r" % mount, **headers)
    assert reply.status == 200 and reply.data["access_key"], reply
    is_refused(door.ask(certificate, path="/v1/%s/config" % mount, **headers), errors=DENIED)
    assert server.api("DELETE", "sys/mounts/" + mount).status == 204
    wait_until(lambda: sim.leftovers() == [], 30)


@through("basic")
def test_a_token_still_decides_alone(house, door):
    alice = {"Authorization": basic("alice", "in")}
    reply = door.ask(X_Vault_Token=house.server.root_token, **alice)
    assert reply.data["display_name"] == "root"
    is_refused(door.ask(X_Vault_Token="hvs.nobody", **alice), errors=INVALID)


# --- any line gone ---

# Who must not get in, by recipe: certificate and headers.
STRANGERS = {
    "basic": [(None, {}), (None, {"Authorization": basic("alice", "wrong")})],
    "certificate": [(None, {}), ("nobody", {}), ("twice", {}), ("rogue", {})],
}

# What only `leasehold check -nginx` can notice: nginx has no way to tell a name that it has checked
# from one that is merely claimed.
OPEN = {("basic", "auth_basic"), ("basic", "auth_basic_user_file")}


def lines():
    """Every line of every recipe that says something."""
    for recipe in sorted(STRANGERS):
        for name in (recipe + ".conf", recipe + "-http.conf"):
            text = shipped_file("auth/" + name)
            for number, line in enumerate(text.splitlines()):
                if line.strip() and not line.startswith("#"):
                    yield pytest.param(recipe, name, number, id="%s-%d" % (name, number + 1))


def without(name, number):
    text = shipped_file("auth/" + name).splitlines(keepends=True)
    return "".join(text[:number] + text[number + 1:]), text[number].split()[0]


@pytest.mark.parametrize("recipe, name, number", lines())
@pytest.mark.parametrize("verify", ["optional", "optional_no_ca"])
def test_a_recipe_without_one_of_its_lines_lets_no_stranger_in(house, tmp_path, recipe, name,
                                                               number, verify):
    text, verb = without(name, number)
    door = Door(house, tmp_path, recipe, {name: text}, verify)
    if door.nginx.check()[0] != 0:
        return    # nginx does not even start
    with door:
        served = [door.ask(certificate, **headers).status == 200
                  for certificate, headers in STRANGERS[recipe]]
    assert any(served) == ((recipe, verb) in OPEN), served

# SPDX-License-Identifier: Apache-2.0
"""Recipes for nginx: who gets in, who does not, and who still does not when any one line is gone.

A stranger is whoever a recipe must refuse."""
import itertools
import re
import subprocess

import pytest

from client import send_raw
from doors import BEARER, SELF, SITE, Door, House, basic, files, written
from harness import Server, wait_until
from nginx import Nginx, shipped
from test_identity import batches
from tokens import DENIED, INVALID

CERT_LOGIN = "/v1/auth/cert/login"
ASKS_FOR_A_PASSWORD = (401, ["user name and password wanted, or another login"])
ALICE = {"Authorization": basic("alice", "in")}
LIST = "ssl_crl /etc/leasehold/ca.crl;"
ANN = {"Authorization": basic("ann", "look")}


@pytest.fixture(scope="module", name="house")
def one_house(leasehold, tmp_path_factory):
    with Server(trust=True) as server:
        house = House(server, tmp_path_factory.mktemp("house"))
        yield house
        house.login.close()


@pytest.fixture(name="door")
def a_door(house, tmp_path, request):
    with Door(house, tmp_path, request.param, more=LIST) as door:
        yield door


def through(recipe):
    """The test goes through a door with that recipe."""
    return pytest.mark.parametrize("door", [recipe], indirect=True, ids=[recipe])


def is_refused(reply, status=403, errors=("permission denied",)):
    """In the words of the API, whoever of the two refuses."""
    assert (reply.status, reply.errors) == (status, list(errors)), reply
    assert reply.headers["Content-Type"] == "application/json"


# --- who gets in ---

@through("basic")
def test_name_and_password_are_an_identity(door):
    assert door.who(**ALICE) == "basic/alice"
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
    for stranger in (None, "visitor", "twice", "rogue", "expired", "revoked"):
        is_refused(door.ask(stranger))


@through("request")
def test_whom_the_login_service_names_is_an_identity(door):
    assert door.who(Cookie="session=ann") == "request/ann"
    assert door.who(Authorization="Bearer jwt-of-ann") == "request/ann"
    is_refused(door.ask(), *ASKS_FOR_A_PASSWORD)
    for session, status in (("banned", 403), ("nameless", 403), ("eve", 403)):
        is_refused(door.ask(Cookie="session=" + session), status)
    for session in ("elsewhere", "broken"):
        is_refused(door.ask(Cookie="session=" + session), 500, ["internal error"])
    is_refused(door.ask(X_Auth_Request_User="ann"), *ASKS_FOR_A_PASSWORD)
    is_refused(door.ask(X_Auth_Request_User="ann", Cookie="session=nameless"))


@through("request")
def test_the_login_service_learns_no_secret(house, door):
    secret = "hvs.secret"
    door.ask(method="POST", path=SELF + "?q=hvs.secret", body={"token": secret},
             X_Vault_Token=secret, Cookie="session=ann")
    asked = house.login.seen[-1]
    assert asked.path == "/oauth2/auth" and secret not in str(asked.headers)
    assert asked.headers["X-Original-URI"] == SELF and "Content-Length" not in asked.headers
    assert asked.headers["X-Original-Method"] == "POST"
    assert asked.headers["X-Real-IP"] == "127.0.0.1"


@through("request")
def test_the_question_to_the_login_service_is_nobodys_to_ask(door):
    assert door.ask(path="/leasehold-login", Cookie="session=ann").status == 404


def test_without_its_login_service_nobody_is_let_in(house, tmp_path):
    text = written("request-server.conf", 1)
    with Door(house, tmp_path, "request", {"request-server.conf": text}) as door:
        is_refused(door.ask(Cookie="session=ann"), 500, ["internal error"])


@through("address")
def test_an_address_is_the_identity_that_the_ranges_name(house, door):
    house.entry("address/gateway", policies="default")
    assert door.who() == "address/build-farm"
    assert door.who(source="127.0.0.7") == "address/gateway"
    is_refused(door.ask(source="127.0.0.2"))
    is_refused(door.ask(source="127.0.0.2", X_Forwarded_For="127.0.0.1", X_Real_IP="127.0.0.1"))


@through("bearer")
def test_a_token_of_nginx_is_the_identity_that_the_map_names(door):
    assert door.who(Authorization="Bearer " + BEARER) == "map/build-7"
    for token in ("", BEARER[:-1], BEARER + "0", "0" + BEARER, BEARER.upper(),
                  "x Bearer " + BEARER):
        is_refused(door.ask(Authorization="Bearer " + token))
    is_refused(door.ask())
    is_refused(door.ask(X_Vault_Token=BEARER))


def test_the_shipped_map_holds_no_token(house, tmp_path):
    text = shipped()["auth/bearer-http.conf"]
    with Door(house, tmp_path, "bearer", {"bearer-http.conf": text}) as door:
        for token in (BEARER, "64-digits-of-openssl-rand"):
            is_refused(door.ask(Authorization="Bearer " + token))


@through("certificate-and-token")
def test_a_token_counts_only_with_a_certificate(house, door):
    for headers in ({"X_Vault_Token": house.token}, {"Authorization": "Bearer " + house.token}):
        reply = door.ask("build-7", **headers)
        assert reply.status == 200 and reply.data["display_name"] == "token-app", reply
        is_refused(door.ask(**headers))
        is_refused(door.ask("rogue", **headers))
    is_refused(door.ask("build-7"))
    is_refused(door.ask("build-7", X_Vault_Token="hvs.nobody"), errors=INVALID)


@through("certificate-login")
def test_a_certificate_logs_in_and_is_nobody_without(house, door):
    """More of it in test_cert.py."""
    reply = door.ask("build-7", "POST", CERT_LOGIN)
    assert reply.status == 200 and reply["auth"]["metadata"]["common_name"] == "build-7", reply
    token = reply["auth"]["client_token"]
    assert door.ask(X_Vault_Token=token).data["display_name"] == "cert-machines"
    is_refused(door.ask("build-7"))
    is_refused(door.ask("visitor", "POST", CERT_LOGIN))


@through("read-only")
def test_a_group_reads_and_changes_nothing(house, door):
    """nginx's lock alone: the policy would let them."""
    house.entry("basic/auditors-*", policies="default,app")
    try:
        assert door.who(**ANN) == "basic/auditors-ann"
        path = "/v1/cubbyhole/x"
        assert door.ask(path=path, **ANN).status == 404
        assert door.ask(path="/v1/cubbyhole/?list=true", **ANN).status == 404
        for method in ("POST", "PUT", "DELETE", "PATCH", "LIST", "SCAN"):
            is_refused(door.ask(method=method, path=path, body={"a": 1}, **ANN))
        is_refused(door.ask(**ALICE), *ASKS_FOR_A_PASSWORD)
    finally:
        house.entry("basic/auditors-*", policies="audit")


@pytest.mark.parametrize("door, certificate, headers", [
    ("basic", None, ALICE),
    ("certificate", "build-7", {}),
    ("request", None, {"Cookie": "session=ann"}),
    ("address", None, {}),
    ("bearer", None, {"Authorization": "Bearer " + BEARER}),
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
    reply = door.ask(certificate, path="/v1/%s/creds/r" % mount, **headers)
    assert reply.status == 200 and reply.data["access_key"], reply
    is_refused(door.ask(certificate, path="/v1/%s/config" % mount, **headers), errors=DENIED)
    assert server.api("DELETE", "sys/mounts/" + mount).status == 204
    wait_until(lambda: sim.leftovers() == [], 30)


@pytest.mark.parametrize("door, certificate, headers", [
    ("basic", None, ALICE),
    ("certificate", "build-7", {}),
    ("request", None, {"Cookie": "session=ann"}),
    ("address", None, {}),
], indirect=["door"])
def test_a_token_still_decides_alone(house, door, certificate, headers):
    reply = door.ask(certificate, X_Vault_Token=house.server.root_token, **headers)
    assert reply.data["display_name"] == "root"
    is_refused(door.ask(certificate, X_Vault_Token="hvs.nobody", **headers), errors=INVALID)


@through("basic")
def test_how_often_each_name_may_ask_is_kept_by_leasehold(house, door):
    house.entry("basic/bob", policies="default", rate=1)
    bob = {"Authorization": basic("bob", "bin")}
    statuses = [door.ask(**bob).status for _ in range(8)]
    assert statuses[0] == 200 and 429 in statuses, statuses
    assert door.ask(Authorization=basic("bob", "wrong")).status == 401
    for _ in range(8):
        assert door.ask(**ALICE).status == 200
    house.entry("basic/bob", policies="default", rate=0)


@through("basic")
def test_whether_it_works_is_told_without_a_password(door):
    assert door.ask(path="/v1/sys/health").status == 200
    is_refused(door.ask(path="/v1/sys/mounts"), *ASKS_FOR_A_PASSWORD)


# --- any line gone ---

def strangers(house):
    """Who must not get in, by recipe."""
    return {
        "basic": [{}, {"Authorization": basic("alice", "wrong")}],
        "certificate": [{"certificate": who} for who in (None, "visitor", "twice", "rogue",
                                                         "expired", "revoked")],
        "request": [{}, {"Authorization": basic("ann", "")}, {"X_Auth_Request_User": "ann"},
                    *({"Cookie": "session=" + who, "X_Auth_Request_User": "ann"}
                      for who in ("banned", "nameless", "eve"))],
        "address": [{"source": "127.0.0.2"}],
        "bearer": [{}, *({"Authorization": "Bearer " + token}
                         for token in ("", BEARER[:-1], BEARER + "0", BEARER.upper()))],
        "certificate-and-token": [{"X_Vault_Token": house.token}, {"certificate": "build-7"},
                                  {"certificate": "rogue", "X_Vault_Token": house.token}],
        "certificate-login": [
            {"certificate": "build-7"},
            *({"certificate": who, "method": "POST", "path": CERT_LOGIN}
              for who in (None, "visitor", "rogue"))],
        "read-only": [{}, {"Authorization": basic("ann", "wrong")},
                      *({"method": method, "path": "/v1/cubbyhole/x", "body": {"a": 1}, **ANN}
                        for method in ("POST", "PUT", "DELETE"))],
    }


RECIPES = ("address", "basic", "bearer", "certificate", "certificate-and-token",
           "certificate-login", "read-only", "request")

# What only `leasehold check -nginx` can notice: nginx has no way to tell a name that it has checked
# from one that is merely claimed.
OPEN = {(recipe, verb) for recipe in ("basic", "read-only")
        for verb in ("auth_basic", "auth_basic_user_file")}


def lines():
    """Every line of every recipe that says something."""
    for recipe in RECIPES:
        for name in files(recipe):
            for number, line in enumerate(written(name).splitlines()):
                if line.strip() and not line.strip().startswith("#"):
                    yield recipe, name, number


def test_every_recipe_is_tried():
    assert {"auth/" + name for recipe in RECIPES for name in files(recipe)} == \
        {name for name in shipped() if name.startswith("auth/")}


def cases():
    """nginx may let any certificate in where there is a rule about certificates."""
    for recipe, name, number in lines():
        for verify in ["optional", "optional_no_ca"][:1 + recipe.startswith("certificate")]:
            yield pytest.param(recipe, name, number, verify,
                               id="%s-%d-%s" % (name, number + 1, verify))


@pytest.mark.parametrize("recipe, name, number, verify", cases())
def test_a_recipe_without_one_of_its_lines_lets_no_stranger_in(house, tmp_path, recipe, name,
                                                               number, verify):
    text = written(name, house.login.port).splitlines(keepends=True)
    verb = text.pop(number).split()[0]
    door = Door(house, tmp_path, recipe, {name: "".join(text)}, verify, more=LIST)
    if door.nginx.check()[0] != 0:
        return    # nginx does not even start
    with door:
        served = [door.ask(**stranger).status < 300 for stranger in strangers(house)[recipe]]
    assert any(served) == ((recipe, verb) in OPEN), served
    if any(served):
        assert door.check()[0] == 1


@pytest.mark.parametrize("recipe, name, number, verify", cases())
def test_nor_does_one_with_a_wrong_word_at_the_end_of_a_line(house, tmp_path, recipe, name, number,
                                                             verify):
    text = written(name, house.login.port).splitlines(keepends=True)
    text[number] = re.sub(r"[^\s;]+;$", "wrong;", text[number].rstrip()) + "\n"
    door = Door(house, tmp_path, recipe, {name: "".join(text)}, verify, more=LIST)
    if door.nginx.check()[0] == 0:
        with door:
            served = [door.ask(**stranger).status < 300 for stranger in strangers(house)[recipe]]
        assert not any(served), (text[number], served)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_check_of_a_site_finds_nothing_to_say_of_a_recipe(house, tmp_path, recipe):
    assert Door(house, tmp_path, recipe).check() == (0, "")


@pytest.mark.parametrize("pair", itertools.combinations(
    [recipe for recipe in RECIPES if "set $lh_auth_name" in written(recipe + ".conf")
     or "auth_request_set $lh_auth_name" in written(recipe + ".conf")], 2), ids="+".join)
def test_two_identities_in_one_location_are_noticed(house, tmp_path, pair):
    """By nginx where both have a password or access rules, else by the check."""
    texts = {name: written(name) for recipe in pair for name in files(recipe)}
    one, other = (name + ".conf" for name in pair)
    texts[one] += texts.pop(other)
    helpers = "".join(text for name, text in texts.items() if name.endswith("-http.conf"))
    server = "".join(text for name, text in texts.items() if name.endswith("-server.conf"))
    site = SITE.format(recipe=pair[0], verify="optional", authority="/etc/leasehold/ca.crt",
                       more="", http=helpers, server=server)
    door = Door(house, tmp_path, pair[0], texts, site=site)
    assert door.nginx.check()[0] != 0 or door.check()[0] == 1


# --- headers ---

UNGUARDED = """
include leasehold/leasehold-http.conf;
include leasehold/leasehold-upstream.conf;
server {
	listen 127.0.0.1:8200;
	listen unix:/etc/leasehold/h2.sock http2;
	underscores_in_headers on;
	ignore_invalid_headers off;
	include /etc/leasehold/nginx-secret.conf;
	include leasehold/leasehold-locations.conf;
}
"""


def test_where_there_is_no_recipe_no_header_makes_an_identity(house, tmp_path):
    """All but a name is there: secret, listener, entries. test_identity.py has the other case, a
    location with an identity that headers do not change."""
    house.lend_files(tmp_path)
    with Nginx(tmp_path, house.server.path("run"), site=UNGUARDED) as nginx:
        for batch in batches(20):
            forged = ["%s: %s" % (name, FORGED.get(name.upper()[-4:], "SUCCESS")) for name in batch]
            for lines in (forged, forged + forged):
                for answer in (by_header(nginx, lines), by_trailer(nginx, lines),
                               over_http2(tmp_path, lines)):
                    status = int(answer.split()[1])
                    assert status in (400, 403, 431), answer


FORGED = {"NAME": "alice", "THOD": "basic", "USER": "alice"}
HEAD = ("GET %s HTTP/1.1" % SELF, "Host: x", "X-Vault-Request: true", "Connection: close")


def by_header(nginx, lines):
    return send(nginx, *HEAD, *lines)


def by_trailer(nginx, lines):
    return send(nginx, *HEAD, "Transfer-Encoding: chunked", "", "0", *lines)


def send(nginx, *lines):
    return send_raw(nginx.port, "\r\n".join([*lines, "", ""]).encode()).decode("latin-1")


def over_http2(folder, lines):
    arguments = [part for line in lines for part in ("-H", line)]
    done = subprocess.run(["curl", "-s", "-i", "--http2-prior-knowledge", "--unix-socket",
                           str(folder / "h2.sock"), "-H", "X-Vault-Request: true", *arguments,
                           "http://x" + SELF], check=True, capture_output=True, text=True,
                          timeout=30)
    return done.stdout

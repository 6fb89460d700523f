# SPDX-License-Identifier: Apache-2.0
"""Nobody is taken for somebody else: neither for who asked before on the same connection, nor for who
has the same name by another method, nor for whom a subject looks like.
"""
import itertools

import pytest

from authority import TlsClient
from client import send_raw
from doors import Door, House
from fastcgi import connect, receive, request
from harness import Server
from lending import make_role
from vouching import DENIED, SELF, VAULT, ask_as, is_refused, put, vouch, vouching_server

METHODS = ("cert", "basic", "request", "address", "map")


@pytest.fixture(scope="module", name="server")
def one_server(leasehold):
    with vouching_server() as server:
        yield server


# --- the same name by another method ---

OTHERS = [method for method in METHODS if method not in ("basic", "cert")]    # cert takes more


def twins(server):
    for method in METHODS:
        put(server, method + "/twin", policies="app,default")


@pytest.mark.parametrize("how", OTHERS)
def test_the_same_name_by_another_method_is_somebody_else(server, mount, how):
    twins(server)
    make_role(server, mount)
    lease = {"lease_id": ask_as(server, "twin", "GET", mount + "/creds/r")["lease_id"]}
    assert ask_as(server, "twin", "PUT", "cubbyhole/x", {"k": "basic"}).status == 204
    for deed in ("renew", "revoke"):
        reply = ask_as(server, "twin", "PUT", "sys/leases/" + deed, lease, how=how)
        assert reply.status == 403, reply
    assert ask_as(server, "twin", "GET", "cubbyhole/x", how=how).status == 404
    assert ask_as(server, "twin", "PUT", "sys/leases/revoke", lease).status == 204
    assert server.sim.leftovers() == []


@pytest.mark.parametrize("how", OTHERS)
def test_the_same_name_by_another_method_renews_no_token(server, how):
    twins(server)
    token = ask_as(server, "twin", "POST", "auth/proxy/login")["auth"]["client_token"]

    def renew(method):
        return server.api("POST", "auth/token/renew-self", {}, token,
                          {**VAULT, "X-Test-Method": method, "X-Test-Name": "twin"})
    is_refused(server, renew(how), "a token is not renewed")
    assert renew("basic").status == 200


def test_no_name_is_counted(server):
    put(server, "basic/counted-by-method", policies="default")
    assert ask_as(server, "counted-by-method", "GET", SELF).status == 200
    for form in ("", "?format=prometheus"):
        reply = server.api("GET", "sys/metrics" + form)
        assert b"leasehold_identity_requests_total" in reply.raw
        assert b"counted-by" not in reply.raw


# --- who asked before ---

@pytest.mark.parametrize("pool", ["read", "work"])
def test_a_kept_connection_takes_nobody_along(server, pool):
    """In each pool; that of work keeps none, so each has its own."""
    put(server, "basic/direct", policies="default")
    address, connection = server.path("run", pool + ".sock"), None
    nobody = {"LH_AUTH_METHOD": None, "LH_AUTH_NAME": None, "LH_AUTH_SECRET": None}
    for left_out, status in itertools.chain(
            *([({}, 200), (nobody, 403)] +
              [({name: None}, 403), ({}, 200), ({name: ""}, 403)] for name in nobody)):
        if pool == "work" or not connection:
            connection = connect(address)
        connection.sendall(request(vouch(server, **left_out), keep=pool == "read"))
        answer = receive(connection)
        assert answer.status == status, (left_out, answer)
    connection.close()


def said(*names):
    """Requests of one connection, each by one of these names or by nobody."""
    text = ""
    for name in names:
        text += "GET /v1/%s HTTP/1.1\r\nHost: x\r\nX-Vault-Request: true\r\n" % SELF
        text += "X-Test-Method: basic\r\nX-Test-Name: %s\r\n" % name if name else ""
        text += "\r\n"
    return text[:-2] + "Connection: close\r\n\r\n"


def answers(server, text):
    """To all that is sent on one connection; those that only say "go on" are left out."""
    got = send_raw(server.nginx.port, text.encode())
    found = got.decode().split("HTTP/1.1 ")[1:]
    return [answer for answer in found if not answer.startswith("100 ")]


def test_nor_does_one_of_http_with_many_requests_at_once(server):
    put(server, "basic/ann", policies="default")
    put(server, "basic/bob", policies="default")
    order = ("ann", None, "bob", None, None, "ann", "bob") * 5
    found = answers(server, said(*order))
    assert len(found) == len(order)
    for name, answer in zip(order, found):
        assert answer.startswith("200" if name else "403"), answer
        for other in {"ann", "bob"} - {name}:
            assert '"name":"%s"' % other not in answer
        assert not name or '"name":"%s"' % name in answer


@pytest.mark.parametrize("expects", ["", "Expect: 100-continue\r\n"], ids=["", "expects"])
def test_what_stands_in_a_body_is_no_request(server, expects):
    put(server, "basic/ann", policies="default")
    body = said("ann")
    found = answers(server, "PUT /v1/cubbyhole/x HTTP/1.1\r\nHost: x\r\nX-Vault-Request: true\r\n"
                    "%sContent-Length: %d\r\n\r\n%s%s" % (expects, len(body), body, said(None)))
    assert [answer[:3] for answer in found] == ["400", "403"], found


# --- who looks like somebody ---

ODD = {
    "a name with the rest in it": "/CN=build-7,OU=machines,O=Example",
    "a name in two parts of one": "/O=Example/OU=machines+CN=build-7",
    "a part in front": "/CN=x/O=Example/OU=machines/CN=build-7",
    "a part behind": "/O=Example/OU=machines/CN=build-7/OU=x",
    "two names": "/O=Example/OU=machines/CN=x/CN=build-7",
    "a line's end behind": "/O=Example\n/OU=machines/CN=build-7",
    "a line's end behind the name": "/O=Example/OU=machines/CN=build-7\n",
    "a line of its own": "/O=x\nCN=build-7,OU=machines,O=Example",
    "a space behind the name": "/O=Example/OU=machines/CN=build-7 ",
    "a letter beyond ASCII": "/O=Example/OU=machines/CN=build-\u0667",
    "capitals": "/O=Example/OU=machines/CN=BUILD-7",
    "another kind of name": "/O=Example/OU=machines/UID=build-7",
    "a backslash": "/O=Example/OU=machines/CN=build\\\\-7",
}


@pytest.fixture(scope="module", name="door")
def one_door(leasehold, tmp_path_factory):
    with Server(trust=True) as server:
        house = House(server, tmp_path_factory.mktemp("house"))
        with Door(house, tmp_path_factory.mktemp("door"), "certificate") as door:
            yield door
        house.login.close()


@pytest.mark.parametrize("how", ODD)
def test_a_subject_that_looks_like_anothers_is_nobodys(door, how):
    assert door.who("build-7") == "cert/build-7"
    door.house.authority.issue("odd", ODD[how])
    reply = TlsClient(door.nginx.port, door.house.path("odd")).ask("GET", "/v1/" + SELF,
                                                                   headers=VAULT)
    assert (reply.status, reply.errors) == (403, DENIED), reply

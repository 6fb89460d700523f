# SPDX-License-Identifier: Apache-2.0
"""Tokens: their uses are counted exactly, and with them goes all that they owned."""
import concurrent.futures
import json

import pytest

from client import send_raw
from harness import wait_until
from lending import lookup, make_role, whoami
from tokens import DENIED, INVALID, Token, accessors, end, lend, make, policy

MAKER = {"auth/token/create": ["update"], "+/creds/r": ["read"]}


@pytest.fixture
def grant(server):
    """Writes a policy that goes at the end of the test."""
    names = []

    def write(name, rules):
        names.append(name)
        policy(server, name, rules)
    yield write
    for name in names:
        assert server.api("DELETE", "sys/policies/acl/" + name).status == 204


@pytest.fixture
def maker(server, mount, grant):
    """A token that makes children and issues credentials of the mount."""
    make_role(server, mount)
    grant("maker", MAKER)
    token = make(server, policies=["maker"])
    yield token
    end(server, token)


# --- uses ---

@pytest.mark.parametrize("path, status", [("auth/token/lookup-self", 200), ("sys/mounts", 403)])
def test_a_token_of_n_uses_is_accepted_n_times_by_many_clients(server, path, status):
    uses = 40
    token = make(server, num_uses=uses, policies=["default"])
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: token.api("GET", path), range(2 * uses)))
    accepted = [reply for reply in replies
                if reply.status == 200 or (reply.status == 403 and reply.errors == DENIED)]
    assert len(accepted) == uses
    assert {reply.status for reply in accepted} == {status}
    refused = [reply for reply in replies if reply not in accepted]
    assert all(reply.status == 403 and reply.errors == INVALID for reply in refused), refused
    wait_until(lambda: token.accessor not in accessors(server))


def test_the_last_use_is_given_no_credential(server, mount, maker):
    token = maker.child(num_uses=2)
    calls = server.sim.count("CreateUser")
    first = lend(token, mount)
    reply = token.api("GET", mount + "/creds/r")
    assert reply.status == 400
    assert reply.errors == ["Secret cannot be returned; token had one use left, so leased "
                            "credentials were immediately revoked."]
    assert server.sim.count("CreateUser") == calls + 1
    wait_until(lambda: lookup(server, first["lease_id"]).status == 400)


# --- cascades ---

def test_with_a_token_go_its_children_and_all_their_leases(server, mount, maker):
    root = maker.child()
    tree = [root] + [root.child() for _ in range(12)]
    tree += [tree[1].child(), tree[1].child(), tree[2].child()]
    leases = [lend(token, mount) for token in tree[::3]]
    kept = lend(maker, mount)
    end(server, root)
    assert all(token.is_dead() for token in tree)
    for token in tree[::3]:
        assert token.api("GET", mount + "/creds/r").status == 403
    for lease in leases:
        wait_until(lambda lease=lease: lookup(server, lease["lease_id"]).status == 400)
        assert whoami(server, lease.data).status != 200
    assert whoami(server, kept.data).status == 200
    wait_until(lambda: not accessors(server) & {token.accessor for token in tree})


def test_no_child_is_born_to_a_dying_token(server, maker):
    """Many make children and grandchildren while the token is revoked: none of them outlives it."""
    root = maker.child()

    def bear(_):
        born = []
        while True:
            reply = root.api("POST", "auth/token/create", {})
            if reply.status != 200:
                return born, reply
            child = Token(server, reply["auth"])
            grandchild = child.api("POST", "auth/token/create", {})
            born += [child] + [Token(server, each["auth"]) for each in [grandchild]
                               if each.status == 200]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(bear, number) for number in range(6)]
        wait_until(lambda: len(accessors(server)) > 40)
        end(server, root)
        results = [each.result() for each in pending]
    tokens = [root] + [token for born, _ in results for token in born]
    assert all(reply.status in (400, 403) for _, reply in results), results
    assert all(token.is_dead() for token in tokens)
    wait_until(lambda: not accessors(server) & {token.accessor for token in tokens})


def test_a_token_that_ends_takes_its_leases_along(server, mount, maker):
    token = maker.child(ttl="6s")       # a busy machine has made the others before it ends
    child = token.child()
    lease = lend(child, mount)
    wait_until(token.is_dead)
    assert child.is_dead()
    wait_until(lambda: lookup(server, lease["lease_id"]).status == 400)
    assert whoami(server, lease.data).status != 200


def test_the_lease_of_a_batch_token_ends_with_it(server, mount, maker):
    token = maker.child(type="batch", ttl="6s")
    assert token.text.startswith("hvb.")
    lease = lend(token, mount)
    assert lease["lease_duration"] <= 6
    wait_until(lambda: lookup(server, lease["lease_id"]).status == 400)
    assert token.is_dead()


def test_orphans_keep_what_they_have(server, mount, maker):
    parent = maker.child()
    child = parent.child()
    lease = lend(child, mount)
    reply = server.api("POST", "auth/token/revoke-orphan", {"token": parent.text})
    assert reply.status == 204, reply
    assert parent.is_dead() and child.lookup().data["orphan"] is True
    wait_until(lambda: parent.accessor not in accessors(server))
    assert whoami(server, lease.data).status == 200
    end(server, child)
    wait_until(lambda: lookup(server, lease["lease_id"]).status == 400)


def test_a_restart_forgets_nothing(server, maker):
    child = maker.child(meta={"k": "v"})
    dead = maker.child()
    end(server, dead)
    server.restart()
    assert child.lookup().data["meta"] == {"k": "v"}
    assert dead.is_dead()


# --- whose a lease is ---

def test_leases_in_bodies_are_reached_by_their_owners_alone(server, mount, maker, grant):
    grant("reacher", dict(MAKER, **{"sys/leases/" + op: ["update"]
                                    for op in ("lookup", "renew", "revoke")}))
    owner = make(server, policies=["reacher"])
    child, other = owner.child(), make(server, policies=["reacher"])
    lease = {"lease_id": lend(child, mount)["lease_id"]}
    none = {"lease_id": mount + "/creds/r/nonesuch"}
    for op in ("lookup", "renew", "revoke"):
        for body in (lease, none):      # what is another's and what is nobody's look the same
            reply = other.api("PUT", "sys/leases/" + op, body)
            assert (reply.status, reply.errors) == (403, DENIED), op
        assert other.api("PUT", "sys/leases/%s/%s" % (op, lease["lease_id"])).status == 403
    for token in (child, owner):
        assert token.api("PUT", "sys/leases/lookup", lease).status == 200
        assert token.api("PUT", "sys/leases/renew", lease).status == 200
    assert owner.api("PUT", "sys/leases/revoke", lease).status == 204
    assert lookup(server, lease["lease_id"]).status == 400
    for token in (owner, other):
        end(server, token)


def test_a_grant_on_one_lease_reaches_that_lease(server, mount, maker, grant):
    lease, other = lend(maker, mount)["lease_id"], lend(maker, mount)["lease_id"]
    grant("one", {"sys/leases/renew": ["update"], "sys/leases/renew/" + lease: ["update"]})
    token = make(server, policies=["one"])
    assert token.api("PUT", "sys/leases/renew", {"lease_id": lease}).status == 200
    assert token.api("PUT", "sys/leases/renew/" + lease).status == 200
    assert token.api("PUT", "sys/leases/renew", {"lease_id": other}).status == 403
    end(server, token)


def test_sudo_reaches_every_lease(server, mount, maker, grant):
    lease = {"lease_id": lend(maker, mount)["lease_id"]}
    grant("all", {"sys/leases/revoke": ["update", "sudo"]})
    token = make(server, policies=["all"])
    assert token.api("PUT", "sys/leases/revoke", lease).status == 204
    assert token.api("PUT", "sys/leases/revoke", {"lease_id": "no/such"}).status == 204
    end(server, token)


# --- limits ---

def test_as_many_policies_as_a_body_holds_stop_no_worker(server, maker):
    """Whoever may make tokens may send them; they are not compared each with each."""
    policies = ["p%x" % number for number in range(200000)]
    for token in (server.root_token, maker.text):
        reply = server.api("POST", "auth/token/create", {"policies": policies, "ttl": "1h"},
                           token=token)
        assert reply.status == 400, reply
        assert "warnings" not in reply.body
    reply = server.api("POST", "auth/token/roles/many", {"disallowed_policies": policies})
    assert reply.status == 204, reply
    assert len(server.api("GET", "auth/token/roles/many").data["disallowed_policies"]) == 200000
    assert server.api("DELETE", "auth/token/roles/many").status == 204


# --- addresses ---

def test_bound_tokens_are_judged_by_the_address_that_nginx_sees(server):
    for name, cidr, status in (("here", "127.0.0.0/8", 200), ("there", "10.0.0.0/8", 403)):
        reply = server.api("POST", "auth/token/roles/" + name,
                           {"token_bound_cidrs": cidr, "allowed_policies": "default"})
        assert reply.status == 204, reply
        token = make(server, path="auth/token/create/" + name)
        reply = token.api("GET", "auth/token/lookup-self", headers={"X-Forwarded-For": "10.0.0.1"})
        assert reply.status == status, reply
        end(server, token)
        assert server.api("DELETE", "auth/token/roles/" + name).status == 204
    assert reply.errors == ["permission denied"]


# --- what is no token ---

REQUESTS = 1000    # that nginx takes on one connection


def refusals(server, first):
    """How many of REQUESTS bad tokens on one connection are refused in the right words."""
    request = ("GET /v1/auth/token/lookup-self HTTP/1.1\r\nHost: x\r\n"
               "X-Vault-Token: %s\r\n\r\n")
    numbers = range(first, first + REQUESTS)
    tokens = [("hvs.%d", "hvb.%d", "%d")[number % 3] % number for number in numbers]
    answer = send_raw(server.nginx.port,    # nginx closes behind the last
                      "".join(request % token for token in tokens).encode())
    words = json.dumps({"errors": INVALID}, separators=(",", ":")).encode()
    assert answer.count(b"HTTP/1.1 403 ") == REQUESTS, answer[:1000]
    return answer.count(words)


def test_a_hundred_thousand_bad_tokens_fill_no_log(server):
    before = len(server.log())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        bad = pool.map(lambda first: refusals(server, first), range(0, 100000, REQUESTS))
        assert sum(bad) == 100000
    assert len(server.log()) - before < 4096
    # Nor nginx's memory: a long token still finds room there, and is judged.
    assert server.api("GET", "auth/token/lookup-self", token="hvb." + "A" * 4000).status == 403
    assert server.api("GET", "auth/token/lookup-self").status == 200


@pytest.mark.parametrize("token", [" ", "two words", "hvs.\u00e9", "a\tb", "hvb.", "x" * 5000,
                                   "hvs." + "A" * 24 + " ", "'\"; --", "%00", "../../x"])
def test_odd_tokens_are_refused(server, token):
    reply = server.api("GET", "auth/token/lookup-self", token=None,
                       headers={"X-Vault-Token": token.encode("utf-8")})
    assert reply.status in (400, 403), reply
    assert reply.errors


def raw(server, header):
    answer = send_raw(server.nginx.port, b"GET /v1/auth/token/lookup-self HTTP/1.1\r\nHost: x\r\n"
                      b"Connection: close\r\n" + header + b"\r\n\r\n")
    return int(answer.split()[1])


@pytest.mark.parametrize("header", [b"X-Vault-Token: a\0b", b"X-Vault-Token: " + b"A" * 65536,
                                    b"X-Vault-Token: \x7f\x01"])
def test_no_token_ever_stops_the_service(server, header):
    assert raw(server, header) in (400, 403, 414, 431)
    assert server.api("GET", "sys/health").status == 200


def test_a_forged_batch_token_is_refused(server):
    token = make(server, type="batch", policies=["default"])
    assert token.lookup().status == 200
    for place in (4, 20, 60, len(token.text) - 2):
        forged = token.text[:place] + ("A" if token.text[place] != "A" else "B") \
            + token.text[place + 1:]
        reply = server.api("GET", "auth/token/lookup-self", token=forged)
        assert (reply.status, reply.errors) == (403, INVALID)

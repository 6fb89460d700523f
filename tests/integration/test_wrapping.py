# SPDX-License-Identifier: Apache-2.0
"""Wrapped answers: every way to open one, once; what nobody opens is taken back."""
import concurrent.futures
import json
import os
import time

import pytest

from harness import wait_until
from lending import INLINE, REMOTE, SESSION, lookup, make_role, whoami
from wrapping import INVALID, unwrap, wrapped, wrapped_credential

SECRET = "what-only-the-bearer-may-see"
SOON = 5    # seconds: a busy machine has asked for it before it ends


def body_form(server, token):
    return server.api("POST", "sys/wrapping/unwrap", {"token": token})


def both_forms(server, token):
    return server.api("POST", "sys/wrapping/unwrap", {"token": token}, token=token)


def bearer_form(server, token):
    return server.api("PUT", "sys/wrapping/unwrap", token=None,
                      headers={"Authorization": "Bearer " + token})


def cubbyhole_form(server, token):
    """As clients before sys/wrapping did it."""
    reply = server.api("GET", "cubbyhole/response", token=token)
    if reply.status == 200:
        assert "deprecated" in reply["warnings"][0]
        reply.body = json.loads(reply.data["response"])
    return reply


FORMS = [unwrap, body_form, both_forms, bearer_form, cubbyhole_form]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_opens_once(server, form):
    token = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
    reply = form(server, token)
    assert reply.status == 200 and reply.data == {"s": SECRET}, reply
    for again in FORMS:
        reply = again(server, token)
        assert reply.status in (400, 403) and SECRET.encode() not in reply.raw, (again, reply)


@pytest.mark.parametrize("form", [unwrap, body_form, cubbyhole_form])
def test_of_many_who_open_at_once_exactly_one_succeeds(server, form):
    for _ in range(3):
        token = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            replies = list(pool.map(lambda _: form(server, token), range(32)))
        winners = [reply for reply in replies if reply.status == 200]
        assert len(winners) == 1 and winners[0].data == {"s": SECRET}, replies
        assert {reply.status for reply in replies if reply is not winners[0]} <= {400, 403}


def test_many_who_wrap_at_once_all_succeed(server):
    def one(number):
        info = wrapped(server, "POST", "sys/wrapping/wrap", {"n": number})
        return unwrap(server, info["token"]).data["n"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(32))) == list(range(32))


def test_the_wrapper_tells_what_it_wraps(server, mount):
    make_role(server, mount)
    info = wrapped(server, "GET", mount + "/role/r", ttl=90)
    assert info["ttl"] == 90 and info["creation_path"] == mount + "/role/r"
    reply = server.api("POST", "sys/wrapping/lookup", {"token": info["token"]}, token=None)
    assert reply.data == {"creation_path": mount + "/role/r", "creation_ttl": 90,
                          "creation_time": info["creation_time"]}
    assert unwrap(server, info["token"]).data["remote_policies"]


def test_a_response_wrapped_anew_leaves_the_old_token_useless(server):
    first = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
    reply = server.api("POST", "sys/wrapping/rewrap", {"token": first})
    second = reply["wrap_info"]
    assert second["ttl"] == 60 and second["creation_path"] == "sys/wrapping/wrap"
    assert unwrap(server, first).errors == INVALID
    assert unwrap(server, second["token"]).data == {"s": SECRET}


def test_a_wrapping_token_used_for_anything_else_is_used_up(server):
    token = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
    assert server.api("GET", "sys/mounts", token=token).status == 403
    reply = unwrap(server, token)
    assert reply.status == 400 and reply.errors == INVALID


def test_a_wrapping_token_ends_with_its_time(server):
    token = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET}, ttl=1)["token"]
    wait_until(lambda: server.api("POST", "sys/wrapping/lookup", {"token": token}, token=None
                                  ).status == 400)
    assert unwrap(server, token).errors == INVALID


@pytest.mark.parametrize("form", FORMS)
def test_who_comes_second_is_told_in_the_log(server, form):
    token = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
    assert unwrap(server, token).status == 200
    start = len(server.log())
    assert form(server, token).status in (400, 403)
    line = wait_until(lambda: [line for line in server.log()[start:].splitlines()
                               if "unwrapped again" in line])[0]
    assert "sys/wrapping/wrap" in line and line.count("127.0.0.1") == 2, line
    assert token not in server.log() and SECRET not in server.log()


def test_who_comes_again_and_again_does_not_fill_the_log(server):
    tokens = [wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
              for _ in range(2)]
    assert {unwrap(server, token).status for token in tokens} == {200}
    start, began = len(server.log()), time.monotonic()
    for _ in range(50):
        assert {unwrap(server, token).status for token in tokens} == {400}
        assert body_form(server, tokens[0]).status == 400
        assert server.api("POST", "sys/wrapping/lookup", {"token": tokens[0]}, token=None
                          ).status == 400
    lines = [line for line in server.log()[start:].splitlines() if "unwrapped again" in line]
    minutes = int((time.monotonic() - began) / 60) + 1      # that ended meanwhile
    assert 2 <= len(lines) <= 2 + 2 * minutes, lines


# --- credentials ---

def test_a_wrapped_credential_works_when_it_was_opened(server, mount):
    make_role(server, mount)
    token = wrapped_credential(server, mount)
    assert unwrap(server, "hvs.none").status == 400
    reply = unwrap(server, token)
    assert reply.status == 200 and whoami(server, reply.data).status == 200
    assert lookup(server, reply["lease_id"]).data["ttl"] > 60
    assert server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]}).status == 200
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]}).status == 204


def test_what_was_opened_outlives_its_wrapper(server, mount):
    make_role(server, mount)
    token = wrapped_credential(server, mount, ttl=SOON)
    reply = unwrap(server, token)
    other = wrapped(server, "POST", "sys/wrapping/wrap", {}, ttl=SOON)["token"]
    wait_until(lambda: server.api("POST", "sys/wrapping/lookup", {"token": other}, token=None
                                  ).status == 400)
    assert whoami(server, reply.data).status == 200
    assert lookup(server, reply["lease_id"]).status == 200


@pytest.mark.parametrize("fields", [{"inline_policies": json.dumps(INLINE),
                                     "remote_policies": REMOTE}, SESSION])
def test_a_credential_that_nobody_opens_is_taken_back(server, mount, fields):
    make_role(server, mount, **fields)
    token = wrapped_credential(server, mount, ttl=SOON)
    path = "sys/leases/lookup/%s/creds/r" % mount
    assert len(server.api("LIST", path).data["keys"]) == 1
    wait_until(lambda: server.api("LIST", path).status == 404, 20)
    assert unwrap(server, token).errors == INVALID
    assert server.sim.leftovers() == []


def test_a_credential_revoked_by_its_prefix_is_gone_from_its_wrapper(server, mount):
    make_role(server, mount)
    token = wrapped_credential(server, mount)
    assert server.api("PUT", "sys/leases/revoke-prefix/%s/creds/r" % mount).status == 204
    assert server.sim.leftovers() == []
    reply = unwrap(server, token)   # opened all the same: it is dead
    assert reply.status == 200 and whoami(server, reply.data).status != 200


def test_an_error_is_not_wrapped(server, mount):
    make_role(server, mount)
    with_ttl = {"X-Vault-Wrap-TTL": "60"}
    number = server.sim.fault("error", action="CreateUser", status=403, code="NoPermission")
    reply = server.api("GET", mount + "/creds/r", headers=with_ttl)
    server.sim.clear_faults(number)
    assert reply.status == 400 and "NoPermission" in reply.errors[0]
    assert server.api("GET", mount + "/creds/none", headers=with_ttl).status == 404
    assert server.api("LIST", "cubbyhole", headers=with_ttl).status == 404


def test_neither_files_nor_logs_know_what_was_wrapped(server, mount):
    make_role(server, mount)
    kept = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET})["token"]
    token = wrapped_credential(server, mount)
    reply = unwrap(server, token)
    assert server.api("POST", "cubbyhole/mine", {"s": SECRET}).status == 204
    secrets = [SECRET, kept, token, reply.data["secret_key"], reply["lease_id"].rpartition("/")[2]]
    texts = [server.log().encode()]
    for place in ("store", "nginx"):
        for folder, _, names in os.walk(server.path(place)):
            for name in names:
                if os.path.isfile(os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as file:
                        texts.append(file.read())
    assert len(texts) > 3 and max(map(len, texts)) > 10000
    assert not [secret for secret in secrets for text in texts if secret.encode() in text]
    assert unwrap(server, kept).data == {"s": SECRET}
    assert server.api("DELETE", "cubbyhole/mine").status == 204


# --- tokens ---

def test_a_wrapped_token_works_when_it_was_opened(server):
    info = wrapped(server, "POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"})
    auth = unwrap(server, info["token"])["auth"]
    assert auth["accessor"] == info["wrapped_accessor"]
    assert server.api("GET", "auth/token/lookup-self", token=auth["client_token"]).status == 200


def test_a_token_that_nobody_opens_is_revoked(server):
    info = wrapped(server, "POST", "auth/token/create", {"ttl": "1h"}, ttl=SOON)
    accessor = {"accessor": info["wrapped_accessor"]}
    assert server.api("POST", "auth/token/lookup-accessor", accessor).status == 200
    wait_until(lambda: server.api("POST", "auth/token/lookup-accessor", accessor).status != 200, 20)


def test_the_default_policy_wraps_and_opens(server):
    reply = server.api("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"})
    token = reply["auth"]["client_token"]
    info = wrapped(server, "POST", "sys/wrapping/wrap", {"s": SECRET}, token=token)
    again = server.api("POST", "sys/wrapping/unwrap", {"token": info["token"]}, token=token)
    assert again.data == {"s": SECRET}
    nobody = server.api("POST", "auth/token/create", {"no_default_policy": True, "ttl": "1h",
                                                      "policies": ["nonesuch"]})
    token = nobody["auth"]["client_token"]
    with_ttl = {"X-Vault-Wrap-TTL": "60"}
    assert server.api("POST", "sys/wrapping/wrap", {}, token, with_ttl).status == 403


# --- cubbyholes ---

def test_a_cubbyhole_is_the_tokens_own_and_goes_with_it(server):
    tokens = [server.api("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"}
                         )["auth"]["client_token"] for _ in range(2)]
    assert server.api("POST", "cubbyhole/a/b", {"s": SECRET}, tokens[0]).status == 204
    assert server.api("LIST", "cubbyhole", token=tokens[0]).data == {"keys": ["a/"]}
    assert server.api("GET", "cubbyhole/a/b", token=tokens[0]).data == {"s": SECRET}
    assert server.api("GET", "cubbyhole/a/b", token=tokens[1]).status == 404
    assert server.api("GET", "cubbyhole/a/b").status == 404
    assert server.api("POST", "auth/token/revoke-self", token=tokens[0]).status == 204
    assert server.api("GET", "cubbyhole/a/b", token=tokens[0]).status == 403


def test_a_batch_token_has_no_cubbyhole(server):
    token = server.api("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h",
                                                     "type": "batch"})["auth"]["client_token"]
    reply = server.api("POST", "cubbyhole/a", {"s": SECRET}, token)
    assert reply.status == 400 and "service" in reply.errors[0]
    assert server.api("GET", "cubbyhole/a", token=token).status == 404


def test_many_who_write_one_cubbyhole_at_once_all_succeed(server):
    def one(number):
        return server.api("POST", "cubbyhole/many/%d" % number, {"n": number}).status
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(16))) == {204}
    assert len(server.api("LIST", "cubbyhole/many").data["keys"]) == 16
    for number in range(16):
        assert server.api("DELETE", "cubbyhole/many/%d" % number).status == 204


# --- limits ---

def test_nobody_fills_the_store_with_wrapped_answers(server):
    body = {"k": "x" * (1 << 20)}
    tokens = []
    with_ttl = {"X-Vault-Wrap-TTL": "60"}
    while (reply := server.api("POST", "sys/wrapping/wrap", body, headers=with_ttl)).status == 200:
        tokens.append(reply["wrap_info"]["token"])
        assert len(tokens) < 10
    assert reply.status == 400 and "too many wrapped responses" in reply.errors[0]
    assert len(tokens) == 4
    for token in tokens:
        assert unwrap(server, token).data == body
    assert server.api("POST", "sys/wrapping/wrap", {}, headers=with_ttl).status == 200


def test_many_at_once_do_not_pass_the_limit_together(server):
    """What each finds free at the same moment is taken by one of them."""
    token = server.api("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"}
                       )["auth"]["client_token"]
    body = {"k": "x" * (400 << 10)}

    def one(_):
        return server.api("POST", "sys/wrapping/wrap", body, token, {"X-Vault-Wrap-TTL": "60"})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(one, range(32)))
    assert [reply.status for reply in replies].count(200) == 11, replies
    assert {reply.errors[0][:20] for reply in replies if reply.status != 200} == {
        "too many wrapped res"}

# SPDX-License-Identifier: Apache-2.0
"""Killed right before and right after each commit of wrapping, opening and expiry.

As in test_crash_commits.py; what is asked at the end is the same: what was answered is whole, what
nobody can open any more is taken back, and what was not opened can still be.
"""
import concurrent.futures
import signal

import pytest

from crashing import MOUNT, leases, settle
from harness import wait_until
from test_crash_commits import (WHEN, finish, preload, server_with_trap,    # noqa: F401
                                set_off_at_the_end, trapped)
from wrapping import INVALID, unwrap, wrapped, wrapped_credential

PAST_DEADLINE = 17   # seconds after which what a request had in hand is due: deadline and slack

# --- wrapping ---


def test_how_many_commits_there_are_to_be_killed_at(server, trap):
    """Two of the issue, then the wrapper; nothing is confirmed before it is opened. Opening is one
    commit, and one confirms."""
    trap.set("work", "before", 100)
    token = wrapped_credential(server, MOUNT)
    finish(server)
    assert 100 - trap.left() == 3
    reply = unwrap(server, token)
    finish(server)
    assert 100 - trap.left() == 5
    settle(server, reply)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_worker_killed_before_the_wrapping_token_was_sent(server, trap, number, when):
    finish(server)
    trap.set("work", when, number)
    reply = server.api("GET", MOUNT + "/creds/r", headers={"X-Vault-Wrap-TTL": "10m"})
    assert reply.status == 502 and trap.sprung(), reply
    settle(server)


# --- opening ---

@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_opening(server, trap, when):
    """Before it the wrapper is as it was; after it nobody has what was in it."""
    token = wrapped_credential(server, MOUNT, ttl="10m")
    finish(server)
    trap.set("work", when, 1)
    assert unwrap(server, token).status == 502 and trap.sprung()
    reply = wait_until(lambda: (r := unwrap(server, token)).status != 502 and r)
    if when == "before":
        assert reply.status == 200
        finish(server)
        settle(server, reply)
    else:
        assert reply.errors == INVALID
        settle(server)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_confirmation_of_what_was_opened(server, trap, when):
    token = wrapped_credential(server, MOUNT)
    finish(server)
    trap.set("work", when, 2)
    reply = unwrap(server, token)
    wait_until(trap.sprung)
    assert reply.status == 200
    settle(server, reply)


@pytest.mark.parametrize("when", WHEN)
def test_a_server_killed_at_the_opening(server, trap, when):
    """No slot is left that could tell: the lease itself does."""
    token = wrapped_credential(server, MOUNT, ttl="10m")
    finish(server)
    trap.set("work", when, 1, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(unwrap, server, token)
        wait_until(trap.sprung)
        server.kill("master")
        assert pending.result().status == 502
    server.start_daemon()
    if when == "before":
        reply = unwrap(server, token)
        assert reply.status == 200
        finish(server)
        settle(server, reply)
    else:
        assert unwrap(server, token).errors == INVALID
        settle(server, timeout=30)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_while_it_wraps_anew(server, trap, when):
    """Nobody has the new token: the old one opens it still, or the credential is taken back."""
    token = wrapped_credential(server, MOUNT, ttl="60s" if when == "before" else "5s")
    finish(server)
    trap.set("work", when, 1)
    assert server.api("POST", "sys/wrapping/rewrap", {"token": token}).status == 502
    reply = wait_until(lambda: (r := unwrap(server, token)).status != 502 and r)
    assert reply.status == (200 if when == "before" else 400)
    finish(server)
    settle(server, *([reply] if when == "before" else []))


# --- the end ---

@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_revoker_killed_at_the_end_of_a_wrapper(server, trap, number, when):
    made = server.sim.count("CreateUser")
    trap.set("revoker", when, number)
    wrapped_credential(server, MOUNT, ttl="1s")
    assert server.sim.count("CreateUser") == made + 1
    settle(server)


def test_a_wrapper_that_ended_while_the_server_was_down(server):
    token = wrapped_credential(server, MOUNT, ttl="1s")
    server.kill("master")
    server.start_daemon()
    settle(server)
    assert unwrap(server, token).errors == INVALID


# --- tokens, which nobody would look for in the cloud ---

def wrapped_token(server):
    """The wrapping token of a new token, and what asks for that by its accessor."""
    info = wrapped(server, "POST", "auth/token/create", {"ttl": "1h"}, ttl="10m")
    finish(server)
    return info["token"], {"accessor": info["wrapped_accessor"]}


def is_alive(server, accessor):
    return server.api("POST", "auth/token/lookup-accessor", accessor).status == 200


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_opening_of_a_token(server, trap, when):
    token, accessor = wrapped_token(server)
    trap.set("work", when, 1)
    assert unwrap(server, token).status == 502 and trap.sprung()
    reply = wait_until(lambda: (r := unwrap(server, token)).status != 502 and r)
    if when == "before":
        assert reply.status == 200 and is_alive(server, accessor)
    else:
        assert reply.errors == INVALID
        wait_until(lambda: not is_alive(server, accessor), 30)


def test_a_worker_killed_when_its_token_had_arrived(server, trap):
    """The revoker writes down what it cannot any more: past the deadline, the token lives."""
    token, accessor = wrapped_token(server)
    trap.set("work", "before", 2)
    auth = unwrap(server, token)["auth"]
    wait_until(trap.sprung)
    clock = wrapped(server, "POST", "sys/wrapping/wrap", {}, ttl="%ds" % PAST_DEADLINE)["token"]
    wait_until(lambda: server.api("POST", "sys/wrapping/lookup", {"token": clock}, token=None
                                  ).status == 400, 30)
    assert is_alive(server, accessor)
    reply = server.api("GET", "auth/token/lookup-self", token=auth["client_token"])
    assert reply.status == 200, reply


@pytest.mark.parametrize("when", WHEN)
def test_a_server_killed_at_the_opening_of_a_token(server, trap, when):
    """No slot is left that could tell: the time at which the token is due does."""
    token, accessor = wrapped_token(server)
    trap.set("work", when, 1, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(unwrap, server, token)
        wait_until(trap.sprung)
        server.kill("master")
        assert pending.result().status == 502
    server.start_daemon()
    if when == "before":
        assert unwrap(server, token).status == 200 and is_alive(server, accessor)
    else:
        assert unwrap(server, token).errors == INVALID
        wait_until(lambda: not is_alive(server, accessor), 30)

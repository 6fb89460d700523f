# SPDX-License-Identifier: Apache-2.0
"""A token's tree is revoked while processes are killed at their commits.

Whatever was killed: what was answered to be dead is dead, nothing of it works again, and all that
it owned ends.
"""
import concurrent.futures
import signal

import pytest

from crashing import MOUNT, add_place, crashing_server, settle
from harness import wait_until
from lending import lookup, whoami
from test_crash_commits import (    # pylint: disable=unused-import
    WHEN, preload, server_with_trap, set_off_at_the_end, trapped)
from tokens import accessors, lend, make, policy

CHILDREN = 13       # more than one commit takes away


@pytest.fixture(scope="module", name="busy")
def server_with_several_workers(leasehold):
    with crashing_server() as server:
        yield server


def plant(server):
    """A token with children and a grandchild, and the leases of some of them."""
    add_place(server)
    policy(server, "maker", {"auth/token/create": ["update"], MOUNT + "/creds/r": ["read"]})
    root = make(server, policies=["maker"])
    tokens = [root] + [root.child() for _ in range(CHILDREN)]
    tokens.append(tokens[1].child())
    leases = [lend(token, MOUNT) for token in (root, tokens[1], tokens[2], tokens[-1])]
    return tokens, leases


@pytest.fixture(name="tree")
def tree_of_tokens(server):
    tree = plant(server)
    # Its only worker answers this when the last lease is confirmed, and commits nothing for it.
    assert server.api("POST", "auth/token/tidy").status == 202
    return tree


def check_gone(server, tokens, leases):
    # At once, but for a commit whose writer died before others could see it.
    wait_until(lambda: all(token.is_dead() for token in tokens))
    for lease in leases:
        wait_until(lambda lease=lease: lookup(server, lease["lease_id"]).status == 400, 20)
        assert whoami(server, lease.data).status != 200
    wait_until(lambda: not accessors(server) & {token.accessor for token in tokens}, 20)
    assert all(token.is_dead() for token in tokens)
    settle(server)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_commit_of_a_revocation(server, trap, tree, when):
    """All of the tree is dead, or none of it."""
    tokens, leases = tree
    trap.set("work", when, 1)
    assert server.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 502
    assert trap.sprung()
    if when == "before":
        assert not any(token.is_dead() for token in tokens)
        assert server.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 204
    check_gone(server, tokens, leases)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", range(1, 7))
def test_a_revoker_killed_at_any_commit_is_followed_by_one_that_ends_it(server, trap, tree, number,
                                                                       when):
    tokens, leases = tree
    trap.set("revoker", when, number)
    assert server.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 204
    check_gone(server, tokens, leases)
    assert trap.sprung()


@pytest.mark.parametrize("when", WHEN)
def test_a_server_killed_after_the_answer_ends_it_at_its_next_start(server, trap, tree, when):
    tokens, leases = tree
    trap.set("revoker", when, 1, signal.SIGSTOP)
    assert server.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 204
    wait_until(trap.sprung)
    server.kill("master")
    server.start_daemon()
    check_gone(server, tokens, leases)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", range(1, 4))
def test_a_revoker_killed_while_children_become_orphans(server, trap, tree, number, when):
    tokens, leases = tree
    trap.set("revoker", when, number)
    assert server.api("POST", "auth/token/revoke-orphan", {"token": tokens[0].text}).status == 204
    wait_until(trap.sprung)
    assert tokens[0].is_dead() and not any(token.is_dead() for token in tokens[1:])
    wait_until(lambda: tokens[0].accessor not in accessors(server), 20)
    assert all(token.lookup().data["orphan"] for token in tokens[1:-1])
    assert whoami(server, leases[1].data).status == 200
    for token in tokens[1:-1]:
        assert server.api("POST", "auth/token/revoke", {"token": token.text}).status == 204
    check_gone(server, tokens, leases)


@pytest.mark.parametrize("when", WHEN)
def test_the_last_use_is_not_lost_with_its_worker(server, trap, when):
    """Before its commit the use was not taken; after it, nobody but the revoker ends the token."""
    token = make(server, num_uses=1, policies=["default"])
    trap.set("work", when, 1)
    assert token.lookup().status == 502 and trap.sprung()
    if when == "before":
        assert token.lookup().status == 200
    assert token.is_dead()
    wait_until(lambda: token.accessor not in accessors(server), 30)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_commit_of_a_creation(server, trap, when):
    """Nobody has received the token, so all that may be left is a child that ends in time."""
    before = accessors(server)
    trap.set("work", when, 1)
    reply = server.api("POST", "auth/token/create", {"ttl": "2s", "policies": ["default"]})
    assert reply.status == 502 and trap.sprung()
    assert len(accessors(server)) - len(before) <= (when == "after")
    wait_until(lambda: accessors(server) <= before)


@pytest.mark.parametrize("victim", [0, 1, -1])
def test_an_issue_that_is_under_way_ends_with_its_token(busy, victim):
    """The cloud is slow and the token or an ancestor dies meanwhile: nobody gets the credential."""
    tokens, leases = plant(busy)
    calls = busy.sim.count("CreateUser")
    busy.sim.configure(latency={"CreateUser": 1.5})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(tokens[-1].api, "GET", MOUNT + "/creds/r")
        wait_until(lambda: busy.sim.count("CreateUser") > calls)
        assert busy.api("POST", "auth/token/revoke-accessor",
                        {"accessor": tokens[victim].accessor}).status == 204
        reply = pending.result()
    busy.sim.configure(latency=0)
    assert reply.status in (400, 504), reply     # the revoker took away what was to be joined
    assert tokens[-1].is_dead()
    if victim:
        assert busy.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 204
    check_gone(busy, tokens, leases)


def test_an_issue_that_is_under_way_is_not_hurt_by_a_renewal_or_a_tuned_mount(busy):
    """They live on, whatever their records say now."""
    tokens, leases = plant(busy)
    calls = busy.sim.count("CreateUser")
    busy.sim.configure(latency={"CreateUser": 1.5})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(tokens[-1].api, "GET", MOUNT + "/creds/r")
        wait_until(lambda: busy.sim.count("CreateUser") > calls)
        for token in (tokens[0], tokens[-1]):
            assert token.api("POST", "auth/token/renew-self", {}).status == 200
        assert busy.api("POST", "sys/mounts/%s/tune" % MOUNT, {"description": "d"}).status == 204
        assert not pending.done()
        reply = pending.result()
    busy.sim.configure(latency=0)
    assert reply.status == 200 and whoami(busy, reply.data).status == 200, reply
    assert busy.api("POST", "auth/token/revoke", {"token": tokens[0].text}).status == 204
    check_gone(busy, tokens, leases + [reply])

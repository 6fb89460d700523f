# SPDX-License-Identifier: Apache-2.0
"""Workers have their changes committed together, and the one that does so is killed.

The one idea: only its own client goes without an answer. Everybody else's is as if nobody had died,
and is true.
"""
import concurrent.futures
import itertools
import threading

import pytest

from crashing import MOUNT, add_place, settle
from harness import wait_until
from lending import issue
from test_crash_commits import (    # pylint: disable=unused-import
    WHEN, Trap, preload, trapped_server)
from tokens import Token, accessors, make

CLIENTS, EACH, KILLS = 12, 20, 3    # each client asks so often, or until all are killed


@pytest.fixture(scope="module", name="trapped")
def server_with_many_workers(leasehold, preload, tmp_path_factory):
    trap = Trap(str(tmp_path_factory.mktemp("trap") / "order"))
    with trapped_server(preload, trap, work_workers=CLIENTS) as server:
        add_place(server)
        settle(server, issue(server, MOUNT))
        yield server, trap


@pytest.fixture(name="parent")
def parent_of_all(trapped):
    trapped[0].restart()
    return make(trapped[0], policies=["root"])


def strike(trap, when, work):
    """The answers that clients of all workers get while workers are killed."""
    numbers, over = itertools.count(), threading.Event()

    def ask():
        answers = []
        while len(answers) < EACH or not over.is_set():
            answers.append(work(next(numbers)))
        return answers

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        waiting = [pool.submit(ask) for _ in range(CLIENTS)]
        try:
            for _ in range(KILLS):
                trap.set("work", when, 3)
                wait_until(trap.sprung)
        finally:
            over.set()
        return [answer for future in waiting for answer in future.result()]


@pytest.mark.parametrize("when", WHEN)
def test_each_death_costs_one_answer_and_all_others_are_true(trapped, parent, when):
    server, trap = trapped
    before = accessors(server)

    def create(number):
        return parent.api("POST", "auth/token/create",
                          {"id": "%s-%d" % (when, number), "policies": ["default"], "ttl": "1h"})

    answers = strike(trap, when, create)
    assert sorted({answer.status for answer in answers}) == [200, 502], answers
    assert sum(answer.status == 502 for answer in answers) == KILLS
    tokens = [Token(server, answer["auth"]) for answer in answers if answer.status == 200]
    assert not any(token.is_dead() for token in tokens)
    there = accessors(server) - before
    assert {token.accessor for token in tokens} <= there
    # A worker that dies before a commit for others may have had its own done by somebody before.
    assert len(there) - len(tokens) in ([KILLS] if when == "after" else range(KILLS + 1))
    assert server.api("POST", "auth/token/revoke", {"token": parent.text}).status == 204
    assert all(token.is_dead() for token in tokens)
    wait_until(lambda: not accessors(server) & there, 20)


@pytest.mark.parametrize("when", WHEN)
def test_no_lease_is_lost_with_the_leader_of_many(trapped, when):
    server, trap = trapped
    server.restart()
    answers = strike(trap, when, lambda _: server.api("GET", MOUNT + "/creds/r"))
    good = [answer for answer in answers if answer.status == 200]
    # A worker that has answered commits once more: its death is nobody's loss.
    assert len(answers) - len(good) <= KILLS, answers
    settle(server, *good)

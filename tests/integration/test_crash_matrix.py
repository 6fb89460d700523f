# SPDX-License-Identifier: Apache-2.0
"""Worker, revoker and master, each killed before and after each step of issue and revocation."""
import concurrent.futures

import pytest

from crashing import MOUNT, add_mount, crashing_server, revoke, settle, start_again
from test_api_basic import issue, lookup

ISSUE = ["CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreateAccessKey"]
REVOKE = ["DeleteAccessKey", "DetachPolicyFromUser", "DeletePolicy", "DeleteUser"]


def steps(actions):
    return [(action, when) for action in actions for when in ("before", "after")]


@pytest.fixture(scope="module", name="server")
def matrix_server(leasehold):
    with crashing_server() as server:
        add_mount(server)
        yield server


def kill_at(server, who, action, when, **fields):
    """who: "caller", "master", or a kind of children, all of which are killed."""
    if who == "caller":
        server.sim.kill_hook(action, when=when, **fields)
    elif who == "master":
        server.sim.kill_hook(action, when=when, pid="parent", **fields)
    else:
        for pid in server.pids()[who]:
            server.sim.kill_hook(action, when=when, pid=pid, **fields)


def struck(server):
    return any(hook["fired"] for hook in server.sim.kills())


@pytest.mark.parametrize("action, when", steps(ISSUE))
def test_a_worker_killed_at_a_step_of_an_issue_leaves_nothing(server, action, when):
    kept = issue(server, MOUNT)
    kill_at(server, "caller", action, when)
    assert server.api("GET", MOUNT + "/creds/r").status == 502
    assert struck(server)
    settle(server, kept)


@pytest.mark.parametrize("action", ISSUE)
def test_a_call_of_a_killed_worker_that_takes_effect_late_is_swept(server, action):
    kept = issue(server, MOUNT)
    kill_at(server, "caller", action, "before", effect="late", late=1.5)
    assert server.api("GET", MOUNT + "/creds/r").status == 502
    settle(server, kept)


@pytest.mark.parametrize("action, when", steps(ISSUE))
def test_an_issue_does_not_need_the_revoker(server, action, when):
    kill_at(server, "revoker", action, when, effect="done")
    reply = issue(server, MOUNT)
    assert struck(server)
    settle(server, reply)
    server.restart()    # whoever dies young is followed later each time


@pytest.mark.parametrize("action, when", steps(REVOKE))
def test_a_revoker_killed_at_a_step_is_followed_by_one_that_ends_it(server, action, when):
    kept, lease = issue(server, MOUNT), issue(server, MOUNT)["lease_id"]
    kill_at(server, "caller", action, when)
    reply = revoke(server, lease)
    assert reply.status == 204, reply
    assert struck(server)
    assert lookup(server, lease).status == 400
    settle(server, kept)
    server.restart()


@pytest.mark.parametrize("action, when", steps(REVOKE))
def test_a_revocation_goes_on_without_the_worker_that_waits_for_it(server, action, when):
    kept, lease = issue(server, MOUNT), issue(server, MOUNT)["lease_id"]
    kill_at(server, "work", action, when, effect="done")
    assert revoke(server, lease).status == 502
    assert struck(server)
    settle(server, kept)
    server.restart()


@pytest.mark.parametrize("action, when", steps(REVOKE))
def test_a_master_killed_in_mid_revocation_is_followed_by_one_that_ends_it(server, action, when):
    kept, lease = issue(server, MOUNT), issue(server, MOUNT)["lease_id"]
    kill_at(server, "master", action, when)
    # The children die with the master, but not in the same instant: the last call may be the end.
    assert revoke(server, lease).status in (204, 502)
    assert struck(server)
    start_again(server)
    settle(server, kept)


def test_a_master_killed_at_any_step_of_an_issue_is_followed_by_one_that_cleans_up(server):
    """All in one: what died with a whole server is only due when its time is over."""
    kept = [issue(server, MOUNT)]
    for action, when in steps(ISSUE):
        server.sim.clear_kills()
        kill_at(server, "master", action, when)
        reply = server.api("GET", MOUNT + "/creds/r")
        assert reply.status in (200, 502), reply
        assert struck(server), (action, when)
        start_again(server)
        if reply.status == 200:     # the worker outlived the master by its last call
            assert revoke(server, reply["lease_id"]).status == 204
        kept.append(issue(server, MOUNT))
    settle(server, *kept, timeout=30)


def test_many_issues_at_once_survive_a_hail_of_kills(server):
    """Nobody knows where each of them stands when it is hit; what was answered must hold."""
    answered = []
    server.sim.configure(latency=0.01)
    server.sim.kill_hook("*", when="before", times=6, every=7, effect="done")
    server.sim.kill_hook("*", when="after", times=6, every=11)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for reply in pool.map(lambda _: server.api("GET", MOUNT + "/creds/r"), range(24)):
            assert reply.status in (200, 502, 504), reply
            if reply.status == 200:
                answered.append(reply)
    server.sim.configure(latency=0)
    assert struck(server) and answered
    settle(server, *answered, timeout=30)

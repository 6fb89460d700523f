# SPDX-License-Identifier: Apache-2.0
"""Worker, revoker and master, each killed before and after each step of issue and revocation.

The one idea: the deadlines are short, so that what belongs to dead processes is due at once; the
rest is as in production. Afterwards no lease is lost and no credential is without a lease.
"""
import concurrent.futures
import functools

import pytest

from harness import wait_until
from suite import each, every_engine
from trouble import Place, quick_server


def make_server(engine):
    return quick_server(engine, work_workers=4, more='issue_timeout = "4s"',
                        engine='  request_timeout = "2s"\n  sweep_after = ["1s", "3s"]')


@pytest.fixture(scope="module")
def places(servers):
    return functools.cache(lambda engine: Place(servers(engine)))


@pytest.fixture
def place(places, engine):
    """One for all: most tests end with a server that was started anew."""
    return places(engine)


def steps(actions):
    return [(action, when) for action in actions for when in ("before", "after")]


def issue_steps(engine):
    return steps(engine.issue_calls)


def revoke_steps(engine):
    return steps(engine.revoke_calls)


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


def start_again(server):
    """After the master was killed by somebody else."""
    server.process.wait(60)
    server.start_daemon()


def leases(place):
    """The ids of all leases of users that can be seen."""
    prefix = place.path + "/creds/user"
    reply = place.server.api("LIST", "sys/leases/lookup/" + prefix)
    if reply.status == 404:
        return set()
    assert reply.status == 200, reply
    return {"%s/%s" % (prefix, one) for one in reply.data["keys"]}


def settle(place, *kept, timeout=20):
    """After a crash: what was answered is whole and can be given back, and nothing else stays."""
    place.sim.clear_kills()
    ids = {reply["lease_id"] for reply in kept}
    wait_until(lambda: leases(place) == ids, timeout, "only %s are leases" % ids)
    for reply in kept:
        assert place.works(reply), reply["lease_id"]
        assert place.revoke(reply["lease_id"]).status == 204
        assert place.lookup(reply["lease_id"]).status == 400
    assert place.sim.wait_clean(timeout), place.sim.leftovers()
    assert place.sim.missing() == []


@each(issue_steps)
def test_a_worker_killed_at_a_step_of_an_issue_leaves_nothing(engine, case, place):
    kept = place.issued()
    kill_at(place.server, "caller", *case)
    assert place.issue().status == 502
    assert struck(place.server)
    settle(place, kept)


@each(lambda engine: engine.issue_calls)
def test_a_call_of_a_killed_worker_that_takes_effect_late_is_swept(engine, case, place):
    kept = place.issued()
    kill_at(place.server, "caller", case, "before", effect="late", late=1.5)
    assert place.issue().status == 502
    settle(place, kept)


@each(issue_steps)
def test_an_issue_does_not_need_the_revoker(engine, case, place):
    kill_at(place.server, "revoker", *case, effect="done")
    reply = place.issued()
    assert struck(place.server)
    settle(place, reply)
    place.server.restart()      # whoever dies young is followed later each time


@each(revoke_steps)
def test_a_revoker_killed_at_a_step_is_followed_by_one_that_ends_it(engine, case, place):
    kept, lease = place.issued(), place.issued()["lease_id"]
    kill_at(place.server, "caller", *case)
    reply = place.revoke(lease)
    assert reply.status == 204, reply
    assert struck(place.server)
    assert place.lookup(lease).status == 400
    settle(place, kept)
    place.server.restart()


@each(revoke_steps)
def test_a_revocation_goes_on_without_the_worker_that_waits_for_it(engine, case, place):
    kept, lease = place.issued(), place.issued()["lease_id"]
    kill_at(place.server, "work", *case, effect="done")
    assert place.revoke(lease).status == 502
    assert struck(place.server)
    settle(place, kept)
    place.server.restart()


@each(revoke_steps)
def test_a_master_killed_in_mid_revocation_is_followed_by_one_that_ends_it(engine, case, place):
    kept, lease = place.issued(), place.issued()["lease_id"]
    kill_at(place.server, "master", *case)
    # The children die with the master, but not in the same instant: the last call may be the end.
    assert place.revoke(lease).status in (204, 502)
    assert struck(place.server)
    start_again(place.server)
    settle(place, kept)


@every_engine
def test_a_master_killed_at_any_step_of_an_issue_is_followed_by_one_that_cleans_up(engine, place):
    """All in one: what died with a whole server is only due when its time is over."""
    kept = [place.issued()]
    for action, when in issue_steps(engine):
        place.sim.clear_kills()
        kill_at(place.server, "master", action, when)
        reply = place.issue()
        assert reply.status in (200, 502), reply
        assert struck(place.server), (action, when)
        start_again(place.server)
        if reply.status == 200:     # the worker outlived the master by its last call
            assert place.revoke(reply["lease_id"]).status == 204
        kept.append(place.issued())
    settle(place, *kept, timeout=30)


@every_engine
def test_many_issues_at_once_survive_a_hail_of_kills(engine, place):
    """Nobody knows where each of them stands when it is hit; what was answered must hold."""
    answered = []
    place.sim.configure(latency=0.01)
    place.sim.kill_hook("*", when="before", times=6, every=7, effect="done")
    place.sim.kill_hook("*", when="after", times=6, every=11)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for reply in pool.map(lambda _: place.issue(), range(24)):
            assert reply.status in (200, 502, 504), reply
            if reply.status == 200:
                answered.append(reply)
    place.sim.configure(latency=0)
    assert struck(place.server) and answered
    settle(place, *answered, timeout=30)

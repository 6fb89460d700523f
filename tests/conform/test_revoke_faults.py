# SPDX-License-Identifier: Apache-2.0
"""A credential is taken back while the cloud misbehaves, in each way at each call.

Whatever happens at whichever call: when the trouble is over nothing is left.
"""
import fnmatch
import functools

import pytest

from harness import wait_until
from suite import each, every_engine
from trouble import SECRET, Place, quick_server, result_of, side_by_side

#: name: kind, fields; the trouble ends by itself. A fault that the cloud words takes its fields
#: from the engine.
FAULTS = {
    "dropped and done 20 s later": ("drop", {"times": 2, "effect": "late", "late": 20}),
    "dropped before": ("drop", {"times": 3}),
    "dropped after": ("drop", {"times": 3, "effect": "done"}),
    "garbage": ("garbage", {"times": 3}),
    "truncated": ("truncate", {"times": 3}),
    "HTML": ("html", {"times": 3}),
    "hang": ("hang", {"times": 2}),
    "throttled": ("throttle", {"times": 2}),
    "broken inside": ("error", {"times": 3}),
    "no permission": ("error", {"times": 3}),
    "string to sign": ("echo", {"times": 3}),
}


def cases(engine):
    return [(name, call) for name in FAULTS for call in engine.revoke_calls]


def fields_of(engine, name):
    words = {"throttled": engine.throttles, "broken inside": engine.sick,
             "no permission": {name: engine.permission}}.get(name, {})
    return {**FAULTS[name][1], **words.get(name, {})}


class Outcome:
    """A revocation under a fault that ends by itself, retried until nothing is left."""

    def __init__(self, server, case):
        name, call = case
        place = Place(server)
        issued = place.issued()
        number = place.fault(FAULTS[name][0], action=call, **fields_of(server.cloud, name))
        self.first = place.revoke(issued["lease_id"])
        self.struck = {f["id"]: f["struck"] for f in server.sim.faults()}[number]
        self.error = place.lookup(issued["lease_id"])
        server.sim.clear_faults(number)
        if self.first.status != 204:
            place.revoke_at_last(issued["lease_id"])
        if "later" in name:
            assert server.sim.wait(late=0)
        place.wait_clean(20)
        self.dead = not place.works(issued)
        self.gone = place.lookup(issued["lease_id"]).status == 400
        place.disable()


@pytest.fixture(scope="module")
def outcomes(servers):
    return functools.cache(lambda engine: side_by_side(
        lambda case: Outcome(servers(engine), case), cases(engine), workers=16))


@each(cases)
def test_a_fault_at_a_call_ends_clean(engine, case, outcomes):
    outcome = result_of(outcomes(engine), case)
    assert outcome.struck >= 1
    assert outcome.dead and outcome.gone
    if outcome.first.status != 204:
        assert outcome.first.status == 400, outcome.first
        text = outcome.first.errors[0]
        assert text.startswith("failed to revoke entry: resp: (*logical.Response)(nil) err"), text
        assert "%s: %s as %s" % (engine, case[1], engine.key_prefix[:4]) in text, text
        assert SECRET not in text and engine.scheme not in text, text
        assert case[1] in outcome.error.data["revoke_error"], outcome.error


# --- nobody was told the ids ---

def looks(engine):
    return [(name, call) for name in FAULTS for call in engine.looks]


class Search:
    """An issue whose key nobody was told of, and a fault while it is looked for."""

    def __init__(self, server, case):
        name, call = case
        place = Place(server)
        lost = place.fault("drop", action=server.cloud.makes_key, effect="done")
        number = place.fault(FAULTS[name][0], action=call, **fields_of(server.cloud, name))
        self.reply = place.issue()
        server.sim.clear_faults(lost)
        wait_until(lambda: self.struck(server, number), 20, "%s at %s" % case)
        server.sim.clear_faults(number)
        place.server.api("PUT", "sys/leases/revoke-prefix/" + place.path)
        if "later" in name:
            assert server.sim.wait(late=0)
        place.wait_clean(20)
        place.disable()

    @staticmethod
    def struck(server, number):
        return {f["id"]: f["struck"] for f in server.sim.faults()}[number]


@pytest.fixture(scope="module")
def searches(servers):
    return functools.cache(lambda engine: side_by_side(
        lambda case: Search(servers(engine), case), looks(engine), workers=16))


@each(looks)
def test_a_fault_while_ids_are_looked_for_ends_clean(engine, case, searches):
    assert result_of(searches(engine), case).reply.status in (502, 504)


# --- order, repetition, force ---

@every_engine
def test_what_was_signed_is_never_logged(engine, outcomes, server):
    outcomes(engine)
    assert engine.scheme not in server.log() and SECRET not in server.log()


@every_engine
def test_the_key_dies_first_even_if_nothing_else_can_be_removed(engine, place):
    issued = place.issued()
    number = place.fault("error", action=engine.after_the_key, **engine.permission)
    assert place.revoke(issued["lease_id"]).status == 400
    assert not place.works(issued)
    place.sim.clear_faults(number)
    place.revoke_at_last(issued["lease_id"])
    assert place.left() == []


@each(lambda engine: ["usual"] + (["demanding"] if engine.demanding else []))
def test_the_keys_of_many_go_before_the_rest_of_any(engine, case, leasehold):
    with quick_server(engine, setup=engine.demanding if case == "demanding" else None) as server:
        place = Place(server)
        issued = side_by_side(lambda _: place.issued(), range(20))
        assert all(place.works(result_of(issued, i)) for i in range(20))
        reply = server.api("PUT", "sys/leases/revoke-prefix/" + place.path, {"sync": False})
        assert reply.status == 202, reply
        place.wait_clean()
        calls = place.calls()
        keys = [c["arrived_ms"] for c in calls if c["action"] == engine.delete_key]
        rest = [c["arrived_ms"] for c in calls
                if any(fnmatch.fnmatch(c["action"], one) for one in engine.after_the_key)]
        assert len(keys) == (40 if case == "demanding" else 20)
        assert max(keys) <= min(rest)
        place.disable()


@every_engine
def test_a_revocation_may_be_repeated(engine, place):
    """While one is under way, after one that failed, and after the end."""
    issued = place.issued()
    number = place.fault("error", action=engine.delete_user, **engine.permission)
    assert [place.revoke(issued["lease_id"]).status for _ in range(3)] == [400] * 3
    place.sim.clear_faults(number)
    place.sim.configure(latency=0.1)
    again = side_by_side(lambda _: place.revoke(issued["lease_id"]), range(3))
    place.sim.configure(latency=0)
    assert {result_of(again, i).status for i in range(3)} == {204}
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


@every_engine
def test_a_sick_cloud_recovers_and_nobody_asks(engine, place):
    """Expiry itself goes on; the lease does not wait for a client."""
    place.role("brief", **engine.brief_role, ttl=1, max_ttl=1)
    issued = place.issued("brief")
    number = place.fault("error", action=engine.delete_user, **next(iter(engine.sick.values())))
    place.wait_call(engine.delete_user)
    place.sim.clear_faults(number)
    place.wait_clean(15)
    place.wait_gone(issued["lease_id"])


@every_engine
def test_force_makes_one_attempt_and_forgets(engine, place):
    issued = place.issued()
    number = place.fault("error", action=engine.delete_user, **engine.permission)
    reply = place.server.api("PUT", "sys/leases/revoke-force/" + place.path)
    assert reply.status == 204, reply
    place.sim.clear_faults(number)
    place.wait_gone(issued["lease_id"])
    assert not place.works(issued)
    assert "forgotten by force" in place.server.log() and place.user() in place.server.log()
    place.sim.edit("delete_user", user=place.user())

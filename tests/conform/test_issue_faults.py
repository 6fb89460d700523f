# SPDX-License-Identifier: Apache-2.0
"""A credential is asked for while the cloud misbehaves, in each way at each call.

The answer has the right status and useful words without a secret, what may be repeated is, a
credential that is handed out works, and nothing of the others stays.
"""
import functools
from collections import namedtuple

import pytest

from suite import each, every_engine
from trouble import SECRET, Place, result_of, side_by_side

LATE = "dropped and done 20 s later"

#: status: while it lasts; brief: whether a single one can be got over
Fault = namedtuple("Fault", "kind fields status brief advice")

#: What any cloud's network and gateways do. name: kind, fields, status while it lasts.
COMMON = {
    LATE: ("drop", {"effect": "late", "late": 20}, 502),
    "dropped before": ("drop", {}, 502),
    "reset before": ("drop", {"reset": True}, 502),
    "dropped after": ("drop", {"effect": "done"}, 502),
    "garbage": ("garbage", {}, 502),
    "truncated body": ("truncate", {}, 502),
    "truncated JSON": ("truncate", {"cut": "json"}, 502),
    "HTML": ("html", {}, 502),
    "HTML with 200": ("html", {"status": 200}, 502),
    "huge": ("huge", {}, 502),
    "hang": ("hang", {}, 504),
    "hang after": ("hang", {"effect": "done"}, 504),
}


@functools.cache
def faults(engine):
    """name → Fault."""
    found = {name: Fault(kind, fields, status, True, "")
             for name, (kind, fields, status) in COMMON.items()}
    for name, fields in engine.throttles.items():
        found[name] = Fault("throttle", fields, 429, True, "")
    for name, fields in engine.sick.items():
        found[name] = Fault("error", fields, 502, True, "")
    for name, (fields, advice) in engine.refusals.items():
        found[name] = Fault("error", fields, 400, False, advice)
    found["string to sign"] = Fault("echo", {}, 400, False, engine.echo_advice)
    for (name, _), (fields, advice) in engine.special.items():
        found[name] = Fault("error", fields, 400, False, advice)
    return found


@functools.cache
def cases(engine):
    """(fault, call, how often: None for ever)."""
    calls = engine.issue_calls + engine.session_calls + list(engine.role_calls)
    special = {name for name, _ in engine.special}
    found = [(name, call, None) for name in faults(engine) if name not in special
             for call in calls]
    found += [(name, call, 1) for name, call, _ in found if faults(engine)[name].brief]
    return found + [(name, call, None) for name, call in engine.special]


def expected(engine, case):
    name, call, times = case
    fault = faults(engine)[name]
    if not times or not fault.brief:
        return fault.status
    return fault.status if call in engine.once and fault.kind != "throttle" else 200


def role_for(place, call):
    """A role whose credentials need this call: what is asked when a role is written is asked at
    its issue if there was no key then."""
    if call in place.cloud.session_calls:
        return "session"
    if call not in place.cloud.role_calls:
        return "user"
    place.ok("DELETE", place.path + "/config")
    place.role("unasked", **place.cloud.user_role)
    place.configure(place.key)
    return "unasked"


class Outcome:
    def __init__(self, server, case):
        name, call, times = case
        self.place = place = Place(server)
        role, fault = role_for(place, call), faults(server.cloud)[name]
        number = place.fault(fault.kind, action=call, times=times, **fault.fields)
        self.reply = place.issue(role)
        self.works = self.reply.status == 200 and place.works(self.reply)
        self.struck = {f["id"]: f["struck"] for f in server.sim.faults()}[number]
        server.sim.clear_faults(number)
        self.calls = len(place.calls(call))
        if self.reply.status == 200 and role != "session":
            place.revoke_at_last(self.reply["lease_id"])
        if name == LATE:
            assert server.sim.wait(late=0)
        place.wait_clean(40)
        place.disable()


@pytest.fixture(scope="module")
def outcomes(servers):
    return functools.cache(lambda engine: side_by_side(
        lambda case: Outcome(servers(engine), case), cases(engine), workers=16))


@pytest.fixture
def outcome(outcomes, engine, case):
    return result_of(outcomes(engine), case)


@each(cases)
def test_a_fault_at_a_call(engine, case, outcome):
    reply = outcome.reply
    assert outcome.struck >= 1
    assert reply.status == expected(engine, case), reply
    if reply.status == 200:
        assert outcome.works, "the credential that was handed out does not work"
        return
    text = reply.errors[0]
    assert text.startswith("%s: %s as %s" % (engine, case[1], engine.key_prefix[:4])), text
    assert SECRET not in str(reply.raw) and "<" not in text and "\n" not in text, text
    assert engine.scheme not in text
    assert faults(engine)[case[0]].advice in text
    assert ("Retry-After" in reply.headers) == (reply.status == 429)
    if reply.status == 429:
        assert int(reply.headers["Retry-After"]) >= 1


@each(lambda engine: [("no permission", call, None)
                      for call in engine.issue_calls + engine.session_calls])
def test_what_is_refused_is_not_tried_again(engine, case, outcome):
    assert outcome.calls <= engine.parallel.get(case[1], 1)


@each(lambda engine: [case for case in cases(engine) if case[1] in engine.once])
def test_what_cannot_be_repeated_is_not(engine, case, outcome):
    if faults(engine)[case[0]].kind != "throttle":
        assert outcome.calls == 1


@each(lambda engine: [("dropped after", call, 1) for call in engine.repeatable])
def test_what_a_lost_call_has_made_is_known_to_be_ours(engine, case, outcome):
    """"Already exists" to a repetition is success: no new plan is made."""
    assert outcome.calls == 2


@every_engine
def test_what_was_signed_is_never_logged(engine, outcomes, server):
    outcomes(engine)
    assert engine.scheme not in server.log() and SECRET not in server.log()

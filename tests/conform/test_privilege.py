# SPDX-License-Identifier: Apache-2.0
"""README's policies for the root key: enough for a whole life, and not one word too many.

Each case has a root user of its own, held to the policy with one action or resource taken out; the
same life is lived as with the whole policy, and some part of it must fail.
"""
import copy
import functools
import itertools
import json
import os
import re

import pytest

from conform.engines import ENGINES
from conform.engines.base import TOP
from harness import wait_until
from suite import each
from trouble import Place, quick_server, result_of, side_by_side

NUMBERS = itertools.count(1)


def make_server(engine):
    return quick_server(engine, setup=engine.demanding)


@functools.cache
def policies():
    """{(engine, kind of role): policy}: the JSON blocks, by the line that stands above each."""
    with open(os.path.join(TOP, "README"), encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"^Roles of (\w+) with ([^(:\n]+)([^:]*?):\n\n((?: {4}.*\n)+)", text,
                       re.MULTILINE)
    return {(engine, kind.strip()): json.loads(block) for engine, kind, _, block in found}


def statement_of(document):
    return document.get("Statement", document.get("statement"))[0]


def listed(value):
    return [value] if isinstance(value, str) else list(value)


def parts(engine):
    """(kind, member of the statement, what is taken out); None: the whole policy."""
    for (name, kind), document in policies().items():
        if name != engine.type:
            continue
        yield kind, None, None
        for member, value in statement_of(document).items():
            if member.lower() in ("action", "resource"):
                yield from ((kind, member, item) for item in listed(value) if item != "*")


def without(engine, kind, member, item):
    document = copy.deepcopy(policies()[engine.type, kind])
    statement = statement_of(document)
    if member:
        rest = [one for one in listed(statement[member]) if one != item]
        statement[member] = rest or [engine.elsewhere[member.lower()]]
    return document


def root_user(server, document):
    name = "root-%d" % next(NUMBERS)
    server.sim.edit("create_user", user=name, keep=True)
    server.sim.edit("enforce", user=name, document=document)
    return name


# --- a life ---

def ordinary(place):
    """Issue, renew, revoke."""
    reply = place.issue("r")
    if reply.status != 200:
        return reply.errors[0]
    if reply["renewable"]:
        renewed = place.server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]})
        if renewed.status != 200:
            return renewed.errors[0]
    gone = place.revoke(reply["lease_id"])
    return None if gone.status == 204 else gone.errors[0]


def lost_key(place, timeout):
    """The answer with the key's id is lost: it must be found, and die before all else."""
    cloud = place.cloud
    number = place.fault("drop", action=cloud.makes_key, effect="done", times=3)
    hold = place.fault("error", action=cloud.delete_user, **next(iter(cloud.sick.values())))
    reply = place.issue("r")
    place.sim.clear_faults(number)
    if reply.status == 200:         # a second plan was made
        place.revoke(reply["lease_id"])
    names = place.names()
    try:
        wait_until(lambda: not [one for one in place.left(names) if one["kind"] == "key"], timeout)
        place.sim.clear_faults(hold)
        place.server.api("PUT", "sys/leases/revoke-prefix/" + place.path)
        place.wait_clean(timeout)
    except AssertionError:
        return "left: %s" % place.left()
    finally:
        place.sim.clear_faults(hold)
    return None


def touched_by_hand(place, policy):
    """The user got a key and a policy that no plan knows."""
    reply = place.issue("r")
    assert reply.status == 200, reply
    place.sim.edit("add_key", user=place.user())
    place.sim.edit("attach", user=place.user(), policy=policy)
    gone = place.revoke(reply["lease_id"])
    return None if gone.status == 204 else gone.errors[0]


def live(place, policy, timeout):
    """Why the first part of a whole life that fails does; None if all goes well."""
    failure = ordinary(place)
    if policy:
        failure = failure or touched_by_hand(place, policy) or lost_key(place, timeout)
    return failure


def run(server, engine, case):
    whole = policies()[engine.type, case[0]]
    role, foreign = engine.kinds[case[0]]
    user = root_user(server, without(engine, *case))
    place = Place(server, user=user)
    place.role("r", **role)
    # What must not happen is not waited for as long as what must.
    failure = live(place, foreign, timeout=1 if case[1] else 10)
    server.sim.edit("enforce", user=user, document=whole)
    place.server.api("PUT", "sys/leases/revoke-prefix/" + place.path)
    place.disable()
    wait_until(lambda: not place.left(), 20, "nothing is left with the whole policy")
    server.sim.edit("delete_user", user=user, keep=True)
    return failure


@pytest.fixture(scope="module")
def lives(servers):
    return functools.cache(lambda engine: side_by_side(
        lambda case: run(servers(engine), engine, case), list(parts(engine)), workers=8))


def test_there_is_a_policy_for_each_kind_of_role():
    assert set(policies()) == {(engine.type, kind) for engine in ENGINES for kind in engine.kinds}


@each(parts)
def test_every_word_of_the_policy_is_needed(engine, case, lives):
    failure = result_of(lives(engine), case)
    if case[1] is None:
        assert failure is None
    else:
        assert failure, "nothing fails without " + case[2]

# SPDX-License-Identifier: Apache-2.0
"""README's policies for the root key: enough for a whole life, and not one word too many.

Each case has a root user of its own, held to the policy with one action or resource taken out; the
same life is lived as with the whole policy, and some part of it must fail.
"""
import copy
import itertools

import pytest

from harness import wait_until
from test_readme import ROLES, blocks
from trouble import Place, quick_server, result_of, side_by_side

NUMBERS = itertools.count(1)
FOREIGN = {"Roles with inline policies": "existing-policy",
           "Roles with remote policies": "AliyunECSFullAccess"}


def listed(value):
    return [value] if isinstance(value, str) else list(value)


def parts():
    """(kind, "Action" or "Resource", what is taken out); None: the whole policy."""
    for kind, document in blocks().items():
        yield kind, None, None
        for member in ("Action", "Resource"):
            for item in listed(document["Statement"][0][member]):
                yield kind, member, item


CASES = list(parts())


def without(kind, member, item):
    document = copy.deepcopy(blocks()[kind])
    statement = document["Statement"][0]
    if member:
        rest = [one for one in listed(statement[member]) if one != item]
        statement[member] = rest or {"Action": ["oss:GetObject"],
                                     "Resource": ["acs:ram:*:1:role/none"]}[member]
    return document


def root_user(server, document):
    name = "root-%d" % next(NUMBERS)
    server.sim.edit("create_user", user=name, keep=True)
    server.sim.edit("enforce", user=name, document=document)
    return name


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


def lost_key(place):
    """The answer with the key's id is lost: it must be found."""
    number = place.fault("drop", action="CreateAccessKey", effect="done")
    assert place.issue("r").status == 502
    place.sim.clear_faults(number)
    try:
        place.wait_clean(4)
    except AssertionError:
        return "left: %s" % place.left()
    return None


def touched_by_hand(place, policy):
    """The user got a key and a policy that no plan knows."""
    reply = place.issue("r")
    assert reply.status == 200, reply
    place.sim.edit("add_key", user=place.user())
    place.sim.edit("attach", user=place.user(), policy=policy)
    gone = place.revoke(reply["lease_id"])
    return None if gone.status == 204 else gone.errors[0]


def live(place, kind):
    """Why the first part of a whole life that fails does; None if all goes well."""
    failure = ordinary(place)
    if kind in FOREIGN:
        failure = failure or lost_key(place) or touched_by_hand(place, FOREIGN[kind])
    return failure


def run(server, case):
    user = root_user(server, without(*case))
    place = Place(server, user=user)
    place.role("r", **ROLES[case[0]])
    failure = live(place, case[0])
    server.sim.edit("enforce", user=user, document=blocks()[case[0]])
    place.disable()
    wait_until(lambda: not place.left(), 20, "nothing is left with the whole policy")
    server.sim.edit("delete_user", user=user, keep=True)
    return failure


@pytest.fixture(scope="module", name="server")
def quick(leasehold):
    with quick_server() as server:
        yield server


@pytest.fixture(scope="module", name="lives")
def all_lives(server):
    return side_by_side(lambda case: run(server, case), CASES, workers=8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s-%s" % (
    case[0].split(" ")[-1 if "arn" in case[0] else 2], case[2] or "whole"))
def test_every_word_of_the_policy_is_needed(lives, case):
    failure = result_of(lives, case)
    if case[1] is None:
        assert failure is None
    else:
        assert failure, "nothing fails without " + case[2]

# SPDX-License-Identifier: Apache-2.0
"""The life of a credential of each kind, as a client and as the cloud see it."""
import calendar
import time
from urllib.parse import quote

import pytest

from cloudsim.client import rounds
from suite import each, every_engine
from trouble import Place, result_of, side_by_side


@every_engine
def test_a_user_works_until_it_is_given_back(engine, place):
    reply = place.issued()
    assert set(reply.data) == set(engine.data_fields[:2])
    assert reply["renewable"] is True and reply["lease_id"].startswith(place.path + "/creds/user/")
    assert place.works(reply)
    assert place.left()
    renewed = place.server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"],
                                                           "increment": 600})
    assert renewed.status == 200 and 590 <= renewed["lease_duration"] <= 600, renewed
    assert place.works(reply)
    assert place.revoke(reply["lease_id"]).status == 204
    assert not place.works(reply)
    assert place.lookup(reply["lease_id"]).status == 400
    assert place.left() == [] and place.sim.missing() == []


@every_engine
def test_a_user_ends_by_itself(engine, place):
    place.role("brief", **engine.brief_role, ttl=4, max_ttl=4)
    reply = place.issued("brief")
    assert reply["lease_duration"] == 4 and place.works(reply)
    place.wait_clean()
    place.wait_gone(reply["lease_id"])
    assert not place.works(reply)


@every_engine
def test_a_renewed_user_lives_on(engine, place):
    place.role("brief", **engine.brief_role, ttl=5, max_ttl=60)
    short, long = place.issued("brief"), place.issued("brief")
    renewed = place.server.api("PUT", "sys/leases/renew", {"lease_id": long["lease_id"],
                                                           "increment": 600})
    assert renewed.status == 200 and 50 <= renewed["lease_duration"] <= 60, renewed
    assert "exceeded the effective max_ttl" in renewed["warnings"][0]
    place.wait_gone(short["lease_id"])
    assert place.works(long) and not place.works(short)
    assert place.revoke(long["lease_id"]).status == 204


@every_engine
def test_a_session_works_and_is_neither_renewed_nor_taken_back(engine, place):
    reply = place.issued("session")
    assert set(reply.data) == {*engine.data_fields, "expiration"}
    assert reply["renewable"] is False
    end = calendar.timegm(time.strptime(reply.data["expiration"], "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(end - time.time() - reply["lease_duration"]) < 30
    assert place.works(reply)
    renewed = place.server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]})
    assert renewed.status == 400 and "lease is not renewable" in renewed.errors[0]
    assert place.revoke(reply["lease_id"]).status == 204
    assert place.lookup(reply["lease_id"]).status == 400
    assert place.left() == []


@every_engine
def test_the_config_never_shows_its_secret(engine, place):
    reply = place.ok("GET", place.path + "/config")
    assert reply.data == {engine.config_fields[0]: place.key[0]}


@every_engine
def test_disabling_a_mount_takes_everything_back(engine, server):
    place = Place(server)
    issued = [place.issued() for _ in range(3)]
    place.disable()
    assert place.left() == []
    assert not any(place.works(reply) for reply in issued)


@every_engine
def test_many_at_once_are_all_different_and_all_go(engine, place):
    replies = side_by_side(lambda _: place.issued(), range(12))
    replies = [result_of(replies, i) for i in range(12)]
    assert len({reply.data[engine.data_fields[0]] for reply in replies}) == 12
    assert all(place.works(reply) for reply in replies)
    gone = side_by_side(lambda i: place.revoke(replies[i]["lease_id"]).status, range(12))
    assert set(gone.values()) == {204}
    assert place.left() == []


# --- rounds ---

def rounds_of(calls):
    return [sorted({call["action"] for call in group}) for group in rounds(calls)]


def rounds_of_life(place, case, latency):
    """Those of an issue and those of a revocation."""
    place.sim.configure(latency=latency)
    last = place.sim.calls()[-1]["n"]
    issued = place.issued(case)
    middle = place.sim.calls()[-1]["n"]
    assert place.revoke(issued["lease_id"]).status == 204
    place.sim.configure(latency=0)
    calls = [c for c in place.sim.calls(since=last) if c["key"] == place.key[0]]
    return (rounds_of([c for c in calls if c["n"] <= middle]),
            rounds_of([c for c in calls if c["n"] > middle]))


@each(lambda engine: ["user", "session"])
def test_no_more_dependent_rounds_than_needed(engine, case, place):
    """On a busy machine a call may end before another begins that did not wait for it: asked again,
    with slow calls, only those that wait do so."""
    needed = (engine.issue_rounds, engine.revoke_rounds) if case == "user" else (
        [engine.session_calls], [])
    place.revoke(place.issued("user")["lease_id"])      # the account is known from here on
    if rounds_of_life(place, case, 0.05) != needed:
        assert rounds_of_life(place, case, 1) == needed


# --- names ---

ODD = ["a", "9", "x" * 128, "a.b-c_d", "0-9_.z", "role_" + "-".join("abcdefghijkl" * 4)]


@each(lambda engine: ODD)
def test_an_odd_role_name_is_a_name_that_the_cloud_takes(engine, case, place):
    place.role(case, **engine.user_role)
    issued = place.issued(case)
    assert place.works(issued)
    assert engine.takes_user(place.user()), place.user()
    if engine.create_policy:
        assert engine.takes_policy(place.policy()), place.policy()
    assert place.revoke(issued["lease_id"]).status == 204
    place.ok("DELETE", "%s/role/%s" % (place.path, case))
    place.role(case, **engine.session_role)
    assert place.works(place.issued(case))
    assert place.left() == []


@each(lambda engine: ["jenkins build #7", "mary@example.com", "J\u00fcrgen \u6f22\u5b57", "-._", "9",
                      "x" * 200])
def test_an_odd_display_name_is_in_a_name_that_the_cloud_takes(engine, case, place):
    token = place.ok("POST", "auth/token/create", {"display_name": case, "policies": ["root"]})
    token = token["auth"]["client_token"]
    for role in ("user", "session"):
        reply = place.server.api("GET", "%s/creds/%s" % (place.path, role), token=token)
        assert reply.status == 200 and place.works(reply), reply
    assert engine.takes_user(place.user()), place.user()
    assert "user" in place.user(), "the role's name is not in it"
    place.ok("POST", "auth/token/revoke", {"token": token})
    place.wait_clean()


@pytest.mark.parametrize("role", ["X", "Übung", "a b", "-", "a/b", "x" * 129])
@every_engine
def test_a_role_name_that_is_none_is_refused(engine, place, role):
    reply = place.server.api("POST", "%s/role/%s" % (place.path, quote(role, safe="")),
                             engine.user_role)
    assert reply.status in (400, 404, 405), reply

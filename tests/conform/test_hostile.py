# SPDX-License-Identifier: Apache-2.0
"""Answers that no honest cloud gives, and connections that no honest network offers."""
import itertools

import pytest

from suite import each, every_engine
from trouble import SECRET, Place, quick_server, result_of, side_by_side


# --- lists that do not end ---

@each(lambda engine: list(itertools.product(engine.lists, ("new", "same"))))
def test_a_list_without_an_end_is_not_read_for_ever(engine, case, place):
    action, marker = case
    issued = place.issued()
    place.sim.edit("add_key", user=place.user())
    place.sim.edit("attach", user=place.user(), policy=engine.other_policy)
    number = place.fault("pages", action=action, marker=marker)
    assert place.revoke(issued["lease_id"]).status in (204, 400, 504)
    assert 0 < len(place.calls(action)) < 100
    place.sim.clear_faults(number)
    place.revoke_at_last(issued["lease_id"])
    assert place.left() == []


@each(lambda engine: list(itertools.product(engine.role_calls, ("new", "same"))))
def test_a_list_without_an_end_holds_up_no_role(engine, case, place):
    action, marker = case
    number = place.fault("pages", action=action, marker=marker)
    written = place.server.api("POST", place.path + "/role/endless", engine.user_role)
    assert written.status in (200, 204, 400), written
    issued = place.issue("endless")
    assert issued.status in (400, 404, 502, 504), issued
    assert 0 < len(place.calls(action)) < 500
    place.sim.clear_faults(number)
    place.role("endless", **engine.user_role)
    assert place.revoke(place.issued("endless")["lease_id"]).status == 204
    assert place.left() == []


# --- what the network does ---

@pytest.fixture
def lonely(leasehold, engine):
    """Faults of connections cannot be told apart by key: a server for each of them."""
    with quick_server(engine, work_workers=2) as server:
        yield server


CONNECTIONS = [
    ("refuse", {}, (502,)),
    ("tls_garbage", {}, (502,)),
    ("tls_hang", {}, (502, 504)),
    ("certificate", {"certificate": "name"}, (502,)),
    ("certificate", {"certificate": "ca"}, (502,)),
    ("certificate", {"certificate": "expired"}, (502,)),
]


@every_engine
def test_without_a_sound_connection_no_signed_byte_leaves(engine, lonely):
    place = Place(lonely)
    assert place.revoke(place.issued()["lease_id"]).status == 204
    for kind, fields, statuses in CONNECTIONS:
        lonely.sim.drop_connections()
        number = lonely.sim.fault(kind, **fields)
        reply = place.issue()
        lonely.sim.clear_faults(number)
        assert reply.status in statuses, (kind, fields, reply)
        text = reply.errors[0]
        assert text.startswith("%s: %s as %s" % (engine, engine.create_user,
                                                 engine.key_prefix[:4])), text
        assert SECRET not in text
        if kind == "certificate":
            assert "certificate" in text.lower(), text
        assert lonely.sim.state()["tls"]["bytes_on_bad_certificate"] == 0
    assert place.revoke(place.issued()["lease_id"]).status == 204
    place.wait_clean()


@every_engine
def test_one_refused_connection_is_tried_again(engine, lonely):
    place = Place(lonely)
    lonely.sim.drop_connections()
    lonely.sim.fault("refuse", times=1)
    assert place.revoke(place.issued()["lease_id"]).status == 204


@every_engine
def test_connections_that_died_idle_are_replaced_unseen(engine, lonely):
    place = Place(lonely)
    for _ in range(4):
        lonely.sim.drop_connections()
        assert place.revoke(place.issued()["lease_id"]).status == 204


@every_engine
def test_a_name_that_does_not_resolve_is_said(engine, lonely):
    place = Place(lonely)
    file, endpoint = lonely.path("leasehold.hcl"), lonely.sim.endpoint(engine.services[0])
    with open(file, encoding="utf-8") as config:
        text = config.read()
    with open(file, "w", encoding="utf-8") as config:
        config.write(text.replace(endpoint, "https://cloud.invalid"))
    lonely.restart()
    reply = place.issue()
    assert reply.status == 502, reply
    assert "resolve" in reply.errors[0] and "cloud.invalid" in reply.errors[0], reply
    lonely.write_configuration()
    lonely.restart()
    assert place.revoke(place.issued()["lease_id"]).status == 204


@every_engine
def test_a_wrong_clock_is_said(engine, lonely):
    place = Place(lonely)
    lonely.sim.configure(skew=3600)
    reply = place.issue()
    lonely.sim.configure(skew=0)
    assert reply.status == 400 and "clocks" in reply.errors[0], reply


# --- the cloud's own limits ---

@every_engine
def test_an_account_that_is_full_is_said(engine, lonely):
    place = Place(lonely)
    lonely.sim.configure(**{engine.type: {"objects": {"users": 1}}})
    reply = place.issue()
    lonely.sim.configure(**{engine.type: {"objects": {"users": 5000}}})
    advice = next(advice for (_, call), (_, advice) in engine.special.items()
                  if call == engine.create_user)
    assert reply.status == 400 and advice in reply.errors[0], reply
    place.wait_clean()


# --- a cloud that is behind ---

@each(lambda engine: engine.consistency)
def test_a_cloud_that_is_behind_is_waited_for(engine, case, place):
    place.sim.configure(**{engine.type: {"consistency": {case: 700}}})
    issued = place.issue()
    revoked = issued.status == 200 and place.revoke(issued["lease_id"]).status
    place.sim.configure(**{engine.type: {"consistency": {case: 0}}})
    assert issued.status == 200, issued
    assert revoked == 204
    assert place.left() == []


@every_engine
def test_more_requests_than_the_cloud_allows_wait_their_turn(engine, leasehold):
    """Six credentials at once need more calls of a kind than a second holds."""
    with quick_server(engine, more='issue_timeout = "20s"') as server:
        place = Place(server)
        server.sim.configure(**{engine.type: {"rate": {"on": True}}})
        replies = side_by_side(lambda _: place.issued(), range(6))
        replies = [result_of(replies, i) for i in range(6)]
        throttled = [c for c in place.calls() if engine.is_throttled(c["code"])]
        assert all(place.works(reply) for reply in replies)
        assert server.api("PUT", "sys/leases/revoke-prefix/" + place.path).status in (204, 400)
        place.wait_clean(40)
        assert len(throttled) < 200, "the cloud is not asked without pause"
        server.sim.configure(**{engine.type: {"rate": {"on": False}}})
        place.disable()

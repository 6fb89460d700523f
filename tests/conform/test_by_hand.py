# SPDX-License-Identifier: Apache-2.0
"""Somebody changes at the console what belongs to a lease.

What was removed is success, what was added goes with the user, and nothing that is not the lease's
own is deleted.
"""
import pytest

from harness import wait_until
from suite import each, every_engine


def removals(engine):
    """Every single thing, and all of them."""
    things = ["key", "attachments", "user"] + (["policy"] if engine.create_policy else [])
    return [(thing,) for thing in things] + [("key", "attachments"), tuple(things)]


@each(removals)
def test_what_was_removed_does_not_matter(engine, case, place):
    issued = place.issued()
    user = place.user()
    policy = place.policy() if engine.create_policy else None
    if "key" in case:
        place.sim.edit("delete_key", user=user, id=issued.data[engine.data_fields[0]])
    if "attachments" in case:
        for one in (*engine.remote_policies, *filter(None, [policy])):
            place.sim.edit("detach", user=user, policy=one)
    if "policy" in case:
        place.sim.edit("delete_policy", policy=policy)
    if "user" in case:
        place.sim.edit("delete_user", user=user)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []
    assert place.sim.missing() == []


@every_engine
def test_what_was_added_goes_with_the_user(engine, place):
    issued = place.issued()
    user = place.user()
    place.sim.edit("add_key", user=user)
    place.sim.edit("attach", user=user, policy=engine.other_policy)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


@every_engine
def test_what_was_added_goes_with_the_user_of_a_failed_issue(engine, place):
    """Nobody was told its ids: it is found by the planned names."""
    last = engine.issue_calls[-1]
    number = place.fault("error", action=last, **engine.permission)
    hold = place.fault("error", action=engine.delete_user, **engine.permission)
    assert place.issue().status == 400
    place.sim.edit("attach", user=place.user(), policy=engine.other_policy)
    place.sim.edit("add_key", user=place.user())
    place.sim.clear_faults(number)
    place.sim.clear_faults(hold)
    # An attempt that began before may still be told of.
    path = "sys/leases/revoke-prefix/" + place.path
    wait_until(lambda: place.server.api("PUT", path).status == 204, what="all is revoked")
    assert place.left() == []


@every_engine
def test_a_foreign_policy_survives_detached(engine, place):
    if not engine.create_policy:
        pytest.skip("this cloud has no policies of its own")
    issued = place.issued()
    foreign = "by-hand-" + place.path
    place.sim.edit("create_policy", policy=foreign, keep=True)
    place.sim.edit("attach", user=place.user(), policy=foreign)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == [] and place.sim.missing() == []
    place.sim.edit("delete_policy", policy=foreign, keep=True)


@every_engine
def test_another_user_of_the_account_is_never_touched(engine, place):
    """Its name begins as ours does."""
    issued = place.issued()
    other = place.user()[:-4] + "zzzz"
    place.sim.edit("create_user", user=other, keep=True)
    place.sim.edit("add_key", user=other, keep=True)
    place.sim.edit("attach", user=other, policy=engine.other_policy, keep=True)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == [] and place.sim.missing() == []
    place.sim.edit("delete_user", user=other, keep=True)


@each(lambda engine: engine.hand_edits)
def test_an_edit_of_this_cloud_does_not_matter(engine, case, place):
    issued = place.issued()
    place.sim.edit(case, policy=place.policy())
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []



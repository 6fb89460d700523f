# SPDX-License-Identifier: Apache-2.0
"""A credential is taken back while the cloud misbehaves, or after somebody changed things by hand.

Whatever happens at whichever call: when the trouble is over nothing is left, and nothing that is
not the lease's own was removed.
"""
import pytest

from harness import wait_until
from trouble import Place, quick_server, result_of, side_by_side, SECRET
from cloudsim.client import rounds

CALLS = ["DeleteAccessKey", "DetachPolicyFromUser", "DeletePolicy", "DeleteUser"]

# name: kind, fields; whether the call has its effect although nobody is told.
FAULTS = {
    "throttled": ("throttle", {"times": 2}),
    "broken inside": ("error", {"times": 3}),
    "dropped before": ("drop", {"times": 3}),
    "dropped after": ("drop", {"times": 3, "effect": "done"}),
    "dropped, and happens late": ("drop", {"times": 1, "effect": "late", "late": 1}),
    "garbage": ("garbage", {"times": 3}),
    "truncated": ("truncate", {"times": 3}),
    "HTML": ("html", {"times": 3}),
    "hang": ("hang", {"times": 2}),
    "no permission": ("error", {"times": 3, "code": "NoPermission", "status": 403}),
    "string to sign": ("echo", {"times": 3}),
}
CASES = [(name, call) for name in FAULTS for call in CALLS]


class Outcome:
    """A revocation under a fault that ends by itself, retried until nothing is left."""

    def __init__(self, server, case):
        place = Place(server)
        issued = place.issued()
        kind, fields = FAULTS[case[0]]
        number = place.fault(kind, action=case[1], **fields)
        self.first = place.revoke(issued["lease_id"])
        self.struck = {f["id"]: f["struck"] for f in server.sim.faults()}[number]
        self.error = place.lookup(issued["lease_id"])
        server.sim.clear_faults(number)
        self.last = self.first
        if self.first.status != 204:
            wait_until(lambda: place.revoke(issued["lease_id"]).status == 204, 30)
        place.wait_clean(20)
        self.dead = not place.works(issued)
        self.gone = place.lookup(issued["lease_id"]).status == 400
        self.keys = len(place.calls("CreateAccessKey"))
        place.disable()


@pytest.fixture(scope="module", name="server")
def quick(leasehold):
    with quick_server() as server:
        yield server


@pytest.fixture(scope="module", name="outcomes")
def all_at_once(server):
    return side_by_side(lambda case: Outcome(server, case), CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case).replace(" ", "_"))
def test_a_fault_at_a_call_ends_clean(outcomes, case):
    outcome = result_of(outcomes, case)
    assert outcome.struck >= 1
    assert outcome.dead and outcome.gone
    if outcome.first.status != 204:
        assert outcome.first.status == 400, outcome.first
        text = outcome.first.errors[0]
        assert text.startswith("failed to revoke entry: resp: (*logical.Response)(nil) err"), text
        assert "alicloud: " + case[1] + " as LTAI" in text and SECRET not in text, text
        assert case[1] in outcome.error.data["revoke_error"], outcome.error


@pytest.fixture(name="place")
def own_place(server):
    place = Place(server)
    yield place
    server.sim.clear_faults()
    place.disable()


def test_the_key_dies_first_even_if_nothing_else_can_be_removed(place):
    issued = place.issued()
    number = place.fault("error", action=["Detach*", "DeletePolicy", "DeleteUser"],
                         code="NoPermission", status=403)
    assert place.revoke(issued["lease_id"]).status == 400
    assert not place.works(issued)
    place.sim.clear_faults(number)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


@pytest.mark.parametrize("op", [
    "delete_user", "delete_key", "detach all", "delete_policy", "everything"])
def test_what_was_removed_by_hand_does_not_matter(place, op):
    issued = place.issued()
    user, policy = place.user(), place.calls("CreatePolicy")[-1]["policy"]
    if op in ("delete_key",):
        place.sim.edit(op, user=user, id=issued.data["access_key"])
    if op in ("delete_policy", "everything"):
        place.sim.edit("delete_policy", policy=policy)
    if op in ("detach all", "everything"):
        for name in ("existing-policy", "AliyunOSSReadOnlyAccess", policy):
            place.sim.edit("detach", user=user, policy=name)
    if op in ("delete_user", "everything"):
        place.sim.edit("delete_user", user=user)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []
    assert place.sim.missing() == []


def test_what_was_added_by_hand_goes_with_the_user(place):
    issued = place.issued()
    user = place.user()
    place.sim.edit("add_key", user=user)
    place.sim.edit("attach", user=user, policy="AliyunECSFullAccess")
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


def test_a_foreign_policy_survives_detached(place):
    issued = place.issued()
    name = "by-hand-" + place.path
    place.sim.edit("create_policy", policy=name, keep=True)
    place.sim.edit("attach", user=place.user(), policy=name)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == [] and place.sim.missing() == []
    assert not [c for c in place.calls("DeletePolicy") if c["policy"] == name]
    place.sim.edit("delete_policy", policy=name, keep=True)


def test_a_planned_policy_that_got_a_second_version_goes(place):
    issued = place.issued()
    place.sim.edit("add_version", policy=place.calls("CreatePolicy")[-1]["policy"])
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


# --- root credentials change under a lease ---

def test_without_a_config_the_lease_stays_until_there_is_one(place):
    issued = place.issued()
    place.ok("DELETE", place.path + "/config")
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400 and "no credentials are configured" in reply.errors[0], reply
    assert "credentials" in place.lookup(issued["lease_id"]).data["revoke_error"]
    assert place.works(issued)
    place.configure(place.key)
    wait_until(lambda: place.revoke(issued["lease_id"]).status == 204)
    assert place.left() == []


def test_a_new_key_of_the_same_account_takes_back_what_the_old_one_made(place):
    issued = place.issued()
    new = (place.key[0] + "new", SECRET + "new")
    place.add_key(new)
    place.configure(new)
    place.sim.edit("delete_key", user="leasehold-root", id=place.key[0], keep=True)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


def test_a_key_of_another_account_never_counts_as_gone(place):
    issued = place.issued()
    place.configure(place.sim.second_root_key)
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400 and "1000000000000001" in reply.errors[0], reply
    assert "2000000000000002" in reply.errors[0]
    assert "1000000000000001" in place.lookup(issued["lease_id"]).data["revoke_error"]
    assert place.works(issued)
    place.configure(place.key)
    wait_until(lambda: place.revoke(issued["lease_id"]).status == 204)
    assert place.left() == []


def test_a_dead_root_key_is_an_operators_matter(place):
    issued = place.issued()
    place.sim.edit("set_key_status", user="leasehold-root", id=place.key[0], status="Inactive")
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400 and "disabled" in reply.errors[0], reply
    place.sim.edit("set_key_status", user="leasehold-root", id=place.key[0], status="Active")
    wait_until(lambda: place.revoke(issued["lease_id"]).status == 204)
    assert place.left() == []


def test_a_sick_cloud_recovers_and_nobody_asks(place):
    """Expiry itself goes on; the lease does not wait for a client."""
    place.role("brief", remote_policies=["name:existing-policy,type:Custom"], ttl=1, max_ttl=1)
    issued = place.issued("brief")
    number = place.fault("error", action="DeleteUser")
    wait_until(lambda: place.calls("DeleteUser"))
    place.sim.clear_faults(number)
    place.wait_clean(15)
    wait_until(lambda: place.lookup(issued["lease_id"]).status == 400)


def test_force_makes_one_attempt_and_forgets(place):
    issued = place.issued()
    number = place.fault("error", action="DeleteUser", code="NoPermission", status=403)
    reply = place.server.api("PUT", "sys/leases/revoke-force/" + place.path)
    assert reply.status == 204, reply
    place.sim.clear_faults(number)
    assert place.lookup(issued["lease_id"]).status == 400 and not place.works(issued)
    assert "forgotten by force" in place.server.log() and place.user() in place.server.log()
    place.sim.edit("delete_user", user=place.user())


# --- rounds ---

@pytest.mark.parametrize("role, most", [("user", 2), ("session", 1)])
def test_no_more_dependent_rounds_than_needed(place, role, most):
    place.revoke(place.issued("user")["lease_id"])      # the account is known from here on
    place.sim.configure(latency=0.05)
    last = place.sim.calls()[-1]["n"]
    issued = place.issued(role)
    middle = place.sim.calls()[-1]["n"]
    assert place.revoke(issued["lease_id"]).status == 204
    place.sim.configure(latency=0)
    calls = [c for c in place.sim.calls(since=last) if c["key"] == place.key[0]]
    assert len(rounds([c for c in calls if c["n"] <= middle])) == most
    assert len(rounds([c for c in calls if c["n"] > middle])) == (2 if role == "user" else 0)


# --- lists that do not end ---

@pytest.mark.parametrize("marker", ["new", "same"])
@pytest.mark.parametrize("action", ["ListAccessKeys", "ListPoliciesForUser"])
def test_a_list_without_an_end_is_not_read_for_ever(place, action, marker):
    issued = place.issued()
    place.sim.edit("add_key", user=place.user())
    place.sim.edit("attach", user=place.user(), policy="AliyunECSFullAccess")
    number = place.fault("pages", action=action, marker=marker)
    assert place.revoke(issued["lease_id"]).status in (204, 400)
    assert len(place.calls(action)) < 50
    place.sim.clear_faults(number)
    wait_until(lambda: place.revoke(issued["lease_id"]).status == 204)
    assert place.left() == []

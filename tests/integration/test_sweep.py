# SPDX-License-Identifier: Apache-2.0
"""What the cloud does late or sees late: lost calls that happen after all, and consistency."""
import pytest

from trouble import Place, quick_server, result_of, side_by_side

LATE = [(call, kind) for kind in ("drop", "hang")
        for call in ("CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreateAccessKey")]
BEHIND = ["user_ms", "policy_ms", "detach_ms", "key_delete_ms"]


@pytest.fixture(scope="module", name="server")
def quick(leasehold):
    with quick_server() as server:
        yield server


class Late:
    """Each attempt is lost and happens two seconds later, when the first sweep is over already."""

    def __init__(self, server, case):
        place = Place(server)
        fields = {"effect": "late", "late": 2, **({"seconds": 1} if case[1] == "hang" else {})}
        number = place.fault(case[1], action=case[0], **fields)
        self.reply = place.issue()
        server.sim.clear_faults(number)
        assert server.sim.wait(30, late=0)
        place.wait_clean(20)
        place.disable()


@pytest.fixture(scope="module", name="late")
def all_late(server):
    return side_by_side(lambda case: Late(server, case), LATE)


@pytest.mark.parametrize("case", LATE, ids="-".join)
def test_what_a_lost_call_makes_late_is_swept(late, case):
    assert result_of(late, case).reply.status in (502, 504)


def test_a_user_that_appears_after_the_mount_is_gone_is_swept(server):
    place = Place(server)
    number = place.fault("drop", action="CreateUser", effect="late", late=2)
    assert place.issue().status == 502
    server.sim.clear_faults(number)
    place.disable()
    assert place.left() == []
    assert server.sim.wait(20, late=0)
    place.wait_clean()


def test_a_user_that_appears_after_a_restart_is_swept(server):
    place = Place(server)
    number = place.fault("drop", action="CreateUser", effect="late", late=2)
    assert place.issue().status == 502
    server.sim.clear_faults(number)
    server.restart()
    assert server.sim.wait(20, late=0)
    place.wait_clean()
    place.disable()


def test_a_lease_under_sweep_is_not_seen(server):
    place = Place(server)
    number = place.fault("drop", action="CreateUser")
    assert place.issue().status == 502
    server.sim.clear_faults(number)
    place.wait_clean()
    assert server.api("LIST", "sys/leases/lookup/%s/creds/user/" % place.path).status == 404
    place.disable()


@pytest.mark.parametrize("what", BEHIND)
def test_a_cloud_that_is_behind_is_waited_for(server, what):
    place = Place(server)
    server.sim.configure(alicloud={"consistency": {what: 700}})
    issued = place.issue()
    revoked = issued.status == 200 and place.revoke(issued["lease_id"]).status
    server.sim.configure(alicloud={"consistency": {what: 0}})
    assert issued.status == 200, issued
    assert revoked == 204
    assert place.left() == []
    place.disable()

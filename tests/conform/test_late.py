# SPDX-License-Identifier: Apache-2.0
"""Lost calls that happen after all: when the lease is gone, the mount is gone, or the server."""
import functools

import pytest

from harness import wait_until
from suite import each, every_engine
from trouble import Place, result_of, side_by_side


def cases(engine):
    return [(call, kind) for kind in ("drop", "hang") for call in engine.issue_calls]


class Late:
    """Each attempt is lost and happens two seconds later, when the first sweep is over already."""

    def __init__(self, server, case):
        place = Place(server)
        fields = {"effect": "late", "late": 2, **({"seconds": 1} if case[1] == "hang" else {})}
        number = place.fault(case[1], action=case[0], **fields)
        self.reply = place.issue()
        server.sim.clear_faults(number)
        assert server.sim.wait(late=0)
        place.wait_clean(20)
        place.disable()


@pytest.fixture(scope="module")
def late(servers):
    return functools.cache(lambda engine: side_by_side(
        lambda case: Late(servers(engine), case), cases(engine)))


@each(cases)
def test_what_a_lost_call_makes_late_is_swept(engine, case, late):
    assert result_of(late(engine), case).reply.status in (502, 504)


@every_engine
def test_a_user_that_appears_after_the_mount_is_gone_is_swept(engine, server):
    place = Place(server)
    number = place.fault("drop", action=engine.create_user, effect="late", late=2)
    assert place.issue().status == 502
    server.sim.clear_faults(number)
    place.disable()
    assert place.left() == []
    assert server.sim.wait(late=0)
    place.wait_clean()


@every_engine
def test_a_user_that_appears_after_a_restart_is_swept(engine, place):
    number = place.fault("drop", action=engine.create_user, effect="late", late=2)
    assert place.issue().status == 502
    place.sim.clear_faults(number)
    place.server.restart()
    assert place.sim.wait(late=0)
    place.wait_clean()


@every_engine
def test_a_lease_under_sweep_is_not_seen(engine, place):
    number = place.fault("drop", action=engine.create_user)
    assert place.issue().status == 502
    place.sim.clear_faults(number)
    place.wait_clean()
    path = "sys/leases/lookup/%s/creds/user/" % place.path
    # Its last sweep is minutes away, but what was made is gone.
    wait_until(lambda: place.server.api("LIST", path).status == 404, 10, "no lease is listed")


@every_engine
def test_a_lost_call_whose_repetition_succeeded_is_swept_as_well(engine, place):
    """The credential is good, and given back before the first call happens after all."""
    place.fault("drop", action=engine.create_policy, times=1, effect="late", late=2)
    assert place.revoke(place.issued()["lease_id"]).status == 204
    assert place.sim.wait(late=0)
    place.wait_clean()

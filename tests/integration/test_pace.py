# SPDX-License-Identifier: Apache-2.0
"""Many credentials at once: the cloud's quotas are kept, keys go first, nobody waits for others.

The simulator counts as the cloud does, any second that it likes. How close the rate comes to the
quota is measured in tests/bench; here only what must hold on a busy machine, too.
"""
import json
import os
import subprocess
import threading
import time

import pytest

from harness import Server, binary, wait_until
from trouble import Place, quick_server, result_of, side_by_side

FREE = 10000
REAL = {"GetUser": 100}     # nobody calls it; of all else the engine says what the cloud allows
DUE_SLACK = 15      # seconds that a key may outlive its lease, on a machine that is busy;
USUAL_SLACK = 5     # and mostly
ROUNDING = 1        # due times are whole seconds


def hcl(quotas):
    return json.dumps(quotas).replace(":", " =")


def limit(sim, quotas):
    """Makes the simulator count; what is not named is free."""
    limits = {name: number for name, number in quotas.items() if name != "*"}
    sim.configure(alicloud={"rate": {"on": True, "scale": FREE, "limits": limits}})


def throttled(calls):
    return [call for call in calls if (call["code"] or "").startswith("Throttling")]


def issue_many(place, count, role="user"):
    replies = side_by_side(lambda _: place.issued(role), range(count))
    return [result_of(replies, i) for i in range(count)]


def revoke_all(place):
    reply = place.server.api("PUT", "sys/leases/revoke-prefix/" + place.path, {"sync": False})
    assert reply.status == 202, reply


# --- quotas ---

def test_what_is_issued_at_once_stays_within_the_quota(leasehold):
    """Six credentials need eighteen attachments, of which ten a second are allowed."""
    with quick_server(more='issue_timeout = "20s"', quotas=hcl(REAL)) as server:
        place = Place(server)
        server.sim.configure(alicloud={"rate": {"on": True}})
        replies = issue_many(place, 6)
        assert all(place.works(reply) for reply in replies)
        revoke_all(place)
        place.wait_clean(40)
        assert len(throttled(place.calls())) <= 4       # 16 if nobody kept to it
        place.disable()


def test_a_quota_that_is_used_up_is_429_before_the_cloud_says_so(leasehold):
    with quick_server(more='issue_timeout = "4s"',
                      quotas=hcl({"AttachPolicyToUser": 1, "*": FREE})) as server:
        place = Place(server)
        began = time.monotonic()
        replies = side_by_side(lambda _: place.issue(), range(4)).values()
        seconds = time.monotonic() - began      # four, and a little for who came later
        refused = [reply for reply in replies if reply.status != 200]
        assert refused
        for reply in refused:
            assert reply.status == 429 and reply.headers["Retry-After"] == "1", reply
            assert "the quota of the account was used up" in reply.errors[0], reply
        assert len(place.calls("AttachPolicyToUser")) <= seconds + 2
        revoke_all(place)
        place.wait_clean(30)
        place.disable()


def test_the_keys_of_all_go_before_the_rest_of_any(leasehold):
    quotas = {"DeleteAccessKey": 40, "DetachPolicyFromUser": 80, "*": FREE}
    with quick_server(quotas=hcl(quotas)) as server:
        place = Place(server)
        issue_many(place, 60)
        limit(server.sim, quotas)
        revoke_all(place)
        place.wait_clean(40)
        calls = place.calls()
        keys = [call for call in calls if call["action"] == "DeleteAccessKey"]
        detached = [call for call in calls if call["action"] == "DetachPolicyFromUser"]
        assert len(keys) - len(throttled(keys)) == 60
        assert len(detached) - len(throttled(detached)) == 180
        assert max(call["arrived_ms"] for call in keys) <= min(
            call["arrived_ms"] for call in detached)
        assert len(throttled(keys + detached)) <= 0.05 * 240    # 66 if nobody kept to it
        place.disable()


def test_killed_in_the_middle_the_next_revoker_goes_on(leasehold):
    """No key is removed twice but for those that were in flight."""
    quotas = {"DeleteAccessKey": 30, "DetachPolicyFromUser": 60, "*": FREE}
    with quick_server(quotas=hcl(quotas)) as server:
        place = Place(server)
        issue_many(place, 40)
        for action, count in (("DeleteAccessKey", 20), ("DetachPolicyFromUser", 60)):
            if action == "DeleteAccessKey":
                revoke_all(place)
            wait_until(lambda: len(place.calls(action)) >= count, 20)   # pylint: disable=W0640
            server.kill("revoker")
        place.wait_clean(40)
        assert 40 <= len(place.calls("DeleteAccessKey")) <= 40 + 2 * 32
        wait_until(lambda: server.api("LIST", "sys/leases/lookup/%s/creds/user"
                                      % place.path).status == 404, 20)
        place.disable()


def test_a_quota_that_is_lower_than_told_is_found_out(leasehold):
    """Somebody else uses half of it: most calls are not in vain all the same."""
    quotas = {"DeleteAccessKey": 40, "DetachPolicyFromUser": 120, "*": FREE}
    with quick_server(quotas=hcl(quotas)) as server:
        place = Place(server)
        issue_many(place, 60)
        limit(server.sim, {"DeleteAccessKey": 20, "DetachPolicyFromUser": 60})
        revoke_all(place)
        place.wait_clean(60)
        calls = place.calls("DeleteAccessKey") + place.calls("DetachPolicyFromUser")
        assert 0 < len(throttled(calls)) < 0.2 * 240
        place.disable()


# --- shares ---

class Victim:
    """A mount whose short leases must end in time whatever others do."""

    def __init__(self, server):
        self.place = Place(server)
        self.place.role("short", **{**self.place.cloud.user_role, "ttl": "2s"})

    def issue(self):
        """Returns how many keys will have died with this one, and when it is due."""
        dead = len(self.place.calls("DeleteAccessKey")) + 1
        ttl = self.place.issued("short")["lease_duration"]
        return dead, time.monotonic() + ttl + ROUNDING

    def dies_in_time(self, dead, due):
        """Returns by how many seconds the key has outlived its lease."""
        wait_until(lambda: len(self.place.calls("DeleteAccessKey")) >= dead, what="the key dies")
        late = time.monotonic() - due
        assert late < DUE_SLACK, "the key dies in time"
        return late


@pytest.fixture(scope="module")
def fill(leasehold):    # pylint: disable=unused-argument
    """The program that fills a store; built where the daemon was."""
    build = os.path.dirname(binary())
    program = os.path.join("tests", "bench", "fill")
    subprocess.run(["make", "-s", program], cwd=build, check=True, capture_output=True)
    return os.path.join(build, program)


def test_ten_thousand_leases_on_a_hung_cloud_delay_nobody_else(fill):
    """With the timeouts of the shipped configuration: each hung call lasts ten seconds, twice."""
    with Server(work_workers=4) as server:
        hung, victim = Place(server), Victim(server)
        model = hung.issued()["lease_id"]
        server.stop_daemon()
        subprocess.run([fill, server.path("store"), str(256 << 20), server.path("master.key"),
                        model, "10000", "-5"], check=True, capture_output=True)
        hung.fault("hang", action="*", seconds=600)
        server.start_daemon()
        wait_until(lambda: len(hung.calls("DeleteAccessKey")) >= 8, 10)
        late = sorted(victim.dies_in_time(*victim.issue()) for _ in range(6))
        assert late[3] < USUAL_SLACK, late
        assert len(hung.calls()) < 100      # it was hung all the time
        victim.place.wait_clean()
        assert len(server.sim.leftovers()) == len(hung.left())


def test_a_flood_of_requests_delays_no_expiry(leasehold):
    with quick_server(more='issue_timeout = "20s"', quotas=hcl(REAL)) as server:
        flood, victim = Place(server), Victim(server)
        server.sim.configure(alicloud={"rate": {"on": True}})
        issued, end = victim.issue(), threading.Event()

        def issue():
            while not end.is_set():
                flood.issue()
        threads = [threading.Thread(target=issue) for _ in range(12)]
        for thread in threads:
            thread.start()
        try:
            victim.dies_in_time(*issued)
        finally:
            end.set()
            for thread in threads:
                thread.join()
        revoke_all(flood)
        flood.wait_clean(60)
        victim.place.wait_clean(30)


def test_mounts_of_one_account_take_turns(leasehold):
    """A dozen keys of the one stand in the line for the quota; that of the other comes after one of them.

    At one a second, seconds may pass on a busy machine until it is asked for."""
    quotas = {"DeleteAccessKey": 1, "*": FREE}
    with quick_server(more='issue_timeout = "40s"', quotas=hcl(quotas)) as server:
        crowd, other = Place(server), Place(server)
        issue_many(crowd, 16)
        lease = other.issued()["lease_id"]
        revoke_all(crowd)
        wait_until(lambda: len(crowd.calls("DeleteAccessKey")) >= 2, 10)
        assert other.revoke(lease).status == 204
        own = other.calls("DeleteAccessKey")[0]["n"]
        before = [call for call in crowd.calls("DeleteAccessKey") if call["n"] < own]
        assert len(before) < 10
        crowd.wait_clean(40)
        for place in (crowd, other):
            place.disable()


# --- the clock ---

def test_nothing_expires_while_the_clouds_disagree_with_the_clock(leasehold):
    with quick_server() as server:
        victim = Victim(server)
        place = victim.place
        server.sim.configure(date_skew=-600)
        kept, lease = place.issued("short"), place.issued()["lease_id"]
        assert "ahead of that of the clouds; no lease expires until they agree" in server.log()
        wait_until(lambda: place.lookup(kept["lease_id"]).data["ttl"] <= -2, 10)
        # What somebody asks for is done.
        assert place.revoke(lease).status == 204
        assert place.works(kept)
        server.sim.configure(date_skew=0)
        # Nobody asks the cloud for anything, but the right time is heard of all the same.
        place.wait_gone(kept["lease_id"], 20)
        assert not place.works(kept)
        assert "agrees with the clouds' again" in server.log()
        place.wait_clean()
        place.disable()

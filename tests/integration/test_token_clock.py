# SPDX-License-Identifier: Apache-2.0
"""The clock is set: what was dead stays dead, what lives goes on, nothing breaks."""
import concurrent.futures
import os
import struct
import subprocess

import pytest

from harness import Server, wait_until
from tokens import accessors, end, make
from trouble import Place

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "setclock.c")
DAY, HOUR = 86400, 3600


class Clock:
    def __init__(self, path):
        self.path = path
        self.move(0)

    def move(self, seconds):
        """As far from the true time, from now on; in place, for the file is mapped."""
        mode = "r+b" if os.path.exists(self.path) else "wb"
        with open(self.path, mode) as file:
            file.write(struct.pack("=q", seconds * 10**9))


@pytest.fixture(scope="module", name="world")
def server_and_clock(leasehold, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    library, clock = str(folder / "setclock.so"), Clock(str(folder / "moved"))
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Werror",
                    "-o", library, SOURCE, "-ldl"], check=True)
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    with Server(environment={"LD_PRELOAD": library, "SETCLOCK": clock.path,
                             "ASAN_OPTIONS": sanitizer.lstrip(":")}) as server:
        yield server, clock


@pytest.fixture(name="server")
def its_server(world):
    yield world[0]
    world[1].move(0)


@pytest.fixture(name="clock")
def its_clock(world):
    return world[1]


def test_what_ended_before_the_clock_was_set_back_stays_dead(server, clock):
    short, lasting = make(server, ttl="1h"), make(server, ttl="72h")
    clock.move(2 * HOUR)
    wait_until(lambda: short.accessor not in accessors(server))
    assert short.is_dead()
    clock.move(-DAY)
    assert short.is_dead() and not lasting.is_dead()
    end(server, lasting)


def test_a_token_of_a_future_that_is_past_again_works_and_ends(server, clock):
    clock.move(DAY)
    token = make(server, ttl="1h")
    clock.move(0)
    assert token.lookup().data["ttl"] <= DAY + HOUR
    reply = token.api("POST", "auth/token/renew-self", {"increment": "10m"})
    assert reply.status == 200, reply
    assert 590 <= reply["auth"]["lease_duration"] <= 600
    assert token.child(ttl="5m").lookup().status == 200
    clock.move(HOUR)
    assert token.is_dead()
    wait_until(lambda: token.accessor not in accessors(server))


def test_revocation_waits_for_no_clock(server, clock):
    clock.move(DAY)
    parent = make(server, ttl="100h")
    tokens = [parent] + [parent.child(ttl="50h") for _ in range(12)]
    clock.move(-DAY)
    end(server, parent)
    assert all(token.is_dead() for token in tokens)
    wait_until(lambda: not accessors(server) & {token.accessor for token in tokens})


def test_a_cloud_is_asked_before_a_clock_that_was_set_ahead_ends_anything(server, clock):
    place = Place(server)
    replies = [place.issued() for _ in range(3)]
    asked = place.sim.count("GetCallerIdentity")
    clock.move(60 * DAY)
    wait_until(lambda: place.sim.count("GetCallerIdentity") > asked)
    wait_until(lambda: "no lease expires until they agree" in server.log(), 20)
    clock.move(0)
    for reply in replies:
        renewed = server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]})
        assert renewed.status == 200, renewed
        assert place.works(reply)
        assert place.revoke(reply["lease_id"]).status == 204
    place.disable()


def test_nor_does_the_next_attempt_to_take_a_credential_back(server, clock):
    """The cloud knows better than a clock that is a day ahead, and refuses all calls."""
    place = Place(server)
    lease = place.issued()["lease_id"]
    clock.move(DAY)
    reply = place.revoke(lease)
    assert reply.status == 400 and "clocks" in reply.errors[0], reply
    clock.move(0)
    place.wait_gone(lease, 20)
    place.wait_clean(20)
    place.disable()


def test_what_is_being_issued_is_not_taken_for_a_dead_workers(server, clock):
    """The clock is set ahead, not so far that the cloud minds, past the time that a worker has."""
    place = Place(server)
    place.fault("latency", action=place.cloud.create_user, seconds=3, times=1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(place.issue)
        place.wait_call(place.cloud.create_user)
        clock.move(250)
        reply = asked.result()
    clock.move(0)
    assert reply.status == 200, reply
    assert place.works(reply)
    assert place.revoke(reply["lease_id"]).status == 204
    place.disable()


def test_the_last_use_is_the_last_whatever_the_clock_says(server, clock):
    token = make(server, num_uses=2, ttl="100h", policies=["default"])
    clock.move(DAY)
    assert token.lookup().status == 200
    clock.move(-DAY)
    assert token.lookup().status == 200
    assert token.is_dead()
    wait_until(lambda: token.accessor not in accessors(server))


def test_a_batch_token_ends_by_the_clock_alone(server, clock):
    token = make(server, type="batch", ttl="1h", policies=["default"])
    clock.move(2 * HOUR)
    assert token.is_dead()
    clock.move(0)
    assert token.lookup().data["ttl"] <= HOUR

# SPDX-License-Identifier: Apache-2.0
"""The name servers of a cloud do not answer: that costs a request its time, and no process its life.

The C library asks them in a thread, which nobody can end.
"""
import os
import subprocess

import pytest

from harness import wait_until
from trouble import Place, quick_server

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deafdns.c")


@pytest.fixture(name="place")
def place_with_a_deaf_resolver(leasehold, tmp_path):
    library = str(tmp_path / "deafdns.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Werror",
                    "-o", library, SOURCE, "-ldl"], check=True)
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    with quick_server(environment={"LD_PRELOAD": library,
                                   "ASAN_OPTIONS": sanitizer.lstrip(":")}) as server:
        yield Place(server)


def move_cloud(place, endpoint):
    """The endpoint of the cloud's users is another one from now on."""
    server = place.server
    with open(server.path("leasehold.hcl"), encoding="utf-8") as config:
        text = config.read()
    with open(server.path("leasehold.hcl"), "w", encoding="utf-8") as config:
        config.write(text.replace(place.sim.endpoint(place.cloud.services[0]), endpoint))
    server.restart()


def test_nobody_dies_of_a_name_server_that_does_not_answer(place):
    server, lease = place.server, place.issued()["lease_id"]
    move_cloud(place, "https://deaf.invalid")
    children = server.pids()
    reply = place.issue()
    assert reply.status in (502, 504) and reply.errors[0].startswith("alicloud: "), reply
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": False}).status == 202
    wait_until(lambda: "attempt 1 failed for a lease" in server.log()[server.log_start:], 60)
    assert server.pids() == children
    server.write_configuration()
    server.restart()
    place.revoke_at_last(lease)
    place.wait_clean(40)
    place.disable()

# SPDX-License-Identifier: Apache-2.0
"""Leases outlive restarts, and children that die are followed by others."""
import concurrent.futures
import os
import signal

import pytest

from harness import Server, wait_until
from lending import add_mount, issue, make_role, whoami


@pytest.fixture(scope="module", name="server")
def crashing_server(leasehold):
    with Server() as server:
        yield server


@pytest.fixture(name="mount")
def mount_with_role(server):
    add_mount(server, "ali")
    make_role(server, "ali")
    yield "ali"
    server.sim.clear_faults()
    server.sim.clear_kills()
    wait_until(lambda: server.api("DELETE", "sys/mounts/ali").status == 204, 20)


def test_leases_outlive_a_restart_and_end_in_time(server, mount):
    make_role(server, mount, "brief", remote_policies=["name:existing-policy,type:Custom"],
              ttl=2, max_ttl=2)
    lasting, brief = issue(server, mount), issue(server, mount, "brief")
    server.restart()
    assert whoami(server, lasting.data).status == 200
    wait_until(lambda: whoami(server, brief.data).status != 200)


@pytest.mark.parametrize("which", ["read", "work", "revoker"])
def test_killed_children_are_started_again(server, mount, which):
    old = server.pids()
    server.kill(which)
    wait_until(lambda: len(server.pids()[which]) == len(old[which])
               and not set(server.pids()[which]) & set(old[which]), 20)
    lease = issue(server, mount)["lease_id"]
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204


def test_a_stopped_server_answers_what_it_has_in_hand(server, mount):
    server.sim.configure(latency=0.3)
    before = server.sim.count("CreateUser")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(server.api, "GET", mount + "/creds/r")
        assert server.sim.wait_calls("CreateUser", before + 1, stage="arrived")
        assert server.stop_daemon() == 0
        reply = pending.result()
    server.sim.configure(latency=0)
    server.start_daemon()
    assert reply.status == 200 and whoami(server, reply.data).status == 200


def test_a_server_started_at_once_after_a_killed_one_waits_for_its_children_to_die(server, mount):
    """They listen on its sockets until the kernel has come to each of them."""
    for _ in range(5):
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.start_daemon()
        issue(server, mount)

# SPDX-License-Identifier: Apache-2.0
"""Whatever dies, and whenever: nothing stays in the cloud, and the next request is answered."""
import concurrent.futures
import os

import pytest

from harness import Server, arrives, wait_until
from test_api_basic import issue, lookup, make_role, whoami

ACTIONS = ["CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreateAccessKey"]


@pytest.fixture(scope="module", name="server")
def crashing_server(leasehold):
    with Server() as server:
        yield server


@pytest.fixture(name="mount")
def mount_with_role(server):
    key, secret = server.sim.root_key
    assert server.api("POST", "sys/mounts/ali", {"type": "alicloud"}).status == 204
    server.api("POST", "ali/config", {"access_key": key, "secret_key": secret})
    make_role(server, "ali")
    yield "ali"
    server.sim.clear_faults()
    server.sim.clear_kills()
    wait_until(lambda: server.api("DELETE", "sys/mounts/ali").status == 204, 20)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_worker_killed_in_mid_issue_leaves_nothing(server, mount, action, when):
    server.sim.kill_hook(action, when=when)
    assert server.api("GET", mount + "/creds/r").status == 502
    assert server.sim.wait_clean(20), server.sim.leftovers()
    assert issue(server, mount)["lease_id"]


@pytest.mark.parametrize("action", ["DeleteAccessKey", "DetachPolicyFromUser", "DeletePolicy",
                                    "DeleteUser"])
def test_a_revoker_killed_in_mid_revocation_is_followed_by_one_that_ends_it(server, mount, action):
    lease = issue(server, mount)["lease_id"]
    server.sim.kill_hook(action, when="after")
    server.api("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": False})
    assert server.sim.wait_clean(20), server.sim.leftovers()
    wait_until(lambda: lookup(server, lease).status == 400)


@pytest.fixture(name="hasty")
def short_deadline(server, mount):
    """The shared server with a deadline that a test can wait for."""
    server.write_configuration(more='issue_timeout = "3s"')
    server.restart()
    yield server
    server.write_configuration(more="")
    server.restart()


def test_the_master_killed_takes_its_children_and_the_next_start_cleans_up(hasty, mount):
    """What was in hand is taken back when its deadline is past: nobody may be working on it."""
    kept = issue(hasty, mount)
    hasty.sim.fault("hang", action="CreateAccessKey", times=1)
    before = hasty.sim.count("CreateAccessKey")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(hasty.api, "GET", mount + "/creds/r")
        arrives(hasty.sim, "CreateAccessKey", before + 1)
        children = [pid for pids in hasty.pids().values() for pid in pids]
        assert len(children) == 8
        hasty.kill("master")
        assert pending.result().status == 502
    wait_until(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in children))
    hasty.sim.clear_faults()
    hasty.start_daemon()
    assert whoami(hasty, kept.data).status == 200
    assert hasty.api("PUT", "sys/leases/revoke", {"lease_id": kept["lease_id"]}).status == 204
    assert hasty.sim.wait_clean(20), hasty.sim.leftovers()


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
    assert len(server.kill(which)) == {"read": 2, "work": 4, "revoker": 1}[which]
    wait_until(lambda: len(server.pids()[which]) == len(old[which])
               and not set(server.pids()[which]) & set(old[which]), 20)
    lease = issue(server, mount)["lease_id"]
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204


def test_a_stopped_server_answers_what_it_has_in_hand(server, mount):
    server.sim.configure(latency=0.3)
    before = server.sim.count("CreateUser")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(server.api, "GET", mount + "/creds/r")
        arrives(server.sim, "CreateUser", before + 1)
        assert server.stop_daemon() == 0
        reply = pending.result()
    server.sim.configure(latency=0)
    server.start_daemon()
    assert reply.status == 200 and whoami(server, reply.data).status == 200


def test_a_second_server_on_the_same_store_is_told_who_has_it(server, mount):
    second = server.run("server", check=False)
    assert second.returncode != 0
    assert str(server.process.pid) in second.stderr


def test_a_worker_stopped_in_mid_issue_cannot_finish_what_was_cleaned(hasty, mount):
    """The master kills it past its deadline, and the plan is taken back."""
    hasty.sim.kill_hook("CreateAccessKey", signal="STOP")
    assert hasty.api("GET", mount + "/creds/r").status == 502
    stopped = hasty.sim.kills()[0]["fired"][0]["pid"]
    wait_until(lambda: not os.path.exists("/proc/%d" % stopped), 30)
    assert hasty.sim.wait_clean(20), hasty.sim.leftovers()

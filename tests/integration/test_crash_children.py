# SPDX-License-Identifier: Apache-2.0
"""Whatever dies, and whenever: nothing stays in the cloud, and the next request is answered."""
import concurrent.futures
import os

import pytest

from harness import Server, wait_until
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


def test_the_master_killed_takes_its_children_and_the_next_start_cleans_up(server, mount):
    kept = issue(server, mount)
    server.sim.fault("hang", action="CreateAccessKey", times=1)
    before = server.sim.count("CreateAccessKey")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(server.api, "GET", mount + "/creds/r")
        assert server.sim.wait_calls("CreateAccessKey", before + 1, stage="arrived")
        children = [pid for pids in server.pids().values() for pid in pids]
        server.kill("master")
        assert pending.result().status == 502
    wait_until(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in children))
    server.sim.clear_faults()
    server.start_daemon()
    assert whoami(server, kept.data).status == 200
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": kept["lease_id"]}).status == 204
    assert server.sim.wait_clean(20), server.sim.leftovers()


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


def test_a_second_server_on_the_same_store_is_told_who_has_it(server, mount):
    second = server.run("server", check=False)
    assert second.returncode != 0
    assert str(server.process.pid) in second.stderr


def test_a_worker_stopped_in_mid_issue_cannot_finish_what_was_cleaned(server, mount):
    """The master kills it past its deadline; whether it went on first does not matter."""
    server.write_configuration(more='issue_timeout = "2s"')
    server.restart()
    hook = server.sim.kill_hook("CreateAccessKey", signal="STOP")
    server.api("GET", mount + "/creds/r")
    stopped = server.sim.kills()[0]["fired"][0]["pid"]
    wait_until(lambda: not os.path.exists("/proc/%d" % stopped), 30)
    server.sim.clear_kills(hook)
    server.write_configuration(more="")
    server.restart()
    assert server.sim.wait_clean(20), server.sim.leftovers()

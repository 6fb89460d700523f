# SPDX-License-Identifier: Apache-2.0
"""Processes that are stopped instead of killed, clients that leave, requests that kill."""
import concurrent.futures
import os
import re
import signal
import socket
import time

import pytest

from crashing import (MOUNT, add_place, churn, crashing_server, leases, settle,
                      start_again, turned)
from harness import most_lives, wait_until
from lending import issue, lookup, revoke
from test_processes import waiting


@pytest.fixture(scope="module", name="server")
def life_server(leasehold):
    with crashing_server() as server:
        add_place(server)
        issued = issue(server, MOUNT)
        settle(server, issued)
        yield server


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        yield threads


def issue_until(server, pool, action, **fault):
    """Starts an issue and returns when it is at the cloud's `action`; (future, fault id)."""
    number = server.sim.fault(action=action, times=1, **fault)
    arrived = server.sim.count(action)
    future = pool.submit(server.api, "GET", MOUNT + "/creds/r")
    assert server.sim.wait_calls(action, arrived + 1, stage="arrived")
    return future, number


def gone(pid):
    """Whether it has ended; its entry may wait for a parent that looks after it."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


# --- stopped ---

def stop_at(server, action, when="before"):
    """An issue whose worker is stopped at a call; the worker's pid."""
    hook = server.sim.kill_hook(action, when=when, signal="STOP")
    return lambda: [h for h in server.sim.kills() if h["id"] == hook][0]["fired"][0]["pid"]


@pytest.mark.parametrize("action, when", [("CreateUser", "before"), ("CreateAccessKey", "after")])
def test_a_worker_stopped_past_its_deadline_is_killed_and_cleaned_up(server, action, when):
    kept, log = issue(server, MOUNT), len(server.log())
    stopped = stop_at(server, action, when)
    assert server.api("GET", MOUNT + "/creds/r").status == 502
    wait_until(lambda: gone(stopped()), 10)
    assert "work[%d]: its request is past the deadline" % stopped() in server.log()[log:]
    settle(server, kept)


@pytest.mark.parametrize("action, when", [("DeleteAccessKey", "before"), ("DeleteUser", "after")])
def test_a_revoker_stopped_at_a_call_is_killed_and_followed(server, action, when):
    kept, lease = issue(server, MOUNT), issue(server, MOUNT)["lease_id"]
    stopped = stop_at(server, action, when)
    assert revoke(server, lease).status == 504
    wait_until(lambda: gone(stopped()), 20)
    settle(server, kept)


def test_a_worker_that_goes_on_after_its_lease_was_taken_back_does_no_harm(server, pool):
    """The mount's leases are revoked under it; it wakes up inside its deadline."""
    kept = issue(server, MOUNT)
    stopped = stop_at(server, "CreateAccessKey", "after")
    future = pool.submit(server.api, "GET", MOUNT + "/creds/r")
    assert server.sim.wait(killed=server.sim.kills()[0]["id"])
    assert server.api("PUT", "sys/leases/revoke-prefix/%s/creds" % MOUNT).status == 204
    os.kill(stopped(), signal.SIGCONT)
    reply = future.result()
    assert reply.status in (400, 502, 504), reply     # 504: on a slow machine it woke up later
    assert lookup(server, kept["lease_id"]).status == 400
    settle(server)


def test_a_machine_that_slept_for_long_finds_everybody_alive(server):
    """All look dead then: whoever shows in time that he is not lives on."""
    server.restart()    # nobody is missing who died in an earlier test and waits to be followed
    before = server.pids()
    server.kill("master", signal.SIGSTOP)
    lease = issue(server, MOUNT)    # nobody needs the master for that
    for kind in ("read", "work", "revoker"):
        server.kill(kind, signal.SIGSTOP)
    time.sleep(11)      # longer than anybody may be silent
    server.kill("master", signal.SIGCONT)
    turned(server)
    for kind in ("read", "work", "revoker"):
        server.kill(kind, signal.SIGCONT)
    settle(server, lease)
    assert server.pids() == before


# --- clients that leave ---

def leave(server, wait):
    """Asks for a credential, closes the connection when wait() returns, and waits for nginx to do the
    same: it notes such a request once all of it is closed."""
    left = server.nginx.log("leasehold.log").count(" 499 ")
    with socket.create_connection(("127.0.0.1", server.nginx.port)) as client:
        client.sendall(("GET /v1/%s/creds/r HTTP/1.1\r\nHost: x\r\nX-Vault-Token: %s\r\n\r\n"
                        % (MOUNT, server.root_token)).encode())
        wait()
    wait_until(lambda: server.nginx.log("leasehold.log").count(" 499 ") > left)


def test_a_client_that_leaves_before_the_calls_gets_none_made(server):
    """No worker comes to its request, which waits in the queue, until it has left."""
    kept, log = issue(server, MOUNT), len(server.log())
    made = server.sim.count("CreateUser")
    server.kill("work", signal.SIGSTOP)
    leave(server, lambda: wait_until(lambda: waiting(server.path("run/work.sock")) == 1))
    server.kill("work", signal.SIGCONT)
    wait_until(lambda: waiting(server.path("run/work.sock")) == 0)
    settle(server, kept)
    assert server.sim.count("CreateUser") == made, server.log()[log:]


@pytest.mark.parametrize("action", ["CreateUser", "CreateAccessKey"])
def test_a_client_that_leaves_during_the_calls_has_its_credential_taken_back(server, action):
    kept, log = issue(server, MOUNT), len(server.log())
    stopped = stop_at(server, action, "after")
    leave(server, lambda: server.sim.wait(killed=server.sim.kills()[0]["id"]))
    os.kill(stopped(), signal.SIGCONT)
    settle(server, kept)
    # What is done after the reply belongs to the request as well.
    assert re.search("request [0-9a-f]{32}: issue: the client left", server.log()[log:])


# --- a mount that goes ---

@pytest.mark.parametrize("action", ["CreateUser", "CreateAccessKey"])
def test_a_mount_disabled_while_an_issue_is_at_the_cloud_leaves_nothing(server, pool, action,
                                                                        request):
    request.addfinalizer(lambda: add_place(server))
    issue(server, MOUNT)
    server.sim.configure(latency={action: 1})    # of two seconds that a call may take
    arrived = server.sim.count(action)
    future = pool.submit(server.api, "GET", MOUNT + "/creds/r")
    assert server.sim.wait_calls(action, arrived + 1, stage="arrived")
    reply = server.api("DELETE", "sys/mounts/" + MOUNT)
    left = server.sim.leftovers()
    issued = future.result()
    server.sim.configure(latency=0)
    assert reply.status == 204, reply
    assert left == [], "it was gone when the mount was said to be"
    assert issued.status == 400, issued
    wait_until(lambda: server.api("GET", MOUNT + "/config").status == 404)


# --- a request that kills ---

def test_a_poisoned_request_kills_one_worker_once(server):
    server.restart()
    before = set(server.pids()["work"])
    server.sim.kill_hook("CreateUser", times=100)
    assert server.api("GET", MOUNT + "/creds/r").status == 502
    assert len(server.sim.kills()[0]["fired"]) == 1, "nobody asks again for the client"
    wait_until(lambda: not before <= set(server.pids()["work"]))
    wait_until(lambda: len(server.pids()["work"]) == 4)
    assert len(before - set(server.pids()["work"])) == 1
    settle(server)


def test_workers_that_die_again_and_again_are_followed_ever_later(server):
    server.restart()
    server.sim.kill_hook("CreateUser", times=100)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < 2.5 or (
            passed < 60 and len(server.sim.kills()[0]["fired"]) < 4):
        server.api("GET", MOUNT + "/creds/r")
    deaths = len(server.sim.kills()[0]["fired"])
    assert 4 <= deaths <= 4 * most_lives(time.monotonic() - began), deaths
    assert server.api("GET", "sys/health").status == 200, "readers live on"
    server.sim.clear_kills()
    server.restart()
    settle(server)


# --- what killed processes leave in the store ---

def pages(server):
    return os.stat(server.path("store", "data.mdb")).st_size


def test_killed_readers_do_not_make_the_file_grow(server):
    churn(server, 10)
    size = pages(server)
    for _ in range(6):
        for kind in ("read", "work", "revoker"):
            server.kill(kind)
        server.kill("master")
        server.start_daemon()
        churn(server, 3)
    assert pages(server) <= size + 64 * 4096
    assert leases(server) == set()


def test_a_reader_killed_inside_a_transaction_pins_nothing(server):
    """Readers are killed while they read, many times over; then the store is written to."""
    lease = issue(server, MOUNT)
    size = pages(server)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            answers = [threads.submit(lookup, server, lease["lease_id"]) for _ in range(60)]
            server.kill("read")
            assert {future.result().status for future in answers} <= {200, 502}
            wait_until(lambda: len(server.pids()["read"]) == 2
                       and server.api("GET", "sys/health").status == 200, 20)
    churn(server, 20)
    assert pages(server) <= size + 64 * 4096
    settle(server, lease)


def test_the_master_killed_while_issues_are_under_way_takes_its_children(server, pool):
    kept = issue(server, MOUNT)
    future, fault = issue_until(server, pool, "CreateAccessKey", kind="hang")
    children = [pid for pids in server.pids().values() for pid in pids]
    os.kill(server.process.pid, signal.SIGKILL)
    assert future.result().status == 502
    start_again(server)
    wait_until(lambda: all(gone(pid) for pid in children))
    server.sim.clear_faults(fault)
    settle(server, kept)

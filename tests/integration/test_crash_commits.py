# SPDX-License-Identifier: Apache-2.0
"""Killed or stopped right before and right after each commit of issue, renewal and revocation; while
reading, and at the start.

killcommit.c, preloaded into the daemon, strikes inside LMDB's commit; one work worker, so that
"the second commit" is that of the request that the test makes. A credential arrives before its third
commit: before a trap is set, the worker must have come to its end.
"""
import concurrent.futures
import os
import signal
import subprocess

import pytest

from crashing import MOUNT, add_place, churn, crashing_server, leases, settle, turned
from harness import is_stopped, wait_until
from lending import issue, lookup, make_role, revoke, whoami

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "killcommit.c")
WHEN = ["before", "after"]
ROLE = {"remote_policies": ["name:existing-policy,type:Custom"]}


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("preload") / "killcommit.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Werror",
                    "-o", path, SOURCE, "-ldl"], check=True)
    return path


class Trap:
    """What killcommit.c is told."""

    def __init__(self, path):
        self.path = path

    def set(self, kind, when, count, number=signal.SIGKILL):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write("lh-%s %s %d %d\n" % (kind, when, count, number))
        os.rename(self.path + ".new", self.path)

    def sprung(self):
        return not os.path.exists(self.path)

    def left(self):
        """How many commits the trap still lets pass, this one included."""
        with open(self.path, encoding="ascii") as file:
            return int(file.read().split()[2])


def trapped_server(preload, trap, **arguments):
    """A server whose processes can be struck."""
    # A sanitizer wants to be the first library, but does well as the second.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return crashing_server(environment={
        "LD_PRELOAD": preload, "KILLCOMMIT": trap.path,
        "ASAN_OPTIONS": sanitizer.lstrip(":")}, **arguments)


@pytest.fixture(scope="module")
def trapped(leasehold, preload, tmp_path_factory):
    """Such a server, and the trap."""
    trap = Trap(str(tmp_path_factory.mktemp("trap") / "order"))
    with trapped_server(preload, trap, work_workers=1) as server:
        add_place(server)
        settle(server, issue(server, MOUNT))    # the account's name is written down once
        yield server, trap


@pytest.fixture(name="server")
def server_with_trap(trapped):
    """Started afresh: whoever died young before is followed at once."""
    trapped[0].restart()
    return trapped[0]


@pytest.fixture(name="trap")
def set_off_at_the_end(trapped):
    yield trapped[1]
    if not trapped[1].sprung():
        os.unlink(trapped[1].path)


def finish(server):
    """The one worker answers this after all that it was asked before, and writes nothing for it."""
    assert revoke(server, MOUNT + "/creds/r/nobody-has-this-lease").status == 204


def issued(server):
    """A credential whose last commit is done."""
    reply = issue(server, MOUNT)
    finish(server)
    return reply


@pytest.mark.parametrize("work", ["issue", "renew", "revoke"])
def test_how_many_commits_there_are_to_be_killed_at(server, trap, work):
    lease = issued(server)
    kept = [lease]
    trap.set("work", "before", 100)
    if work == "issue":
        kept.append(issue(server, MOUNT))
    elif work == "renew":
        assert server.api("PUT", "sys/leases/renew", {"lease_id": lease["lease_id"]}).status == 200
    else:
        assert revoke(server, kept.pop()["lease_id"]).status == 204
    finish(server)
    assert 100 - trap.left() == {"issue": 3, "renew": 1, "revoke": 1}[work]
    os.unlink(trap.path)
    settle(server, *kept)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_worker_killed_at_a_commit_of_an_issue(server, trap, number, when):
    """The first two lie before the reply. The third confirms one that the client already has."""
    kept = [issued(server)]
    trap.set("work", when, number)
    reply = server.api("GET", MOUNT + "/creds/r")
    wait_until(trap.sprung)
    assert reply.status == (502 if number < 3 else 200), reply
    if reply.status == 200:
        kept.append(reply)
    settle(server, *kept)


@pytest.mark.parametrize("when", WHEN)
def test_a_credential_arrives_before_its_confirmation_is_written_down(server, trap, when):
    """Nobody waits for the disk a third time."""
    worker = server.pids()["work"][0]
    trap.set("work", when, 3, signal.SIGSTOP)
    reply = issue(server, MOUNT)
    wait_until(trap.sprung)
    wait_until(lambda: is_stopped(worker))
    assert server.pids()["work"] == [worker], "it had its reply while the worker lived"
    os.kill(worker, signal.SIGCONT)
    settle(server, reply)


@pytest.mark.parametrize("when", WHEN)
def test_a_server_killed_before_the_confirmation_takes_the_safe_side(server, trap, when):
    """Whether the reply was sent is known to nobody any more, unless the third commit is there."""
    trap.set("work", when, 3, signal.SIGSTOP)
    reply = issue(server, MOUNT)
    wait_until(trap.sprung)
    server.kill("master")
    server.start_daemon()
    if when == "after":
        return settle(server, reply)
    wait_until(lambda: lookup(server, reply["lease_id"]).status == 400, 20)
    assert whoami(server, reply.data).status != 200
    return settle(server)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_commit_of_a_renewal(server, trap, when):
    kept = issued(server)
    trap.set("work", when, 1)
    reply = server.api("PUT", "sys/leases/renew", {"lease_id": kept["lease_id"]})
    assert reply.status == 502 and trap.sprung()
    if when == "after":     # nobody else writes, and still it is to be seen
        wait_until(lambda: lookup(server, kept["lease_id"]).data["last_renewal"])
    else:
        assert lookup(server, kept["lease_id"]).data["last_renewal"] is None
    settle(server, kept)


@pytest.mark.parametrize("when", WHEN)
def test_a_worker_killed_at_the_commit_of_a_revocation(server, trap, when):
    """It was promised nothing yet: either all of it is revoked or none."""
    kept, lease = issued(server), issued(server)
    trap.set("work", when, 1)
    assert revoke(server, lease["lease_id"]).status == 502 and trap.sprung()
    if when == "before":
        settle(server, kept, lease)
    else:
        settle(server, kept)


@pytest.mark.parametrize("when", WHEN)
def test_a_revoker_killed_at_its_commit_is_followed_by_one_that_ends_it(server, trap, when):
    kept, lease = issued(server), issued(server)["lease_id"]
    trap.set("revoker", when, 1)
    assert revoke(server, lease).status == 204
    assert trap.sprung()
    settle(server, kept)


def expire(server):
    brief = [issue(server, MOUNT, "brief")["lease_id"] for _ in range(2)]
    wait_until(lambda: all(lookup(server, lease).status == 400 for lease in brief), 20)


def revoke_prefix(server):
    for _ in range(2):
        issue(server, MOUNT)
    # Its time may be over before another revoker is there: then it goes on without a request.
    assert server.api("PUT", "sys/leases/revoke-prefix/%s" % MOUNT).status in (204, 504)
    wait_until(lambda: leases(server) == set(), 20)


def disable(server):
    add_place(server, "other")
    issue(server, "other")
    assert server.api("DELETE", "sys/mounts/other").status in (204, 504)
    wait_until(lambda: "other/" not in server.api("GET", "sys/mounts").data, 20)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("work, least", [(expire, 2), (revoke_prefix, 3), (disable, 4)])
def test_a_revoker_killed_at_each_of_its_commits_is_followed(server, trap, work, least, when):
    """Whatever it was about: the next one goes on with it."""
    make_role(server, MOUNT, "brief", **ROLE, ttl=1, max_ttl=1)
    number, sprung = 0, True
    while sprung:
        number += 1
        server.restart()    # who dies young again and again is followed ever later
        trap.set("revoker", when, number)
        work(server)
        sprung = trap.sprung()
        settle(server)
    assert number > least, "it commits %d times at least" % least


WRITES = {
    "a role": ("POST", MOUNT + "/role/new", ROLE, MOUNT + "/role/new", 200, 404),
    "a role that goes": ("DELETE", MOUNT + "/role/old", None, MOUNT + "/role/old", 404, 200),
    "a mount": ("POST", "sys/mounts/new", {"type": "alicloud"}, "sys/mounts/new", 200, 400),
    "a tuned mount": ("POST", "sys/mounts/tuned/tune", {"max_lease_ttl": "2h"}, None, None, None),
}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("what", WRITES)
def test_a_worker_killed_at_a_write_has_written_all_or_nothing(server, trap, what, when):
    method, path, body, look, there, not_there = WRITES[what]
    server.api("DELETE", "sys/mounts/new")
    server.api("DELETE", MOUNT + "/role/new")
    make_role(server, MOUNT, "old", **ROLE)
    server.api("POST", "sys/mounts/tuned", {"type": "alicloud", "config": {"max_lease_ttl": "1h"}})
    trap.set("work", when, 1)
    assert server.api(method, path, body).status == 502 and trap.sprung()
    if look:
        expected = there if when == "after" else not_there
        wait_until(lambda: server.api("GET", look).status == expected)
    else:
        seconds = 7200 if when == "after" else 3600
        wait_until(lambda: server.api("GET", path).data["max_lease_ttl"] == seconds)
    assert server.api(method, path, body).status in (204, 400), "it may be asked again"


@pytest.mark.parametrize("kind, when", [("work", "before"), ("work", "after"),
                                        ("revoker", "before")])
def test_a_process_stopped_inside_a_transaction_is_killed_and_others_write(server, trap, kind,
                                                                          when):
    kept, lease = issued(server), issued(server)["lease_id"]
    trap.set(kind, when, 1, signal.SIGSTOP)
    stopped = server.pids()[kind]
    reply = revoke(server, lease)
    assert reply.status == (504 if kind == "revoker" else 502), reply
    wait_until(lambda: not set(stopped) & set(server.pids()[kind]), 20)
    if kind == "work" and when == "before":
        assert revoke(server, lease).status == 204
    settle(server, kept)


def test_a_process_stopped_inside_a_transaction_is_not_waited_for_to_its_deadline(leasehold, preload,
                                                                                 tmp_path):
    """Whoever writes waits for it, and a request may take 45 s."""
    trap = Trap(str(tmp_path / "order"))
    with trapped_server(preload, trap, work_workers=2, more="") as server, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        add_place(server)
        trap.set("work", "before", 1, signal.SIGSTOP)
        stopped = pool.submit(server.api, "POST", MOUNT + "/role/one", ROLE)
        wait_until(trap.sprung)
        assert server.api("POST", MOUNT + "/role/two", ROLE, timeout=60).status == 204
        assert stopped.result().status == 502


def size(server):
    return os.stat(server.path("store", "data.mdb")).st_size


def test_a_reader_killed_inside_a_transaction_pins_no_page(server, trap):
    """While it counts as a reader, no page that is freed can be used again."""
    lease = issued(server)
    churn(server, 10)
    before = size(server)
    trap.set("read", "reading", 1)
    assert server.api("GET", MOUNT + "/role/r").status == 502 and trap.sprung()
    churn(server, 20)
    assert size(server) <= before + 64 * 4096
    settle(server, lease)


# --- the start ---

@pytest.fixture(name="stopped")
def stopped_server(server, trap):
    server.stop_daemon()
    yield server
    if server.process is None or server.process.poll() is not None:
        server.start_daemon()


def test_the_server_is_ready_when_all_its_children_are(stopped, trap):
    """One is stopped while it opens the store."""
    trap.set("work", "reading", 1, signal.SIGSTOP)
    stopped.start_daemon(ready=False)
    wait_until(trap.sprung)
    wait_until(lambda: "revoker: ready" in stopped.log()[stopped.log_start:])
    turned(stopped)
    assert "server: ready" not in stopped.log()[stopped.log_start:]
    stopped.kill("work", signal.SIGCONT)
    stopped.wait_ready()


def test_a_server_whose_children_cannot_start_says_so_and_ends(stopped, trap):
    """Trying for ever would look like a server that is about to come."""
    trap.set("work", "reading", 1, signal.SIGABRT)
    stopped.start_daemon(ready=False)
    assert stopped.process.wait(60) == 1
    assert "could not start" in stopped.log()[stopped.log_start:]

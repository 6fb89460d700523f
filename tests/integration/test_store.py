# SPDX-License-Identifier: Apache-2.0
"""The store: whose it is, what a thief finds in it, and what happens when it is full."""
import os
import re
import shutil
import subprocess

import pytest

from crashing import MOUNT, add_place, crashing_server, leases, settle
from harness import wait_until
from lending import issue, make_role, revoke, whoami

FORMAT = re.compile(rb"\x00\x00\x00\x01\x00\x00\x00\x24[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture(scope="module", name="server")
def store_server(leasehold):
    with crashing_server() as server:
        add_place(server)
        yield server


# --- whose it is ---

@pytest.fixture(name="stopped")
def stopped_server(server):
    """The server with its store at rest; what a test did to the store is undone."""
    server.stop_daemon()
    shutil.copytree(server.path("store"), server.path("saved"))
    key = _read(server.path("master.key"))
    yield server
    shutil.rmtree(server.path("saved"))
    _write(server.path("master.key"), key)
    if server.process is None:
        server.start_daemon()


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _write(path, data):
    with open(path, "r+b") as file:
        file.truncate()
        file.write(data)


def refusal(server):
    """What a server says that does not start."""
    done = server.run("server", check=False)
    assert done.returncode != 0
    return done.stderr


def test_a_second_server_is_told_who_has_the_store(server):
    assert str(server.process.pid) in refusal(server)
    assert server.api("GET", "sys/health").status == 200


def test_a_copied_store_is_refused_until_it_is_adopted(stopped):
    os.rename(stopped.path("store"), stopped.path("original"))
    shutil.copytree(stopped.path("original"), stopped.path("store"))
    said = refusal(stopped)
    assert "leasehold adopt" in said and stopped.path("store") in said
    stopped.run("adopt")
    stopped.start_daemon()
    settle(stopped, issue(stopped, MOUNT))
    shutil.rmtree(stopped.path("original"))


def test_another_master_key_opens_nothing(stopped):
    path = stopped.path("master.key")
    good = _read(path)
    _write(path, (b"1" if good[:1] != b"1" else b"2") + good[1:])
    said = refusal(stopped)
    assert "master key" in said and path in said
    _write(path, good)
    stopped.start_daemon()
    assert stopped.api("GET", MOUNT + "/role/r").status == 200


def test_a_store_of_another_format_is_refused(stopped):
    """The meta record is plain: the format, then the store's id behind its length."""
    path = stopped.path("store", "data.mdb")
    data = _read(path)
    at = [found.start() for found in FORMAT.finditer(data)]
    assert at
    for place in at:
        data = data[:place + 3] + b"\x63" + data[place + 4:]
    _write(path, data)
    said = refusal(stopped)
    assert "format 99" in said
    for place in at:
        data = data[:place + 3] + b"\x01" + data[place + 4:]
    _write(path, data)
    stopped.start_daemon()
    assert stopped.api("GET", MOUNT + "/role/r").status == 200


# --- what a thief finds ---

def test_a_thief_of_the_file_finds_no_user_no_lease_and_no_secret(server):
    """Mounts and roles stand in the keys, and may."""
    make_role(server, MOUNT, "veryspecialrole",
              remote_policies=["name:existing-policy,type:Custom"])
    reply = issue(server, MOUNT, "veryspecialrole")
    user = whoami(server, reply.data)["Arn"].rpartition("/")[2]
    lease = reply["lease_id"]
    stolen = _read(server.path("store", "data.mdb")) + _read(server.path("store", "lock.mdb"))
    key, secret = server.sim.root_key
    for what in (server.root_token, server.root_token.partition(".")[2], lease,
                 lease.rpartition("/")[2], "existing-policy", user, key, secret,
                 reply.data["access_key"], reply.data["secret_key"]):
        for form in (what.encode(), what.encode("utf-16-le"), what.encode().hex().encode()):
            assert form not in stolen, what
    assert revoke(server, lease).status == 204
    for name in os.listdir(server.path("store")):
        assert os.stat(server.path("store", name)).st_mode & 0o077 == 0, name


# --- full ---

def fill(server, most=4000):
    """Writes roles until the store refuses them; returns the refusal."""
    policy = ['{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", '
              '"Resource": "%s"}]}' % ("x" * 1500)]
    body = {"inline_policies": "[%s]" % ",".join(policy * 4)}
    for number in range(most):
        reply = server.api("POST", "%s/role/fill%d" % (MOUNT, number), body)
        if reply.status != 204:
            return reply
    raise AssertionError("the store never filled")


def nothing_but_revocations(server):
    """A full store, and three leases in it."""
    kept = [issue(server, MOUNT) for _ in range(3)]
    assert server.api("PUT", "sys/leases/renew", {"lease_id": kept[0]["lease_id"]}).status == 200
    refused = fill(server)
    assert refused.status == 507 and "full" in refused.errors[0], refused
    # A role is larger than a lease, and pages come free now and then: there may be room for some.
    for _ in range(200):
        before = server.sim.count("CreateUser")
        reply = server.api("GET", MOUNT + "/creds/r")
        if reply.status != 200:
            break
        kept.append(reply)
    assert reply.status == 507 and "full" in reply.errors[0], reply
    assert server.sim.count("CreateUser") == before, "nothing is made that cannot be recorded"
    return kept


def backoff_is_kept_in_memory_or_written(server, lease):
    """A failed attempt cannot always be recorded; the lease stays, and is tried again in a while."""
    fault = server.sim.fault("error", code="NoPermission", status=403)
    seen = server.sim.count("DeleteAccessKey")
    revoke(server, lease["lease_id"], sync=False)
    wait_until(lambda: server.sim.count("DeleteAccessKey") > seen)
    seen = server.sim.count("DeleteAccessKey")
    # Such an attempt ends at once, and the next one is seconds away.
    assert not server.sim.wait_calls("DeleteAccessKey", seen + 3, 2), "no pause between attempts"
    server.sim.clear_faults(fault)


def test_a_full_map_refuses_issues_and_goes_on_revoking(leasehold):
    with crashing_server(map_size="16MiB") as server:
        add_place(server)
        kept = nothing_but_revocations(server)
        backoff_is_kept_in_memory_or_written(server, kept[0])
        server.restart()
        assert server.api("GET", MOUNT + "/creds/r").status == 507
        for reply in kept[1:]:
            assert revoke(server, reply["lease_id"]).status == 204
        assert server.sim.wait_clean(30), server.sim.leftovers()
        wait_until(lambda: leases(server) == set())


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    path = str(tmp_path / "disk")
    os.mkdir(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", path],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no disk can be mounted here: " + done.stderr.strip())
    yield path
    subprocess.run(["umount", path], check=True)


def fill_disk(path):
    """Leaves not one byte to anybody; returns the file to be removed."""
    filler = os.path.join(path, "filler")
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_refuses_issues_and_goes_on_revoking(leasehold, small_disk):
    server = crashing_server()
    os.symlink(small_disk, server.path("store"))
    with server:
        add_place(server)
        kept = [issue(server, MOUNT) for _ in range(4)]
        filler = fill_disk(small_disk)
        reply = server.api("GET", MOUNT + "/creds/r")
        assert reply.status == 507 and "full" in reply.errors[0], reply
        reply = server.api("POST", MOUNT + "/role/new", {"remote_policies": ["name:x,type:Custom"]})
        assert reply.status == 507, reply
        for lease in kept[:3]:
            assert revoke(server, lease["lease_id"]).status == 204
        assert server.api("GET", "sys/health").status == 200
        backoff_is_kept_in_memory_or_written(server, kept.pop())
        os.unlink(filler)
        server.restart()    # nobody remembers the pause any more
        settle(server, issue(server, MOUNT))

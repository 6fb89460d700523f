# SPDX-License-Identifier: Apache-2.0
"""Where the server listens: sockets of its own and of others, and the two pools behind them."""
import concurrent.futures
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

import fastcgi
from harness import Server, binary, stop, wait_until
from nginx import free_port
from test_processes import (KINDS, NOBODY, mount_with_role, one_server, own_server, reload,
                            root_only, said, wait_reloaded, waiting)

# The fixtures of test_processes serve here, too.
__all__ = ["mount_with_role", "one_server", "own_server"]


def test_a_stale_socket_is_replaced(leasehold):
    with Server() as server:
        server.kill("master")
        old = os.lstat(server.path("run/read.sock")).st_ctime_ns
        wait_until(lambda: not somebody_listens(server.path("run/read.sock")))
        server.start_daemon()
        assert server.api("GET", "sys/mounts").status == 200
        assert os.lstat(server.path("run/read.sock")).st_ctime_ns != old


def somebody_listens(path):
    try:
        fastcgi.connect(path).close()
        return True
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize("make", ["file", "folder", "link"])
def test_what_is_no_socket_is_not_touched(own, make):
    own.stop_daemon()
    path, target = own.path("run/read.sock"), own.path("run/target")
    if make == "file":
        with open(path, "w", encoding="ascii") as out:
            out.write("mine")
    elif make == "folder":
        os.mkdir(path)
    else:
        os.symlink(target, path)
    before = os.lstat(path)
    done = own.run("server", check=False)
    assert done.returncode == 1 and path in done.stderr and "not touched" in done.stderr
    assert os.lstat(path) == before and os.listdir(own.path("run")) == ["read.sock"]
    (os.rmdir if make == "folder" else os.unlink)(path)


def test_a_socket_where_another_answers_is_left_to_it(own):
    own.stop_daemon()
    path = own.path("run/work.sock")
    with fastcgi.socket.socket(fastcgi.socket.AF_UNIX) as other:
        other.bind(path)
        other.listen(1)
        done = own.run("server", check=False)
        assert done.returncode == 1 and "another process answers" in done.stderr
        assert os.listdir(own.path("run")) == ["work.sock"]
    os.unlink(path)


def test_a_reload_follows_no_link_that_was_put_in_place_of_a_socket(own):
    """The folder is the server's user's, who must not lead root to other files."""
    path, other = own.path("run/work.sock"), own.path("other")
    with open(other, "w", encoding="ascii"):
        os.chmod(other, 0o600)
    os.rename(path, path + ".old")
    os.symlink(other, path)
    own.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the configuration was read again" in own.log())
    assert "work.sock: is not the socket that was made here" in own.log()
    assert stat.S_IMODE(os.lstat(other).st_mode) == 0o600
    os.rename(path + ".old", path)


def test_without_the_sockets_folder_it_does_not_start(own):
    own.stop_daemon()
    os.rmdir(own.path("run"))
    done = own.run("server", check=False)
    os.mkdir(own.path("run"))
    assert done.returncode == 1 and own.path("run") in done.stderr


@contextlib.contextmanager
def effective_user(uid):
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@root_only
def test_only_the_users_of_peer_users_are_let_in(leasehold):
    listeners = '''listener "fastcgi" "work" {{
  address = "{folder}/run/work.sock"
  workers = 1
  socket_mode = "0666"
  peer_users = ["root", "www-data"]
}}'''
    with Server(listeners=listeners) as server:
        os.chmod(server.folder, 0o755)
        path = server.path("run/work.sock")
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o666
        for user, status in ((0, 200), (33, 200), (NOBODY, None)):
            with effective_user(user):
                assert fastcgi.ask(path, "GET", "/v1/sys/health").status == status
        wait_until(lambda: said(server, "refused a connection of uid %d" % NOBODY))


@pytest.mark.parametrize("pool", ["read", "work"])
def test_who_stops_in_the_middle_of_a_request_is_not_waited_for(leasehold, pool):
    """The worker lets go of it by itself, and serves others."""
    with Server(read_workers=1, work_workers=1) as server:
        path, before = server.path("run/%s.sock" % pool), server.pids()
        data = fastcgi.request(fastcgi.params_of("GET", "/v1/sys/health"))
        with fastcgi.connect(path) as connection:
            connection.sendall(data[:len(data) // 2])
            assert fastcgi.ask(path, "GET", "/v1/sys/health").status == 200
            assert fastcgi.receive(connection).status is None
        assert server.pids() == before, "nobody had to be killed for it"


def test_a_request_whose_sender_has_left_is_not_carried_out(leasehold):
    """It waited in the queue until somebody gave up; he has asked again, or does not want it."""
    with Server(work_workers=1) as server:
        path, token = server.path("run/work.sock"), server.root_token
        server.kill("work", signal.SIGSTOP)
        for name, stays in (("left", False), ("stays", True)):
            body = b'{"type": "alicloud"}'
            params = fastcgi.params_of("POST", "/v1/sys/mounts/" + name, token, body)
            connection = fastcgi.connect(path)
            connection.sendall(fastcgi.request(params, body))
            if not stays:
                connection.close()
        server.kill("work", signal.SIGCONT)
        with connection:
            assert fastcgi.receive(connection).status == 204
        mounts = server.api("GET", "sys/mounts").data
        assert "stays/" in mounts and "left/" not in mounts


def test_who_has_more_connections_than_others_takes_more_when_nobody_else_does(leasehold):
    """It stands back so that the others get their share, but nobody waits for one that is busy."""
    with Server(read_workers=2) as server, contextlib.ExitStack() as stack:
        stopped = server.pids()["read"][0]
        stop(stopped)
        data = fastcgi.request(fastcgi.params_of("GET", "/v1/sys/health"), keep=True)
        for _ in range(6):
            connection = stack.enter_context(fastcgi.connect(server.path("run/read.sock"), 5))
            connection.sendall(data)
            assert fastcgi.receive(connection).status == 200
        os.kill(stopped, signal.SIGCONT)


@pytest.mark.parametrize("tcp", [False, True], ids=["socket", "tcp"])
def test_one_listener_of_the_work_pool_serves_everything(leasehold, tcp):
    host = "127.0.0.88"
    port = free_port(host)
    address = (host, port) if tcp else None
    listeners = 'listener "fastcgi" "work" {{\n address = "%s"\n workers = 2\n}}' % (
        "%s:%d" % (host, port) if tcp else "{folder}/run/work.sock")
    with Server(listeners=listeners) as server:
        address = address or server.path("run/work.sock")

        def ask(method, path, body=b""):
            return fastcgi.ask(address, method, "/v1/" + path, server.root_token, body)
        key, secret = server.sim.root_key
        assert ask("POST", "sys/mounts/ali", {"type": "alicloud"}).status == 204
        assert ask("POST", "ali/config", {"access_key": key, "secret_key": secret}).status == 204
        assert ask("POST", "ali/role/r", {"remote_policies":
                                          "name:existing-policy,type:Custom"}).status == 204
        answer = ask("GET", "ali/creds/r")
        assert answer.status == 200 and "X-Accel-Redirect" not in answer.headers
        assert ask("PUT", "sys/leases/revoke", {"lease_id": answer.body["lease_id"]}).status == 204
        assert server.stop_daemon() == 0


STARTER = """
import os, socket, sys
# The descriptors that systemd passes begin with 3; sockets stay in order behind them.
paths, command = sys.argv[1:3], sys.argv[3:]
sockets = []
for path in paths:
    one = socket.socket(socket.AF_UNIX)
    one.bind(path)
    one.listen(16)
    sockets.append(os.dup2(one.fileno(), 20 + len(sockets)))
for number, fd in enumerate(sockets):
    os.dup2(fd, 3 + number)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="read:work")
os.execv(command[0], command)
"""


def test_sockets_of_the_service_manager_are_served_and_left_to_it(leasehold):
    with Server() as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        server.stop_daemon()
        manager.settimeout(20)
        manager.bind(server.path("notify"))
        with open(server.path("daemon.log"), "ab") as log:
            server.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, server.path("run/read.sock"),
                 server.path("run/work.sock"), binary(), "server", "-config",
                 server.path("leasehold.hcl")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": server.path("notify")})
        assert manager.recv(100) == b"READY=1"
        server.wait_ready()
        assert server.api("POST", "sys/mounts/ali", {"type": "alicloud"}).status == 204
        assert server.stop_daemon() == 0
        assert manager.recv(100) == b"STOPPING=1"
        assert sorted(os.listdir(server.path("run"))) == ["read.sock", "work.sock"]


# --- the two pools ---

def test_what_writes_is_handed_on_but_only_for_those_who_may(server, mount):
    path = server.path("run/read.sock")
    for method, where, body in (("GET", mount + "/creds/r", b""), ("PUT", "sys/leases/tidy", b""),
                                ("POST", mount + "/role/new", {"ttl": 1})):
        answer = fastcgi.ask(path, method, "/v1/" + where, server.root_token, body)
        assert answer.headers["X-Accel-Redirect"] == "@leasehold_work" and answer.body is None
        refused = fastcgi.ask(path, method, "/v1/" + where, "hvs.unknown", body)
        assert refused.status == 403 and "X-Accel-Redirect" not in refused.headers
    assert server.api("GET", mount + "/role/new").status == 404


def test_a_slow_cloud_does_not_hold_up_what_only_reads(server, mount):
    server.sim.fault("hang", action="CreateUser")
    before = server.sim.count("CreateUser")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(server.api, "GET", mount + "/creds/r") for _ in range(4)]
        assert server.sim.wait_calls("CreateUser", before + 4, stage="arrived")
        times = [timed(server, mount + "/role/r") for _ in range(20)]
        assert not any(one.done() for one in pending)
        server.sim.clear_faults()
        for one in pending:
            one.result()
    assert sorted(times)[10] < 1


def timed(server, path):
    began = time.monotonic()
    assert server.api("GET", path).status == 200
    return time.monotonic() - began


def test_more_work_than_workers_and_queue_hold_is_refused_quickly(own):
    reload(own, listeners=own.values["listeners"].replace(
        "workers = {work_workers}", "workers = {work_workers}\n  backlog = 2"), work_workers=2)
    wait_reloaded(own, {**KINDS, "work": 2})
    own.sim.fault("hang", action="CreateUser")
    before = own.sim.count("CreateUser")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        pending = [pool.submit(own.api, "GET", "ali/creds/r") for _ in range(2)]
        assert own.sim.wait_calls("CreateUser", before + 2, stage="arrived")
        pending += [pool.submit(own.api, "GET", "ali/creds/r") for _ in range(3)]
        wait_until(lambda: waiting(own.path("run/work.sock")) == 3)
        began = time.monotonic()
        reply = own.api("GET", "ali/creds/r")
        assert reply.status in (502, 503) and reply.errors and time.monotonic() - began < 5
        own.sim.clear_faults()
        own.sim.drop_connections()
        for one in pending:
            one.result()

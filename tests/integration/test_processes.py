# SPDX-License-Identifier: Apache-2.0
"""The server as a family of processes: what they may, how they end, what they leave."""
import concurrent.futures
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

import fastcgi
from harness import Server, binary, most_lives, wait_until
from lending import add_mount, issue, make_role, whoami
from nginx import NO_LIMITS, free_port

SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)
NOBODY = 65534
KINDS = {"master": 1, "read": 2, "work": 4, "revoker": 1}

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become others")


@pytest.fixture(scope="module", name="server")
def one_server(leasehold):
    with Server(engine='request_timeout = "3s"',
                environment={"ALICLOUD_ACCESS_KEY": "LTAIenvironment",
                             "ALICLOUD_SECRET_KEY": "environmentsecret"}) as server:
        yield server


@pytest.fixture(name="mount")
def mount_with_role(server):
    yield from new_mount(server)


@pytest.fixture(name="own")
def own_server(leasehold):
    """For tests that change the configuration or the number of processes."""
    with Server(engine='request_timeout = "6s"', more='drain_timeout = "40s"') as server:
        for _ in new_mount(server):
            yield server


@pytest.fixture(name="unkept")
def own_server_whose_connections_end(leasehold):
    """Its nginx keeps none: each request waits in the queue until a reader takes it."""
    none_kept = NO_LIMITS + (("keepalive 32;", ""),)
    with Server(more='drain_timeout = "40s"', nginx={"replace": none_kept}) as server:
        for _ in new_mount(server):
            yield server


def new_mount(server):
    add_mount(server, "ali")
    make_role(server, "ali")
    yield "ali"
    server.sim.clear_faults()
    server.sim.configure(latency=0)
    if server.process is None or server.process.poll() is not None:
        server.start_daemon()
    wait_until(lambda: server.api("DELETE", "sys/mounts/ali").status == 204, 20)


def proc_status(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def every_pid(server):
    return [pid for pids in server.pids().values() for pid in pids]


def complete(server, kinds=None):
    """Whether all children of the configuration are there."""
    return {kind: len(pids) for kind, pids in server.pids().items()} == (kinds or KINDS)


def said(server, text):
    return text in server.log()


# --- what the processes are and may ---

def test_there_are_the_processes_that_the_configuration_says(server):
    wait_until(lambda: complete(server))


def test_the_master_is_found_by_its_name(server):
    assert proc_status(server.process.pid)["Name"] == "leasehold"


def test_no_process_may_gain_rights_or_dump_core(server):
    for pid in every_pid(server):
        status = proc_status(pid)
        assert status["NoNewPrivs"] == "1"
        assert status["Umask"] == "0077"
        with open("/proc/%d/limits" % pid, encoding="ascii") as file:
            core = [line.split() for line in file if line.startswith("Max core file size")]
        assert core[0][4:6] == ["0", "0"]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs more memory than a worker may have")
def test_workers_have_only_so_much_memory(server):
    """Bounds what somebody at the socket can make them allocate; the revoker listens to nobody."""
    for kind, most in (("read", str(256 << 20)), ("work", str(256 << 20)), ("revoker", "unlimited")):
        for pid in server.pids()[kind]:
            with open("/proc/%d/limits" % pid, encoding="ascii") as file:
                size = [line.split()[3] for line in file if line.startswith("Max data size")]
            assert size == [most], kind


def test_the_environment_of_no_process_holds_a_secret(server):
    for pid in every_pid(server):
        with open("/proc/%d/environ" % pid, "rb") as file:
            environment = file.read()
        assert b"environment" not in environment


@root_only
def test_started_as_root_the_children_become_the_configured_user(leasehold):
    with Server(user="nobody", group="nogroup") as server:
        assert proc_status(server.process.pid)["Uid"].split() == ["0"] * 4
        for kind in ("read", "work", "revoker"):
            for pid in server.pids()[kind]:
                status = proc_status(pid)
                assert status["Uid"].split() == [str(NOBODY)] * 4
                assert status["Gid"].split() == [str(NOBODY)] * 4
                assert status["Groups"].split() == [str(NOBODY)]
                assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
                cannot_be_looked_into(pid)
        for folder, _, files in os.walk(server.path("store")):
            for path in [folder] + [os.path.join(folder, name) for name in files]:
                assert os.lstat(path).st_uid == NOBODY, path
                assert stat.S_IMODE(os.lstat(path).st_mode) & 0o077 == 0, path
        for name in ("run/read.sock", "run/work.sock"):
            assert os.lstat(server.path(name)).st_gid == NOBODY
        assert os.lstat(server.path("master.key")).st_uid == NOBODY
        assert stat.S_IMODE(os.lstat(server.path("master.key")).st_mode) & 0o077 == 0
        assert server.api("GET", "sys/mounts").status == 200


def cannot_be_looked_into(pid):
    """Not even by a process of the same user."""
    if SANITIZED:
        return
    done = subprocess.run(["cat", "/proc/%d/environ" % pid], user=NOBODY, group=NOBODY,
                          extra_groups=[], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "Permission denied" in done.stderr


@root_only
def test_started_as_a_user_it_stays_that_user(leasehold, tmp_path):
    """`user` names somebody who does not exist: it is for a start as root only."""
    with Server(user="nobody", group="nogroup") as server:
        server.stop_daemon()
        server.write_configuration(user="no-such-user", group="no-such-group")
        for path in (server.path("run"), server.path("daemon.log")):
            os.chown(path, NOBODY, NOBODY)
        program = shutil.copy(binary(), server.path("program"))  # the build may be root's alone
        server.process = subprocess.Popen(
            [program, "server", "-config", server.path("leasehold.hcl")], user=NOBODY,
            group=NOBODY, extra_groups=[], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(server.path("daemon.log"), "ab"), env={})
        server.wait_ready()
        for pid in every_pid(server):
            assert proc_status(pid)["Uid"].split() == [str(NOBODY)] * 4
        assert server.stop_daemon() == 0


# --- the end ---

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_hand_is_answered_before_the_end(own, number):
    own.sim.configure(latency=0.4)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(own.api, "GET", "ali/creds/r") for _ in range(4)]
        assert own.sim.wait_calls("CreateUser", 4, stage="arrived")
        own.process.send_signal(number)
        replies = [one.result() for one in pending]
    assert own.process.wait(60) == 0
    assert [reply.status for reply in replies] == [200] * 4
    own.sim.configure(latency=0)
    assert all(whoami(own, reply.data).status == 200 for reply in replies)


def test_what_waits_in_the_queue_is_answered_before_the_end(own):
    own.sim.configure(latency={"CreateUser": 4})    # until all others are in the queue
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(own.api, "GET", "ali/creds/r") for _ in range(8)]
        assert own.sim.wait_calls("CreateUser", 4, stage="arrived")
        wait_until(lambda: waiting(own.path("run/work.sock")) == 4)
        own.sim.configure(latency=0)
        assert own.stop_daemon() == 0
        assert [one.result().status for one in pending] == [200] * 8


def test_what_the_read_pool_has_accepted_is_handed_on_before_the_end(unkept):
    """The work pool must not be the first to go: what was accepted would find nobody."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: unkept.api("GET", "sys/health"), range(40)))
        readers = unkept.kill("read", signal.SIGSTOP)
        pending = [pool.submit(unkept.api, "GET", "ali/creds/r") for _ in range(4)]
        wait_until(lambda: waiting(unkept.path("run/read.sock")) == 4)
        unkept.process.terminate()
        wait_until(lambda: not os.path.exists(unkept.path("run/read.sock")))
        for reader in readers:
            os.kill(reader, signal.SIGCONT)
        assert unkept.process.wait(60) == 0
        assert [one.result().status for one in pending] == [200] * 4


def waiting(path):
    """Connections in the queue of a listening socket, as ss(8) knows them."""
    done = subprocess.run(["ss", "-xlH", "src", path], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[2])


def test_a_request_that_does_not_end_holds_up_the_end_only_so_long(own):
    own.write_configuration(more='drain_timeout = "1s"', engine='request_timeout = "40s"')
    own.restart()
    own.sim.fault("hang", action="CreateAccessKey")
    before = own.sim.count("CreateAccessKey")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(own.api, "GET", "ali/creds/r")
        assert own.sim.wait_calls("CreateAccessKey", before + 1, stage="arrived")
        began = time.monotonic()
        assert own.stop_daemon() == 0
        assert time.monotonic() - began < 20
        assert pending.result().status in (502, 504)
    own.sim.clear_faults()
    own.start_daemon()
    assert own.sim.wait_clean(20), own.sim.leftovers()


def test_who_comes_during_the_end_is_refused_at_once(own):
    """A queue that nobody empties any more would let them wait for nothing."""
    own.sim.fault("hang", action="CreateAccessKey")
    before = own.sim.count("CreateAccessKey")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(own.api, "GET", "ali/creds/r")
        assert own.sim.wait_calls("CreateAccessKey", before + 1, stage="arrived")
        own.process.terminate()
        for name in ("run/read.sock", "run/work.sock"):
            wait_until(lambda name=name: not os.path.exists(own.path(name)))
        wait_until(lambda: not own.pids()["read"])      # who has one that nginx keeps may answer yet
        assert own.api("GET", "ali/role/r").status == 502
        assert not pending.done(), "what is in hand has its time"
        own.sim.clear_faults()
        assert own.process.wait(60) == 0
        pending.result()
    own.start_daemon()


def test_nothing_is_left_after_the_end(leasehold):
    with Server() as server:
        pids = every_pid(server)
        before = set(os.listdir(server.folder))
        assert server.stop_daemon() == 0
        assert not [pid for pid in pids if os.path.exists("/proc/%d" % pid)]
        assert os.listdir(server.path("run")) == []
        assert set(os.listdir(server.folder)) == before
        assert sorted(os.listdir(server.path("store"))) == ["data.mdb", "lock", "lock.mdb"]


def test_no_credential_is_lost_when_the_end_comes_under_load(own):
    """Who was accepted has an answer; who was not is told so by nginx, and costs nothing."""
    with Load(own, "ali/creds/r", 6) as issues, Load(own, "ali/role/r") as reads:
        wait_until(lambda: issues.count > 10 and reads.count > 10)
        assert own.stop_daemon() == 0
        wait_until(lambda: issues.bad and reads.bad)    # who had an answer at the end asks again
    for load in (issues, reads):
        assert load.bad and {reply.status for reply in load.bad} == {502}
    users = [left for left in own.sim.leftovers() if left["kind"] == "user"]
    assert len(users) == issues.count - len(issues.bad)


# --- another configuration ---

class Load:
    """Asks for something all the time from a few threads; keeps what was not answered well."""

    def __init__(self, server, path, threads=3):
        self.server, self.path, self.bad, self.count = server, path, [], 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def _ask(self):
        while not self.over.is_set():
            reply = self.server.api("GET", self.path)
            self.count += 1
            if reply.status != 200:
                self.bad.append(reply)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def reload(server, **change):
    """Writes the new file, tells the server, and returns where its log stood."""
    server.write_configuration(**change)
    start = len(server.log())
    server.process.send_signal(signal.SIGHUP)
    return start


def wait_reloaded(server, kinds):
    """Until the old children have gone; on the way there never is more than one revoker."""
    def there():
        assert len(server.pids()["revoker"]) <= 1
        return complete(server, kinds)
    wait_until(there, 20)


def wait_served(load, more):
    """Until so many more requests were served."""
    before = load.count
    wait_until(lambda: load.count >= before + more)


def test_a_new_configuration_is_taken_up_and_no_request_fails(own):
    with Load(own, "ali/role/r") as reads, Load(own, "ali/creds/r", 2) as issues:
        for read, work in ((3, 2), (1, 5)):
            start = reload(own, read_workers=read, work_workers=work)
            wait_reloaded(own, {"master": 1, "read": read, "work": work, "revoker": 1})
            wait_until(lambda: "server: ready" in own.log()[start:])
            wait_served(reads, 10)
            wait_served(issues, 2)
    assert reads.bad == [] and issues.bad == []


def test_a_kept_connection_outlives_a_reload(own):
    """The web server may be about to use it."""
    params = fastcgi.params_of("GET", "/v1/sys/health", own.root_token)
    with fastcgi.connect(own.path("run/read.sock")) as connection:
        for _ in range(2):
            connection.sendall(fastcgi.request(params, keep=True))
            answer = fastcgi.receive(connection)
            assert answer.status == 200 and answer.ended
            old = set(every_pid(own)) - {own.process.pid}
            reload(own)
            wait_until(lambda old=old: not old & set(every_pid(own)), 20)
            wait_reloaded(own, KINDS)


def test_the_revoker_is_a_new_one_after_a_reload(own):
    old = own.pids()["revoker"]
    reload(own)
    wait_until(lambda: own.pids()["revoker"] not in ([], old), 20)
    wait_reloaded(own, KINDS)
    lease = issue(own, "ali")["lease_id"]
    assert own.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204


@pytest.mark.parametrize("name, old, new, reason", [
    ("an unknown key", "log_level = \"debug\"", "log_levle = \"debug\"", "log_levle"),
    ("a broken file", "storage \"lmdb\" {", "storage \"lmdb\" {{", "leasehold.hcl:"),
    ("another store", "/store\"", "/other\"", "storage"),
    ("another master key", "/master.key\"", "/other.key\"", "key_file"),
    ("another user", "user      = \"\"", "user      = \"nobody\"", "user"),
], ids=lambda value: value if " " in str(value) and "=" not in str(value) else "")
def test_a_bad_configuration_keeps_the_old_one_and_says_why(server, mount, name, old, new, reason):
    with open(server.path("leasehold.hcl"), encoding="utf-8") as file:
        text = file.read()
    assert old in text, name
    before, start = server.pids(), len(server.log())
    with open(server.path("leasehold.hcl"), "w", encoding="utf-8") as out:
        out.write(text.replace(old, new))
    try:
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the old one stays" in server.log()[start:])
    finally:
        server.write_configuration()
    line = [line for line in server.log()[start:].splitlines() if "the old one stays" in line]
    assert reason in line[0]
    assert server.pids() == before
    assert not os.path.exists(server.path("other"))
    assert server.api("GET", mount + "/role/r").status == 200


def test_two_configurations_side_by_side_must_find_room(leasehold):
    """Workers of both live at the same time for a while."""
    with Server(work_workers=70) as server:
        before, start = server.pids(), reload(server, work_workers=250)
        wait_until(lambda: "the old one stays" in server.log()[start:])
        assert "there is room for 247 processes now, and 252 are asked for" in server.log()[start:]
        assert server.pids() == before


def test_a_listener_that_is_no_longer_wanted_goes_with_its_socket(own):
    extra = '\nlistener "fastcgi" "more" {{\n address = "{folder}/run/more.sock"\n' \
            ' pool = "work"\n workers = 1\n}}\n'
    usual = own.values["listeners"]
    reload(own, listeners=usual + extra)
    wait_reloaded(own, {**KINDS, "work": 5})
    path = own.path("run", "more.sock")
    answer = fastcgi.ask(path, "GET", "/v1/ali/role/r", own.root_token)
    assert answer.status == 200
    reload(own, listeners=usual)
    wait_reloaded(own, KINDS)
    wait_until(lambda: not os.path.exists(path))
    assert own.api("GET", "ali/role/r").status == 200


def test_a_port_that_is_no_longer_wanted_is_given_back(own):
    """No process that never served it has kept it open."""
    address = ("127.0.0.88", free_port("127.0.0.88"))
    extra = '\nlistener "fastcgi" "more" {{\n address = "%s:%d"\n' \
            ' pool = "work"\n workers = 1\n}}\n' % address
    usual = own.values["listeners"]
    reload(own, listeners=usual + extra)
    wait_reloaded(own, {**KINDS, "work": 5})
    assert fastcgi.ask(address, "GET", "/v1/ali/role/r", own.root_token).status == 200
    reload(own, listeners=usual)
    wait_reloaded(own, KINDS)
    with pytest.raises(ConnectionRefusedError):
        fastcgi.connect(address)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE])
def test_other_signals_change_nothing(server, mount, number):
    before = server.pids()
    server.process.send_signal(number)
    for pid in before["read"] + before["work"] + before["revoker"]:
        os.kill(pid, signal.SIGHUP)
        os.kill(pid, signal.SIGINT)
    assert server.api("GET", mount + "/role/r").status == 200
    assert server.pids() == before


# --- children that die ---

@pytest.mark.parametrize("kind", ["read", "work", "revoker"])
def test_a_child_that_dies_at_once_again_and_again_is_started_less_and_less_often(own, kind):
    wait_until(lambda: said(own, "server: ready"))    # until then, a death is a failed start
    seen, began, least = set(), time.monotonic(), 3 * KINDS[kind]
    while (passed := time.monotonic() - began) < 2.5 or (len(seen) < least and passed < 60):
        for pid in own.pids()[kind]:
            seen.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    most = most_lives(time.monotonic() - began)
    assert least <= len(seen) <= most * KINDS[kind]
    wait_until(lambda: complete(own), 20)
    lease = issue(own, "ali")["lease_id"]
    assert own.api("PUT", "sys/leases/revoke", {"lease_id": lease}).status == 204

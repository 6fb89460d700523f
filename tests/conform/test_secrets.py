# SPDX-License-Identifier: Apache-2.0
"""Secrets are nowhere but in the one reply that hands them out.

One server lives through everything that could make it write a secret down: credentials of both
kinds, errors that repeat the string to sign, revocations that fail, a crash, a restart. Then all
files that it and nginx have written, the environments of its processes, what a core file of them
would hold, and all refusals are read.
"""
import functools
import os
import re

import pytest

from suite import every_engine
from trouble import Place, quick_server


def make_server(engine):
    return quick_server(engine, work_workers=3)


class Lived:
    """What a server left behind, and the secrets that it has seen."""

    def __init__(self, server):
        self.server, self.engine = server, server.cloud
        self.secrets, self.lease_ids = {}, []
        self.refused = []    # all the texts of errors that clients were given
        self.images = []     # (process, what a core file of it would hold)
        self.place = Place(server)
        self.live()
        self.look_into_processes()
        server.stop_daemon()

    def live(self):
        server, sim, place = self.server, self.server.sim, self.place
        self.secrets["the root key's secret"] = place.key[1]
        self.secrets["the root token"] = server.root_token
        for role in ("user", "session", "user"):
            self.remember(role, place.issued(role))
        for action in self.engine.issue_calls + self.engine.session_calls:
            number = place.fault("echo", action=action)
            self.refuse(place.issue("session" if action in self.engine.session_calls else "user"))
            sim.clear_faults(number)
        last = self.engine.issue_calls[-1]
        number = place.fault("drop", action=last, effect="done")
        self.refuse(place.issue())
        sim.clear_faults(number)
        number = place.fault("echo", action=[self.engine.delete_key, self.engine.delete_user])
        self.refuse(place.revoke(self.lease_ids[0]))
        self.refuse(place.lookup(self.lease_ids[0]))
        sim.clear_faults(number)
        number = sim.kill_hook(last, when="after")
        self.refuse(place.issue())
        sim.clear_kills(number)
        self.ambient()
        place.configure(place.key)
        for lease in self.lease_ids:
            place.revoke_at_last(lease)
        self.secrets["a client's wrong token"] = "hvs.wrong-token-of-a-client"
        self.refuse(server.api("GET", "sys/mounts", token="hvs.wrong-token-of-a-client"))
        place.wait_clean()

    def ambient(self):
        """Root credentials with a session token, from the environment and then refused."""
        environment, session = self.engine.session_environment(self.server.sim)
        self.server.environment = environment
        self.secrets["the root session's secret"] = session["secret"]
        self.secrets["the root session's token"] = session["token"]
        self.server.restart()
        self.place.ok("DELETE", self.place.path + "/config")
        self.remember("user", self.place.issued())
        number = self.server.sim.fault("echo", key=session["id"])
        self.refuse(self.place.issue())
        self.server.sim.clear_faults(number)
        for pids in self.server.pids().values():
            for pid in pids:
                with open("/proc/%d/environ" % pid, "rb") as file:
                    self.refused.append(file.read())

    def refuse(self, reply):
        self.refused.append(reply.raw)

    def remember(self, role, reply):
        number = len(self.lease_ids)
        self.lease_ids.append(reply["lease_id"])
        for i, secret in enumerate(self.engine.secrets(reply.data)):
            self.secrets["secret %d of credential %d, a %s" % (i, number, role)] = secret

    def look_into_processes(self):
        """After a credential of each kind, given back, by each of the workers that are left."""
        for role in ("user", "session") * 4:
            reply = self.place.issued(role)
            self.remember(role, reply)
            assert self.place.revoke(reply["lease_id"]).status == 204
        for kind, pids in self.server.pids().items():
            for pid in pids:
                self.images.append((kind, image(pid)))

    def files(self, *places):
        for place in places:
            for folder, _, names in os.walk(self.server.path(place)):
                for name in names:
                    path = os.path.join(folder, name)
                    if os.path.isfile(path):
                        with open(path, "rb") as file:
                            yield path, file.read()


def image(pid):
    """The private, writable memory of a process that a core file would hold; b"" if hidden."""
    found = []
    try:
        with open("/proc/%d/smaps" % pid, encoding="ascii", errors="replace") as file:
            text = file.read()
        with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
            for start, end, flags in re.findall(
                    r"^([0-9a-f]+)-([0-9a-f]+) rw-p .*\n(?:[A-Z].*\n)*?VmFlags: (.*)$", text, re.M):
                if " dd" not in " " + flags:
                    memory.seek(int(start, 16))
                    found.append(memory.read(int(end, 16) - int(start, 16)))
    except (PermissionError, FileNotFoundError):
        return b""
    return b"".join(found)


@pytest.fixture(scope="module")
def lives(servers):
    return functools.cache(lambda engine: Lived(servers(engine)))


@pytest.fixture
def lived(lives, engine):
    return lives(engine)


def assert_absent(needles, texts):
    """texts: (where, bytes)."""
    texts = list(texts)
    assert texts and any(text for _, text in texts)
    for what, secret in needles.items():
        for where, text in texts:
            assert secret.encode() not in text, "%s is in %s" % (what, where)


@every_engine
def test_the_life_had_all_kinds_of_secrets(engine, lived):
    assert len(lived.secrets) >= 10 and len(lived.refused) >= 9 and len(lived.lease_ids) >= 4


@every_engine
def test_no_secret_is_in_a_refusal_or_an_environment(engine, lived):
    assert_absent(lived.secrets, (("reply %d" % i, one) for i, one in enumerate(lived.refused)))


@every_engine
def test_no_secret_is_in_a_log(engine, lived):
    log = lived.server.log().encode()
    assert engine.echo_code.encode() in log, "the log is of another life"
    assert_absent(lived.secrets, [("daemon.log", log), *lived.files("nginx")])


@every_engine
def test_no_lease_id_is_in_a_log(engine, lived):
    """nginx is asked for lease ids in bodies only; the daemon names leases by their plan."""
    ids = {one: one.rpartition("/")[2] for one in lived.lease_ids}
    assert_absent(ids, [("daemon.log", lived.server.log().encode()), *lived.files("nginx")])


@every_engine
def test_neither_secret_nor_lease_id_is_in_the_store(engine, lived):
    ids = {one: one.rpartition("/")[2] for one in lived.lease_ids}
    assert_absent({**lived.secrets, **ids}, lived.files("store"))


@every_engine
def test_no_name_of_the_cloud_is_in_the_store(engine, lived):
    users = {call["user"]: call["user"] for call in lived.server.sim.calls(engine.create_user)}
    assert len(users) >= 6
    assert_absent(users, lived.files("store"))


@every_engine
def test_no_secret_of_a_client_is_in_what_a_core_file_would_hold(engine, lived):
    with open(lived.server.program, "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("a program with sanitizers is not hardened")
    images = [one for one in lived.images if one[1]]
    if not images:
        pytest.skip("the memory of the processes is hidden from this user")
    assert all(lived.server.folder.encode() in text for _, text in images), "no image is empty"
    secrets = {what: secret for what, secret in lived.secrets.items() if "credential" in what}
    assert_absent(secrets, images)

# SPDX-License-Identifier: Apache-2.0
"""Secrets are nowhere but in the one reply that hands them out.

One server lives through everything that could make it write a secret down: credentials of both
kinds, errors that repeat the string to sign, revocations that fail, a crash, a restart. Then all
files that it and nginx have written, the environments of its processes and all refusals are read.
"""
import os

import pytest

from harness import wait_until
from trouble import Place, quick_server

REFUSED = []    # all the texts of errors that clients were given


class Lived:
    """What a server left behind, and the secrets that it has seen."""

    def __init__(self, server):
        self.server = server
        self.secrets, self.lease_ids = {}, []
        self.live()
        server.stop_daemon()

    def live(self):
        server, sim = self.server, self.server.sim
        place = Place(server)
        self.secrets["the root key's secret"] = place.key[1]
        self.secrets["the root token"] = server.root_token
        for role in ("user", "session", "user"):
            self.remember(role, place.issued(role))
        for action in ("CreateUser", "CreateAccessKey", "AssumeRole"):
            number = place.fault("echo", action=action)
            REFUSED.append(place.issue("session" if action == "AssumeRole" else "user").raw)
            sim.clear_faults(number)
        number = place.fault("drop", action="CreateAccessKey", effect="done")
        REFUSED.append(place.issue().raw)
        sim.clear_faults(number)
        number = place.fault("echo", action="DeleteAccessKey")
        REFUSED.append(place.revoke(self.lease_ids[0]).raw)
        REFUSED.append(place.lookup(self.lease_ids[0]).raw)
        sim.clear_faults(number)
        number = sim.kill_hook("CreateAccessKey", when="after")
        REFUSED.append(place.issue().raw)
        sim.clear_kills(number)
        self.ambient(place)
        server.restart()
        place.configure(place.key)
        for lease in self.lease_ids[:-1]:
            wait_until(lambda: place.revoke(lease).status == 204)
        self.secrets["a client's wrong token"] = "hvs.wrong-token-of-a-client"
        REFUSED.append(server.api("GET", "sys/mounts", token="hvs.wrong-token-of-a-client").raw)
        assert place.revoke(self.lease_ids[-1]).status == 204
        place.wait_clean()

    def ambient(self, place):
        """Root credentials with a session token, from the environment and then refused."""
        server = self.server
        session = server.sim.edit("session", role="instance")
        server.environment = {"ALIBABA_CLOUD_ACCESS_KEY_ID": session["id"],
                              "ALIBABA_CLOUD_ACCESS_KEY_SECRET": session["secret"],
                              "ALIBABA_CLOUD_SECURITY_TOKEN": session["token"]}
        self.secrets["the root session's secret"] = session["secret"]
        self.secrets["the root session's token"] = session["token"]
        server.restart()
        place.ok("DELETE", place.path + "/config")
        self.remember("user", place.issued())
        number = server.sim.fault("echo", key=session["id"])
        REFUSED.append(place.issue().raw)
        server.sim.clear_faults(number)
        for pids in server.pids().values():
            for pid in pids:
                with open("/proc/%d/environ" % pid, "rb") as file:
                    REFUSED.append(file.read())

    def remember(self, role, reply):
        number = len(self.lease_ids)
        self.lease_ids.append(reply["lease_id"])
        self.secrets["secret key %d of a %s" % (number, role)] = reply.data["secret_key"]
        if "security_token" in reply.data:
            self.secrets["token %d of a %s" % (number, role)] = reply.data["security_token"]

    def files(self, *places):
        for place in places:
            for folder, _, names in os.walk(self.server.path(place)):
                for name in names:
                    path = os.path.join(folder, name)
                    if os.path.isfile(path):
                        with open(path, "rb") as file:
                            yield path, file.read()


@pytest.fixture(scope="module", name="lived")
def a_whole_life(leasehold):
    with quick_server(work_workers=3) as server:
        yield Lived(server)


def assert_absent(needles, texts):
    """texts: (where, bytes)."""
    texts = list(texts)
    assert texts and any(text for _, text in texts)
    for what, secret in needles.items():
        for where, text in texts:
            assert secret.encode() not in text, "%s is in %s" % (what, where)


def test_the_life_had_all_kinds_of_secrets(lived):
    assert len(lived.secrets) >= 10 and len(REFUSED) >= 9 and len(lived.lease_ids) == 4


def test_no_secret_is_in_a_refusal_or_an_environment(lived):
    assert_absent(lived.secrets, (("reply %d" % i, text) for i, text in enumerate(REFUSED)))


def test_no_secret_is_in_a_log(lived):
    log = lived.server.log().encode()
    assert b"SignatureDoesNotMatch" in log, "the log is of another life"
    assert_absent(lived.secrets, [("daemon.log", log), *lived.files("nginx")])


def test_no_lease_id_is_in_a_log(lived):
    """nginx is asked for lease ids in bodies only; the daemon names leases by their plan."""
    ids = {one: one.rpartition("/")[2] for one in lived.lease_ids}
    assert_absent(ids, [("daemon.log", lived.server.log().encode()), *lived.files("nginx")])


def test_neither_secret_nor_lease_id_is_in_the_store(lived):
    ids = {one: one.rpartition("/")[2] for one in lived.lease_ids}
    assert_absent({**lived.secrets, **ids}, lived.files("store"))


def test_no_name_of_the_cloud_is_in_the_store(lived):
    users = {call["user"]: call["user"] for call in lived.server.sim.calls("CreateUser")}
    assert len(users) >= 6
    assert_absent(users, lived.files("store"))

# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults share: a mount with a root key of its own, and cases side by side.

The one idea: faults are told apart by the root key that they hit, so that many cases can run at the
same time against one daemon and one simulator.
"""
import concurrent.futures
import itertools
import json

from harness import Server, wait_until
from test_api_basic import INLINE, REMOTE, SESSION, lookup, whoami

SWEEPS = 'sweep_after = ["1s", "3s", "16m"]'    # the last must be past a signature's validity
QUICK = {"engine": '  request_timeout = "1s"\n  ' + SWEEPS, "more": 'issue_timeout = "4s"'}
USER = {"inline_policies": json.dumps(INLINE), "remote_policies": REMOTE}
SECRET = "sim-secret-of-a-root-key-"

NUMBERS = itertools.count(1)


def quick_server(**change):
    """A daemon that gives up after seconds where the shipped configuration waits for minutes."""
    return Server(**{**QUICK, "work_workers": 16, **change})


class Place:
    """A mount with a role "user" and a role "session", and with a root key of its own."""

    def __init__(self, server, user="leasehold-root"):
        self.server, self.sim = server, server.sim
        self.path = "place%d" % next(NUMBERS)
        self.key = ("LTAIplace" + self.path, SECRET + self.path)
        self.root = user
        self.add_key(self.key)
        self.ok("POST", "sys/mounts/" + self.path, {"type": "alicloud"})
        self.configure(self.key)
        self.role("user", **USER)
        self.role("session", **SESSION)

    def add_key(self, key):
        self.sim.edit("add_key", user=self.root, id=key[0], secret=key[1], keep=True)

    def configure(self, key):
        self.ok("POST", self.path + "/config", {"access_key": key[0], "secret_key": key[1]})

    def role(self, name, **fields):
        self.ok("POST", "%s/role/%s" % (self.path, name), fields)

    def ok(self, method, path, body=None):
        reply = self.server.api(method, path, body)
        assert reply.status in (200, 204), reply
        return reply

    def fault(self, kind, **fields):
        return self.sim.fault(kind, key=self.key[0], **fields)

    def issue(self, role="user"):
        return self.server.api("GET", "%s/creds/%s" % (self.path, role))

    def issued(self, role="user"):
        reply = self.issue(role)
        assert reply.status == 200, reply
        return reply

    def revoke(self, lease):
        return self.server.api("PUT", "sys/leases/revoke", {"lease_id": lease})

    def lookup(self, lease):
        return lookup(self.server, lease)

    def works(self, reply):
        return whoami(self.server, reply.data).status == 200

    def calls(self, action=None):
        return [call for call in self.sim.calls(action) if call["key"] == self.key[0]]

    def user(self):
        """The name of the user that was asked for last."""
        return self.calls("CreateUser")[-1]["user"]

    def left(self):
        """Users and policies of this mount's plans that exist."""
        names = {call["user"] for call in self.calls("CreateUser")}
        names |= {call["policy"] for call in self.calls("CreatePolicy")}
        return [one for one in self.sim.leftovers() if any(name in str(one) for name in names)]

    def wait_clean(self, timeout=15):
        wait_until(lambda: not self.left(), timeout, "nothing is left of " + self.path)

    def disable(self):
        wait_until(lambda: self.server.api("DELETE", "sys/mounts/" + self.path).status == 204, 30,
                   "%s is disabled" % self.path)


def side_by_side(function, cases, workers=12):
    """{case: what function(case) returns}, or the exception that it raised."""
    def run(case):
        try:
            return function(case)
        except Exception as error:      # the case's own test raises it
            return error
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return dict(zip(cases, pool.map(run, cases)))


def result_of(results, case):
    if isinstance(results[case], Exception):
        raise results[case]
    return results[case]

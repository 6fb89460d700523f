# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults share: a mount with a root key of its own, and cases side by side.

The one idea: faults are told apart by the root key that they hit, so that many cases can run at the
same time against one daemon and one simulator.
"""
import concurrent.futures
import itertools

from conform.engines import ALICLOUD
from harness import Server, wait_until

# The last must be past a signature's validity, but nobody waits for it.
SWEEPS = 'sweep_after = ["1s", "3s", "24s", "16m"]'
QUICK = {"engine": '  request_timeout = "2s"\n  ' + SWEEPS, "more": 'issue_timeout = "8s"'}
SECRET = "sim-secret-of-a-root-key-"

NUMBERS = itertools.count(1)


def quick_server(cloud=ALICLOUD, **change):
    """A daemon that gives up after seconds where the shipped configuration waits for minutes."""
    return Server(**{**QUICK, "work_workers": 16, "cloud": cloud, **change})


class Place:
    """A mount with a role "user" and a role "session", and with a root key of its own."""

    def __init__(self, server, user=None):
        """user: of the cloud, whose key it gets; default: one who may do all."""
        self.server, self.sim, self.cloud = server, server.sim, server.cloud
        self.root = user or self.cloud.root_user
        self.path = "place%d" % next(NUMBERS)
        self.key = self.new_key(self.path)
        self.enable()
        self.configure(self.key)
        self.role("user", **self.cloud.user_role)
        self.role("session", **self.cloud.session_role)

    def new_key(self, name):
        """One more key of the first account."""
        key = (self.cloud.key_prefix + name, SECRET + name)
        self.sim.edit("add_key", user=self.root, id=key[0], secret=key[1], keep=True)
        return key

    def enable(self):
        """Dozens at once change one table; on a slow machine one may lose until its time is over."""
        reply = wait_until(lambda: (r := self.server.api(
            "POST", "sys/mounts/" + self.path, {"type": self.cloud.type})).status != 409 and r)
        assert reply.status == 204, reply

    def configure(self, key):
        self.ok("POST", self.path + "/config", self.cloud.config(key))

    def role(self, name, **fields):
        self.ok("POST", "%s/role/%s" % (self.path, name), fields)

    def ok(self, method, path, body=None):
        reply = self.server.api(method, path, body)
        assert reply.status in (200, 204), reply
        return reply

    def fault(self, kind, **fields):
        return self.sim.fault(kind, key=self.key[0], **fields)

    # --- credentials ---

    def issue(self, role="user"):
        return self.server.api("GET", "%s/creds/%s" % (self.path, role))

    def issued(self, role="user"):
        reply = self.issue(role)
        assert reply.status == 200, reply
        return reply

    def revoke(self, lease):
        return self.server.api("PUT", "sys/leases/revoke", {"lease_id": lease})

    def revoke_at_last(self, lease, timeout=30):
        """The trouble is over; the revoker may be in one of its pauses."""
        wait_until(lambda: self.revoke(lease).status == 204, timeout, "revoked: " + lease)

    def lookup(self, lease):
        return self.server.api("PUT", "sys/leases/lookup", {"lease_id": lease})

    def wait_gone(self, lease, timeout=10):
        wait_until(lambda: self.lookup(lease).status == 400, timeout, "no lease " + lease)

    def works(self, reply):
        return self.cloud.works(self.sim, reply.data)

    # --- what the cloud saw ---

    def calls(self, action=None):
        return [call for call in self.sim.calls(action) if call["key"] == self.key[0]]

    def wait_call(self, action, timeout=10):
        wait_until(lambda: self.calls(action), timeout, action + " is called")

    def user(self):
        """The name of the user that was asked for last."""
        return self.calls(self.cloud.create_user)[-1]["user"]

    def policy(self):
        """The name of the policy that was asked for last."""
        return self.calls(self.cloud.create_policy)[-1]["policy"]

    def names(self):
        """Users and policies of this mount's plans."""
        names = {call["user"] for call in self.calls(self.cloud.create_user)}
        if self.cloud.create_policy:
            names |= {call["policy"] for call in self.calls(self.cloud.create_policy)}
        return names

    def left(self, names=None):
        """What of these exists."""
        names = self.names() if names is None else names
        return [one for one in self.sim.leftovers() if any(name in str(one) for name in names)]

    def wait_clean(self, timeout=15):
        names = self.names()
        wait_until(lambda: not self.left(names), timeout, "nothing is left of " + self.path, 0.1)

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

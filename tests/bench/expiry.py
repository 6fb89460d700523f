# SPDX-License-Identifier: Apache-2.0
"""Many leases that are due at once: how near to the cloud's quota they are taken back.

The one idea: the server is down until all of them are due, and then does nothing else. Quotas are
the real ones, scaled up so that the run takes about a minute.
"""
import concurrent.futures
import time

from conform.engines import ENGINES
from place import ROLES, BenchServer, Client

CALL_MS = 20
ISSUERS = 16
SAMPLE = 160        # issued first, to know how long the others will take
PART, REFUSED = 0.95, 0.01
FREE = '{ "*" = 10000 }'


class Quotas:
    """What a cloud allows an account in a second, and which calls are many in a mass expiry."""

    def __init__(self, scale, keys, rest, **limits):
        self.scale, self.keys, self.rest, self.limits = scale, keys, rest, limits

    def of(self, action):
        return self.limits.get(action, self.limits["others"]) * self.scale

    def hcl(self):
        return "{ %s }" % " ".join('"%s" = %d' % (name.replace("others", "*"), self.of(name))
                                   for name in self.limits)


QUOTAS = {
    "alicloud": Quotas(
        12.5, "DeleteAccessKey", "DetachPolicyFromUser", AttachPolicyToUser=10,
        DetachPolicyFromUser=10, CreateUser=20, DeleteUser=20, CreateAccessKey=20,
        DeleteAccessKey=20, CreatePolicy=20, DeletePolicy=20, others=100),
    "tencentcloud": Quotas(
        25, "DeleteAccessKey", "DetachUserPolicy", DeleteAccessKey=5, CreatePolicy=10,
        DeletePolicy=10, AttachUserPolicy=10, DetachUserPolicy=10, others=20),
}


def run(table, options):
    for cloud in ENGINES:
        if cloud.type in QUOTAS:
            _run(table, cloud, QUOTAS[cloud.type], options.due)


def _run(table, cloud, quotas, count):
    with BenchServer(cloud=cloud, quotas=FREE) as server:
        server.sim.configure(**{cloud.type: {"objects": {"users": 2 * count}}})
        due = _issue_all(server, count)
        server.stop_daemon()
        server.write_configuration(quotas=quotas.hcl())
        server.sim.configure(latency=CALL_MS / 1000,
                             **{cloud.type: {"rate": {"on": True, "scale": quotas.scale}}})
        time.sleep(max(0.0, due - time.monotonic()))
        known, gone = server.sim.calls()[-1]["n"], server.sim.counters()["done"]["DeleteUser"]
        server.start_daemon()
        # Not by what is left over: the simulator would count it after each call.
        server.sim.wait_calls("DeleteUser", gone + count, 600)
        assert server.sim.wait_clean(60), server.sim.leftovers()[:10]
        _report(table, "%s: %s leases due at once: " % (cloud.type, format(count, ",")), quotas,
                server.sim.calls(since=known))


# --- leases that are due at once ---

def _issue_all(server, count):
    """Returns when the last of them is due."""
    _make_role(server, "1h")
    start = time.monotonic()
    _issue(server, SAMPLE)
    each = (time.monotonic() - start) / SAMPLE
    server.must("PUT", "sys/leases/revoke-prefix/" + server.cloud.type)
    assert server.sim.wait_clean(60), server.sim.leftovers()[:10]
    ttl = int(30 + 2 * each * count)
    _make_role(server, "%ds" % ttl)
    _issue(server, count)
    return time.monotonic() + ttl + 1


def _make_role(server, ttl):
    one = ROLES[server.cloud.type]["user"]["remote_policies"][:1]
    server.must("POST", server.cloud.type + "/role/mass", {"remote_policies": one, "ttl": ttl})


def _issue(server, count):
    def issue(number):
        client = Client(server)
        for _ in range(number, count, ISSUERS):
            client.must("GET", server.cloud.type + "/creds/mass")
        client.close()
    with concurrent.futures.ThreadPoolExecutor(ISSUERS) as pool:
        list(pool.map(issue, range(ISSUERS)))


# --- what the cloud saw ---

class Pass:
    """The calls of one action that had their effect."""

    def __init__(self, calls, action, allowed):
        self.arrived = [call["arrived_ms"] / 1000 for call in calls
                        if call["action"] == action and not call["code"]]
        self.first, self.last = min(self.arrived), max(self.arrived)
        self.allowed, self.least = allowed, len(self.arrived) / allowed
        self.part = (len(self.arrived) - 1) / (self.last - self.first) / allowed

    def __str__(self):
        return "%.1f %% of %.0f/s" % (self.part * 100, self.allowed)


def _is_throttling(call):
    return (call["code"] or "").startswith(("Throttling", "RequestLimitExceeded"))


def _report(table, what, quotas, calls):
    keys, rest = (Pass(calls, action, quotas.of(action)) for action in (quotas.keys, quotas.rest))
    refused, early = sum(map(_is_throttling, calls)), sum(at < rest.first for at in keys.arrived)
    took = (max(call["answered_ms"] for call in calls) / 1000
            - min(call["arrived_ms"] for call in calls) / 1000)
    table.add(what + "calls, of what the bottleneck's quota allows",
              "at least %.0f %%" % (PART * 100), "keys %s, then attachments %s" % (keys, rest),
              min(keys.part, rest.part) >= PART)
    table.add(what + "throttling answers", "at most %.0f %%" % (REFUSED * 100),
              "%d of %d calls" % (refused, len(calls)), refused <= REFUSED * len(calls))
    table.add(what + "keys that go before anything else", "all",
              "%d of %d" % (early, len(keys.arrived)), early == len(keys.arrived))
    table.add(what + "the last key outlived the first by", "", "%.1f s; the quota allows %.1f s"
              % (keys.last - keys.first, keys.least), None)
    table.add(what + "until all is gone", "", "%.1f s; the quota allows %.1f s"
              % (took, keys.least + rest.least), None)

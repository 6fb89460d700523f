# SPDX-License-Identifier: Apache-2.0
"""Many leases that are due at once: how near to the cloud's quota they are taken back.

The one idea: the server is down until all of them are due, and then does nothing else. The quotas are
the real ones, scaled up so that the run takes about a minute.
"""
import concurrent.futures
import time

from place import MOUNT, BenchServer, Client

CALL_MS = 20
ISSUERS = 16
SAMPLE = 160        # issued first, to know how long the others will take
PART, REFUSED = 0.95, 0.01
QUOTAS = {"AttachPolicyToUser": 10, "DetachPolicyFromUser": 10, "CreateUser": 20,
          "DeleteUser": 20, "CreateAccessKey": 20, "DeleteAccessKey": 20, "CreatePolicy": 20,
          "DeletePolicy": 20, "*": 100}
SCALE = 12.5
FREE = '{ "*" = 10000 }'
PASSES = (("DeleteAccessKey", "keys"), ("DetachPolicyFromUser", "attachments"))


def scaled():
    return "{ %s }" % " ".join('"%s" = %d' % (name, rate * SCALE)
                               for name, rate in QUOTAS.items())


def run(table, options):
    count = options.due
    with BenchServer(quotas=FREE) as server:
        server.sim.configure(alicloud={"objects": {"users": 2 * count}})
        due = _issue_all(server, count)
        server.stop_daemon()
        server.write_configuration(quotas=scaled())
        server.sim.configure(latency=CALL_MS / 1000,
                             alicloud={"rate": {"on": True, "scale": SCALE}})
        time.sleep(max(0.0, due - time.monotonic()))
        known, gone = server.sim.calls()[-1]["n"], server.sim.counters()["done"]["DeleteUser"]
        server.start_daemon()
        # Not by what is left over: the simulator would count it after each call.
        server.sim.wait_calls("DeleteUser", gone + count, 600)
        assert server.sim.wait_clean(60), server.sim.leftovers()[:10]
        _report(table, count, server.sim.calls(since=known))


# --- leases that are due at once ---

def _issue_all(server, count):
    """Returns when the last of them is due."""
    _make_role(server, "1h")
    start = time.monotonic()
    _issue(server, SAMPLE)
    each = (time.monotonic() - start) / SAMPLE
    server.must("PUT", "sys/leases/revoke-prefix/" + MOUNT)
    assert server.sim.wait_clean(60), server.sim.leftovers()[:10]
    ttl = int(30 + 2 * each * count)
    _make_role(server, "%ds" % ttl)
    _issue(server, count)
    return time.monotonic() + ttl + 1


def _make_role(server, ttl):
    server.must("POST", MOUNT + "/role/mass", {
        "remote_policies": ["name:AliyunOSSReadOnlyAccess,type:System"], "ttl": ttl})


def _issue(server, count):
    def issue(number):
        client = Client(server)
        for _ in range(number, count, ISSUERS):
            client.must("GET", MOUNT + "/creds/mass")
        client.close()
    with concurrent.futures.ThreadPoolExecutor(ISSUERS) as pool:
        list(pool.map(issue, range(ISSUERS)))


# --- what the cloud saw ---

class Pass:
    """The calls of one action."""

    def __init__(self, calls, action):
        arrived = [call["arrived_ms"] / 1000 for call in calls
                   if call["action"] == action and call["status"] == 200]
        self.first, self.last, self.count = min(arrived), max(arrived), len(arrived)
        self.allowed = QUOTAS[action] * SCALE
        self.part = (self.count - 1) / (self.last - self.first) / self.allowed


def _report(table, count, calls):
    what = "{:,} leases due at once: ".format(count)
    keys, rest = (Pass(calls, action) for action, _ in PASSES)
    refused = sum((call["code"] or "").startswith("Throttling") for call in calls)
    table.add(what + "calls, of what the bottleneck's quota allows",
              "at least %.0f %%" % (PART * 100),
              ", then ".join("%s %.1f %% of %.0f/s" % (name, one.part * 100, one.allowed)
                             for (_, name), one in zip(PASSES, (keys, rest))),
              min(keys.part, rest.part) >= PART)
    table.add(what + "throttling answers", "at most %.0f %%" % (REFUSED * 100),
              "%d of %d calls" % (refused, len(calls)), refused <= REFUSED * len(calls))
    table.add(what + "keys before anything else", "all of them",
              "%d of %d" % (sum(call["arrived_ms"] / 1000 < rest.first for call in calls
                                if call["action"] == PASSES[0][0] and call["status"] == 200),
                            keys.count), keys.last <= rest.first)
    first = min(call["arrived_ms"] for call in calls) / 1000
    table.add(what + "the last key outlived the first by",
              "", "%.1f s; the quota allows no less than %.1f s" % (
                  keys.last - keys.first, count / keys.allowed), None)
    table.add(what + "until all is gone", "", "%.1f s; the quota allows no less than %.1f s" % (
        max(call["answered_ms"] for call in calls) / 1000 - first,
        count / keys.allowed + count / rest.allowed), None)

# SPDX-License-Identifier: Apache-2.0
"""How long one credential takes when the cloud is slow: the figures that a client feels."""
import time

from cloudsim.client import rounds

from conform.engines import ENGINES
from place import ROLES, BenchServer, Client
from table import median, percentile

CALL_MS = 50
TIMES, WARM_UP = 30, 10
SLACK = 1.15    # over the rounds alone

#         what                                    rounds
FIGURES = {
    "issue": ("issue, 2 inline + 2 remote policies", 2),
    "revoke": ("revoke the same, waiting for it", 2),
    "session": ("issue a session (STS)", 1),
}
PLUGINS = {"alicloud": {"issue": "423 ms", "revoke": "423 ms", "session": "60 ms"}}


class Log:
    """The simulator's call log, read on."""

    def __init__(self, sim):
        self.sim = sim
        self.last = self._last(sim.calls())

    def rounds(self):
        """Of the calls since the last look: how many rounds, and their time in ms."""
        calls = self.sim.calls(since=self.last)
        self.last = self._last(calls)
        groups = rounds(calls)
        return len(groups), sum(max(c["answered_ms"] for c in group)
                                - min(c["arrived_ms"] for c in group) for group in groups)

    def _last(self, calls):
        return calls[-1]["n"] if calls else getattr(self, "last", 0)


class Series:
    def __init__(self):
        self.took, self.rounds, self.cloud = [], [], []

    def measure(self, log, act):
        start = time.perf_counter()
        value = act()
        self.took.append((time.perf_counter() - start) * 1000)
        number, cloud = log.rounds()
        self.rounds.append(number)
        self.cloud.append(cloud)
        return value


def run(table, _options):
    for cloud in ENGINES:
        if cloud.type not in ROLES:
            continue
        series = _of(cloud)
        for name, (what, number) in FIGURES.items():
            _report(table, "%s: %s" % (cloud.type, what), series[name], number,
                    PLUGINS.get(cloud.type, {}).get(name, ""))


def _of(cloud):
    with BenchServer(cloud=cloud) as server:
        client = Client(server)
        server.sim.configure(latency=CALL_MS / 1000)
        for _ in range(WARM_UP):
            _revoke(client, _issue(client, cloud, "user"))
            _issue(client, cloud, "session")
        series = _measure(client, cloud, Log(server.sim))
        server.sim.configure(latency=0)
        client.close()
        server.must("PUT", "sys/leases/revoke-prefix/" + cloud.type)
        assert server.sim.wait_clean(30), server.sim.leftovers()
    return series


def _measure(client, cloud, log):
    series = {name: Series() for name in FIGURES}
    for _ in range(TIMES):
        lease = series["issue"].measure(log, lambda: _issue(client, cloud, "user"))
        series["revoke"].measure(log, lambda: _revoke(client, lease))     # pylint: disable=W0640
        series["session"].measure(log, lambda: _issue(client, cloud, "session"))
    return series


def _issue(client, cloud, role):
    return client.must("GET", "%s/creds/%s" % (cloud.type, role))["lease_id"]


def _revoke(client, lease):
    client.must("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": True})


def _report(table, what, series, number, plugins):
    limit = SLACK * number * CALL_MS
    middle = median(series.took)
    table.add("%s, %d ms a call" % (what, CALL_MS),
              "median at most %.1f ms, rounds: %d" % (limit, number),
              "median %.1f ms, p90 %.1f ms, rounds: %s; in the cloud %.1f ms"
              % (middle, percentile(series.took, 0.9),
                 " to ".join(str(n) for n in sorted({min(series.rounds), max(series.rounds)})),
                 median(series.cloud)),
              middle <= limit and max(series.rounds) <= number, plugins)

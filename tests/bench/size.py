# SPDX-License-Identifier: Apache-2.0
"""What leases, processes and requests cost: the time to the first answer, and memory."""
import concurrent.futures
import subprocess
import time

import load
from place import MAP_GIB, MOUNT, BenchServer
from table import mebibytes, median

STARTS, MEMORY_STARTS = 21, 3
TIME_PART, MEMORY_PART = 1.5, 1.1   # full store against empty one
IDLE_LIMIT = 40 << 20
GROWTH_PART = 1.02
WARM_REQUESTS = 10_000
SETTLE_S = 2
LOAD_MOST_S = 900   # a run of wrk that asks a number of requests
PER_START = 200     # requests before memory is looked at


# --- a million leases ---

class Starts:
    """The times of some starts, each to both answers, and the memory after some requests."""

    def __init__(self, server):
        self.server, self.health, self.read, self.memory = server, [], [], []

    def start(self):
        server = self.server
        start = time.perf_counter()
        server.start_daemon(ready=False)
        self._await(lambda: server.api("GET", "sys/health", token=None))
        self.health.append(time.perf_counter() - start)
        self._await(lambda: server.api("GET", MOUNT + "/role/user"))
        self.read.append(time.perf_counter() - start)
        if len(self.memory) < MEMORY_STARTS:
            self._look(server)
        server.stop_daemon()

    def _look(self, server):
        for _ in range(PER_START):
            server.must("GET", MOUNT + "/role/user")
        time.sleep(SETTLE_S)
        self.memory.append(server.memory())

    @staticmethod
    def _await(ask):
        end = time.monotonic() + 30
        while ask().status != 200:
            assert time.monotonic() < end, "no answer after the start"


def leases(table, options):
    """Two servers that are started in turn, so that a busy machine slows both."""
    with BenchServer() as empty, BenchServer() as full:
        models = [_stop_with_a_lease(server) for server in (empty, full)]
        subprocess.run([options.program("fill"), full.path("store"), str(MAP_GIB << 30),
                        full.path("master.key"), models[1], str(options.leases)], check=True)
        pair = Starts(empty), Starts(full)
        for _ in range(STARTS):
            for starts in pair:
                starts.start()
        for server, model in zip((empty, full), models):
            server.start_daemon()
            server.must("PUT", "sys/leases/revoke", {"lease_id": model})
    what = "{:,} leases against one".format(options.leases)
    compare(table, what + ": from exec to the first sys/health", *(one.health for one in pair))
    compare(table, what + ": from exec to the first read of a role", *(one.read for one in pair))
    compare_memory(table, what + ": anonymous memory", *(one.memory for one in pair))


def _stop_with_a_lease(server):
    model = server.issue("short")
    server.must("PUT", "sys/leases/renew", {"lease_id": model, "increment": "24h"})
    server.stop_daemon()
    return model


def compare(table, what, empty, full):
    part = median(full) / median(empty)
    table.add(what, "at most %.1f x" % TIME_PART,
              "%.0f ms and %.0f ms: %.2f x" % (median(empty) * 1000, median(full) * 1000, part),
              part <= TIME_PART, "500 ms with 125k tokens")


def compare_memory(table, what, empty, full):
    if None in empty + full:
        _not_seen(table, what, "within 10 %")
        return
    part = median(full) / median(empty)
    table.add(what, "within 10 %", "%s and %s: %+.1f %%" % (
        mebibytes(median(empty)), mebibytes(median(full)), (part - 1) * 100),
        part <= MEMORY_PART, "1.7 GB with 125k tokens")


# --- processes and requests ---

def memory(table, options):
    with BenchServer() as server:
        server.restart()
        time.sleep(SETTLE_S)
        idle = server.memory()
        if idle is None:
            _not_seen(table, "memory", "")
            return
        children = sum(len(pids) for pids in server.pids().values())
        _idle(table, "idle after the start, %d processes" % children, idle)
        _warm(server)
        held = [server.issue("short") for _ in range(load.CONNECTIONS)]
        before = _after(server, WARM_REQUESTS, held)
        _idle(table, "idle when every worker has called the cloud and served", before)
        after = _after(server, options.requests, held)
        server.must("PUT", "sys/leases/revoke-prefix/" + MOUNT)
    table.add("anonymous memory after {:,} and {:,} mixed requests".format(
        WARM_REQUESTS, WARM_REQUESTS + options.requests), "growth under 2 %",
        "%s and %s: %+.1f %%" % (mebibytes(before), mebibytes(after), (after / before - 1) * 100),
        after < before * GROWTH_PART)


def _warm(server):
    """As many credentials at once as there are workers, some times, so that each has made some."""
    server.sim.configure(latency=0.05)
    number = server.values["work_workers"]
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        for _ in range(3):
            list(pool.map(server.issue, ["user"] * number))
    server.sim.configure(latency=0)
    server.must("PUT", "sys/leases/revoke-prefix/" + MOUNT)


def _after(server, requests, held):
    load.wrk(server.url(""), server.root_token, LOAD_MOST_S, "mixed.lua",
             (str(requests), MOUNT, *held))
    time.sleep(SETTLE_S)
    return server.memory()


def _idle(table, what, value):
    table.add("anonymous memory, " + what, "at most " + mebibytes(IDLE_LIMIT), mebibytes(value),
              value <= IDLE_LIMIT, "166 MB")


def _not_seen(table, what, target):
    table.add(what, target, "not measured: only root may look at these processes", None)

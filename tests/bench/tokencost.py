# SPDX-License-Identifier: Apache-2.0
"""What tokens cost: to make one, to be one with policies, and to hold a million."""
import os
import subprocess

import load
from place import MAP_GIB, MOUNT, BenchServer
from size import STARTS, Starts, compare, compare_memory
from table import median, rate

TURNS = 3
PART = 0.5          # of LMDB's synced commits
GUARDED_PART = 0.9  # of the root token
POLICIES, RULES = 5, 50


def rates(table, options):
    with BenchServer() as server:
        creates(table, options, server)
        for path in ("auth/token/lookup-self", MOUNT + "/role/user"):
            guarded(table, options, server, path)


def creates(table, options, server):
    against_commits(table, options, server, "token create, 16 connections", lambda: load.wrk(
        server.url("auth/token/create"), server.root_token, options.seconds, "create.lua"))


def against_commits(table, options, server, what, ask):
    """LMDB alone, on the server's disk, and what ask asks for take turns."""
    folder, alone, ours = server.path("commits"), [], []
    os.mkdir(folder)
    for _ in range(TURNS):
        done = subprocess.run([options.program("commits"), folder, str(options.seconds)],
                              check=True, capture_output=True, text=True)
        alone.append(float(done.stdout))
        ours.append(ask()[0])
    value, yardstick = median(ours), median(alone)
    table.add(what,
              "at least %.0f %% of LMDB's synced commits (%s)" % (PART * 100, rate(yardstick)),
              "%s (%.0f %%)" % (rate(value), value / yardstick * 100), value >= PART * yardstick)


def guarded(table, options, server, path):
    """A token with many rules, of which one lets it in, and the root token take turns."""
    token = _token_with_policies(server)
    root, ours = [], []
    for _ in range(TURNS):
        root.append(load.wrk(server.url(path), server.root_token, options.seconds)[0])
        ours.append(load.wrk(server.url(path), token, options.seconds)[0])
    value, yardstick = median(ours), median(root)
    table.add("%s with %d policies of %d rules" % (path, POLICIES, RULES),
              "at least %.0f %% of the root token's rate (%s)" % (GUARDED_PART * 100,
                                                                  rate(yardstick)),
              "%s (%.0f %%)" % (rate(value), value / yardstick * 100),
              value >= GUARDED_PART * yardstick)


def _token_with_policies(server):
    names = ["bench%d" % number for number in range(POLICIES)]
    for name in names:
        rules = ['path "%s/%d/+/x*" { capabilities = ["read"] }' % (name, number)
                 for number in range(RULES - 2)]
        rules += ['path "%s" { capabilities = ["read"] }' % path
                  for path in ("auth/token/lookup-self", MOUNT + "/role/*")]
        server.must("PUT", "sys/policies/acl/" + name, {"policy": "\n".join(rules)})
    reply = server.must("POST", "auth/token/create", {"policies": names, "ttl": "24h"})
    return reply["auth"]["client_token"]


def full(table, options):
    """Two servers that are started in turn, so that a busy machine slows both."""
    with BenchServer() as empty, BenchServer() as many:
        for server in (empty, many):
            server.stop_daemon()
        subprocess.run([options.program("fill_tokens"), many.path("store"), str(MAP_GIB << 30),
                        many.path("master.key"), str(options.leases)], check=True)
        pair = Starts(empty), Starts(many)
        for _ in range(STARTS):
            for starts in pair:
                starts.start()
        for server in (empty, many):
            server.start_daemon()
    what = "{:,} tokens against one".format(options.leases)
    compare(table, what + ": from exec to the first sys/health", *(one.health for one in pair))
    compare(table, what + ": from exec to the first read of a role", *(one.read for one in pair))
    compare_memory(table, what + ": anonymous memory", *(one.memory for one in pair))

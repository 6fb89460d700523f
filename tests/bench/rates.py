# SPDX-License-Identifier: Apache-2.0
"""How many requests a second, against what libfcgi and LMDB alone give on this machine.

The one idea: yardstick and server take turns, so that a machine that others use slows both.
"""
import os
import subprocess

from harness import wait_until
from nginx import Nginx

import load
from place import MOUNT, BenchServer
from table import median, rate

TURNS = 3
PART = 0.5          # of the yardstick
LEASES = 64         # that are renewed in turn: no two connections meet at one
ROLE = "role/user"


class Hello:
    """The yardstick for reads, behind an nginx of its own with the same configuration."""

    def __init__(self, program, folder):
        self.folder = os.path.join(folder, "hello")
        os.makedirs(self.folder)
        self.socket = os.path.join(self.folder, "read.sock")
        self.process = subprocess.Popen([program, self.socket], stdin=subprocess.DEVNULL)
        self.nginx = Nginx(os.path.join(self.folder, "nginx"), self.folder)

    def __enter__(self):
        try:
            wait_until(lambda: os.path.exists(self.socket))
            os.makedirs(self.nginx.folder)
            self.nginx.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.nginx.stop()
        self.process.terminate()
        self.process.wait()

    def url(self, path):
        return "http://127.0.0.1:%d/v1/%s" % (self.nginx.port, path)


def run(table, options):
    with BenchServer() as server:
        reads(table, options, server)
        renewals(table, options, server)


def reads(table, options, server):
    path, token = "%s/%s" % (MOUNT, ROLE), server.root_token
    alone, ours = [], []
    with Hello(options.program("hello"), server.folder) as hello:
        for _ in range(TURNS):
            alone.append(load.wrk(hello.url(path), token, options.seconds))
            ours.append(load.wrk(server.url(path), token, options.seconds))
    _report(table, "read of a role, 16 connections", "libfcgi's hello", ours,
            median([value for value, _ in alone]), "5.2k/s")


def renewals(table, options, server):
    leases = [server.issue("short") for _ in range(LEASES)]
    folder = server.path("commits")
    os.mkdir(folder)
    alone, ours = [], []
    for _ in range(TURNS):
        done = subprocess.run([options.program("commits"), folder, str(options.seconds)],
                              check=True, capture_output=True, text=True)
        alone.append(float(done.stdout))
        ours.append(load.wrk(server.url("sys/leases/renew"), server.root_token, options.seconds,
                             "renew.lua", leases))
    _report(table, "renewal, 16 connections", "LMDB's synced commits", ours, median(alone), "")
    server.must("PUT", "sys/leases/revoke-prefix/" + MOUNT)


def _report(table, what, yardstick, ours, alone, plugins):
    value, text = sorted(ours)[len(ours) // 2]
    table.add(what, "at least %.0f %% of %s (%s)" % (PART * 100, yardstick, rate(alone)),
              "%s (%.0f %%), p50 %s, p99 %s" % (rate(value), value / alone * 100,
                                                load.latency(text, "50%"),
                                                load.latency(text, "99%")),
              value >= PART * alone, plugins)

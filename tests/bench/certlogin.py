# SPDX-License-Identifier: Apache-2.0
"""What a login with a certificate costs, against LMDB's own commits.

wrk has no certificates of its own and keeps its connections, as clients do: nginx is told what it
would have found out in the handshake, and leasehold checks all of it each time.
"""
import os
import subprocess
from urllib.parse import quote

import load
from authority import Authority
from place import BenchServer
from table import median, rate

TURNS = 3
PART = 0.5      # of the commits
OTHERS = 4      # entries with the same authority that let in other names


def run(table, options):
    with BenchServer(trust=True, nginx={}) as server:
        _tell(server)
        alone, ours = [], []
        folder = server.path("commits")
        os.mkdir(folder)
        for _ in range(TURNS):
            done = subprocess.run([options.program("commits"), folder, str(options.seconds)],
                                  check=True, capture_output=True, text=True)
            alone.append(float(done.stdout))
            ours.append(load.wrk(server.url("auth/cert/login"), "", options.seconds, "login.lua"))
    value, text = sorted(ours)[len(ours) // 2]
    yardstick = median(alone)
    table.add("login with a certificate, %d entries have its authority, 16 connections"
              % (OTHERS + 1),
              "at least %.0f %% of LMDB's synced commits (%s)" % (PART * 100, rate(yardstick)),
              "%s (%.0f %%), p50 %s, p99 %s" % (rate(value), value / yardstick * 100,
                                                load.latency(text, "50%"),
                                                load.latency(text, "99%")),
              value >= PART * yardstick)


def _tell(server):
    """Makes certificate and entries; from now on every request comes with the certificate."""
    os.mkdir(server.path("authority"))
    authority = Authority(server.path("authority"))
    authority.issue("svc", "/O=Example/OU=machines/CN=svc", "extendedKeyUsage = clientAuth\n")
    for number in range(OTHERS):
        _entry(server, authority, "other-%02d" % number)
    _entry(server, authority, "svc")
    server.nginx.stop()
    server.nginx.extra += 'set $lh_tls_cert "%s";' % quote(authority.pem("svc"), safe="")
    server.nginx.start()


def _entry(server, authority, name):
    server.must("POST", "auth/cert/certs/" + name,
                {"certificate": authority.pem("ca"), "allowed_common_names": name,
                 "token_ttl": "1h"})

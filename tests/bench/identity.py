# SPDX-License-Identifier: Apache-2.0
"""What it costs to be somebody whom nginx vouches for, against having a token; and to get one for a
certificate."""
import os
import urllib.parse

import load
from place import MOUNT, BenchServer
from table import median, rate
from tokencost import against_commits

from authority import Authority
from nginx import NO_LIMITS

TURNS = 3
PART = 0.9      # of the token
SAYS = "set $lh_auth_method basic; set $lh_auth_name $http_x_bench_name;"
WHO = ("X-Vault-Request: true", "X-Bench-Name: svc-1")
OTHERS = 100    # entries that are not the one


# wrk has no certificate to show: nginx takes its word for one.
BELIEVES = NO_LIMITS + (
    ("LH_TLS_VERIFY    $ssl_client_verify", "LH_TLS_VERIFY SUCCESS"),
    ("LH_TLS_CERT      $lh_tls_cert", "LH_TLS_CERT $http_x_bench_certificate"))


def run(table, options):
    reads(table, options)
    logins(table, options)


def reads(table, options):
    path = MOUNT + "/role/user"
    identity, token = [], []
    with BenchServer(trust=True, nginx={"extra": SAYS}) as server:
        text = _entries(server, path)
        for _ in range(TURNS):
            token.append(load.wrk(server.url(path), text, options.seconds)[0])
            identity.append(load.wrk(server.url(path), "", options.seconds, headers=WHO)[0])
    value, yardstick = median(identity), median(token)
    table.add("read of a role as an identity among %d entries" % (OTHERS + 1),
              "at least %.0f %% of the rate with a token (%s)" % (PART * 100, rate(yardstick)),
              "%s (%.0f %%)" % (rate(value), value / yardstick * 100), value >= PART * yardstick)


def _entries(server, path):
    """Returns a token that may do the same."""
    server.must("PUT", "sys/policies/acl/bench",
                {"policy": 'path "%s" { capabilities = ["read"] }' % path})
    for number in range(OTHERS):
        server.must("POST", "auth/proxy/identity/basic/other-%d" % number, {"policies": "bench"})
    server.must("POST", "auth/proxy/identity/basic/svc-*", {"policies": "bench"})
    reply = server.must("POST", "auth/token/create", {"policies": ["bench"], "ttl": "24h"})
    return reply["auth"]["client_token"]


def logins(table, options):
    with BenchServer(trust=True, nginx={"replace": BELIEVES}) as server:
        os.mkdir(server.path("authority"))
        authority = Authority(server.path("authority"))
        authority.issue("svc", "/CN=svc")
        server.must("POST", "auth/cert/certs/svc", {
            "certificate": _text(authority.path("ca.crt")), "token_policies": "default",
            "token_ttl": "1h"})
        shown = "X-Bench-Certificate: " + urllib.parse.quote(_text(authority.path("svc.crt")), "")
        against_commits(table, options, server, "auth/cert/login, 16 connections", lambda: load.wrk(
            server.url("auth/cert/login"), "", options.seconds, "login.lua", headers=(shown,)))


def _text(path):
    with open(path, encoding="ascii") as file:
        return file.read()

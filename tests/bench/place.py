# SPDX-License-Identifier: Apache-2.0
"""What the figures are measured on: a server with the default pools, a mount, roles, memory.

The one idea: the harness of the system tests, with the sizes and the log level of a real server.
"""
import http.client
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
from harness import Server    # noqa: E402

MAP_GIB = 16
REAL = (('"256MiB"', '"%dGiB"' % MAP_GIB), ('log_level = "debug"', 'log_level = "info"'))
MOUNT = "alicloud"      # where nothing else is said; a mount is called as its engine


def _roles(inline, remote, arn):
    """Two inline and two remote policies; a session; remote policies alone, which are quick."""
    return {"user": {"inline_policies": json.dumps(inline), "remote_policies": remote},
            "session": {"role_arn": arn},
            "short": {"remote_policies": remote, "ttl": "1h", "max_ttl": "24h"}}


ROLES = {
    "alicloud": _roles(
        [{"Version": "1", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
         for action in ("oss:Get*", "ecs:Get*")],
        ["name:AliyunOSSReadOnlyAccess,type:System", "name:existing-policy,type:Custom"],
        "acs:ram::1000000000000001:role/reader"),
    "tencentcloud": _roles(
        [{"version": "2.0", "statement": [{"effect": "allow", "action": action, "resource": "*"}]}
         for action in ("cos:Get*", "cvm:Describe*")],
        ["policy_name:QcloudCOSReadOnlyAccess,scope:QCS",
         "policy_name:existing-policy,scope:Local"],
        "qcs::cam::uin/100000000001:roleName/reader"),
}


class BenchServer(Server):
    def __init__(self, **arguments):
        super().__init__(read_workers=4, work_workers=32, **arguments)

    def write_configuration(self, **change):
        super().write_configuration(**change)
        path = self.path("leasehold.hcl")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for old, new in REAL:
            assert old in text, old
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        super().start()
        try:
            mount = self.cloud.type
            self.must("POST", "sys/mounts/" + mount, {"type": mount})
            self.must("POST", mount + "/config", self.cloud.config(self.sim.root_key))
            for name, fields in ROLES[mount].items():
                self.must("POST", "%s/role/%s" % (mount, name), fields)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:
            print("the daemon's log ends with:\n" + self.log()[-3000:], file=sys.stderr)
            print("nginx's:\n" + self.nginx.log()[-2000:], file=sys.stderr)
        self.stop()

    def must(self, method, path, body=None):
        """A request that must succeed, on a connection of its own."""
        return good(path, self.api(method, path, body))

    def issue(self, role):
        return self.must("GET", "%s/creds/%s" % (MOUNT, role))["lease_id"]

    def url(self, path):
        return "http://127.0.0.1:%d/v1/%s" % (self.nginx.port, path)

    def memory(self):
        """Anonymous memory of all processes, shared pages counted once; None if not to be read."""
        pids = [pid for kind in self.pids().values() for pid in kind]
        try:
            return sum(pss_anon(pid) for pid in pids)
        except PermissionError:     # they are not dumpable: only root may look
            return None


class Client:
    """One connection that is kept, as a client library keeps it."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.nginx.port, timeout=70)
        self.headers = {"X-Vault-Token": server.root_token}

    def must(self, method, path, body=None):
        self.connection.request(method, "/v1/" + path, body and json.dumps(body), self.headers)
        response = self.connection.getresponse()
        raw = response.read()
        if response.status >= 300:
            raise AssertionError("%s: %d %r" % (path, response.status, raw[:300]))
        return json.loads(raw) if raw else None

    def close(self):
        self.connection.close()


def good(path, reply):
    if reply.status >= 300:
        raise AssertionError("%s: %r" % (path, reply))
    return reply


def pss_anon(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no Pss_Anon: a kernel before 5.11?")

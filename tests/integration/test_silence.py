# SPDX-License-Identifier: Apache-2.0
"""Nobody without the right learns whether a path, a role or a lease exists.

Whatever is asked, and however, of something that is there and of something that is not: the two
answers are the same, but for the name that was asked for.
"""
import re

import pytest

from authority import Authority
from lending import issue, make_role
from tokens import end, make, policy

METHODS = ["GET", "LIST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]
QUERIES = ["", "?help=1", "?list=true"]
WRAPPED = {"X-Vault-Wrap-TTL": "60"}
MERGE = {"Content-Type": "application/merge-patch+json"}

# What is there is called this in all of them; what is not, nothr.
PATHS = [
    "{mount}/role/there", "{mount}/creds/there", "{mount}/role/THERE", "{mount}/config",
    "{mount}", "{mount}/", "{mount}/role", "auth/token/roles/there", "auth/token/create/there",
    "sys/policies/acl/there", "sys/policies/acl/THERE", "sys/policy/there",
    "auth/proxy/identity/basic/there", "auth/cert/certs/there",
    "sys/mounts/{mount}", "sys/mounts/{mount}/tune", "sys/internal/ui/mounts/{mount}",
    "sys/internal/ui/mounts/{mount}/role/there", "sys/leases/lookup/{mount}",
    "sys/leases/revoke-prefix/{mount}", "sys/leases/revoke/{lease}", "sys/leases/renew/{lease}"]

ENTRIES = (("auth/proxy/identity/basic/there", {"policies": "default"}),
           ("auth/cert/certs/there", {"token_policies": "default"}))


class Names:
    """One name for what is there and one of the same length for what is not."""

    def __init__(self, mount, lease):
        self.pairs = [(lease, lease[:-1] + ("x" if lease[-1] != "x" else "y"), "LEASE"),
                      (mount, mount[:-1] + "~", "MOUNT"), ("there", "nothr", "NAME"),
                      ("THERE", "NOTHR", "NAME")]

    def missing(self, path):
        """The same of what is not there; of a lease only its own name is another."""
        (lease, none, _), *others = self.pairs
        if lease in path:
            return path.replace(lease, none)
        for there, missing, _ in others:
            path = path.replace(there, missing)
        return path

    def neutral(self, reply):
        text = re.sub(rb'"request_id":"[^"]*"', b"", reply.raw).decode()
        for there, missing, name in self.pairs:
            text = text.replace(there, name).replace(missing, name)
        return reply.status, text


@pytest.fixture(name="named")
def something_there(server, mount, tmp_path):
    make_role(server, mount, "there")
    for path, fields in ENTRIES:
        fields = {**fields, "certificate": Authority(tmp_path).pem("ca")}
        assert server.api("POST", path, fields).status in (200, 204)
    policy(server, "there", {"x": ["read"]})
    assert server.api("POST", "auth/token/roles/there", {}).status == 204
    lease = issue(server, mount, "there")["lease_id"]
    other = make(server, ttl="1h")
    yield Names(mount, lease), mount, lease, other
    end(server, other)
    for path in ("sys/policies/acl/there", "auth/token/roles/there", *dict(ENTRIES)):
        assert server.api("DELETE", path).status == 204


def ask(server, token, method, path, headers):
    body = {} if method in ("PUT", "PATCH") else None
    return server.api(method, path, body, token, headers)


@pytest.mark.parametrize("terms", [
    {"policies": ["default"]}, {"policies": ["default"], "type": "batch"},
    {"policies": ["nonesuch"], "no_default_policy": True}], ids=["default", "batch", "nothing"])
def test_what_is_there_and_what_is_not_get_the_same_answer(server, named, terms):
    names, mount, lease, other = named
    token = make(server, **terms, ttl="1h").text
    for path in (each.format(mount=mount, lease=lease) for each in PATHS):
        for method in METHODS:
            for query in QUERIES:
                for headers in ({}, WRAPPED, MERGE):
                    there = ask(server, token, method, path + query, headers)
                    missing = ask(server, token, method, names.missing(path) + query, headers)
                    assert names.neutral(there) == names.neutral(missing), (method, path, query)
    for path, member, name in [
            ("sys/leases/lookup", "lease_id", lease), ("sys/leases/renew", "lease_id", lease),
            ("sys/leases/revoke", "lease_id", lease), ("sys/renew", "lease_id", lease),
            ("auth/token/lookup-accessor", "accessor", other.accessor),
            ("auth/token/renew-accessor", "accessor", other.accessor),
            ("auth/token/revoke-accessor", "accessor", other.accessor),
            ("sys/capabilities-accessor", "accessor", other.accessor)]:
        there = server.api("PUT", path, {member: name, "paths": ["x"]}, token)
        missing = server.api("PUT", path, {member: name[:-1] + "_", "paths": ["x"]}, token)
        assert (there.status, there.raw) == (missing.status, missing.raw), path


def test_not_even_who_has_no_token_is_told_more(server, named):
    names, mount, lease, _ = named
    there, missing = (server.api("POST", "auth/cert/login", {"name": name}, None)
                      for name in ("there", "nothr"))
    assert (there.status, there.raw) == (missing.status, missing.raw)
    for token in (None, "hvs.nobody"):
        for path in (each.format(mount=mount, lease=lease) for each in PATHS):
            for method in METHODS:
                for query in QUERIES:
                    there = ask(server, token, method, path + query, {})
                    missing = ask(server, token, method, names.missing(path) + query, {})
                    assert names.neutral(there) == names.neutral(missing), (method, path, query)

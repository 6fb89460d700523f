# SPDX-License-Identifier: Apache-2.0
"""Wrapped answers, as a client asks for them and opens them."""
from client import ROOT

INVALID = ["wrapping token is not valid or does not exist"]


def wrapped(server, method, path, body=None, ttl="60s", token=ROOT):
    """The wrap_info of an answer that must have been wrapped."""
    reply = server.api(method, path, body, token, {"X-Vault-Wrap-TTL": str(ttl)})
    assert reply.status == 200, reply
    assert reply.data is None and reply["lease_id"] == "" and reply["auth"] is None, reply
    return reply["wrap_info"]


def unwrap(server, token):
    return server.api("PUT", "sys/wrapping/unwrap", token=token)


def wrapped_credential(server, mount, ttl="60s", role="r"):
    """The wrapping token of a new credential."""
    return wrapped(server, "GET", "%s/creds/%s" % (mount, role), ttl=ttl)["token"]

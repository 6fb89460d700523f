# SPDX-License-Identifier: Apache-2.0
"""Credentials of alicloud for tests: mounted, fetched, looked up, taken back."""
import json

INLINE = [{"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}]
REMOTE = ["name:AliyunOSSReadOnlyAccess,type:System", "name:existing-policy,type:Custom"]
SESSION = {"role_arn": "acs:ram::1000000000000001:role/reader"}


def add_mount(server, path):
    """Enables the engine of alicloud there, with a root key."""
    key, secret = server.sim.root_key
    assert server.api("POST", "sys/mounts/" + path, {"type": "alicloud"}).status == 204
    reply = server.api("POST", path + "/config", {"access_key": key, "secret_key": secret})
    assert reply.status == 204, reply


def make_role(server, mount, name="r", **fields):
    fields = fields or {"inline_policies": json.dumps(INLINE), "remote_policies": REMOTE}
    reply = server.api("POST", "%s/role/%s" % (mount, name), fields)
    assert reply.status == 204, reply


def issue(server, mount, name="r"):
    reply = server.api("GET", "%s/creds/%s" % (mount, name))
    assert reply.status == 200, reply
    return reply


def lookup(server, lease):
    return server.api("PUT", "sys/leases/lookup", {"lease_id": lease})


def revoke(server, lease, **more):
    return server.api("PUT", "sys/leases/revoke", {"lease_id": lease, **more})


def whoami(server, data):
    caller = server.sim.caller((data["access_key"], data["secret_key"]),
                               data.get("security_token"))
    return caller.sts("GetCallerIdentity")

# SPDX-License-Identifier: Apache-2.0
"""README says nothing that is not so: its policies are enough, its files exist."""
import json
import os
import re

import pytest

from harness import Server
from nginx import FILES, TOP

DOCUMENT = {"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}
ROLES = {
    "Roles with inline policies": {"inline_policies": json.dumps([DOCUMENT])},
    "Roles with remote policies": {"remote_policies": [
        "name:AliyunOSSReadOnlyAccess,type:System", "name:existing-policy,type:Custom"]},
    "Roles with a role_arn": {"role_arn": "acs:ram::1000000000000001:role/reader"},
}


def readme():
    with open(os.path.join(TOP, "README"), encoding="utf-8") as file:
        return file.read()


def blocks():
    """Each JSON block that stands indented by four, with the heading line above it."""
    found = re.findall(r"^(\S[^\n]*(?:\n\S[^\n]*)*):\n\n((?: {4}.*\n)+)", readme(), re.MULTILINE)
    return {head.partition(" (")[0].replace("\n", " "): json.loads(text)
            for head, text in found if text.lstrip().startswith("{")}


def test_there_is_a_policy_for_each_kind_of_role():
    assert set(blocks()) == set(ROLES)


def test_the_files_it_names_exist():
    for name in re.findall(r"leasehold-\w+\.conf", readme()):
        assert os.path.exists(os.path.join(FILES, name)), name
    for name in re.findall(r"^    (src/\w+/|tests/)", readme(), re.MULTILINE):
        assert os.path.isdir(os.path.join(TOP, name)), name
    for name in ("demo", "check", "conf/leasehold.hcl", "COPYING"):
        assert os.path.exists(os.path.join(TOP, name)), name


def test_it_explains_every_key_of_the_configuration():
    with open(os.path.join(TOP, "conf", "leasehold.hcl"), encoding="utf-8") as file:
        keys = set(re.findall(r"^\s*(?:# )?(\w+)\s+= ", file.read(), re.MULTILINE))
    text = readme()
    assert len(keys) > 15
    assert not [key for key in sorted(keys) if key not in text]


@pytest.fixture(scope="module", name="strict")
def strict_server(leasehold):
    with Server() as server:
        yield server


@pytest.mark.parametrize("kind", ROLES)
def test_the_policy_is_enough_for_a_whole_life(strict, kind):
    """Issue and revoke, also of a user that somebody gave more than the plan."""
    strict.sim.edit("enforce", user="leasehold-root", document=blocks()[kind])
    mount = "kind-%d" % list(ROLES).index(kind)
    key, secret = strict.sim.root_key
    assert strict.api("POST", "sys/mounts/" + mount, {"type": "alicloud"}).status == 204
    config = {"access_key": key, "secret_key": secret}
    assert strict.api("POST", mount + "/config", config).status == 204
    reply = strict.api("POST", mount + "/role/r", ROLES[kind])
    assert reply.status == 204, reply
    for touched in (False, True):
        before = set(_users(strict.sim))
        reply = strict.api("GET", mount + "/creds/r")
        assert reply.status == 200, reply
        for user in set(_users(strict.sim)) - before if touched else ():
            strict.sim.edit("add_key", user=user)
            strict.sim.edit("attach", user=user, policy="existing-policy")
        gone = strict.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})
        assert gone.status == 204, gone
    assert strict.api("DELETE", "sys/mounts/" + mount).status == 204


def _users(sim):
    return [call["params"]["UserName"] for call in sim.calls("CreateUser")]

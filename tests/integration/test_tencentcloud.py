# SPDX-License-Identifier: Apache-2.0
"""What is of Tencent Cloud alone: names that become numbers, the pair that is merged, external ids."""
import concurrent.futures
import contextlib
import itertools
import json

import pytest

from cloudsim.client import rounds
from conform.engines import TENCENTCLOUD
from harness import Server, wait_until
from tokens import end, make, policy

NUMBERS = itertools.count(1)
DOCUMENT = {"version": "2.0", "statement": [
    {"effect": "allow", "action": ["cos:GetObject"], "resource": ["*"]}]}
OWN = "policy_name:existing-policy,scope:Local"
PRESET = "policy_name:QcloudCOSReadOnlyAccess,scope:QCS"


class Mount:
    def __init__(self, server, configured=True):
        self.server, self.sim, self.path = server, server.sim, "ten%d" % next(NUMBERS)
        self.ok("POST", "sys/mounts/" + self.path, {"type": "tencentcloud"})
        if configured:
            self.configure()

    def configure(self):
        self.ok("POST", self.path + "/config", TENCENTCLOUD.config(self.sim.root_key))

    def ok(self, method, path, body=None):
        reply = self.server.api(method, path, body)
        assert reply.status in (200, 204), reply
        return reply

    def write(self, name="app", **role):
        return self.server.api("POST", "%s/role/%s" % (self.path, name), role)

    def numbers(self, name="app"):
        role = self.ok("GET", "%s/role/%s" % (self.path, name)).data
        return [policy["policy_id"] for policy in role["remote_policies"]]

    def issue(self, name="app", query=""):
        return self.server.api("GET", "%s/creds/%s%s" % (self.path, name, query))

    def revoke(self, reply):
        self.ok("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})

    def calls_of(self, function):
        """What the cloud was asked meanwhile, and what the function returned."""
        seen = max([call["n"] for call in self.sim.calls()], default=0)
        result = function()
        return [call for call in self.sim.calls(since=seen)], result


@pytest.fixture
def mount(tencent_server):
    one = Mount(tencent_server)
    yield one
    one.sim.clear_faults()
    one.ok("DELETE", "sys/mounts/" + one.path)


# --- Names that become numbers ---

def test_names_are_looked_up_when_the_role_is_written(mount):
    calls, reply = mount.calls_of(lambda: mount.write(remote_policies=[OWN, PRESET]))
    assert reply.status == 204, reply
    assert [call["action"] for call in calls].count("ListPolicies") == 2
    assert all(mount.numbers())
    mount.sim.configure(latency=0.5)    # what begins together does not end before all have begun
    calls, reply = mount.calls_of(mount.issue)
    mount.sim.configure(latency=0)
    assert reply.status == 200, reply
    assert [sorted(call["action"] for call in group) for group in rounds(calls)] == \
        [["AddUser"], ["AttachUserPolicy", "AttachUserPolicy"]]
    mount.revoke(reply)


def test_of_names_that_hold_another_the_exact_one_is_attached(mount):
    """The simulator lists QcloudCOSReadOnlyAccessForCIRole and the account's own variants first."""
    mount.write(remote_policies=["policy_name:QcloudCOSReadOnlyAccess,scope:All"])
    calls, reply = mount.calls_of(mount.issue)
    assert reply.status == 200, reply
    attached = [call["policy"] for call in calls if call["action"] == "AttachUserPolicy"]
    assert attached == ["QcloudCOSReadOnlyAccess"]
    mount.revoke(reply)


def test_a_name_that_does_not_exist_is_a_400_with_near_ones(mount):
    reply = mount.write(remote_policies=["policy_name:QcloudCOSReadOnly,scope:QCS"])
    assert reply.status == 400, reply
    assert "policy_name:QcloudCOSReadOnly,scope:QCS no data" in reply.errors[0]
    assert "QcloudCOSReadOnlyAccess" in reply.errors[0]
    assert mount.server.api("GET", mount.path + "/role/app").status == 404


def test_a_token_revoked_while_the_cloud_is_asked_writes_no_role(mount):
    policy(mount.server, "writer", {mount.path + "/role/*": ["create", "update"]})
    token = make(mount.server, policies=["writer"])
    mount.sim.configure(latency={"ListPolicies": 3})
    calls = mount.sim.count("ListPolicies")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pending = pool.submit(token.api, "POST", mount.path + "/role/late",
                              {"remote_policies": [OWN]})
        wait_until(lambda: mount.sim.count("ListPolicies") > calls)
        end(mount.server, token)
        reply = pending.result()
    mount.sim.configure(latency=0)
    assert reply.status == 403, reply
    assert mount.server.api("GET", mount.path + "/role/late").status == 404
    mount.ok("DELETE", "sys/policies/acl/writer")


def test_a_scope_is_exact_too(mount):
    reply = mount.write(remote_policies=["policy_name:existing-policy,scope:QCS"])
    assert reply.status == 400 and "existing-policy,scope:QCS no data" in reply.errors[0], reply


def test_all_pages_are_read(mount):
    for number in range(205):
        mount.sim.edit("create_policy", policy="paged-%03d-policy" % number, keep=True)
    mount.sim.edit("create_policy", policy="paged", keep=True)
    reply = mount.write(remote_policies=["policy_name:paged,scope:Local"])
    assert reply.status == 204, reply
    assert all(mount.numbers())


def test_without_root_credentials_names_are_looked_up_at_issue_and_kept(tencent_server):
    mount = Mount(tencent_server, configured=False)
    assert mount.write(remote_policies=[OWN]).status == 204
    assert mount.numbers() == [0]
    mount.configure()
    calls, reply = mount.calls_of(mount.issue)
    assert reply.status == 200, reply
    assert "ListPolicies" in [call["action"] for call in calls]
    mount.revoke(reply)
    wait_until(lambda: all(mount.numbers()), what="the number is kept with the role")
    calls, reply = mount.calls_of(mount.issue)
    assert "ListPolicies" not in [call["action"] for call in calls]
    mount.revoke(reply)
    mount.ok("DELETE", "sys/mounts/" + mount.path)


def test_a_wrong_name_is_told_at_issue_before_anything_is_made(tencent_server):
    mount = Mount(tencent_server, configured=False)
    assert mount.write(remote_policies=["policy_name:nonesuch,scope:Local"]).status == 204
    mount.configure()
    calls, reply = mount.calls_of(mount.issue)
    assert reply.status == 400 and "policy_name:nonesuch,scope:Local no data" in reply.errors[0]
    assert "AddUser" not in [call["action"] for call in calls]
    mount.ok("DELETE", "sys/mounts/" + mount.path)


def test_a_cloud_that_refuses_the_list_gets_a_warning_not_an_error(mount):
    mount.sim.fault("error", action="ListPolicies", code="AuthFailure.UnauthorizedOperation",
                    status=200)
    reply = mount.write(remote_policies=[OWN])
    assert reply.status == 200, reply
    assert "AuthFailure.UnauthorizedOperation" in reply["warnings"][0], reply
    assert mount.numbers() == [0]


def test_a_policy_that_was_made_anew_is_found_again(mount):
    mount.sim.edit("create_policy", policy="changing", keep=True)
    mount.write(remote_policies=["policy_name:changing,scope:Local"])
    old = mount.numbers()
    mount.sim.edit("delete_policy", policy="changing")
    mount.sim.edit("create_policy", policy="changing", keep=True)
    reply = mount.issue()
    assert reply.status == 200, reply
    wait_until(lambda: mount.numbers() != old, what="the new number is kept")
    mount.revoke(reply)
    calls, reply = mount.calls_of(mount.issue)
    assert "ListPolicies" not in [call["action"] for call in calls]
    mount.revoke(reply)


def test_in_another_account_a_name_is_looked_up_anew(mount):
    """The number of the first account's policy is none of the second's, which has one of its own."""
    mount.write(remote_policies=[OWN, PRESET])
    first = mount.numbers()
    mount.ok("POST", mount.path + "/config", TENCENTCLOUD.config(mount.sim.second_root_key))
    calls, reply = mount.calls_of(mount.issue)
    assert reply.status == 200, reply
    account = mount.sim.accounts("tencentcloud")[1]["id"]
    made = [call for call in calls if call["action"] == "AttachUserPolicy" and not call["code"]]
    assert sorted(call["policy"] for call in made) == ["QcloudCOSReadOnlyAccess",
                                                       "existing-policy"]
    assert {call["account"] for call in made} == {account}
    wait_until(lambda: mount.numbers() != first, what="the new number is kept")
    mount.revoke(reply)


def test_a_policy_that_is_gone_altogether_is_a_400_that_leaves_nothing(mount):
    mount.sim.edit("create_policy", policy="vanishing", keep=True)
    mount.write(remote_policies=["policy_name:vanishing,scope:Local"])
    mount.sim.edit("delete_policy", policy="vanishing")
    reply = mount.issue()
    assert reply.status == 400 and "policy_name:vanishing,scope:Local no data" in reply.errors[0]


def test_nothing_is_asked_for_a_role_without_names(mount):
    for name, role in (("inline", {"inline_policies": json.dumps([DOCUMENT])}),
                       ("session", TENCENTCLOUD.session_role)):
        calls, reply = mount.calls_of(lambda name=name, role=role: mount.write(name, **role))
        assert reply.status == 204 and calls == [], reply


# --- Configuration ---

def test_the_pair_is_merged_and_its_secret_never_shown(tencent_server):
    mount = Mount(tencent_server, configured=False)
    key, secret = mount.sim.root_key
    mount.ok("POST", mount.path + "/config", {"secret_id": key})
    mount.ok("POST", mount.path + "/config", {"secret_key": secret})
    assert mount.ok("GET", mount.path + "/config").data == {"secret_id": key}
    mount.write(**TENCENTCLOUD.session_role)
    assert mount.issue().status == 200
    mount.ok("DELETE", "sys/mounts/" + mount.path)


@contextlib.contextmanager
def writer(server, path, config):
    """A function that writes a configuration with one capability alone and tells the status."""
    tokens = {}
    for capability in ("create", "update"):
        name = "%s-%s" % (path, capability)
        rule = 'path "%s/config" { capabilities = ["%s"] }' % (path, capability)
        assert server.api("PUT", "sys/policies/acl/" + name, {"policy": rule}).status == 204
        made = server.api("POST", "auth/token/create", {"policies": [name]})
        tokens[capability] = made["auth"]["client_token"]
    yield lambda capability: server.api("POST", path + "/config", config,
                                        tokens[capability]).status
    for capability, token in tokens.items():
        server.api("POST", "auth/token/revoke", {"token": token})
        server.api("DELETE", "sys/policies/acl/%s-%s" % (path, capability))


def test_the_first_write_of_the_pair_takes_create_the_next_update(tencent_server):
    mount = Mount(tencent_server, configured=False)
    with writer(mount.server, mount.path, {"secret_id": "x"}) as write:
        assert write("update") == 403
        assert write("create") == 204
        assert write("create") == 403
        assert write("update") == 204
    mount.ok("DELETE", "sys/mounts/" + mount.path)


def test_a_pair_that_is_always_whole_takes_update_every_time(server):
    """That of the other engine."""
    assert server.api("POST", "sys/mounts/whole", {"type": "alicloud"}).status == 204
    with writer(server, "whole", {"access_key": "x", "secret_key": "y"}) as write:
        assert write("create") == 403
        assert write("update") == write("update") == 204
    assert server.api("DELETE", "sys/mounts/whole").status == 204


# --- Sessions ---

def shared_role(mount):
    """A role of the second account that the first may assume with the id "expected"."""
    account = mount.sim.accounts()[1]["id"]
    mount.write("shared", role_arn="qcs::cam::uin/%s:roleName/shared" % account)


def test_an_external_id_reaches_the_cloud(mount):
    shared_role(mount)
    assert mount.issue("shared", "?external_id=expected").status == 200
    reply = mount.issue("shared", "?external_id=other")
    assert reply.status == 400 and "UnauthorizedOperation" in reply.errors[0], reply
    assert mount.issue("shared").status == 400


@pytest.mark.parametrize("wrong", ["a", "a%20b", "%C3%A9%C3%A9", "x" * 129, "ab%3C"])
def test_an_external_id_outside_its_characters_is_a_400_that_names_it(mount, wrong):
    shared_role(mount)
    calls, reply = mount.calls_of(lambda: mount.issue("shared", "?external_id=" + wrong))
    assert reply.status == 400 and reply.errors[0].startswith("external_id: "), reply
    assert "AssumeRole" not in [call["action"] for call in calls]


def test_a_missing_role_is_a_404(mount):
    reply = mount.issue("none")
    assert reply.status == 404 and reply.errors == []


# --- Revocation ---

def test_ids_are_found_by_name_when_the_issue_never_ended(mount):
    """The answers to AddUser and CreatePolicy are lost, the effects are not."""
    mount.write(inline_policies=json.dumps([DOCUMENT, DOCUMENT]), remote_policies=[OWN])
    for action in ("AddUser", "CreatePolicy"):
        mount.sim.fault("drop", action=action, effect="done", times=9)
    reply = mount.issue()
    assert reply.status in (502, 504), reply
    mount.sim.clear_faults()
    wait_until(lambda: not mount.sim.leftovers(), 30, "all is found and removed")


def test_a_policy_limit_of_one_call_is_no_limit(mount):
    """More policies of its own than the cloud deletes at once."""
    mount.write(inline_policies=json.dumps([DOCUMENT] * 25))
    reply = mount.issue()
    assert reply.status == 200, reply
    mount.revoke(reply)
    assert mount.sim.leftovers() == []


def test_one_policy_that_is_gone_does_not_keep_the_others(mount):
    mount.write(inline_policies=json.dumps([DOCUMENT] * 3))
    calls, reply = mount.calls_of(mount.issue)
    name = [call["policy"] for call in calls if call["action"] == "CreatePolicy"][0]
    user = [call["user"] for call in calls if call["action"] == "AddUser"][0]
    mount.sim.edit("detach", user=user, policy=name)
    mount.sim.edit("delete_policy", policy=name)
    mount.revoke(reply)
    assert mount.sim.leftovers() == []


#: What the cloud's documentation leaves open: options of the simulator.
OPEN = [
    {"attach_twice": "refused"},
    {"detach_twice": "allowed"},
    {"delete_user_attached": "detaches"},
    {"delete_policy_attached": "detaches"},
    {"delete_policies": "rest"},
    {"delete_active_key": "refused"},
    {"policy_gone": "InvalidParameter.PolicyIdNotExist"},
    {"user_gone": "InvalidParameter.UserNotExist"},
    {"keywords": "refused"},
    {"empty_lists": "null"},
    {"empty_lists": "absent"},
]


@pytest.mark.parametrize("options", OPEN, ids=["-".join(*one.items()) for one in OPEN])
def test_whatever_the_documentation_leaves_open(leasehold, options):
    """A life in which the answer of each call is lost once, of a role that names a policy twice."""
    with Server(cloud=TENCENTCLOUD, setup={"tencentcloud": {"options": options}}) as server:
        mount = Mount(server)
        reply = mount.write(inline_policies=json.dumps([DOCUMENT] * 2),
                            remote_policies=[OWN, PRESET, PRESET])
        assert reply.status == 204, reply
        for action in ("AddUser", "CreatePolicy", "AttachUserPolicy"):
            mount.sim.fault("drop", action=action, effect="done", times=1)
            reply = mount.issue()
            assert reply.status == 200, (action, reply)
            mount.revoke(reply)
        reply = mount.issue()
        for action in ("DeleteAccessKey", "DetachUserPolicy", "DeletePolicy", "DeleteUser"):
            mount.sim.fault("drop", action=action, effect="done", times=1)
        mount.revoke(reply)
        wait_until(lambda: not mount.sim.leftovers(), 20, "nothing is left")

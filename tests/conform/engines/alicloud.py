# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud: RAM users with policies and a key, STS sessions."""
import json

from .base import Engine

DOCUMENT = {"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}
REMOTE = ("AliyunOSSReadOnlyAccess", "existing-policy")


class AliCloud(Engine):
    type = "alicloud"
    services = ("ram", "sts")

    config_fields = ("access_key", "secret_key")
    data_fields = ("access_key", "secret_key", "security_token")
    user_role = {"inline_policies": json.dumps([DOCUMENT]),
                 "remote_policies": ["name:%s,type:System" % REMOTE[0],
                                     "name:%s,type:Custom" % REMOTE[1]]}
    brief_role = {"remote_policies": ["name:existing-policy,type:Custom"]}
    session_role = {"role_arn": "acs:ram::1000000000000001:role/reader"}
    kinds = {
        "inline policies": ({"inline_policies": json.dumps([DOCUMENT])}, REMOTE[1]),
        "remote policies": ({"remote_policies": user_role["remote_policies"]},
                            "AliyunECSFullAccess"),
        "a role_arn": (session_role, None),
    }
    elsewhere = {"action": "oss:GetObject", "resource": "acs:ram:*:1:role/none"}
    key_prefix = "LTAI"

    issue_calls = ["CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreateAccessKey"]
    revoke_calls = ["DeleteAccessKey", "DetachPolicyFromUser", "DeletePolicy", "DeleteUser"]
    session_calls = ["AssumeRole"]
    once = ("CreateAccessKey",)     # it would make a second key
    repeatable = ("CreateUser", "CreatePolicy")
    parallel = {"AttachPolicyToUser": 3}
    makes_key = "CreateAccessKey"
    create_user, create_policy = "CreateUser", "CreatePolicy"
    delete_user, delete_key = "DeleteUser", "DeleteAccessKey"
    issue_rounds = [["CreatePolicy", "CreateUser"], ["AttachPolicyToUser", "CreateAccessKey"]]
    revoke_rounds = [["DeleteAccessKey", "DetachPolicyFromUser"], ["DeletePolicy", "DeleteUser"]]
    after_the_key = ["Detach*", "DeletePolicy", "DeleteUser"]
    lists = ("ListAccessKeys", "ListPoliciesForUser")
    looks = ("ListAccessKeys",)

    scheme = "ACS3-HMAC-SHA256"
    permission = {"code": "NoPermission", "status": 403}
    throttles = {
        "throttled": {},
        "throttled with a time": {"retry_after_ms": 300},
        "throttled by 429": {"code": "TooManyRequests", "status": 429},
    }
    sick = {
        "broken inside": {},
        "unavailable": {"code": "ServiceUnavailable", "status": 503},
    }
    refusals = {
        "no permission": (permission, "Least privilege"),
        "clock skew": ({"code": "InvalidTimeStamp.Expired", "status": 400}, "clocks"),
        "unknown key": ({"code": "InvalidAccessKeyId.NotFound", "status": 404},
                        "does not know the configured key"),
        "code with markup": ({"code": "Bad<b>\n\"%s", "status": 400}, ""),
    }
    dead_key_advice = "disabled"
    echo_code = "SignatureDoesNotMatch"
    echo_advice = "secret of the configured key"
    special = {
        ("users are used up", "CreateUser"):
            ({"code": "LimitExceeded.User", "status": 400}, "quota"),
        ("policies are used up", "CreatePolicy"):
            ({"code": "LimitExceeded.Policy", "status": 400}, "quota"),
        ("malformed policy", "CreatePolicy"):
            ({"code": "MalformedPolicyDocument", "status": 400}, "inline_policies"),
        # Of a remote one: an inline one may just not be seen yet.
        ("no such policy", "AttachPolicyToUser"):
            ({"code": "EntityNotExist.Policy", "status": 404, "policy": REMOTE[1]},
             "remote_policies"),
        ("no such role", "AssumeRole"):
            ({"code": "EntityNotExist.Role", "status": 404}, "role_arn"),
    }

    user_name = r"[A-Za-z0-9._-]{1,64}"
    policy_name = r"[A-Za-z0-9-]{1,128}"

    remote_policies = REMOTE
    other_policy = "AliyunECSFullAccess"
    hand_edits = ("add_version",)
    consistency = ("user_ms", "policy_ms", "detach_ms", "key_delete_ms")

    def is_throttled(self, code):
        return (code or "").startswith("Throttling")

    def session_environment(self, sim, account=None):
        session = sim.edit("session", role="instance", account=account)
        return {"ALIBABA_CLOUD_ACCESS_KEY_ID": session["id"],
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": session["secret"],
                "ALIBABA_CLOUD_SECURITY_TOKEN": session["token"]}, session

    # --- a real account ---

    live_variables = ("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_ROLE_ARN")
    live_endpoints = {"ram": "https://ram.aliyuncs.com", "sts": "https://sts.aliyuncs.com"}
    live_role = {"inline_policies": json.dumps([DOCUMENT]),
                 "remote_policies": ["name:%s,type:System" % REMOTE[0]]}

    def made(self, caller, mark):
        users = pages(caller, "ListUsers", "Users", "User")
        policies = pages(caller, "ListPolicies", "Policies", "Policy", PolicyType="Custom")
        return [("user", user["UserName"]) for user in users if mark in user["UserName"]] + \
            [("policy", one["PolicyName"]) for one in policies if mark in one["PolicyName"]]

    def remove(self, caller, thing):
        kind, name = thing
        if kind == "policy":
            return caller("DeletePolicy", PolicyName=name, CascadingDelete="true")
        for key in caller("ListAccessKeys", UserName=name)["AccessKeys"]["AccessKey"]:
            caller("DeleteAccessKey", UserName=name, UserAccessKeyId=key["AccessKeyId"])
        for one in caller("ListPoliciesForUser", UserName=name)["Policies"]["Policy"]:
            caller("DetachPolicyFromUser", UserName=name, PolicyName=one["PolicyName"],
                   PolicyType=one["PolicyType"])
        return caller("DeleteUser", UserName=name)

    def add_by_hand(self, caller, thing):
        assert caller("CreateAccessKey", UserName=thing[1]).ok
        assert caller("AttachPolicyToUser", UserName=thing[1], PolicyType="System",
                      PolicyName=self.other_policy).ok


def pages(caller, action, outer, inner, **params):
    """All entries of a list."""
    found, more = [], {}
    while True:
        reply = caller(action, MaxItems="1000", **params, **more)
        assert reply.ok, reply
        found += reply[outer][inner]
        if not reply["IsTruncated"]:
            return found
        more = {"Marker": reply["Marker"]}

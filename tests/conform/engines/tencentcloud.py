# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud: CAM users with policies, whose key comes with them, STS sessions."""
import json

from .base import Engine

DOCUMENT = {"version": "2.0", "statement": [
    {"effect": "allow", "action": ["cos:GetObject"], "resource": ["*"]}]}
REMOTE = ("QcloudCOSReadOnlyAccess", "existing-policy")


def refusal(code, **more):
    """Errors of this cloud come with HTTP status 200."""
    return {"code": code, "status": 200, **more}


class TencentCloud(Engine):
    type = "tencentcloud"
    services = ("cam", "sts")

    config_fields = ("secret_id", "secret_key")
    data_fields = ("secret_id", "secret_key", "token")
    user_role = {"inline_policies": json.dumps([DOCUMENT]),
                 "remote_policies": ["policy_name:%s,scope:QCS" % REMOTE[0],
                                     "policy_name:%s,scope:Local" % REMOTE[1]]}
    brief_role = {"remote_policies": ["policy_name:existing-policy,scope:Local"]}
    session_role = {"role_arn": "qcs::cam::uin/100000000001:roleName/reader"}
    kinds = {
        "inline policies": ({"inline_policies": json.dumps([DOCUMENT])}, REMOTE[1]),
        "remote policies": ({"remote_policies": user_role["remote_policies"]},
                            "QcloudCVMFullAccess"),
        "a role_arn": (session_role, None),
    }
    demanding = {"tencentcloud": {"options": {"delete_active_key": "refused"}}}
    elsewhere = {"action": "cos:GetObject", "resource": "qcs::cam::uin/1:roleName/none"}
    key_prefix = "AKID"

    role_calls = ["ListPolicies"]
    issue_calls = ["AddUser", "CreatePolicy", "AttachUserPolicy"]
    revoke_calls = ["DeleteAccessKey", "DetachUserPolicy", "DeletePolicy", "DeleteUser"]
    session_calls = ["AssumeRole"]
    parallel = {"AttachUserPolicy": 3}
    makes_key = "AddUser"
    create_user, create_policy = "AddUser", "CreatePolicy"
    delete_user, delete_key = "DeleteUser", "DeleteAccessKey"
    issue_rounds = [["AddUser", "CreatePolicy"], ["AttachUserPolicy"]]
    revoke_rounds = [["DeleteAccessKey", "DetachUserPolicy"], ["DeletePolicy", "DeleteUser"]]
    after_the_key = ["DetachUserPolicy", "DeletePolicy", "DeleteUser"]
    lists = ("ListAttachedUserPolicies",)
    looks = ("GetUser", "ListPolicies", "ListAccessKeys", "ListAttachedUserPolicies")

    scheme = "TC3-HMAC-SHA256"
    permission = refusal("AuthFailure.UnauthorizedOperation")
    throttles = {
        "throttled": {},
        "throttled with a time": {"retry_after_ms": 1},     # of HTTP's own header: seconds
        "throttled by 429": {"code": "RequestLimitExceeded", "status": 429},
        "throttled by its user": refusal("RequestLimitExceeded.UinLimitExceeded"),
    }
    sick = {
        "broken inside": {},
        "unavailable": {"code": "ServiceUnavailable", "status": 503},
    }
    refusals = {
        "no permission": (permission, "Least privilege"),
        "clock skew": (refusal("AuthFailure.SignatureExpire"), "clocks"),
        "unknown key": (refusal("AuthFailure.SecretIdNotFound"),
                        "does not know the configured key"),
        "code with markup": (refusal("Bad<b>\n\"%s"), ""),
    }
    dead_key_advice = "disabled"
    echo_code = "AuthFailure.SignatureFailure"
    echo_advice = "secret of the configured key"
    special = {
        ("users are used up", "AddUser"):
            (refusal("InvalidParameter.SubUserFull"), "as many users as it may"),
        ("policies are used up", "CreatePolicy"):
            (refusal("FailedOperation.PolicyFull"), "quota"),
        ("malformed policy", "CreatePolicy"):
            (refusal("InvalidParameter.ActionNotExist"), "inline_policies"),
        # Of a remote one: an inline one may just not be seen yet.
        ("no such policy", "AttachUserPolicy"):
            (refusal("ResourceNotFound.PolicyIdNotFound", policy=REMOTE[1]), "remote_policies"),
        ("no such role", "AssumeRole"):
            (refusal("ResourceNotFound.RoleNotFound"), "role_arn"),
    }

    user_name = r"[a-z][a-z0-9_-]{0,63}"
    policy_name = r"[A-Za-z0-9+=,.@_-]{1,128}"

    remote_policies = REMOTE
    other_policy = "QcloudCVMFullAccess"
    consistency = ("user_ms", "policy_ms", "detach_ms", "key_delete_ms")

    def is_throttled(self, code):
        return (code or "").startswith("RequestLimitExceeded")

    def session_environment(self, sim, account=None):
        session = sim.edit("session", role="instance", account=account)
        return {"TENCENTCLOUD_SECRET_ID": session["id"],
                "TENCENTCLOUD_SECRET_KEY": session["secret"],
                "TENCENTCLOUD_TOKEN": session["token"]}, session

    # --- a real account ---

    live_variables = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY",
                      "TENCENTCLOUD_ROLE_ARN")
    live_endpoints = {"cam": "https://cam.tencentcloudapi.com",
                      "sts": "https://sts.tencentcloudapi.com"}
    live_role = {"inline_policies": json.dumps([DOCUMENT]),
                 "remote_policies": ["policy_name:%s,scope:QCS" % REMOTE[0]]}

    def made(self, caller, mark):
        users = caller("ListUsers")
        assert users.ok, users
        return [("user", user["Name"]) for user in users["Data"] if mark in user["Name"]] + \
            [("policy", one["PolicyId"]) for one in policies(caller) if mark in one["PolicyName"]]

    def remove(self, caller, thing):
        kind, name = thing
        if kind == "policy":
            return caller("DeletePolicy", PolicyId=[name])
        uin = caller("GetUser", Name=name)["Uin"]
        for one in caller("ListAttachedUserPolicies", TargetUin=uin, Page=1, Rp=200)["List"]:
            caller("DetachUserPolicy", DetachUin=uin, PolicyId=int(one["PolicyId"]))
        return caller("DeleteUser", Name=name, Force=1)

    def add_by_hand(self, caller, thing):
        uin = caller("GetUser", Name=thing[1])["Uin"]
        assert caller("CreateAccessKey", TargetUin=uin).ok
        found = policies(caller, Scope="QCS", Keyword=self.other_policy)
        number = [one["PolicyId"] for one in found if one["PolicyName"] == self.other_policy][0]
        assert caller("AttachUserPolicy", AttachUin=uin, PolicyId=number).ok


def policies(caller, **params):
    """All policies of the account, or of a scope."""
    found, page = [], 1
    while True:
        reply = caller("ListPolicies", **{"Scope": "Local", "Rp": 200, "Page": page, **params})
        assert reply.ok, reply
        found += reply["List"]
        if len(reply["List"]) < 200:
            return found
        page += 1

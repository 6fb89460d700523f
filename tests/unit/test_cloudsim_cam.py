# SPDX-License-Identifier: Apache-2.0
"""Tencent's side of the cloud simulator: every action of CAM, permissions, log and edits.

The one idea: each documented error code has a request that breaks just its rule, and what the
documentation leaves open is tried both ways.
"""
import json

import pytest

from cloud_replies import ok, refused_200 as refused
from cloudsim.client import CloudSimError, rounds

CLOUD = "tencentcloud"
DOCUMENT = json.dumps({"version": "2.0", "statement": [
    {"effect": "allow", "action": ["cos:*"], "resource": ["*"]}]})
NOBODY = 100099999999


def options(sim, **values):
    sim.configure(tencentcloud={"options": values})


# --- users and keys ---

def test_user_life(sim, root):
    made = ok(root("AddUser", Name="a-b_1", Remark="r", UseApi=0, ConsoleLogin=0))
    assert made["Name"] == "a-b_1" and made["Uin"] > 2**32 and made["Uid"]
    assert made["SecretId"] == made["SecretKey"] == made["Password"] == ""
    refused(root("AddUser", Name="a-b_1"), "InvalidParameter.SubUserNameInUse")
    assert ok(root("GetUser", Name="a-b_1"))["Uin"] == made["Uin"]
    assert "a-b_1" in [row["Name"] for row in ok(root("ListUsers"))["Data"]]
    assert ok(root("GetAccountSummary"))["User"] == 2
    assert [i["name"] for i in sim.leftovers()] == ["a-b_1"]
    ok(root("DeleteUser", Name="a-b_1"))
    refused(root("DeleteUser", Name="a-b_1"), "ResourceNotFound.UserNotExist")
    refused(root("GetUser", Name="a-b_1"), "ResourceNotFound.UserNotExist")
    assert sim.leftovers() == [] and sim.missing() == []


@pytest.mark.parametrize("name", ["", "x" * 65, "A", "1a", "-a", "a.b", "a b", "ü"])
def test_user_names(sim, root, name):
    refused(root("AddUser", Name=name), "InvalidParameter.UserNameIllegal")


def test_user_names_may_be_wider(sim, root):
    options(sim, user_names="wide", use_api_default=0)
    assert ok(root("AddUser", Name="A.1"))["SecretId"] == ""


def test_a_key_comes_with_the_user_unless_it_is_refused(sim, root):
    made = ok(root("AddUser", Name="u"))
    assert made["SecretId"].startswith("AKID") and len(made["SecretId"]) == 36
    assert ok(sim.caller((made["SecretId"], made["SecretKey"])).identity())
    refused(root("DeleteUser", Name="u"), "OperationDenied.HaveKeys")
    refused(root("DeleteUser", Name="u", Force=0), "OperationDenied.HaveKeys")
    ok(root("DeleteUser", Name="u", Force=1))
    assert sim.leftovers() == []


def test_access_keys(sim, root):
    refused(root("CreateAccessKey", TargetUin=NOBODY), "InvalidParameter.UserNotExist")
    uin = ok(root("AddUser", Name="u", UseApi=0))["Uin"]
    refused(root("CreateAccessKey", TargetUin=uin, Description="a b"),
            "InvalidParameter.ParamError")
    keys = [ok(root("CreateAccessKey", TargetUin=uin))["AccessKey"] for _ in range(2)]
    refused(root("CreateAccessKey", TargetUin=uin), "OperationDenied.AccessKeyOverLimit")
    listed = ok(root("ListAccessKeys", TargetUin=uin))["AccessKeys"]
    assert {k["AccessKeyId"] for k in listed} == {k["AccessKeyId"] for k in keys}
    assert "SecretAccessKey" not in listed[0]
    first = keys[0]["AccessKeyId"]
    assert ok(root("GetSecurityLastUsed", SecretIdList=[first]))["SecretIdLastUsedRows"]
    refused(root("GetSecurityLastUsed", SecretIdList=[first] * 11), "InvalidParameter")
    other = ok(root("AddUser", Name="v", UseApi=0))["Uin"]
    refused(root("DeleteAccessKey", AccessKeyId=first, TargetUin=other),
            "OperationDenied.UinNotMatch")
    refused(root("DeleteAccessKey", AccessKeyId=first), "OperationDenied.UinNotMatch")
    refused(root("UpdateAccessKey", AccessKeyId=first, TargetUin=uin, Status="off"),
            "InvalidParameter.ParamError")
    for key in keys:
        ok(root("DeleteAccessKey", AccessKeyId=key["AccessKeyId"], TargetUin=uin))
    refused(root("DeleteAccessKey", AccessKeyId=first, TargetUin=uin),
            "ResourceNotFound.SecretNotExist")
    assert ok(root("ListAccessKeys", TargetUin=uin))["AccessKeys"] == []


def test_a_key_may_have_to_be_disabled_first(sim, root):
    options(sim, delete_active_key="refused")
    made = ok(root("AddUser", Name="u"))
    key = {"AccessKeyId": made["SecretId"], "TargetUin": made["Uin"]}
    refused(root("DeleteAccessKey", **key), "FailedOperation.Accesskey")
    ok(root("UpdateAccessKey", Status="Inactive", **key))
    ok(root("DeleteAccessKey", **key))


@pytest.mark.parametrize("target", [{}, {"TargetUin": 0}])
def test_a_key_action_without_a_number_means_the_caller(sim, root, target):
    ok(root("CreateAccessKey", **target))
    assert [i["user"] for i in sim.leftovers()] == ["leasehold-root"]
    ok(root("DeleteAccessKey", AccessKeyId=root.key, **target))
    assert [i["name"] for i in sim.missing()] == [root.key]
    refused(root("ListAccessKeys"), "AuthFailure.SecretIdNotFound")


def test_the_keys_of_the_account_are_not_managed(sim, root):
    refused(root("CreateAccessKey", TargetUin=100000000001), "OperationDenied.SubUin")
    account = sim.caller(sim.account_key)
    refused(account("CreateAccessKey"), "OperationDenied.SubUin")
    assert ok(account.identity())["UserId"] == "100000000001"


# --- policies ---

def make(root, name="u", policy="p"):
    """A user without a key, and a policy: their numbers."""
    return (ok(root("AddUser", Name=name, UseApi=0))["Uin"],
            ok(root("CreatePolicy", PolicyName=policy, PolicyDocument=DOCUMENT))["PolicyId"])


def preset_id(root, name):
    rows = ok(root("ListPolicies", Keyword=name, Scope="QCS", Rp=200))["List"]
    return next(row["PolicyId"] for row in rows if row["PolicyName"] == name)


def test_policy_life(sim, root):
    uin, policy = make(root)
    refused(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT),
            "FailedOperation.PolicyNameInUse")
    preset = preset_id(root, "QcloudCOSReadOnlyAccess")
    for number in (policy, preset, preset):     # a second time makes no difference
        ok(root("AttachUserPolicy", PolicyId=number, AttachUin=uin))
    body = ok(root("ListAttachedUserPolicies", TargetUin=uin))
    assert body["TotalNum"] == 2
    assert {(r["PolicyId"], r["PolicyName"], r["PolicyType"]) for r in body["List"]} == {
        (policy, "p", "User"), (preset, "QcloudCOSReadOnlyAccess", "QCS")}
    body = ok(root("ListAttachedUserAllPolicies", TargetUin=uin, Rp=20, Page=1, AttachType=0))
    assert {r["PolicyId"] for r in body["PolicyList"]} == {str(policy), str(preset)}
    refused(root("ListAttachedUserAllPolicies", TargetUin=uin, Rp=20, Page=1, AttachType=3),
            "InvalidParameter.ParamError")
    refused(root("ListEntitiesForPolicy", PolicyId=policy, EntityFilter="user"),
            "InvalidParameter.EntityFilterError")
    entities = ok(root("ListEntitiesForPolicy", PolicyId=policy))["List"]
    assert [(e["Name"], e["Uin"]) for e in entities] == [("u", uin)]
    body = ok(root("GetPolicy", PolicyId=policy))
    assert body["PolicyName"] == "p" and body["Type"] == 1
    assert json.loads(body["PolicyDocument"]) == json.loads(DOCUMENT)
    refused(root("DeletePolicy", PolicyId=[policy]), "FailedOperation")
    refused(root("DeleteUser", Name="u"), "FailedOperation")
    refused(root("DeleteUser", Name="u", Force=1), "FailedOperation")
    assert {i["kind"] for i in sim.leftovers()} == {"user", "policy", "attachment"}
    for number in (policy, preset):
        ok(root("DetachUserPolicy", PolicyId=number, DetachUin=uin))
    refused(root("DetachUserPolicy", PolicyId=policy, DetachUin=uin),
            "ResourceNotFound.PolicyIdNotFound")
    ok(root("DeletePolicy", PolicyId=[policy]))
    refused(root("DeletePolicy", PolicyId=[policy]), "ResourceNotFound.PolicyIdNotFound")
    refused(root("GetPolicy", PolicyId=policy), "ResourceNotFound.PolicyIdNotFound")
    ok(root("DeleteUser", Name="u"))
    assert sim.leftovers() == []


def test_what_is_not_settled_can_be_chosen(sim, root):
    options(sim, delete_user_attached="detaches", delete_policy_attached="detaches",
            detach_twice="allowed", attach_twice="refused", delete_policies="rest",
            policy_gone="InvalidParameter.PolicyIdNotExist", preset_names="allowed",
            user_gone="InvalidParameter.UserNotExist", keywords="refused")
    uin, policy = make(root)
    ok(root("AttachUserPolicy", PolicyId=policy, AttachUin=uin))
    refused(root("AttachUserPolicy", PolicyId=policy, AttachUin=uin), "FailedOperation")
    refused(root("DeletePolicy", PolicyId=[1, policy]), "InvalidParameter.PolicyIdNotExist")
    assert [i["kind"] for i in sim.leftovers()] == ["user"]
    namesake = ok(root("CreatePolicy", PolicyName="QcloudCOSFullAccess", PolicyDocument=DOCUMENT))
    ok(root("DetachUserPolicy", PolicyId=namesake["PolicyId"], DetachUin=uin))
    ok(root("AttachUserPolicy", PolicyId=namesake["PolicyId"], AttachUin=uin))
    assert [i["type"] for i in sim.leftovers() if i["kind"] == "attachment"] == ["User"]
    refused(root("AttachUserPolicy", PolicyId=policy, AttachUin=NOBODY),
            "InvalidParameter.UserNotExist")
    refused(root("ListPolicies", Keyword="p"), "InvalidParameter.KeywordError")
    ok(root("DeleteUser", Name="u"))
    ok(root("DeletePolicy", PolicyId=[namesake["PolicyId"]]))
    assert sim.leftovers() == []


def test_one_that_is_gone_stops_a_list(sim, root):
    numbers = [ok(root("CreatePolicy", PolicyName="p%d" % n, PolicyDocument=DOCUMENT))["PolicyId"]
               for n in range(3)]
    sim.edit("delete_policy", policy="p1")
    refused(root("DeletePolicy", PolicyId=numbers), "ResourceNotFound.PolicyIdNotFound")
    assert [i["name"] for i in sim.leftovers()] == ["p0", "p2"]
    ok(root("DeletePolicy", PolicyId=[numbers[0], numbers[2]]))
    refused(root("DeletePolicy", PolicyId=list(range(1, 22))),
            "InvalidParameter.OperatePoliciesOverLimit")
    refused(root("DeletePolicy", PolicyId=[preset_id(root, "AdministratorAccess")]),
            "InvalidParameter.PolicyIdError")


def changed(**members):
    statement = {"effect": "allow", "action": "cos:*", "resource": "*", **members}
    return json.dumps({"version": "2.0", "statement": [
        {k: v for k, v in statement.items() if v is not None}]})


@pytest.mark.parametrize("document, problem", [
    ("{", "PolicyDocumentError"),
    ("[]", "PolicyDocumentError"),
    (DOCUMENT.replace("{", '{"Version":"1",', 1), "PolicyDocumentError"),
    ('{"version":"2.0","version":"2.0","statement":[]}', "PolicyDocumentError"),
    (DOCUMENT.replace("2.0", "1"), "VersionError"),
    (DOCUMENT.replace('"2.0"', "2.0"), "VersionError"),
    ('{"version":"2.0","statement":[]}', "StatementError"),
    ('{"version":"2.0","statement":{}}', "StatementError"),
    (changed(Effect="allow"), "StatementError"),
    (changed(principal={"qcs": ["*"]}), "PrincipalError"),
    (changed(effect="Allow"), "EffectError"),
    (changed(action=None), "ActionMiss"),
    (changed(action=[]), "ActionError"),
    (changed(action="cos"), "ActionError"),
    (changed(action="oss:GetObject"), "ActionServiceNotExist"),
    (changed(resource=None), "ResourceError"),
    (changed(resource="acs:oss:*:*:*"), "ResourceQcsError"),
    (changed(resource="qcs::cos:x"), "ResourceQcsError"),
    (changed(resource="qcs:1:cos::uid/1:b/*"), "ResourceProjectError"),
    (changed(resource="qcs::oss::uid/1:b/*"), "ResourceServiceNotExist"),
    (changed(resource="qcs::cos:A!:uid/1:b/*"), "ResourceRegionError"),
    (changed(resource="qcs::cos::1:b/*"), "ResourceUinError"),
    (changed(resource="qcs::cos::uid/1:"), "ResourceContentError"),
    (changed(condition=[]), "ConditionError"),
    (changed(condition={"nonsense": {}}), "ConditionTypeError"),
    (changed(condition={"ip_equal": {}}), "ConditionContentError"),
])
def test_policy_documents(root, document, problem):
    refused(root("CreatePolicy", PolicyName="p", PolicyDocument=document),
            "InvalidParameter." + problem)


def test_good_policy_documents(root):
    for number, document in enumerate((
            changed(action=["name/cos:GetObject", "cos:Put*", "*"]),
            changed(resource=["qcs::cos:ap-guangzhou:uid/1250000000:bucket-1250000000/*",
                              "qcs::cam::uin/${uin}:uin/1", "qcs::cos:::b"]),
            changed(condition={"ip_equal": {"qcs:ip": ["192.0.2.0/24"]},
                               "date_less_than": {"qcs:current_time": "2030-01-01T00:00:00Z"}}))):
        ok(root("CreatePolicy", PolicyName="p%d" % number, PolicyDocument=document))


@pytest.mark.parametrize("params, code", [
    ({"PolicyName": ""}, "InvalidParameter.PolicyNameError"),
    ({"PolicyName": "x" * 129}, "InvalidParameter.PolicyNameError"),
    ({"PolicyName": "a b"}, "InvalidParameter.PolicyNameError"),
    ({"PolicyDocument": DOCUMENT + " " * 4096}, "InvalidParameter.PolicyDocumentLengthOverLimit"),
    ({"Description": "ü" * 151}, "InvalidParameter.DescriptionLengthOverlimit"),
    ({"PolicyName": "QcloudCOSFullAccess"}, "FailedOperation.PolicyNameInUse"),
], ids=str)
def test_create_policy_checks(root, params, code):
    refused(root.tc3("CreatePolicy", {"PolicyName": "p", "PolicyDocument": DOCUMENT, **params}),
            code)


def test_a_search_finds_more_than_was_meant(root):
    body = ok(root("ListPolicies", Keyword="QcloudCOSReadOnlyAccess"))
    names = [row["PolicyName"] for row in body["List"]]
    assert names == ["qcloudcosreadonlyaccess", "QcloudCOSReadOnlyAccessExtra",
                     "QcloudCOSReadOnlyAccessForCIRole", "QcloudCOSReadOnlyAccess"]
    body = ok(root("ListPolicies", Keyword="QcloudCOSReadOnlyAccess", Scope="QCS"))
    assert [(row["PolicyName"], row["Type"]) for row in body["List"]] == [
        ("QcloudCOSReadOnlyAccessForCIRole", 2), ("QcloudCOSReadOnlyAccess", 2)]
    body = ok(root("ListPolicies", Keyword="readonlyaccess", Scope="Local"))
    assert len(body["List"]) == 2
    assert ok(root("ListPolicies", Keyword="none of them"))["List"] == []


def test_pages(root):
    body = ok(root("ListPolicies"))
    assert len(body["List"]) == 20 and body["TotalNum"] > 200
    seen = []
    for page in range(1, 100):
        rows = ok(root("ListPolicies", Rp=200, Page=page))["List"]
        seen += [row["PolicyId"] for row in rows]
        if len(rows) < 200:
            break
    assert len(seen) == len(set(seen)) == body["TotalNum"] and page > 1
    for wrong in ({"Rp": 0}, {"Rp": 201}, {"Page": 0}, {"Page": 201}):
        refused(root("ListPolicies", **wrong), "InvalidParameter.ParamError")
    refused(root("ListPolicies", Scope="all"), "InvalidParameter.ScopeError")
    refused(root("ListPolicies", Keyword="x" * 129), "InvalidParameter.SearchKeywordLengthError")


def test_attach_and_detach_checks(sim, root):
    uin, policy = make(root)
    for action, member in (("AttachUserPolicy", "AttachUin"), ("DetachUserPolicy", "DetachUin")):
        refused(root(action, PolicyId=policy, **{member: NOBODY}), "ResourceNotFound.UserNotExist")
        refused(root(action, PolicyId=1, **{member: uin}), "ResourceNotFound.PolicyIdNotFound")
    second = sim.caller(sim.second_root_key)
    refused(second("AttachUserPolicy", PolicyId=policy, AttachUin=uin),
            "ResourceNotFound.UserNotExist")
    refused(second("DeletePolicy", PolicyId=[policy]), "ResourceNotFound.PolicyIdNotFound")


def test_object_quotas(sim, root):
    sim.configure(tencentcloud={"objects": {"users": 2, "policies": 4, "attached_per_user": 1}})
    uin, policy = make(root)
    refused(root("AddUser", Name="more"), "InvalidParameter.SubUserFull")
    refused(root("CreatePolicy", PolicyName="r", PolicyDocument=DOCUMENT),
            "FailedOperation.PolicyFull")
    ok(root("AttachUserPolicy", PolicyId=policy, AttachUin=uin))
    refused(root("AttachUserPolicy", PolicyId=preset_id(root, "ReadOnlyAccess"), AttachUin=uin),
            "InvalidParameter.AttachmentFull")


# --- permission ---

def allow(*actions, resource="*"):
    return {"version": "2.0", "statement": [
        {"effect": "allow", "action": list(actions), "resource": [resource]}]}


def test_a_root_user_held_to_a_policy(sim, root):
    sim.edit("enforce", user="leasehold-root", document=allow("cam:AddUser", "name/cam:Attach*"))
    uin = ok(root("AddUser", Name="u", UseApi=0))["Uin"]
    reply = refused(root("ListUsers"), "AuthFailure.UnauthorizedOperation")
    assert reply["RequestId"] in reply.message
    assert "perform operation (cam:ListUsers)\nresource (*) has no permission" in reply.message
    refused(root("CreateAccessKey", TargetUin=uin), "AuthFailure.UnauthorizedOperation")
    refused(root("AddUser", Name="v", UseApi=1), "AuthFailure.UnauthorizedOperation")
    assert ok(root.identity())
    options(sim, identity_permission=True)
    refused(root.identity(), "UnauthorizedOperation")
    sim.edit("enforce", user="leasehold-root")
    ok(root("AddUser", Name="v", UseApi=1))


def test_force_needs_a_permission_of_its_own(sim, root):
    ok(root("AddUser", Name="u"))
    sim.edit("enforce", user="leasehold-root", document=allow("cam:DeleteUser"))
    refused(root("DeleteUser", Name="u", Force=1), "UnauthorizedOperation.DeleteApiKey")
    assert {i["kind"] for i in sim.leftovers()} == {"user", "key"}
    sim.edit("enforce", user="leasehold-root", document=allow("cam:DeleteUser", "cam:DeleteApiKey"))
    ok(root("DeleteUser", Name="u", Force=1))


def test_most_actions_know_no_resource(sim, root):
    uin = ok(root("AddUser", Name="u", UseApi=0))["Uin"]
    narrow = "qcs::cam::uin/100000000001:uin/%d" % uin
    sim.edit("enforce", user="leasehold-root",
             document=allow("cam:GetUser", "cam:CreateAccessKey", resource=narrow))
    refused(root("GetUser", Name="u"), "AuthFailure.UnauthorizedOperation")
    ok(root("CreateAccessKey", TargetUin=uin))
    refused(root("CreateAccessKey"), "AuthFailure.UnauthorizedOperation")


def test_an_issued_user_may_do_what_is_attached(sim, root):
    made = ok(root("AddUser", Name="u"))
    user = sim.caller((made["SecretId"], made["SecretKey"]))
    refused(user("GetUser", Name="u"), "AuthFailure.UnauthorizedOperation")
    ok(root("AttachUserPolicy", PolicyId=preset_id(root, "QcloudCamReadOnlyAccess"),
            AttachUin=made["Uin"]))
    ok(user("GetUser", Name="u"))
    refused(user("DeleteUser", Name="u"), "AuthFailure.UnauthorizedOperation")
    denial = ok(root("CreatePolicy", PolicyName="p", PolicyDocument=json.dumps(
        {"version": "2.0", "statement": [{"effect": "deny", "action": "cam:GetUser",
                                          "resource": "*"}]})))["PolicyId"]
    ok(root("AttachUserPolicy", PolicyId=denial, AttachUin=made["Uin"]))
    refused(user("GetUser", Name="u"), "AuthFailure.UnauthorizedOperation")


def test_accounts_do_not_see_each_other(sim, root):
    ok(root("AddUser", Name="u"))
    second = sim.caller(sim.second_root_key)
    refused(second("GetUser", Name="u"), "ResourceNotFound.UserNotExist")
    assert ok(second.identity())["AccountId"] == "200000000002"
    sim.edit("set_active", account="200000000002", active=False)
    refused(second("ListUsers"), "UnsupportedOperation")


# --- looking and editing ---

def test_call_log_knows_names(sim, root):
    uin, policy = make(root)
    ok(root("AttachUserPolicy", PolicyId=policy, AttachUin=uin))
    refused(root("DeletePolicy", PolicyId=[policy, 1]), "FailedOperation")
    attach, delete = sim.calls("AttachUserPolicy") + sim.calls("DeletePolicy")
    assert (attach["cloud"], attach["user"], attach["policy"]) == ("tencentcloud", "u", "p")
    assert delete["policy"] == "p 1" and delete["code"] == "FailedOperation"
    assert attach["arrived_ms"] <= attach["effect_ms"] <= attach["answered_ms"]
    assert attach["account"] == "100000000001" and len(rounds([attach, delete])) == 2
    sim.fault("drop", user="u", policy="p", times=1)
    ok(root("GetPolicy", PolicyId=policy))
    with pytest.raises(OSError):
        root("DetachUserPolicy", PolicyId=policy, DetachUin=uin)


def test_edits_by_hand(sim, root):
    sim.edit("create_user", user="by-hand", keep=True)
    sim.edit("create_policy", policy="foreign", keep=True)
    assert sim.leftovers() == []
    uin = ok(root("AddUser", Name="u", UseApi=0))["Uin"]
    made = sim.edit("add_key", user="u")
    assert ok(sim.caller((made["id"], made["secret"])).identity())["UserId"] == str(uin)
    sim.edit("attach", user="u", policy="foreign")
    sim.edit("attach", user="u", policy="QcloudCOSFullAccess")
    names = [r["PolicyName"] for r in ok(root("ListAttachedUserPolicies", TargetUin=uin))["List"]]
    assert names == ["QcloudCOSFullAccess", "foreign"]
    sim.edit("detach", user="u", policy="QcloudCOSFullAccess")
    assert [i["kind"] for i in sim.leftovers()] == ["attachment", "key", "user"]
    sim.edit("delete_user", user="u")
    sim.edit("delete_policy", policy="foreign")
    assert sim.leftovers() == []
    assert [(i["cloud"], i["name"]) for i in sim.missing()] == [("tencentcloud", "foreign")]


def test_both_clouds_at_once(sim, root):
    ok(root("AddUser", Name="u", UseApi=0))
    other = sim.on("alicloud")
    assert other.caller()("CreateUser", UserName="u").ok
    assert [(i["cloud"], i["name"]) for i in sim.leftovers()] == [
        ("alicloud", "u"), ("tencentcloud", "u")]
    other.edit("delete_user", user="u")
    sim.edit("delete_user", user="u")
    assert sim.leftovers() == []


def test_accounts_can_be_configured(sim):
    sim.configure(tencentcloud={"accounts": [{"id": "700000000007", "users": [
        {"name": "boss", "keys": [{"id": "AKIDboss", "secret": "s"}],
         "enforce": allow("cam:AddUser")}]}]})
    boss = sim.caller(("AKIDboss", "s"))
    assert ok(boss.identity())["AccountId"] == "700000000007"
    refused(boss("ListUsers"), "AuthFailure.UnauthorizedOperation")
    assert sim.leftovers() == [] and sim.missing() == []
    with pytest.raises(CloudSimError, match="VersionError"):
        sim.configure(tencentcloud={"accounts": [{"id": "1", "policies": [
            {"name": "p", "document": {}}]}]})
    with pytest.raises(CloudSimError):
        options(sim, no_such=1)


@pytest.mark.parametrize("how, expected", [("array", []), ("null", None), ("absent", 0)])
def test_variants_of_empty_lists(sim, root, how, expected):
    options(sim, empty_lists=how)
    uin = ok(root("AddUser", Name="u", UseApi=0))["Uin"]
    assert ok(root("ListAccessKeys", TargetUin=uin)).get("AccessKeys", 0) == expected

# SPDX-License-Identifier: Apache-2.0
"""The cloud simulator: signatures against the vectors, authentication, and every action.

The one idea: what the simulator refuses matters more than what it accepts, so each rule of the
signature and each documented error code has a request that breaks just that.
"""
import json
import pathlib

import pytest

from cloud_replies import ok, refused
from cloudsim.alicloud import sign
from cloudsim.caller import iso
from cloudsim.client import CloudSimError, rounds

TESTS = pathlib.Path(__file__).resolve().parent.parent
VECTORS = json.loads((TESTS / "vectors" / "alicloud.json").read_text(encoding="utf-8"))
DOCUMENT = json.dumps({"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": ["oss:*"], "Resource": ["*"]}]})
EMPTY_HASH = sign.payload_hash(b"")


# --- signatures ---

@pytest.mark.parametrize("row", VECTORS["percent_encoding"], ids=lambda r: repr(r["in"]))
def test_percent_encoding(row):
    assert sign.percent(row["in"]) == row["out"]


@pytest.mark.parametrize("vector", VECTORS["v3"], ids=lambda v: v["id"])
def test_acs3_vector(vector):
    inputs, headers = vector["inputs"], vector["signed_headers"]
    body = vector["body"].encode()
    assert sign.payload_hash(body) == vector["content_sha256"]
    text = sign.acs3_canonical_request(inputs["method"], inputs["path"],
                                       list(inputs["query"].items()), headers, sorted(headers),
                                       sign.payload_hash(body))
    assert text == vector["canonical_request"]
    to_sign = sign.acs3_string_to_sign(text)
    assert to_sign == vector["string_to_sign"]
    assert sign.acs3_signature(inputs["access_key_secret"], to_sign) == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["v1"], ids=lambda v: v["id"])
def test_v1_vector(vector):
    inputs = vector["inputs"]
    pairs = list(inputs["query"].items()) + list(inputs.get("form", {}).items())
    to_sign = sign.v1_string_to_sign(inputs["method"], pairs)
    assert to_sign == vector["string_to_sign"]
    assert sign.v1_signature(inputs["access_key_secret"], to_sign) == vector["signature"]


def test_both_schemes_and_both_places_are_accepted(root):
    awkward = "a b+c*d~e/f%g&h=i?j#k'l(m)n!o\"p<q>r中文 ü 😀"
    body = ok(root("CreateUser", UserName="v3-query", Comments=awkward))
    assert body["User"]["Comments"] == awkward
    body = ok(root.v3("CreateUser", {"UserName": "v3-form", "Comments": awkward}, as_form=True))
    assert body["User"]["Comments"] == awkward
    ok(root.v3("GetUser", {"UserName": "v3-form"}, method="GET"))
    ok(root.v1("CreateUser", {"UserName": "v1-get", "Comments": awkward}))
    ok(root.v1("CreateUser", {"UserName": "v1-plus", "Comments": "a b"}, method="POST", plus=True))


@pytest.mark.parametrize("name, arguments, code, status", [
    ("wrong secret", {"secret": "other"}, "SignatureDoesNotMatch", 400),
    ("host not signed", {"unsigned": ["host"]}, "IncompleteSignature", 400),
    ("action not signed", {"unsigned": ["x-acs-action"]}, "IncompleteSignature", 400),
    ("extra x-acs header not signed", {"extra": [("x-acs-more", "1")]}, "IncompleteSignature", 400),
    ("content type not signed", {"extra": [("Content-Type", "text/plain")]},
     "IncompleteSignature", 400),
    ("wrong payload hash", {"x_acs_content_sha256": "0" * 64}, "IncompleteSignature", 400),
    ("no nonce", {"x_acs_signature_nonce": None}, "IncompleteSignature", 400),
    ("another date than signed", {"extra": [("x-acs-date", iso(60))]},
     "SignatureDoesNotMatch", 400),
    ("date too old", {"x_acs_date": iso(-16 * 60)}, "InvalidTimeStamp.Expired", 400),
    ("date too new", {"x_acs_date": iso(24 * 3600)}, "InvalidTimeStamp.Expired", 400),
    ("date not padded", {"x_acs_date": "2026-1-2T03:04:05Z"}, "InvalidTimeStamp.Format", 400),
    ("no authorization", {"extra": [("Authorization", "")]}, "IncompleteSignature", 400),
    ("spaces in authorization", {"extra": [("Authorization", "ACS3-HMAC-SHA256 Credential=a, "
      "SignedHeaders=host, Signature=" + "0" * 64)]}, "IncompleteSignature", 400),
    ("token with a key pair", {"x_acs_security_token": "CAISx"},
     "InvalidSecurityToken.MismatchWithAccessKey", 400),
    ("wrong version", {"x_acs_version": "2015-04-01"}, "InvalidParameter", 400),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_acs3_is_strict(root, name, arguments, code, status):
    refused(root.v3("GetUser", {"UserName": "x"}, **arguments), code, status)


def test_acs3_mismatch_shows_the_string_to_sign(root):
    reply = refused(root.v3("GetUser", {"UserName": "x"}, secret="other"), "SignatureDoesNotMatch")
    assert "server StringToSign is [ACS3-HMAC-SHA256\n" in reply.message
    assert "server CanonicalRequest is [POST\n/\nUserName=x\nhost:" in reply.message


def test_a_nonce_is_used_once(root):
    ok(root.v3("ListUsers", x_acs_signature_nonce="same"))
    refused(root.v3("ListUsers", x_acs_signature_nonce="same"), "SignatureNonceUsed", 400)


@pytest.mark.parametrize("change, code", [
    ({"SignatureMethod": "HMAC-SHA256"}, "InvalidSignatureMethod"),
    ({"SignatureVersion": "2.0"}, "IncompleteSignature"),
    ({"Timestamp": iso(-32 * 60)}, "InvalidTimeStamp.Expired"),
    ({"SignatureNonce": None}, "MissingParameter"),
    ({"AccessKeyId": "LTAIunknown"}, "InvalidAccessKeyId.NotFound"),
    ({"Version": "2015-04-01"}, "InvalidParameter"),
], ids=lambda value: str(value))
def test_v1_is_strict(root, change, code):
    refused(root.v1("ListUsers", **change), code)


def test_v1_mismatch_and_replay(sim, root):
    other = sim.caller((root.key, "other"))
    reply = refused(other.v1("ListUsers"), "SignatureDoesNotMatch", 400)
    assert "server string to sign is:GET&%2F&AccessKeyId%3D" in reply.message
    ok(root.v1("ListUsers", SignatureNonce="again"))
    refused(root.v1("ListUsers", SignatureNonce="again"), "SignatureNonceUsed")


def test_key_states(sim, root):
    refused(sim.caller(("LTAInobody", "x"))("ListUsers"), "InvalidAccessKeyId.NotFound", 404)
    ok(root("CreateUser", UserName="u"))
    key = ok(root("CreateAccessKey", UserName="u"))["AccessKey"]
    user = sim.caller((key["AccessKeyId"], key["AccessKeySecret"]))
    assert ok(user.sts("GetCallerIdentity"))["Arn"] == "acs:ram::1000000000000001:user/u"
    ok(root("UpdateAccessKey", UserName="u", UserAccessKeyId=key["AccessKeyId"],
            Status="Inactive"))
    refused(user.sts("GetCallerIdentity"), "InvalidAccessKeyId.Inactive")
    ok(root("DeleteAccessKey", UserName="u", UserAccessKeyId=key["AccessKeyId"]))
    refused(user.sts("GetCallerIdentity"), "InvalidAccessKeyId.NotFound")


def test_unknown_actions_paths_and_xml(root):
    refused(root("NoSuchAction"), "InvalidParameter", 400)
    refused(root("AssumeRole", RoleArn="x"), "InvalidParameter", 400)
    refused(root.sts("CreateUser", UserName="x"), "InvalidAction.NotFound", 404)
    reply = root.v3("GetUser", {"UserName": "x"}, extra=[("Accept", "*/*")])
    assert reply.body is None and b"<Code>EntityNotExist.User</Code>" in reply.raw
    assert reply.headers["Content-Type"].startswith("text/xml")


def test_schemes_can_be_forbidden_and_the_wire_held_to_canonical_form(sim, root):
    sim.configure(alicloud={"options": {"schemes": ["acs3"], "strict_wire": True}})
    refused(root.v1("ListUsers"), "InvalidSignatureMethod")
    ok(root("CreateUser", UserName="x", Comments="a b"))
    with pytest.raises(CloudSimError):
        sim.configure(alicloud={"options": {"no_such": 1}})


# --- users and keys ---

def test_user_life(sim, root):
    user = ok(root("CreateUser", UserName="a.b-c_1", DisplayName="A", Comments="c"))["User"]
    assert user["UserName"] == "a.b-c_1" and user["DisplayName"] == "A" and user["UserId"].isdigit()
    refused(root("CreateUser", UserName="a.b-c_1"), "EntityAlreadyExists.User", 409)
    assert ok(root("GetUser", UserName="a.b-c_1"))["User"]["UpdateDate"].endswith("Z")
    assert [i["name"] for i in sim.leftovers()] == ["a.b-c_1"]
    ok(root("DeleteUser", UserName="a.b-c_1"))
    refused(root("DeleteUser", UserName="a.b-c_1"), "EntityNotExist.User", 404)
    refused(root("GetUser", UserName="a.b-c_1"), "EntityNotExist.User", 404)
    assert sim.leftovers() == [] and sim.missing() == []


@pytest.mark.parametrize("params, code", [
    ({}, "MissingParameter"),
    ({"UserName": ""}, "InvalidParameter.UserName.Length"),
    ({"UserName": "x" * 65}, "InvalidParameter.UserName.Length"),
    ({"UserName": "a@b"}, "InvalidParameter.UserName.InvalidChars"),
    ({"UserName": "a", "DisplayName": "x" * 129}, "InvalidParameter.DisplayName.Length"),
    ({"UserName": "a", "Comments": "x" * 129}, "InvalidParameter.Comments.Length"),
])
def test_create_user_checks(root, params, code):
    refused(root("CreateUser", **params), code, 400)


def test_list_users_pages(root):
    for number in range(5):
        ok(root("CreateUser", UserName="u%d" % number))
    names, marker = [], {}
    while marker is not None:
        body = ok(root("ListUsers", MaxItems=2, **marker))
        names += [user["UserName"] for user in body["Users"]["User"]]
        marker = {"Marker": body["Marker"]} if body["IsTruncated"] else None
    assert names == ["leasehold-root"] + ["u%d" % n for n in range(5)]
    refused(root("ListUsers", Marker="nonsense"), "InvalidParameter.Marker")
    refused(root("ListUsers", MaxItems=1001), "InvalidParameter.MaxItems")


def test_access_keys(sim, root):
    refused(root("CreateAccessKey", UserName="none"), "EntityNotExist.User", 404)
    ok(root("CreateUser", UserName="u"))
    keys = [ok(root("CreateAccessKey", UserName="u"))["AccessKey"] for _ in range(2)]
    assert all(key["AccessKeyId"].startswith("LTAI") and key["AccessKeySecret"] for key in keys)
    refused(root("CreateAccessKey", UserName="u"), "LimitExceeded.User.AccessKey", 409)
    listed = ok(root("ListAccessKeys", UserName="u"))["AccessKeys"]["AccessKey"]
    assert {k["AccessKeyId"] for k in listed} == {k["AccessKeyId"] for k in keys}
    assert "AccessKeySecret" not in listed[0]
    first = keys[0]["AccessKeyId"]
    ok(root("GetAccessKeyLastUsed", UserName="u", UserAccessKeyId=first))
    refused(root("DeleteUser", UserName="u"), "DeleteConflict.User.AccessKey", 409)
    refused(root("DeleteAccessKey", UserName="u", AccessKeyId=first), "MissingParameter")
    for key in keys:
        ok(root("DeleteAccessKey", UserName="u", UserAccessKeyId=key["AccessKeyId"]))
    refused(root("DeleteAccessKey", UserName="u", UserAccessKeyId=first),
            "EntityNotExist.User.AccessKey", 404)
    ok(root("DeleteUser", UserName="u"))


def test_a_key_action_without_user_name_means_the_caller(sim, root):
    ok(root("CreateAccessKey"))
    assert [i["user"] for i in sim.leftovers()] == ["leasehold-root"]
    ok(root("DeleteAccessKey", UserAccessKeyId=root.key))
    assert [i["name"] for i in sim.missing()] == [root.key]
    refused(root("ListAccessKeys"), "InvalidAccessKeyId.NotFound")


# --- policies ---

def make(root, user="u", policy="p"):
    ok(root("CreateUser", UserName=user))
    ok(root("CreatePolicy", PolicyName=policy, PolicyDocument=DOCUMENT))


def attach(root, policy="p", user="u", kind="Custom", verb="Attach", **more):
    action = "AttachPolicyToUser" if verb == "Attach" else "DetachPolicyFromUser"
    return root(action, PolicyType=kind, PolicyName=policy, UserName=user, **more)


def test_policy_life(sim, root):
    make(root)
    refused(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT),
            "EntityAlreadyExists.Policy", 409)
    ok(attach(root))
    ok(attach(root, "AliyunOSSReadOnlyAccess", kind="System"))
    refused(attach(root), "EntityAlreadyExists.User.Policy", 409)
    body = ok(root("GetPolicy", PolicyName="p", PolicyType="Custom"))
    assert body["Policy"]["AttachmentCount"] == 1
    assert body["DefaultPolicyVersion"]["PolicyDocument"] == DOCUMENT
    rows = ok(root("ListPoliciesForUser", UserName="u"))["Policies"]["Policy"]
    assert {(r["PolicyName"], r["PolicyType"]) for r in rows} == {
        ("p", "Custom"), ("AliyunOSSReadOnlyAccess", "System")}
    body = ok(root("ListEntitiesForPolicy", PolicyName="p", PolicyType="Custom"))
    assert [u["UserName"] for u in body["Users"]["User"]] == ["u"]
    refused(root("DeletePolicy", PolicyName="p"), "DeleteConflict.Policy.User", 409)
    refused(root("DeleteUser", UserName="u"), "DeleteConflict.User.Policy", 409)
    assert {i["kind"] for i in sim.leftovers()} == {"user", "policy", "attachment"}
    ok(attach(root, verb="Detach"))
    ok(attach(root, "AliyunOSSReadOnlyAccess", kind="System", verb="Detach"))
    refused(attach(root, verb="Detach"), "EntityNotExist.User.Policy", 404)
    ok(root("DeletePolicy", PolicyName="p", CascadingDelete="true"))
    refused(root("DeletePolicy", PolicyName="p"), "EntityNotExist.Policy", 404)
    ok(root("DeleteUser", UserName="u"))
    assert sim.leftovers() == []


@pytest.mark.parametrize("name, document, code", [
    ("", DOCUMENT, "InvalidParameter.PolicyName.Length"),
    ("x" * 129, DOCUMENT, "InvalidParameter.PolicyName.Length"),
    ("a.b", DOCUMENT, "InvalidParameter.PolicyName.InvalidChars"),
    ("a_b", DOCUMENT, "InvalidParameter.PolicyName.InvalidChars"),
    ("p", DOCUMENT + " " * 6144, "InvalidParameter.PolicyDocument.Length"),
    ("p", "{", "MalformedPolicyDocument"),
    ("p", "[]", "MalformedPolicyDocument"),
    ("p", '{"Version":"1","Statement":[]}', "MalformedPolicyDocument"),
    ("p", '{"Version":1,"Statement":[{}]}', "MalformedPolicyDocument"),
    ("p", DOCUMENT.replace("Allow", "Maybe"), "MalformedPolicyDocument"),
    ("p", DOCUMENT.replace("oss:*", "oss"), "MalformedPolicyDocument"),
    ("p", '{"Version":"1","Version":"1","Statement":[]}', "MalformedPolicyDocument"),
])
def test_create_policy_checks(root, name, document, code):
    refused(root("CreatePolicy", PolicyName=name, PolicyDocument=document), code, 400)


def test_attach_and_detach_checks(root):
    make(root)
    refused(attach(root, user="none"), "EntityNotExist.User")
    refused(attach(root, "none"), "EntityNotExist.Policy")
    refused(attach(root, "NoSuchAccess", kind="System"), "EntityNotExist.Policy")
    refused(attach(root, kind="custom"), "InvalidParameter.PolicyType")
    refused(attach(root, "none", verb="Detach"), "EntityNotExist.Policy")
    refused(attach(root, user="none", verb="Detach"), "EntityNotExist.User")


def test_an_attachment_by_resource_group_is_hidden_and_blocks(root):
    make(root)
    ok(attach(root, ResourceGroupId="rg-1"))
    assert ok(root("ListPoliciesForUser", UserName="u"))["Policies"]["Policy"] == []
    refused(attach(root, verb="Detach"), "EntityNotExist.User.Policy")
    refused(root("DeleteUser", UserName="u"), "DeleteConflict.User.Policy")
    ok(attach(root, verb="Detach", ResourceGroupId="rg-1"))
    ok(root("DeleteUser", UserName="u"))


def test_policy_versions(root):
    make(root)
    version = dict(PolicyName="p", PolicyDocument=DOCUMENT)
    body = ok(root("CreatePolicyVersion", SetAsDefault="true", **version))
    assert body["PolicyVersion"]["VersionId"] == "v2"
    refused(root("DeletePolicy", PolicyName="p"), "DeleteConflict.Policy.Version", 409)
    for _ in range(3):
        ok(root("CreatePolicyVersion", **version))
    refused(root("CreatePolicyVersion", **version), "LimitExceeded.Policy.Version")
    ok(root("CreatePolicyVersion", RotateStrategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",
            **version))
    rows = ok(root("ListPolicyVersions", PolicyName="p",
                   PolicyType="Custom"))["PolicyVersions"]["PolicyVersion"]
    assert [r["VersionId"] for r in rows] == ["v2", "v3", "v4", "v5", "v6"]
    refused(root("DeletePolicyVersion", PolicyName="p", VersionId="v2"),
            "DeleteConflict.Policy.Version.Default")
    ok(root("DeletePolicyVersion", PolicyName="p", VersionId="v3"))
    refused(root("DeletePolicyVersion", PolicyName="p", VersionId="v3"),
            "EntityNotExist.Policy.Version")
    ok(root("DeletePolicy", PolicyName="p", CascadingDelete="true"))


def test_list_policies(root):
    rows = ok(root("ListPolicies", PolicyType="Custom"))["Policies"]["Policy"]
    assert [r["PolicyName"] for r in rows] == ["existing-policy"]
    body = ok(root("ListPolicies", PolicyType="System", MaxItems=10))
    assert body["IsTruncated"] and len(body["Policies"]["Policy"]) == 10


def test_object_quotas(sim, root):
    sim.configure(alicloud={"objects": {"users": 2, "policies": 3, "custom_per_user": 1,
                                        "system_per_user": 1}})
    make(root)
    refused(root("CreateUser", UserName="more"), "LimitExceeded.User", 409)
    ok(root("CreatePolicy", PolicyName="q", PolicyDocument=DOCUMENT))
    refused(root("CreatePolicy", PolicyName="r", PolicyDocument=DOCUMENT), "LimitExceeded.Policy")
    ok(attach(root))
    refused(attach(root, "q"), "LimitExceeded.User.Policy", 409)
    ok(attach(root, "AliyunOSSFullAccess", kind="System"))
    refused(attach(root, "AliyunECSFullAccess", kind="System"), "LimitExceeded.User.Policy")


# --- permission ---

LEAST = {"Version": "1", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
    "ram:CreateUser", "ram:DeleteUser", "ram:Attach*"]}]}


def test_a_root_user_held_to_a_policy(sim, root):
    sim.edit("enforce", user="leasehold-root", document=LEAST)
    ok(root("CreateUser", UserName="u"))
    reply = refused(root("CreateAccessKey", UserName="u"), "NoPermission", 403)
    assert "Action: ram:CreateAccessKey" in reply.message
    assert reply["AccessDeniedDetail"]["NoPermissionType"] == "ImplicitDeny"
    assert reply["HttpStatus"] == 403
    ok(attach(root, "AliyunOSSFullAccess", kind="System"))
    sim.edit("enforce", user="leasehold-root")
    ok(root("CreateAccessKey", UserName="u"))


def test_resources_and_explicit_denial(sim, root):
    arn = "acs:ram:*:1000000000000001:"
    sim.edit("enforce", user="leasehold-root", document={"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "ram:*", "Resource": [
            arn + "user/*", arn + "policy/lh-*", "acs:ram::system:policy/AliyunOSS*"]},
        {"Effect": "Deny", "Action": "ram:DeleteUser", "Resource": arn + "user/keep-*"}]})
    ok(root("CreateUser", UserName="keep-u"))
    reply = refused(root("DeleteUser", UserName="keep-u"), "NoPermission")
    assert reply["AccessDeniedDetail"]["NoPermissionType"] == "ExplicitDeny"
    ok(root("CreatePolicy", PolicyName="lh-p", PolicyDocument=DOCUMENT))
    refused(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT), "NoPermission")
    ok(attach(root, "lh-p", "keep-u"))
    ok(attach(root, "AliyunOSSReadOnlyAccess", "keep-u", "System"))
    refused(attach(root, "AliyunECSReadOnlyAccess", "keep-u", "System"), "NoPermission")


def test_an_issued_user_may_do_what_is_attached(sim, root):
    ok(root("CreateUser", UserName="u"))
    key = ok(root("CreateAccessKey", UserName="u"))["AccessKey"]
    user = sim.caller((key["AccessKeyId"], key["AccessKeySecret"]))
    refused(user("GetUser", UserName="u"), "NoPermission")
    ok(attach(root, "AliyunRAMReadOnlyAccess", kind="System"))
    ok(user("GetUser", UserName="u"))
    refused(user("DeleteUser", UserName="u"), "NoPermission")


def test_accounts_do_not_see_each_other(sim, root):
    ok(root("CreateUser", UserName="u"))
    second = sim.caller(sim.second_root_key)
    refused(second("GetUser", UserName="u"), "EntityNotExist.User")
    assert ok(second.sts("GetCallerIdentity"))["AccountId"] == "2000000000000002"
    sim.edit("set_active", account="2000000000000002", active=False)
    refused(second("ListUsers"), "Inactive", 403)


# --- looking and editing ---

def test_call_log_and_rounds(sim, root):
    ok(root("CreateUser", UserName="u"))
    refused(root("GetUser", UserName="none"), "EntityNotExist.User")
    create, get = sim.calls()
    assert (create["action"], create["user"], create["key"]) == ("CreateUser", "u", root.key)
    assert create["account"] == "1000000000000001" and create["status"] == 200
    assert create["arrived_ms"] <= create["effect_ms"] <= create["answered_ms"]
    assert get["code"] == "EntityNotExist.User" and get["effect_ms"] is None
    assert get["request_id"] and len(rounds([create, get])) == 2
    assert [c["n"] for c in sim.calls(since=create["n"])] == [get["n"]]
    assert sim.count("CreateUser") == 1 and sim.counters()["codes"]["200"] == 1
    assert sim.wait_calls("CreateUser", 1, timeout=0)
    assert not sim.wait_calls("CreateUser", 2, timeout=0.05)


def test_edits_by_hand(sim, root):
    sim.edit("create_user", user="by-hand", keep=True)
    sim.edit("create_policy", policy="foreign", keep=True)
    assert sim.leftovers() == []
    ok(root("CreateUser", UserName="u"))
    made = sim.edit("add_key", user="u")
    assert sim.caller((made["id"], made["secret"])).sts("GetCallerIdentity").status == 200
    sim.edit("attach", user="u", policy="foreign")
    assert [i["kind"] for i in sim.leftovers()] == ["attachment", "key", "user"]
    sim.edit("delete_user", user="u")
    sim.edit("delete_policy", policy="foreign")
    assert sim.leftovers() == []
    assert [i["name"] for i in sim.missing()] == ["foreign"]
    with pytest.raises(CloudSimError, match="unknown operation"):
        sim.edit("no_such_thing")


def test_accounts_can_be_configured(sim):
    sim.configure(alicloud={"accounts": [{"id": "7", "users": [
        {"name": "boss", "keys": [{"id": "LTAIboss", "secret": "s"}], "enforce": LEAST}]}]})
    boss = sim.caller(("LTAIboss", "s"))
    assert ok(boss.sts("GetCallerIdentity"))["AccountId"] == "7"
    refused(boss("ListUsers"), "NoPermission")
    assert sim.leftovers() == [] and sim.missing() == []


@pytest.mark.parametrize("how, expected", [
    ("array", {"Policy": []}), ("null", {"Policy": None}), ("bare", {}), ("absent", None)])
def test_variants_of_answers(sim, root, how, expected):
    sim.configure(alicloud={"options": {"empty_lists": how, "old_shapes": True,
                                        "statuses": {"EntityNotExist.User": 400}}})
    body = ok(root("ListPoliciesForUser", UserName="leasehold-root"))
    assert body.get("Policies") == expected
    refused(root("GetUser", UserName="none"), "EntityNotExist.User", 400)
    body = ok(root.sts("AssumeRole", RoleArn="acs:ram::1000000000000001:role/reader",
                       RoleSessionName="name"))
    assert set(body["AssumedRoleUser"]) == {"arn", "AssumedRoleUserId"}


SAMPLES = [("CreateUser", {"UserName": "s", "DisplayName": "s", "Comments": "s"},
            {"User": {"UserId", "UserName", "DisplayName", "Comments", "CreateDate"}}),
           ("CreatePolicy", {"PolicyName": "s", "PolicyDocument": DOCUMENT},
            {"Policy": {"PolicyName", "PolicyType", "Description", "DefaultVersion",
                        "CreateDate"}}),
           ("CreateAccessKey", {"UserName": "leasehold-root"},
            {"AccessKey": {"AccessKeyId", "AccessKeySecret", "Status", "CreateDate"}})]


@pytest.mark.parametrize("action, params, shape", SAMPLES, ids=lambda v: str(v)[:20])
def test_shape_of_answers(root, action, params, shape):
    body = ok(root(action, **params))
    assert set(body) == {"RequestId", *shape}
    for name, members in shape.items():
        assert set(body[name]) == members


def test_shape_of_errors(root):
    reply = root("GetUser", UserName="none")
    assert set(reply.body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert reply["HostId"] == "ram.aliyuncs.com"
    assert reply.headers["Content-Type"] == "application/json" and reply.headers["Date"]

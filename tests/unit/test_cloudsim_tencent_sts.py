# SPDX-License-Identifier: Apache-2.0
"""Tencent's side of the cloud simulator: STS, sessions, metadata, faults, quotas, shapes.

The one idea: every credential that these hand out must work, and only as long as it should; and
what all clouds share (faults, late effects, ghosts) does here what it does there.
"""
import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import sys
import time
from urllib.parse import quote, urlsplit

import pytest

from cloud_replies import ok, refused_200 as refused

CLOUD = "tencentcloud"
TESTS = pathlib.Path(__file__).resolve().parent.parent
ROLE = "qcs::cam::uin/100000000001:roleName/"
DOCUMENT = json.dumps({"version": "2.0", "statement": [
    {"effect": "allow", "action": "cos:*", "resource": "*"}]})
BROKEN = (http.client.HTTPException, OSError)


def assume(caller, role="reader", name="session", **more):
    return caller.sts("AssumeRole", RoleArn=role if ":" in role else ROLE + role,
                      RoleSessionName=name, **more)


def session_caller(sim, credentials):
    return sim.caller((credentials["TmpSecretId"], credentials["TmpSecretKey"]),
                      credentials["Token"])


# --- sessions ---

def test_a_session_works(sim, root):
    body = ok(assume(root))
    assert abs(body["ExpiredTime"] - time.time() - 7200) < 10
    assert body["Expiration"] == time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                               time.gmtime(body["ExpiredTime"]))
    credentials = body["Credentials"]
    assert len(credentials["TmpSecretId"]) > 36 and len(credentials["Token"]) == 700
    session = session_caller(sim, credentials)
    identity = ok(session.identity())
    assert identity["Type"] == "CAMRole" and identity["UserId"].endswith(":session")
    assert identity["Arn"].startswith("qcs::sts:100000000001:assumed-role/")
    ok(session("ListUsers"))


def test_tokens_are_checked(sim, root):
    one, two = (ok(assume(root))["Credentials"] for _ in range(2))
    pair = (one["TmpSecretId"], one["TmpSecretKey"])
    for token in (None, "nonsense", two["Token"]):
        refused(sim.caller(pair, token).identity(), "AuthFailure.TokenFailure")
    ok(sim.caller(pair, one["Token"]).identity())
    old = sim.edit("session", role="reader", seconds=-1)
    refused(sim.caller((old["id"], old["secret"]), old["token"]).identity(),
            "AuthFailure.TokenFailure")


LIMIT = quote(DOCUMENT.replace("cos:*", "cam:GetUser"), safe="")


@pytest.mark.parametrize("change, code", [
    ({"role": "nonsense:"}, "InternalError.IllegalRole"),
    ({"role": "none"}, "ResourceNotFound.RoleNotFound"),
    ({"role": "qcs::cam::uin/300000000003:roleName/reader"}, "ResourceNotFound.RoleNotFound"),
    ({"role": "closed"}, "UnauthorizedOperation"),
    ({"name": "x"}, "InvalidParameter.ParamError"),
    ({"name": "a b"}, "InvalidParameter.ParamError"),
    ({"DurationSeconds": 899}, "InvalidParameter.ParamError"),
    ({"DurationSeconds": 7201}, "InvalidParameter.OverTimeError"),
    ({"DurationSeconds": "7200"}, "InvalidParameter"),
    ({"Policy": DOCUMENT}, "InvalidParameter.StrategyFormatError"),
    ({"Policy": quote(LIMIT, safe="")}, "InvalidParameter.StrategyFormatError"),
    ({"Policy": quote(DOCUMENT, safe="").replace("%20", "+")},
     "InvalidParameter.StrategyFormatError"),
    ({"Policy": quote(DOCUMENT.replace("allow", "maybe"))}, "InvalidParameter.StrategyInvalid"),
    ({"Policy": quote(DOCUMENT + " " * 4096)}, "InvalidParameter.PolicyTooLong"),
    ({"ExternalId": ""}, "InvalidParameter.ParamError"),
    ({"ExternalId": "a b"}, "InvalidParameter.ParamError"),
    ({"Tags": [{"Key": "k"}]}, "InvalidParameter"),
    ({"Tags": [{"Key": "k", "Value": "v"}] * 2}, "InvalidParameter.ParamError"),
], ids=str)
def test_assume_role_checks(root, change, code):
    refused(assume(root, **change), code)


def test_who_may_assume(sim, root):
    ok(assume(root, "long", DurationSeconds=43200))
    shared = ROLE + "shared"
    refused(assume(root, shared), "UnauthorizedOperation")
    second = sim.caller(sim.second_root_key)
    refused(assume(second, shared), "UnauthorizedOperation")
    refused(assume(second, shared, ExternalId="other"), "UnauthorizedOperation")
    ok(assume(second, shared, ExternalId="expected"))
    ok(assume(session_caller(sim, ok(assume(root))["Credentials"]), "long"))
    sim.edit("enforce", user="leasehold-root", document={"version": "2.0", "statement": [
        {"effect": "allow", "action": "sts:AssumeRole", "resource": ROLE + "reader"}]})
    ok(assume(root))
    refused(assume(root, "long"), "UnauthorizedOperation")


def test_a_role_by_its_number(sim, root):
    sim.edit("create_role", role="made", trust={"users": ["leasehold-root"]}, keep=True)
    identity = ok(session_caller(sim, ok(assume(root, "made"))["Credentials"]).identity())
    number = identity["Arn"].rpartition("/")[2]
    ok(assume(root, "qcs::cam::uin/100000000001:role/" + number))
    sim.configure(tencentcloud={"options": {"role_gone": "InternalError.GetRoleError"}})
    sim.edit("delete_role", role="made")
    refused(assume(root, "made"), "InternalError.GetRoleError")


def test_a_session_policy_limits(sim, root):
    session = session_caller(sim, ok(assume(root, Policy=LIMIT))["Credentials"])
    ok(session("GetUser", Name="leasehold-root"))
    refused(session("ListUsers"), "AuthFailure.UnauthorizedOperation")
    sim.configure(tencentcloud={"options": {"plain_policy": "allowed"}})
    ok(assume(root, Policy=DOCUMENT))


# --- with an OIDC token ---

def web_identity(root, sim, role="reader", provider=None, token=None, **claims):
    made = sim.edit("oidc_token", **claims)
    return root.unsigned("AssumeRoleWithWebIdentity", {
        "RoleArn": ROLE + role, "ProviderId": provider or made["arn"],
        "WebIdentityToken": token or made["token"], "RoleSessionName": "pod"})


def test_web_identity(sim, root):
    body = ok(web_identity(root, sim))
    ok(session_caller(sim, body["Credentials"]).identity())
    assert sim.calls("AssumeRoleWithWebIdentity")[0]["params"]["WebIdentityToken"] == "***"
    refused(root.unsigned("GetCallerIdentity", {}), "AuthFailure.InvalidAuthorization")


@pytest.mark.parametrize("change, code", [
    ({"seconds": -5}, "InvalidParameter.WebIdentityTokenError"),
    ({"audience": "other"}, "InvalidParameter.WebIdentityTokenError"),
    ({"token": "nonsense"}, "InvalidParameter.WebIdentityTokenError"),
    ({"role": "long"}, "UnauthorizedOperation"),
    ({"provider": "none"}, "UnauthorizedOperation"),
], ids=str)
def test_web_identity_checks(sim, root, change, code):
    refused(web_identity(root, sim, **change), code)


# --- instance metadata ---

PATH = "/latest/meta-data/cam/security-credentials/"


def ask(sim, path, method="GET"):
    connection = http.client.HTTPConnection(urlsplit(sim.metadata_endpoint).netloc, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_metadata(sim):
    assert ask(sim, PATH)[0] == 404
    sim.configure(tencentcloud={"metadata": {"role": "instance", "seconds": 1000}})
    assert ask(sim, PATH) == (200, b"instance")
    assert ask(sim, PATH + "other")[0] == 404 and ask(sim, "/")[0] == 404
    assert ask(sim, PATH, "PUT")[0] == 405
    body = json.loads(ask(sim, PATH + "instance")[1])
    assert set(body) == {"TmpSecretId", "TmpSecretKey", "ExpiredTime", "Expiration", "Token",
                         "Code"}
    assert body["Code"] == "Success" and 990 < body["ExpiredTime"] - time.time() < 1001
    ok(session_caller(sim, body)("ListUsers"))
    assert json.loads(ask(sim, PATH + "instance")[1]) == body
    sim.configure(tencentcloud={"metadata": {"rotate_seconds": 0}})
    assert json.loads(ask(sim, PATH + "instance")[1]) != body
    sim.fault("error", service="metadata", status=503, times=1)
    assert ask(sim, PATH)[0] == 503
    assert sim.count("GetRoleCredentials") == 4


# --- faults, as in any cloud ---

def add(root, name="u"):
    return root("AddUser", Name=name, UseApi=0)


def exists(sim, name="u"):
    return any(item["name"] == name for item in sim.leftovers())


@pytest.mark.parametrize("effect, there", [("none", False), ("done", True)])
def test_drop_before_and_after_the_effect(sim, root, effect, there):
    sim.fault("drop", cloud="tencentcloud", action="AddUser", effect=effect, times=1)
    with pytest.raises(BROKEN):
        add(root)
    assert exists(sim) == there


def test_the_effect_comes_after_the_drop(sim, root):
    sim.fault("drop", action="AddUser", effect="late", late=1, times=1)
    with pytest.raises(BROKEN):
        add(root)
    assert not exists(sim)
    assert sim.wait(late=0) and exists(sim)


@pytest.mark.parametrize("fault, code, status", [
    ({"kind": "error"}, "InternalError", 200),
    ({"kind": "throttle"}, "RequestLimitExceeded", 200),
    ({"kind": "error", "code": "InternalError.SystemError", "effect": "done"},
     "InternalError.SystemError", 200),
    ({"kind": "error", "status": 503, "code": "ServiceUnavailable"}, "ServiceUnavailable", 503),
], ids=str)
def test_error_codes(sim, root, fault, code, status):
    sim.fault(**fault, times=1)
    reply = add(root)
    assert (reply.code, reply.status) == (code, status)
    assert exists(sim) == ("effect" in fault)
    assert sim.counters()["codes"] == {code: 1}


def test_the_shape_of_the_old_gateway(sim, root):
    sim.fault("error", shape="lower", code="AuthFailure")
    reply = add(root)
    assert reply.body is None and json.loads(reply.raw) == {
        "code": 4100, "message": "The request was refused.", "codeDesc": "AuthFailure"}


@pytest.mark.parametrize("kind, broken", [
    ("garbage", False), ("truncate", True), ("html", False), ("huge", False)])
def test_answers_that_are_none(sim, root, kind, broken):
    sim.fault(kind, bytes=100000)
    if broken:
        with pytest.raises(BROKEN):
            add(root)
        return
    reply = add(root)
    assert (reply.body is None) == (kind != "huge")


@pytest.mark.parametrize("marker", ["same", "new"])
def test_lists_that_never_end(sim, root, marker):
    sim.fault("pages", action="List*", marker=marker)
    pages = [ok(root("ListPolicies", Rp=50, Page=page, Keyword="x")) for page in (1, 2, 200)]
    assert all(len(page["List"]) == 50 and page["TotalNum"] > 10**9 for page in pages)
    assert (pages[0]["List"] == pages[1]["List"]) == (marker == "same")
    uin = ok(root("GetUser", Name="leasehold-root"))["Uin"]
    assert len(ok(root("ListAttachedUserPolicies", TargetUin=uin, Rp=7))["List"]) == 7
    assert len(ok(root("ListAccessKeys"))["AccessKeys"]) == 1


def test_the_string_to_sign_is_shown(sim, root):
    sim.fault("echo", times=1)
    reply = root("ListUsers")
    refused(reply, "AuthFailure.SignatureFailure")
    assert "TC3-HMAC-SHA256\n" in reply.message and "content-type:application/json" in reply.message


def test_a_hang_and_a_trickle(sim, root):
    sim.fault("hang", seconds=0.1, effect="done", times=1)
    with pytest.raises(BROKEN):
        add(root)
    assert exists(sim)
    sim.fault("trickle", seconds=0.0005, times=1)
    ok(add(root, "v"))


def test_a_wrong_certificate_is_sent_nothing(sim, root):
    sim.fault("certificate", cloud="tencentcloud", service="cam", certificate="ca")
    with pytest.raises(ssl.SSLCertVerificationError):
        root("ListUsers")
    assert sim.state()["tls"]["bytes_on_bad_certificate"] == 0
    ok(root.identity())


CHILD = """
import sys, types
sys.path.insert(0, sys.argv[1])
from cloudsim.tencentcloud.caller import Caller
place = types.SimpleNamespace(cam_endpoint=sys.argv[2], ca_file=sys.argv[3])
Caller(place, sys.argv[4], sys.argv[5])("AddUser", Name="u", UseApi=0)
"""


@pytest.mark.parametrize("when, there", [("before", False), ("after", True)])
def test_the_peer_is_killed(sim, when, there):
    number = sim.kill_hook("AddUser", when)
    done = subprocess.run([sys.executable, "-c", CHILD, str(TESTS), sim.cam_endpoint, sim.ca_file,
                           *sim.root_key], check=False, timeout=20)
    assert done.returncode == -signal.SIGKILL
    assert sim.wait(killed=number) and exists(sim) == there


def test_nothing_breaks_the_simulator(sim, root):
    """Members of odd types meet the log and the faults, an unreadable signature an echo."""
    sim.fault("drop", user="u", policy="p")
    for params in ({"Name": ["u"]}, {"Name": {}}, {"PolicyId": {"a": 1}}, {"PolicyId": [[1], "p"]},
                   {"TargetUin": 1.5}, {"TargetUin": 10**30}, {"AttachUin": True}, {"PolicyId": -1},
                   {"PolicyName": None}, {"Name": "\ud800"}):
        assert root.tc3("AttachUserPolicy", params).code in ("UnknownParameter", "InvalidParameter",
                                                             "MissingParameter")
    sim.clear_faults()
    sim.fault("echo")
    refused(root.tc3("ListUsers", authorization="x"), "AuthFailure.InvalidAuthorization")
    refused(root.tc3("ListUsers", x_tc_timestamp="x"), "InvalidParameter")
    assert len(sim.calls()) == 12 and sim.state()["bugs"] == 0


def test_the_cloud_may_be_behind(sim, root):
    sim.configure(tencentcloud={"consistency": {name: 1500 for name in (
        "user_ms", "policy_ms", "detach_ms", "key_delete_ms", "key_use_ms", "key_dead_ms")}})
    made = ok(root("AddUser", Name="u", UseApi=1))
    user = sim.caller((made["SecretId"], made["SecretKey"]))
    refused(root("CreateAccessKey", TargetUin=made["Uin"]), "InvalidParameter.UserNotExist")
    refused(user.identity(), "AuthFailure.SecretIdNotFound")
    policy = ok(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT))["PolicyId"]
    attach = {"PolicyId": policy, "AttachUin": made["Uin"]}
    refused(root("AttachUserPolicy", **attach), "ResourceNotFound.UserNotExist")
    sim.wait(timeout=1.6, leftovers=99)     # only time passes
    ok(root("AttachUserPolicy", **attach))
    ok(user.identity())
    ok(root("DetachUserPolicy", PolicyId=policy, DetachUin=made["Uin"]))
    ok(root("DeleteAccessKey", AccessKeyId=made["SecretId"], TargetUin=made["Uin"]))
    refused(root("DeletePolicy", PolicyId=[policy]), "FailedOperation")
    refused(root("DeleteUser", Name="u"), "OperationDenied.HaveKeys")
    ok(user.identity())
    sim.wait(timeout=1.6, leftovers=99)
    refused(user.identity(), "AuthFailure.SecretIdNotFound")
    ok(root("DeletePolicy", PolicyId=[policy]))
    ok(root("DeleteUser", Name="u"))
    assert sim.leftovers() == []


def test_quotas_are_a_sliding_second(sim, root):
    sim.configure(tencentcloud={"rate": {"on": True, "limits": {"GetUser": 3}}})
    codes = [root("GetUser", Name="leasehold-root").code for _ in range(4)]
    assert codes == [None] * 3 + ["RequestLimitExceeded"]
    reply = root("GetUser", Name="leasehold-root")
    assert "exceeds the frequency limit `3` for a second" in reply.message
    assert "Retry-After" not in reply.headers
    second = sim.caller(sim.second_root_key)
    ok(second("GetUser", Name="leasehold-root"))
    sim.wait(timeout=1.05, leftovers=99)    # only time passes
    ok(root("GetUser", Name="leasehold-root"))
    uin = ok(add(root))["Uin"]
    sim.configure(tencentcloud={"rate": {"code": "RequestLimitExceeded.UinLimitExceeded"}})
    codes = [root("CreateAccessKey", TargetUin=uin).code for _ in range(6)]
    assert codes[2:] == ["OperationDenied.AccessKeyOverLimit"] * 3 \
        + ["RequestLimitExceeded.UinLimitExceeded"]
    sim.configure(tencentcloud={"rate": {"scale": 10}})
    refused(root("CreateAccessKey", TargetUin=uin), "OperationDenied.AccessKeyOverLimit")


# --- shapes, as in samples of the real service ---

TEXT, INT, NONE = str, int, type(None)
SHAPES = {
    "AddUser": {"Uid": INT, "Uin": INT, "Name": TEXT, "Password": TEXT, "SecretId": TEXT,
                "SecretKey": TEXT},
    "GetUser": {"Uin": INT, "Name": TEXT, "Uid": INT, "Remark": TEXT, "ConsoleLogin": INT,
                "PhoneNum": TEXT, "CountryCode": TEXT, "Email": TEXT, "RecentlyLoginIP": TEXT,
                "RecentlyLoginTime": (TEXT, NONE)},
    "ListUsers": {"Data": [{"Uin": INT, "Name": TEXT, "Uid": INT, "Remark": TEXT,
                            "ConsoleLogin": INT, "PhoneNum": TEXT, "CountryCode": TEXT,
                            "Email": TEXT, "CreateTime": TEXT, "NickName": TEXT}]},
    "CreateAccessKey": {"AccessKey": {"AccessKeyId": TEXT, "SecretAccessKey": TEXT,
                                      "Status": TEXT, "CreateTime": TEXT,
                                      "Description": (TEXT, NONE)}},
    "UpdateAccessKey": {},
    "ListAccessKeys": {"AccessKeys": [{"AccessKeyId": TEXT, "Status": TEXT, "CreateTime": TEXT,
                                       "Description": (TEXT, NONE)}]},
    "GetSecurityLastUsed": {"SecretIdLastUsedRows": [
        {"SecretId": TEXT, "LastUsedDate": (TEXT, NONE), "LastSecretUsedDate": (INT, NONE)}]},
    "CreatePolicy": {"PolicyId": INT},
    "GetPolicy": {"PolicyDocument": TEXT, "UpdateTime": TEXT, "AddTime": TEXT, "PolicyName": TEXT,
                  "Description": TEXT, "Type": INT, "PresetAlias": (TEXT, NONE),
                  "IsServiceLinkedRolePolicy": INT, "Tags": []},
    "ListPolicies": {"TotalNum": INT, "ServiceTypeList": [], "List": [
        {"PolicyId": INT, "PolicyName": TEXT, "AddTime": TEXT, "Type": INT,
         "Description": (TEXT, NONE), "CreateMode": INT, "Attachments": INT, "ServiceType": TEXT,
         "IsAttached": (INT, NONE), "Deactived": INT, "DeactivedDetail": (list, NONE),
         "IsServiceLinkedPolicy": INT, "AttachEntityCount": INT,
         "AttachEntityBoundaryCount": INT, "UpdateTime": TEXT, "Tags": []}]},
    "AttachUserPolicy": {},
    "ListAttachedUserPolicies": {"TotalNum": INT, "List": [
        {"PolicyId": INT, "PolicyName": TEXT, "AddTime": TEXT, "CreateMode": INT, "Remark": TEXT,
         "OperateOwnerUin": TEXT, "OperateUin": TEXT, "OperateUinType": INT, "PolicyType": TEXT,
         "Deactived": INT, "DeactivedDetail": []}]},
    "ListAttachedUserAllPolicies": {"TotalNum": INT, "PolicyList": [
        {"AddTime": TEXT, "CreateMode": TEXT, "Deactived": INT, "DeactivedDetail": [],
         "Description": TEXT, "Groups": [], "PolicyId": TEXT, "PolicyName": TEXT,
         "StrategyType": TEXT}]},
    "ListEntitiesForPolicy": {"TotalNum": INT, "List": [
        {"Id": TEXT, "RelatedType": INT, "Uin": INT, "AttachmentTime": TEXT, "Name": TEXT}]},
    "GetAccountSummary": dict.fromkeys(("User", "Group", "Member", "Policies", "Roles", "Idps",
                                        "IdentityProviders"), INT),
    "AssumeRole": {"Credentials": {"Token": TEXT, "TmpSecretId": TEXT, "TmpSecretKey": TEXT},
                   "ExpiredTime": INT, "Expiration": TEXT},
    "GetCallerIdentity": dict.fromkeys(("Type", "AccountId", "UserId", "PrincipalId", "Arn"),
                                       TEXT),
    "DetachUserPolicy": {}, "DeletePolicy": {}, "DeleteAccessKey": {}, "DeleteUser": {},
}


def check_shape(value, shape, where):
    if isinstance(shape, dict):
        assert set(value) == set(shape), where
        for name, inner in shape.items():
            check_shape(value[name], inner, where + "." + name)
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for item in value if shape else ():
            check_shape(item, shape[0], where + "[]")
        assert bool(value) == bool(shape), where
    else:
        assert isinstance(value, shape) and not isinstance(value, bool), where


def test_shapes_of_answers(sim, root):
    """One walk through a life, every answer of which has the members that are documented."""
    seen = {}

    def call(action, service="cam", **params):
        reply = root(action, service, **params)
        assert reply.headers["Content-Type"] == "application/json" and reply.headers["Date"]
        seen[action] = ok(reply)
        return reply.body
    made = call("AddUser", Name="u")
    user, key = {"TargetUin": made["Uin"]}, {"AccessKeyId": made["SecretId"]}
    policy = call("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT)["PolicyId"]
    call("CreateAccessKey", **user)
    call("UpdateAccessKey", Status="Inactive", **user, **key)
    call("AttachUserPolicy", PolicyId=policy, AttachUin=made["Uin"])
    for action, params in {
            "GetUser": {"Name": "u"}, "ListUsers": {}, "ListAccessKeys": user,
            "GetSecurityLastUsed": {"SecretIdList": [made["SecretId"]]},
            "GetPolicy": {"PolicyId": policy}, "ListPolicies": {},
            "ListAttachedUserPolicies": user, "GetAccountSummary": {},
            "ListAttachedUserAllPolicies": {**user, "Rp": 1, "Page": 1, "AttachType": 1},
            "ListEntitiesForPolicy": {"PolicyId": policy}}.items():
        call(action, **params)
    call("AssumeRole", "sts", RoleArn=ROLE + "reader", RoleSessionName="name")
    call("GetCallerIdentity", "sts")
    call("DeleteAccessKey", **user, **key)
    call("DetachUserPolicy", PolicyId=policy, DetachUin=made["Uin"])
    call("DeletePolicy", PolicyId=[policy])
    call("DeleteUser", Name="u", Force=1)
    assert set(seen) == set(SHAPES) and sim.leftovers() == []
    for action, body in seen.items():
        check_shape(body, {"RequestId": TEXT, **SHAPES[action]}, action)


def test_shape_of_errors(root):
    reply = root("GetUser", Name="none")
    body = json.loads(reply.raw)
    assert set(body) == {"Response"} and set(body["Response"]) == {"Error", "RequestId"}
    assert set(body["Response"]["Error"]) == {"Code", "Message"}

# SPDX-License-Identifier: Apache-2.0
"""Tencent's side of the cloud simulator: signatures against the vectors, types of members.

The one idea: what the simulator refuses matters more than what it accepts, so each rule of the
signature and of the gateway has a request that breaks just that.
"""
import json
import pathlib
import time

import pytest

from cloud_replies import ok, refused_200 as refused
from cloudsim.tencentcloud import sign
from cloudsim.tencentcloud.caller import day

CLOUD = "tencentcloud"
TESTS = pathlib.Path(__file__).resolve().parent.parent
VECTORS = json.loads((TESTS / "vectors" / "tencentcloud.json").read_text(encoding="utf-8"))
UNSIGNED = "UNSIGNED-PAYLOAD"      # what is hashed instead of the body, if that is not signed


# --- signatures ---

def vector_headers(inputs):
    headers = {"content-type": inputs["content_type"], "host": inputs["host"],
               **(inputs.get("extra_signed_headers") or {})}
    return sorted(headers.items())


@pytest.mark.parametrize("vector", VECTORS["vectors"] + VECTORS["published"] + VECTORS["derived"],
                         ids=lambda v: v["name"])
def test_tc3_vector(vector):
    inputs = vector["inputs"]
    unsigned = inputs.get("headers", {}).get("X-TC-Content-SHA256") == UNSIGNED
    body = UNSIGNED if unsigned else inputs["body"]
    digest = sign.payload_hash(body.encode())
    assert digest == vector["hashed_payload"]
    text = sign.canonical_request(inputs["method"], inputs["uri"], inputs["query"],
                                  vector_headers(inputs), digest)
    assert text == vector["canonical_request"]
    to_sign = sign.string_to_sign(inputs["timestamp"], inputs["service"], text)
    assert to_sign == vector["string_to_sign"]
    keys = sign.derived_keys(inputs["secret_key"], sign.date_of(inputs["timestamp"]),
                             inputs["service"])
    assert [key.hex() for key in keys] == [vector["derived_keys"][name]
                                           for name in ("date", "service", "signing")]
    assert sign.signature(inputs["secret_key"], inputs["timestamp"], inputs["service"],
                          to_sign) == vector["signature"]


def test_what_is_signed_well_is_accepted(root):
    awkward = "a b+c*d~e/f%g&h=i?j#k'l(m)n!o\"p<q>r中文 ü 😀"
    ok(root("AddUser", Name="one", Remark=awkward, UseApi=0))
    assert ok(root("GetUser", Name="one"))["Remark"] == awkward
    raw = json.dumps({"Name": "two", "Remark": awkward}, ensure_ascii=False).encode()
    ok(root.tc3("AddUser", body=raw, content_type="application/json; charset=utf-8"))
    assert ok(root("GetUser", Name="two"))["Remark"] == awkward
    ok(root.tc3("ListUsers", signed=("content-type", "host", "x-tc-action")))
    ok(root.tc3("ListUsers", x_tc_region=None))
    ok(root.tc3("ListUsers", x_tc_traceid="1", late=[("X-TC-RequestClient", "any text")]))


NOW = int(time.time())


@pytest.mark.parametrize("name, arguments, code", [
    ("wrong secret", {"secret": "other"}, "AuthFailure.SignatureFailure"),
    ("another time than signed", {"late": [("X-TC-Timestamp", str(NOW - 60))]},
     "AuthFailure.SignatureFailure"),
    ("another content type than signed",
     {"late": [("Content-Type", "application/json; charset=utf-8")]},
     "AuthFailure.SignatureFailure"),
    ("another host than signed", {"late": [("Host", "cam.tencentcloudapi.com")]},
     "AuthFailure.SignatureFailure"),
    ("scope of another day", {"scope": day(NOW - 86400) + "/cam/tc3_request"},
     "AuthFailure.SignatureFailure"),
    ("scope of another service", {"scope": day(NOW) + "/sts/tc3_request"},
     "AuthFailure.SignatureFailure"),
    ("scope that ends otherwise", {"scope": day(NOW) + "/cam/tc4_request"},
     "AuthFailure.InvalidAuthorization"),
    ("host not signed", {"signed": ["content-type"]}, "AuthFailure.InvalidAuthorization"),
    ("list not sorted", {"signed": ["host", "content-type"]}, "AuthFailure.InvalidAuthorization"),
    ("no Authorization of this scheme", {"authorization": "Basic eDp5"},
     "AuthFailure.InvalidAuthorization"),
    ("unsigned", {"authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
    ("a header twice", {"late": [("X-TC-Version", "2019-01-16")] * 2}, "InvalidRequest"),
    ("no Authorization", {"late": [("Authorization", "")]}, "MissingParameter"),
    ("too old", {"x_tc_timestamp": str(NOW - 400)}, "AuthFailure.SignatureExpire"),
    ("too new", {"x_tc_timestamp": str(NOW + 400)}, "AuthFailure.SignatureExpire"),
    ("milliseconds", {"x_tc_timestamp": str(NOW * 1000)}, "InvalidParameter"),
    ("token with a key pair", {"x_tc_token": "x"}, "AuthFailure.TokenFailure"),
    ("no timestamp", {"x_tc_timestamp": None}, "MissingParameter"),
    ("no action", {"x_tc_action": None}, "MissingParameter"),
    ("no version", {"x_tc_version": None}, "MissingParameter"),
    ("wrong version", {"x_tc_version": "2018-08-13"}, "NoSuchVersion"),
    ("unknown action", {"x_tc_action": "CreateUser"}, "InvalidAction"),
    ("action in other case", {"x_tc_action": "listusers"}, "InvalidAction"),
    ("region that is none", {"x_tc_region": "somewhere"}, "UnsupportedRegion"),
    ("language that is none", {"x_tc_language": "de-DE"}, "InvalidParameter"),
    ("GET", {"method": "GET"}, "UnsupportedProtocol"),
    ("a query", {"target": "/?Action=ListUsers"}, "InvalidRequest"),
    ("a form", {"content_type": "application/x-www-form-urlencoded"}, "InvalidRequest"),
    ("content type in other spelling", {"content_type": "application/json;charset=utf-8"},
     "InvalidRequest"),
    ("no body", {"body": b""}, "InvalidRequest"),
    ("a list", {"body": b"[]"}, "InvalidRequest"),
    ("not UTF-8", {"body": b'{"Name":"\xff"}'}, "InvalidRequest"),
    ("a member twice", {"body": b'{"Name":"a","Name":"a"}'}, "InvalidRequest"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_tc3_is_strict(root, name, arguments, code):
    refused(root.tc3("ListUsers", **arguments), code)


def test_sts_demands_a_region(root):
    refused(root.tc3("GetCallerIdentity", service="sts", x_tc_region=None), "MissingParameter")


def test_key_states(sim, root):
    refused(sim.caller(("AKIDnobody", "x"))("ListUsers"), "AuthFailure.SecretIdNotFound")
    made = ok(root("AddUser", Name="u", UseApi=1))
    user = sim.caller((made["SecretId"], made["SecretKey"]))
    identity = ok(user.identity())
    assert identity["Arn"] == "qcs::cam:100000000001:uin/%d" % made["Uin"]
    assert identity["AccountId"] == "100000000001" and identity["Type"] == "CAMUser"
    key = {"AccessKeyId": made["SecretId"], "TargetUin": made["Uin"]}
    ok(root("UpdateAccessKey", Status="Inactive", **key))
    refused(user.identity(), "AuthFailure.InvalidSecretId")
    ok(root("DeleteAccessKey", **key))
    refused(user.identity(), "AuthFailure.SecretIdNotFound")


def test_messages_are_chinese_unless_english_is_asked_for(root):
    reply = refused(root.tc3("GetUser", {"Name": "none"}, x_tc_language=None),
                    "ResourceNotFound.UserNotExist")
    assert reply.message == "用户不存在。"
    assert root("GetUser", Name="none").message == "The user does not exist."
    reply = root.tc3("GetUser", {"Name": 1}, x_tc_language="zh-CN")
    assert reply.message == "参数 `Name` 取值类型错误。参数类型应为 `string`"


# --- parameters ---

@pytest.mark.parametrize("action, params, code", [
    ("GetUser", {}, "MissingParameter"),
    ("GetUser", {"Name": "leasehold-root", "name": "x"}, "UnknownParameter"),
    ("GetUser", {"Name": 1}, "InvalidParameter"),
    ("GetUser", {"Name": None}, "InvalidParameter"),
    ("AddUser", {"Name": "a", "UseApi": "1"}, "InvalidParameter"),
    ("AddUser", {"Name": "a", "UseApi": True}, "InvalidParameter"),
    ("AddUser", {"Name": "a", "UseApi": 2}, "InvalidParameter.ParamError"),
    ("AttachUserPolicy", {"PolicyId": 16313001, "AttachUin": "100010000001"}, "InvalidParameter"),
    ("AttachUserPolicy", {"PolicyId": 16313001, "TargetUin": 1}, "UnknownParameter"),
    ("DetachUserPolicy", {"PolicyId": 16313001, "AttachUin": 1}, "UnknownParameter"),
    ("DeletePolicy", {"PolicyId": 1}, "InvalidParameter"),
    ("DeletePolicy", {"PolicyId": ["1"]}, "InvalidParameter"),
    ("DeletePolicy", {"PolicyId": []}, "InvalidParameter.PolicyIdError"),
    ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": {}}, "InvalidParameter"),
    ("ListUsers", {"Rp": 1}, "UnknownParameter"),
], ids=str)
def test_members_and_their_types(root, action, params, code):
    refused(root.tc3(action, params), code)

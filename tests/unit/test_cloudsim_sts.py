# SPDX-License-Identifier: Apache-2.0
"""The cloud simulator: STS, OIDC and the instance metadata service.

The one idea: every credential that these hand out must work, and only as long as it should.
"""
import http.client
import json
from urllib.parse import urlsplit

import pytest

from cloud_replies import refused
from cloudsim.caller import iso

ROLE = "acs:ram::1000000000000001:role/"
SCHEMES = ("v3", "v1")


def assume(caller, role="reader", name="session", **more):
    return caller.sts("AssumeRole", RoleArn=role if ":" in role else ROLE + role,
                      RoleSessionName=name, **more)


def session_caller(sim, credentials):
    return sim.caller((credentials["AccessKeyId"], credentials["AccessKeySecret"]),
                      credentials["SecurityToken"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_works(sim, root, scheme):
    reply = assume(root)
    assert reply.status == 200, reply
    assert reply["AssumedRoleUser"]["Arn"] == ROLE + "reader/session"
    credentials = reply["Credentials"]
    assert credentials["AccessKeyId"].startswith("STS.")
    assert abs(len(credentials["SecurityToken"]) - 700) < 10
    assert iso(3590) < credentials["Expiration"] < iso(3610)
    session = session_caller(sim, credentials)
    body = getattr(session, scheme)("GetCallerIdentity", {}, "sts").body
    assert body["IdentityType"] == "AssumedRoleUser" and body["RoleId"]
    assert getattr(session, scheme)("ListUsers", {}).status == 200


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tokens_are_checked(sim, root, scheme):
    one, two = (assume(root)["Credentials"] for _ in range(2))
    pair = (one["AccessKeyId"], one["AccessKeySecret"])

    def identity(token):
        return getattr(sim.caller(pair, token), scheme)("GetCallerIdentity", {}, "sts")
    refused(identity(None), "MissingSecurityToken", 400)
    refused(identity("CAISnonsense"), "InvalidSecurityToken.Malformed")
    refused(identity(two["SecurityToken"]), "InvalidSecurityToken.MismatchWithAccessKey")
    assert identity(one["SecurityToken"]).status == 200
    old = sim.edit("session", role="reader", seconds=-1)
    refused(sim.caller((old["id"], old["secret"]), old["token"]).sts("GetCallerIdentity"),
            "InvalidSecurityToken.Expired")


@pytest.mark.parametrize("change, code, status", [
    ({"role": "nonsense:"}, "InvalidParameter.RoleArn", 400),
    ({"role": "none"}, "EntityNotExist.Role", 404),
    ({"role": "closed"}, "NoPermission", 403),
    ({"name": "x"}, "InvalidParameter.RoleSessionName", 400),
    ({"name": "a b"}, "InvalidParameter.RoleSessionName", 400),
    ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds", 400),
    ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds", 400),
    ({"Policy": "{"}, "InvalidParameter.PolicyGrammar", 400),
    ({"ExternalId": "!"}, "InvalidParameter.ExternalId", 400),
], ids=str)
def test_assume_role_checks(root, change, code, status):
    refused(assume(root, **change), code, status)


def test_who_may_assume(sim, root):
    refused(assume(sim.caller(sim.account_key)), "NoPermission", 403)
    assert sim.caller(sim.account_key).sts("GetCallerIdentity")["IdentityType"] == "Account"
    assert assume(root, "long", DurationSeconds=43200).status == 200
    shared = ROLE + "shared"
    refused(assume(root, shared), "NoPermission")
    second = sim.caller(sim.second_root_key)
    refused(assume(second, shared), "NoPermission")
    assert assume(second, shared, ExternalId="expected").status == 200
    chained = session_caller(sim, assume(root)["Credentials"])
    assert assume(chained, "long").status == 200
    sim.edit("enforce", user="leasehold-root", document={"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Resource": "acs:ram:*:1000000000000001:role/reader"}]})
    assert assume(root).status == 200
    refused(assume(root, "long"), "NoPermission")


def test_a_session_policy_limits(sim, root):
    policy = json.dumps({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "ram:Get*", "Resource": "*"}]})
    session = session_caller(sim, assume(root, Policy=policy)["Credentials"])
    assert session("GetUser", UserName="leasehold-root").status == 200
    refused(session("ListUsers"), "NoPermission", 403)


def web_identity(root, sim, role="reader", provider=None, token=None, **claims):
    made = sim.edit("oidc_token", **claims)
    return root.unsigned("AssumeRoleWithOIDC", {
        "RoleArn": ROLE + role, "OIDCProviderArn": provider or made["arn"],
        "OIDCToken": token or made["token"], "RoleSessionName": "pod"})


def test_oidc(sim, root):
    reply = web_identity(root, sim, subject="system:serviceaccount:a:b")
    assert reply.status == 200, reply
    assert reply["OIDCTokenInfo"]["Subject"] == "system:serviceaccount:a:b"
    session = session_caller(sim, reply["Credentials"])
    assert session.sts("GetCallerIdentity").status == 200
    assert sim.calls("AssumeRoleWithOIDC")[0]["params"]["OIDCToken"] == "***"


@pytest.mark.parametrize("change, code", [
    ({"seconds": -5}, "AuthenticationFail.OIDCToken.Expired"),
    ({"audience": "other"}, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
    ({"token": "nonsense"}, "AuthenticationFail.OIDCToken.Invalid"),
    ({"role": "long"}, "AuthenticationFail.NoPermission"),
    ({"provider": "acs:ram::1000000000000001:oidc-provider/none"},
     "AuthenticationFail.NoPermission"),
], ids=str)
def test_oidc_checks(sim, root, change, code):
    refused(web_identity(root, sim, **change), code, 401)


def test_oidc_signature_and_nothing_else_goes_unsigned(sim, root):
    token = sim.edit("oidc_token")["token"]
    refused(web_identity(root, sim, token=token[:-4] + "AAAA"),
            "AuthenticationFail.OIDCToken.InvalidSignature", 401)
    refused(root.unsigned("GetCallerIdentity", {}), "IncompleteSignature")
    refused(root.unsigned("CreateUser", {"UserName": "x"}, service="ram",
                          Version="2015-05-01"), "IncompleteSignature")


# --- instance metadata ---

PATH = "/latest/meta-data/ram/security-credentials/"


class Instance:
    def __init__(self, sim):
        self.connection = http.client.HTTPConnection(urlsplit(sim.metadata_endpoint).netloc,
                                                     timeout=5)

    def __call__(self, path, method="GET", **headers):
        names = {"token": "X-aliyun-ecs-metadata-token",
                 "ttl": "X-aliyun-ecs-metadata-token-ttl-seconds"}
        self.connection.request(method, path, headers={names[k]: v for k, v in headers.items()})
        response = self.connection.getresponse()
        return response.status, response.read()


def test_metadata_plain_and_hardened(sim):
    ask = Instance(sim)
    assert ask(PATH)[0] == 404
    sim.configure(alicloud={"metadata": {"role": "instance"}})
    assert ask(PATH) == (200, b"instance")
    sim.configure(alicloud={"metadata": {"tokenless": False}})
    assert ask(PATH)[0] == 403
    assert ask("/latest/api/token", "PUT")[0] == 400
    assert ask("/latest/api/token", "PUT", ttl="21601")[0] == 400
    status, token = ask("/latest/api/token", "PUT", ttl="60")
    assert status == 200
    token = token.decode()
    assert ask(PATH, token="wrong")[0] == 401
    assert ask(PATH, token=token) == (200, b"instance")
    assert ask(PATH + "other", token=token)[0] == 404
    body = json.loads(ask(PATH + "instance", token=token)[1])
    assert body["Code"] == "Success" and body["LastUpdated"] < iso(5) < body["Expiration"]
    assert session_caller(sim, body)("ListUsers").status == 200
    sim.configure(alicloud={"metadata": {"token_service": False, "tokenless": True}})
    assert ask("/latest/api/token", "PUT", ttl="60")[0] == 404
    assert ask(PATH)[0] == 200
    assert sim.count("PutToken") == 4


def test_metadata_rotation_and_faults(sim):
    ask = Instance(sim)
    sim.configure(alicloud={"metadata": {"role": "instance", "seconds": 1000}})
    keys = [json.loads(ask(PATH + "instance")[1])["AccessKeyId"] for _ in range(2)]
    assert keys[0] == keys[1]
    sim.configure(alicloud={"metadata": {"rotate_seconds": 0}})
    keys = [json.loads(ask(PATH + "instance")[1])["AccessKeyId"] for _ in range(2)]
    assert keys[0] != keys[1]
    sim.fault("error", service="metadata", status=503, times=1)
    assert ask(PATH)[0] == 503
    assert ask(PATH)[0] == 200

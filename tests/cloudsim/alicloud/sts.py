# SPDX-License-Identifier: Apache-2.0
"""STS actions: AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity.

The one idea: a session is a key, a token and an end; who may begin one is said twice, by the
caller's permission and by the role's trust, and both are asked.
"""
import re

from .. import oidc
from ..access import parse, trusts
from . import check
from .actions import action
from .messages import fail

ROLE_ARN = re.compile(r"acs:ram::([0-9]+):role/([A-Za-z0-9.-]{1,64})\Z")
SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}\Z")
REASONS = {"malformed": "Invalid", "issuer": "Invalid", "signature": "InvalidSignature",
           "audience": "AudienceNotMatch", "expired": "Expired"}
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}\Z")


def find_role(world, arn):
    match = ROLE_ARN.match(arn)
    if not match:
        raise fail("InvalidParameter.RoleArn")
    account = world.accounts.get(match[1])
    role = account.roles.get(match[2]) if account else None
    if role is None:
        raise fail("EntityNotExist.Role", "The role not exists: " + arn)
    return account, role


def session_wish(params, role):
    """Checks name, duration and session policy; returns (seconds, policy or None)."""
    if not SESSION_NAME.match(params["RoleSessionName"]):
        raise fail("InvalidParameter.RoleSessionName")
    seconds = params.get("DurationSeconds", "3600")
    if not seconds.isdigit() or not 900 <= int(seconds) <= role.max_session:
        raise fail("InvalidParameter.DurationSeconds")
    policy = params.get("Policy")
    if policy is None:
        return int(seconds), None
    if not 1 <= len(policy) <= 2048 or check.grammar(policy):
        raise fail("InvalidParameter.PolicyGrammar")
    return int(seconds), parse(policy)


def credentials(cloud, session):
    return {"AccessKeyId": session.key.id, "AccessKeySecret": session.key.secret,
            "SecurityToken": session.token, "Expiration": cloud.clock.iso(session.expires)}


def role_user(cloud, account, role, name):
    if cloud.options["old_shapes"]:
        return {"arn": "acs:sts::%s:assumed-role/%s/%s" % (account.id, role.name, name),
                "AssumedRoleUserId": "%s:%s" % (role.id, name)}
    return {"Arn": "acs:ram::%s:role/%s/%s" % (account.id, role.name, name),
            "AssumedRoleId": "%s:%s" % (role.id, name)}


@action("sts", "AssumeRole", "RoleArn RoleSessionName",
        "DurationSeconds Policy ExternalId SourceIdentity", ("role",))
def assume_role(cloud, caller, params):
    if caller.user is None and caller.session is None:
        raise fail("NoPermission", "Roles may not be assumed by root accounts.")
    account, role = find_role(cloud.world, params["RoleArn"])
    seconds, policy = session_wish(params, role)
    external = params.get("ExternalId")
    if external is not None and not EXTERNAL_ID.match(external):
        raise fail("InvalidParameter.ExternalId")
    if not trusts(role, account, caller) \
            or role.trust.get("external_id", external) != external:
        raise fail("NoPermission")
    name = params["RoleSessionName"]
    session = cloud.world.new_session(account, role, name, seconds, policy,
                                      cloud.options["token_length"])
    result = {"AssumedRoleUser": role_user(cloud, account, role, name),
              "Credentials": credentials(cloud, session)}
    if "SourceIdentity" in params:
        result["SourceIdentity"] = params["SourceIdentity"]
    return result


def provider_arn(provider):
    return "acs:ram::%s:oidc-provider/%s" % (provider["account"], provider["name"])


def verified(provider, token, now):
    try:
        return oidc.verify(provider, token, now)
    except oidc.BadToken as problem:
        raise fail("AuthenticationFail.OIDCToken." + REASONS[str(problem)]) from None


@action("sts", "AssumeRoleWithOIDC", "RoleArn OIDCProviderArn OIDCToken RoleSessionName",
        "DurationSeconds Policy")
def assume_role_with_oidc(cloud, _caller, params):
    account, role = find_role(cloud.world, params["RoleArn"])
    seconds, policy = session_wish(params, role)
    provider = oidc.find(account, role, params["OIDCProviderArn"], provider_arn)
    if provider is None:
        raise fail("AuthenticationFail.NoPermission")
    claims = verified(provider, params["OIDCToken"], cloud.clock.now())
    name = params["RoleSessionName"]
    session = cloud.world.new_session(account, role, name, seconds, policy,
                                      cloud.options["token_length"])
    return {"AssumedRoleUser": role_user(cloud, account, role, name),
            "Credentials": credentials(cloud, session),
            "OIDCTokenInfo": {
                "Issuer": claims["iss"], "Subject": claims["sub"], "ClientIds": claims["aud"],
                "IssuanceTime": cloud.clock.iso(claims["iat"]),
                "ExpirationTime": cloud.clock.iso(claims["exp"]), "VerificationInfo": "Success"}}


@action("sts", "GetCallerIdentity")
def get_caller_identity(_cloud, caller, _params):
    account = caller.account.id
    if caller.session is not None:
        session = caller.session
        return {"AccountId": account, "IdentityType": "AssumedRoleUser",
                "Arn": "acs:ram::%s:assumed-role/%s/%s" % (account, session.role.name,
                                                           session.name),
                "PrincipalId": "%s:%s" % (session.role.id, session.name),
                "RoleId": session.role.id}
    if caller.user is not None:
        return {"AccountId": account, "IdentityType": "RAMUser",
                "Arn": "acs:ram::%s:user/%s" % (account, caller.user.name),
                "PrincipalId": caller.user.id, "UserId": caller.user.id}
    return {"AccountId": account, "IdentityType": "Account",
            "Arn": "acs:ram::%s:root" % account, "PrincipalId": account, "UserId": account}

# SPDX-License-Identifier: Apache-2.0
"""STS actions: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity.

The one idea: a session is a key, a token and an end; who may begin one is said twice, by the
caller's permission and by the role's trust, and both are asked.
"""
import re
from urllib.parse import unquote

from .. import documents, oidc
from ..access import trusts
from . import check
from .actions import action
from .messages import fail

ROLE_ARN = re.compile(r"qcs::cam::uin/([0-9]+):(roleName|role)/([A-Za-z0-9._/-]{1,128})\Z")
SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,128}\Z")
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,128}\Z")
LONGEST = 43200


def find_role(cloud, arn):
    match = ROLE_ARN.match(arn)
    if not match:
        raise fail("InternalError.IllegalRole", "The role's name has another form.")
    account = cloud.world.accounts.get(match[1])
    for role in account.roles.values() if account else ():
        if match[3] == (role.name if match[2] == "roleName" else role.id):
            return account, role
    raise fail(cloud.options["role_gone"])


def session_wish(cloud, params, role):
    """Checks name, duration and session policy; returns (seconds, policy or None)."""
    check.matches(params, "RoleSessionName", SESSION_NAME)
    seconds = params.get("DurationSeconds", min(7200, role.max_session))
    if seconds < cloud.options["session_min_seconds"]:
        raise fail("InvalidParameter.ParamError")
    if seconds > min(LONGEST, role.max_session):
        raise fail("InvalidParameter.OverTimeError")
    return seconds, _session_policy(cloud, params.get("Policy"))


def _session_policy(cloud, text):
    """Percent-encoded once; as plain JSON only if the options say so."""
    if text is None:
        return None
    plain = unquote(text)
    if len(plain) > cloud.objects["session_policy_chars"]:
        raise fail("InvalidParameter.PolicyTooLong")
    if text.startswith("{") and cloud.options["plain_policy"] == "refused":
        raise fail("InvalidParameter.StrategyFormatError")
    problem = check.grammar(plain)
    if problem:
        raise fail("InvalidParameter.StrategyFormatError" if problem == "PolicyDocumentError"
                   else "InvalidParameter.StrategyInvalid")
    return documents.load(plain)


def _begin(cloud, account, role, name, wish):
    session = cloud.world.new_session(account, role, name, *wish, cloud.options["token_length"])
    return {"Credentials": {"Token": session.token, "TmpSecretId": session.key.id,
                            "TmpSecretKey": session.key.secret},
            "ExpiredTime": int(session.expires), "Expiration": cloud.clock.iso(session.expires)}


def _check_tags(tags):
    keys = [tag["Key"] for tag in tags]
    good = len(tags) <= 50 and len(set(keys)) == len(keys) and all(
        1 <= len(tag["Key"]) <= 128 and len(tag["Value"]) <= 256 for tag in tags)
    if not good:
        raise fail("InvalidParameter.ParamError")


@action("sts", "AssumeRole",
        "RoleArn* RoleSessionName* DurationSeconds:int Policy ExternalId Tags:tags SourceIdentity "
        "SerialNumber TokenCode", lambda _caller, params: params["RoleArn"])
def assume_role(cloud, caller, params):
    account, role = find_role(cloud, params["RoleArn"])
    wish = session_wish(cloud, params, role)
    external = check.matches(params, "ExternalId", EXTERNAL_ID)
    _check_tags(params.get("Tags", []))
    if not trusts(role, account, caller) \
            or role.trust.get("external_id", external) != external:
        raise fail("UnauthorizedOperation", "The role does not trust the caller.")
    return _begin(cloud, account, role, params["RoleSessionName"], wish)


@action("sts", "AssumeRoleWithWebIdentity",
        "ProviderId* WebIdentityToken* RoleArn* RoleSessionName* DurationSeconds:int", None)
def assume_role_with_web_identity(cloud, _caller, params):
    account, role = find_role(cloud, params["RoleArn"])
    wish = session_wish(cloud, params, role)
    provider = oidc.find(account, role, params["ProviderId"], provider_id)
    if provider is None:
        raise fail("UnauthorizedOperation", "The role does not trust the provider.")
    try:
        oidc.verify(provider, params["WebIdentityToken"], cloud.clock.now())
    except oidc.BadToken as problem:
        raise fail("InvalidParameter.WebIdentityTokenError", "The token: %s." % problem) from None
    return _begin(cloud, account, role, params["RoleSessionName"], wish)


def provider_id(provider):
    return provider["name"]


@action("sts", "GetCallerIdentity")
def get_caller_identity(_cloud, caller, _params):
    owner = caller.account.id
    if caller.session is not None:
        role, name = caller.session.role, caller.session.name
        return {"Type": "CAMRole", "AccountId": owner, "UserId": "%s:%s" % (role.id, name),
                "PrincipalId": owner, "Arn": "qcs::sts:%s:assumed-role/%s" % (owner, role.id)}
    uin = str(caller.user.uin) if caller.user else owner
    return {"Type": "CAMUser", "AccountId": owner, "UserId": uin, "PrincipalId": uin,
            "Arn": "qcs::cam:%s:uin/%s" % (owner, uin)}

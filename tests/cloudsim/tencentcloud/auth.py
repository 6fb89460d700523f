# SPDX-License-Identifier: Apache-2.0
"""Who is calling? Headers, action, timestamp, signature, key status and session token.

The one idea: strict where the service is known or suspected to be strict (one form of the
Authorization header, one of the content types), so that what passes here passes anywhere.
"""
import hmac
import re

from ..model import Caller
from . import sign
from .actions import TABLE, VERSIONS
from .messages import fail, missing

AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/ ,]+)/[0-9-]{10}/[a-z0-9]+/tc3_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})\Z")
REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+){1,2}\Z")
NEEDED = ("Host", "Content-Type", "X-TC-Action", "X-TC-Version", "X-TC-Timestamp",
          "Authorization")
CONTENT_TYPES = ("application/json", "application/json; charset=utf-8")
UNSIGNED = {("sts", "AssumeRoleWithWebIdentity")}


def authenticate(cloud, incoming):
    """Returns the Caller; raises what the real service would answer."""
    request = incoming.request
    _check_form(cloud, incoming)
    moment = timestamp(cloud, request.get("x-tc-timestamp"))
    if request.get("authorization") == "SKIP":
        if (incoming.service, incoming.action) not in UNSIGNED or request.get("x-tc-token"):
            raise fail("AuthFailure.InvalidAuthorization")
        return Caller()
    key_id, canonical, signature = parts(incoming)
    key, caller = _find(cloud, key_id)
    to_sign = sign.string_to_sign(moment, incoming.service, canonical)
    wanted = sign.signature(key.secret, moment, incoming.service, to_sign)
    if not hmac.compare_digest(wanted, signature):
        raise fail("AuthFailure.SignatureFailure")
    _check_token(cloud, caller, request.get("x-tc-token"))
    key.last_used = cloud.world.date()
    incoming.account = caller.account.id
    return caller


def _check_form(cloud, incoming):
    request = incoming.request
    if request.method != "POST":
        raise fail("UnsupportedProtocol")
    if request.path != "/" or request.query:
        raise fail("InvalidRequest", "The target must be \"/\".")
    for name in NEEDED + (("X-TC-Region",) if incoming.service in cloud.options["regions"] else ()):
        if not request.get(name.lower()):
            raise missing(name)
        if len(request.all(name.lower())) != 1:
            raise fail("InvalidRequest", "Header %s must be sent exactly once." % name)
    if request.get("content-type") not in CONTENT_TYPES:
        raise fail("InvalidRequest", "The content type is not one of JSON.")
    if not REGION.match(request.get("x-tc-region", "ap-guangzhou")):
        raise fail("UnsupportedRegion")
    if incoming.extra["language"] not in ("zh-CN", "en-US"):
        raise fail("InvalidParameter", "X-TC-Language is not one of the two.")
    if (incoming.service, incoming.action) not in TABLE:
        raise fail("InvalidAction")
    if request.get("x-tc-version") != VERSIONS[incoming.service]:
        raise fail("NoSuchVersion")
    if incoming.error:
        raise incoming.error


def timestamp(cloud, text):
    if not re.match(r"[1-9][0-9]{0,10}\Z", text):
        raise fail("InvalidParameter", "X-TC-Timestamp is not a number of seconds.")
    if abs(int(text) - cloud.clock.now()) > cloud.options["window"]:
        raise fail("AuthFailure.SignatureExpire")
    return int(text)


def parts(incoming):
    """(key id, canonical request, signature) of a request; raises if it has another form.

    A scope of another day or service is no error of its own: what we sign has the right one."""
    request = incoming.request
    match = AUTHORIZATION.match(request.get("authorization", ""))
    if not match:
        raise fail("AuthFailure.InvalidAuthorization")
    signed = match[2].split(";")
    if signed != sorted(set(signed)) or not {"content-type", "host"} <= set(signed) \
            or any(len(request.all(name)) != 1 for name in signed):
        raise fail("AuthFailure.InvalidAuthorization", "SignedHeaders is not right.")
    headers = [(name, request.get(name)) for name in signed]
    return match[1], sign.canonical_request(request.method, request.path, request.query, headers,
                                            sign.payload_hash(request.body)), match[3]


def _find(cloud, key_id):
    """Key id → (key, caller)."""
    world = cloud.world
    session = world.sessions.get(key_id)
    if session is not None:
        return session.key, Caller(session.account, None, session, key_id)
    entry = world.find_key(key_id)
    if entry is None or world.unseen(entry[0], cloud.consistency["key_use_ms"]):
        raise fail("AuthFailure.SecretIdNotFound")
    key, account, user = entry
    if key.status != "Active":
        raise fail("AuthFailure.InvalidSecretId", "The SecretId is disabled.")
    return key, Caller(account, user, None, key.id)


def _check_token(cloud, caller, token):
    """A session's key needs its own token while that is valid; other keys need none."""
    session = caller.session
    if session is None:
        if token is not None:
            raise fail("AuthFailure.TokenFailure", "The SecretId is not a temporary one.")
        return
    if token != session.token:
        raise fail("AuthFailure.TokenFailure")
    if session.expires <= cloud.clock.now():
        raise fail("AuthFailure.TokenFailure", "The token has expired.")

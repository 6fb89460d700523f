# SPDX-License-Identifier: Apache-2.0
"""Who is calling? Both signature schemes, date, nonce, key status and session token.

The one idea: strict where the service is known or suspected to be strict (every x-acs-* header
and content-type must be signed, the list sorted), so that what passes here passes anywhere.
"""
import hmac
import re
import time
from collections import deque

from ..clock import parse_iso
from ..model import Caller
from . import sign
from .messages import fail

AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([A-Za-z0-9._-]+),"
                           r"SignedHeaders=([a-z0-9;_-]+),Signature=([0-9a-f]{64})\Z")
NEEDED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
          "x-acs-content-sha256")
V1_NEEDED = ("Action", "Version", "AccessKeyId", "SignatureMethod", "SignatureVersion",
             "SignatureNonce", "Timestamp")
UNSIGNED = {("sts", "AssumeRoleWithOIDC")}


class Nonces:
    """Nonces seen in the last hour, which is longer than any signature is valid."""

    def __init__(self):
        self.seen, self.order = set(), deque()

    def use(self, nonce):
        now = time.monotonic()
        while self.order and self.order[0][0] < now - 3600:
            self.seen.discard(self.order.popleft()[1])
        if nonce in self.seen:
            raise fail("SignatureNonceUsed")
        self.seen.add(nonce)
        self.order.append((now, nonce))


def authenticate(cloud, incoming):
    """Returns the Caller; raises what the real service would answer."""
    if incoming.error:
        raise incoming.error
    if incoming.request.path != "/" or incoming.request.method not in ("GET", "POST"):
        raise fail("InvalidAction.NotFound" if incoming.request.path != "/"
                   else "UnsupportedHTTPMethod")
    if incoming.scheme == "none":
        if (incoming.service, incoming.action) in UNSIGNED:
            return _unsigned(cloud, incoming)
        raise fail("IncompleteSignature")
    if incoming.scheme not in cloud.options["schemes"]:
        raise fail("InvalidSignatureMethod")
    return {"acs3": _acs3, "v1": _v1}[incoming.scheme](cloud, incoming)


def _unsigned(cloud, incoming):
    common = incoming.extra.get("common", {})
    if "Timestamp" in common:
        _check_date(cloud, common["Timestamp"], cloud.options["v1_window"])
    return Caller()


# --- ACS3 ---

def _incomplete(reason):
    return fail("IncompleteSignature", "The request signature does not conform to Aliyun "
                                       "standards. " + reason)


def acs3_parts(request):
    """(key id, canonical request, signature) of a request; raises IncompleteSignature."""
    if len(request.all("authorization")) != 1:
        raise _incomplete("Exactly one Authorization header is needed.")
    match = AUTHORIZATION.match(request.get("authorization"))
    if not match:
        raise _incomplete("The Authorization header is malformed.")
    signed = match[2].split(";")
    _check_signed_headers(request, signed)
    digest = sign.payload_hash(request.body)
    if request.get("x-acs-content-sha256") != digest:
        raise _incomplete("x-acs-content-sha256 is not the hash of the body.")
    headers = {name: request.get(name) for name in signed}
    return match[1], headers, signed, digest, match[3]


def _check_signed_headers(request, signed):
    if signed != sorted(set(signed)):
        raise _incomplete("SignedHeaders must be sorted, each name once.")
    needed = set(NEEDED) | {name for name in request.index
                            if name.startswith("x-acs-") or name == "content-type"}
    for name in sorted(needed | set(signed)):
        if name not in signed:
            raise _incomplete("Header %s is not signed." % name)
        if len(request.all(name)) != 1:
            raise _incomplete("Header %s must be sent exactly once." % name)


def canonical(incoming, headers, signed, digest):
    request = incoming.request
    return sign.acs3_canonical_request(request.method, request.path, incoming.extra["query"],
                                       headers, signed, digest)


def _acs3(cloud, incoming):
    request = incoming.request
    key_id, headers, signed, digest, signature = acs3_parts(request)
    if cloud.options["strict_wire"] and request.query != sign.canonical_query(
            incoming.extra["query"]):
        raise _incomplete("The query on the wire is not the canonical query.")
    _check_date(cloud, headers["x-acs-date"], cloud.options["window"])
    key, caller = _find(cloud, key_id, headers.get("x-acs-security-token"))
    text = canonical(incoming, headers, signed, digest)
    to_sign = sign.acs3_string_to_sign(text)
    if not hmac.compare_digest(sign.acs3_signature(key.secret, to_sign), signature):
        raise acs3_mismatch(to_sign, text)
    return _admit(cloud, incoming, key, caller, headers["x-acs-signature-nonce"])


def acs3_mismatch(to_sign, text):
    return fail("SignatureDoesNotMatch", "Specified signature does not match our calculation. "
                "server StringToSign is [%s] server CanonicalRequest is [%s]" % (to_sign, text))


# --- V1 ---

def v1_string(incoming):
    pairs = [(k, v) for k, v in incoming.extra["query"] + incoming.extra["form"]
             if k != "Signature"]
    return sign.v1_string_to_sign(incoming.request.method, pairs)


def _v1(cloud, incoming):
    common = incoming.extra["common"]
    for name in V1_NEEDED:
        if not common.get(name):
            raise fail("MissingParameter", "%s is mandatory for this action." % name)
    if common["SignatureMethod"] != "HMAC-SHA1":
        raise fail("InvalidSignatureMethod")
    if common["SignatureVersion"] != "1.0":
        raise _incomplete("SignatureVersion must be 1.0.")
    _check_date(cloud, common["Timestamp"], cloud.options["v1_window"])
    key, caller = _find(cloud, common["AccessKeyId"], common.get("SecurityToken"))
    to_sign = v1_string(incoming)
    if not hmac.compare_digest(sign.v1_signature(key.secret, to_sign).encode(),
                               common["Signature"].encode()):
        raise v1_mismatch(to_sign)
    return _admit(cloud, incoming, key, caller, common["SignatureNonce"])


def v1_mismatch(to_sign):
    return fail("SignatureDoesNotMatch", "Specified signature is not matched with our "
                "calculation. server string to sign is:" + to_sign)


# --- common ---

def _check_date(cloud, text, window):
    try:
        moment = parse_iso(text)
    except ValueError:
        raise fail("InvalidTimeStamp.Format") from None
    if abs(moment - cloud.clock.now()) > window:
        raise fail("InvalidTimeStamp.Expired")


def _find(cloud, key_id, token):
    """Key id (and token) → (key, caller)."""
    world = cloud.world
    if key_id.startswith("STS."):
        return _find_session(cloud, world, key_id, token)
    entry = world.find_key(key_id)
    if entry is None or world.unseen(entry[0], cloud.consistency["key_use_ms"]):
        raise fail("InvalidAccessKeyId.NotFound")
    key, account, user = entry
    if token is not None:
        raise fail("InvalidSecurityToken.MismatchWithAccessKey")
    if key.status != "Active":
        raise fail("InvalidAccessKeyId.Inactive")
    return key, Caller(account, user, None, key.id)


def _find_session(cloud, world, key_id, token):
    if token is None:
        raise fail("MissingSecurityToken")
    session = world.tokens.get(token)
    if session is None:
        raise fail("InvalidSecurityToken.Malformed")
    if session.key.id != key_id:
        raise fail("InvalidSecurityToken.MismatchWithAccessKey")
    if session.expires <= cloud.clock.now():
        raise fail("InvalidSecurityToken.Expired")
    return session.key, Caller(session.account, None, session, key_id)


def _admit(cloud, incoming, key, caller, nonce):
    cloud.nonces.use(nonce)
    key.last_used = cloud.clock.iso()
    incoming.account = caller.account.id
    return caller

# SPDX-License-Identifier: Apache-2.0
"""OIDC tokens: minted for tests, verified for AssumeRoleWithOIDC.

The one idea: signed with a secret that only the simulator knows (HS256); the real service fetches
public keys from the issuer, which a client cannot tell apart.
"""
import base64
import hashlib
import hmac
import json

from .messages import fail


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _seal(provider, text):
    return _encode(hmac.new(provider["secret"].encode(), text.encode(), hashlib.sha256).digest())


def arn(provider):
    return "acs:ram::%s:oidc-provider/%s" % (provider["account"], provider["name"])


def find_provider(world, wanted):
    for account in world.accounts.values():
        for provider in account.providers.values():
            if arn(provider) == wanted:
                return provider
    raise fail("AuthenticationFail.NoPermission")


def mint(provider, now, subject="system:serviceaccount:default:leasehold", audience=None,
         seconds=3600):
    """A token that verify() accepts; a negative lifetime makes an expired one."""
    claims = {"iss": provider["issuer"], "sub": subject,
              "aud": audience or provider["client_ids"][0],
              "iat": int(now) - 1, "exp": int(now + seconds)}
    text = _encode(b'{"alg":"HS256","typ":"JWT"}') + "." + _encode(json.dumps(claims).encode())
    return text + "." + _seal(provider, text)


def verify(provider, token, now):
    if not 4 <= len(token) <= 20000:
        raise fail("AuthenticationFail.OIDCToken.Invalid")
    text, _, seal = token.rpartition(".")
    try:
        claims = json.loads(_decode(text.split(".")[1]))
        issuer, audience, end = claims["iss"], claims["aud"], claims["exp"]
    except (ValueError, IndexError, KeyError, TypeError):
        raise fail("AuthenticationFail.OIDCToken.Invalid") from None
    if not hmac.compare_digest(seal, _seal(provider, text)):
        raise fail("AuthenticationFail.OIDCToken.InvalidSignature")
    if issuer != provider["issuer"]:
        raise fail("AuthenticationFail.OIDCToken.Invalid")
    if audience not in provider["client_ids"]:
        raise fail("AuthenticationFail.OIDCToken.AudienceNotMatch")
    if end <= now:
        raise fail("AuthenticationFail.OIDCToken.Expired")
    return claims

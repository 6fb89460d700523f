# SPDX-License-Identifier: Apache-2.0
"""OIDC tokens: minted for tests, verified when a role is assumed with one.

The one idea: signed with a secret that only the simulator knows (HS256); the real service fetches
public keys from the issuer, which a client cannot tell apart.
"""
import base64
import hashlib
import hmac
import json


class BadToken(Exception):
    """Its text is "malformed", "signature", "issuer", "audience" or "expired"."""


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _seal(provider, text):
    return _encode(hmac.new(provider["secret"].encode(), text.encode(), hashlib.sha256).digest())


def find(account, role, wanted, name_of):
    """The provider of that name which the role trusts, or None."""
    for provider in account.providers.values():
        if name_of(provider) == wanted and provider["name"] in role.trust.get("oidc", ()):
            return provider
    return None


def mint(provider, now, subject="system:serviceaccount:default:leasehold", audience=None,
         seconds=3600):
    """A token that verify() accepts; a negative lifetime makes an expired one."""
    claims = {"iss": provider["issuer"], "sub": subject,
              "aud": audience or provider["client_ids"][0],
              "iat": int(now) - 1, "exp": int(now + seconds)}
    text = _encode(b'{"alg":"HS256","typ":"JWT"}') + "." + _encode(json.dumps(claims).encode())
    return text + "." + _seal(provider, text)


def verify(provider, token, now):
    """The claims of a token that holds; raises BadToken."""
    if not 4 <= len(token) <= 20000:
        raise BadToken("malformed")
    text, _, seal = token.rpartition(".")
    try:
        claims = json.loads(_decode(text.split(".")[1]))
        issuer, audience, end = claims["iss"], claims["aud"], claims["exp"]
    except (ValueError, IndexError, KeyError, TypeError):
        raise BadToken("malformed") from None
    if not hmac.compare_digest(seal.encode(), _seal(provider, text).encode()):
        raise BadToken("signature")
    if issuer != provider["issuer"]:
        raise BadToken("issuer")
    if audience not in provider["client_ids"]:
        raise BadToken("audience")
    if end <= now:
        raise BadToken("expired")
    return claims

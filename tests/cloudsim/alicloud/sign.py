# SPDX-License-Identifier: Apache-2.0
"""The two signature schemes, ACS3-HMAC-SHA256 and RPC-HMAC-SHA1 (V1), as pure functions.

The one idea: written from the description of the schemes alone, so that a mistake in the code
under test cannot be repeated here; the vectors in tests/vectors check both.
"""
import base64
import hashlib
import hmac
from urllib.parse import quote

ACS3 = "ACS3-HMAC-SHA256"


def percent(text):
    """RFC 3986: everything but letters, digits and -_.~ becomes %XX of its UTF-8 bytes."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")


def canonical_query(pairs):
    encoded = sorted((percent(name), percent(value)) for name, value in pairs)
    return "&".join(name + "=" + value for name, value in encoded)


def payload_hash(body):
    return hashlib.sha256(body).hexdigest()


def acs3_canonical_request(method, path, pairs, headers, signed, body_hash):
    """headers: lower-case name → trimmed value; signed: the names in the order of the list."""
    block = "".join("%s:%s\n" % (name, headers[name]) for name in signed)
    return "\n".join((method, path, canonical_query(pairs), block, ";".join(signed), body_hash))


def acs3_string_to_sign(canonical_request):
    digest = hashlib.sha256(canonical_request.encode("utf-8", "surrogateescape")).hexdigest()
    return ACS3 + "\n" + digest


def acs3_signature(secret, string_to_sign):
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def v1_string_to_sign(method, pairs):
    """pairs: all parameters of query and form but Signature."""
    return method + "&%2F&" + percent(canonical_query(pairs))


def v1_signature(secret, string_to_sign):
    digest = hmac.new((secret + "&").encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()

# SPDX-License-Identifier: Apache-2.0
"""The signature scheme TC3-HMAC-SHA256, as pure functions.

The one idea: written from the description of the scheme alone, so that a mistake in the code under
test cannot be repeated here; the vectors in tests/vectors check both.
"""
import hashlib
import hmac
import time

TC3 = "TC3-HMAC-SHA256"


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _mac(key, text):
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)


def payload_hash(body):
    return _digest(body)


def canonical_request(method, path, query, headers, body_hash):
    """headers: (name, value) pairs in the order of the signed list; both are lower-cased."""
    block = "".join("%s:%s\n" % (name.lower(), value.strip().lower()) for name, value in headers)
    names = ";".join(name.lower() for name, _ in headers)
    return "\n".join((method, path, query, block, names, body_hash))


def date_of(timestamp):
    """The UTC day of a number of seconds since 1970."""
    return time.strftime("%Y-%m-%d", time.gmtime(timestamp))


def scope(timestamp, service):
    return "%s/%s/tc3_request" % (date_of(timestamp), service)


def string_to_sign(timestamp, service, canonical):
    hashed = _digest(canonical.encode("utf-8", "surrogateescape"))
    return "\n".join((TC3, str(timestamp), scope(timestamp, service), hashed))


def derived_keys(secret, date, service):
    """The keys of the day, of the service, and the one that signs."""
    day = _mac(("TC3" + secret).encode(), date).digest()
    of_service = _mac(day, service).digest()
    return day, of_service, _mac(of_service, "tc3_request").digest()


def signature(secret, timestamp, service, to_sign):
    return _mac(derived_keys(secret, date_of(timestamp), service)[2], to_sign).hexdigest()

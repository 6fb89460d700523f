# SPDX-License-Identifier: Apache-2.0
"""Odd values of a token's fields become what they became when they were recorded."""
import json
import os
import re

import pytest

from nginx import TOP
from tokens import Token, end

FILE = os.path.join(TOP, "tests", "vectors", "coercion.jsonl")
PREFIX = "Field validation failed: error converting input"

# field → how it is sent, and what is seen of it. `seen` of a duration holds the warnings as well.
FIELDS = {
    "token ttl (duration in text)": ("ttl", {"policies": ["default"]},
                                     lambda auth, _: [auth["lease_duration"], None]),
    "num_uses (int)": ("num_uses", {"policies": ["default"]}, lambda auth, _: auth["num_uses"]),
    "renewable (bool)": ("renewable", {"policies": ["default"]},
                         lambda auth, _: auth["renewable"]),
    "policies (list of text)": ("policies", {}, lambda auth, _: auth["policies"]),
    "meta (key-value pairs)": ("meta", {}, lambda auth, _: auth["metadata"]),
    "display_name (text)": ("display_name", {}, lambda _, data: data["display_name"]),
}

SHORT = "less than a second is refused; it is not taken for no time at all"
# field, value sent → reason and status.
DIFFERENCES = {
    ("ttl", '"10ms"'): (SHORT, 400),
    ("ttl", '"999us"'): (SHORT, 400),
}


def cases():
    with open(FILE, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [record for record in records if record["field"] in FIELDS]


def is_same_text(recorded, got):
    """Of what our coercion says itself only the beginning is the recorded one."""
    if recorded.startswith(PREFIX) and "invalid key pair" not in recorded:
        return got.startswith(re.match(r"[^:]*: [^:]*: ", recorded).group())
    return got == recorded


def create(server, name, value, rest):
    """The answer, and what the token's look-up shows of it."""
    reply = server.api("POST", "auth/token/create", {**rest, name: value})
    if reply.status != 200:
        return reply, None
    token = Token(server, reply["auth"])
    data = server.api("POST", "auth/token/lookup", {"token": token.text}).data
    end(server, token)
    return reply, data


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_values_are_taken_as_recorded(server, field):
    name, rest, see = FIELDS[field]
    others, odd = {sent: status for (each, sent), (_, status) in DIFFERENCES.items()
                   if each == name}, []
    for record in (record for record in cases() if record["field"] == field):
        sent = json.dumps(record["sent"])
        reply, data = create(server, name, record["sent"], rest)
        if reply.status == 200:
            same = record["status"] == 200 and see(reply["auth"], data) == record["seen"]
        else:
            same = record["status"] == reply.status and \
                is_same_text(record["seen"][0], reply.errors[0])
        expected = others.pop(sent, None)
        if expected is None if same else expected == reply.status:
            continue
        odd.append("%s: %s, recorded %s %s" % (sent, reply, record["status"], record["seen"]))
    assert not odd, "\n".join(odd)
    assert not others, "differences that were not met"

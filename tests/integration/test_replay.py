# SPDX-License-Identifier: Apache-2.0
"""Recorded requests get the recorded answers, but for the differences that have a reason."""
import json
import re

import pytest

from differences import DIFFERENCES
from harness import forget_policies
from replay import TOKENS, WRAPPED, Player, mismatches, names, recorded

TRUSTED, READER = "acs:ram::1234567890123456:role/trusted", "acs:ram::1000000000000001:role/reader"
TENCENT = [("uin/100021543888:", "uin/100000000001:"), ("roleName/trusted", "roleName/reader"),
           ("roleName/denied", "roleName/closed"), ("QcloudAFCFullAccess", "QcloudCOSFullAccess")]


def world(server, name):
    """What belonged to the recording's cloud, and what stands for it in ours."""
    key, secret = server.sim.root_key
    if name == "tencentcloud":
        return [("AKIDroot", key), ("tenRootSecret", secret), *TENCENT]
    return [("LTAIroot", key), ("aliRootSecret", secret), (TRUSTED, READER)]


def translated(value, replace):
    text = json.dumps(value)
    for old, new in replace:
        text = text.replace(old, new)
    return json.loads(text)


def compare(record, reply):
    texts = []
    if reply.status != record["status"]:
        texts.append("status: %d, recorded %d" % (reply.status, record["status"]))
    return texts + mismatches(record["body"], reply.body)


def is_ignored(text, places):
    return any(text.startswith(place) for place in places)


def judge(record, difference, reply):
    """What is wrong with the answer, as sentences."""
    texts = compare(record, reply)
    if not texts and "send" not in difference:
        return ["answered as recorded: this is no difference any more"]
    expected = difference.get("status", record["status"])
    if reply.status != expected:
        return ["status: %d instead of %d" % (reply.status, expected)]
    if "errors" in difference:
        return mismatches({"errors": difference["errors"]}, reply.body)
    if "pattern" in difference:
        return [] if re.fullmatch(difference["pattern"], reply.errors[0]) else reply.errors
    if "status" in difference:
        texts = [text for text in texts if not text.startswith("status")]
    return [text for text in texts if not is_ignored(text, difference.get("ignore", []))]


@pytest.mark.parametrize("name", names())
def test_recorded_requests_get_the_recorded_answers(request, name):
    server = request.getfixturevalue("tencent_server" if name == "tencentcloud" else "server")
    replace = world(server, name)
    player, wrong = Player(server, replace), []
    forget_policies(server)     # whose list is recorded
    for number, record in recorded(name):
        difference = DIFFERENCES[name].get(number)
        wish = dict(record["request"], **(difference or {}).get("send", {}))
        record = dict(record, body=translated(record["body"], replace))
        reply = player.play(wish, WRAPPED.get(name, {}).get(number, "w"),
                            TOKENS.get(name, {}).get(number, ()))
        texts = judge(record, difference, reply) if difference else compare(record, reply)
        wrong += ["%s, line %d, %s %s: %s" % (name, number, wish["method"], wish["path"],
                                              text) for text in texts]
    forget_policies(server)
    if name == "mounts":
        server.api("DELETE", "sys/mounts/m1")
    assert not wrong, "\n".join(wrong)
    assert set(DIFFERENCES[name]) <= {number for number, _ in recorded(name)}

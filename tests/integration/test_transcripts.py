# SPDX-License-Identifier: Apache-2.0
"""Recorded conversations with a real server, held again with ours: the same answers, but for the
differences listed here with their reasons. A listed difference that has gone fails, too."""
import pytest

import replay
from harness import Server

MISTAKE = "a user's mistake is 400, not 500, in the same words"
WORDS = "a user's mistake is 400, and the words are of our own JSON reader"
CLOUD = "what the cloud refuses is 400 with the cloud's code and request id"
STRICT = "a role_arn that cannot be one is refused when it is written"
NO_VALUE = "the refused value is not repeated: it may be a secret"
ALIAS = "the older path is served, too: the recorded server had dropped it"
NOT_SERVED = "this resource is not served"
NO_REMOUNT = "the mount is still where it was"
NO_TOKENS = "the recorded server had a lease of a token as well"
NO_WRAPPING = "responses are not wrapped; a client that asks for it must not get a bare secret"
NO_KEY = "the key is missing, which is a user's mistake"
UNSUPPORTED = ["1 error occurred:\n\t* unsupported path\n\n"]

# (recording, line): (status, errors, reason). Errors None: those that were recorded, without the
# list around them. A reason alone: the status is the same, and so is the shape.
DIFFERENT = {
    ("mounts", 16): (404, UNSUPPORTED, NOT_SERVED),
    ("mounts", 17): (404, UNSUPPORTED, NOT_SERVED),
    ("mounts", 18): (404, UNSUPPORTED, NOT_SERVED),
    ("mounts", 19): (404, UNSUPPORTED, NOT_SERVED),
    ("mounts", 20): (404, UNSUPPORTED, NOT_SERVED),
    ("mounts", 21): (404, [], NO_REMOUNT),
    ("mounts", 22): (403, ["preflight capability check returned 403, please ensure client's "
                           "policies grant access to path \"m2/\""], NO_REMOUNT),
    ("mounts", 23): (403, ["preflight capability check returned 403, please ensure client's "
                           "policies grant access to path \"m2/role/x/\""], NO_REMOUNT),
    **{("alicloud", line): (400, None, MISTAKE)
       for line in (3, 4, 14, 24, 25, 26, 28, 36, 44, 50)},
    ("alicloud", 32): (400, ["inline_policies: must be a JSON array of policy documents"], WORDS),
    ("alicloud", 34): (400, ["inline_policies: line 1, column 3: invalid token"], WORDS),
    ("alicloud", 38): (400, ["error converting input for field \"inline_policies\": '' expected "
                             "type 'string', got unconvertible type '[]interface {}'"], NO_VALUE),
    **{("alicloud", line): (400, ["role_arn: must look like acs:ram::<account id>:role/<name>"],
                            STRICT) for line in (46, 48)},
    ("alicloud", 64): (200, "any", ALIAS),
    ("alicloud", 68): (200, "any", NO_TOKENS),
    ("alicloud", 78): (400, "any", CLOUD),
    ("alicloud", 79): (400, ["this server does not wrap responses"], NO_WRAPPING),
    ("alicloud", 80): (403, ["permission denied"], NO_WRAPPING),
    ("alicloud", 81): (403, "any", NO_WRAPPING),
    ("alicloud", 82): (403, "any", NO_WRAPPING),
    ("alicloud", 89): (400, "any", NO_KEY),
}

# Parts of an answer that belong to the recording's own world.
FOREIGN = {
    "mounts": ("secret/",                       # its development server had a mount more
               "running_sha256", "running_plugin_version", "deprecation_status"),  # a plugin's
    "leases": ("printed to",                    # names the product
               ),
    "alicloud": (".data.keys[0]: '",            # lease ids are drawn anew
                 ),
}


@pytest.fixture(scope="module", name="server")
def one_server(leasehold):
    with Server() as server:
        yield server


@pytest.mark.parametrize("name", ["mounts", "leases", "alicloud"])
def test_a_recorded_conversation_is_answered_as_it_was(server, name):
    key, secret = server.sim.root_key
    player = replay.Player(server, [
        ("LTAIroot", key), ("aliRootSecret", secret), ("1234567890123456", "1000000000000001"),
        ("role/trusted", "role/reader"), ("role/Arn", "role/arn")])
    faults = []
    for number, line in replay.recorded(name):
        reply = player.play(line["request"])
        faults += ["%s line %d, %s %s: %s" % (name, number, line["request"]["method"],
                                              line["request"]["path"], text)
                   for text in judge(name, number, line, reply, key)]
    server.api("DELETE", "sys/mounts/m1")
    assert faults == []


def judge(name, number, line, reply, key):
    """What is wrong with an answer, as sentences."""
    if (name, number) in DIFFERENT:
        return judge_different(line, reply, *DIFFERENT[name, number])
    if "?help=1" in line["request"]["path"] and line["status"] == 200:
        return judge_help(line["body"], reply)
    body = replay.filled(line["body"], [("LTAIroot", key), ("1234567890123456", "1000000000000001"),
                                        ("role/trusted", "role/reader")])
    texts = [] if reply.status == line["status"] else [
        "%d, recorded %d: %r" % (reply.status, line["status"], reply)]
    return texts + [text for text in replay.mismatches(body, reply.body)
                    if not any(part in text for part in FOREIGN[name])]


def judge_different(line, reply, status, errors, reason):
    if errors is None:
        errors = [line["body"]["errors"][0].split("\n\t* ", 1)[1].rstrip("\n")]
    if reply.status == line["status"] and reply.body == line["body"]:
        return ["no longer different: " + reason]
    if reply.status != status:
        return ["%r, but %d was expected: %s" % (reply, status, reason)]
    if errors != "any" and reply.errors != errors:
        return ["%r, but %r was expected: %s" % (reply.errors, errors, reason)]
    return []


def judge_help(recorded, reply):
    """The prose is ours; the form and the paths are not."""
    if reply.status != 200 or set(reply.body) != set(recorded):
        return ["%r has another form than %r" % (reply, sorted(recorded))]
    ours, theirs = reply["openapi"], recorded["openapi"]
    texts = [] if ours["openapi"] == theirs["openapi"] else ["another version of OpenAPI"]
    for path, item in theirs["paths"].items():
        methods = {"get", "post", "delete"} & set(item)
        if methods - set(ours["paths"].get(path, {})):
            texts.append("%s lacks one of %s" % (path, sorted(methods)))
    return texts

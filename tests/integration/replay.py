# SPDX-License-Identifier: Apache-2.0
"""Plays recorded requests against a server and compares the answers with the recorded ones.

The one idea: an answer is the same if status, keys, types and every value that is not drawn anew
for each request are the same; what differs on purpose is listed, line by line, with its reason.
"""
import json
import os
import re

from client import ROOT
from nginx import TOP

FOLDER = os.path.join(TOP, "tests", "vectors", "transcripts")

# Drawn anew each time: only the type is compared.
DRAWN = {"request_id", "lease_id", "id", "access_key", "secret_id", "secret_key", "security_token", "expiration",
         "expire_time", "issue_time", "last_renewal", "hash", "accessor", "uuid", "migration_id",
         "client_token", "token", "creation_time", "wrapped_accessor", "cluster_id",
         "cluster_name", "server_time_utc", "version", "build_date", "running_plugin_version"}
CLOCK = {"creation_time"}               # seconds since 1970, where it is a number
COUNTING = {"ttl", "lease_duration"}    # go down while the test runs
WRAPPED = {"wrapping": {4: "w2", 13: "wa", 15: "wl"}}
# Recordings of several tokens: which answer gives ${t} and the like, and an accessor's ${a}.
TOKENS = {"tokens": {1: ("t", "a"), 28: ("p",), 31: ("o",), 33: ("n",), 40: ("nr",), 43: ("rt",)},
          "policies": {82: ("pp",)}}
OURS = {"mount_type"}                   # newer than the recording; clients ignore it


def recorded(name):
    """The lines of a recording, with their numbers from 1."""
    with open(os.path.join(FOLDER, name + ".jsonl"), encoding="utf-8") as file:
        return [(number, json.loads(line)) for number, line in enumerate(file, 1)]


def names():
    if not os.path.isdir(FOLDER):
        return []
    return sorted(name[:-6] for name in os.listdir(FOLDER) if name.endswith(".jsonl"))


def mismatches(expected, got, where="body"):
    """What differs, as sentences."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return _objects(expected, got, where)
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return ["%s: %d elements, not %d" % (where, len(got), len(expected))]
        return [text for i, (e, g) in enumerate(zip(expected, got))
                for text in mismatches(e, g, "%s[%d]" % (where, i))]
    if type(expected) is not type(got) or _in_hours(expected) != _in_hours(got):
        return ["%s: %r, recorded %r" % (where, got, expected)]
    return []


def _in_hours(value):
    """What is left of so many hours is told a little later on a busy machine: 767h59m58s."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\b(\d+)h59m[3-5]\ds", lambda found: "%dh" % (int(found[1]) + 1), value)


def _objects(expected, got, where):
    texts = ["%s: has %s, which was not recorded" % (where, key)
             for key in sorted(set(got) - set(expected) - OURS)]
    for key, value in expected.items():
        place = "%s.%s" % (where, key)
        if key not in got:
            texts.append(place + ": is missing")
        elif key in DRAWN and isinstance(value, (str, type(None))):
            if type(value) is not type(got[key]) or bool(value) != bool(got[key]):
                texts.append("%s: %r, recorded %r" % (place, got[key], value))
        elif key in CLOCK and isinstance(value, int):
            if not isinstance(got[key], int):
                texts.append("%s: %r, recorded %r" % (place, got[key], value))
        elif key in COUNTING and isinstance(value, int) and isinstance(got[key], int):
            if not -60 <= got[key] - value <= 5:
                texts.append("%s: %d, recorded %d" % (place, got[key], value))
        else:
            texts += mismatches(value, got[key], place)
    return texts


class Player:
    """Sends recorded requests; ${l}, ${w} and ${mig} come from our own earlier answers.

    Where a recording tells several wrapping tokens apart, WRAPPED names those that are not ${w}."""

    def __init__(self, server, replace=()):
        """replace: (text, other text) pairs for what belonged to the recording's own world."""
        self.server, self.replace, self.known = server, replace, {}

    def play(self, wish, wrapped="w", given=()):
        """given: names for the token and the accessor that the answer gives."""
        wish = json.loads(self._filled(json.dumps(wish)))
        token = ROOT if wish["token"] == "root" else wish["token"]
        headers = {name: value.replace("Bearer root", "Bearer " + self.server.root_token)
                   for name, value in wish.get("headers", {}).items()}
        body = wish["raw"] if "raw" in wish else wish.get("body")
        reply = self.server.api(wish["method"], wish["path"], body, token, headers)
        self._learn(reply.body, wrapped)
        if given:
            auth = reply.body["auth"]
            self.known.update(zip(given, (auth["client_token"], auth["accessor"])))
        return reply

    def _filled(self, text):
        for name, value in self.known.items():
            text = text.replace("${%s}" % name, value)
        for old, new in self.replace:
            text = text.replace(old, new)
        return text

    def _learn(self, body, wrapped):
        if not isinstance(body, dict):
            return
        data = body.get("data") if isinstance(body.get("data"), dict) else {}
        for name, value in (("l", body.get("lease_id")), ("mig", data.get("migration_id")),
                            (wrapped, (body.get("wrap_info") or {}).get("token"))):
            if value:
                self.known[name] = value

# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: which call is hit, when, and what happens to its effect.

The one idea: every fault says three separate things: whom it matches, how often it strikes, and
what it does; "what it does" is again two: the answer (kind) and the effect (none, done, late).
"""
import fnmatch
import random

from .errors import ControlError

#: Kind → what happens to the effect unless the fault says otherwise.
CALL_KINDS = {"latency": "after", "error": "none", "throttle": "none", "drop": "none",
              "hang": "none", "garbage": "done", "truncate": "done", "html": "none",
              "huge": "done", "pages": "done", "echo": "none", "trickle": "done"}
CONNECT_KINDS = ("refuse", "tls_garbage", "tls_hang", "certificate")
EFFECTS = ("none", "done", "late", "after")

DEFAULTS = {
    # whom
    "cloud": "*", "service": "*", "action": "*", "user": None, "policy": None, "key": "*",
    "account": "*",
    # how often
    "times": None, "every": 1, "from": 1, "probability": 1.0, "seed": 0,
    # what
    "effect": None, "seconds": 1.0, "jitter": 0.0, "late": 1.0, "reset": False,
    "code": None, "status": None, "message": "", "retry_after_ms": None,
    "shape": "upper", "certificate": "name", "bytes": 16 * 1024 * 1024, "marker": "new",
    "cut": "body",
}


KIND_DEFAULTS = {"hang": {"seconds": 600.0}, "tls_hang": {"seconds": 600.0},
                 "html": {"status": 502}, "garbage": {"status": 200}}


def matches(pattern, text):
    """A shell pattern, or a list of them; None matches everything."""
    if pattern is None or pattern == "*":
        return True
    if isinstance(pattern, list):
        return any(matches(item, text) for item in pattern)
    return fnmatch.fnmatchcase(text or "", pattern)


class Matcher:
    """Whom and how often: shared by faults and kill hooks."""

    def __init__(self, fields):
        self.fields = fields
        self.seen = self.struck = 0
        self.random = random.Random(fields["seed"])

    def names(self, call):
        f = self.fields
        return (matches(f["cloud"], call.cloud) and matches(f["service"], call.service)
                and matches(f["action"], call.action) and matches(f["user"], call.user)
                and matches(f["policy"], call.policy) and matches(f["key"], call.key)
                and matches(f["account"], call.account))

    def strikes(self):
        """Counts one matching call and says whether it is hit."""
        f = self.fields
        self.seen += 1
        if f["times"] is not None and self.struck >= f["times"]:
            return False
        if self.seen < f["from"] or (self.seen - f["from"] + 1) % f["every"]:
            return False
        if f["probability"] < 1.0 and self.random.random() >= f["probability"]:
            return False
        self.struck += 1
        return True


class Fault(Matcher):
    def __init__(self, number, kind, fields):
        super().__init__(fields)
        self.id, self.kind = number, kind
        self.effect = fields["effect"] or CALL_KINDS.get(kind)

    def __getattr__(self, name):
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None

    def describe(self):
        changed = {k: v for k, v in self.fields.items() if v != DEFAULTS[k]}
        return {"id": self.id, "kind": self.kind, "seen": self.seen, "struck": self.struck,
                **changed}


class Faults:
    def __init__(self):
        self.list, self.number = [], 0

    def add(self, wish):
        wish = dict(wish)
        kind = wish.pop("kind", None)
        if kind not in CALL_KINDS and kind not in CONNECT_KINDS:
            raise ControlError("kind: must be one of " + ", ".join(list(CALL_KINDS)
                                                                  + list(CONNECT_KINDS)))
        unknown = set(wish) - set(DEFAULTS)
        if unknown:
            raise ControlError("unknown fault field: " + ", ".join(sorted(unknown)))
        fields = {**DEFAULTS, **KIND_DEFAULTS.get(kind, {}), **wish}
        if fields["effect"] is not None and fields["effect"] not in EFFECTS:
            raise ControlError("effect: must be one of " + ", ".join(EFFECTS))
        if fields["every"] < 1:
            raise ControlError("every: must be 1 or more")
        self.number += 1
        self.list.append(Fault(self.number, kind, fields))
        return self.number

    def clear(self, number=None):
        self.list = [f for f in self.list if number is not None and f.id != number]

    def for_call(self, call):
        """Returns (seconds of latency, effect first?, the fault that decides the answer or None).

        Latencies add up; of the others the first that strikes wins, later ones do not count it."""
        wait, first, decisive = 0.0, False, None
        for fault in self.list:
            if fault.kind in CONNECT_KINDS or not fault.names(call):
                continue
            if fault.kind != "latency" and decisive is not None:
                continue
            if not fault.strikes():
                continue
            if fault.kind == "latency":
                wait += fault.seconds + fault.random.random() * fault.jitter
                first = first or fault.effect == "done"
            else:
                decisive = fault
        return wait, first, decisive

    def for_connect(self, cloud, service):
        for fault in self.list:
            if fault.kind in CONNECT_KINDS and matches(fault.cloud, cloud) \
                    and matches(fault.service, service) and fault.strikes():
                return fault
        return None

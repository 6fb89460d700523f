# SPDX-License-Identifier: Apache-2.0
"""The call log: what arrived when, by which key, and how it ended.

The one idea: arrival, effect and answer have their own times, so a test can count dependent
rounds, see parallelism, and tell a lost answer from a lost effect.
"""
from collections import Counter, deque

FIELDS = ("n", "cloud", "service", "action", "key", "account", "user", "policy", "connection",
          "pid", "arrived_ms", "effect_ms", "answered_ms", "status", "code", "request_id",
          "fault", "kill", "late", "client_gone", "params")


class Call:
    __slots__ = FIELDS

    def __init__(self, **values):
        for name in FIELDS:
            setattr(self, name, values.get(name))

    def describe(self):
        return {name: getattr(self, name) for name in FIELDS}


class CallLog:
    def __init__(self, limit=100000):
        self.calls = deque(maxlen=limit)
        self.number = self.in_flight = self.most_in_flight = 0
        self.arrived, self.done, self.codes = Counter(), Counter(), Counter()

    def begin(self, **values):
        self.number += 1
        call = Call(n=self.number, **values)
        self.calls.append(call)
        self.arrived[call.action] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return call

    def end(self, call, ms, status=None, code=None):
        call.answered_ms, call.status, call.code = ms, status, code
        self.done[call.action] += 1
        self.codes[code or str(status)] += 1
        self.in_flight -= 1

    def select(self, since=0, action=None):
        return [c.describe() for c in self.calls
                if c.n > since and (action is None or c.action == action)]

    def counters(self):
        return {"arrived": dict(self.arrived), "done": dict(self.done), "codes": dict(self.codes),
                "total": self.number, "in_flight": self.in_flight,
                "most_in_flight": self.most_in_flight}

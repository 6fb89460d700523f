# SPDX-License-Identifier: Apache-2.0
"""Kill hooks: a signal for a given process at a given call.

The one idea: the signal is sent by the thread that handles the call, so "before" and "after" are
exact; a pre-forked client is found as the owner of the connection's other end.
"""
import os
import signal

from .errors import ControlError
from .faults import DEFAULTS, EFFECTS, Matcher

FATAL = ("KILL", "TERM", "ABRT", "SEGV", "QUIT", "INT")
MATCH = ("cloud", "service", "action", "user", "policy", "key", "account", "times", "every",
         "from", "probability", "seed")


class Hook(Matcher):
    def __init__(self, number, wish):
        unknown = set(wish) - set(MATCH) - {"when", "signal", "pid", "effect", "late"}
        if unknown:
            raise ControlError("unknown hook field: " + ", ".join(sorted(unknown)))
        super().__init__({**{name: DEFAULTS[name] for name in MATCH}, "times": 1,
                          **{k: v for k, v in wish.items() if k in MATCH}})
        self.id = number
        self.when = wish.get("when", "before")
        self.signal = wish.get("signal", "KILL")
        self.pid = wish.get("pid", "peer")
        self.late = wish.get("late", 1.0)
        default = "none" if self.when == "before" and self.signal in FATAL else "done"
        self.effect = wish.get("effect", default)
        self.fired = []
        self._check()

    def _check(self):
        if self.when not in ("before", "after"):
            raise ControlError("when: must be before or after")
        if not hasattr(signal, "SIG" + str(self.signal)):
            raise ControlError("signal: not known: %s" % self.signal)
        if self.effect not in EFFECTS:
            raise ControlError("effect: must be one of " + ", ".join(EFFECTS))

    def fire(self, call, connection, clock):
        pid = self._target(connection)
        record = {"hook": self.id, "call": call.n, "pid": pid, "ms": clock.ms(), "error": None}
        try:
            if pid is None or pid <= 1 or pid == os.getpid():
                raise ProcessLookupError("no such process: %s" % self.pid)
            os.kill(pid, getattr(signal, "SIG" + self.signal))
        except OSError as error:
            record["error"] = str(error)
        self.fired.append(record)
        return record

    def _target(self, connection):
        if isinstance(self.pid, int):
            return self.pid
        if self.pid == "peer":
            return peer_pid(connection)
        if self.pid == "parent":
            pid = peer_pid(connection)
            return parent_pid(pid) if pid else None
        try:
            with open(self.pid, encoding="ascii") as file:
                return int(file.read().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def describe(self):
        return {"id": self.id, "when": self.when, "signal": self.signal, "pid": self.pid,
                "effect": self.effect, "seen": self.seen, "fired": self.fired,
                "action": self.fields["action"]}


class Hooks:
    def __init__(self):
        self.list, self.number = [], 0

    def add(self, wish):
        self.number += 1
        self.list.append(Hook(self.number, dict(wish)))
        return self.number

    def clear(self, number=None):
        self.list = [h for h in self.list if number is not None and h.id != number]

    def run(self, call, when, connection, clock):
        """Fires what is due; returns the hook that decides the fate of the effect, or None."""
        decisive = None
        for hook in self.list:
            if hook.when == when and hook.names(call) and hook.strikes():
                call.kill = hook.fire(call, connection, clock)
                if when == "before" and hook.effect != "done":
                    decisive = hook
        return decisive


def _hex(address):
    host, port = address
    return "%s:%04X" % ("".join("%02X" % int(b) for b in reversed(host.split("."))), port)


def _inode(connection):
    theirs, ours = _hex(connection.peer), _hex(connection.local)
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[1] == theirs and fields[2] == ours:
                return fields[9]
    return None


def peer_pid(connection):
    """The process that owns the client's end; needs root or the same uid. Cached: it may die."""
    if connection.pid is None:
        inode = _inode(connection)
        connection.pid = _owner("socket:[%s]" % inode) if inode else None
    return connection.pid


def _owner(wanted):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = "/proc/%s/fd" % pid
        try:
            for name in os.listdir(folder):
                if os.readlink(folder + "/" + name) == wanted:
                    return int(pid)
        except OSError:
            continue        # gone meanwhile, or not ours to look into
    return None


def parent_pid(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None

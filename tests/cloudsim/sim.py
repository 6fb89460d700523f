# SPDX-License-Identifier: Apache-2.0
"""The simulator as a whole: clouds, ports, settings, faults, log.

The one idea: `epoch` counts resets; work that was queued before a reset sees that it is stale and
does nothing, so a reset needs to cancel nothing.
"""
import json
import os

from . import certs
from .calllog import CallLog
from .clock import Clock
from .errors import ControlError
from .faults import Faults
from .kill import Hooks, peer_pid
from .loop import Loop
from .pipeline import Exchange
from .registry import CLOUDS
from .server import Listener

SETTINGS = {
    "latency": 0.0,             # seconds for every call, or {"CreateUser": 0.05, "*": 0.01}
    "skew": 0.0,                # the clouds' clocks are this many seconds ahead
    "date_skew": 0.0,           # only the Date header is
    "keepalive_requests": 0,    # close a connection after so many requests; 0: never
    "record_pids": False,       # note the caller's pid in the call log
}


class Simulator:
    def __init__(self, folder, clouds, ports=None, setup=None):
        self.folder = folder
        self.loop, self.clock = Loop(), Clock()
        self.connections, self.connection_number = set(), 0
        self.epoch, self.waiters = 0, []
        self.initial = setup or {}
        self.ca_file, contexts = certs.make(folder)
        self.clouds = {name: CLOUDS[name](self) for name in clouds}
        self.reset()
        self.ports = self._listen(contexts, ports or {})

    def _listen(self, contexts, wanted):
        ports = {}
        for cloud in self.clouds.values():
            for service, kind in cloud.services.items():
                name = cloud.name + "." + service
                listener = Listener(self, name, wanted.get(name, 0),
                                    self._handler(cloud, service),
                                    contexts if kind == "tls" else None)
                ports[name] = (kind, listener.port)
        return ports

    def _handler(self, cloud, service):
        return lambda connection, request: Exchange(self, cloud, service, connection,
                                                    request).begin()

    def reset(self):
        """Everything as it was at the start; open connections stay open."""
        self.epoch += 1
        self.faults, self.hooks, self.log = Faults(), Hooks(), CallLog()
        self.settings = dict(SETTINGS)
        self.late_pending = 0
        self.tls = {"handshakes_failed": 0, "bytes_on_bad_certificate": 0}
        self.clock.skew = self.clock.date_skew = 0.0
        for cloud in self.clouds.values():
            cloud.reset()
        self.configure(self.initial)
        self.baseline = {name: cloud.inventory() for name, cloud in self.clouds.items()}
        self.changed()

    def configure(self, values):
        unknown = [k for k in values if k not in SETTINGS and k not in self.clouds]
        if unknown:
            raise ControlError("unknown setting: " + ", ".join(sorted(unknown)))
        for name, value in values.items():
            if name in self.clouds:
                accounts = self.clouds[name].configure(value)
                if accounts:    # a new set-up is a new baseline
                    self.baseline_of(name)
            else:
                self.settings[name] = value
        self.clock.skew = float(self.settings["skew"])
        self.clock.date_skew = float(self.settings["date_skew"])

    def baseline_of(self, name):
        if hasattr(self, "baseline"):
            self.baseline[name] = self.clouds[name].inventory()

    def base_latency(self, action):
        latency = self.settings["latency"]
        if isinstance(latency, dict):
            return latency.get(action, latency.get("*", 0.0))
        return latency

    # --- what connections ask ---

    def next_connection(self):
        self.connection_number += 1
        return self.connection_number

    def connect_fault(self, listener):
        cloud, _, service = listener.name.partition(".")
        return self.faults.for_connect(cloud, service) if service else None

    def pid_of(self, connection):
        return peer_pid(connection) if self.settings["record_pids"] else None

    def drop_connections(self):
        """Closes every idle cloud connection, as a load balancer that was restarted would."""
        idle = [c for c in self.connections if c.listener.name != "control" and not c.busy]
        for connection in idle:
            connection.drop()
        return len(idle)

    # --- what is left ---

    def leftovers(self):
        """What exists and was not part of the initial set-up."""
        return self._difference(lambda now, before: now - before)

    def missing(self):
        """What was part of the initial set-up and is gone."""
        return self._difference(lambda now, before: before - now)

    def _difference(self, function):
        return [{"cloud": name, **dict(item)}
                for name, cloud in self.clouds.items()
                for item in sorted(function(cloud.inventory(), self.baseline[name]))]

    # --- waiting for something without polling ---

    def changed(self):
        """Something happened that a waiter may be waiting for."""
        if self.waiters:
            self.waiters = [w for w in self.waiters if not w()]

    def ready(self):
        """The ready file: where everything is."""
        urls = {}
        for name, (kind, port) in self.ports.items():
            cloud, service = name.split(".")
            scheme = "https" if kind == "tls" else "http"
            urls.setdefault(cloud, {})[service] = "%s://127.0.0.1:%d" % (scheme, port)
        return {"pid": os.getpid(), "ca_file": self.ca_file, "endpoints": urls,
                "clouds": {name: cloud.ready() for name, cloud in self.clouds.items()}}

    def write_ready(self, path, control_port):
        value = {**self.ready(), "control": "http://127.0.0.1:%d" % control_port}
        with open(path + ".new", "w", encoding="utf-8") as out:
            json.dump(value, out, indent=1)
        os.rename(path + ".new", path)

# SPDX-License-Identifier: Apache-2.0
"""Start a simulator, steer it, stop it: for system tests and the demo.

    with CloudSim(tmp_path) as sim:
        sim.fault("drop", action="CreateUser", effect="late", late=2)
        ...
        assert sim.leftovers() == []

The one idea: the child ends when its standard input does, so not even a killed test run leaves
one behind; and nothing here sleeps: start and wait() return at the moment it is true.
"""
import copy
import http.client
import json
import os
import select
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

from .registry import CLOUDS

#: A machine that does ten other things may be so many times slower than one that does nothing else.
#: Waits end when what they wait for is there, so only failures take longer by it.
PATIENCE = 5
PARENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class CloudSimError(Exception):
    pass


class CloudSim:
    def __init__(self, folder, setup=None, clouds=None, ports=None, cloud="alicloud",
                 timeout=60, module="cloudsim"):
        """folder: certificates, ready file, log. setup: what /configure takes, from the start.

        clouds: names, default all. ports: {"alicloud.ram": 9443, "control": 9000}; default: free.
        cloud: which one root_key, edit and the endpoint properties mean. module: what is run."""
        self.module = module
        self.folder, self.setup, self.clouds = str(folder), setup, clouds
        self.ports, self.cloud, self.timeout = dict(ports or {}), cloud, timeout
        self.process = self.info = None

    # --- life ---

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        log = os.path.join(self.folder, "cloudsim.log")
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env={**os.environ, "PYTHONPATH": PARENT, "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True)     # an interrupt at the keyboard is ours, not its
        line = self._first_line()
        if not line.startswith(b"ready "):
            self.stop()
            with open(log, encoding="utf-8", errors="replace") as text:
                raise CloudSimError("the simulator did not start:\n" + text.read()[-2000:])
        with open(line[6:].decode().strip(), encoding="utf-8") as file:
            self.info = json.load(file)
        self.control = self.info["control"]
        return self

    def _command(self):
        command = [sys.executable, "-m", self.module, "--folder", self.folder,
                   "--until-stdin-closes"]
        for name in self.clouds or ():
            command += ["--cloud", name]
        for name, port in self.ports.items():
            command += ["--control-port", str(port)] if name == "control" \
                else ["--port", "%s=%d" % (name, port)]
        if self.setup:
            path = os.path.join(self.folder, "setup.json")
            with open(path, "w", encoding="utf-8") as out:
                json.dump(self.setup, out)
            command += ["--setup", path]
        return command

    def _first_line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], self.timeout)
        return self.process.stdout.readline() if readable else b""

    def stop(self):
        """Ends the process that start() began, and no other."""
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- where things are ---

    def endpoint(self, service, cloud=None):
        return self.info["endpoints"][cloud or self.cloud][service]

    ram_endpoint = property(lambda self: self.endpoint("ram"))
    cam_endpoint = property(lambda self: self.endpoint("cam"))
    sts_endpoint = property(lambda self: self.endpoint("sts"))
    metadata_endpoint = property(lambda self: self.endpoint("metadata"))
    ca_file = property(lambda self: self.info["ca_file"])

    def on(self, cloud):
        """The same simulator with another cloud meant; it is started and stopped only here."""
        other = copy.copy(self)
        other.cloud = cloud
        return other

    def accounts(self, cloud=None):
        """The accounts of the set-up that was given at the start."""
        return self.info["clouds"][cloud or self.cloud]["accounts"]

    def key_of(self, account=0, user=0):
        """(id, secret) of the first key of a user, both by position in the set-up."""
        key = self.accounts()[account]["users"][user]["keys"][0]
        return key["id"], key["secret"]

    root_key = property(lambda self: self.key_of(0), doc="of the first account's first user")
    second_root_key = property(lambda self: self.key_of(1), doc="of the second account's")

    @property
    def account_key(self):
        """(id, secret) of the first account itself, which may not assume roles."""
        key = self.accounts()[0]["account_key"]
        return key["id"], key["secret"]

    def caller(self, key=None, token=None):
        """A signing client of the cloud; key: (id, secret), default the root key."""
        return CLOUDS[self.cloud].caller_type(self, *(key or self.root_key), token)

    # --- control ---

    def request(self, method, path, body=None, timeout=None):
        """One control request; returns the JSON answer or raises CloudSimError."""
        connection = http.client.HTTPConnection(urlsplit(self.control).netloc,
                                                timeout=timeout or self.timeout)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            value = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise CloudSimError(value.get("error", value))
        return value

    def reset(self):
        """Everything as it was at the start: state, settings, faults, hooks, log."""
        self.request("POST", "/reset")

    def configure(self, **values):
        """Common: latency, skew, date_skew, keepalive_requests, record_pids. Per cloud: a dict."""
        self.request("POST", "/configure", values)

    def fault(self, kind, **fields):
        """Adds a fault and returns its id; the fields are in README."""
        return self.request("POST", "/faults", {"kind": kind, **fields})["id"]

    def faults(self):
        """The faults with what they saw and how often they struck."""
        return self.request("GET", "/faults")

    def clear_faults(self, number=None):
        self.request("DELETE", "/faults" + ("?id=%d" % number if number is not None else ""))

    def kill_hook(self, action, when="before", signal="KILL", pid="peer", **fields):
        """Adds a kill hook and returns its id; pid: a number, "peer", "parent" or a pid file."""
        return self.request("POST", "/kills", {"action": action, "when": when, "signal": signal,
                                               "pid": pid, **fields})["id"]

    def kills(self):
        return self.request("GET", "/kills")

    def clear_kills(self, number=None):
        self.request("DELETE", "/kills" + ("?id=%d" % number if number is not None else ""))

    def edit(self, op, **values):
        """A change by hand; keep=True makes it part of the baseline of leftovers()."""
        return self.request("POST", "/edit", {"cloud": self.cloud, "op": op, **values})

    def drop_connections(self):
        """Closes every idle cloud connection; returns how many."""
        return self.request("POST", "/drop-connections")["dropped"]

    # --- looking ---

    def state(self):
        return self.request("GET", "/state")

    def leftovers(self):
        """List of what exists and was not there at the start; empty means nothing leaked."""
        return self.request("GET", "/leftovers")

    def missing(self):
        """List of what was there at the start and is gone."""
        return self.request("GET", "/missing")

    def calls(self, action=None, since=0):
        """The call log, oldest first; since: the n of the last call already known."""
        query = {"since": since, **({"action": action} if action else {})}
        return self.request("GET", "/calls?" + urlencode(query))

    def counters(self):
        return self.request("GET", "/counters")

    def count(self, action):
        """How many calls of an action arrived."""
        return self.counters()["arrived"].get(action, 0)

    def wait(self, timeout=PATIENCE * 60, **condition):
        """Returns True as soon as the condition holds, False when the time is over.

        Conditions, all of which must hold: action= with count= (1) and stage= "done" or "arrived";
        leftovers=n; late=n (at most n late effects still to come); killed=hook id."""
        answer = self.request("POST", "/wait", {"timeout": timeout, **condition}, timeout + 5)
        return answer["held"]

    def wait_calls(self, action, count=1, timeout=PATIENCE * 60, stage="done"):
        return self.wait(timeout, action=action, count=count, stage=stage)

    def wait_clean(self, timeout=10):
        """Nothing left over and no late effect to come; timeout: on a machine with nothing else."""
        return self.wait(PATIENCE * timeout, leftovers=0, late=0)


def rounds(calls):
    """Groups calls into dependent rounds: a round ends when a call begins after all its answers.

    Two creates at once, then two attaches at once, are two rounds."""
    groups, end = [], None
    for call in sorted(calls, key=lambda c: c["arrived_ms"]):
        if end is None or call["arrived_ms"] >= end:
            groups.append([])
            end = 0.0
        groups[-1].append(call)
        end = max(end, call["answered_ms"] or float("inf"))
    return groups

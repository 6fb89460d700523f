# SPDX-License-Identifier: Apache-2.0
"""A whole leasehold for one test: cloud simulator, daemon and nginx in a temporary folder.

    with Server() as server:
        server.api("POST", "sys/mounts/alicloud", {"type": "alicloud"})
        ...
        assert server.sim.leftovers() == []

The one idea: everything is on sockets and ports of its own and ends with the test, so that runs may
stand side by side; nothing that it did not start is ever touched.
"""
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from client import ROOT, request
from nginx import TOP, Nginx

sys.path.insert(0, os.path.join(TOP, "tests"))
from cloudsim.client import PATIENCE     # noqa: E402
from conform.engines import ALICLOUD     # noqa: E402

LISTENERS = """
listener "fastcgi" "read" {{
  address = "{folder}/run/read.sock"
  workers = {read_workers}
  {trust}
}}
listener "fastcgi" "work" {{
  address = "{folder}/run/work.sock"
  workers = {work_workers}
  {trust}
}}
"""

# The listeners believe whom nginx, which runs as whoever runs the tests, vouches for.
TRUST = 'peer_users = ["%s"]\n  trust_identity = true' % pwd.getpwuid(os.geteuid()).pw_name

CONFIGURATION = """
{listeners}
storage "lmdb" {{
  path     = "{folder}/store"
  map_size = "{map_size}"
}}
seal "file" {{
  key_file = "{folder}/master.key"
}}
user      = "{user}"
group     = "{group}"
log_level = "debug"
{block}
{more}
"""


def binary():
    """The daemon: $LEASEHOLD, else the one of the ordinary build."""
    return os.path.abspath(os.environ.get("LEASEHOLD") or os.path.join(TOP, "build", "leasehold"))


def wait_until(condition, timeout=10, what=None, pause=0.02):
    """Returns the condition's first true value; fails the test when the time is over.

    timeout: seconds on a machine that does nothing else; a busy one is given more."""
    end = time.monotonic() + PATIENCE * timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("did not happen in %s s: %s" % (PATIENCE * timeout, what or condition))
        time.sleep(pause)
    return value


def most_lives(seconds):
    """How many children a post has had at most after so long, if each died at once.

    One from the start; then one at once, or after a tenth of a second, and 0.1, 0.2, 0.4 s later…"""
    return 1 + sum((2 ** n - 1) / 10 <= seconds for n in range(10))


def arrives(sim, action, count, timeout=10):
    """Waits until a cloud has received so many calls of an action, answered or not."""
    wait_until(lambda: sim.count(action) >= count, timeout, "%d times %s" % (count, action))


def is_stopped(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        return file.read().rpartition(") ")[2].startswith("T")


def stop(pid):
    """Returns when the process stands still: until the kernel has let it run once more it only shall,
    and one that waits for a connection takes what comes meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid))


def forget_policies(server):
    """Deletes all policies but those that are built in."""
    for name in server.api("LIST", "sys/policies/acl").data["keys"]:
        if name not in ("default", "root"):
            assert server.api("DELETE", "sys/policies/acl/" + name).status == 204


class Server:
    running = []    # every one that was started and not stopped, for the check after each test

    def __init__(self, read_workers=2, work_workers=4, engine="", more="", setup=None,
                 environment=None, nginx=None, user="", group="", listeners=None,
                 map_size="256MiB", quotas='{ "*" = 10000 }', cloud=ALICLOUD,
                 trust=False, trusting=""):
        """engine, more: lines for the configuration. setup: of the simulator. nginx: of Nginx.

        quotas: of the engine; without, the simulator's being off, nothing shall wait for them.

        listeners: lines instead of the two usual listeners; there is no nginx then.
        trust: the listeners believe identities, and nginx's server block includes the secret that
        makes it believed. trusting: more lines for both listeners.
        cloud: whose engine and simulator, one of conform.engines."""
        self.cloud, self.program = cloud, cloud.program() or binary()
        self.values = {"read_workers": read_workers, "work_workers": work_workers, "user": user,
                       "group": group, "engine": engine, "more": more, "map_size": map_size,
                       "quotas": quotas, "listeners": listeners or LISTENERS,
                       "trust": "%s\n  %s" % (TRUST, trusting) if trust else ""}
        self.environment, self.nginx_arguments = environment or {}, dict(nginx or {})
        self.folder = tempfile.mkdtemp(prefix="lh-")    # short: socket paths end at 107 bytes
        self.sim = cloud.sim(os.path.join(self.folder, "sim"), setup)
        self.nginx = self.process = self.root_token = None
        self.log_start = 0      # where the log of the newest start begins

    # --- life ---

    def start(self):
        Server.running.append(self)
        try:
            self.sim.start()
            self.prepare()
            if self.values["listeners"] is LISTENERS:
                self.nginx = Nginx(self.path("nginx"), self.path("run"), **self.nginx_arguments)
                self.nginx.start()
            self.start_daemon()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self):
        """Folders, configuration and store."""
        for name in ("run", "nginx"):
            os.mkdir(os.path.join(self.folder, name))
        if self.values["user"]:
            os.chmod(self.folder, 0o755)
        self.write_configuration()
        self.root_token = json.loads(self.run("init", "-format", "json").stdout)["root_token"]
        if self.values["trust"]:
            self._include_secret()

    def _include_secret(self):
        with open(self.path("nginx-secret.conf"), "w", encoding="utf-8") as out:
            out.write(self.run("nginx-secret").stdout)
        self.nginx_arguments["extra"] = "include %s;\n%s" % (
            self.path("nginx-secret.conf"), self.nginx_arguments.get("extra", ""))

    def stop(self):
        """Ends all that start() began, and says so if the daemon had to be killed."""
        Server.running.remove(self)
        try:
            self.stop_daemon()
        finally:
            if self.nginx:
                self.nginx.stop()
            self.sim.stop()
            if not os.environ.get("LEASEHOLD_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start_daemon(self, ready=True):
        self.log_start = len(self.log())
        with open(self.path("daemon.log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "server", "-config", self.path("leasehold.hcl")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment())
        if ready:
            self.wait_ready()

    def wait_ready(self, timeout=20):
        wait_until(self._ready, timeout, "sys/health answers; the log says:\n" + self.log()[-3000:])

    def _ready(self):
        """All children are at work: one that is killed before that ends the server."""
        code = self.process.poll()
        assert code is None, "the daemon ended with %s:\n%s" % (code, self.log()[-3000:])
        if "server: ready" not in self.log()[self.log_start:]:
            return False
        return not self.nginx or self.api("GET", "sys/health", token=None).status == 200

    def stop_daemon(self, timeout=60):
        """Asks it to drain and returns its exit code."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the daemon did not drain in %s s:\n%s"
                                 % (timeout, self.log()[-3000:])) from None

    def restart(self):
        self.stop_daemon()
        self.start_daemon()

    def kill(self, which="master", number=signal.SIGKILL):
        """Sends a signal to the master or to all children of a kind; returns their pids.

        After SIGSTOP they stand still."""
        pids = self.pids()[which]
        for pid in pids:
            stop(pid) if number == signal.SIGSTOP else os.kill(pid, number)
        if which == "master" and number == signal.SIGKILL:
            self.process.wait()
        return pids

    def pids(self):
        """{"master": [pid], "read": […], "work": […], "revoker": [pid]}."""
        found = {"master": [self.process.pid], "read": [], "work": [], "revoker": []}
        for pid in _children(self.process.pid):
            found.setdefault(_name(pid), []).append(pid)
        return found

    # --- talking to it ---

    def api(self, method, path, body=None, token=ROOT, headers=None, timeout=70):
        """One request through nginx; path without /v1/."""
        headers = dict(headers or {})
        token = self.root_token if token is ROOT else token
        if token:
            headers["X-Vault-Token"] = token
        return request(self.nginx.port, method, "/v1/" + path, body, headers, timeout)

    def run(self, command, *arguments, check=True):
        """One of the daemon's own commands, to its end."""
        return subprocess.run([self.program, command, "-config", self.path("leasehold.hcl"),
                               *arguments], check=check, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=self._environment())

    # --- files ---

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write_configuration(self, **change):
        self.values.update(change)
        with open(self.path("leasehold.hcl"), "w", encoding="utf-8") as out:
            listeners = self.values["listeners"].format(folder=self.folder, **self.values)
            out.write(CONFIGURATION.format(**{
                **self.values, "listeners": listeners, "folder": self.folder,
                "block": self.cloud.block(self.sim, "  quotas = %s\n%s" % (
                    self.values["quotas"], self.values["engine"]))}))

    def log(self):
        try:
            with open(self.path("daemon.log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _environment(self):
        return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8",
                **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
                **self.environment}


def _children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def _name(pid):
    """Each child calls itself leasehold-KIND."""
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
            return file.read().strip().rpartition("-")[2]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"

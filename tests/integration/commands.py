# SPDX-License-Identifier: Apache-2.0
"""One folder with a configuration, and the program's commands in it."""
import json
import os
import shutil
import stat
import subprocess
import tempfile

import pytest

import fastcgi
from harness import binary, wait_until

DONE, FAILED, USAGE = 0, 1, 2

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become others")

CONFIGURATION = """listener "fastcgi" "work" {
  address = "FOLDER/work.sock"
  workers = 1
}
storage "lmdb" { path = "FOLDER/store"  map_size = "32MiB" }
seal "file" { key_file = "FOLDER/master.key" }
user = ""
group = ""
"""


class Site:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.write(CONFIGURATION)

    def path(self, name=""):
        return os.path.join(self.folder, name)

    def write(self, text):
        with open(self.path("c.hcl"), "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text.replace("FOLDER", self.folder))

    def run(self, command, *arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   "stdin": subprocess.DEVNULL, "timeout": 30, "check": False, **options}
        return subprocess.run([binary(), command, "-config", self.path("c.hcl"), *arguments],
                              **options)

    def init(self):
        done = self.run("init", "-format", "json")
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)["root_token"]

    def serves(self, token):
        """Starts the server and asks it with a token; returns the status."""
        server = subprocess.Popen([binary(), "server", "-config", self.path("c.hcl")],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: server.poll() is not None or self._listens())
            assert server.poll() is None
            return fastcgi.ask(self.path("work.sock"), "GET", "/v1/sys/mounts", token).status
        finally:
            server.terminate()
            assert server.wait(60) == DONE

    def _listens(self):
        try:
            fastcgi.connect(self.path("work.sock")).close()
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def shape(self):
        """All that stands in the folder, with rights and content; who reads is no content."""
        found = {}
        for folder, folders, files in os.walk(self.folder):
            for name in folders + files:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                content = b""
                if stat.S_ISREG(status.st_mode) and name != "lock.mdb":
                    with open(path, "rb") as file:
                        content = file.read()
                found[path] = (status.st_mode, status.st_uid, content)
        return found


@pytest.fixture(name="site")
def empty_site(leasehold):
    folder = tempfile.mkdtemp(prefix="lh-")
    yield Site(folder)
    shutil.rmtree(folder)

# SPDX-License-Identifier: Apache-2.0
"""Runs the shipped nginx files in a folder of their own.

The one idea: the files are used as they are, but for socket and log paths, which must not be those
of the machine; so what is tested is what is deployed.
"""
import os
import re
import shutil
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = os.path.join(TOP, "conf", "nginx")

MAIN = """
{user}worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log {level};
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    include leasehold/site.conf;
}}
"""


# Enough for any test: the shipped rates would make tests wait.
NO_LIMITS = (("rate=200r/s", "rate=100000r/s"), ("rate=1000r/s", "rate=100000r/s"))


def free_port(host="127.0.0.1"):
    """A port that was free a moment ago; whoever loses the race for it tries again.

    Where nobody can try again, host is an address from which no client on this machine speaks."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def binary():
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise FileNotFoundError("nginx is not installed")
    return found


class Nginx:
    def __init__(self, folder, sockets, level="error", replace=NO_LIMITS, extra="", site=None,
                 edited=None):
        """sockets: where read.sock and work.sock are. extra: lines for the server block.

        replace: (text, other text) pairs, each of which must occur in the shipped files.
        site: what to serve instead of the plain example, as text.
        edited: other text for shipped files, by name. What they have in /etc/leasehold is looked
        for in folder."""
        self.folder, self.sockets = str(folder), str(sockets)
        self.level, self.replace, self.extra = level, replace, extra
        self.site, self.edited = site, edited or {}
        self.port = self.process = None

    # --- files ---

    def write(self):
        for name in ("leasehold/auth", "tmp"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        texts = {name: self._moved(text) for name, text in {**shipped(), **self.edited}.items()}
        for old, new in self.replace:
            assert any(old in text for text in texts.values()), old
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        for name, text in texts.items():
            self._put("leasehold/" + name, text)
        site = self.site or shipped_file("leasehold.conf.example")
        site = self._moved(site.replace("127.0.0.1:8200", "127.0.0.1:%d" % self.port))
        site = site.replace("location / {", self.extra + "\n\tlocation / {")
        self._put("leasehold/site.conf", site)
        self._put("nginx.conf", MAIN.format(folder=self.folder, level=self.level,
                                            user="user root;\n" if os.geteuid() == 0 else ""))

    def _moved(self, text):
        text = text.replace("unix:/run/leasehold/", "unix:%s/" % self.sockets)
        text = text.replace("/etc/leasehold/", self.folder + "/")
        text = re.sub(r"/var/log/nginx/(\S+) error;", r"%s/\1 %s;" % (self.folder, self.level), text)
        return text.replace("/var/log/nginx/", self.folder + "/")

    def _put(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
            out.write(text)

    # --- life ---

    def command(self, *more):
        return [binary(), "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf"),
                "-e", os.path.join(self.folder, "error.log"), *more]

    def check(self):
        """nginx -t; returns (exit code, what it says)."""
        self.port = self.port or free_port()
        self.write()
        done = subprocess.run(self.command("-t"), capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def start(self):
        for _ in range(5):
            self.port = free_port()
            self.write()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._listens():
                return self
        raise RuntimeError("nginx did not start:\n" + self.log("error.log"))

    def _listens(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            if self._is_at_work():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _is_at_work(self):
        """Its sockets are all there when it writes its number, not when one of them is."""
        if _read(os.path.join(self.folder, "nginx.pid")).strip() != str(self.process.pid):
            return False
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        """Ends the process that start() began, and its workers with it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self, *names):
        """The content of its logs, all of them by default."""
        names = names or ("error.log", "leasehold.log", "leasehold-error.log")
        return "".join(_read(os.path.join(self.folder, name)) for name in names)


def shipped():
    """The text of each file that is there to be included, by its name below leasehold/."""
    names = [os.path.join(folder, name) for folder in ("", "auth")
             for name in sorted(os.listdir(os.path.join(FILES, folder))) if name.endswith(".conf")]
    return {name: shipped_file(name) for name in names}


def shipped_file(name):
    return _read(os.path.join(FILES, name))


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""

# SPDX-License-Identifier: Apache-2.0
"""The commands: what they say, how they end, and that what is refused touches nothing."""
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import pytest

import fastcgi
from harness import binary, wait_until
from nginx import shipped_file

DONE, FAILED, USAGE = 0, 1, 2
COMMANDS = ("server", "init", "check", "policy check", "adopt", "nginx-secret", "version")
TOKEN = r"hvs\.[A-Za-z0-9]{24,}"

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


# --- usage ---

@pytest.mark.parametrize("arguments", [
    [], ["nonesuch"], ["-config", "x"], ["server"], ["init"], ["check"], ["adopt"],
    ["check", "-config"], ["check", "-config="], ["check", "-konfig", "x"],
    ["check", "-config", "x", "more"], ["check", "more"], ["check", "-format", "json"],
    ["init", "-config", "x", "-format", "yaml"], ["init", "-config", "x", "-format"],
    ["policy"], ["policy", "check"], ["policy", "check", "x"], ["policy", "check", "-policy", "x"],
    ["policy", "check", "-policy=", "x"], ["policy", "check", "-config", "x"],
    ["version", "-config", "x"], ["version", "x"], ["server", "-config", "x", "-"],
], ids=" ".join)
def test_wrong_usage_is_status_2(leasehold, arguments):
    done = subprocess.run([leasehold, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == USAGE and done.stdout == ""
    assert done.stderr.startswith("leasehold: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["help"], ["-h"], ["--help"], ["-help"]], ids=" ".join)
def test_help_names_every_command(leasehold, arguments):
    done = subprocess.run([leasehold, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == DONE and done.stderr == ""
    for command in COMMANDS:
        assert re.search("^  %s " % command, done.stdout, re.M)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help_that_does_nothing_else(leasehold, command, option):
    done = subprocess.run([leasehold, *command.split(), option, "-config", "/nonesuch"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == DONE and done.stderr == ""
    assert done.stdout.startswith("usage: leasehold %s" % command)


def test_the_version_is_told(leasehold):
    done = subprocess.run([leasehold, "version"], capture_output=True, text=True, check=False)
    assert done.returncode == DONE and re.fullmatch(r"leasehold \d+\.\d+\.\d+\S*\n", done.stdout)


def test_output_that_does_not_arrive_is_a_failure(leasehold):
    with open("/dev/full", "w", encoding="ascii") as full:
        for command in ("version", "help"):
            assert subprocess.run([leasehold, command], stdout=full, stderr=subprocess.DEVNULL,
                                  check=False).returncode == FAILED


@pytest.mark.parametrize("form", [["-config", "{}"], ["--config", "{}"], ["-config={}"],
                                  ["--config={}"]], ids=" ".join)
def test_options_take_one_or_two_dashes(site, form):
    arguments = [part.format(site.path("c.hcl")) for part in form]
    done = subprocess.run([binary(), "check", *arguments], capture_output=True, text=True,
                          check=False)
    assert done.returncode == DONE and "good" in done.stdout


# --- the configuration file ---

BAD_CONFIGURATIONS = [
    ("an unknown key", "\nlog_levle = \"info\"\n", 9, "log_levle"),
    ("an unknown block", "\nengin \"alicloud\" {}\n", 9, "engin"),
    ("an unknown engine", "\nengine \"nonesuch\" {}\n", 9, "nonesuch"),
    ("a broken block", "\nlistener \"fastcgi\" {\n", 10, ""),
    ("a text where a number belongs", "listener \"fastcgi\" \"read\" { workers = \"two\" }\n", 8,
     "workers"),
    ("too many workers", "listener \"fastcgi\" \"read\" { workers = 257 }\n", 8, "workers"),
    ("no worker", "listener \"fastcgi\" \"read\" { workers = 0 }\n", 8, "workers"),
    ("a number where a text belongs", "log_level = 1\n", 8, "log_level"),
    ("a wrong choice", "log_level = \"loud\"\n", 8, "log_level"),
    ("a key twice", "user = \"\"\n", 8, "user"),
    ("a storage twice", "storage \"lmdb\" { path = \"/x\" }\n", 8, "storage"),
    ("a bad duration", "default_lease_ttl = \"soon\"\n", 8, "default_lease_ttl"),
    ("a negative duration", "max_lease_ttl = \"-1h\"\n", 8, "max_lease_ttl"),
    ("a relative socket path", "listener \"fastcgi\" \"read\" { address = \"x.sock\" }\n", 8,
     "address"),
    ("a name as TCP address", "listener \"fastcgi\" \"read\" { address = \"localhost:1\" }\n", 8,
     "address"),
    ("a socket path that is too long",
     "listener \"fastcgi\" \"read\" { address = \"/%s\" }\n" % ("x" * 108), 8, "address"),
    ("users on TCP", "listener \"fastcgi\" \"read\" { address = \"127.0.0.1:1\" peer_users = "
     "[\"root\"] }\n", 8, "peer_users"),
    ("a kept connection of the work pool", "listener \"fastcgi\" \"w2\" { pool = \"work\" "
     "keepalive = true }\n", 8, "keepalive"),
    ("no pool", "listener \"fastcgi\" \"other\" { address = \"/tmp/x.sock\" }\n", 8, "pool"),
    ("an address twice", "listener \"fastcgi\" \"read\" { address = \"FOLDER/work.sock\" }\n", 8,
     ""),
    ("a plain endpoint", "engine \"alicloud\" { ram_endpoint = \"http://ram.example\" }\n", 8,
     "ram_endpoint"),
    ("a mode that is none", "listener \"fastcgi\" \"read\" { socket_mode = \"rw\" }\n", 8,
     "socket_mode"),
    ("bytes that are no text", "user = \"\udcff\"\n", 8, ""),
    ("NUL", "# \0\n", 8, ""),
]


@pytest.mark.parametrize("command", ["server", "init", "check", "adopt"])
@pytest.mark.parametrize("name, more, line, key", BAD_CONFIGURATIONS,
                         ids=[row[0] for row in BAD_CONFIGURATIONS])
def test_a_bad_configuration_names_line_and_key_and_touches_nothing(site, command, name, more,
                                                                    line, key):
    site.write(CONFIGURATION + more)
    before = site.shape()
    done = site.run(command)
    assert done.returncode == FAILED and done.stdout == ""
    # an unexpected end may be told at the line where it is seen
    assert re.match(r"leasehold: %s:(%d|%d): " % (site.path("c.hcl"), line, line + 1), done.stderr)
    assert key in done.stderr and done.stderr.count("\n") == 1
    assert site.shape() == before


def test_the_master_keys_place_has_no_default(site):
    site.write(re.sub("seal.*\n", "", CONFIGURATION))
    before = site.shape()
    for command in ("server", "init", "check", "adopt"):
        done = site.run(command)
        assert done.returncode == FAILED and "seal" in done.stderr
    assert site.shape() == before


@pytest.mark.parametrize("make", ["missing", "folder", "fifo", "huge", "empty"])
def test_what_is_no_configuration_file_is_refused(site, make):
    os.unlink(site.path("c.hcl"))
    if make == "folder":
        os.mkdir(site.path("c.hcl"))
    elif make == "fifo":
        os.mkfifo(site.path("c.hcl"))
    elif make != "missing":
        with open(site.path("c.hcl"), "wb") as out:
            out.truncate(1 << 30 if make == "huge" else 0)
    for command in ("server", "init", "check", "adopt"):
        done = site.run(command, timeout=60)
        assert done.returncode == FAILED and site.path("c.hcl") in done.stderr
    assert os.listdir(site.folder) in ([], ["c.hcl"])


# --- init ---

@pytest.mark.parametrize("form", ["text", "json"])
def test_init_prints_the_token_once_and_that_is_the_token(site, form):
    done = site.run("init", "-format", form)
    assert done.returncode == DONE and done.stderr == ""
    tokens = re.findall(TOKEN, done.stdout)
    assert len(tokens) == 1
    if form == "json":
        assert json.loads(done.stdout) == {"root_token": tokens[0]}
    for name in ("master.key", "store", "store/data.mdb"):
        assert stat.S_IMODE(os.stat(site.path(name)).st_mode) & 0o077 == 0
    with open(site.path("store/data.mdb"), "rb") as file:
        assert tokens[0].encode() not in file.read()
    assert site.serves(tokens[0]) == 200
    assert site.serves(tokens[0][:-1]) == 403


def test_a_second_init_touches_nothing(site):
    token = site.init()
    before = site.shape()
    done = site.run("init")
    assert done.returncode == FAILED and done.stdout == "" and site.path("store") in done.stderr
    assert site.shape() == before
    assert site.serves(token) == 200


def test_init_uses_a_master_key_that_is_there(site):
    with open(site.path("master.key"), "w", encoding="ascii") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write("5a" * 32 + "\n")
    assert site.serves(site.init()) == 200
    with open(site.path("master.key"), encoding="ascii") as file:
        assert file.read() == "5a" * 32 + "\n"


@pytest.mark.parametrize("output", ["full", "closed", "broken pipe"])
def test_init_whose_token_nobody_saw_can_be_run_again(site, output):
    if output == "full":
        with open("/dev/full", "w", encoding="ascii") as full:
            done = site.run("init", stdout=full)
    elif output == "closed":
        done = subprocess.run(["sh", "-c", 'exec "$0" init -config "$1" >&-', binary(),
                               site.path("c.hcl")], capture_output=True, check=False)
    else:
        reader, writer = os.pipe()
        os.close(reader)
        done = site.run("init", stdout=writer)
        os.close(writer)
    assert done.returncode != DONE
    assert site.serves(site.init()) == 200


def test_init_that_is_killed_can_be_run_again(site):
    """At any moment: either there is no store, or its token was printed."""
    seed = random.Random(7)
    killed = 0
    for _ in range(25):
        process = subprocess.Popen([binary(), "init", "-format", "json", "-config",
                                    site.path("c.hcl")], stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL)
        time.sleep(seed.uniform(0, 0.03))
        process.kill()
        output = process.communicate()[0]
        killed += process.returncode == -signal.SIGKILL
        again = site.run("init", "-format", "json")
        if again.returncode != DONE:
            assert "store" in again.stderr, again.stderr
            again = None
        token = json.loads(again.stdout if again else output)["root_token"]
        assert site.serves(token) == 200
        shutil.rmtree(site.path("store"))
        os.unlink(site.path("master.key"))
    assert killed > 0


def test_init_leaves_a_folder_of_somebody_else_alone(site):
    os.mkdir(site.path("store"))
    with open(site.path("store/letter"), "w", encoding="ascii") as out:
        out.write("mine")
    before = site.shape()
    done = site.run("init")
    assert done.returncode == FAILED and done.stdout == ""
    assert site.shape() == before


# --- master key ---

def put_key(site, text, mode=0o600):
    with open(site.path("master.key"), "w", encoding="ascii") as out:
        os.fchmod(out.fileno(), mode)
        out.write(text)


BAD_KEYS = [
    ("readable by others", "ab" * 32 + "\n", 0o644, "0600"),
    ("readable by the group", "ab" * 32 + "\n", 0o640, "0600"),
    ("too short", "ab" * 31 + "\n", 0o600, "64 hex digits"),
    ("too long", "ab" * 33 + "\n", 0o600, "64 hex digits"),
    ("no hex digits", "xy" * 32 + "\n", 0o600, "64 hex digits"),
    ("two lines", "ab" * 32 + "\n" + "ab" * 32 + "\n", 0o600, "64 hex digits"),
    ("empty", "", 0o600, "64 hex digits"),
]


@pytest.mark.parametrize("name, text, mode, says", BAD_KEYS, ids=[row[0] for row in BAD_KEYS])
def test_a_bad_master_key_is_refused_and_not_shown(site, name, text, mode, says):
    site.init()
    os.unlink(site.path("master.key"))
    put_key(site, text, mode)
    before = site.shape()
    for command in ("server", "check", "adopt"):
        done = site.run(command)
        assert done.returncode == FAILED and says in done.stderr, command
        assert site.path("master.key") in done.stderr and "abab" not in done.stderr
    shape = site.shape()
    shape.pop(site.path("store/lock"), None)    # the store's own
    assert shape == before


def test_another_stores_master_key_does_not_open_this_one(site):
    site.init()
    os.unlink(site.path("master.key"))
    put_key(site, "ab" * 32 + "\n")
    for command in ("server", "adopt"):
        done = site.run(command)
        assert done.returncode == FAILED and "master key" in done.stderr


@pytest.mark.parametrize("make", ["missing", "folder", "fifo"])
def test_a_master_key_that_is_no_file_is_refused(site, make):
    site.init()
    os.unlink(site.path("master.key"))
    if make != "missing":
        (os.mkdir if make == "folder" else os.mkfifo)(site.path("master.key"))
    done = site.run("server", timeout=60)
    assert done.returncode == FAILED and site.path("master.key") in done.stderr


@root_only
def test_a_master_key_of_another_user_is_refused(site):
    site.init()
    os.chown(site.path("master.key"), 65534, 65534)
    done = site.run("server")
    assert done.returncode == FAILED and "belongs to user 65534" in done.stderr


# --- store ---

def test_without_a_store_the_server_says_what_to_do(site):
    put_key(site, "ab" * 32 + "\n")
    for make in (lambda: None, lambda: os.mkdir(site.path("store"), 0o700)):
        make()
        before = site.shape()
        for command in ("server", "adopt"):
            done = site.run(command)
            assert done.returncode == FAILED and "leasehold init" in done.stderr
        assert site.shape() == before
    assert site.serves(site.init()) == 200


@pytest.mark.parametrize("content", [b"", b"garbage" * 2000, b"\0" * 16384],
                         ids=["empty", "garbage", "zeros"])
def test_a_file_that_is_no_store_is_not_touched(site, content):
    site.init()
    path = site.path("store/data.mdb")
    with open(path, "wb") as out:
        out.write(content)
    done = site.run("server")
    assert done.returncode == FAILED and site.path("store") in done.stderr
    with open(path, "rb") as file:
        assert file.read() == content


def test_a_copied_store_does_not_start_until_it_is_adopted(site):
    token = site.init()
    os.rename(site.path("store"), site.path("old"))
    shutil.copytree(site.path("old"), site.path("store"))
    done = site.run("server")
    assert done.returncode == FAILED and "adopt" in done.stderr
    done = site.run("adopt")
    assert done.returncode == DONE and site.path("store") in done.stdout
    assert site.serves(token) == 200


def test_check_changes_nothing_beside_a_running_server(site):
    token = site.init()
    server = subprocess.Popen([binary(), "server", "-config", site.path("c.hcl")],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(site.path("work.sock")))
        done = site.run("check")
        assert done.returncode == DONE and "good" in done.stdout
        done = site.run("adopt")
        assert done.returncode == FAILED and str(server.pid) in done.stderr
    finally:
        server.terminate()
        assert server.wait(60) == DONE
    assert site.serves(token) == 200


@pytest.mark.parametrize("place, says", [("no/such/folder/x.sock", "no/such/folder"),
                                         ("c.hcl", "not a socket")])
def test_check_looks_at_the_places_of_the_sockets(site, place, says):
    site.write(CONFIGURATION.replace("FOLDER/work.sock", "FOLDER/" + place))
    before = site.shape()
    done = site.run("check")
    assert done.returncode == FAILED and says in done.stderr
    assert site.shape() == before


@pytest.mark.parametrize("line, says", [('user = "no-such-user"', "no-such-user"),
                                        ('socket_group = "no-such-group"', "no-such-group"),
                                        ('peer_users = ["no-such-user"]', "no-such-user")])
@root_only
def test_check_knows_users_and_groups(site, line, says):
    site.write(CONFIGURATION.replace('user = ""', line) if line.startswith("user") else
               CONFIGURATION.replace("workers = 1", "workers = 1\n  " + line))
    done = site.run("check")
    assert done.returncode == FAILED and says in done.stderr


# --- policy check ---

READS = 'path "a/*" {\n  capabilities = ["read"]\n}\n'
LISTS = ('# two\npath "a/*" { capabilities = ["list"] max_wrapping_ttl = "1m" }\n'
         'path "a/+/c" { policy = "deny" }\n')


def check_policies(site, texts, *paths):
    files = []
    for number, text in enumerate(texts):
        files.append(site.path("%d.hcl" % number))
        with open(files[-1], "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
    options = [part for file in files for part in ("-policy", file)]
    return subprocess.run([binary(), "policy", "check", *options, *paths], capture_output=True,
                          text=True, check=False, cwd=site.folder)


def test_policies_tell_what_they_grant_and_which_rule_decides(site):
    done = check_policies(site, [READS, LISTS], "a/b", "a/b/c", "b", "/v1/a/b", "/a/")
    first, second = site.path("0.hcl"), site.path("1.hcl")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert done.stdout == (
        'a/b: list, read\n  path "a/*", %s:1 + %s:2\n  max_wrapping_ttl: 60 s\n'
        'a/b/c: deny\n  path "a/+/c", %s:3\n'
        'b: deny\n  no rule matches\n'
        '/v1/a/b: deny\n  no rule matches; rules and paths stand without /v1/\n'
        '/a/: list, read\n  path "a/*", %s:1 + %s:2\n  max_wrapping_ttl: 60 s\n'
        % (first, second, second, first, second))


def test_the_limits_of_a_rule_are_told(site):
    text = """path "a" {
      policy = "write"
      allowed_parameters = { "ttl" = ["5m"] }
      denied_parameters = { "max_ttl" = [] }
      required_parameters = ["ttl"]
      min_wrapping_ttl = 1
    }"""
    done = check_policies(site, [text], "a")
    assert done.stdout == (
        'a: create, delete, list, read, update\n  path "a", %s:1\n'
        '  allowed_parameters: {"ttl":["5m"]}\n  denied_parameters: {"max_ttl":[]}\n'
        '  required_parameters: ["ttl"]\n  min_wrapping_ttl: 1 s\n' % site.path("0.hcl"))


@pytest.mark.parametrize("text,says", [
    ('path "x" {\n colour = 1 }', 'path "x": invalid key "colour" on line 2, expected '),
    ('path "x" {\n', "line 2: found the end of the text"),
    ("\udcff", "line 1: found byte 0xff, expected UTF-8"),
], ids=["key", "syntax", "bytes"])
def test_a_broken_policy_is_told_with_file_and_line(site, text, says):
    done = check_policies(site, [READS, text], "a")
    assert done.returncode == FAILED and done.stdout == ""
    assert done.stderr.startswith("leasehold: %s: %s" % (site.path("1.hcl"), says))


def test_a_policy_that_cannot_be_read_is_told(site):
    done = subprocess.run([binary(), "policy", "check", "-policy", site.path("none"), "a"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == FAILED and done.stdout == ""
    assert re.fullmatch("leasehold: .*/none: .+\n", done.stderr)


# --- check -nginx ---

SITE = "%s\nlocation / { access_log off; %s\nfastcgi_pass leasehold_read; }\n" % (
    shipped_file("leasehold-http.conf"), shipped_file("leasehold-params.conf"))


@pytest.mark.parametrize("text, code, words", [
    (SITE, DONE, "none of the mistakes"),
    (SITE.replace("next_upstream off", "next_upstream error"), FAILED, "fastcgi_next_upstream"),
    ("", FAILED, "has no fastcgi_pass"),
], ids=["sound", "unsafe", "of a broken site"])
def test_a_site_is_judged_by_what_nginx_prints(tmp_path, text, code, words):
    file = tmp_path / "site"
    file.write_text(text)
    done = subprocess.run([binary(), "check", "-nginx", str(file)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == code, done
    assert words in done.stdout + done.stderr


# --- how the program starts ---

def test_a_program_with_rights_of_its_own_starts_once(leasehold):
    """glibc takes settings from the environment of such a program: it must not wait for them."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give the program to somebody else")
    folder = tempfile.mkdtemp(prefix="lh-")
    try:
        program = shutil.copy(leasehold, os.path.join(folder, "leasehold"))
        os.chmod(folder, 0o755)
        os.chown(program, 65534, -1)
        os.chmod(program, 0o4755)
        done = subprocess.run([program, "version"], capture_output=True, text=True, check=False,
                              timeout=30)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == DONE and done.stdout.startswith("leasehold")


# --- nginx-secret ---

def test_the_secret_for_nginx_is_one_line_that_follows_from_the_master_key(site):
    site.init()
    first, second = site.run("nginx-secret"), site.run("nginx-secret")
    assert first.returncode == DONE and first.stdout == second.stdout
    assert re.fullmatch(r"set \$lh_auth_secret [0-9a-f]{64};\n", first.stdout)
    with open(site.path("master.key"), encoding="ascii") as file:
        assert file.read().strip() not in first.stdout
    os.remove(site.path("master.key"))
    shutil.rmtree(site.path("store"))
    site.init()
    assert site.run("nginx-secret").stdout != first.stdout


def test_without_a_master_key_there_is_no_secret(site):
    done = site.run("nginx-secret")
    assert done.returncode == FAILED and done.stdout == "" and "master.key" in done.stderr
    site.init()
    with open("/dev/full", "w", encoding="ascii") as full:
        assert site.run("nginx-secret", stdout=full).returncode == FAILED

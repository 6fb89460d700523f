# SPDX-License-Identifier: Apache-2.0
"""The commands that make and open a store: init, adopt, check, and the master key."""
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import time

import pytest

from commands import CONFIGURATION, DONE, FAILED, empty_site, root_only    # noqa: F401
from harness import binary, wait_until

__all__ = ["empty_site"]

TOKEN = r"hvs\.[A-Za-z0-9]{24,}"


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


def test_init_uses_a_master_key_in_a_folder_that_takes_nothing_new(site):
    put_key(site, "5a" * 32)
    os.makedirs(site.path("master.key.new/full"))    # where a new one would be written
    assert site.serves(site.init()) == 200


@root_only
def test_init_uses_a_master_key_behind_a_link(site):
    put_key(site, "5a" * 32)
    os.chown(site.path("master.key"), 65534, 65534)
    os.rename(site.path("master.key"), site.path("real.key"))
    os.symlink("real.key", site.path("master.key"))
    os.chmod(site.folder, 0o755)
    site.write(CONFIGURATION.replace('user = ""', 'user = "nobody"'))
    assert site.serves(site.init()) == 200


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


def test_init_with_a_bad_master_key_can_be_run_again_without_it(site):
    put_key(site, "ab" * 31 + "\n")
    done = site.run("init")
    assert done.returncode == FAILED and done.stdout == "" and "64 hex digits" in done.stderr
    os.unlink(site.path("master.key"))
    assert site.serves(site.init()) == 200


def test_another_stores_master_key_does_not_open_this_one(site):
    site.init()
    os.unlink(site.path("master.key"))
    put_key(site, "ab" * 32 + "\n")
    for command in ("server", "adopt"):
        done = site.run(command)
        assert done.returncode == FAILED and "put back" in done.stderr


@pytest.mark.parametrize("make", ["missing", "folder", "fifo"])
def test_a_master_key_that_is_no_file_is_refused(site, make):
    site.init()
    os.unlink(site.path("master.key"))
    if make != "missing":
        (os.mkdir if make == "folder" else os.mkfifo)(site.path("master.key"))
    for command in ("server", "check", "adopt"):
        done = site.run(command, timeout=60)
        assert done.returncode == FAILED and site.path("master.key") in done.stderr, command
        assert ("put back" if make == "missing" else "must be a file") in done.stderr, command


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


def test_a_cloned_disk_does_not_start_until_it_is_adopted(site, monkeypatch):
    """All is the same but the board, which the service manager tells a server without rights."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", site.path(""))

    def board(uuid):
        with open(site.path("board"), "w", encoding="ascii") as file:
            file.write(uuid)

    board("01234567-89AB-CDEF-0123-456789ABCDEF\n")
    token = site.init()
    assert site.serves(token) == 200
    board("0F0F0F0F-89AB-CDEF-0123-456789ABCDEF\n")
    done = site.run("server")
    assert done.returncode == FAILED and "the board's UUID differs" in done.stderr
    board("unknown")
    assert site.serves(token) == 200
    board("0F0F0F0F-89AB-CDEF-0123-456789ABCDEF\n")
    assert site.run("adopt").returncode == DONE
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


@root_only
def test_files_are_read_as_the_user_who_will_use_them(site):
    """Root may read everything; the children that call the cloud may not."""
    os.chmod(site.folder, 0o755)
    site.write(CONFIGURATION.replace('user = ""', 'user = "nobody"') +
               'engine "alicloud" { ca_file = "FOLDER/ca.pem" }\n')
    with open(site.path("ca.pem"), "w", encoding="ascii") as out:
        out.write("-----BEGIN CERTIFICATE-----\n")
    os.chmod(site.path("ca.pem"), 0o644)
    site.init()
    os.chmod(site.path("ca.pem"), 0o600)
    before = site.shape()
    for command in ("server", "check"):
        done = site.run(command)
        assert done.returncode == FAILED
        assert re.match("leasehold: %s:9: .*ca_file: .*ca.pem: Permission denied\n"
                        % site.path("c.hcl"), done.stderr), done.stderr
    assert site.shape() == before

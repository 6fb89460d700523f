# SPDX-License-Identifier: Apache-2.0
"""The commands: what they say, how they end, and that what is refused touches nothing."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from commands import CONFIGURATION, DONE, FAILED, USAGE, empty_site    # noqa: F401
from harness import binary
from nginx import shipped_file

__all__ = ["empty_site"]

COMMANDS = ("server", "init", "check", "policy check", "adopt", "nginx-secret", "version")


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
    ("a default above the maximum", "max_lease_ttl = \"2h\"\n\ndefault_lease_ttl = \"3h\"\n", 10,
     "default_lease_ttl"),
    ("a maximum below the default", "\n\nmax_lease_ttl = \"2h\"\n", 10, "default_lease_ttl"),
    ("sweeps that end too early", "engine \"alicloud\" {\n\n sweep_after = [\"1m\"] }\n", 10,
     "sweep_after"),
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
    ("certificates that are not there", "engine \"alicloud\" {\n ca_file = \"/nonesuch\" }\n", 9,
     "ca_file"),
    ("a folder as certificates", "engine \"alicloud\" { ca_file = \"FOLDER\" }\n", 8, "ca_file"),
    ("a file without certificates", "engine \"tencentcloud\" { ca_file = \"FOLDER/c.hcl\" }\n", 8,
     "ca_file"),
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
    assert done.stdout.startswith("leasehold")
    # A leak checker that was built in would trace it, which the kernel refuses.
    assert done.returncode == DONE or "LeakSanitizer does not work under ptrace" in done.stderr


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

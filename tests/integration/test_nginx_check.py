# SPDX-License-Identifier: Apache-2.0
"""leasehold check -nginx: names the dangerous line of each bad site, and the danger is real.

The one idea: every file of tests/nginx/bad is a small site with one mistake, whose line ends in
`# <-`. The check must name this line and no other of what the real nginx prints; and a request to the
real nginx shows what the mistake does, with a stand-in for the daemon that keeps what it is told."""
import glob
import os
import re
import subprocess

import pytest

import nginx
from danger import DANGERS, Site, Visitor, logging
from doors import written
from harness import binary
from nginx import TOP, shipped, shipped_file
from test_site import BEHIND_A_PROXY, CERTIFICATES, example

FOLDER = os.path.join(TOP, "tests", "nginx")
MARK = "# <-"


def names(kind):
    return sorted(os.path.basename(path)[:-len(".conf")]
                  for path in glob.glob(os.path.join(FOLDER, kind, "*.conf")))


def text_of(kind, name):
    with open(os.path.join(FOLDER, kind, name + ".conf"), encoding="utf-8") as file:
        return file.read()


def judge(printed):
    """(exit code, lines) of the check."""
    done = subprocess.run([binary(), "check", "-nginx", "-"], input=printed, capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stderr.splitlines()


@pytest.fixture(scope="module", name="visitor")
def one_visitor(tmp_path_factory):
    return Visitor(tmp_path_factory.mktemp("visitor"))


@pytest.mark.parametrize("name", names("bad"))
def test_a_bad_site_is_dangerous_and_its_line_is_named(tmp_path, visitor, name):
    text = text_of("bad", name)
    marked = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith(MARK)]
    with Site(tmp_path, text, visitor) as site:
        code, lines = judge(site.printed())
        found = [re.match(r".*/leasehold/site\.conf:(\d+): \S+: .{40}", line) for line in lines[:-1]]
        assert code == 1 and all(found) and marked, lines
        assert [int(match.group(1)) for match in found] == marked, lines
        DANGERS[name](site)


def test_debugging_some_clients_writes_their_tokens_down(tmp_path, visitor, monkeypatch):
    """Not a file among the others, because it stands outside of http { }."""
    monkeypatch.setattr(nginx, "MAIN", nginx.MAIN.replace(
        "events {{", "events {{\ndebug_connection 127.0.0.0/8;\n"))
    with Site(tmp_path, shipped_file("leasehold.conf.example"), visitor) as site:
        code, lines = judge(site.printed())
        assert code == 1 and len(lines) == 2 and ": debug_connection: " in lines[0], lines
        logging(site, "leasehold-error.log")


def test_what_nginx_says_of_itself_changes_nothing(tmp_path, visitor):
    with Site(tmp_path, text_of("bad", "no-guard"), visitor) as site:
        both = subprocess.run(site.nginx.command("-T"), stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=60, check=True).stdout
        assert both.startswith("nginx: ")
        assert judge(both) == judge(site.printed())
        code, lines = judge("user root;\n" + site.printed())
        assert code == 1 and "stands before the first file" in lines[0]


def test_each_bad_site_has_its_danger():
    assert sorted(DANGERS) == names("bad")


def test_every_shipped_parameter_is_wanted(tmp_path, visitor):
    wanted = re.findall(r"^fastcgi_param (\w+)", shipped_file("leasehold-params.conf"), re.M)
    assert len(wanted) > 20
    for name in wanted:
        folder = tmp_path / name
        folder.mkdir()
        site = Site(folder, text_of("bad", "no-token-parameter").replace("LH_TOKEN", name), visitor)
        assert site.nginx.check()[0] == 0
        code, lines = judge(site.printed())
        assert code == 1 and len(lines) == 2, lines
        assert name in lines[0] or name == "LH_END", lines


@pytest.mark.parametrize("name", names("good"))
def test_a_good_site_is_good(tmp_path, visitor, name):
    is_sound(tmp_path, visitor, text_of("good", name))


def is_sound(folder, visitor, text, edited=None):
    """By the check's word and by that of strangers."""
    with Site(folder, text, visitor, edited) as site:
        code, lines = judge(site.printed())
        assert (code, lines) == (0, []), lines
        site.is_nobodys(re.findall(r"location (/\S*) ", text))


@pytest.mark.parametrize("text", [
    shipped_file("leasehold.conf.example"), example(), example(*CERTIFICATES, *BEHIND_A_PROXY)
], ids=["plain", "for everybody", "with certificates, behind a proxy"])
def test_the_examples_are_good(tmp_path, visitor, text):
    is_sound(tmp_path, visitor, text)


RECIPES = [name[len("auth/"):-len(".conf")] for name in shipped()
           if re.fullmatch(r"auth/[a-z-]+\.conf", name) and not re.search("-(http|server)", name)]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_good(tmp_path, visitor, recipe):
    """As an operator leaves it, but that nobody here has one of its addresses."""
    texts = {name: text if "address" in name else written(name[len("auth/"):])
             for name, text in shipped().items() if name.startswith("auth/")}
    text = "\n".join(
        ["include leasehold/%s.conf;" % name for name in ("leasehold-http", "leasehold-upstream")] +
        ["include leasehold/%s;" % name for name in texts if name.endswith("-http.conf")] +
        ["server { listen 127.0.0.1:8200; include leasehold/leasehold-locations.conf;"] +
        ["include leasehold/%s;" % name for name in texts if name.endswith("-server.conf")] +
        ["location /v1/in/ { include leasehold/auth/%s.conf;" % recipe,
         "include leasehold/leasehold-api.conf; } }"])
    is_sound(tmp_path, visitor, text, texts)

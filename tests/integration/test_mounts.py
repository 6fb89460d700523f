# SPDX-License-Identifier: Apache-2.0
"""sys/mounts: which paths may be mounted, many mounts, mounts beside each other, and races."""
import concurrent.futures
import itertools

import pytest

import fastcgi
from harness import Server, wait_until
from lending import REMOTE, add_mount, issue, lookup, make_role, whoami

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", name="server")
def quick_server(leasehold):
    """Sweeps soon: what a call in flight makes after its mount has gone is found by a sweep."""
    with Server(engine='sweep_after = ["1s", "3s"]') as server:
        yield server


@pytest.fixture(name="path")
def free_path(server):
    path = "m%d" % next(NUMBERS)
    yield path
    for name in list(server.api("GET", "sys/mounts").data):
        if name.startswith(path):
            server.api("DELETE", "sys/mounts/" + name)


def enable(server, path, **more):
    return server.api("POST", "sys/mounts/" + path, {"type": "alicloud", **more})


def ready(server, path):
    """Enables, with root key and a role."""
    add_mount(server, path)
    make_role(server, path, remote_policies=REMOTE)


def at_once(*calls):
    """Runs all at the same time; returns their results in order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


# --- paths ---

@pytest.mark.parametrize("path", ["sys", "sys/x", "auth/x", "cubbyhole", "cubbyhole/x", "identity",
                                  "audit/x"])
def test_what_belongs_to_the_server_is_not_mounted_over(server, path):
    reply = enable(server, path)
    assert reply.status == 400 and "cannot mount" in reply.errors[0] or \
        "already in use" in reply.errors[0]


@pytest.mark.parametrize("path", ["", "a%00b", "a%0ab", "a%20b%7f", "..", "x" * 200])
def test_a_path_that_is_no_name_is_refused(server, path):
    reply = enable(server, path)
    assert reply.status in (400, 405) and "errors" in reply.body
    assert len(server.api("GET", "sys/mounts").data) >= 2


@pytest.mark.parametrize("path, status", [("m", 400), ("m/deeper", 400), ("m/deeper/still", 400),
                                          ("m2", 204), ("m-2", 204)])
def test_a_mount_takes_all_that_lies_under_it_and_nothing_beside_it(server, path, status):
    base = "n%d" % next(NUMBERS)
    assert enable(server, base).status == 204
    wanted = base + path[1:]
    assert enable(server, wanted).status == status
    for name in {base, wanted if status == 204 else base}:
        assert server.api("DELETE", "sys/mounts/" + name).status == 204


def test_a_mount_above_another_is_refused(server, path):
    assert enable(server, path + "/a/b").status == 204
    for above in (path, path + "/a"):
        reply = enable(server, above)
        assert reply.status == 400 and "already in use" in reply.errors[0]
    assert enable(server, path + "/a/c").status == 204


@pytest.mark.parametrize("body, says", [
    ({}, "type"), ({"type": "nonesuch"}, "nonesuch"), ({"type": 5}, "5"),
    ({"type": "alicloud", "config": {"default_lease_ttl": "abc"}}, "default TTL of abc"),
    ({"type": "alicloud", "config": {"default_lease_ttl": "3h", "max_lease_ttl": "1h"}},
     "greater than"),
    ({"type": "alicloud", "config": "x"}, "config"), ({"type": "alicloud", "options": [1]}, ""),
    ({"type": "alicloud", "plugin_version": "v1"}, "version"),
])
def test_a_mount_that_cannot_be_is_refused(server, path, body, says):
    reply = server.api("POST", "sys/mounts/" + path, body)
    assert reply.status == 400 and says in reply.errors[0], reply
    assert path + "/" not in server.api("GET", "sys/mounts").data


# --- mounts beside each other ---

def test_mounts_with_alike_paths_share_nothing(server, path):
    """Their names are beginnings of each other, as texts."""
    one, two, nested = path, path + "1", path + "-x/y"
    for name in (one, two, nested):
        ready(server, name)
    leases = {name: issue(server, name) for name in (one, two, nested)}
    for name, reply in leases.items():
        assert reply["lease_id"].startswith(name + "/creds/r/")
    assert server.api("PUT", "sys/leases/revoke-prefix/" + one).status == 204
    assert [lookup(server, leases[name]["lease_id"]).status for name in (one, two, nested)] == [
        400, 200, 200]
    assert server.api("DELETE", "sys/mounts/" + one).status == 204
    assert server.api("GET", two + "/role/r").status == 200
    assert whoami(server, leases[nested].data).status == 200
    assert server.api("DELETE", two + "/role/r").status == 204
    assert server.api("GET", nested + "/role/r").status == 200


def test_a_mount_that_comes_again_is_a_new_one(server, path):
    ready(server, path)
    accessor = server.api("GET", "sys/mounts/" + path).data["accessor"]
    lease = issue(server, path)
    assert server.api("DELETE", "sys/mounts/" + path).status == 204
    assert whoami(server, lease.data).status != 200
    assert enable(server, path).status == 204
    assert server.api("GET", "sys/mounts/" + path).data["accessor"] != accessor
    for method, what in (("GET", "/config"), ("GET", "/role/r"), ("LIST", "/role")):
        assert server.api(method, path + what).status == 404
    assert lookup(server, lease["lease_id"]).status == 400


def test_what_is_tuned_counts_for_the_next_lease(server, path):
    ready(server, path)
    tune = "sys/mounts/%s/tune" % path
    assert issue(server, path)["lease_duration"] == 2764800
    assert server.api("POST", tune, {"default_lease_ttl": "10m", "max_lease_ttl": "1h"}
                      ).status == 204
    assert issue(server, path)["lease_duration"] == 600
    data = server.api("GET", tune).data
    assert (data["default_lease_ttl"], data["max_lease_ttl"]) == (600, 3600)
    assert server.api("POST", tune, {"default_lease_ttl": "2h"}).status == 400
    assert server.api("GET", tune).data["default_lease_ttl"] == 600


# --- many ---

def test_hundreds_of_mounts_are_listed_and_outlive_a_restart(leasehold):
    with Server(work_workers=12) as server:    # not the shared one: its list stays short
        names = ["many/m%03d" % i for i in range(300)]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda name: enable(server, name).status, names))
        assert replies == [204] * len(names)
        reply = server.api("GET", "sys/mounts")
        assert {name + "/" for name in names} < set(reply.data)
        # longer than what nginx keeps in memory: the read pool must not wait for a slow reader
        assert len(reply.raw) > 128 * 1024
        answer = fastcgi.ask(server.path("run/read.sock"), "GET", "/v1/sys/mounts",
                             server.root_token)
        assert answer.headers["X-Accel-Redirect"] == "@leasehold_work"
        server.restart()
        assert server.api("GET", "sys/mounts").data == reply.data
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            gone = list(pool.map(lambda name: server.api("DELETE", "sys/mounts/" + name).status,
                                 names[:50]))
        assert gone == [204] * 50
        assert len(server.api("GET", "sys/mounts").data) == len(reply.data) - 50


# --- races ---

def test_of_many_who_enable_the_same_path_one_wins(server, path):
    replies = at_once(*[lambda: enable(server, path) for _ in range(8)])
    assert sorted(reply.status for reply in replies) == [204] + [400] * 7
    assert all("already in use" in reply.errors[0] for reply in replies if reply.status == 400)


def test_of_two_nested_paths_one_wins(server, path):
    for i in range(5):
        base = "%s/%d" % (path, i)
        replies = at_once(lambda: enable(server, base), lambda: enable(server, base + "/deeper"))
        assert sorted(reply.status for reply in replies) == [204, 400], replies


def test_parallel_tunes_lose_nothing(server, path):
    assert enable(server, path).status == 204
    tune = "sys/mounts/%s/tune" % path
    changes = [{"options": {"k%d" % i: "v%d" % i}} for i in range(8)]
    replies = at_once(*[lambda c=c: server.api("POST", tune, c) for c in changes])
    assert [reply.status for reply in replies] == [204] * 8
    options = server.api("GET", "sys/mounts/" + path).data["options"]
    assert options == {k: v for c in changes for k, v in c["options"].items()}


def test_a_mount_that_is_disabled_while_credentials_are_issued_leaves_none(server, path):
    """Several times, so that the end comes at several moments of an issue."""
    for latency in (0, 0.005, 0.02, 0.05):
        ready(server, path)
        server.sim.configure(latency=latency)
        calls = [lambda: server.api("GET", path + "/creds/r")] * 4
        *issued, gone = at_once(*calls, lambda: server.api("DELETE", "sys/mounts/" + path))
        server.sim.configure(latency=0)
        assert gone.status == 204, gone
        assert {reply.status for reply in issued} <= {200, 400, 404, 409}, issued
        wait_until(lambda: server.api("GET", path + "/role/r").status == 404)
        assert server.sim.wait_clean(10), server.sim.leftovers()
        assert not [r for r in issued if r.status == 200 and whoami(server, r.data).status == 200]


def test_enable_tune_and_disable_at_once_end_in_one_of_their_orders(server, path):
    tune = "sys/mounts/%s/tune" % path
    for _ in range(5):
        replies = at_once(lambda: enable(server, path),
                          lambda: server.api("POST", tune, {"description": "tuned"}),
                          lambda: server.api("DELETE", "sys/mounts/" + path),
                          lambda: enable(server, path, description="other"))
        assert {reply.status for reply in replies} <= {204, 400, 404, 409}, replies
        there = server.api("GET", "sys/mounts").data.get(path + "/")
        assert there is None or there["description"] in ("", "tuned", "other")
        assert (server.api("GET", "sys/mounts/" + path).status == 200) == (there is not None)
        assert server.api("DELETE", "sys/mounts/" + path).status == 204


def test_parallel_writers_of_one_role_all_succeed(server, path):
    ready(server, path)
    replies = at_once(*[lambda i=i: server.api("POST", path + "/role/r", {"ttl": 60 + i})
                        for i in range(12)])
    assert [reply.status for reply in replies] == [204] * 12
    assert 60 <= server.api("GET", path + "/role/r").data["ttl"] < 72

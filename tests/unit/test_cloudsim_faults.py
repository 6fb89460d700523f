# SPDX-License-Identifier: Apache-2.0
"""The cloud simulator: faults, kill hooks, eventual consistency, rate quotas.

The one idea: each fault is checked from both sides, what the client saw and what the cloud did.
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest

from cloud_replies import ok, refused
from cloudsim.caller import iso
from cloudsim.client import CloudSim, CloudSimError, rounds

TESTS = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = json.dumps({"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "oss:*", "Resource": "*"}]})
BROKEN = (http.client.HTTPException, OSError)


def create(root, name="u"):
    return root("CreateUser", UserName=name)


def exists(sim, name="u"):
    return any(item["name"] == name for item in sim.leftovers())


# --- answers and effects ---

@pytest.mark.parametrize("reset", [False, True])
def test_drop_before_the_effect(sim, root, reset):
    sim.fault("drop", action="CreateUser", times=1, reset=reset)
    with pytest.raises(BROKEN):
        create(root)
    assert not exists(sim)
    assert sim.calls()[0]["code"] == "dropped" and sim.calls()[0]["fault"] == "drop"
    ok(create(root))


def test_drop_after_the_effect(sim, root):
    sim.fault("drop", action="CreateUser", effect="done", times=1)
    with pytest.raises(BROKEN):
        create(root)
    assert exists(sim)
    refused(create(root), "EntityAlreadyExists.User")


def test_the_effect_comes_after_the_drop(sim, root):
    sim.fault("drop", action="CreateUser", effect="late", late=1.5, times=1)
    with pytest.raises(BROKEN):
        create(root)
    assert not exists(sim) and sim.state()["late_pending"] == 1
    refused(root("DeleteUser", UserName="u"), "EntityNotExist.User")
    assert sim.wait(late=0)
    assert exists(sim)
    call = sim.calls("CreateUser")[0]
    assert call["effect_ms"] - call["answered_ms"] > 1000


def test_reset_forgets_late_effects(sim, root):
    sim.fault("drop", effect="late", late=0.05)
    with pytest.raises(BROKEN):
        create(root)
    sim.reset()
    sim.wait(0.1, leftovers=1)
    assert sim.leftovers() == []


@pytest.mark.parametrize("effect", ["none", "done"])
def test_hang(sim, root, effect):
    sim.fault("hang", action="CreateUser", effect=effect, seconds=0.2)
    begin = time.monotonic()
    with pytest.raises(BROKEN):
        create(root)
    assert time.monotonic() - begin >= 0.2
    assert exists(sim) == (effect == "done")


def test_a_hung_client_may_give_up(sim, root):
    sim.fault("hang", action="CreateUser", seconds=3, effect="late", late=0.1)
    root.timeout = 1
    with pytest.raises(TimeoutError):
        create(root)
    assert sim.wait(leftovers=1)
    assert sim.wait_calls("CreateUser") and sim.calls()[0]["client_gone"]


def test_latency_adds_up_and_can_follow_the_effect(sim, root):
    sim.fault("latency", action="CreateUser", seconds=0.05)
    sim.fault("latency", action="*", seconds=0.05, times=1)
    ok(create(root))
    call = sim.calls()[0]
    assert call["effect_ms"] - call["arrived_ms"] >= 100
    sim.clear_faults()
    sim.fault("latency", seconds=1, effect="done")
    ok(create(root, "v"))
    call = sim.calls()[1]
    assert call["effect_ms"] - call["arrived_ms"] < 800
    assert call["answered_ms"] - call["effect_ms"] >= 999
    sim.clear_faults()
    sim.configure(latency={"GetUser": 0.05})
    ok(root("GetUser", UserName="v"))
    assert sim.calls()[2]["answered_ms"] - sim.calls()[2]["arrived_ms"] >= 49


def test_error_codes_and_shapes(sim, root):
    sim.fault("error", code="ServiceUnavailable", status=503, times=1)
    refused(create(root), "ServiceUnavailable", 503)
    sim.fault("error", code="InternalError", effect="done", times=1)
    refused(create(root), "InternalError", 500)
    assert exists(sim)
    sim.fault("error", code="Odd", status=418, message="tea", shape="lower", times=1)
    reply = create(root)
    assert reply.status == 418 and reply["code"] == "Odd" and reply["message"] == "tea"
    sim.fault("error", code="Odd", shape="xml", times=1)
    assert b"<Code>Odd</Code>" in create(root).raw


def test_throttling(sim, root):
    sim.fault("throttle", times=1, retry_after_ms=2000)
    reply = refused(create(root), "Throttling.User", 400)
    assert reply.headers["x-acs-retry-after"] == "2000"
    sim.fault("throttle", times=1, code="Throttling", status=429, shape="bare")
    reply = refused(create(root), "Throttling", 429)
    assert reply.headers["x-acs-retry-after"] is None and "HostId" not in reply.body
    assert not exists(sim)


def test_spoilt_bodies(sim, root):
    sim.fault("garbage", times=1)
    assert create(root, "a").body is None and exists(sim, "a")
    sim.fault("truncate", times=1)
    with pytest.raises(http.client.IncompleteRead):
        create(root, "b")
    assert exists(sim, "b")
    sim.fault("truncate", times=1, cut="json")
    assert create(root, "c").body is None
    sim.fault("html", times=1)
    reply = create(root, "d")
    assert reply.status == 502 and reply.raw.startswith(b"<html>") and not exists(sim, "d")
    sim.fault("huge", times=1, bytes=2 * 1024 * 1024)
    assert len(create(root, "e").raw) > 2 * 1024 * 1024 and exists(sim, "e")
    sim.fault("trickle", times=1, seconds=0.0005)
    assert create(root, "f").status == 200
    ok(create(root, "g"))


@pytest.mark.parametrize("marker, distinct", [("new", 4), ("same", 1)])
def test_endless_pages(sim, root, marker, distinct):
    sim.fault("pages", action="List*", marker=marker)
    seen, wish = set(), {}
    for _ in range(4):
        body = ok(root("ListUsers", **wish))
        assert body["IsTruncated"]
        wish = {"Marker": body["Marker"]}
        seen.add(body["Marker"])
    assert len(seen) == distinct
    assert ok(root("ListPoliciesForUser", UserName="leasehold-root"))["IsTruncated"]


def test_echoed_string_to_sign(sim):
    token = sim.edit("session", role="reader")
    caller = sim.caller((token["id"], token["secret"]), token["token"])
    sim.fault("echo")
    reply = refused(caller("ListUsers"), "SignatureDoesNotMatch")
    assert token["token"] in reply.message
    refused(caller.v1("ListUsers"), "SignatureDoesNotMatch")


# --- whom a fault hits, and how often ---

def hits(sim, root, number=6, **fields):
    sim.fault("error", action="GetUser", **fields)
    return [root("GetUser", UserName="leasehold-root").status == 500 for _ in range(number)]


def test_counts(sim, root):
    assert hits(sim, root, times=2) == [True, True] + [False] * 4
    sim.clear_faults()
    assert hits(sim, root, every=3) == [False, False, True] * 2
    sim.clear_faults()
    assert hits(sim, root, **{"from": 5}) == [False] * 4 + [True] * 2
    sim.clear_faults()
    first = hits(sim, root, 20, probability=0.5, seed=7)
    sim.clear_faults()
    assert hits(sim, root, 20, probability=0.5, seed=7) == first and len(set(first)) == 2


def test_patterns(sim, root):
    sim.fault("error", user="bad-*")
    refused(create(root, "bad-1"), "InternalError")
    ok(create(root, "good-1"))
    sim.clear_faults()
    sim.fault("error", key="LTAIsimsecond*", action=["List*", "GetUser"])
    ok(root("ListUsers"))
    second = sim.caller(sim.second_root_key)
    refused(second("ListUsers"), "InternalError")
    ok(second.sts("GetCallerIdentity"))
    number = sim.faults()[0]["id"]
    assert sim.faults()[0]["struck"] == 1
    sim.clear_faults(number)
    ok(second("ListUsers"))


@pytest.mark.parametrize("fields", [{"kind": "nonsense"}, {"kind": "drop", "acton": "x"},
                                    {"kind": "drop", "effect": "maybe"}])
def test_bad_faults_are_refused(sim, fields):
    with pytest.raises(CloudSimError):
        sim.fault(**fields)


# --- connections and certificates ---

def test_keep_alive_and_its_end(sim, root):
    ok(create(root))
    ok(root("ListUsers"))
    assert len({c["connection"] for c in sim.calls()}) == 1
    assert sim.drop_connections() == 1
    with pytest.raises(BROKEN):
        root("ListUsers")
    sim.configure(keepalive_requests=2)
    for _ in range(4):
        ok(root("ListUsers"))
    assert len({c["connection"] for c in sim.calls()}) == 3


@pytest.mark.parametrize("kind", ["refuse", "tls_garbage", "tls_hang"])
def test_handshake_faults(sim, kind):
    sim.fault(kind, service="ram", seconds=0.05, times=1)
    with pytest.raises(BROKEN):
        sim.caller()("ListUsers")
    ok(sim.caller()("ListUsers"))


@pytest.mark.parametrize("which, words", [("name", "IP address mismatch"), ("ca", "local issuer"),
                                          ("expired", "expired")])
def test_wrong_certificates(sim, which, words):
    sim.fault("certificate", service="ram", certificate=which)
    with pytest.raises(ssl.SSLCertVerificationError, match=words):
        sim.caller()("ListUsers")
    assert sim.state()["tls"]["bytes_on_bad_certificate"] == 0
    careless = sim.caller()
    careless.tls.check_hostname = False
    careless.tls.verify_mode = ssl.CERT_NONE
    ok(careless("ListUsers"))
    assert sim.state()["tls"]["bytes_on_bad_certificate"] > 0


def test_clock(sim, root):
    sim.configure(skew=1000)
    refused(root("ListUsers"), "InvalidTimeStamp.Expired")
    reply = root.v3("ListUsers", x_acs_date=iso(1000))
    assert reply.status == 200
    sim.configure(skew=0, date_skew=3600)
    date = parsedate_to_datetime(root("ListUsers").headers["Date"]).timestamp()
    assert abs(date - time.time() - 3600) < 300


def test_many_connections_at_once(sim):
    callers = [sim.caller() for _ in range(128)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda c: ok(c("ListUsers")), callers))
    assert sim.state()["connections"] == 128
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda c: ok(c("ListUsers")), callers))
    assert sim.counters()["total"] == 256
    for caller in callers:
        caller.close()


def test_parallel_calls_are_one_round(sim):
    sim.configure(latency=1)
    threads = [threading.Thread(target=create, args=(sim.caller(), "u%d" % n)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ok(create(sim.caller(), "last"))
    assert [len(group) for group in rounds(sim.calls())] == [3, 1]
    assert sim.counters()["most_in_flight"] == 3


# --- kill hooks ---

CHILD = """
import sys, types
sys.path.insert(0, sys.argv[1])
from cloudsim.alicloud.caller import Caller
place = types.SimpleNamespace(ram_endpoint=sys.argv[2], ca_file=sys.argv[3])
caller = Caller(place, sys.argv[4], sys.argv[5])
print(caller("ListUsers").status, flush=True)
sys.stdin.readline()
print(caller("CreateUser", UserName="u").status, flush=True)
"""


@pytest.fixture
def child(sim):
    """A client process with a warm connection that calls CreateUser when told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(TESTS), sim.ram_endpoint, sim.ca_file, *sim.root_key],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "200\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def go(child):
    child.stdin.write("\n")
    child.stdin.flush()


@pytest.mark.parametrize("when, extra, there", [
    ("before", {}, False), ("before", {"effect": "done"}, True), ("after", {}, True)])
def test_the_peer_is_killed(sim, child, when, extra, there):
    number = sim.kill_hook("CreateUser", when, **extra)
    go(child)
    assert child.wait(60) == -signal.SIGKILL
    assert sim.wait(killed=number) and exists(sim) == there
    assert sim.kills()[0]["fired"][0]["pid"] == child.pid
    assert sim.calls("CreateUser")[0]["kill"]["pid"] == child.pid


def test_the_effect_comes_after_the_kill(sim, child):
    sim.kill_hook("CreateUser", "before", effect="late", late=1.5)
    go(child)
    assert child.wait(60) == -signal.SIGKILL
    assert not exists(sim) and sim.wait(late=0) and exists(sim)


def test_stop_by_pid_file(sim, child, tmp_path):
    file = tmp_path / "pid"
    file.write_text("%d\n" % child.pid)
    number = sim.kill_hook("CreateUser", "after", "STOP", str(file))
    go(child)
    assert sim.wait(killed=number) and exists(sim)
    pid, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(child.pid, signal.SIGCONT)
    assert child.stdout.readline() == "200\n"


def test_a_hook_is_one_shot_and_waits_for_its_call(sim, root, child):
    sim.kill_hook("CreateUser", pid=child.pid, user="second", signal="STOP")
    ok(create(root, "first"))
    assert sim.kills()[0]["fired"] == []
    ok(create(root, "second"))
    assert len(sim.kills()[0]["fired"]) == 1
    os.kill(child.pid, signal.SIGCONT)
    sim.kill_hook("CreateUser", "after", "STOP", pid=999999999)
    ok(create(root, "third"))
    assert sim.kills()[1]["fired"][0]["error"]
    sim.clear_kills()
    with pytest.raises(CloudSimError):
        sim.kill_hook("CreateUser", signal="NOPE")


# --- a cloud that is behind ---

def attach(root, verb="AttachPolicyToUser"):
    return root(verb, UserName="u", PolicyName="p", PolicyType="Custom")


def until_ok(function, code):
    """Repeats while the code comes; returns how often it came."""
    for number in range(400):
        reply = function()
        if reply.status == 200:
            return number
        refused(reply, code)
        time.sleep(0.02)
    raise AssertionError(code + " did not end")


def test_new_things_are_seen_late(sim, root):
    sim.configure(alicloud={"consistency": {"user_ms": 1000, "policy_ms": 2000}})
    ok(create(root))
    ok(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT))
    refused(root("CreateAccessKey", UserName="u"), "EntityNotExist.User")
    refused(attach(root), "EntityNotExist.User")
    assert until_ok(lambda: root("CreateAccessKey", UserName="u"), "EntityNotExist.User")
    assert until_ok(lambda: attach(root), "EntityNotExist.Policy")


def test_old_things_are_seen_longer(sim, root):
    sim.configure(alicloud={"consistency": {"detach_ms": 1000, "key_delete_ms": 2000}})
    ok(create(root))
    ok(root("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT))
    ok(attach(root))
    key = ok(root("CreateAccessKey", UserName="u"))["AccessKey"]["AccessKeyId"]
    ok(attach(root, "DetachPolicyFromUser"))
    ok(root("DeleteAccessKey", UserName="u", UserAccessKeyId=key))
    refused(root("DeleteUser", UserName="u"), "DeleteConflict.User.Policy")
    assert until_ok(lambda: root("DeletePolicy", PolicyName="p"), "DeleteConflict.Policy.User")
    assert until_ok(lambda: root("DeleteUser", UserName="u"), "DeleteConflict.User.AccessKey")


def test_keys_work_late_and_longer(sim, root):
    sim.configure(alicloud={"consistency": {"key_use_ms": 500, "key_dead_ms": 1000}})
    ok(create(root))
    key = ok(root("CreateAccessKey", UserName="u"))["AccessKey"]
    user = sim.caller((key["AccessKeyId"], key["AccessKeySecret"]))
    assert until_ok(lambda: user.sts("GetCallerIdentity"), "InvalidAccessKeyId.NotFound")
    ok(root("DeleteAccessKey", UserName="u", UserAccessKeyId=key["AccessKeyId"]))
    ok(user.sts("GetCallerIdentity"))
    sim.wait(1.05, leftovers=-1)
    refused(user.sts("GetCallerIdentity"), "InvalidAccessKeyId.NotFound")


def test_rate_quota(sim, root):
    sim.configure(alicloud={"rate": {"on": True, "scale": 0.1}})
    replies = [root("CreateUser", UserName="u%d" % n) for n in range(4)]
    assert [r.status for r in replies] == [200] * 2 + [400] * 2
    refused(replies[-1], "Throttling.User")
    wait = int(replies[-1].headers["x-acs-retry-after"])
    assert 0 < wait <= 1001
    ok(sim.caller(sim.second_root_key)("CreateUser", UserName="other-account"))
    ok(root("GetUser", UserName="u0"))
    sim.wait(wait / 1000.0 + 0.01, leftovers=-1)
    ok(create(root, "later"))
    sim.configure(alicloud={"rate": {"limits": {"GetUser": 0}}})
    refused(root("GetUser", UserName="u0"), "Throttling.User")


# --- the process ---

def test_it_ends_with_its_owner(tmp_path):
    sim = CloudSim(tmp_path).start()
    process = sim.process
    sim.stop()
    assert process.returncode == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(sim.control.rsplit(":", 1)[1])), 1)
    with pytest.raises(CloudSimError, match="unknown setting"):
        CloudSim(tmp_path, setup={"nonsense": 1}).start()


def test_set_up_from_the_start(tmp_path):
    with CloudSim(tmp_path, setup={"alicloud": {"objects": {"users": 1}}}) as sim:
        refused(sim.caller()("CreateUser", UserName="u"), "LimitExceeded.User")
        sim.reset()
        refused(sim.caller()("CreateUser", UserName="u"), "LimitExceeded.User")


def test_nothing_breaks_the_simulator(sim):
    """Bytes that are no request, and a fault that meets an unreadable signature."""
    place = ("127.0.0.1", int(sim.metadata_endpoint.rsplit(":", 1)[1]))
    for data in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
                 b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                 b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with socket.create_connection(place, 5) as sock:
            sock.sendall(data)
            assert b" 4" in sock.recv(4096)[:12]
    sim.fault("echo")
    refused(sim.caller().v3("ListUsers", extra=[("Authorization", "x")]), "IncompleteSignature")
    assert sim.state()["bugs"] == 0

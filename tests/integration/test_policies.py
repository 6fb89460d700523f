# SPDX-License-Identifier: Apache-2.0
"""Policies behind nginx: changes reach every worker, limits hold, and what is sent wrong is told."""
import json
import random

import pytest

from harness import Server, forget_policies

DENIED = ["1 error occurred:\n\t* permission denied\n\n"]
REMOTE = {"remote_policies": ["name:AliyunOSSReadOnlyAccess,type:System"]}


@pytest.fixture(autouse=True)
def no_policies_stay(request):
    yield
    if "server" in request.fixturenames:
        forget_policies(request.getfixturevalue("server"))


def put(server, name, text):
    reply = server.api("PUT", "sys/policies/acl/" + name, {"policy": text})
    assert reply.status == 204, reply


def token_with(server, *policies, **more):
    reply = server.api("POST", "auth/token/create", dict({"policies": policies}, **more))
    assert reply.status == 200, reply
    return reply["auth"]["client_token"]


@pytest.fixture
def role(server, mount):
    assert server.api("PUT", mount + "/role/there", REMOTE).status == 204
    return mount + "/role/there"


# --- changes ---

def test_a_change_is_seen_by_the_next_request_of_every_worker():
    with Server(read_workers=4, work_workers=4) as server:
        assert server.api("POST", "sys/mounts/a", {"type": "alicloud"}).status == 204
        assert server.api("PUT", "a/role/x", REMOTE).status == 204
        put(server, "p", 'path "a/role/x" { capabilities = ["read"] }')
        token = token_with(server, "p")
        for _ in range(40):     # every worker has built it now
            assert server.api("GET", "a/role/x", token=token).status == 200
            assert server.api("PUT", "a/role/x", REMOTE, token).status == 403
        for _ in range(3):
            put(server, "p", 'path "a/role/x" { capabilities = ["update"] }')
            for _ in range(20):
                assert server.api("GET", "a/role/x", token=token).status == 403
                assert server.api("PUT", "a/role/x", REMOTE, token).status == 204
            put(server, "p", 'path "a/role/x" { capabilities = ["read"] }')
            for _ in range(20):
                assert server.api("GET", "a/role/x", token=token).status == 200
                assert server.api("PUT", "a/role/x", REMOTE, token).status == 403
        assert server.api("DELETE", "sys/policies/acl/p").status == 204
        for _ in range(20):
            assert server.api("GET", "a/role/x", token=token).errors == DENIED
        server.restart()
        put(server, "p", 'path "a/role/x" { capabilities = ["read"] }')
        assert server.api("GET", "a/role/x", token=token).status == 200
        assert server.sim.leftovers() == []


def test_policies_outlive_the_server():
    with Server() as server:
        put(server, "team/app", 'path "sys/mounts" { policy = "read" }')
        token = token_with(server, "team/app")
        server.kill("master")
        server.start_daemon()
        assert server.api("GET", "sys/mounts", token=token).status == 200
        reply = server.api("GET", "sys/policies/acl/team/app")
        assert reply.data == {"name": "team/app", "policy": 'path "sys/mounts" { policy = "read" }'}
        assert server.sim.leftovers() == []


# --- what a denial tells ---

def test_a_denial_is_the_same_whatever_is_there(server, role):
    mount = role.split("/")[0]
    put(server, "other", 'path "nothing/*" { policy = "sudo" }')
    token = token_with(server, "other")
    answers = set()
    for method, path, body in [
            ("GET", role, None), ("GET", mount + "/role/not", None), ("PUT", role, REMOTE),
            ("PUT", role, {"ttl": "nonsense"}), ("PUT", mount + "/role/not", {"ttl": "nonsense"}),
            ("GET", mount + "/creds/there", None), ("GET", mount + "/creds/not", None),
            ("GET", mount + "/nonesuch", None), ("GET", "nowhere/at/all", None),
            ("LIST", mount + "/role", None), ("LIST", "nowhere", None),
            ("DELETE", role, None), ("DELETE", mount + "/role/not", None),
            ("GET", "sys/policies/acl/other", None), ("GET", "sys/policies/acl/not", None),
            ("PUT", "sys/policies/acl/Other", {"policy": "path {"}), ("GET", "sys/leases", None)]:
        reply = server.api(method, path, body, token)
        answers.add((reply.status, json.dumps(reply.body)))
    assert answers == {(403, json.dumps({"errors": DENIED}))}


def test_no_spelling_of_a_path_passes_a_rule(server, role):
    mount, _, name = role.split("/")
    put(server, "all-but", 'path "%s/*" { policy = "sudo" } path "%s" { policy = "deny" }'
        % (mount, role))
    token = token_with(server, "all-but")
    assert server.api("GET", mount + "/role/other", token=token).status == 404
    for path in [role, mount + "/role/" + name.upper(), mount + "/role/./" + name,
                 mount + "//role//" + name, mount + "/x/../role/" + name,
                 mount + "/role/%74here", mount + "/role/there?list=false", role + "/",
                 mount + "/role%2fthere", mount + "/role/there%00", mount + "/role/ther%C3%A9"]:
        reply = server.api("GET", path, token=token)
        assert reply.status in (400, 403, 404), (path, reply)
        assert b"AliyunOSSReadOnlyAccess" not in reply.raw


# --- wrapping ---

def test_a_rule_can_demand_that_an_answer_is_wrapped(server, role):
    put(server, "wrapped", 'path "%s" { capabilities = ["read"]\n'
        'min_wrapping_ttl = "1m" max_wrapping_ttl = "5m" }' % role)
    token = token_with(server, "wrapped")
    for ttl, status in ((None, 403), ("59s", 403), ("60s", 200), ("5m", 200), ("301", 403)):
        reply = server.api("GET", role, token=token,
                           headers={"X-Vault-Wrap-TTL": ttl} if ttl else None)
        assert reply.status == status, (ttl, reply)
        assert (reply.errors == DENIED) if status == 403 else reply["wrap_info"]["token"]


def test_all_rights_of_a_token_may_be_wrapped(server):
    token = token_with(server, "none")
    reply = server.api("GET", "sys/internal/ui/resultant-acl", token=token,
                       headers={"X-Vault-Wrap-TTL": "60"})
    opened = server.api("PUT", "sys/wrapping/unwrap", {}, token=reply["wrap_info"]["token"])
    assert opened.data["root"] is False


# --- size ---

def test_ten_thousand_rules_in_a_mebibyte(server):
    rules = ['path "kv/%05d/+/*" { capabilities = ["read", "list", "create", "update"] }' % i
             for i in range(10000)]
    text = "\n".join(rules)
    text += "\n# " + "x" * ((1 << 20) - len(text) - 3)
    assert len(text) == 1 << 20
    put(server, "huge", text)
    token = token_with(server, "huge")
    reply = server.api("POST", "sys/capabilities-self", {"paths": ["kv/09999/a/b", "kv/10000/a/b"]},
                       token=token_with(server, "huge"))
    assert reply.data == {"kv/09999/a/b": ["create", "list", "read", "update"],
                          "kv/10000/a/b": ["deny"]}
    assert server.api("GET", "sys/policies/acl/huge").data["policy"] == text
    reply = server.api("PUT", "sys/policies/acl/huge", {"policy": text + "x"})
    assert (reply.status, reply.errors) == (400, [
        "a policy has at most 1048576 bytes, this one has 1048577"])
    assert server.api("GET", "sys/mounts", token=token).status == 403
    assert server.api("DELETE", "sys/policies/acl/huge").status == 204


def test_a_policy_that_no_body_can_hold_is_refused(server):
    reply = server.api("PUT", "sys/policies/acl/p", {"policy": "#" * (3 << 20)})
    assert reply.status == 413 and reply.errors


# --- bad input ---

@pytest.mark.parametrize("text,says", [
    ('path "x" {', "line 1: found the end of the text"),
    ('path "x" { capabilities = ["read"', "line 1: "),
    ("\n\n/* open", "line 3: the comment that begins here has no end"),
    ('\r\n\r\npath "x" { "open', "line 3: "),
    ('path "x" { comment = <<EOT\nnever', "line "),
    ('path "x" { allowed_parameters = { a = %s1%s } }' % ("[" * 60, "]" * 60), "line 1: "),
    ('path "x" { colour = "\xe9" }', 'path "x": invalid key "colour"'),
    ('{"path": {"x": {}, "x": {}}}', "duplicate object key"),
    ('{"path": {"x": {"capabilities": ["read"]}}} more', "line 1"),
    ('{"path": ', "line 1"),
    ('path "x" { capabilities = ["\xe9"] }', 'invalid capability "\xe9"'),
    ("path \"x\" {}\x00", "line 1: found a NUL byte"),
], ids=range(12))
def test_a_broken_policy_is_a_400_with_line_and_reason(server, text, says):
    reply = server.api("PUT", "sys/policies/acl/broken", {"policy": text})
    assert reply.status == 400
    if "\x00" in text:      # JSON with a NUL is refused before
        return
    assert reply.errors[0].startswith("failed to parse policy: ") and says in reply.errors[0]
    assert server.api("GET", "sys/policies/acl/broken").status == 404


def test_odd_but_sound_policies_are_kept(server):
    for text in ['\ufeffpath "x" {}\r\n', 'path "\xe9/\U0001f600" { policy = "read" }',
                 'path "x" { comment = <<-EOT\n    a\n    EOT\n}\n', "# nothing", " "]:
        put(server, "odd", text)
        assert server.api("GET", "sys/policies/acl/odd").data["policy"] == text
    put(server, "odd", 'path "\xe9/*" { policy = "read" }')
    token = token_with(server, "odd")
    reply = server.api("POST", "sys/capabilities-self", {"path": "\xe9/x"}, token)
    assert reply["capabilities"] == ["list", "read"]
    reply = server.api("POST", "sys/capabilities", {"token": token, "path": "\xe9/x"})
    assert reply["capabilities"] == ["list", "read"]
    assert server.api("DELETE", "sys/policies/acl/odd").status == 204


@pytest.mark.parametrize("body", ["", "[]", '{"policy": ["a"]}', '{"policy": {}}', '{"policy": 7}',
                                  '{"policy": null}', '{"policy": "\\ud800"}', "{",
                                  '{"policy":"path \\"x\\" {}","policy":""}'])
def test_a_body_that_holds_no_policy_is_a_400(server, body):
    reply = server.api("PUT", "sys/policies/acl/none", body)
    assert reply.status == 400 and reply.errors[0], reply
    assert server.api("GET", "sys/policies/acl/none").status == 404


def test_random_texts_neither_pass_nor_hurt(server):
    seed = random.Random(7)     # drawn anew each time, one in some thousands is a comment, which is good
    for _ in range(50):
        text = seed.randbytes(300).decode("latin-1")
        assert server.api("PUT", "sys/policies/acl/random", {"policy": text}).status == 400
    assert server.api("GET", "sys/health", token=None).status == 200

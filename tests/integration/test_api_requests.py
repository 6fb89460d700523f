# SPDX-License-Identifier: Apache-2.0
"""Requests of every shape, good and bad: what is answered, and that the server lives on."""
import re

import pytest

import fastcgi
from client import request
from lending import make_role

BODY_MAX = 2 * 1024 * 1024
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
LOOKUP = "/v1/sys/leases/lookup"


@pytest.fixture(name="read")
def read_socket(server):
    """The read pool's socket; whatever a test sent there, the pool serves on afterwards."""
    path = server.path("run/read.sock")
    before = server.pids()["read"]
    yield path
    assert fastcgi.ask(path, "GET", "/v1/sys/health").status == 200
    assert server.pids()["read"] == before


def ask(server, read, method="GET", path="/v1/sys/mounts", body=b"", **more):
    """Past nginx, which would refuse much of this itself."""
    return fastcgi.ask(read, method, path, server.root_token, body, **more)


# --- the form of an answer ---

def test_what_is_read_comes_in_an_envelope(server, mount):
    reply = server.api("GET", mount + "/config")
    assert set(reply.body) == {"request_id", "lease_id", "renewable", "lease_duration", "data",
                               "wrap_info", "warnings", "auth", "mount_type"}
    assert re.fullmatch(UUID, reply["request_id"])
    assert (reply["lease_id"], reply["renewable"], reply["lease_duration"]) == ("", False, 0)
    assert reply["request_id"] != server.api("GET", mount + "/config")["request_id"]


@pytest.mark.parametrize("method, path, status, errors", [
    ("GET", "nowhere/x", 404, ["no handler for route \"nowhere/x\". route entry not found."]),
    ("GET", "", 404, ["no handler for route \"\". route entry not found."]),
    ("GET", "sys/nonesuch", 404, ["1 error occurred:\n\t* unsupported path\n\n"]),
    ("PUT", "sys/mounts", 405, ["1 error occurred:\n\t* unsupported operation\n\n"]),
    ("POST", "sys/health", 405, []),
    ("BREW", "sys/mounts", 405, []),
    ("PATCH", "sys/mounts/x", 400, ["mime: no media type"]),
    ("POST", "sys/leases/lookup/", 400, ["cannot write to a path ending in '/'"]),
    ("GET", "sys/mounts?list=maybe", 400, []),
    ("GET", "sys/mounts?x=%zz", 400, ["error parsing query: a parameter is not percent-encoded "
                                      "UTF-8 text"]),
])
def test_what_cannot_be_served_is_refused_in_json(server, method, path, status, errors):
    reply = server.api(method, path)
    assert (reply.status, reply.body) == (status, {"errors": errors})
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status, method, path, more", [
    (415, "PATCH", "/v1/sys/mounts/x", {"CONTENT_TYPE": "application/json"}),
    (431, "GET", "/v1/sys/mounts", {"LH_TOKEN": "x" * 8193}),
    (405, "BREW", "/v1/sys/mounts", {}),
])
def test_every_status_has_its_name(server, read, status, method, path, more):
    answer = ask(server, read, method, path, **more)
    names = {405: "Method Not Allowed", 415: "Unsupported Media Type",
             431: "Request Header Fields Too Large"}
    assert answer.headers["Status"] == "%d %s" % (status, names[status])


def test_the_head_of_an_answer_comes_without_a_body(server):
    reply = server.api("HEAD", "sys/health", token=None)
    assert reply.status == 200 and reply.raw == b""


# --- who asks ---

def test_a_wrong_token_is_not_helped_by_a_right_one_beside_it(server):
    reply = server.api("GET", "sys/mounts", token="hvs.unknown",
                       headers={"Authorization": "Bearer " + server.root_token})
    assert reply.status == 403


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic cm9vdDp4", "bearer {}", "{}"])
def test_only_a_bearer_counts_as_a_token(server, value):
    reply = server.api("GET", "sys/mounts", token=None,
                       headers={"Authorization": value.format(server.root_token)})
    assert reply.status == 403


def test_strangers_do_not_learn_what_exists(server, mount):
    there = server.api("GET", mount + "/role/none", token=None)
    nowhere = server.api("GET", "nowhere/role/none", token=None)
    assert (there.status, there.body) == (nowhere.status, nowhere.body)
    assert there.status == 403


@pytest.mark.parametrize("namespace, status", [("", 200), ("root", 200), ("/", 200), ("x", 404),
                                               ("root/x", 404)])
def test_there_is_the_root_namespace_alone(server, namespace, status):
    assert server.api("GET", "sys/mounts", headers={"X-Vault-Namespace": namespace}
                      ).status == status


@pytest.mark.parametrize("value, status", [("0", 200), ("60", 200), ("1m", 200), ("1ms", 200),
                                           ("-1", 400), ("soon", 400)])
def test_no_secret_is_sent_bare_to_who_asked_for_a_wrapped_one(server, mount, value, status):
    reply = server.api("GET", mount + "/config", headers={"X-Vault-Wrap-TTL": value})
    assert reply.status == status
    assert status != 200 or bool(reply.data) == (value == "0")


@pytest.mark.parametrize("path", ["/v1/sys/mounts?token=x", "/v1/{mount}/config?secret_key=x",
                                  "/v1/sys/mounts?%74oken=x", "/v1/sys/mounts?a=1&token=x"])
def test_a_secret_in_the_query_is_refused(server, mount, read, path):
    where, _, query = path.format(mount=mount).partition("?")
    method = "POST" if "secret_key" in query else "GET"
    pool = read if method == "GET" else server.path("run/work.sock")
    answer = fastcgi.ask(pool, method, where, server.root_token, query=query)
    assert answer.status == 400 and "secret" in answer.body["errors"][0]
    reply = request(server.nginx.port, method, path.format(mount=mount),
                    headers={"X-Vault-Token": server.root_token})
    assert reply.status == 400


# --- bodies ---

def deep(levels):
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize("body", [
    "{", "[1]", '"x"', "nul", "null null", "1", "{} trailing", '{"a":1}{"b":2}', '{"a":1,"a":2}', "{'a':1}",
    '{"a":"\\u0000"}', '{"a\\u0000b":1}', '{"a":"\x01"}', '{"a":"\\ud800"}', '{"a":NaN}',
    "\ufeff{}", '{"a":1e999}', deep(65), deep(5000), "\0",
], ids=lambda body: ascii(body[:16]))
def test_a_body_that_is_not_one_json_object_is_refused(server, body):
    reply = server.api("PUT", "sys/leases/lookup", body.encode("utf-8"))
    assert reply.status == 400 and reply.errors[0].startswith("error parsing JSON")


def test_a_body_that_is_not_utf8_is_refused(server):
    reply = server.api("PUT", "sys/leases/lookup", b'{"lease_id":"\xff"}')
    assert reply.status == 400 and reply.errors[0].startswith("error parsing JSON")


def test_a_body_may_be_as_deep_as_the_limit(server):
    reply = server.api("PUT", "sys/leases/lookup", deep(64))
    assert reply.errors == ["lease_id must be specified"]


@pytest.mark.parametrize("body", [b"", b" \n\t", b"null"])
def test_an_empty_body_is_an_empty_object(server, body):
    assert server.api("PUT", "sys/leases/lookup", body).errors == ["lease_id must be specified"]


@pytest.mark.parametrize("body", ["lease_id=no%2Fsuch", '{"lease_id": "no/such"}'])
def test_a_form_is_read_and_so_is_what_curl_calls_one(server, body):
    reply = server.api("PUT", "sys/leases/lookup", body,
                       headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status == 400 and reply.errors == ["invalid lease"]


def test_a_body_over_the_limit_is_refused_by_the_daemon_itself(server, read):
    answer = ask(server, read, "PUT", LOOKUP, b" " * (BODY_MAX + 1))
    assert answer.status == 413 and answer.body["errors"]
    assert ask(server, read, "PUT", LOOKUP, b" " * BODY_MAX).status == 400


@pytest.mark.parametrize("length", ["-1", "1x", " 1", "0x10", "+1", "1 "])
def test_a_length_that_is_no_number_is_refused(server, read, length):
    assert ask(server, read, "PUT", LOOKUP, b"{}", CONTENT_LENGTH=length).status == 400


@pytest.mark.parametrize("length", ["1", "3"])
def test_a_body_of_another_length_than_said_is_not_served(server, read, length):
    assert ask(server, read, "PUT", LOOKUP, b"{}", CONTENT_LENGTH=length).status is None


# --- FastCGI from somebody who is not nginx ---

def test_a_list_of_parameters_without_its_end_is_refused(server, read):
    answer = ask(server, read, LH_END=None)
    assert answer.status == 400 and "LH_END" in answer.body["errors"][0]


@pytest.mark.parametrize("name", ["LH_TOKEN", "DOCUMENT_URI", "X", "LH_END"])
def test_a_parameter_that_occurs_twice_is_refused(server, read, name):
    params = fastcgi.params_of("GET", "/v1/sys/mounts", server.root_token)
    params += [(name, "1")] + ([(name, "2")] if name == "X" else [])
    assert fastcgi.send(read, fastcgi.request(params)).status == 400


@pytest.mark.parametrize("value", [b"a\nb", b"a\0b", b"\x7f", b"\xff", b"\x1b[31m"])
@pytest.mark.parametrize("name", ["LH_TOKEN", "CONTENT_TYPE", "UNKNOWN"])
def test_a_control_character_in_a_parameter_is_refused(server, read, name, value):
    start = len(server.log())
    answer = ask(server, read, **{name: value})
    # libfcgi ends a value at NUL, so that the token is a wrong one and the rest has no effect
    assert answer.status in ((400, 403, 200) if b"\0" in value else (400,))
    assert "\x1b" not in server.log()[start:]


def test_too_many_parameters_are_refused(server, read):
    params = fastcgi.params_of("GET", "/v1/sys/mounts", server.root_token)
    params += [("X%d" % i, "") for i in range(1000)]
    assert fastcgi.send(read, fastcgi.request(params)).status == 400


def test_headers_of_the_client_under_their_own_names_are_not_read(server, read):
    answer = fastcgi.ask(read, "GET", "/v1/sys/mounts", HTTP_X_VAULT_TOKEN=server.root_token)
    assert answer.status == 403


@pytest.mark.parametrize("cut", [1, 7, 8, 12, 16, 20, 60, -1, -8, -9])
def test_a_request_that_is_cut_short_gets_no_answer(server, read, cut):
    data = fastcgi.request(fastcgi.params_of("GET", "/v1/sys/mounts", server.root_token))
    with fastcgi.connect(read) as connection:
        connection.sendall(data[:cut])
        connection.shutdown(fastcgi.socket.SHUT_WR)
        assert fastcgi.receive(connection).status is None


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\xff" * 65536,
                                  fastcgi.record(9) + b"\0" * 8, fastcgi.record(4, b"\xff" * 40)],
                         ids=["http", "zeros", "ones", "values", "params"])
def test_garbage_gets_no_answer(server, read, data):
    with fastcgi.connect(read) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(fastcgi.socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert fastcgi.receive(connection).status is None


# --- paths and names ---

@pytest.mark.parametrize("path, status", [
    ("/v1/sys/mounts/..", 400), ("/v1/../v1/sys/mounts", 400), ("/v1/sys//mounts", 400),
    ("/v1/sys/./mounts", 400), ("/v2/sys/mounts", 404), ("/", 404), ("", 404),
    ("v1/sys/mounts", 404),
    ("/v1/" + "x" * 4093, 400), ("/v1/{mount}/role/a\x01b", 400), ("/v1/{mount}/role/-bad", 404),
    ("/v1/{mount}/role/PROD", 400), ("/v1/{mount}/role/a b", 404), ("/v1/{mount}/role/a/b", 404),
])
def test_a_path_that_nobody_may_mean_is_refused(server, mount, read, path, status):
    answer = ask(server, read, path=path.format(mount=mount))
    assert answer.status == status and "errors" in answer.body


@pytest.mark.parametrize("name", ["a%00b", "a%0ab", "a%7fb", "%ff", "a%1bb"])
def test_nul_and_control_characters_in_a_name_are_refused_through_nginx(server, mount, name):
    for method in ("GET", "POST", "DELETE"):
        reply = server.api(method, "%s/role/%s" % (mount, name))
        assert reply.status == 400 and "errors" in reply.body, reply


def test_the_right_spelling_of_a_name_is_told(server, mount):
    for path in ("/role/PROD", "/creds/PROD"):
        reply = server.api("GET", mount + path)
        assert reply.status == 400 and '"prod"' in reply.errors[0]


@pytest.mark.parametrize("size, status", [(128, 204), (129, 404)])
def test_a_name_has_a_longest_length(server, mount, size, status):
    reply = server.api("POST", "%s/role/%s" % (mount, "a" * size),
                       {"role_arn": "acs:ram::1000000000000001:role/reader"})
    assert reply.status == status, reply


# --- fields ---

@pytest.mark.parametrize("fields, text", [
    ({"ttl": "abc"}, "time: invalid duration"), ({"ttl": -1}, "negative"), ({"ttl": [1]}, "ttl"),
    ({"ttl": {"a": 1}}, "ttl"), ({"ttl": 1e30}, "ttl"), ({"remote_policies": {"a": 1}}, "remote"),
    ({"inline_policies": [1]}, "inline_policies"), ({"role_arn": ["a"]}, "role_arn"),
])
def test_a_field_of_a_wrong_type_is_named(server, mount, fields, text):
    reply = server.api("POST", mount + "/role/x", fields)
    assert reply.status == 400 and text in reply.errors[0], reply
    assert server.api("GET", mount + "/role/x").status == 404


@pytest.mark.parametrize("sent, seen", [(90, 90), ("90", 90), ("90s", 90), ("1h30m", 5400),
                                        ("1.5h", 5400), ("1d", 86400), (90.7, 90), (None, 0)])
def test_a_duration_is_read_as_seconds(server, mount, sent, seen):
    make_role(server, mount, "x", remote_policies=["name:existing-policy,type:Custom"], ttl=sent)
    assert server.api("GET", mount + "/role/x").data["ttl"] == seen


def test_an_unknown_field_is_warned_of_where_the_answer_has_room(server, mount):
    make_role(server, mount)
    reply = server.api("GET", mount + "/creds/r?zzz=1")
    assert reply.status == 200
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]}).status == 204


# --- lists ---

@pytest.fixture(name="roles")
def mount_with_five_roles(server, mount):
    for name in "abcde":
        make_role(server, mount, name)
    return mount + "/role"


@pytest.mark.parametrize("query, keys", [
    ("", "abcde"), ("limit=2", "ab"), ("after=b", "cde"), ("after=b&limit=2", "cd"),
    ("after=bb", "cde"), ("limit=1000", "abcde"), ("after=", "abcde"),
])
def test_a_list_comes_in_pages(server, roles, query, keys):
    assert server.api("LIST", "%s?%s" % (roles, query)).data == {"keys": list(keys)}
    assert server.api("GET", "%s?list=true&%s" % (roles, query)).data == {"keys": list(keys)}


@pytest.mark.parametrize("query, status", [("after=e", 404), ("limit=x", 400), ("limit=-2", 400),
                                           ("limit=1001", 400)])
def test_a_page_that_cannot_be_is_refused(server, roles, query, status):
    assert server.api("LIST", "%s?%s" % (roles, query)).status == status


def test_list_false_is_a_read(server, roles):
    assert server.api("GET", roles + "?list=false").status == 405


# --- help ---

@pytest.mark.parametrize("path", ["{mount}", "{mount}/config", "{mount}/role/x", "{mount}/creds/x",
                                  "sys/mounts", "sys/leases/lookup", "sys"])
def test_there_is_help_for_everything(server, mount, path):
    reply = server.api("GET", path.format(mount=mount) + "?help=1")
    assert reply.status == 200 and reply["help"] and reply["openapi"]["paths"]


def test_help_needs_a_token(server, mount):
    assert server.api("GET", mount + "?help=1", token=None).status == 403

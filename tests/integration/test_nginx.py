# SPDX-License-Identifier: Apache-2.0
"""The shipped nginx files, with a stand-in for the daemon: what arrives, what is refused, what is
logged."""
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import request
from harness import wait_until
from nginx import FILES, NO_LIMITS, TOP, Nginx, shipped
from responder import Responder, json_answer

TOKEN = "hvs.CAESIsecretTOKENsecretTOKENsecret"


# Headers of this answer, Cache-Control for one, would be added to those of the final one.
HAND_ON = b"Status: 200\r\nX-Accel-Redirect: @leasehold_work\r\n\r\n"


def answer_read(request):
    if request.get("DOCUMENT_URI").startswith("/v1/work/"):
        return HAND_ON
    if request.get("DOCUMENT_URI") == "/v1/denied":
        return json_answer(403, '{"errors":["permission denied"]}\n')
    return json_answer(200, '{"pool":"read"}\n')


def answer_work(request):
    if request.get("DOCUMENT_URI") == "/v1/work/loop":
        return json_answer(200, '{"pool":"loop"}\n', "X-Accel-Redirect: @leasehold_work")
    if request.get("DOCUMENT_URI") == "/v1/work/big":
        return json_answer(200, '{"big":"%s"}\n' % ("x" * 4000000))
    return json_answer(200, '{"pool":"work"}\n')


class Site:
    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.read = Responder(self.folder / "read.sock", answer_read)
        self.work = Responder(self.folder / "work.sock", answer_work)
        self.nginx = Nginx(self.folder, self.folder).start()
        return self

    def __exit__(self, *_):
        self.nginx.stop()
        self.read.close()
        self.work.close()

    def ask(self, method, path, body=None, headers=None):
        return request(self.nginx.port, method, path, body, headers, timeout=60)

    def raw(self, *lines):
        """Sends lines as they are and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.nginx.port), 10) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode("latin-1")

    def seen(self):
        return self.read.requests[-1]


@pytest.fixture(scope="module", name="site")
def one_site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("nginx")) as site:
        yield site


def is_json_error(reply, status):
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers.get_all("Cache-Control") == ["no-store"]
    assert isinstance(reply.errors, list)
    return reply.errors


# --- the files ---

def test_nginx_accepts_the_files_without_a_warning(tmp_path):
    code, text = Nginx(tmp_path, tmp_path).check()
    assert code == 0 and "[warn]" not in text, text


def test_socket_paths_stand_in_one_file_only():
    for name, text in shipped().items():
        assert ("/run/leasehold" in text) == (name == "leasehold-upstream.conf"), name


def test_the_end_marker_is_the_last_parameter(site):
    site.ask("GET", "/v1/sys/health")
    assert site.seen().params[-1] == ("LH_END", "1")


# --- what arrives ---

@pytest.mark.parametrize("method", ["GET", "LIST", "POST", "PUT", "DELETE", "PATCH", "HEAD",
                                    "OPTIONS", "SCAN"])
def test_every_method_arrives(site, method):
    assert site.ask(method, "/v1/sys/leases/lookup/").status == 200
    assert site.seen().get("REQUEST_METHOD") == method


def test_no_header_becomes_a_parameter_by_itself(site):
    site.ask("GET", "/v1/x", headers={
        "X-Vault-Token": TOKEN, "X-Vault-Namespace": "n", "X-Vault-Wrap-TTL": "5m",
        "X-Vault-Request": "true", "Proxy": "evil", "LH-TOKEN": "forged", "LH_END": "0",
        "LH-Auth-Method": "forged", "X-Anything": "1"})
    request = site.seen()
    names = [name for name, _ in request.params]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("HTTP_")]
    assert request.get("LH_TOKEN") == TOKEN
    assert request.get("LH_NAMESPACE") == "n"
    assert request.get("LH_WRAP_TTL") == "5m"
    assert request.get("LH_VAULT_REQUEST") == "true"
    assert request.get("LH_AUTH_METHOD") == ""
    assert re.fullmatch("[0-9a-f]{32}", request.get("LH_REQUEST_ID"))
    assert request.get("REMOTE_ADDR") == "127.0.0.1" and request.get("REMOTE_PORT").isdigit()


@pytest.mark.parametrize("sent, arrives", [
    ("Bearer " + TOKEN, "Bearer " + TOKEN),
    ("bearer " + TOKEN, "bearer " + TOKEN),
    ("Basic dXNlcjpwYXNzd29yZA==", ""),
])
def test_only_a_bearer_authorization_is_handed_on(site, sent, arrives):
    site.ask("GET", "/v1/x", headers={"Authorization": sent})
    assert site.seen().get("LH_AUTHORIZATION") == arrives


@pytest.mark.parametrize("sent, arrives", [
    ("/v1/sys/leases/lookup/a%2Fb", "/v1/sys/leases/lookup/a/b"),
    ("/v1/a//b/./c/../d", "/v1/a/b/d"),
    ("/v1/a?list=true&x=%20", "/v1/a"),
])
def test_the_path_arrives_decoded_and_normalised(site, sent, arrives):
    site.ask("GET", sent)
    assert site.seen().get("DOCUMENT_URI") == arrives
    assert site.seen().get("REQUEST_URI") == sent


def test_an_auth_recipe_may_name_the_client(tmp_path):
    recipe = """
	location /v1/known/ {
		set $lh_auth_method tls;
		set $lh_auth_name   build-7;
		set $lh_auth_secret from-nginx;
		include leasehold/leasehold-params.conf;
		fastcgi_pass leasehold_read;
	}
"""
    with Responder(tmp_path / "read.sock", answer_read) as read, \
            Nginx(tmp_path, tmp_path, extra=recipe) as nginx:
        request(nginx.port, "GET", "/v1/known/x")
        request(nginx.port, "GET", "/v1/other")
    known, other = [[r.get("LH_AUTH_" + name) for name in ("METHOD", "NAME", "SECRET")]
                    for r in read.requests]
    assert known == ["tls", "build-7", "from-nginx"]
    assert other == ["", "", ""]


# --- bodies ---

@pytest.mark.parametrize("size", [0, 1, 60000, 2 * 1024 * 1024])
def test_a_body_up_to_the_limit_arrives_whole(site, size):
    assert site.ask("POST", "/v1/x", b"b" * size).status == 200
    assert len(site.seen().body) == size
    assert site.seen().get("CONTENT_LENGTH") in (str(size), "" if size == 0 else str(size))


def test_a_chunked_body_arrives_with_its_length(site):
    assert site.ask("POST", "/v1/x", iter([b"a" * 70000, b"b" * 10])).status == 200
    assert site.seen().body == b"a" * 70000 + b"b" * 10
    assert site.seen().get("CONTENT_LENGTH") == "70010"


def test_a_larger_body_is_refused_with_the_words_of_the_api(site):
    reply = site.ask("POST", "/v1/x", b"b" * (2 * 1024 * 1024 + 1))
    assert is_json_error(reply, 413) == ["http: request body too large"]


def test_nothing_is_written_to_temporary_files(tmp_path):
    """Neither bodies nor answers that a client is slow to read. They would be unlinked as soon as they
    are open, but nginx warns of each."""
    with Responder(tmp_path / "read.sock", answer_read), \
            Responder(tmp_path / "work.sock", answer_work), \
            Nginx(tmp_path, tmp_path, level="warn") as nginx:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(15)
            slow.connect(("127.0.0.1", nginx.port))
            slow.sendall(b"GET /v1/work/big HTTP/1.0\r\n\r\n")
            assert slow.recv(1) == b"H"
            reply = request(nginx.port, "POST", "/v1/work/big", b"b" * (2 * 1024 * 1024),
                            timeout=60)
            assert reply.status == 200
            while slow.recv(65536):
                pass
        assert "temporary file" not in nginx.log()


# --- the two pools ---

def test_the_read_pool_hands_on_with_method_body_and_variables(site):
    reply = site.ask("PUT", "/v1/work/x?a=b", b'{"k":1}', {"X-Vault-Token": TOKEN})
    assert reply.status == 200 and reply["pool"] == "work"
    assert reply.headers.get_all("Content-Type") == ["application/json"]
    first, second = site.read.requests[-1], site.work.requests[-1]
    assert second.body == b'{"k":1}'
    assert second.params == first.params


def test_a_handed_on_answer_says_no_store_once(site):
    assert site.ask("GET", "/v1/work/x").headers.get_all("Cache-Control") == ["no-store"]


def test_the_work_pool_cannot_hand_on(site):
    assert site.ask("GET", "/v1/work/loop")["pool"] == "loop"


def test_an_answer_larger_than_the_buffers_comes_whole(site):
    assert len(site.ask("GET", "/v1/work/big")["big"]) == 4000000


def test_the_daemons_own_errors_are_left_alone(site):
    assert site.ask("GET", "/v1/denied").errors == ["permission denied"]


# --- nginx's own answers ---

@pytest.mark.parametrize("lines, status", [
    (["GET /v1/" + "x" * 9000 + " HTTP/1.1", "Host: x", "Connection: close"], 414),
    (["GET /v1/x HTTP/1.1", "Host: x", "X-Vault-Token: " + "t" * 9000, "Connection: close"], 431),
    (["GET /v1/x%00 HTTP/1.1", "Host: x", "Connection: close"], 400),
    (["TRACE /v1/x HTTP/1.1", "Host: x", "Connection: close"], 405),
    (["GET /elsewhere HTTP/1.1", "Host: x", "Connection: close"], 404),
    (["POST /v1/x HTTP/1.1", "Host: x", "Transfer-Encoding: gzip", "Connection: close"], 501),
    (["GET /v1/x HTTP/3.0", "Host: x", "Connection: close"], 505),
])
def test_what_nginx_refuses_is_json(site, lines, status):
    head, _, body = site.raw(*lines).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 %d" % status), head
    assert "Content-Type: application/json" in head and "Cache-Control: no-store" in head
    assert body.startswith('{"errors":[')


def test_a_token_of_eight_kilobytes_passes_with_all_its_company(site):
    token = "t" * 8000
    reply = site.ask("GET", "/v1/" + "p" * 4000 + "?q=" + "q" * 3900, headers={
        "X-Vault-Token": token, "Authorization": "Bearer " + "u" * 8000})
    assert reply.status == 200 and site.seen().get("LH_TOKEN") == token


def test_a_dead_daemon_is_a_json_502(tmp_path):
    with Nginx(tmp_path, tmp_path) as nginx:
        errors = is_json_error(request(nginx.port, "GET", "/v1/sys/health"), 502)
    assert "leasehold" in errors[0]


def test_a_request_that_kills_is_not_tried_elsewhere(tmp_path):
    """It would kill there as well; and one that was carried out would be carried out twice."""
    server = "server unix:%s/" % tmp_path
    two = NO_LIMITS + ((server + "read.sock", server + "other.sock; " + server + "read.sock"),)
    with Responder(tmp_path / "read.sock", lambda _: None) as one, \
            Responder(tmp_path / "other.sock", lambda _: None) as other, \
            Nginx(tmp_path, tmp_path, replace=two) as nginx:
        for method in ("GET", "POST", "LIST"):
            is_json_error(request(nginx.port, method, "/v1/x"), 502)
    assert len(one.requests) + len(other.requests) == 3


def test_a_dead_work_pool_is_a_json_502(tmp_path):
    with Responder(tmp_path / "read.sock", answer_read), Nginx(tmp_path, tmp_path) as nginx:
        is_json_error(request(nginx.port, "GET", "/v1/work/x"), 502)


def test_too_many_requests_are_a_json_429_for_that_token_alone(tmp_path):
    few = (("rate=200r/s", "rate=1r/m"), ("burst=400", "burst=2"))
    with Responder(tmp_path / "read.sock", answer_read), \
            Nginx(tmp_path, tmp_path, replace=few) as nginx:
        mine = {"X-Vault-Token": TOKEN}
        replies = [request(nginx.port, "GET", "/v1/x", headers=mine) for _ in range(5)]
        other = request(nginx.port, "GET", "/v1/x", headers={"X-Vault-Token": "other"})
        log = nginx.log()
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    is_json_error(replies[-1], 429)
    assert replies[-1].headers["Retry-After"] == "1"
    assert other.status == 200
    assert TOKEN not in log


def test_a_full_work_pool_is_a_json_503_and_reads_go_on(tmp_path):
    arrived, go_on = threading.Event(), threading.Event()

    def slow(request):
        arrived.set()
        go_on.wait(60)
        return answer_work(request)

    few = NO_LIMITS + (("leasehold_work 96", "leasehold_work 1"),)
    with Responder(tmp_path / "read.sock", answer_read), Responder(tmp_path / "work.sock", slow), \
            Nginx(tmp_path, tmp_path, replace=few) as nginx, ThreadPoolExecutor() as pool:
        first = pool.submit(request, nginx.port, "GET", "/v1/work/x")
        assert arrived.wait(60)
        second = request(nginx.port, "GET", "/v1/work/x")
        assert request(nginx.port, "GET", "/v1/x").status == 200
        go_on.set()
        assert first.result().status == 200
    is_json_error(second, 503)
    assert second.headers["Retry-After"] == "1"


# --- logs ---

def test_no_token_reaches_a_log(tmp_path):
    """Through every door: header, bearer, query, body; answered, refused, daemon down."""
    with Nginx(tmp_path, tmp_path) as nginx:
        def everything():
            for headers in ({"X-Vault-Token": TOKEN}, {"Authorization": "Bearer " + TOKEN},
                            {"X-Vault-Token": TOKEN + "t" * 9000}):
                request(nginx.port, "GET", "/v1/x", headers=headers)
                request(nginx.port, "PUT", "/v1/work/y", {"token": TOKEN}, headers)
            request(nginx.port, "GET", "/v1/x?token=" + TOKEN)
            request(nginx.port, "GET", "/v1/x?a=1&secret_key=" + TOKEN)
            request(nginx.port, "GET", "/elsewhere", headers={"X-Vault-Token": TOKEN})

        everything()
        with Responder(tmp_path / "read.sock", answer_read), \
                Responder(tmp_path / "work.sock", answer_work):
            everything()
        log = nginx.log()
    assert "/v1/x" in log and "/v1/work/y" in log
    assert TOKEN not in log


def test_the_access_log_names_the_path_the_client_sent(site):
    site.ask("GET", "/v1/only-here?q=1")
    site.ask("GET", "/elsewhere/too?q=2")
    for line in (" GET /v1/only-here 200 ", " GET /elsewhere/too 404 "):    # written after the answer
        wait_until(lambda line=line: line in site.nginx.log("leasehold.log"))
    assert "q=" not in site.nginx.log("leasehold.log")


def test_a_secret_in_the_query_is_refused(site):
    reply = site.ask("GET", "/v1/x?token=" + TOKEN)
    assert is_json_error(reply, 400) and "in the query" in reply.errors[0]


# --- and the daemon's side of the same numbers ---

def test_the_body_limit_is_the_daemons():
    with open(os.path.join(TOP, "src", "api", "api.h"), encoding="utf-8") as file:
        assert re.search(r"API_BODY_MAX +\(2 \* 1024 \* 1024\)", file.read())


def test_the_sockets_are_those_of_the_shipped_configuration():
    pattern = r"/run/leasehold/\w+\.sock"
    with open(os.path.join(FILES, "leasehold-upstream.conf"), encoding="utf-8") as file:
        ours = set(re.findall(pattern, file.read()))
    with open(os.path.join(TOP, "conf", "leasehold.hcl"), encoding="utf-8") as file:
        assert ours == set(re.findall(pattern, file.read()))

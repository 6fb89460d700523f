# SPDX-License-Identifier: Apache-2.0
"""The other end of test_http: answers well, badly or not at all, as the path says.

Listens on five loopback ports, one without TLS and one for each kind of certificate, says on one line
of standard output where, and ends when its standard input does.
"""
import os
import socket
import ssl
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cloudsim"))
import certs  # noqa: E402

DATE = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"

lock = threading.Lock()
connections = 0
seen = {}


def number_of_connection():
    global connections
    with lock:
        connections += 1
        return connections


def count(path):
    with lock:
        seen[path] = seen.get(path, 0) + 1


def answer(status, body, headers=DATE):
    head = "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, headers, len(body))
    return head.encode() + body


def read_request(stream):
    """Returns (head, body), or None at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head, stream.read(length)


def respond(path, number, head, body):
    """Returns (bytes to send, whether the connection stays open)."""
    name, _, argument = path.partition("?")
    if name == "/ok":
        return answer("200 OK", b"connection %d." % number), True
    if name == "/echo":
        return answer("200 OK", head + body), True
    if name == "/slow":
        time.sleep(int(argument) / 1000)
        return answer("200 OK", b"connection %d." % number), True
    if name == "/seen":
        return answer("200 OK", b"%d times." % seen.get(argument, 0)), True
    if name == "/bye":
        return answer("200 OK", b"connection %d." % number), False
    if name == "/close":
        return b"", False
    if name == "/half":
        return answer("200 OK", b"x" * 100)[:-90], False
    if name == "/chunk":
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n", False
    if name == "/open":
        return b"HTTP/1.1 200 OK\r\n\r\nuntil the end", False
    if name == "/long":
        return answer("200 OK", b"x" * int(argument)), True
    if name == "/head":
        return answer("200 OK", b"", "".join("X-%d: %s\r\n" % (i, "y" * 1000)
                                             for i in range(int(argument)))), True
    if name == "/redirect":
        return answer("302 Found", b"", "Location: /ok\r\n"), True
    if name == "/busy":
        return answer("503 Busy", b"{}", argument.replace("=", ": ") + "\r\n"), True
    if name == "/gzip":
        return answer("200 OK", b"\x1f\x8b", "Content-Encoding: gzip\r\n"), True
    if name == "/hint":
        return (b"HTTP/1.1 103 Early Hints\r\nDate: Thu, 01 Jan 1970 00:00:09 GMT\r\n\r\n"
                + answer("200 OK", b"final")), True
    if name == "/garbage":
        return b"SSH-2.0-server\r\n\r\n", False
    return answer("404 Not Found", b""), True


def converse(plain, context):
    number = number_of_connection()
    try:
        connection = context.wrap_socket(plain, server_side=True) if context else plain
        stream = connection.makefile("rb")
        while (request := read_request(stream)):
            path = request[0].split()[1].decode()
            count(path)
            data, stays = respond(path, number, *request)
            connection.sendall(data)
            if not stays:
                break
        # No TLS farewell: to the client it must look like a connection that was cut.
        plain_end(connection)
    except (OSError, ValueError):
        pass


def plain_end(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def listen(context):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def loop():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=converse, args=(connection, context), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def main():
    with tempfile.TemporaryDirectory() as folder:
        trusted, contexts = certs.make(folder)
        ports = [listen(None)] + [listen(contexts[kind]) for kind in certs.KINDS]
        print(*ports, trusted, os.path.join(folder, "other-ca.pem"), flush=True)
        sys.stdin.read()


main()

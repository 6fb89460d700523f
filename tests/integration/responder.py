# SPDX-License-Identifier: Apache-2.0
"""A FastCGI responder that answers what a function says: to see what nginx makes of a request.

The one idea: it stands in for the daemon where nginx alone is under test, and it keeps every
parameter that arrived, in order, so that a test can see forged or doubled ones.
"""
import os
import socket
import struct
import threading

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
KEEP_CONNECTION = 1


class Request:
    def __init__(self):
        self.params, self.body = [], b""

    def get(self, name):
        """The value of a parameter; None unless it occurs exactly once."""
        values = [value for key, value in self.params if key == name]
        return values[0] if len(values) == 1 else None


def json_answer(status, text, *headers):
    lines = ["Status: %d" % status, "Content-Type: application/json", "Cache-Control: no-store",
             *headers, "", text]
    return "\r\n".join(lines).encode()


class Responder:
    """Listens on a Unix socket; answer(request) returns header and body as CGI text, as bytes.

    None ends the connection instead, as a process that dies."""

    def __init__(self, path, answer):
        self.path, self.answer, self.requests = str(path), answer, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            keep = True
            while keep:
                request, keep = _read(stream)
                if request is None:
                    return
                self.requests.append(request)
                answer = self.answer(request)
                if answer is None:
                    return
                connection.sendall(_records(answer))


def _read(stream):
    request, keep, block = Request(), False, b""
    while True:
        header = stream.read(8)
        if len(header) < 8:
            return None, False
        _, kind, _, size, padding = struct.unpack(">BBHHBx", header)
        content = stream.read(size)
        stream.read(padding)
        if kind == BEGIN:
            keep = bool(content[2] & KEEP_CONNECTION)
        elif kind == PARAMS:
            block += content
        elif kind == STDIN and content:
            request.body += content
        elif kind == STDIN:
            request.params = list(_pairs(block))
            return request, keep


def _pairs(block):
    at = 0

    def length():
        nonlocal at
        size, at = block[at], at + 1
        if size & 0x80:
            size = struct.unpack(">I", block[at - 1:at + 3])[0] & 0x7FFFFFFF
            at += 3
        return size

    while at < len(block):
        name, value = length(), length()
        yield block[at:at + name].decode(), block[at + name:at + name + value].decode("latin-1")
        at += name + value


def _record(kind, content):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def _records(answer):
    parts = [answer[i:i + 0xFFFF] for i in range(0, len(answer), 0xFFFF)]
    return b"".join(_record(STDOUT, part) for part in parts) + _record(STDOUT, b"") \
        + _record(END, bytes(8))

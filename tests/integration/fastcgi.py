# SPDX-License-Identifier: Apache-2.0
"""Speaks FastCGI to a socket of the daemon, as nginx does or as somebody who is not nginx.

The one idea: whatever nginx never sends can be sent from here, and what it never shows (the answer
that hands a request on) can be seen.
"""
import json
import socket
import struct

from responder import BEGIN, END, PARAMS, STDIN, STDOUT

RESPONDER = 1


def record(kind, content=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def begin(keep=False):
    return record(BEGIN, struct.pack(">HB5x", RESPONDER, keep))


def _length(size):
    return bytes([size]) if size < 128 else struct.pack(">I", size | 0x80000000)


def pairs(params):
    """params: a list of (name, value), so that a name may occur twice."""
    block = b""
    for name, value in params:
        name = name.encode() if isinstance(name, str) else name
        value = value.encode() if isinstance(value, str) else value
        block += _length(len(name)) + _length(len(value)) + name + value
    return block


def params_of(method, path, token="", body=b"", query="", **more):
    """What nginx sends; more replaces a parameter, None leaves it out."""
    values = {"REQUEST_METHOD": method, "DOCUMENT_URI": path, "QUERY_STRING": query,
              "CONTENT_LENGTH": str(len(body)) if body else "", "LH_TOKEN": token, **more}
    values.setdefault("LH_END", "1")
    return [(name, value) for name, value in values.items() if value is not None]


class Answer:
    def __init__(self, text, ended):
        """text: what came on stdout; ended: whether the end of the request came, too."""
        self.ended, self.headers, self.status, self.body = ended, {}, None, None
        if not text:
            return
        head, _, body = text.partition(b"\r\n\r\n")
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.headers[name] = value
        self.status = int(self.headers.get("Status", "200").split()[0])
        self.body = json.loads(body) if body else None

    def __repr__(self):
        return "Answer(%r, %r, %r, ended=%r)" % (self.status, self.headers, self.body, self.ended)


def connect(address, timeout=60):
    """address: the path of a socket, or (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    connection = socket.socket(family)
    connection.settimeout(timeout)
    connection.connect(address)
    return connection


def receive(connection):
    """All that comes until the end of the request or of the connection."""
    text, ended = b"", False
    try:
        with connection.makefile("rb") as stream:
            while not ended and len(header := stream.read(8)) == 8:
                _, kind, _, size, padding = struct.unpack(">BBHHBx", header)
                content = stream.read(size + padding)[:size]
                text += content if kind == STDOUT else b""
                ended = kind == END
    except ConnectionResetError:
        pass
    return Answer(text, ended)


def request(params, body=b"", keep=False):
    """The bytes of a whole request."""
    block = pairs(params)
    parts = [record(PARAMS, block[i:i + 0xFFF8]) for i in range(0, len(block), 0xFFF8)]
    parts += [record(PARAMS)]
    parts += [record(STDIN, body[i:i + 0xFFF8]) for i in range(0, len(body), 0xFFF8)]
    return begin(keep) + b"".join(parts) + record(STDIN)


def send(address, data):
    """Sends bytes as they are and returns the answer."""
    with connect(address) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass    # refused before the end; the answer is there all the same
        return receive(connection)


def ask(address, method, path, token="", body=b"", query="", **more):
    """One request by the rules; path with /v1/."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    return send(address, request(params_of(method, path, token, body, query, **more), body))

# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as bytes: one request out of a buffer, one response into one.

The one idea: a request keeps what was on the wire (target, header order, body bytes), because
signatures are checked against that and not against a tidied view of it.
"""
import json
from urllib.parse import unquote_to_bytes

HEAD_LIMIT = 256 * 1024
BODY_LIMIT = 4 * 1024 * 1024

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
           411: "Length Required", 413: "Payload Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


class BadRequest(Exception):
    """The bytes are not a request; the connection cannot go on."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Request:
    __slots__ = ("method", "target", "path", "query", "headers", "body", "version", "index")

    def __init__(self, method, target, version, headers, body=b""):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.version = version
        self.headers = headers
        self.body = body
        self.index = {}
        for name, value in headers:
            self.index.setdefault(name.lower(), []).append(value)

    def get(self, name, default=None):
        values = self.index.get(name)
        return values[0] if values else default

    def all(self, name):
        return self.index.get(name, [])

    @property
    def keep_alive(self):
        wish = self.get("connection", "").lower()
        return wish != "close" and (self.version == "HTTP/1.1" or wish == "keep-alive")


class Response:
    __slots__ = ("status", "headers", "body")

    def __init__(self, status, body=b"", content_type=None, headers=()):
        self.status = status
        self.body = body
        self.headers = list(headers)
        if content_type:
            self.headers.append(("Content-Type", content_type))

    def head(self, date, keep_alive, length=None):
        lines = ["HTTP/1.1 %d %s" % (self.status, REASONS.get(self.status, "Unknown")),
                 "Date: " + date,
                 "Content-Length: %d" % (len(self.body) if length is None else length)]
        lines += ["%s: %s" % header for header in self.headers]
        lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def json_response(status, value, headers=()):
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    return Response(status, body, "application/json", headers)


def html_response(status, title):
    page = "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>" \
           "\r\n<hr><center>Tengine</center>\r\n</body>\r\n</html>\r\n" % (title, title)
    return Response(status, page.encode(), "text/html")


def take_request(buffer):
    """Removes one complete request from the bytearray; None if more bytes are needed.

    Returns (request, expects_continue); request is None while the body is missing."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_LIMIT:
            raise BadRequest(400, "header section too large")
        return None, False
    request = _parse_head(bytes(buffer[:end]))
    length = _content_length(request)
    total = end + 4 + length
    if len(buffer) < total:
        return None, request.get("expect", "").lower() == "100-continue"
    request.body = bytes(buffer[end + 4:total])
    del buffer[:total]
    return request, False


def _parse_head(head):
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400, "malformed request line")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400, "malformed header line")
        headers.append((name, value.strip(" \t")))
    return Request(parts[0], parts[1], parts[2], headers)


def _content_length(request):
    if request.get("transfer-encoding"):
        raise BadRequest(411, "a length is required")
    values = request.all("content-length")
    if not values:
        return 0
    if len(values) > 1 or not values[0].isdigit():
        raise BadRequest(400, "malformed content length")
    if int(values[0]) > BODY_LIMIT:
        raise BadRequest(413, "body too large")
    return int(values[0])


def pairs(text):
    """Decodes a query or form into (name, value) pairs in order; ValueError if it is not UTF-8."""
    result = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            result.append((_decode(name), _decode(value)))
    return result


def _decode(text):
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")

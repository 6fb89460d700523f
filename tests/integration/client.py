# SPDX-License-Identifier: Apache-2.0
"""A plain HTTP client for the API: one request, one connection, nothing hidden."""
import http.client
import json
import socket

ROOT = object()     # "the server's root token", where a token is asked for


class Reply:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.raw = response.read()
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body = None

    def __repr__(self):
        return "Reply(%d, %r)" % (self.status, self.raw[:400])

    def __getitem__(self, name):
        return self.body[name]

    @property
    def data(self):
        return self.body["data"]

    @property
    def errors(self):
        return self.body["errors"]


def request(port, method, path, body=None, headers=None, timeout=70):
    """path as written on the wire; a dict or list becomes JSON, an iterator is sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    try:
        connection.request(method, path, body, headers or {})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def send_raw(port, data, timeout=60):
    """Sends bytes as they are; returns all that comes back before the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(data)
        return connection.makefile("rb").read()

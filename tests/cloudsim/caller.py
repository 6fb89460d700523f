# SPDX-License-Identifier: Apache-2.0
"""What the small signing clients have in common: connections, requests as bytes, replies.

The one idea: a client computes its signatures by itself and can be told to do any single step
wrong, which is how the simulator's strictness is proved; see caller.py of each cloud.
"""
import http.client
import json
import ssl
import time
from urllib.parse import urlsplit


class Reply:
    """body: what the cloud answered, None if it is not JSON. code: of its error, None: none."""

    def __init__(self, response):
        self.status, self.raw = response.status, response.read()
        self.headers = response.headers
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body = None
        self.code = self.message = None
        if isinstance(self.body, dict):
            self.read()

    def read(self):
        """Takes the parts out of the body."""
        raise NotImplementedError

    @property
    def ok(self):
        return self.status == 200 and self.body is not None and self.code is None

    def __repr__(self):
        return "Reply(%d, %r)" % (self.status, self.raw[:300])

    def __getitem__(self, name):
        return self.body[name]


def iso(offset=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


class Client:
    """sim only has to have ca_file and the endpoints as NAME_endpoint."""

    reply_type = Reply

    def __init__(self, sim, key, secret, token=None, timeout=60):
        self.sim, self.key, self.secret, self.token = sim, key, secret, token
        self.timeout = timeout
        self.tls = ssl.create_default_context(cafile=sim.ca_file)
        self.connections = {}

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def sts(self, action, **params):
        return self(action, "sts", **params)

    def identity(self):
        """Who the cloud says that this is; any credential that works may ask."""
        return self.sts("GetCallerIdentity")

    def host(self, service):
        return urlsplit(getattr(self.sim, service + "_endpoint")).netloc

    def send(self, service, method, target, body, headers):
        """No retry here: a dropped connection is the caller's to see."""
        if service not in self.connections:
            self.connections[service] = http.client.HTTPSConnection(
                self.host(service), timeout=self.timeout, context=self.tls)
        connection = self.connections[service]
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            return self.reply_type(connection.getresponse())
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

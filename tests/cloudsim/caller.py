# SPDX-License-Identifier: Apache-2.0
"""A small signing client for RAM and STS: to try an issued credential, and to test the simulator.

The one idea: it computes both signatures by itself and can be told to do any single step wrong,
which is how the simulator's strictness is proved.
"""
import base64
import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import time
from urllib.parse import quote, urlsplit

VERSION = {"ram": "2015-05-01", "sts": "2015-04-01"}


class Reply:
    def __init__(self, response):
        self.status, self.raw = response.status, response.read()
        self.headers = response.headers
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body = None
        self.code = self.body.get("Code") if isinstance(self.body, dict) else None
        self.message = self.body.get("Message") if isinstance(self.body, dict) else None

    def __repr__(self):
        return "Reply(%d, %r)" % (self.status, self.raw[:300])

    def __getitem__(self, name):
        return self.body[name]


def enc(text):
    return quote(str(text), safe="~")


def form(params):
    return "&".join(enc(k) + "=" + enc(params[k]) for k in sorted(params))


def iso(offset=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


class Caller:
    """sim only has to have ram_endpoint, sts_endpoint and ca_file."""

    def __init__(self, sim, key, secret, token=None, timeout=10):
        self.sim, self.key, self.secret, self.token = sim, key, secret, token
        self.timeout = timeout
        self.tls = ssl.create_default_context(cafile=sim.ca_file)
        self.connections = {}

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def __call__(self, action, service="ram", **params):
        """Signs with ACS3 and returns the Reply, whatever it is."""
        return self.v3(action, params, service)

    def sts(self, action, **params):
        return self.v3(action, params, "sts")

    def _connection(self, service):
        if service not in self.connections:
            place = urlsplit(getattr(self.sim, service + "_endpoint")).netloc
            self.connections[service] = http.client.HTTPSConnection(
                place, timeout=self.timeout, context=self.tls)
        return self.connections[service]

    def _send(self, service, method, target, body, headers):
        """No retry here: a dropped connection is the caller's to see."""
        connection = self._connection(service)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            return Reply(connection.getresponse())
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    # --- ACS3 ---

    def v3(self, action, params=(), service="ram", method="POST", as_form=False, unsigned=(),
           extra=(), secret=None, **change):
        """change: replaces a header before signing (x_acs_date=…); None leaves it out.

        unsigned: names left out of the signed list; extra: headers added after signing."""
        query = form(dict(params))
        body = query if as_form else ""
        host = urlsplit(getattr(self.sim, service + "_endpoint")).netloc
        headers = {"host": host, "x-acs-action": action, "x-acs-version": VERSION[service],
                   "x-acs-date": iso(), "x-acs-signature-nonce": secrets.token_hex(16),
                   "x-acs-content-sha256": hashlib.sha256(body.encode()).hexdigest()}
        if self.token:
            headers["x-acs-security-token"] = self.token
        if as_form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        headers.update({k.replace("_", "-"): v for k, v in change.items()})
        headers = {k: v for k, v in headers.items() if v is not None}
        signed = sorted(set(headers) - set(unsigned))
        text = "\n".join((method, "/", "" if as_form else query,
                          "".join("%s:%s\n" % (n, headers[n]) for n in signed),
                          ";".join(signed), hashlib.sha256(body.encode()).hexdigest()))
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(text.encode()).hexdigest()
        signature = hmac.new((secret or self.secret).encode(), to_sign.encode(),
                             hashlib.sha256).hexdigest()
        wire = list(headers.items()) + [
            ("Accept", "application/json"), ("Content-Length", str(len(body))),
            ("Authorization", "ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s"
             % (self.key, ";".join(signed), signature))] + list(extra)
        names = [name.lower() for name, _ in extra]
        wire = [(n, v) for i, (n, v) in enumerate(wire)
                if n.lower() not in names or i >= len(wire) - len(names)]
        target = "/" if as_form or not query else "/?" + query
        return self._send(service, method, target, body.encode(), wire)

    # --- V1 ---

    def v1(self, action, params=(), service="ram", method="GET", plus=False, **change):
        """Everything in the query; plus writes spaces as + on the wire, as an older SDK does."""
        host = urlsplit(getattr(self.sim, service + "_endpoint")).netloc
        values = {"Action": action, "Version": VERSION[service], "Format": "JSON",
                  "AccessKeyId": self.key, "SignatureMethod": "HMAC-SHA1",
                  "SignatureVersion": "1.0", "SignatureNonce": secrets.token_hex(16),
                  "Timestamp": iso(), **({"SecurityToken": self.token} if self.token else {}),
                  **dict(params), **change}
        values = {k: v for k, v in values.items() if v is not None}
        query = form(values)
        to_sign = method + "&%2F&" + enc(query)
        digest = hmac.new((self.secret + "&").encode(), to_sign.encode(), hashlib.sha1).digest()
        query += "&Signature=" + enc(base64.b64encode(digest).decode())
        if plus:
            query = query.replace("%20", "+")
        return self._send(service, method, "/?" + query, b"",
                          [("Host", host), ("Content-Length", "0")])

    def unsigned(self, action, body_params, service="sts", **query):
        """AssumeRoleWithOIDC: common parameters in the query, the rest as a form."""
        host = urlsplit(getattr(self.sim, service + "_endpoint")).netloc
        common = {"Action": action, "Version": VERSION[service], "Format": "JSON",
                  "Timestamp": iso(), "SignatureNonce": secrets.token_hex(16), **query}
        body = form(body_params).encode()
        return self._send(service, "POST", "/?" + form(common), body,
                          [("Host", host), ("Content-Length", str(len(body))),
                           ("Content-Type", "application/x-www-form-urlencoded")])

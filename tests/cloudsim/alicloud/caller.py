# SPDX-License-Identifier: Apache-2.0
"""A small signing client for RAM and STS: to try a credential, and to test the simulator."""
import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote

from .. import caller
from ..caller import iso

VERSION = {"ram": "2015-05-01", "sts": "2015-04-01"}


class Reply(caller.Reply):
    def read(self):
        self.code, self.message = self.body.get("Code"), self.body.get("Message")


def enc(text):
    return quote(str(text), safe="~")


def form(params):
    return "&".join(enc(k) + "=" + enc(params[k]) for k in sorted(params))


class Caller(caller.Client):
    reply_type = Reply

    def __call__(self, action, service="ram", **params):
        """Signs with ACS3 and returns the Reply, whatever it is."""
        return self.v3(action, params, service)

    # --- ACS3 ---

    def v3(self, action, params=(), service="ram", method="POST", as_form=False, unsigned=(),
           extra=(), secret=None, **change):
        """change: replaces a header before signing (x_acs_date=…); None leaves it out.

        unsigned: names left out of the signed list; extra: headers added after signing."""
        query = form(dict(params))
        body = query if as_form else ""
        host = self.host(service)
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
        return self.send(service, method, target, body.encode(), wire)

    # --- V1 ---

    def v1(self, action, params=(), service="ram", method="GET", plus=False, **change):
        """Everything in the query; plus writes spaces as + on the wire, as an older SDK does."""
        host = self.host(service)
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
        return self.send(service, method, "/?" + query, b"",
                          [("Host", host), ("Content-Length", "0")])

    def unsigned(self, action, body_params, service="sts", **query):
        """AssumeRoleWithOIDC: common parameters in the query, the rest as a form."""
        host = self.host(service)
        common = {"Action": action, "Version": VERSION[service], "Format": "JSON",
                  "Timestamp": iso(), "SignatureNonce": secrets.token_hex(16), **query}
        body = form(body_params).encode()
        return self.send(service, "POST", "/?" + form(common), body,
                          [("Host", host), ("Content-Length", str(len(body))),
                           ("Content-Type", "application/x-www-form-urlencoded")])

# SPDX-License-Identifier: Apache-2.0
"""A small signing client for CAM and STS: to try a credential, and to test the simulator."""
import hashlib
import hmac
import json
import time

from .. import caller

VERSION = {"cam": "2019-01-16", "sts": "2018-08-13"}


class Reply(caller.Reply):
    """body is what stands inside "Response"; None if there is no such thing."""

    def read(self):
        self.body = self.body.get("Response")
        if isinstance(self.body, dict) and "Error" in self.body:
            self.code, self.message = self.body["Error"]["Code"], self.body["Error"]["Message"]


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256)


def day(seconds):
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


class Caller(caller.Client):
    reply_type = Reply

    def __call__(self, action, service="cam", **params):
        """Signs with TC3 and returns the Reply, whatever it is."""
        return self.tc3(action, params, service)

    def tc3(self, action, params=None, service="cam", method="POST", target="/", body=None,
            signed=("content-type", "host"), scope=None, secret=None, authorization=None,
            late=(), **change):
        """change: replaces a header before signing (x_tc_region=…); None leaves it out.

        scope: "day/service/tc3_request" instead of the right one; late: headers added, or values
        of headers replaced, after signing; authorization: instead of the right one."""
        body = json.dumps(params or {}).encode() if body is None else body
        headers = {"host": self.host(service), "content-type": "application/json",
                   "x-tc-action": action, "x-tc-version": VERSION[service],
                   "x-tc-timestamp": str(int(time.time())), "x-tc-region": "ap-guangzhou",
                   "x-tc-language": "en-US", "x-tc-token": self.token}
        headers.update({name.replace("_", "-"): value for name, value in change.items()})
        headers = {name: value for name, value in headers.items() if value is not None}
        headers["authorization"] = authorization or self._authorization(
            method, service, body, headers, signed, scope, secret or self.secret)
        headers["content-length"] = str(len(body))
        replaced = {name.lower() for name, _ in late}
        wire = [(n, v) for n, v in headers.items() if n not in replaced] + list(late)
        return self.send(service, method, target, body, wire)

    def _authorization(self, method, service, body, headers, signed, scope, secret):
        moment = headers.get("x-tc-timestamp", "0")
        date = day(int(moment) if moment.isdigit() else 0)
        text = "\n".join((method, "/", "", "".join(
            "%s:%s\n" % (name, headers[name].lower()) for name in signed),
            ";".join(signed), hashlib.sha256(body).hexdigest()))
        scope = scope or "%s/%s/tc3_request" % (date, service)
        to_sign = "\n".join(("TC3-HMAC-SHA256", moment, scope,
                             hashlib.sha256(text.encode()).hexdigest()))
        key = ("TC3" + secret).encode()
        for part in scope.split("/"):
            key = mac(key, part).digest()
        return "TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.key, scope, ";".join(signed), mac(key, to_sign).hexdigest())

    def unsigned(self, action, params, service="sts"):
        """AssumeRoleWithWebIdentity, and nothing else, is sent without a signature."""
        return self.tc3(action, params, service, authorization="SKIP")

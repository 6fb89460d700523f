# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service: token, role name, role credentials.

The one idea: the credentials handed out are real sessions of the simulated role, so a server that
lives on them is checked by the same signature code as any other caller.
"""
import secrets
import time

from ..http1 import Response, html_response, json_response

TOKEN_PATH = "/latest/api/token"
CREDENTIALS_PATH = "/latest/meta-data/ram/security-credentials/"
TTL = "x-aliyun-ecs-metadata-token-ttl-seconds"
TOKEN = "x-aliyun-ecs-metadata-token"

DEFAULTS = {
    "role": None,           # name of the bound role; None: no role is bound
    "account": None,        # id of its account; None: the first one
    "tokenless": True,      # False: hardened mode, requests without a token are refused
    "token_service": True,  # False: PUT is 404, as on instances that do not know tokens
    "seconds": 21600,       # lifetime of the credentials
    "rotate_seconds": None, # new credentials after so long; 0: at each request; None: never
}


def name_of(request):
    """A metadata request as an action name, for faults and the call log."""
    if request.path == TOKEN_PATH:
        return "PutToken"
    if request.path == CREDENTIALS_PATH:
        return "GetRoleName"
    if request.path.startswith(CREDENTIALS_PATH):
        return "GetRoleCredentials"
    return "Metadata"


class Metadata:
    def __init__(self, cloud):
        self.cloud = cloud
        self.reset()

    def reset(self):
        self.settings = dict(DEFAULTS)
        self.tokens = {}
        self.session = self.issued = None

    def configure(self, values):
        self.settings.update(values)
        self.session = None

    def serve(self, request):
        if request.path == TOKEN_PATH:
            return self._token(request) if self.settings["token_service"] \
                else html_response(404, "404 - Not Found")
        refusal = self._refusal(request)
        if refusal:
            return refusal
        if request.method != "GET":
            return html_response(405, "405 Method Not Allowed")
        role = self._role()
        if role is None or not request.path.startswith(CREDENTIALS_PATH):
            return html_response(404, "404 - Not Found")
        wanted = request.path[len(CREDENTIALS_PATH):]
        if wanted == "":
            return Response(200, role.name.encode(), "text/plain")
        if wanted != role.name:
            return html_response(404, "404 - Not Found")
        return json_response(200, self._credentials(role))

    def _token(self, request):
        ttl = request.get(TTL, "")
        if request.method != "PUT":
            return html_response(405, "405 Method Not Allowed")
        if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return html_response(400, "400 Bad Request")
        token = secrets.token_urlsafe(42)
        self.tokens[token] = time.monotonic() + int(ttl)
        return Response(200, token.encode(), "text/plain")

    def _refusal(self, request):
        token = request.get(TOKEN)
        if token is None:
            return None if self.settings["tokenless"] else html_response(403, "403 Forbidden")
        if self.tokens.get(token, 0) <= time.monotonic():
            return html_response(401, "401 Unauthorized")
        return None

    def _account(self):
        accounts = self.cloud.world.accounts
        return accounts[self.settings["account"] or next(iter(accounts))]

    def _role(self):
        name = self.settings["role"]
        return self._account().roles.get(name) if name else None

    def _credentials(self, role):
        settings, clock = self.settings, self.cloud.clock
        age = time.monotonic() - self.issued if self.session else 0
        rotate = settings["rotate_seconds"]
        if self.session is None or (rotate is not None and age >= rotate):
            self.session = self.cloud.world.new_session(
                self._account(), role, "i-bp1simulated", settings["seconds"])
            self.issued = time.monotonic()
        session = self.session
        return {"AccessKeyId": session.key.id, "AccessKeySecret": session.key.secret,
                "Expiration": clock.iso(session.expires), "SecurityToken": session.token,
                "LastUpdated": clock.iso(session.expires - settings["seconds"]),
                "Code": "Success"}

    def refuse(self, error):
        """The metadata service has no error codes, only pages."""
        return html_response(error.status, "%d Error" % error.status)

# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service of ECS: before anything else, a token, which may be demanded."""
import secrets
import time

from .. import metadata
from ..http1 import Response, html_response

TOKEN_PATH = "/latest/api/token"
TTL = "x-aliyun-ecs-metadata-token-ttl-seconds"
TOKEN = "x-aliyun-ecs-metadata-token"


class Metadata(metadata.Metadata):
    path = "/latest/meta-data/ram/security-credentials/"
    defaults = {
        **metadata.DEFAULTS,
        "tokenless": True,      # False: hardened mode, requests without a token are refused
        "token_service": True,  # False: PUT is 404, as on instances that do not know tokens
    }

    def reset(self):
        super().reset()
        self.tokens = {}

    def name_of(self, request):
        return "PutToken" if request.path == TOKEN_PATH else super().name_of(request)

    def serve(self, request):
        if request.path == TOKEN_PATH:
            return self._token(request) if self.settings["token_service"] \
                else html_response(404, "404 - Not Found")
        return self._refusal(request) or super().serve(request)

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

    def shape(self, session):
        clock = self.cloud.clock
        return {"AccessKeyId": session.key.id, "AccessKeySecret": session.key.secret,
                "Expiration": clock.iso(session.expires), "SecurityToken": session.token,
                "LastUpdated": clock.iso(session.expires - self.settings["seconds"]),
                "Code": "Success"}

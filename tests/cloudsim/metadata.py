# SPDX-License-Identifier: Apache-2.0
"""The instance metadata service: role name and role credentials, whatever the cloud.

The one idea: the credentials handed out are real sessions of the simulated role, so a server that
lives on them is checked by the same signature code as any other caller.
"""
import time

from .http1 import Response, html_response, json_response

DEFAULTS = {
    "role": None,           # name of the bound role; None: no role is bound
    "account": None,        # id of its account; None: the first one
    "seconds": 21600,       # lifetime of the credentials
    "rotate_seconds": None, # new credentials after so long; 0: at each request; None: never
}


class Metadata:
    path = ""               # of the role name; the role's credentials stand below it
    defaults = DEFAULTS

    def __init__(self, cloud):
        self.cloud = cloud
        self.reset()

    def reset(self):
        self.settings = dict(self.defaults)
        self.session = self.issued = None

    def configure(self, values):
        self.settings.update(values)
        self.session = None

    def name_of(self, request):
        """A metadata request as an action name, for faults and the call log."""
        if request.path == self.path:
            return "GetRoleName"
        return "GetRoleCredentials" if request.path.startswith(self.path) else "Metadata"

    def serve(self, request):
        if request.method != "GET":
            return html_response(405, "405 Method Not Allowed")
        role = self._role()
        if role is None or not request.path.startswith(self.path):
            return html_response(404, "404 - Not Found")
        wanted = request.path[len(self.path):]
        if wanted == "":
            return Response(200, role.name.encode(), "text/plain")
        if wanted != role.name:
            return html_response(404, "404 - Not Found")
        return json_response(200, self.shape(self._session(role)))

    def shape(self, session):
        """The credentials as this cloud writes them."""
        raise NotImplementedError

    def _account(self):
        accounts = self.cloud.world.accounts
        return accounts[self.settings["account"] or next(iter(accounts))]

    def _role(self):
        name = self.settings["role"]
        return self._account().roles.get(name) if name else None

    def _session(self, role):
        age = time.monotonic() - self.issued if self.session else 0
        rotate = self.settings["rotate_seconds"]
        if self.session is None or (rotate is not None and age >= rotate):
            self.session = self.cloud.world.new_session(
                self._account(), role, "i-bp1simulated", self.settings["seconds"])
            self.issued = time.monotonic()
        return self.session

    @staticmethod
    def refuse(error):
        """The metadata service has no error codes, only pages."""
        return html_response(error.status, "%d Error" % error.status)

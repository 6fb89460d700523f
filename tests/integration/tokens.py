# SPDX-License-Identifier: Apache-2.0
"""Tokens for tests: made, shown, ended."""
from client import ROOT

DENIED = ["1 error occurred:\n\t* permission denied\n\n"]
INVALID = ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]


class Token:
    """A token as its bearer uses it."""

    def __init__(self, server, auth):
        self.server, self.text, self.accessor = server, auth["client_token"], auth["accessor"]

    def api(self, method, path, body=None, **more):
        return self.server.api(method, path, body, token=self.text, **more)

    def lookup(self):
        return self.api("GET", "auth/token/lookup-self")

    def child(self, **fields):
        return make(self.server, self.text, **fields)

    def is_dead(self):
        """Whether the server takes it for no token at all."""
        reply = self.lookup()
        assert reply.status in (200, 403), reply
        return reply.status == 403 and reply.errors == INVALID


def make(server, parent=ROOT, path="auth/token/create", **fields):
    reply = server.api("POST", path, fields, token=parent)
    assert reply.status == 200, reply
    return Token(server, reply["auth"])


def policy(server, name, rules):
    """rules: path → capabilities."""
    text = "".join('path "%s" { capabilities = [%s] }\n'
                   % (path, ", ".join('"%s"' % each for each in capabilities))
                   for path, capabilities in rules.items())
    reply = server.api("PUT", "sys/policies/acl/" + name, {"policy": text})
    assert reply.status == 204, reply


def end(server, token):
    reply = server.api("POST", "auth/token/revoke", {"token": token.text})
    assert reply.status == 204, reply


def accessors(server):
    """Of all tokens, but not more than a page."""
    reply = server.api("LIST", "auth/token/accessors")
    assert reply.status == 200, reply
    return set(reply.data["keys"])


def lend(token, mount):
    """A credential of the role r, for the token."""
    reply = token.api("GET", mount + "/creds/r")
    assert reply.status == 200, reply
    return reply

# SPDX-License-Identifier: Apache-2.0
"""A site that says whoever is named in two headers, and what is asked of it."""
import contextlib

from fastcgi import params_of
from harness import Server, wait_until
from tokens import policy

SAYS = "set $lh_auth_method $http_x_test_method; set $lh_auth_name $http_x_test_name;"
VAULT = {"X-Vault-Request": "true"}
DENIED = ["permission denied"]
ENTRY = "auth/proxy/identity/"
SELF = "auth/token/lookup-self"


@contextlib.contextmanager
def vouching_server():
    """Its site takes method and name from two headers. The policy app is for one who lends."""
    with Server(trust=True, nginx={"extra": SAYS}) as server:
        policy(server, "app", {"+/creds/r": ["read"], "sys/leases/renew": ["update"],
                               "sys/leases/revoke": ["update"]})
        yield server


def put(server, entry, **fields):
    reply = server.api("POST", ENTRY + entry, fields)
    assert reply.status == 204, reply


def ask_as(server, name, method, path, body=None, how="basic", **headers):
    headers = {**VAULT, "X-Test-Method": how, "X-Test-Name": name, **headers}
    return server.api(method, path, body, token=None, headers=headers)


def is_refused(server, reply, reason):
    """403 and nothing else for the client, the reason for the log."""
    assert (reply.status, reply.errors) == (403, DENIED), reply
    wait_until(lambda: reason in server.log(), what=reason)


def vouch(server, **more):
    """What nginx sends, by somebody who has found out how; None leaves a parameter out."""
    with open(server.path("nginx-secret.conf"), encoding="utf-8") as file:
        secret = file.read().split()[2].rstrip(";")
    values = {"REQUEST_URI": "/v1/" + SELF, "LH_AUTH_METHOD": "basic", "LH_AUTH_NAME": "direct",
              "LH_AUTH_SECRET": secret, "LH_VAULT_REQUEST": "true", "REMOTE_ADDR": "127.0.0.1"}
    return params_of("GET", "/v1/" + SELF, **{**values, **more})

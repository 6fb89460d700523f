# SPDX-License-Identifier: Apache-2.0
"""The life of leases, from mounting the engine to an empty cloud, as a client sees it."""
import calendar
import json
import time

import pytest

from client import request
from lending import INLINE, REMOTE, SESSION, issue, lookup, make_role, whoami


# --- mount, config, role ---

def test_health_is_open_and_says_ready(server):
    reply = server.api("GET", "sys/health", token=None)
    assert reply.status == 200
    assert reply["initialized"] is True and reply["sealed"] is False


def test_every_answer_is_json_that_nobody_stores(server, mount):
    make_role(server, mount)
    for method, path in (("GET", "sys/health"), ("LIST", mount + "/role"), ("GET", "nowhere/x"),
                         ("GET", mount + "/role/r"), ("POST", mount + "/creds/r")):
        reply = server.api(method, path)
        assert reply.headers["Content-Type"] == "application/json", path
        assert reply.headers.get_all("Cache-Control") == ["no-store"], path


@pytest.mark.parametrize("token", [None, "hvs.unknown", "s.x"])
def test_without_a_valid_token_nothing_is_said(server, mount, token):
    assert server.api("GET", mount + "/config", token=token).status == 403


def test_a_bearer_token_is_as_good(server, mount):
    reply = server.api("GET", mount + "/config", token=None,
                       headers={"Authorization": "Bearer " + server.root_token})
    assert reply.status == 200


def test_the_config_never_shows_its_secret(server, mount):
    reply = server.api("GET", mount + "/config")
    assert reply.data == {"access_key": server.sim.root_key[0]}


def test_a_role_is_read_as_it_was_written(server, mount):
    make_role(server, mount, "deploy", inline_policies=json.dumps(INLINE), remote_policies=REMOTE,
              ttl="15m", max_ttl=3600)
    data = server.api("GET", mount + "/role/deploy").data
    assert data["role_arn"] == ""
    assert data["remote_policies"] == [{"name": "AliyunOSSReadOnlyAccess", "type": "System"},
                                       {"name": "existing-policy", "type": "Custom"}]
    assert [item["policy_document"] for item in data["inline_policies"]] == INLINE
    assert (data["ttl"], data["max_ttl"]) == (900, 3600)
    assert server.api("LIST", mount + "/role").data == {"keys": ["deploy"]}
    assert server.api("GET", mount + "/role?list=true").data == {"keys": ["deploy"]}
    assert server.api("DELETE", mount + "/role/deploy").status == 204
    assert server.api("GET", mount + "/role/deploy").status == 404
    assert server.api("LIST", mount + "/role").status == 404


def test_the_credential_of_an_unknown_role_is_not_found(server, mount):
    assert server.api("GET", mount + "/creds/none").status == 404


# --- one credential ---

def test_a_user_credential_works_until_it_is_given_back(server, mount):
    make_role(server, mount)
    reply = issue(server, mount)
    assert reply["lease_id"].startswith(mount + "/creds/r/")
    assert reply["renewable"] is True and reply["lease_duration"] == 2764800
    identity = whoami(server, reply.data)
    assert identity.status == 200 and ":user/" in identity["Arn"]

    found = lookup(server, reply["lease_id"]).data
    assert found["id"] == reply["lease_id"] and found["renewable"] is True
    assert 2764790 <= found["ttl"] <= 2764800 and found["last_renewal"] is None

    assert server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]}).status == 204
    assert whoami(server, reply.data).status != 200
    assert lookup(server, reply["lease_id"]).status == 400
    assert server.sim.leftovers() == []


def test_a_renewal_moves_the_end_but_never_past_the_maximum(server, mount):
    make_role(server, mount, remote_policies=REMOTE, ttl=60, max_ttl=120)
    lease = issue(server, mount)["lease_id"]
    reply = server.api("PUT", "sys/leases/renew", {"lease_id": lease, "increment": 90})
    assert reply.status == 200 and reply["lease_id"] == lease and reply["data"] is None
    assert 85 <= reply["lease_duration"] <= 90
    reply = server.api("PUT", "sys/leases/renew/" + lease, {"increment": 1000})
    assert 110 <= reply["lease_duration"] <= 120
    assert "exceeded the effective max_ttl" in reply["warnings"][0]
    assert lookup(server, lease).data["last_renewal"] is not None


def test_a_session_is_a_lease_that_nobody_renews(server, mount):
    make_role(server, mount, **SESSION)
    reply = issue(server, mount)
    assert set(reply.data) == {"access_key", "secret_key", "security_token", "expiration"}
    assert reply["renewable"] is False and 3590 <= reply["lease_duration"] <= 3600
    end = calendar.timegm(time.strptime(reply.data["expiration"], "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(end - time.time() - 3600) < 30
    assert whoami(server, reply.data)["IdentityType"] == "AssumedRoleUser"
    again = server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]})
    assert again.status == 400 and "lease is not renewable" in again.errors[0]
    assert server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]}).status == 204


def test_a_prefix_is_given_back_at_once(server, mount):
    for name in ("one", "two"):
        make_role(server, mount, name, remote_policies=REMOTE)
    leases = [issue(server, mount, name)["lease_id"] for name in ("one", "one", "two")]
    assert server.api("PUT", "sys/leases/revoke-prefix/%s/creds/one" % mount).status == 204
    assert [lookup(server, lease).status for lease in leases] == [400, 400, 200]
    assert server.api("LIST", "sys/leases/lookup/%s/creds" % mount).data == {"keys": ["two/"]}


def test_revoking_without_waiting_is_accepted(server, mount):
    make_role(server, mount)
    lease = issue(server, mount)["lease_id"]
    reply = server.api("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": False})
    assert reply.status == 202 and reply.raw == b""
    assert server.sim.wait_clean(10)


def test_disabling_a_mount_gives_everything_back(server):
    key, secret = server.sim.root_key
    assert server.api("POST", "sys/mounts/short", {"type": "alicloud"}).status == 204
    server.api("POST", "short/config", {"access_key": key, "secret_key": secret})
    make_role(server, "short")
    issue(server, "short")
    assert server.api("DELETE", "sys/mounts/short").status == 204
    assert server.sim.leftovers() == []
    assert server.api("GET", "short/creds/r").status == 404


# --- what the client is told when the cloud says no ---

@pytest.mark.parametrize("fault, status", [
    ({"kind": "error", "code": "NoPermission", "status": 403}, 400),
])
def test_a_refusal_of_the_cloud_is_told_and_leaves_nothing(server, mount, fault, status):
    make_role(server, mount)
    number = server.sim.fault(action="CreateAccessKey", **fault)
    reply = server.api("GET", mount + "/creds/r")
    server.sim.clear_faults(number)
    assert reply.status == status, reply
    assert fault["code"] in reply.errors[0]
    assert server.sim.root_key[1] not in reply.raw.decode()


# --- bodies and headers through nginx ---

def test_a_body_at_the_limit_is_read_and_one_above_is_refused(server, mount):
    filler = " " * (2 * 1024 * 1024 - 2)
    assert server.api("PUT", "sys/leases/lookup", "{%s}" % filler).status == 400
    assert server.api("PUT", "sys/leases/lookup", "{%s}" % (filler + " ")).status == 413


def test_secrets_reach_no_log(server, mount):
    make_role(server, mount)
    reply = issue(server, mount)
    server.api("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})
    request(server.nginx.port, "GET", "/v1/sys/mounts?token=" + server.root_token)
    text = server.log() + server.nginx.log()
    assert mount in text
    for secret in (server.root_token, server.sim.root_key[1], reply.data["secret_key"]):
        assert secret not in text

# SPDX-License-Identifier: Apache-2.0
"""sys/leases: looking up, listing, renewing, revoking one or many, counting."""
import re

import pytest

from harness import wait_until
from lending import REMOTE, SESSION, issue, lookup, make_role, revoke, whoami


@pytest.fixture(name="role")
def mount_with_role(server, mount):
    make_role(server, mount, remote_policies=REMOTE, ttl=600, max_ttl=1200)
    yield mount
    server.sim.clear_faults()


def keys(server, prefix):
    reply = server.api("LIST", "sys/leases/lookup/" + prefix)
    return reply.data["keys"] if reply.status == 200 else []


# --- looking up and listing ---

def test_a_lease_shows_its_times(server, role):
    lease = issue(server, role)["lease_id"]
    data = lookup(server, lease).data
    assert set(data) >= {"id", "issue_time", "expire_time", "last_renewal", "renewable", "ttl"}
    assert data["id"] == lease and 595 <= data["ttl"] <= 600
    for name in ("issue_time", "expire_time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", data[name])


def test_leases_are_listed_folder_by_folder(server, role):
    make_role(server, role, "b", remote_policies=REMOTE)
    ids = [issue(server, role, name)["lease_id"] for name in ("r", "r", "b")]
    assert role + "/" in keys(server, "")
    assert keys(server, role) == ["creds/"] == keys(server, role + "/")
    assert keys(server, role + "/creds") == ["b/", "r/"]
    own = [lease.rpartition("/")[2] for lease in ids]
    assert sorted(keys(server, role + "/creds/r")) == sorted(own[:2])
    assert keys(server, role + "/creds/b") == own[2:]
    reply = server.api("GET", "sys/leases/lookup/%s/creds?list=true" % role)
    assert reply.data["keys"] == ["b/", "r/"]


def test_the_leases_of_a_role_come_in_pages(server, role):
    wanted = {issue(server, role)["lease_id"].rpartition("/")[2] for _ in range(5)}
    seen, after = [], ""
    while True:
        reply = server.api("LIST", "sys/leases/lookup/%s/creds/r?limit=2&after=%s" % (role, after))
        if reply.status == 404:
            break
        assert len(reply.data["keys"]) <= 2
        seen += reply.data["keys"]
        after = seen[-1]
        assert len(seen) <= 5
    assert len(seen) == 5 and set(seen) == wanted


# --- renewing ---

@pytest.mark.parametrize("path, body", [
    ("sys/leases/renew", {"lease_id": "{}"}), ("sys/leases/renew/{}", {}), ("sys/renew", {
        "lease_id": "{}"}), ("sys/renew/{}", {}),
    ("sys/leases/renew/{}", {"lease_id": "{}"}), ("sys/leases/renew/{}", {"url_lease_id": "x"})])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_every_form_of_renewal_renews(server, role, path, body, method):
    lease = issue(server, role)["lease_id"]
    body = {name: value.format(lease) for name, value in body.items()}
    reply = server.api(method, path.format(lease), {**body, "increment": 100})
    assert reply.status == 200 and reply["lease_id"] == lease
    assert 95 <= reply["lease_duration"] <= 100


@pytest.mark.parametrize("increment, duration", [(None, 600), (0, 600), ("5m", 300), (1, 1),
                                                 ("", 600)])
def test_the_increment_is_a_duration_from_now(server, role, increment, duration):
    lease = issue(server, role)["lease_id"]
    reply = server.api("PUT", "sys/leases/renew", {"lease_id": lease, "increment": increment}
                       if increment is not None else {"lease_id": lease})
    assert reply.status == 200 and duration - 5 <= reply["lease_duration"] <= duration, reply


@pytest.mark.parametrize("body, says", [
    ({}, "lease_id must be specified"), ({"lease_id": "no/such"}, "lease not found"),
    ({"lease_id": "{}", "increment": "soon"}, "increment"),
    ({"lease_id": "{}", "increment": -5}, "negative"), ({"lease_id": ["{}"]}, "lease_id"),
    ({"lease_id": {"a": 1}}, "lease_id"),
])
def test_a_renewal_that_cannot_be_is_refused(server, role, body, says):
    lease = issue(server, role)["lease_id"]
    body = {k: v.format(lease) if isinstance(v, str) else v for k, v in body.items()}
    reply = server.api("PUT", "sys/leases/renew", body)
    assert reply.status == 400 and says in reply.errors[0], reply
    assert lookup(server, lease).data["last_renewal"] is None


@pytest.mark.parametrize("operation", ["renew", "revoke"])
def test_two_leases_in_one_request_are_refused(server, role, operation):
    ids = [issue(server, role)["lease_id"] for _ in range(2)]
    reply = server.api("PUT", "sys/leases/%s/%s" % (operation, ids[0]), {"lease_id": ids[1]})
    assert reply.status == 400 and "differ" in reply.errors[0]
    assert [lookup(server, lease).status for lease in ids] == [200, 200]


def test_a_session_is_not_renewed(server, role):
    make_role(server, role, "s", **SESSION)
    lease = issue(server, role, "s")["lease_id"]
    reply = server.api("PUT", "sys/leases/renew", {"lease_id": lease})
    assert reply.status == 400 and reply.errors == ["lease is not renewable"]


def test_a_lease_of_a_deleted_role_is_not_renewed(server, role):
    lease = issue(server, role)["lease_id"]
    assert server.api("DELETE", role + "/role/r").status == 204
    reply = server.api("PUT", "sys/leases/renew", {"lease_id": lease})
    assert reply.status == 400 and "has been deleted" in reply.errors[0]
    assert revoke(server, lease).status == 204


# --- revoking one ---

@pytest.mark.parametrize("path, body", [
    ("sys/leases/revoke", {"lease_id": "{}"}), ("sys/leases/revoke/{}", {}),
    ("sys/revoke", {"lease_id": "{}"}), ("sys/revoke/{}", {}),
    ("sys/leases/revoke", {"lease_id": "{}", "sync": True})])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_every_form_of_revocation_revokes(server, role, path, body, method):
    reply = issue(server, role)
    lease = reply["lease_id"]
    body = {k: v.format(lease) if isinstance(v, str) else v for k, v in body.items()}
    answer = server.api(method, path.format(lease), body)
    assert answer.status == 204 and answer.raw == b""
    assert whoami(server, reply.data).status != 200
    assert lookup(server, lease).status == 400
    assert server.sim.leftovers() == []


@pytest.mark.parametrize("sync", [False, "false", 0])
def test_a_revocation_that_nobody_waits_for_is_done_all_the_same(server, role, sync):
    lease = issue(server, role)["lease_id"]
    assert revoke(server, lease, sync=sync).status == 202
    assert server.sim.wait_clean(10)
    wait_until(lambda: lookup(server, lease).status == 400)


def test_revoking_what_is_not_there_is_done(server, role):
    lease = issue(server, role)["lease_id"]
    for known in (lease, lease, "no/such", role + "/creds/r/nonesuch"):
        assert revoke(server, known).status == 204


def test_a_revocation_that_the_cloud_refuses_is_told_and_goes_on(server, role):
    lease = issue(server, role)["lease_id"]
    number = server.sim.fault("error", action="DeleteUser", code="ServiceUnavailable", status=503)
    reply = revoke(server, lease)
    assert reply.status in (400, 502) and "ServiceUnavailable" in reply.errors[0]
    found = lookup(server, lease)
    assert found.status == 200 and "ServiceUnavailable" in found.raw.decode()
    server.sim.clear_faults(number)
    assert server.sim.wait_clean(20)


# --- revoking many ---

@pytest.mark.parametrize("path", ["sys/leases/revoke-prefix/", "sys/revoke-prefix/"])
def test_all_leases_under_a_prefix_go_and_no_others(server, role, path):
    for name in ("one", "one-more", "two"):
        make_role(server, role, name, remote_policies=REMOTE)
    ids = [issue(server, role, name)["lease_id"] for name in ("one", "one", "one-more", "two")]
    assert server.api("PUT", path + role + "/creds/one").status == 204
    assert [lookup(server, lease).status for lease in ids] == [400, 400, 200, 200]
    assert server.api("PUT", path + role).status == 204
    assert [lookup(server, lease).status for lease in ids] == [400] * 4
    assert server.sim.leftovers() == []
    assert server.api("GET", role + "/role/one").status == 200


def test_a_prefix_that_is_a_lease_is_that_lease(server, role):
    ids = [issue(server, role)["lease_id"] for _ in range(2)]
    assert server.api("PUT", "sys/leases/revoke-prefix/" + ids[0]).status == 204
    assert [lookup(server, lease).status for lease in ids] == [400, 200]


def test_a_prefix_is_revoked_without_waiting_where_that_is_asked_for(server, role):
    for _ in range(3):
        issue(server, role)
    assert server.api("PUT", "sys/leases/revoke-prefix/" + role, {"sync": False}).status == 202
    assert server.sim.wait_clean(10)


@pytest.mark.parametrize("path", ["sys/leases/revoke-force/", "sys/revoke-force/"])
def test_force_forgets_after_one_attempt_and_the_log_says_what_is_left(server, role, path):
    reply = issue(server, role)
    lease, start = reply["lease_id"], len(server.log())
    user = whoami(server, reply.data)["Arn"].rpartition("/")[2]
    number = server.sim.fault("error", action="DeleteUser", code="NoPermission", status=403)
    assert server.api("PUT", path + role).status == 204
    server.sim.clear_faults(number)
    assert lookup(server, lease).status == 400
    assert user in server.log()[start:]
    assert [left["name"] for left in server.sim.leftovers()] == [user]
    assert server.sim.caller()("DeleteUser", UserName=user).status == 200


@pytest.mark.parametrize("path", ["sys/leases/revoke-prefix/", "sys/leases/revoke-force/"])
def test_a_prefix_with_nothing_under_it_is_done(server, path):
    assert server.api("PUT", path + "no/such").status == 204
    assert server.api("PUT", path.rstrip("/")).status in (400, 404)


# --- tidying and counting ---

def test_tidy_is_accepted(server):
    reply = server.api("POST", "sys/leases/tidy")
    assert reply.status == 202 and reply["warnings"]


def test_counting_wants_to_know_what(server):
    assert server.api("GET", "sys/leases/count?type=irrevocable").data == {
        "counts": {}, "lease_count": 0}
    assert server.api("GET", "sys/leases?type=irrevocable&limit=none").data == {
        "leases": [], "lease_count": 0}
    for query in ("", "?type=all"):
        assert server.api("GET", "sys/leases/count" + query).status in (400, 404)

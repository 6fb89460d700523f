# SPDX-License-Identifier: Apache-2.0
"""The part of the suite that a real cloud can be asked for: `make check-live`.

It needs nothing of a cloud but an account and a key that may do what README's "Least privilege"
says for roles with inline and remote policies and a role_arn, and list users and policies. What it
makes it removes, whatever happens; it never touches anything else.
"""
import tempfile

import pytest

from conform.engines import ALICLOUD, TENCENTCLOUD
from harness import Server, wait_until
from live import Live, account_of, eventually

ENGINES = [ALICLOUD, TENCENTCLOUD]


@pytest.fixture(scope="module", params=ENGINES, ids=str)
def place(request, leasehold):
    with tempfile.TemporaryDirectory(prefix="lh-") as folder:
        account, reason = account_of(request.param, folder)
        if not account:
            pytest.skip(reason)
        with Server(cloud=Live(request.param, account)) as server:
            yield Place(server, account)
            server.api("DELETE", "sys/mounts/live")


class Place:
    """The mount "live" with a role of each kind, all with the run's word in their names."""

    def __init__(self, server, account):
        self.server, self.account, self.engine = server, account, account.engine
        self.user_role, self.brief, self.session = (
            account.mark + end for end in ("-user", "-brief", "-session"))
        self.ok("POST", "sys/mounts/live", {"type": self.engine.type})
        self.ok("POST", "live/config", self.engine.config(account.key))
        self.ok("POST", "live/role/" + self.user_role, self.engine.live_role)
        self.ok("POST", "live/role/" + self.brief, {**self.engine.live_role, "ttl": 5,
                                                    "max_ttl": 5})
        if account.role_arn:
            self.ok("POST", "live/role/" + self.session, {"role_arn": account.role_arn})

    def ok(self, method, path, body=None):
        reply = self.server.api(method, path, body)
        assert reply.status in (200, 204), reply
        return reply

    def issued(self, role):
        return self.ok("GET", "live/creds/" + role)

    def revoke(self, reply):
        self.ok("PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"]})

    def is_lease(self, reply):
        return self.server.api("PUT", "sys/leases/lookup",
                               {"lease_id": reply["lease_id"]}).status == 200

    def works(self, reply):
        return self.engine.works(self.account, reply.data)

    def users(self):
        return [thing for thing in self.account.leftovers() if thing[0] == "user"]


def test_a_user_works_until_it_is_given_back(place):
    reply = place.issued(place.user_role)
    eventually(lambda: place.works(reply), "the credential works")
    assert place.users()
    renewed = place.ok("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"],
                                                   "increment": 600})
    assert 590 <= renewed["lease_duration"] <= 600
    place.revoke(reply)
    assert not place.is_lease(reply)
    eventually(lambda: not place.works(reply), "the credential is dead")
    eventually(lambda: not place.account.leftovers(), "nothing is left")


def test_a_user_ends_by_itself(place):
    reply = place.issued(place.brief)
    assert reply["lease_duration"] == 5
    eventually(lambda: not place.is_lease(reply), "the lease ends")
    eventually(lambda: not place.account.leftovers(), "nothing is left")
    eventually(lambda: not place.works(reply), "the credential is dead")


def test_a_session_works_and_is_not_renewed(place):
    if not place.account.role_arn:
        pytest.skip("%s: no role to assume; set %s" % (place.engine,
                                                       place.engine.live_variables[2]))
    reply = place.issued(place.session)
    assert set(reply.data) == {*place.engine.data_fields, "expiration"}
    assert place.works(reply)
    renewed = place.server.api("PUT", "sys/leases/renew", {"lease_id": reply["lease_id"]})
    assert renewed.status == 400, renewed
    place.revoke(reply)


def test_what_somebody_removed_does_not_matter(place):
    reply = place.issued(place.user_role)
    eventually(place.users, "the user is listed")
    for thing in place.account.leftovers():
        place.engine.remove(place.account.caller(), thing)
    place.revoke(reply)
    assert not place.is_lease(reply)


def test_what_somebody_added_goes_with_the_user(place):
    reply = place.issued(place.user_role)
    eventually(place.users, "the user is listed")
    place.engine.add_by_hand(place.account.caller(), place.users()[0])
    place.revoke(reply)
    eventually(lambda: not place.account.leftovers(), "nothing is left")


def test_three_at_once_are_taken_back_with_their_prefix(place):
    replies = [place.issued(place.user_role) for _ in range(3)]
    place.ok("PUT", "sys/leases/revoke-prefix/live/creds/" + place.user_role)
    assert not any(place.is_lease(reply) for reply in replies)
    eventually(lambda: not place.account.leftovers(), "nothing is left")


def test_a_wrong_secret_is_said_and_not_repeated(place):
    wrong = "wrong-secret-of-the-live-run"
    place.ok("POST", "sys/mounts/live-wrong", {"type": place.engine.type})
    place.ok("POST", "live-wrong/config", place.engine.config((place.account.key[0], wrong)))
    place.server.api("POST", "live-wrong/role/" + place.user_role, place.engine.live_role)
    reply = place.server.api("GET", "live-wrong/creds/" + place.user_role)
    assert reply.status == 400 and "secret of the configured key" in reply.errors[0], reply
    assert wrong not in str(reply.raw) and wrong not in place.server.log()
    place.ok("POST", "live-wrong/config", place.engine.config(place.account.key))
    wait_until(lambda: place.server.api("DELETE", "sys/mounts/live-wrong").status == 204, 60)


def test_no_secret_is_in_the_log(place):
    reply = place.issued(place.user_role)
    place.revoke(reply)
    for secret in (place.account.key[1], *place.engine.secrets(reply.data)):
        assert secret not in place.server.log()

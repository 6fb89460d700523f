# SPDX-License-Identifier: Apache-2.0
"""A credential is asked for while the cloud misbehaves, in each way at each call.

The answer has the right status and useful words without a secret, what may be repeated is, a
credential that is handed out works, and nothing of the others stays.
"""
import pytest

from trouble import SECRET, Place, quick_server, result_of, side_by_side

CALLS = ["CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreateAccessKey", "AssumeRole"]

# name: kind, fields, status when it lasts, status when it strikes once.
# "once": 200 where the call may be repeated; CreateAccessKey may not, it would make a second key.
FAULTS = {
    "throttled": ("throttle", {}, 429, 200),
    "throttled with a time": ("throttle", {"retry_after_ms": 300}, 429, 200),
    "throttled by 429": ("throttle", {"code": "TooManyRequests", "status": 429}, 429, 200),
    "broken inside": ("error", {}, 502, "once"),
    "unavailable": ("error", {"code": "ServiceUnavailable", "status": 503}, 502, "once"),
    "dropped before": ("drop", {}, 502, "once"),
    "reset before": ("drop", {"reset": True}, 502, "once"),
    "dropped after": ("drop", {"effect": "done"}, 502, "once"),
    "garbage": ("garbage", {}, 502, "once"),
    "truncated body": ("truncate", {}, 502, "once"),
    "truncated JSON": ("truncate", {"cut": "json"}, 502, "once"),
    "HTML": ("html", {}, 502, "once"),
    "HTML with 200": ("html", {"status": 200}, 502, "once"),
    "huge": ("huge", {}, 502, "once"),
    "hang": ("hang", {}, 504, "once"),
    "hang after": ("hang", {"effect": "done"}, 504, "once"),
    "no permission": ("error", {"code": "NoPermission", "status": 403}, 400, 400),
    "clock skew": ("error", {"code": "InvalidTimeStamp.Expired", "status": 400}, 400, 400),
    "unknown key": ("error", {"code": "InvalidAccessKeyId.NotFound", "status": 404}, 400, 400),
    "string to sign": ("echo", {}, 400, 400),
    "code with markup": ("error", {"code": "Bad<b>\n\"%s", "status": 400}, 400, 400),
}
SPECIAL = {
    ("users are used up", "CreateUser"): "LimitExceeded.User",
    ("policies are used up", "CreatePolicy"): "LimitExceeded.Policy",
    ("malformed policy", "CreatePolicy"): "MalformedPolicyDocument",
    ("no such policy", "AttachPolicyToUser"): "EntityNotExist.Policy",
    ("no such role", "AssumeRole"): "EntityNotExist.Role",
}
ADVICE = {
    "no permission": "Least privilege", "clock skew": "clocks", "users are used up": "quota",
    "policies are used up": "quota", "malformed policy": "inline_policies",
    "no such role": "role_arn", "string to sign": "secret of the configured key",
    "unknown key": "does not know the configured key",
}
LASTING = [(name, call, None) for name in FAULTS for call in CALLS]
BRIEF = [(name, call, 1) for name in FAULTS if FAULTS[name][3] != 400 for call in CALLS]
CASES = LASTING + BRIEF + [(name, call, None) for name, call in SPECIAL]


def names(case):
    return "%s-%s-%s" % (case[0].replace(" ", "_"), case[1], "once" if case[2] else "ever")


def expected(case):
    name, call, times = case
    if name not in FAULTS:
        return 400
    _, _, lasting, once = FAULTS[name]
    if not times:
        return lasting
    return once if once != "once" else lasting if call == "CreateAccessKey" else 200


def strike(place, case):
    name, call, times = case
    if name in FAULTS:
        kind, fields = FAULTS[name][:2]
    else:
        # AttachPolicyToUser of an inline policy is repeated: what we made may not be seen yet.
        fields = {"code": SPECIAL[name, call], "status": 404 if "NotExist" in str(case) else 400}
        kind = "error"
        if call == "AttachPolicyToUser":
            fields["policy"] = "existing-policy"
    return place.fault(kind, action=call, times=times, **fields)


class Outcome:
    def __init__(self, server, case):
        place = Place(server)
        number = strike(place, case)
        self.reply = place.issue("session" if case[1] == "AssumeRole" else "user")
        self.works = self.reply.status == 200 and place.works(self.reply)
        self.struck = {f["id"]: f["struck"] for f in server.sim.faults()}[number]
        server.sim.clear_faults(number)
        self.calls = len(place.calls(case[1]))
        if self.reply.status == 200 and case[1] != "AssumeRole":
            assert place.revoke(self.reply["lease_id"]).status == 204
        place.wait_clean(20)
        place.disable()


@pytest.fixture(scope="module", name="server")
def faulty_server(leasehold):
    with quick_server() as server:
        yield server


@pytest.fixture(scope="module", name="outcomes")
def all_at_once(server):
    return side_by_side(lambda case: Outcome(server, case), CASES)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_fault_at_a_call(outcomes, case):
    outcome = result_of(outcomes, case)
    reply = outcome.reply
    assert outcome.struck >= 1
    assert reply.status == expected(case), reply
    if reply.status == 200:
        assert outcome.works, "the credential that was handed out does not work"
        return
    text = reply.errors[0]
    assert text.startswith("alicloud: %s as LTAI" % case[1]), text
    assert SECRET not in str(reply.raw) and "<" not in text and "\n" not in text, text
    assert ADVICE.get(case[0], "") in text
    assert ("Retry-After" in reply.headers) == (reply.status == 429)
    if reply.status == 429:
        assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("call", CALLS)
def test_what_is_refused_is_not_tried_again(outcomes, call):
    made = result_of(outcomes, ("no permission", call, None)).calls
    assert made <= (3 if call == "AttachPolicyToUser" else 1)   # the role has three attachments


def test_a_key_is_never_made_twice(outcomes):
    for case in CASES:
        if case[1] == "CreateAccessKey" and "throttled" not in case[0]:
            assert result_of(outcomes, case).calls == 1, case


@pytest.mark.parametrize("call", ["CreateUser", "CreatePolicy"])
def test_what_a_lost_call_has_made_is_known_to_be_ours(outcomes, call):
    """"Already exists" to a repetition is success: no new plan is made."""
    assert result_of(outcomes, ("dropped after", call, 1)).calls == 2


# --- what the network does ---

@pytest.fixture(name="lonely")
def server_for_connections(leasehold):
    """Faults of connections cannot be told apart by key: a server for each of them."""
    with quick_server(work_workers=2) as server:
        yield server


def issue_twice(server, kind, **fields):
    """One issue under the fault, one after it; returns the first reply."""
    place = Place(server)
    assert place.revoke(place.issued()["lease_id"]).status == 204
    server.sim.drop_connections()
    server.sim.fault(kind, **fields)
    reply = place.issue()
    server.sim.clear_faults()
    assert place.revoke(place.issued()["lease_id"]).status == 204
    place.wait_clean()
    return reply


@pytest.mark.parametrize("kind, fields, statuses", [
    ("refuse", {}, (502,)),
    ("tls_garbage", {}, (502,)),
    ("tls_hang", {}, (502, 504)),
    ("certificate", {"certificate": "name"}, (502,)),
    ("certificate", {"certificate": "ca"}, (502,)),
    ("certificate", {"certificate": "expired"}, (502,)),
])
def test_without_a_sound_connection_no_signed_byte_leaves(lonely, kind, fields, statuses):
    reply = issue_twice(lonely, kind, **fields)
    assert reply.status in statuses, reply
    assert reply.errors[0].startswith("alicloud: CreateUser as LTAI"), reply
    assert SECRET not in reply.errors[0]
    if kind == "certificate":
        assert "certificate" in reply.errors[0].lower()
        assert lonely.sim.state()["tls"]["bytes_on_bad_certificate"] == 0


def test_one_refused_connection_is_tried_again(lonely):
    place = Place(lonely)
    lonely.sim.drop_connections()
    lonely.sim.fault("refuse", times=1)
    assert place.revoke(place.issued()["lease_id"]).status == 204


def test_connections_that_died_idle_are_replaced_unseen(lonely):
    place = Place(lonely)
    for _ in range(4):
        lonely.sim.drop_connections()
        assert place.revoke(place.issued()["lease_id"]).status == 204


def test_a_name_that_does_not_resolve_is_said(leasehold):
    with quick_server(work_workers=2) as server:
        place = Place(server)
        file = server.path("leasehold.hcl")
        with open(file, encoding="utf-8") as config:
            text = config.read()
        with open(file, "w", encoding="utf-8") as config:
            config.write(text.replace(server.sim.ram_endpoint, "https://ram.invalid"))
        server.restart()
        reply = place.issue()
        assert reply.status == 502, reply
        assert "resolve" in reply.errors[0] and "ram.invalid" in reply.errors[0], reply
        server.write_configuration()
        server.restart()
        assert place.revoke(place.issued()["lease_id"]).status == 204


def test_a_wrong_clock_is_said(leasehold):
    with quick_server(work_workers=2) as server:
        place = Place(server)
        server.sim.configure(skew=3600)
        reply = place.issue()
        server.sim.configure(skew=0)
        assert reply.status == 400 and "clocks" in reply.errors[0], reply


# --- the cloud's own limits ---

@pytest.fixture(name="place")
def own_place(lonely):
    place = Place(lonely)
    yield place
    lonely.sim.configure(alicloud={"rate": {"on": False}, "objects": {"users": 5000}})
    place.disable()


def test_an_account_that_is_full_is_said(place):
    place.sim.configure(alicloud={"objects": {"users": 1}})
    reply = place.issue()
    assert reply.status == 400 and "LimitExceeded.User" in reply.errors[0], reply
    assert "quota" in reply.errors[0]
    place.wait_clean()


def test_more_requests_than_the_cloud_allows_wait_their_turn(leasehold):
    """Ten attachments a second are allowed; six credentials need eighteen at once."""
    with quick_server(more='issue_timeout = "20s"') as server:
        place = Place(server)
        server.sim.configure(alicloud={"rate": {"on": True}})
        replies = side_by_side(lambda _: place.issue(), range(6))
        assert [result_of(replies, i).status for i in range(6)] == [200] * 6, replies
        throttled = [c for c in place.calls() if (c["code"] or "").startswith("Throttling")]
        assert all(place.works(reply) for reply in replies.values())
        assert server.api("PUT", "sys/leases/revoke-prefix/" + place.path).status in (204, 400)
        place.wait_clean(40)
        assert len(throttled) < 200, "the cloud is not asked without pause"
        place.disable()

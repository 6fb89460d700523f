# SPDX-License-Identifier: Apache-2.0
"""The cloud of tests/conform/thirdcloud: users with rights and a key, borrowed roles."""
import os

from conform.thirdcloud.cloud import Signer

from .base import TOP, Engine


class ThirdCloud(Engine):
    type = "thirdcloud"
    services = ("api",)
    has_metadata = False
    simulator = "conform.thirdcloud"

    config_fields = ("id", "secret")
    data_fields = ("id", "secret", "token")
    user_role = {"rights": ["read", "write"]}
    brief_role = {"rights": ["read"]}
    session_role = {"role": "reader"}
    key_prefix = "THRD"
    elsewhere = {}

    identity_call = "WhoAmI"
    issue_calls = ["MakeUser", "Grant", "MakeKey"]
    revoke_calls = ["DropKey", "Withdraw", "DropUser"]
    session_calls = ["Borrow"]
    once = ("MakeKey",)
    repeatable = ("MakeUser",)
    parallel = {"Grant": 2}
    makes_key = "MakeKey"
    create_user, delete_user, delete_key = "MakeUser", "DropUser", "DropKey"
    issue_rounds = [["MakeUser"], ["Grant", "MakeKey"]]
    revoke_rounds = [["DropKey", "Withdraw"], ["DropUser"]]
    after_the_key = ["Withdraw", "DropUser"]
    lists = ("Keys", "Rights")
    looks = ("Keys",)

    scheme = "ACS3-HMAC-SHA256"
    permission = {"code": "Denied", "status": 403}
    throttles = {
        "throttled": {},
        "throttled with a time": {"retry_after_ms": 300},
    }
    sick = {"broken inside": {}}
    refusals = {
        "no permission": (permission, "Least privilege"),
        "clock skew": ({"code": "InvalidTimeStamp.Expired", "status": 400}, "clocks"),
        "unknown key": ({"code": "InvalidAccessKeyId.NotFound", "status": 404},
                        "does not know the configured key"),
        "code with markup": ({"code": "Bad<b>\n\"%s", "status": 400}, ""),
    }
    dead_key_advice = "disabled"
    echo_code = "SignatureDoesNotMatch"
    echo_advice = "secret of the configured key"
    special = {
        ("users are used up", "MakeUser"): ({"code": "TooMany", "status": 400}, "quota"),
        ("no such right", "Grant"): ({"code": "NoRight", "status": 400}, "rights"),
        ("no such role", "Borrow"): ({"code": "NoRole", "status": 400}, "role"),
    }

    user_name = r"[a-z][a-z0-9-]{0,39}"

    remote_policies = ("read", "write")
    other_policy = "admin"
    consistency = ("user_ms", "key_delete_ms")

    def program(self):
        built = os.path.dirname(os.environ.get("LEASEHOLD") or os.path.join(TOP, "build", "x"))
        return os.path.join(os.path.abspath(built), "tests", "conform", "leasehold-third")

    def is_throttled(self, code):
        return code == "TooFast"

    def session_environment(self, sim, account=None):
        session = sim.edit("session", role="reader", account=account)
        return {"THIRD_ID": session["id"], "THIRD_SECRET": session["secret"],
                "THIRD_TOKEN": session["token"]}, session

    def works(self, sim, data):
        return Signer(sim, data["id"], data["secret"], data.get("token")).identity().ok

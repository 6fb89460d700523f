# SPDX-License-Identifier: Apache-2.0
"""A cloud of users, rights and keys: see README.

The one idea: what it has in common with the others is used, what is its own fits on a page.
"""
import re
import uuid

from cloudsim import model
from cloudsim.accounts import CONSISTENCY, RATE, AccountCloud
from cloudsim.alicloud import auth, sign, wire
from cloudsim.alicloud.caller import Caller
from cloudsim.edit import Editor
from cloudsim.errors import ApiError
from cloudsim.http1 import json_response
from cloudsim.metadata import Metadata

FIRST, SECOND = "third-one", "third-two"
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
STATUS = {"Denied": 403, "TooFast": 429, "Broken": 500}


def account(number, key):
    return {"id": number,
            "users": [{"name": "leasehold-root", "keys": [{"id": key, "secret": "sim-" + key}]}],
            "roles": [{"name": "reader"}]}


def fail(code):
    return ApiError(STATUS.get(code, 400), code)


class World(model.World):
    presets = {"read": {}, "write": {}, "admin": {}}

    @staticmethod
    def grammar(text):
        return None

    def make_user(self, account, name, values):
        return model.User(name, model.word(8), self.date())

    def make_key_id(self):
        return "THRD" + model.word(16)

    def make_session_id(self):
        return "STS." + model.word(16)      # what marks a session in an ACS3 signature

    def make_token(self, length):
        return model.word(length)

    def make_role_id(self):
        return model.word(8)


class Signer(Caller):
    """A signing client: one service, where the cloud that ACS3 comes from has two."""

    def __init__(self, sim, *arguments):
        super().__init__(sim, *arguments)
        self.place = sim.endpoint("api").partition("://")[2]

    def host(self, service):
        return self.place

    def identity(self):
        return self.v3("WhoAmI", x_acs_version="1")


class ThirdCloud(AccountCloud):
    name = "thirdcloud"
    services = {"api": "tls"}
    user_param = "Name"
    retry_after_header = "x-acs-retry-after"
    fault_codes = {"error": ("Broken", 500), "throttle": ("TooFast", 429)}
    world_type, metadata_type, editor_type = World, Metadata, Editor
    initial = [account(FIRST, "THRDsimone"), account(SECOND, "THRDsimtwo")]
    rates = {"MakeKey": 5}
    defaults = {"objects": {"users": 5000, "keys_per_user": 2}, "consistency": CONSISTENCY,
                "options": {"schemes": ["acs3"], "strict_wire": False, "window": 900},
                "rate": {**RATE, "code": "TooFast", "status": 429, "retry_after": True}}

    # --- a call ---

    def read(self, service, request):
        incoming = wire.read(service, request)
        incoming.request_id = uuid.uuid4().hex
        incoming.account = self.owner_of(incoming.key)
        return incoming

    def authenticate(self, incoming):
        return auth.authenticate(self, incoming)

    def execute(self, incoming, caller):
        wait = self.wait_for_quota(caller.account, incoming.action)
        if wait:
            error = fail("TooFast")
            error.headers.append((self.retry_after_header, str(wait)))
            raise error
        action = self.ACTIONS.get(incoming.action)
        if action is None or incoming.extra["version"] != "1":
            raise fail("NoAction")
        return action(self, caller.account, incoming.params)

    def write(self, incoming, result):
        return json_response(200, {"Request": incoming.request_id, **result})

    def write_error(self, incoming, error, shape):
        body = {"Error": error.code, "Request": incoming.request_id, "Text": error.message}
        return json_response(error.status, body, error.headers)

    def echo(self, incoming):
        _, headers, signed, digest, _ = auth.acs3_parts(incoming.request)
        text = auth.canonical(incoming, headers, signed, digest)
        return auth.acs3_mismatch(sign.acs3_string_to_sign(text), text)

    def endless(self, incoming, result, marker):
        return {**result, "Next": "again" if marker == "same" else model.word(8)}

    def load(self, accounts):
        self.nonces = auth.Nonces()
        super().load(accounts)

    # --- actions ---

    def _user(self, owner, params, lag_ms=0):
        user = owner.users.get(params.get("Name"))
        if user is None or World.unseen(user, lag_ms):
            raise fail("NoUser")
        return user

    def make_user(self, owner, params):
        if not NAME.match(params.get("Name", "")):
            raise fail("BadName")
        if params["Name"] in owner.users:
            raise fail("UserExists")
        if len(owner.users) >= self.objects["users"]:
            raise fail("TooMany")
        self.world.new_user(owner, params["Name"])
        return {}

    def make_key(self, owner, params):
        user = self._user(owner, params, self.consistency["user_ms"])
        if len(user.keys) >= self.objects["keys_per_user"]:
            raise fail("TooMany")
        key = self.world.new_key(owner, user)
        return {"Key": {"Id": key.id, "Secret": key.secret}}

    def grant(self, owner, params):
        user = self._user(owner, params, self.consistency["user_ms"])
        if params.get("Right") not in self.world.presets:
            raise fail("NoRight")
        if not any(held.policy == params["Right"] for held in user.attachments):
            self.world.attach(owner, user, params["Right"])
        return {}

    def withdraw(self, owner, params):
        user = self._user(owner, params)
        held = [a for a in user.attachments if a.policy == params.get("Right")]
        if not held:
            raise fail("NotGranted")
        self.world.detach(owner, user, held[0])
        return {}

    def drop_key(self, owner, params):
        user = self._user(owner, params)
        if params.get("Id") not in user.keys:
            raise fail("NoKey")
        self.world.drop_key(user, params["Id"])
        self.world.ghost_key(owner, user.name, self.consistency["key_delete_ms"])
        return {}

    def drop_user(self, owner, params):
        user = self._user(owner, params)
        if user.keys or user.attachments or self.world.still_has_key(owner, user.name):
            raise fail("InUse")
        self.world.drop_user(owner, user)
        return {}

    def keys(self, owner, params):
        return {"Keys": list(self._user(owner, params).keys)}

    def rights(self, owner, params):
        return {"Rights": [held.policy for held in self._user(owner, params).attachments]}

    def borrow(self, owner, params):
        role = owner.roles.get(params.get("Role"))
        if role is None:
            raise fail("NoRole")
        if not NAME.match(params.get("Name", "")):
            raise fail("BadName")
        session = self.world.new_session(owner, role, params["Name"], 3600)
        return {"Key": {"Id": session.key.id, "Secret": session.key.secret,
                        "Token": session.token, "End": int(session.expires)}}

    def who_am_i(self, owner, params):
        return {"Account": owner.id}

    ACTIONS = {"MakeUser": make_user, "MakeKey": make_key, "Grant": grant, "Withdraw": withdraw,
               "DropKey": drop_key, "DropUser": drop_user, "Keys": keys, "Rights": rights,
               "Borrow": borrow, "WhoAmI": who_am_i}

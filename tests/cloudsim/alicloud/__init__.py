# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud: RAM 2015-05-01, STS 2015-04-01 and the instance metadata service.

The one idea: this class only joins the parts; what each part knows stands in its own file.
"""
import base64
import secrets

from ..cloud import Cloud, Incoming
from ..errors import ControlError
from ..http1 import json_response
from ..quota import Rate
from . import access, auth, check, metadata, policies, setup, sign, sts, users, wire
from .actions import TABLE, VERSIONS, arns
from .edit import Editor
from .messages import fail
from .model import Caller, World

assert policies and sts and users       # imported so that their actions are in the table

RATES = {"AttachPolicyToUser": 10, "DetachPolicyFromUser": 10, "CreateUser": 20,
         "DeleteUser": 20, "CreatePolicy": 20, "CreatePolicyVersion": 20, "DeletePolicy": 20,
         "DeletePolicyVersion": 20, "CreateAccessKey": 20, "UpdateAccessKey": 20,
         "DeleteAccessKey": 20}

OBJECTS = {"users": 5000, "keys_per_user": 2, "policies": 1500, "versions": 5,
           "custom_per_user": 10, "system_per_user": 20, "document_bytes": 6144}

#: Milliseconds for which the cloud is behind; 0 everywhere: it never is.
CONSISTENCY = {
    "user_ms": 0,           # a new user is not seen by attach and key creation
    "policy_ms": 0,         # a new policy is not seen by attach
    "detach_ms": 0,         # a detached policy still blocks DeletePolicy and DeleteUser
    "key_delete_ms": 0,     # a deleted key still blocks DeleteUser
    "key_use_ms": 0,        # a new key cannot sign yet
    "key_dead_ms": 0,       # a deleted key can still sign
}

RATE = {"on": False, "scale": 1.0, "limits": {}, "code": "Throttling.User", "status": 400,
        "retry_after": True}

OPTIONS = {
    "schemes": ["acs3", "v1"],  # signature schemes that are accepted
    "strict_wire": False,       # True: the query must arrive in canonical form
    "window": 900,              # seconds that x-acs-date may be off
    "v1_window": 1860,          # the same for Timestamp
    "token_length": 700,        # of session tokens
    "old_shapes": False,        # AssumedRoleUser in the spelling of the oldest documentation
    "empty_lists": "array",     # or "null", "bare" (no inner array), "absent" (no outer object)
    "statuses": {},             # code → HTTP status, where the documentation is of two minds
}


class AliCloud(Cloud):
    name = "alicloud"
    services = {"ram": "tls", "sts": "tls", "metadata": "plain"}
    user_param, policy_param = "UserName", "PolicyName"
    secret_params = ("OIDCToken", "SecurityToken")
    retry_after_header = "x-acs-retry-after"

    def __init__(self, sim):
        super().__init__(sim)
        self.metadata = metadata.Metadata(self)
        self.quota = Rate(RATES, 100)
        self.reset()

    # --- a call ---

    def read(self, service, request):
        if service == "metadata":
            incoming = Incoming(service, request, "")
            incoming.action = metadata.name_of(request)
            return incoming
        incoming = wire.read(service, request)
        owner = self.world.owners.get(incoming.key)
        session = self.world.sessions.get(incoming.key)
        incoming.account = owner[1].id if owner else session.account.id if session else None
        return incoming

    def authenticate(self, incoming):
        if incoming.service == "metadata":
            return Caller()
        self._check_action(incoming)
        return auth.authenticate(self, incoming)

    @staticmethod
    def _check_action(incoming):
        """The gateway looks the action up before it looks at the signature."""
        known = (incoming.service, incoming.action) in TABLE
        version = incoming.extra["version"] == VERSIONS[incoming.service]
        if incoming.error is None and not (known and version):
            if incoming.service == "ram":
                raise fail("InvalidParameter",
                           'The specified parameter "Action or Version" is not valid.')
            raise fail("InvalidVersion" if known else "InvalidAction.NotFound")

    def execute(self, incoming, caller):
        if incoming.service == "metadata":
            return self.metadata.serve(incoming.request)
        entry = TABLE[incoming.service, incoming.action]
        params = incoming.params
        if caller.account is not None:
            self._admit(caller.account, incoming.action)
            if entry.resources:
                access.demand(caller, "%s:%s" % (incoming.service, incoming.action),
                              arns(entry, caller.account, self._with_self(entry, caller, params)))
        check.required(params, entry.required)
        return entry.function(self, caller, params)

    @staticmethod
    def _with_self(entry, caller, params):
        """For permission too, a missing UserName means the caller."""
        if "UserName" in entry.optional and not params.get("UserName") and caller.user:
            return {**params, "UserName": caller.user.name}
        return params

    def _admit(self, account, action):
        if not account.active:
            raise fail("Inactive")
        if not self.rate["on"]:
            return
        wait = self.quota.admit(account.id, action, self.rate["scale"], self.rate["limits"])
        if wait:
            error = fail(self.rate["code"])
            error.status = self.rate["status"]
            if self.rate["retry_after"]:
                error.headers.append((self.retry_after_header, str(wait)))
            raise error

    def answer(self, incoming, result):
        if incoming.service == "metadata":
            return json_response(200, result)
        return wire.answer(incoming, wire.shape_lists(result, self.options["empty_lists"]))

    def refuse(self, incoming, error, shape="upper"):
        if incoming.service == "metadata":
            return self.metadata.refuse(error)
        error.status = self.options["statuses"].get(error.code, error.status)
        return wire.refuse(incoming, error, shape)

    # --- faults ---

    def endless(self, incoming, result, marker):
        fresh = secrets.token_hex(8) if marker == "new" else "EXAMPLE"
        wrapped = base64.urlsafe_b64encode(("m1:" + fresh).encode()).decode()
        return {"IsTruncated": True, "Marker": wrapped, **{
            k: v for k, v in result.items() if k not in ("IsTruncated", "Marker")}}

    def echo(self, incoming):
        if incoming.scheme == "acs3":
            _, headers, signed, digest, _ = auth.acs3_parts(incoming.request)
            text = auth.canonical(incoming, headers, signed, digest)
            return auth.acs3_mismatch(sign.acs3_string_to_sign(text), text)
        return auth.v1_mismatch(auth.v1_string(incoming))

    # --- control ---

    def reset(self):
        self.objects, self.consistency = dict(OBJECTS), dict(CONSISTENCY)
        self.rate, self.options = dict(RATE), dict(OPTIONS)
        self.quota.clear()
        self._load(setup.DEFAULT)

    def _load(self, accounts):
        self.accounts = accounts
        self.world = World(self.clock)
        self.nonces = auth.Nonces()
        self.metadata.reset()
        setup.load(self.world, accounts)

    def configure(self, values):
        """Members: accounts (replaces everything), consistency, objects, rate, options, metadata.

        Returns whether the world is a new one."""
        tables = {"objects": self.objects, "consistency": self.consistency, "rate": self.rate,
                  "options": self.options, "metadata": self.metadata.settings}
        for name, value in values.items():
            if name == "accounts":
                continue
            unknown = set(value) - set(tables.get(name, ()))
            if name not in tables or unknown:
                raise ControlError("unknown setting: %s %s" % (name, sorted(unknown)))
        if "accounts" in values:
            self._load(values["accounts"])
        for name in set(values) & set(tables) - {"metadata"}:
            tables[name].update(values[name])
        if "metadata" in values:
            self.metadata.configure(values["metadata"])
        return "accounts" in values

    def inventory(self):
        return self.world.inventory()

    def edit(self, operation, values):
        return Editor(self).run(operation, values)

    def dump(self):
        return {account.id: {
            "active": account.active,
            "users": {user.name: {
                "id": user.id, "created": user.created,
                "keys": {key.id: key.status for key in user.keys.values()},
                "policies": [[a.type, a.policy, a.group] for a in user.attachments],
            } for user in account.users.values()},
            "policies": {p.name: {"versions": len(p.versions), "document": p.document()}
                         for p in account.policies.values()},
            "roles": {role.name: role.trust for role in account.roles.values()},
            "sessions": [{"key": s.key.id, "role": s.role.name, "name": s.name,
                          "expires": self.clock.iso(s.expires)}
                         for s in self.world.sessions.values() if s.account is account],
        } for account in self.world.accounts.values()}

    def ready(self):
        return {"accounts": self.accounts}

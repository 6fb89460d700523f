# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud: RAM 2015-05-01, STS 2015-04-01 and the instance metadata service.

The one idea: this class only joins the parts; what each part knows stands in its own file.
"""
import base64
import secrets

from ..accounts import CONSISTENCY, RATE, AccountCloud
from ..model import Caller
from . import access, auth, check, policies, setup, sign, sts, users, wire
from .actions import TABLE, VERSIONS, arns
from .caller import Caller as SigningCaller
from .edit import Editor
from .messages import fail
from .metadata import Metadata
from .model import World

assert policies and users       # imported so that their actions are in the table

OBJECTS = {"users": 5000, "keys_per_user": 2, "policies": 1500, "versions": 5,
           "custom_per_user": 10, "system_per_user": 20, "document_bytes": 6144}

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


class AliCloud(AccountCloud):
    name = "alicloud"
    caller_type = SigningCaller
    services = {"ram": "tls", "sts": "tls", "metadata": "plain"}
    user_param, policy_param = "UserName", "PolicyName"
    secret_params = ("OIDCToken", "SecurityToken")
    retry_after_header = "x-acs-retry-after"
    fault_codes = {"error": ("InternalError", 500), "throttle": ("Throttling.User", 400)}
    world_type, metadata_type, editor_type = World, Metadata, Editor
    initial = setup.DEFAULT
    rates = {"AttachPolicyToUser": 10, "DetachPolicyFromUser": 10, "CreateUser": 20,
             "DeleteUser": 20, "CreatePolicy": 20, "CreatePolicyVersion": 20, "DeletePolicy": 20,
             "DeletePolicyVersion": 20, "CreateAccessKey": 20, "UpdateAccessKey": 20,
             "DeleteAccessKey": 20}
    defaults = {"objects": OBJECTS, "consistency": CONSISTENCY, "options": OPTIONS,
                "rate": {**RATE, "code": "Throttling.User", "status": 400, "retry_after": True}}

    # --- a call ---

    def read(self, service, request):
        if service == "metadata":
            return self.read_metadata(request)
        incoming = wire.read(service, request)
        incoming.account = self.owner_of(incoming.key)
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
        wait = self.wait_for_quota(account, action)
        if wait:
            error = fail(self.rate["code"])
            error.status = self.rate["status"]
            if self.rate["retry_after"]:
                error.headers.append((self.retry_after_header, str(wait)))
            raise error

    def write(self, incoming, result):
        return wire.answer(incoming, wire.shape_lists(result, self.options["empty_lists"]))

    def write_error(self, incoming, error, shape):
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

    def load(self, accounts):
        self.nonces = auth.Nonces()
        super().load(accounts)

    def oidc_name(self, provider):
        return sts.provider_arn(provider)

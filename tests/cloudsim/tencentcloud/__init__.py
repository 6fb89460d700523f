# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud: CAM 2019-01-16, STS 2018-08-13 and the instance metadata service.

The one idea: this class only joins the parts; what each part knows stands in its own file.
"""
from ..accounts import CONSISTENCY, RATE, AccountCloud
from ..edit import Editor
from ..model import Caller
from . import access, attachments, auth, keys, paging, policies, setup, sign, sts, users, wire
from .actions import TABLE, check_fields
from .caller import Caller as SigningCaller
from .messages import fail, too_often
from .metadata import Metadata
from .model import World

assert attachments and keys and policies and users  # imported so that their actions are known

OBJECTS = {
    "users": 1000, "keys_per_user": 2, "policies": 1500, "attached_per_user": 200,
    "document_chars": 4096,         # one language of the documentation says 6144
    "session_policy_chars": 4096,
    "policies_per_delete": 20,      # that there is a limit is documented, not which
    "keyword_chars": 128,           # likewise
}

#: What the documentation leaves open, the stricter answer first.
OPTIONS = {
    "user_names": "strict",             # small letters, digits, - and _; or "wide"
    "use_api_default": 1,               # AddUser without UseApi makes a key, or (0) does not
    "delete_user_attached": "refused",  # a user that holds policies; or "detaches"
    "delete_policy_attached": "refused",    # a policy that is held; or "detaches"
    "delete_policies": "nothing",       # of a list with one that is gone; or "rest"
    "delete_active_key": "allowed",     # or "refused": a key must be disabled first
    "attach_twice": "allowed",          # or "refused", for which no code is declared
    "detach_twice": "refused",          # what is not attached; or "allowed"
    "policy_gone": "ResourceNotFound.PolicyIdNotFound",     # or InvalidParameter.PolicyIdNotExist
    "user_gone": "ResourceNotFound.UserNotExist",   # by number; or InvalidParameter.UserNotExist
    "role_gone": "ResourceNotFound.RoleNotFound",   # or InternalError.GetRoleError
    "preset_names": "refused",          # for policies of the account; or "allowed"
    "keywords": "allowed",              # or "refused": ListPolicies answers KeywordError
    "session_min_seconds": 900,
    "plain_policy": "refused",          # a session policy that is not percent-encoded
    "identity_permission": False,       # GetCallerIdentity needs a permission
    "empty_lists": "array",             # or "null", "absent"
    "regions": ["sts"],                 # services that demand X-TC-Region
    "window": 300,                      # seconds that X-TC-Timestamp may be off
    "token_length": 700,                # of session tokens; up to 4096 are documented
}


class TencentCloud(AccountCloud):
    name = "tencentcloud"
    caller_type = SigningCaller
    services = {"cam": "tls", "sts": "tls", "metadata": "plain"}
    secret_params = ("WebIdentityToken", "Password")
    fault_codes = {"error": ("InternalError", 200), "throttle": ("RequestLimitExceeded", 200)}
    world_type, metadata_type, editor_type = World, Metadata, Editor
    initial = setup.DEFAULT
    rates = {"CreateAccessKey": 5, "DeleteAccessKey": 5, "UpdateAccessKey": 5,
             "ListAttachedUserAllPolicies": 5, "CreatePolicy": 10, "DeletePolicy": 10,
             "AttachUserPolicy": 10, "DetachUserPolicy": 10, "AssumeRole": 600}
    rate_of_others = 20
    defaults = {"objects": OBJECTS, "consistency": CONSISTENCY, "options": OPTIONS, "rate": RATE}

    # --- a call ---

    def read(self, service, request):
        if service == "metadata":
            return self.read_metadata(request)
        incoming = wire.read(service, request)
        incoming.account = self.owner_of(incoming.key)
        return incoming

    def names(self, incoming):
        """Most calls only give numbers; the log and the faults know names."""
        params, account = incoming.params, self.world.accounts.get(incoming.account)
        numbers = params.get("PolicyId", [])
        users = [params.get("Name")]
        users += [self._name(self.world.user_of, account, params.get(member))
                  for member in ("AttachUin", "DetachUin", "TargetUin")]
        policies = [params.get("PolicyName")]
        policies += [self._name(self.world.policy_of, account, number)
                     for number in (numbers if isinstance(numbers, list) else [numbers])]
        return tuple(" ".join(name for name in names if isinstance(name, str)) or None
                     for names in (users, policies))

    @staticmethod
    def _name(find, account, number):
        """The name that belongs to a number, else the number as text; None if it is none."""
        if account is None or not isinstance(number, int):
            return None
        found = find(account, number)
        return found.name if found else str(number)

    def authenticate(self, incoming):
        if incoming.service == "metadata":
            return Caller()
        return auth.authenticate(self, incoming)

    def execute(self, incoming, caller):
        if incoming.service == "metadata":
            return self.metadata.serve(incoming.request)
        entry = TABLE[incoming.service, incoming.action]
        if caller.account is not None:
            self._admit(caller.account, incoming.action)
        check_fields(entry, incoming.params)
        self._demand(entry, caller, incoming)
        return entry.function(self, caller, incoming.params)

    def _demand(self, entry, caller, incoming):
        free = incoming.action == "GetCallerIdentity" and not self.options["identity_permission"]
        if entry.resource is None or free:
            return
        resource = entry.resource(caller, incoming.params) if callable(entry.resource) \
            else entry.resource
        access.ACCESS.demand(caller, "%s:%s" % (incoming.service, incoming.action), [resource])

    def _admit(self, account, action):
        if not account.active:
            raise fail("UnsupportedOperation", "The account does not use this service.")
        wait = self.wait_for_quota(account, action)
        if wait:
            error = too_often(int(self.quota.limit(action, self.rate["scale"],
                                                   self.rate["limits"])))
            error.code = self.rate["code"] or error.code
            error.status = self.rate["status"]
            if self.rate["retry_after"]:
                error.headers.append((self.retry_after_header, str(wait)))
            raise error

    def write(self, incoming, result):
        return wire.write(incoming, wire.shape_lists(result, self.options["empty_lists"]))

    def write_error(self, incoming, error, shape):
        return wire.refuse(incoming, error, shape)

    # --- faults ---

    def endless(self, incoming, result, marker):
        return paging.endless(result, incoming.params, marker)

    def echo(self, incoming):
        _, canonical, signature = auth.parts(incoming)
        moment = auth.timestamp(self, incoming.request.get("x-tc-timestamp", ""))
        to_sign = sign.string_to_sign(moment, incoming.service, canonical)
        return fail("AuthFailure.SignatureFailure", "The signature %s is not that of [%s], which "
                    "is of [%s]" % (signature, to_sign, canonical))

    # --- control ---

    def oidc_name(self, provider):
        return sts.provider_id(provider)

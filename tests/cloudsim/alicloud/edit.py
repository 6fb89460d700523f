# SPDX-License-Identifier: Apache-2.0
"""Changes by hand, as an operator at the console would make them.

The one idea: no signature, quota, delay or delete conflict applies; what is asked for is done,
with everything that hangs on it.
"""
import json

from ..errors import ControlError
from . import oidc, setup
from .model import Attachment, Role, digits
from .systempolicies import SYSTEM


class Editor:
    """Each public method is an operation; its arguments are the members of the request."""

    def __init__(self, cloud):
        self.cloud, self.world = cloud, cloud.world

    def run(self, operation, values):
        method = None if operation.startswith("_") else getattr(self, operation, None)
        if method is None or operation == "run":
            raise ControlError("unknown operation: " + operation)
        account = self.world.accounts.get(
            values.pop("account", None) or next(iter(self.world.accounts)))
        if account is None:
            raise ControlError("no such account")
        return method(account, **values)

    def _user(self, account, name):
        if name not in account.users:
            raise ControlError("no such user: " + name)
        return account.users[name]

    # --- users and keys ---

    def create_user(self, account, user):
        self.world.new_user(account, user)

    def delete_user(self, account, user):
        one = self._user(account, user)
        for key in list(one.keys):
            self.world.drop_key(one, key)
        del account.users[user]

    def add_key(self, account, user, id=None, secret=None):
        key = self.world.new_key(account, self._user(account, user), id, secret)
        return {"id": key.id, "secret": key.secret}

    def delete_key(self, account, user, id):
        self.world.drop_key(self._user(account, user), id)

    def set_key_status(self, account, user, id, status):
        self._user(account, user).keys[id].status = status

    def enforce(self, account, user, document=None):
        """Holds a user to a policy document; without one the user may do anything."""
        one = self._user(account, user)
        one.enforce = json.loads(setup.text(document)) if document else None
        one.free = document is None

    # --- policies ---

    def create_policy(self, account, policy, document=None):
        self.world.new_policy(account, policy, setup.text(document or {
            "Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:*",
                                           "Resource": "*"}]}))

    def delete_policy(self, account, policy):
        for user in account.users.values():
            user.attachments = [a for a in user.attachments
                                if (a.type, a.policy) != ("Custom", policy)]
        del account.policies[policy]

    def add_version(self, account, policy):
        one = account.policies[policy]
        one.counter += 1
        one.versions.append(("v%d" % one.counter, one.document(), self.world.clock.iso()))

    def attach(self, account, user, policy, group=""):
        kind = "System" if policy in SYSTEM else "Custom"
        if kind == "Custom" and policy not in account.policies:
            raise ControlError("no such policy: " + policy)
        self._user(account, user).attachments.append(
            Attachment(kind, policy, group, self.world.clock.iso()))

    def detach(self, account, user, policy):
        one = self._user(account, user)
        one.attachments = [a for a in one.attachments if a.policy != policy]

    # --- roles, accounts, tokens ---

    def create_role(self, account, **wish):
        account.roles[wish["role"]] = Role(wish["role"], digits(), wish.get("trust", {}),
                                           wish.get("max_session", 3600))

    def delete_role(self, account, role):
        del account.roles[role]

    def set_active(self, account, active):
        """An account whose RAM is not activated answers Inactive."""
        account.active = active

    def oidc_token(self, account, provider="cluster", **claims):
        one = account.providers[provider]
        return {"token": oidc.mint(one, self.cloud.clock.now(), **claims), "arn": oidc.arn(one)}

    def session(self, account, role, seconds=3600, name="by-hand"):
        """Session credentials without a call, for instance ones that are expired already."""
        one = self.world.new_session(account, account.roles[role], name, seconds)
        return {"id": one.key.id, "secret": one.key.secret, "token": one.token}

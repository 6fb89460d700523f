# SPDX-License-Identifier: Apache-2.0
"""Changes by hand, as an operator at the console would make them, in any cloud.

The one idea: no signature, quota, delay or delete conflict applies; what is asked for is done,
with everything that hangs on it.
"""
from . import oidc, setup
from .errors import ControlError


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
        self.world.drop_user(account, self._user(account, user))

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
        one.enforce = setup.document(self.world, document)
        one.free = document is None

    # --- policies ---

    def create_policy(self, account, policy, document=None):
        self.world.new_policy(account, policy,
                              setup.text(self.world, document or self.world.example))

    def delete_policy(self, account, policy):
        self.world.drop_policy(account, policy)

    def attach(self, account, user, policy, group=""):
        if policy not in self.world.presets and policy not in account.policies:
            raise ControlError("no such policy: " + policy)
        self.world.attach(account, self._user(account, user), policy, group)

    def detach(self, account, user, policy):
        one = self._user(account, user)
        for attachment in [a for a in one.attachments if a.policy == policy]:
            self.world.detach(account, one, attachment)

    # --- roles, accounts, tokens ---

    def create_role(self, account, role, trust=None, max_session=None):
        self.world.new_role(account, role, trust, max_session)

    def delete_role(self, account, role):
        del account.roles[role]

    def set_active(self, account, active):
        """An account that is not active is refused whatever it asks for."""
        account.active = active

    def oidc_token(self, account, provider="cluster", **claims):
        one = account.providers[provider]
        return {"token": oidc.mint(one, self.cloud.clock.now(), **claims),
                "arn": self.cloud.oidc_name(one)}

    def session(self, account, role, seconds=3600, name="by-hand"):
        """Session credentials without a call, for instance ones that are expired already."""
        one = self.world.new_session(account, account.roles[role], name, seconds)
        return {"id": one.key.id, "secret": one.key.secret, "token": one.token}

# SPDX-License-Identifier: Apache-2.0
"""What any cloud of accounts is made of: a world, its settings, quotas, metadata, edits.

The one idea: a cloud's package says what is its own (signatures, actions, shapes, tables of
settings); that there are such tables, and how they are changed, is written here.
"""
from . import setup
from .cloud import Cloud, Incoming
from .errors import ControlError
from .http1 import json_response
from .quota import Rate

#: Milliseconds for which a cloud is behind; 0 everywhere: it never is.
CONSISTENCY = {
    "user_ms": 0,           # a new user is not seen by attach and key creation
    "policy_ms": 0,         # a new policy is not seen by attach
    "detach_ms": 0,         # a detached policy still blocks the deletion of policy and user
    "key_delete_ms": 0,     # a deleted key still blocks the deletion of its user
    "key_use_ms": 0,        # a new key cannot sign yet
    "key_dead_ms": 0,       # a deleted key can still sign
}

#: scale multiplies the quotas, limits overrides single actions; off until "on".
RATE = {"on": False, "scale": 1.0, "limits": {}, "code": "", "status": 200, "retry_after": False}


class AccountCloud(Cloud):
    world_type = metadata_type = editor_type = None
    initial = ()            # the accounts at the start
    rates = {}              # calls a second by action, and for all others
    rate_of_others = 100
    defaults = {}           # table of settings → its defaults

    def __init__(self, sim):
        super().__init__(sim)
        self.metadata = self.metadata_type(self)
        self.quota = Rate(self.rates, self.rate_of_others)
        self.reset()

    # --- a call to the metadata service, which nobody signs ---

    def read_metadata(self, request):
        incoming = Incoming("metadata", request, "")
        incoming.action = self.metadata.name_of(request)
        return incoming

    def owner_of(self, key):
        """Id of the account that a key id belongs to, or None."""
        owner, session = self.world.owners.get(key), self.world.sessions.get(key)
        return owner[1].id if owner else session.account.id if session else None

    def answer(self, incoming, result):
        if incoming.service == "metadata":
            return json_response(200, result)
        return self.write(incoming, result)

    def refuse(self, incoming, error, shape="upper"):
        if incoming.service == "metadata":
            return self.metadata.refuse(error)
        return self.write_error(incoming, error, shape)

    def write(self, incoming, result):
        """The success response of a signed service."""
        raise NotImplementedError

    def write_error(self, incoming, error, shape):
        """The error response of a signed service."""
        raise NotImplementedError

    def wait_for_quota(self, account, action):
        """0 if the call fits into the sliding second, else milliseconds until one would."""
        if not self.rate["on"]:
            return 0
        return self.quota.admit(account.id, action, self.rate["scale"], self.rate["limits"])

    def oidc_name(self, provider):
        """A provider as a client must name it."""
        raise NotImplementedError

    # --- control ---

    def reset(self):
        self.tables = {name: dict(values) for name, values in self.defaults.items()}
        self.quota.clear()
        self.load(self.initial)

    def __getattr__(self, name):
        """A table of settings by its name."""
        try:
            return self.__dict__["tables"][name]
        except KeyError:
            raise AttributeError(name) from None

    def load(self, accounts):
        self.accounts = accounts
        self.world = self.world_type(self.clock)
        self.metadata.reset()
        setup.load(self.world, accounts)

    def configure(self, values):
        """Members: accounts (replaces everything), the tables of settings, metadata.

        Returns whether the world is a new one."""
        known = {**self.tables, "metadata": self.metadata.settings}
        for name, value in values.items():
            if name == "accounts":
                continue
            unknown = set(value) - set(known.get(name, ()))
            if name not in known or unknown:
                raise ControlError("unknown setting: %s %s" % (name, sorted(unknown)))
        if "accounts" in values:
            self.load(values["accounts"])
        for name in set(values) & set(self.tables):
            self.tables[name].update(values[name])
        if "metadata" in values:
            self.metadata.configure(values["metadata"])
        return "accounts" in values

    def inventory(self):
        return self.world.inventory()

    def edit(self, operation, values):
        return self.editor_type(self).run(operation, values)

    def dump(self):
        return {account.id: {
            "active": account.active,
            "users": {user.name: {
                "id": user.id, "created": user.created,
                "keys": {key.id: key.status for key in user.keys.values()},
                "policies": [[a.type, a.policy, a.group] for a in user.attachments],
            } for user in account.users.values()},
            "policies": {p.name: p.describe() for p in account.policies.values()},
            "roles": {role.name: role.trust for role in account.roles.values()},
            "sessions": [{"key": s.key.id, "role": s.role.name, "name": s.name,
                          "expires": self.clock.iso(s.expires)}
                         for s in self.world.sessions.values() if s.account is account],
        } for account in self.world.accounts.values()}

    def ready(self):
        return {"accounts": self.accounts}

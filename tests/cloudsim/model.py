# SPDX-License-Identifier: Apache-2.0
"""What a cloud holds: accounts, users, keys, policies, attachments, roles, sessions.

The one idea: strong state plus small "ghosts". The truth changes at once; a ghost is a fact that
some calls keep seeing (or do not see yet) until a moment on the monotonic clock.
"""
import random
import string
import time
from dataclasses import dataclass, field

ALNUM = string.ascii_letters + string.digits


def word(length, alphabet=ALNUM):
    return "".join(random.choices(alphabet, k=length))


@dataclass(eq=False)
class Key:
    id: str
    secret: str
    created: str
    status: str = "Active"
    born: float = 0.0
    last_used: str = ""


@dataclass(eq=False)
class Attachment:
    type: str
    policy: str
    group: str          # resource group; "" for the account level
    date: str


@dataclass(eq=False)
class User:
    name: str
    id: str
    created: str
    born: float = 0.0
    keys: dict = field(default_factory=dict)
    attachments: list = field(default_factory=list)
    free: bool = False          # may do anything: a root user that is held to no policy
    enforce: dict = None        # held to this document instead of what is attached


@dataclass(eq=False)
class Policy:
    """A cloud's own class adds document(): the text that counts now."""
    name: str
    type: str
    description: str
    created: str
    updated: str
    born: float = 0.0


@dataclass(eq=False)
class Role:
    name: str
    id: str
    trust: dict
    max_session: int
    document: dict = None       # None: the role may do anything
    description: str = ""


@dataclass(eq=False)
class Session:
    key: Key
    token: str
    expires: float
    account: object
    role: Role
    name: str
    policy: dict = None


@dataclass(eq=False)
class Account:
    id: str
    alias: str = ""
    active: bool = True
    key: Key = None             # key of the account itself, not of a user
    users: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)
    roles: dict = field(default_factory=dict)
    providers: dict = field(default_factory=dict)


@dataclass(eq=False)
class Caller:
    """Who signed: the account itself, a user, or a session; none of them for unsigned calls."""
    account: Account = None
    user: User = None
    session: Session = None
    key: str = None


class World:
    """Everything that exists. A cloud's subclass says what new things look like."""

    own, preset = "Custom", "System"    # types of policies: the account's, the cloud's
    presets = {}                        # the cloud's policies, name → document
    max_session = 3600                  # seconds, unless a role has its own
    example = {}                        # a policy document that may stand anywhere

    def __init__(self, clock):
        self.clock = clock
        self.accounts = {}
        self.owners = {}            # key id → (key, account, user or None)
        self.sessions = {}          # key id → Session
        self.tokens = {}            # security token → Session
        self.dying = {}             # deleted key id → (entry of owners, until)
        self.ghost_attachments = [] # (account id, user, type, policy, until)
        self.ghost_keys = []        # (account id, user, until)
        self.held = {}              # (account id, type, policy) → {attachment: user}

    # --- what a cloud's subclass says ---

    @staticmethod
    def grammar(text):
        """What is wrong with a policy document, or None."""
        raise NotImplementedError

    def make_user(self, account, name, values):
        raise NotImplementedError

    def make_policy(self, account, name, document, description):
        raise NotImplementedError

    def make_key_id(self):
        raise NotImplementedError

    def make_session_id(self):
        raise NotImplementedError

    def make_session_secret(self):
        return word(44)

    def make_token(self, length):
        """A session token of about so many characters."""
        raise NotImplementedError

    def make_role_id(self):
        raise NotImplementedError

    def date(self):
        """The present, as this cloud writes it in lists."""
        return self.clock.iso()

    # --- ghosts ---

    def ghost_attachment(self, account, user, kind, policy, ms):
        self.ghost_attachments = [g for g in self.ghost_attachments if g[4] > time.monotonic()]
        if ms:
            self.ghost_attachments.append((account.id, user, kind, policy,
                                           time.monotonic() + ms / 1000.0))

    def ghost_key(self, account, user, ms):
        self.ghost_keys = [g for g in self.ghost_keys if g[2] > time.monotonic()]
        if ms:
            self.ghost_keys.append((account.id, user, time.monotonic() + ms / 1000.0))

    def still_attached(self, account, user=None, kind=None, policy=None):
        now = time.monotonic()
        return any(g[0] == account.id and g[4] > now
                   and (user is None or g[1] == user)
                   and (policy is None or (g[2], g[3]) == (kind, policy))
                   for g in self.ghost_attachments)

    def still_has_key(self, account, user):
        now = time.monotonic()
        return any(g[:2] == (account.id, user) and g[2] > now for g in self.ghost_keys)

    @staticmethod
    def unseen(thing, ms):
        """Whether a new thing is not visible yet, in a cloud that is so far behind."""
        return bool(ms) and time.monotonic() < thing.born + ms / 1000.0

    # --- making things ---

    def new_user(self, account, name, **values):
        user = self.make_user(account, name, values)
        user.born = time.monotonic()
        account.users[name] = user
        return user

    def new_key(self, account, user, key_id=None, secret=None, status="Active"):
        key = Key(key_id or self.make_key_id(), secret or word(32), self.date(), status,
                  time.monotonic())
        if user is None:
            account.key = key
        else:
            user.keys[key.id] = key
        self.owners[key.id] = (key, account, user)
        return key

    def drop_key(self, user, key_id, lives_ms=0):
        user.keys.pop(key_id)
        entry = self.owners.pop(key_id)
        if lives_ms:
            self.dying[key_id] = (entry, time.monotonic() + lives_ms / 1000.0)

    def find_key(self, key_id):
        if key_id in self.owners:
            return self.owners[key_id]
        entry, until = self.dying.get(key_id, (None, 0))
        return entry if until > time.monotonic() else None

    def new_policy(self, account, name, document, description=""):
        policy = self.make_policy(account, name, document, description)
        policy.born = time.monotonic()
        account.policies[name] = policy
        return policy

    def new_role(self, account, name, trust=None, max_session=None, document=None,
                 description=""):
        account.roles[name] = Role(name, self.make_role_id(), trust or {},
                                   max_session or self.max_session, document, description)

    def new_session(self, account, role, name, seconds, policy=None, token_length=700):
        key = Key(self.make_session_id(), self.make_session_secret(), self.date())
        session = Session(key, self.make_token(token_length), self.clock.now() + seconds, account,
                          role, name, policy)
        self.sessions[key.id] = self.tokens[session.token] = session
        return session

    # --- policies and who holds them ---

    def attach(self, account, user, policy, group="", kind=None):
        """kind: the type of the policy, where its name does not tell."""
        kind = kind or (self.preset if policy in self.presets else self.own)
        attachment = Attachment(kind, policy, group, self.date())
        user.attachments.append(attachment)
        self.held.setdefault((account.id, kind, policy), {})[attachment] = user

    def detach(self, account, user, attachment):
        user.attachments.remove(attachment)
        key = (account.id, attachment.type, attachment.policy)
        del self.held[key][attachment]
        if not self.held[key]:
            del self.held[key]

    def holders(self, account, kind, name):
        """(user, attachment) pairs of a policy."""
        held = self.held.get((account.id, kind, name), {})
        return [(user, attachment) for attachment, user in held.items()]

    def drop_policy(self, account, name):
        """Removes a policy and all its attachments."""
        for user, attachment in self.holders(account, self.own, name):
            self.detach(account, user, attachment)
        del account.policies[name]

    def drop_user(self, account, user):
        """Removes a user with its keys and attachments."""
        for attachment in list(user.attachments):
            self.detach(account, user, attachment)
        for key in list(user.keys):
            self.drop_key(user, key)
        del account.users[user.name]

    def inventory(self):
        """One tuple of (name, value) pairs for everything that a client can create or destroy."""
        items = set()
        for account in self.accounts.values():
            a = ("account", account.id)
            for policy in account.policies.values():
                items.add((("kind", "policy"), a, ("name", policy.name)))
            for user in account.users.values():
                u = ("user", user.name)
                items.add((("kind", "user"), a, ("name", user.name)))
                items.update((("kind", "key"), a, ("name", key), u) for key in user.keys)
                items.update((("kind", "attachment"), a, ("name", t.policy), u, ("type", t.type))
                             for t in user.attachments)
        return items

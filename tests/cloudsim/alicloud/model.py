# SPDX-License-Identifier: Apache-2.0
"""What the cloud holds: accounts, users, keys, policies, attachments, roles, sessions.

The one idea: strong state plus small "ghosts". The truth changes at once; a ghost is a fact that
some calls keep seeing (or do not see yet) until a moment on the monotonic clock.
"""
import random
import secrets
import string
import time
from dataclasses import dataclass, field

ALNUM = string.ascii_letters + string.digits


def word(length, alphabet=ALNUM):
    return "".join(random.choices(alphabet, k=length))


def digits(length=18):
    return "2" + word(length - 1, string.digits)


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
    updated: str
    display: str = ""
    comments: str = None
    phone: str = None
    email: str = None
    born: float = 0.0
    keys: dict = field(default_factory=dict)
    attachments: list = field(default_factory=list)
    free: bool = False          # may do anything: a root user that is held to no policy
    enforce: dict = None        # held to this document instead of what is attached


@dataclass(eq=False)
class Policy:
    name: str
    type: str
    description: str
    created: str
    updated: str
    versions: list = field(default_factory=list)    # of (id, document, date)
    default: str = "v1"
    counter: int = 1
    born: float = 0.0

    def document(self):
        return next(text for number, text, _ in self.versions if number == self.default)


@dataclass(eq=False)
class Role:
    name: str
    id: str
    trust: dict
    max_session: int = 3600
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
    def __init__(self, clock):
        self.clock = clock
        self.accounts = {}
        self.owners = {}            # key id → (key, account, user or None)
        self.sessions = {}          # key id → Session
        self.tokens = {}            # security token → Session
        self.dying = {}             # deleted key id → (entry of owners, until)
        self.ghost_attachments = [] # (account id, user, type, policy, until)
        self.ghost_keys = []        # (account id, user, until)

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

    # --- making things ---

    def new_user(self, account, name, **values):
        now = self.clock.iso()
        user = User(name, digits(), now, now, born=time.monotonic(), **values)
        user.display = user.display or name
        account.users[name] = user
        return user

    def new_key(self, account, user, key_id=None, secret=None, status="Active"):
        key = Key(key_id or "LTAI5t" + word(18), secret or word(30), self.clock.iso(), status,
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
        now = self.clock.iso()
        policy = Policy(name, "Custom", description, now, now, [("v1", document, now)],
                        born=time.monotonic())
        account.policies[name] = policy
        return policy

    def new_session(self, account, role, name, seconds, policy=None, token_length=700):
        key = Key("STS.N" + word(24), word(44), self.clock.iso())
        token = "CAIS" + secrets.token_urlsafe(token_length)[:token_length - 6] + "=="
        session = Session(key, token, self.clock.now() + seconds, account, role, name, policy)
        self.sessions[key.id] = self.tokens[token] = session
        return session

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

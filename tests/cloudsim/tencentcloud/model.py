# SPDX-License-Identifier: Apache-2.0
"""What CAM's things have beyond those of any cloud: numbers, by which most calls name them.

The one idea: uins and the ids of new policies are above 2^32, so that a client that cuts numbers
is found out.
"""
import itertools
import secrets
import string
import time
from dataclasses import dataclass

from .. import model
from ..model import ALNUM, word
from . import presets
from .check import grammar

BEIJING = 8 * 3600


@dataclass(eq=False)
class User(model.User):
    uin: int = 0
    uid: int = 0
    remark: str = ""
    console: int = 0
    phone: str = ""
    country: str = ""
    email: str = ""


@dataclass(eq=False)
class Policy(model.Policy):
    id: int = 0
    text: str = ""

    def document(self):
        return self.text

    def describe(self):
        return {"id": self.id, "document": self.text}


class World(model.World):
    own, preset = "User", "QCS"
    presets = presets.PRESETS
    max_session = 7200
    grammar = staticmethod(grammar)
    example = {"version": "2.0", "statement": [{"effect": "allow", "action": "cos:*",
                                                "resource": "*"}]}

    def __init__(self, clock):
        super().__init__(clock)
        self.uins, self.uids = itertools.count(100010000001), itertools.count(5600001)
        self.policy_numbers = itertools.count(2**33 + 1)
        self.users_by_uin = {}          # uin → (account, user), also of users that are gone
        self.policies_by_id = {}        # id → (account, policy), likewise

    def date(self):
        """Local time of Beijing, without a zone."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.clock.now() + BEIJING))

    def make_user(self, account, name, values):
        uin = next(self.uins)
        user = User(name, str(uin), self.date(), uin=uin, uid=next(self.uids), **values)
        self.users_by_uin[uin] = (account, user)
        return user

    def make_policy(self, account, name, document, description):
        now = self.date()
        policy = Policy(name, self.own, description, now, now, id=next(self.policy_numbers),
                        text=document)
        self.policies_by_id[policy.id] = (account, policy)
        return policy

    def make_key_id(self):
        return "AKID" + word(32)

    def make_session_id(self):
        return "AKID" + word(64, ALNUM + "_-")

    def make_session_secret(self):
        return word(43) + "="

    def make_token(self, length):
        return secrets.token_urlsafe(length)[:length]

    def make_role_id(self):
        return "46116860184" + word(8, string.digits)

    # --- by number ---

    def user_of(self, account, uin):
        """The account's user of that number, or None."""
        owner, user = self.users_by_uin.get(uin, (None, None))
        return user if owner is account and account.users.get(user.name) is user else None

    def policy_of(self, account, number):
        """The account's policy of that number, or the preset one, or None."""
        if number in presets.NAMES:
            return preset(presets.NAMES[number])
        owner, policy = self.policies_by_id.get(number, (None, None))
        return policy if owner is account and account.policies.get(policy.name) is policy \
            else None


def preset(name):
    return Policy(name, World.preset, name, presets.ADDED, presets.ADDED, id=presets.IDS[name],
                  text=presets.PRESETS[name])

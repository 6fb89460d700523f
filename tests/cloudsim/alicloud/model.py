# SPDX-License-Identifier: Apache-2.0
"""What RAM's things have beyond those of any cloud: contact data, policy versions, ids."""
import secrets
import string
from dataclasses import dataclass, field

from .. import model
from ..model import word
from .check import grammar
from .systempolicies import SYSTEM


def digits(length=18):
    return "2" + word(length - 1, string.digits)


@dataclass(eq=False)
class User(model.User):
    updated: str = ""
    display: str = ""
    comments: str = None
    phone: str = None
    email: str = None


@dataclass(eq=False)
class Policy(model.Policy):
    versions: list = field(default_factory=list)    # of (id, document, date)
    default: str = "v1"
    counter: int = 1

    def document(self):
        return next(text for number, text, _ in self.versions if number == self.default)

    def describe(self):
        return {"versions": len(self.versions), "document": self.document()}


class World(model.World):
    presets = SYSTEM
    grammar = staticmethod(grammar)
    example = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:*",
                                              "Resource": "*"}]}

    def make_user(self, account, name, values):
        now = self.date()
        user = User(name, digits(), now, updated=now, **values)
        user.display = user.display or name
        return user

    def make_policy(self, account, name, document, description):
        now = self.date()
        return Policy(name, self.own, description, now, now, versions=[("v1", document, now)])

    def make_key_id(self):
        return "LTAI5t" + word(18)

    def make_session_id(self):
        return "STS.N" + word(24)

    def make_token(self, length):
        return "CAIS" + secrets.token_urlsafe(length)[:length - 6] + "=="

    def make_role_id(self):
        return digits()

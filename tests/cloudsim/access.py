# SPDX-License-Identifier: Apache-2.0
"""May this caller do this? Evaluation of policy documents, whatever the cloud.

The one idea: a request is an action and one or more resources, each of which must be allowed by
some statement and denied by none; a document decides, not the caller's rank.
"""
import json
import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def pattern(text, ignore_case):
    """A compiled pattern with * and ?, for the whole of a text."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE if ignore_case else 0)


@lru_cache(maxsize=1024)
def parse(document):
    return json.loads(document)


def strings(value):
    return [value] if isinstance(value, str) else value


class Access:
    """A cloud's subclass reads statements and writes the refusal."""

    def __init__(self, world):
        """world: the cloud's subclass of World."""
        self.world = world

    def statements(self, document):
        raise NotImplementedError

    def allows(self, statement):
        """Whether it is an allowing statement; the other kind denies."""
        raise NotImplementedError

    def fits(self, statement, action, resource):
        raise NotImplementedError

    def denied(self, caller, action, resource, verdict):
        """The ApiError; verdict is "deny" (an explicit one) or "none"."""
        raise NotImplementedError

    # --- common ---

    def evaluate(self, documents, action, resource):
        """"allow", "deny" (an explicit one) or "none"."""
        verdict = "none"
        for document in documents:
            for statement in self.statements(document):
                if self.fits(statement, action, resource):
                    if not self.allows(statement):
                        return "deny"
                    verdict = "allow"
        return verdict

    def _attached(self, account, user):
        for attachment in user.attachments:
            if attachment.type == self.world.preset:
                yield parse(self.world.presets[attachment.policy])
            elif attachment.policy in account.policies:
                yield parse(account.policies[attachment.policy].document())

    def layers(self, caller):
        """Lists of documents; a request must be allowed by each list. None: anything goes."""
        if caller.session is not None:
            session = caller.session
            documents = (session.role.document, session.policy)
            return [[d] for d in documents if d is not None]
        if caller.user is None or (caller.user.free and caller.user.enforce is None):
            return []
        if caller.user.enforce is not None:
            return [[caller.user.enforce]]
        return [list(self._attached(caller.account, caller.user))]

    def demand(self, caller, action, resources):
        """Raises denied() unless the caller may do the action on every one of the resources."""
        for layer in self.layers(caller):
            for resource in resources:
                verdict = self.evaluate(layer, action, resource)
                if verdict != "allow":
                    raise self.denied(caller, action, resource, verdict)


def trusts(role, home, caller):
    """May the caller begin a session of a role whose account is `home`?

    trust: {"accounts": [id], "users": ["id/name" or "name"], "roles": ["id/name" or "name"]}"""
    if caller.account.id in role.trust.get("accounts", ()):
        return True
    if caller.session is None and caller.user is None:
        return False
    kind, name = ("roles", caller.session.role.name) if caller.session \
        else ("users", caller.user.name)
    named = role.trust.get(kind, ())
    return "%s/%s" % (caller.account.id, name) in named \
        or (caller.account is home and name in named)

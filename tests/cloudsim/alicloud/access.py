# SPDX-License-Identifier: Apache-2.0
"""May this caller do this? Evaluation of RAM policy documents.

The one idea: a request is an action and one or more resources, each of which must be allowed by
some statement and denied by none; a document decides, not the caller's rank.
"""
import json
import re
from functools import lru_cache

from .messages import fail
from .systempolicies import SYSTEM


@lru_cache(maxsize=4096)
def _pattern(text, ignore_case):
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE if ignore_case else 0)


@lru_cache(maxsize=1024)
def parse(document):
    return json.loads(document)


def _list(value):
    return [value] if isinstance(value, str) else value


def _action_fits(statement, action):
    wanted = _list(statement.get("Action", statement.get("NotAction")))
    hit = any(_pattern(p, True).match(action) for p in wanted)
    return hit == ("Action" in statement)


def _arn_fits(pattern, resource):
    """acs:<service>:<region>:<account>:<rest>; an empty region in either means any."""
    if pattern == "*":
        return True
    theirs, ours = pattern.split(":", 4), resource.split(":", 4)
    if len(theirs) != 5:
        return False
    theirs[2] = theirs[2] or "*"
    return all(_pattern(p, False).match(r) for p, r in zip(theirs, ours))


def _resource_fits(statement, resource):
    wanted = _list(statement.get("Resource", statement.get("NotResource")))
    hit = any(_arn_fits(p, resource) for p in wanted)
    return hit == ("Resource" in statement)


def evaluate(documents, action, resource):
    """"allow", "deny" (an explicit one) or "none"."""
    verdict = "none"
    for document in documents:
        for statement in document["Statement"]:
            if _action_fits(statement, action) and _resource_fits(statement, resource):
                if statement["Effect"] == "Deny":
                    return "deny"
                verdict = "allow"
    return verdict


def _attached(account, user):
    for attachment in user.attachments:
        if attachment.type == "System":
            yield parse(SYSTEM[attachment.policy])
        elif attachment.policy in account.policies:
            yield parse(account.policies[attachment.policy].document())


def _layers(caller):
    """Lists of documents; a request must be allowed by each list. None at all: anything goes."""
    if caller.session is not None:
        session = caller.session
        documents = (session.role.document, session.policy)
        return [[d] for d in documents if d is not None]
    if caller.user is None or (caller.user.free and caller.user.enforce is None):
        return []
    if caller.user.enforce is not None:
        return [[caller.user.enforce]]
    return [list(_attached(caller.account, caller.user))]


def demand(caller, action, resources):
    """Raises NoPermission unless the caller may do the action on every one of the resources."""
    for layer in _layers(caller):
        for resource in resources:
            verdict = evaluate(layer, action, resource)
            if verdict != "allow":
                raise _denied(caller, action, resource, verdict)


def _denied(caller, action, resource, verdict):
    principal = caller.session.role.id if caller.session else caller.user.id
    return fail(
        "NoPermission",
        "You are not authorized to do this action. Resource: %s Action: %s" % (resource, action),
        HttpStatus=403,
        AccessDeniedDetail={
            "AuthAction": action,
            "AuthPrincipalDisplayName": principal,
            "AuthPrincipalOwnerId": caller.account.id,
            "AuthPrincipalType": "AssumedRoleUser" if caller.session else "SubUser",
            "NoPermissionType": "ExplicitDeny" if verdict == "deny" else "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "EncodedDiagnosticMessage": "AQFohtp4aIbaeE",
        })

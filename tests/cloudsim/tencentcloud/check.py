# SPDX-License-Identifier: Apache-2.0
"""Names, lengths, character sets and policy documents, each with its exact error code.

The one idea: stricter than the documentation wherever that is vague, because a client that passes
here passes there; OPTIONS in __init__.py can relax what is not settled.
"""
import re

from .. import documents
from ..documents import texts
from .messages import fail
from .presets import SERVICES

USER_NAMES = {"strict": re.compile(r"[a-z][a-z0-9_-]{0,63}\Z"),
              "wide": re.compile(r"[A-Za-z0-9_.@-]{1,64}\Z")}
POLICY_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,128}\Z")
KEY_DESCRIPTION = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,1024}\Z")
ACTION = re.compile(r"(?:name/)?([a-z0-9*?-]+):[A-Za-z0-9*?_]+\Z")
REGION = re.compile(r"[a-z0-9*-]*\Z")
OWNER = re.compile(r"(?:(?:uin|uid)/(?:[0-9]+|\*|\$\{\w+\}))?\Z")
CONDITION = re.compile(r"(?:for_(?:any|all)_value:)?"
                       r"(?:string|numeric|date|ip|bool|null)_?[a-z_]*\Z")
MEMBERS = {"effect", "action", "resource", "condition"}


def matches(params, name, pattern, code="InvalidParameter.ParamError"):
    """An optional text, or None; refused with the code unless it has the form."""
    value = params.get(name)
    if value is not None and not pattern.match(value):
        raise fail(code)
    return value


def flag(params, name, default):
    value = params.get(name, default)
    if value not in (0, 1):
        raise fail("InvalidParameter.ParamError")
    return value


def policy_document(text, longest):
    if len(text) > longest:
        raise fail("InvalidParameter.PolicyDocumentLengthOverLimit")
    problem = grammar(text)
    if problem:
        raise fail("InvalidParameter." + problem)
    return text


def grammar(text):
    """What is wrong with a policy document, as the last part of an error code, or None."""
    try:
        parsed = documents.load(text)
    except ValueError:
        return "PolicyDocumentError"
    if not isinstance(parsed, dict) or set(parsed) - {"version", "statement"}:
        return "PolicyDocumentError"
    if parsed.get("version") != "2.0":
        return "VersionError"
    statements = parsed.get("statement")
    if not isinstance(statements, list) or not statements:
        return "StatementError"
    return next(filter(None, map(_statement, statements)), None)


def _statement(one):
    if isinstance(one, dict) and "principal" in one:
        return "PrincipalError"
    if not isinstance(one, dict) or set(one) - MEMBERS:
        return "StatementError"
    if one.get("effect") not in ("allow", "deny"):
        return "EffectError"
    if "action" not in one:
        return "ActionMiss"
    return _actions(texts(one["action"])) or _resources(texts(one.get("resource"))) \
        or _condition(one.get("condition", {}))


def _actions(actions):
    for text in actions or ("",):
        match = ACTION.match(text)
        if text != "*" and not match:
            return "ActionError"
        if text != "*" and not re.search(r"[*?]", match[1]) and match[1] not in SERVICES:
            return "ActionServiceNotExist"
    return None


def _resources(resources):
    if not resources:
        return "ResourceError"
    return next(filter(None, map(_resource, resources)), None)


def _resource(text):
    """qcs:<project, empty>:<service>:<region>:<owner>:<resource>"""
    parts = text.split(":", 5)
    if text == "*":
        return None
    if parts[0] != "qcs" or len(parts) != 6:
        return "ResourceQcsError"
    _, project, service, region, owner, rest = parts
    if project:
        return "ResourceProjectError"
    if not re.search(r"[*?]", service) and service not in SERVICES:
        return "ResourceServiceNotExist"
    if not REGION.match(region):
        return "ResourceRegionError"
    if not OWNER.match(owner):
        return "ResourceUinError"
    return None if rest else "ResourceContentError"


def _condition(condition):
    if not isinstance(condition, dict):
        return "ConditionError"
    for operator, keys in condition.items():
        if not CONDITION.match(operator):
            return "ConditionTypeError"
        if not isinstance(keys, dict) or not keys \
                or not all(re.match(r"[a-z]+:\S+\Z", key) for key in keys):
            return "ConditionContentError"
    return None

# SPDX-License-Identifier: Apache-2.0
"""Names, lengths, character sets and policy documents, each with its exact error code.

The one idea: stricter than the documentation wherever that is vague (bytes and not characters, no
"@" in user names), because a client that passes here passes there.
"""
import re

from .. import documents
from ..documents import texts
from .messages import fail, missing

USER_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
POLICY_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
ACTION = re.compile(r"\*\Z|[a-z0-9*?-]+:[A-Za-z0-9*?/_-]+\Z", re.IGNORECASE)


def required(params, names):
    for name in names:
        if name not in params:
            raise missing(name)


def text(params, name, longest, pattern=None, code=None):
    """Checks an optional text; the code is InvalidParameter.<name>.Length or .InvalidChars."""
    value = params.get(name)
    if value is None:
        return None
    code = code or "InvalidParameter." + name
    if not 1 <= len(value) <= longest:
        raise fail(code + ".Length")
    if pattern and not pattern.match(value):
        raise fail(code + ".InvalidChars")
    return value


def user_name(params):
    return text(params, "UserName", 64, USER_NAME)


def policy_name(params):
    return text(params, "PolicyName", 128, POLICY_NAME)


def policy_type(params, allowed=("System", "Custom")):
    if params["PolicyType"] not in allowed:
        raise fail("InvalidParameter.PolicyType")
    return params["PolicyType"]


def document(value, longest=6144):
    if not 1 <= len(value.encode("utf-8", "surrogateescape")) <= longest:
        raise fail("InvalidParameter.PolicyDocument.Length")
    problem = grammar(value)
    if problem:
        raise fail("MalformedPolicyDocument", problem)
    return value


def grammar(value):
    """What is wrong with a policy document, or None."""
    try:
        parsed = documents.load(value)
    except ValueError as error:
        return "syntax error: %s." % error
    if not isinstance(parsed, dict) or set(parsed) - {"Version", "Statement"}:
        return "unknown top level element."
    if parsed.get("Version") != "1":
        return "invalid version."
    statements = parsed.get("Statement")
    if not isinstance(statements, list) or not statements:
        return "Statement must be a list that is not empty."
    return next(filter(None, map(_statement, statements)), None)


def _statement(one):
    if not isinstance(one, dict):
        return "a statement must be an object."
    if set(one) - {"Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}:
        return "unknown element in a statement."
    if one.get("Effect") not in ("Allow", "Deny"):
        return "invalid effect."
    if ("Action" in one) == ("NotAction" in one):
        return "exactly one of Action and NotAction is needed."
    actions = texts(one.get("Action", one.get("NotAction")))
    if not actions or not all(ACTION.match(a) for a in actions):
        return "invalid action."
    if ("Resource" in one) == ("NotResource" in one):
        return "exactly one of Resource and NotResource is needed."
    resources = texts(one.get("Resource", one.get("NotResource")))
    if not resources or not all(r == "*" or r.startswith("acs:") for r in resources):
        return "invalid resource."
    if not isinstance(one.get("Condition", {}), dict):
        return "invalid condition."
    return None

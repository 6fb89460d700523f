# SPDX-License-Identifier: Apache-2.0
"""Who may do what, said as plainly as possible: no parser, no index, no sorting ahead.

A rule is a dictionary: path, capabilities (a list), and, where there are any, allowed, denied (name
→ list of values), required (list of names), min, max (seconds), expires (seconds since 1970).
"""
import re

ASKED_FOR_FIELDS = ("read", "create", "update", "patch")


def merged(rules, now):
    """path → one rule, of all rules that hold."""
    paths = {}
    for rule in rules:
        if "{{" in rule["path"] or rule.get("expires", now + 1) <= now:
            continue
        path = rule["path"][1:] if rule["path"].startswith("/") else rule["path"]
        paths.setdefault(path, []).append(rule)
    return {path: _one(group) for path, group in paths.items()}


def _one(group):
    if any("deny" in rule["capabilities"] for rule in group):
        return {"capabilities": {"deny"}, "allowed": {}, "denied": {}, "required": set(),
                "min": 0, "max": 0}
    return {"capabilities": {name for rule in group for name in rule["capabilities"]},
            "allowed": _values([rule.get("allowed", {}) for rule in group]),
            "denied": _values([rule.get("denied", {}) for rule in group]),
            "required": {name.lower() for rule in group for name in rule.get("required", [])},
            "min": min([rule["min"] for rule in group if rule.get("min")], default=0),
            "max": min([rule["max"] for rule in group if rule.get("max")], default=0)}


def _values(lists):
    """name → all values, or an empty list for any value."""
    values = {}
    for one in lists:
        for name, some in one.items():
            values.setdefault(name.lower(), []).append(some)
    return {name: [] if [] in some else sum(some, []) for name, some in values.items()}


def _is_wild(path):
    return path.endswith("*") or "+" in path.split("/")


def _expression(path):
    """The paths that a path with wildcards is for."""
    body, rest = (path[:-1], ".*") if path.endswith("*") else (path, "")
    parts = ["[^/]*" if part == "+" else re.escape(part) for part in body.split("/")]
    return re.compile("/".join(parts) + rest, re.DOTALL)


def _priority(path):
    """What is greater wins. Lengths are in bytes, and so is the order of texts."""
    body = (path[:-1] if path.endswith("*") else path).encode()
    parts = body.split(b"/")
    first = len(body)
    if b"+" in parts:
        first = len(b"/".join(parts[:parts.index(b"+")] + [b""]))
    return first, not path.endswith("*"), -parts.count(b"+"), len(body), body


class Acl:
    def __init__(self, rules, now):
        self.rules = merged(rules, now)
        self.wild = [(path, _expression(path)) for path in self.rules if _is_wild(path)]

    def _exact(self, path):
        return None if _is_wild(path) else self.rules.get(path)

    def _best(self, path):
        fitting = [rule for rule, expression in self.wild if expression.fullmatch(path)]
        return self.rules[max(fitting, key=_priority)] if fitting else None

    def decides(self, path, lists):
        path = path.lstrip("/")
        tries = [self._exact(path), self._best(path)]
        if lists and path.endswith("/"):
            tries = [tries[0], self._exact(path[:-1]), tries[1], self._best(path[:-1])]
        return next((rule for rule in tries if rule), None)

    def capabilities(self, path):
        rule = self.decides(path, True)
        return sorted(rule["capabilities"]) if rule and rule["capabilities"] else ["deny"]

    def allows(self, request):
        rule = self.decides(request["path"], request["capability"] == "list")
        if not rule or request["capability"] not in rule["capabilities"]:
            return False
        if request.get("sudo") and "sudo" not in rule["capabilities"]:
            return False
        if not _wrapped_right(rule, request.get("wrap_ttl", 0)):
            return False
        if request["capability"] not in ASKED_FOR_FIELDS:
            return True
        return _fields_right(rule, request.get("input") or {})


def _wrapped_right(rule, ttl):
    if rule["max"] and not 0 < ttl <= rule["max"]:
        return False
    if rule["min"] and ttl < rule["min"]:
        return False
    return not (rule["max"] and rule["min"] and rule["max"] < rule["min"])


def _fields_right(rule, fields):
    if not rule["required"] <= set(fields):
        return False
    if not fields:
        return True
    if "*" in rule["denied"]:
        return False
    for name, value in fields.items():
        if name.lower() in rule["denied"] and _listed(value, rule["denied"][name.lower()]):
            return False
    if not set(rule["allowed"]) - {"*"}:
        return True
    for name, value in fields.items():
        if name.lower() in rule["allowed"]:
            if not _listed(value, rule["allowed"][name.lower()]):
                return False
        elif "*" not in rule["allowed"]:
            return False
    return True


def _listed(value, values):
    return not values or any(_fits(wanted, value) for wanted in values)


def _fits(wanted, value):
    if isinstance(wanted, str) and isinstance(value, str):
        if len(wanted) > 1 and "*" in (wanted[0], wanted[-1]):
            front = ".*" if wanted[0] == "*" else ""
            back = ".*" if wanted[-1] == "*" else ""
            core = wanted[len(front) // 2:len(wanted) - len(back) // 2]
            return re.fullmatch(front + re.escape(core) + back, value, re.DOTALL) is not None
        return wanted == value
    return repr(wanted) == repr(value)

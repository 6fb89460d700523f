# SPDX-License-Identifier: Apache-2.0
"""The table of API actions and the check of parameters that is common to all of them.

The one idea: the gateway knows each action's members and their JSON types; a member that it does
not know, or of another type, is refused before the service sees the call.
"""
from collections import namedtuple

from .messages import missing, unknown, wrong_type

Action = namedtuple("Action", "function fields resource")
Field = namedtuple("Field", "required type")

VERSIONS = {"cam": "2019-01-16", "sts": "2018-08-13"}
TABLE = {}


def action(service, name, fields="", resource="*"):
    """fields: "Name* Page:int …", a star for required ones, the type string unless given.

    resource: what permission is asked for, a function of (caller, params), or None for no need."""
    def register(function):
        TABLE[service, name] = Action(function, dict(map(_field, fields.split())), resource)
        return function
    return register


def _field(text):
    name, _, kind = text.partition(":")
    return name.rstrip("*"), Field(name.endswith("*"), kind or "string")


def _integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and -2**63 <= value < 2**64


def _tags(value):
    return isinstance(value, list) and all(
        isinstance(tag, dict) and set(tag) == {"Key", "Value"}
        and all(isinstance(text, str) for text in tag.values()) for tag in value)


TYPES = {
    "string": lambda value: isinstance(value, str),
    "int": _integer,
    "ints": lambda value: isinstance(value, list) and all(map(_integer, value)),
    "strings": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "tags": _tags,
}
NAMES = {"int": "int64", "ints": "int64 array", "strings": "string array", "tags": "Tag array"}


def check_fields(entry, params):
    """Unknown, wrongly typed (null is no type) and missing members are refused, in this order."""
    for name, value in params.items():
        field = entry.fields.get(name)
        if field is None:
            raise unknown(name)
        if not TYPES[field.type](value):
            raise wrong_type(name, NAMES.get(field.type, field.type))
    for name, field in entry.fields.items():
        if field.required and name not in params:
            raise missing(name)

# SPDX-License-Identifier: Apache-2.0
"""Reading JSON as the clouds read policy documents and request bodies: nothing ambiguous."""
import json


def load(text):
    """The JSON value; ValueError also for an object with a name twice or too much nesting."""
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_duplicates(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate element")
    return result


def _no_constants(name):
    raise ValueError("not JSON: " + name)


def texts(value):
    """A text or a list of texts as a list; None unless all of them are texts and not empty."""
    values = [value] if isinstance(value, str) else value
    good = isinstance(values, list) and values and all(isinstance(v, str) and v for v in values)
    return values if good else None

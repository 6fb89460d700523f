# SPDX-License-Identifier: Apache-2.0
"""Marker paging. The one idea: the marker is the last name seen, wrapped so that nobody guesses."""
import base64

from .messages import fail


def page(things, params):
    """things: name → object. Returns (objects of this page, IsTruncated and perhaps Marker)."""
    size = _size(params.get("MaxItems", "100"))
    after = _open(params["Marker"]) if params.get("Marker") else ""
    names = sorted(name for name in things if name > after)
    more = {"IsTruncated": len(names) > size}
    if more["IsTruncated"]:
        more["Marker"] = base64.urlsafe_b64encode(b"m1:" + names[size - 1].encode()).decode()
    return [things[name] for name in names[:size]], more


def _size(text):
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise fail("InvalidParameter.MaxItems")
    return int(text)


def _open(marker):
    try:
        plain = base64.urlsafe_b64decode(marker.encode()).decode()
    except ValueError:
        plain = ""
    if not plain.startswith("m1:"):
        raise fail("InvalidParameter.Marker")
    return plain[3:]

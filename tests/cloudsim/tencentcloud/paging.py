# SPDX-License-Identifier: Apache-2.0
"""Paging by number and size of the page. The one idea: nothing but TotalNum tells where it ends."""
import random

from .messages import fail

LARGEST = 200


def _bounds(params):
    size, number = params.get("Rp", 20), params.get("Page", 1)
    if not 1 <= size <= LARGEST or not 1 <= number <= LARGEST:
        raise fail("InvalidParameter.ParamError")
    return size, number


def page(name, things, params, row):
    """{"TotalNum", name: the rows of the page that is asked for}."""
    size, number = _bounds(params)
    wanted = things[(number - 1) * size:number * size]
    return {"TotalNum": len(things), name: [row(thing) for thing in wanted]}


def endless(result, params, marker):
    """A list that never ends: full pages of what nobody asked for, each the same or each new."""
    name = next((n for n in ("List", "PolicyList") if n in result), None)
    if name is None:
        return result
    size, _ = _bounds(params)
    first = random.randrange(2**34, 2**40) if marker == "new" else 2**34
    rows = [{"PolicyId": first + n, "PolicyName": "EXAMPLE-%d" % (first + n), "Type": 1,
             "PolicyType": "User", "Description": None} for n in range(size)]
    return {**result, "TotalNum": 2**31, name: rows}

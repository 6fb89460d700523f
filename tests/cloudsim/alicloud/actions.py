# SPDX-License-Identifier: Apache-2.0
"""The table of API actions and what is common to all of them.

The one idea: an action is a function plus its parameters and the resources that permission is
asked for; the order (rate quota, permission, parameters, effect) is the same for all.
"""
from collections import namedtuple

Action = namedtuple("Action", "service name function required optional resources")

VERSIONS = {"ram": "2015-05-01", "sts": "2015-04-01"}
TABLE = {}


def action(service, name, required="", optional="", resources=()):
    """resources: templates such as "user/{UserName}"; none means that no permission is needed."""
    def register(function):
        TABLE[service, name] = Action(service, name, function, tuple(required.split()),
                                      tuple(optional.split()), resources)
        return function
    return register


def arns(entry, account, params):
    """The resources of a call as ARNs."""
    for template in entry.resources:
        owner = account.id
        if template == "policy":        # a system policy belongs to no account
            template = "policy/{PolicyName}"
            if params.get("PolicyType") == "System":
                owner = "system"
        elif template == "role":
            yield params.get("RoleArn", "").replace("acs:ram::", "acs:ram:*:", 1)
            continue
        names = {"UserName": params.get("UserName", ""),
                 "PolicyName": params.get("PolicyName", "")}
        yield "acs:ram:*:%s:%s" % (owner, template.format(**names))

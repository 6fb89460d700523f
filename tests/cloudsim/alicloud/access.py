# SPDX-License-Identifier: Apache-2.0
"""RAM's policy statements and ARNs, and its answer to who may not."""
from .. import access
from ..access import pattern, strings
from .messages import fail
from .model import World


def _action_fits(statement, action):
    wanted = strings(statement.get("Action", statement.get("NotAction")))
    hit = any(pattern(p, True).match(action) for p in wanted)
    return hit == ("Action" in statement)


def _arn_fits(wanted, resource):
    """acs:<service>:<region>:<account>:<rest>; an empty region in either means any."""
    if wanted == "*":
        return True
    theirs, ours = wanted.split(":", 4), resource.split(":", 4)
    if len(theirs) != 5:
        return False
    theirs[2] = theirs[2] or "*"
    return all(pattern(p, False).match(r) for p, r in zip(theirs, ours))


def _resource_fits(statement, resource):
    wanted = strings(statement.get("Resource", statement.get("NotResource")))
    hit = any(_arn_fits(p, resource) for p in wanted)
    return hit == ("Resource" in statement)


class Access(access.Access):
    def statements(self, document):
        return document["Statement"]

    def allows(self, statement):
        return statement["Effect"] == "Allow"

    def fits(self, statement, action, resource):
        return _action_fits(statement, action) and _resource_fits(statement, resource)

    def denied(self, caller, action, resource, verdict):
        principal = caller.session.role.id if caller.session else caller.user.id
        return fail(
            "NoPermission", "You are not authorized to do this action. Resource: %s Action: %s"
            % (resource, action),
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


demand = Access(World).demand

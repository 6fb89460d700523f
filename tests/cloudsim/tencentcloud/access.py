# SPDX-License-Identifier: Apache-2.0
"""CAM's policy statements and resources, and its answer to who may not.

The one idea: most actions of CAM know no resources, so only a statement for "*" allows them.
"""
from .. import access
from ..access import pattern, strings
from .messages import unauthorized
from .model import World


def _action_fits(statement, action):
    wanted = (text.removeprefix("name/") for text in strings(statement["action"]))
    return any(pattern(text, True).match(action) for text in wanted)


def _qcs_fits(wanted, resource):
    """qcs:<project>:<service>:<region>:<owner>:<resource>; what is left empty means any."""
    if wanted == "*":
        return True
    theirs, ours = wanted.split(":", 5), resource.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return False
    return all(pattern(t or "*", False).match(o) for t, o in zip(theirs, ours))


class Access(access.Access):
    def statements(self, document):
        return document["statement"]

    def allows(self, statement):
        return statement["effect"] == "allow"

    def fits(self, statement, action, resource):
        return _action_fits(statement, action) and any(
            _qcs_fits(wanted, resource) for wanted in strings(statement["resource"]))

    def denied(self, caller, action, resource, verdict):
        """CAM's refusals come from the gateway, those of STS from the service itself."""
        code = "UnauthorizedOperation" if action.startswith("sts:") \
            else "AuthFailure.UnauthorizedOperation"
        return unauthorized(code, action, resource)

    def may(self, caller, action, resource):
        """The same question with an answer instead of a refusal."""
        return all(self.evaluate(layer, action, resource) == "allow"
                   for layer in self.layers(caller))


ACCESS = Access(World)

# SPDX-License-Identifier: Apache-2.0
"""The seam between the common machinery and one cloud.

The one idea: the machinery knows calls, faults, hooks and sockets; a cloud knows signatures,
actions and shapes. A second cloud is one more package that subclasses Cloud and one line in
registry.py.
"""


class Incoming:
    """One request as the cloud read it, before anything was verified."""

    __slots__ = ("service", "request", "action", "params", "key", "account", "error", "scheme",
                 "request_id", "extra")

    def __init__(self, service, request, request_id):
        self.service, self.request, self.request_id = service, request, request_id
        self.action, self.params, self.key, self.account = "", {}, None, None
        self.error = None               # an ApiError found while reading
        self.scheme = None
        self.extra = {}                 # the cloud's own notes


class Cloud:
    name = ""
    #: the signing client, see caller.py
    caller_type = None
    #: service → "tls" or "plain"; one port each
    services = {}
    #: where in the parameters the user and policy names stand, for faults and the call log
    user_param = policy_param = None
    #: parameters that the call log must not show
    secret_params = ()
    #: header of a throttling answer; its value is milliseconds
    retry_after_header = "Retry-After"
    #: what the faults "error" and "throttle" answer if they do not say it: code, HTTP status
    fault_codes = {"error": ("InternalError", 500), "throttle": ("Throttling", 400)}

    def __init__(self, sim):
        self.sim, self.clock = sim, sim.clock

    # --- a call, in this order ---

    def read(self, service, request):
        """Request → Incoming. Never raises: what is wrong goes into incoming.error."""
        raise NotImplementedError

    def names(self, incoming):
        """(user, policy) that a call is about, for faults and the call log; None: none."""
        return (incoming.params.get(self.user_param), incoming.params.get(self.policy_param))

    def authenticate(self, incoming):
        """Verifies the signature and all that belongs to it; returns the caller or raises."""
        raise NotImplementedError

    def execute(self, incoming, caller):
        """Quota, permission, effect. Returns a dict (or a ready Response) or raises ApiError."""
        raise NotImplementedError

    def answer(self, incoming, result):
        """The success response."""
        raise NotImplementedError

    def refuse(self, incoming, error, shape="upper"):
        """The error response for an ApiError; shape picks a variant of the cloud's error body."""
        raise NotImplementedError

    # --- what some faults need ---

    def endless(self, incoming, result, marker):
        """The list result changed so that it says there is more; marker "same" or "new"."""
        return result

    def echo(self, incoming):
        """The ApiError of a signature mismatch that shows the server's string to sign."""
        raise NotImplementedError

    # --- control ---

    def reset(self):
        """Back to the initial set-up."""

    def configure(self, values):
        """Takes this cloud's part of the configuration; raises ControlError."""

    def inventory(self):
        """Set of tuples, one per user, key, policy and attachment: what leftovers compares."""
        return set()

    def edit(self, operation, values):
        """A change by hand, as an operator at the console would make it; returns a dict."""
        raise NotImplementedError

    def dump(self):
        """The whole state as JSON values, for people."""
        return {}

    def ready(self):
        """What a client needs to begin (keys, accounts), for the ready file."""
        return {}

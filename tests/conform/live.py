# SPDX-License-Identifier: Apache-2.0
"""An account of a real cloud in the place of a simulator, for live_cases.py.

The one idea: whatever a run makes has a word in its name that no other run has, so that it can tell
what is left, and remove it by itself, without a look at anything else in the account.
"""
import os
import secrets

from cloudsim.registry import CLOUDS
from harness import wait_until

SIMULATORS = os.environ.get("LEASEHOLD_LIVE") == "simulators"
PATIENCE = 10 if SIMULATORS else 120    # seconds until all of a cloud has seen a change
BLOCK = 'engine "%s" {\n%s\n}\n'


class Account:
    """What a Server asks of a simulator, and the key that the operator gave."""

    def __init__(self, engine, key, role_arn, simulator=None):
        self.engine, self.key, self.role_arn, self.simulator = engine, key, role_arn, simulator
        self.ca_file = None
        self.mark = "lhlive" + secrets.token_hex(4)

    def start(self):
        if self.simulator:
            self.simulator.start()
            self.key, self.ca_file = self.simulator.root_key, self.simulator.ca_file

    def stop(self):
        try:
            for thing in self.leftovers():
                self.engine.remove(self.caller(), thing)
        finally:
            if self.simulator:
                self.simulator.stop()

    def endpoint(self, service):
        if self.simulator:
            return self.simulator.endpoint(service)
        return self.engine.live_endpoints[service]

    def __getattr__(self, name):
        """ram_endpoint and so on, as signing clients ask for them."""
        service, _, rest = name.rpartition("_")
        if rest != "endpoint":
            raise AttributeError(name)
        return self.endpoint(service)

    def caller(self, key=None, token=None):
        return CLOUDS[self.engine.type].caller_type(self, *(key or self.key), token)

    def leftovers(self):
        """Users and policies that this run has made."""
        return self.engine.made(self.caller(), self.mark)

    def wait_clean(self, _timeout):
        try:
            wait_until(lambda: not self.leftovers(), PATIENCE, "nothing is left", 1)
        except AssertionError:
            return False
        return True


class Live:
    """A descriptor whose cloud is not a simulator: what a Server asks of conform.engines."""

    def __init__(self, engine, account):
        self.engine, self.account, self.type = engine, account, engine.type

    def sim(self, _folder, _setup):
        return self.account

    def program(self):
        return self.engine.program()

    def block(self, account, more):
        """The shipped endpoints, quotas and times, unless the account is played."""
        if account.simulator:
            return self.engine.block(account, more)
        return BLOCK % (self.type, "")


def account_of(engine, folder):
    """(account, None), or (None, why there is none)."""
    if SIMULATORS:
        return Account(engine, None, engine.session_role["role_arn"],
                       engine.sim(os.path.join(folder, "sim"))), None
    values = [os.environ.get(name, "") for name in engine.live_variables]
    if not all(values[:2]):
        return None, "%s: no credentials; set %s and %s, and for sessions %s" % (
            engine, *engine.live_variables)
    return Account(engine, tuple(values[:2]), values[2] or None), None


def eventually(condition, what):
    wait_until(condition, PATIENCE, what, 0.1 if SIMULATORS else 2)

# SPDX-License-Identifier: Apache-2.0
"""What the suite must know of an engine and its cloud, beside what every cloud has.

The one idea: a descriptor is data. A case that needs an `if` for one cloud asks for a member here
instead, so that a new cloud is described and not programmed around.
"""
import os
import re

from cloudsim.client import CloudSim

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

BLOCK = """
engine "{type}" {{
{endpoints}
  ca_file = "{ca}"
{more}
}}
"""


class Engine:
    """All members without a value must be set."""

    #: mount type, and the name of the cloud in its simulator
    type = None
    #: services whose endpoints the configuration names
    services = ()
    #: whether the cloud has a metadata service; the suite does without
    has_metadata = True
    #: the Python module that plays the cloud
    simulator = "cloudsim"

    # --- the mount ---

    #: fields of config and of a credential: id, secret, and the session's token
    config_fields = None
    data_fields = None
    #: role bodies. A user needs more than one call in its second round; a brief one has no policy
    #: of its own, so that it can be written with a ttl
    user_role = session_role = brief_role = None
    #: kind of role in README's "Least privilege" → role body, and a policy that it does not name
    #: but whose removal from a user the README's policy allows (None: nothing is made); and an
    #: action and a resource that have nothing to do with leasehold
    kinds = {}
    elsewhere = None
    #: set-up of the simulator in which a life needs every word of README's policies
    demanding = {}
    #: users that may make users, the first of each account; and what a key of theirs begins with
    root_user = "leasehold-root"
    key_prefix = None

    # --- its calls, in the order of an issue and of a revocation ---

    #: calls that are made when a role is written
    role_calls = ()
    issue_calls = revoke_calls = None
    session_calls = None
    #: asks whose a key is
    identity_call = "GetCallerIdentity"
    #: calls that are not repeated when their answer is lost, and creating calls that are
    once = ()
    repeatable = ()
    #: how many of a call stand in one round for a user_role, where it is more than one
    parallel = {}
    makes_key = None        #: the call whose answer holds the key
    create_user = create_policy = delete_user = delete_key = None
    #: calls of a revocation that wait until the key is dead
    after_the_key = None
    #: lists that a revocation reads
    lists = ()
    #: calls by which it finds out what there is when nobody was told
    looks = ()
    #: the dependent rounds of an issue by a worker that knows the account, and of a revocation:
    #: the actions of each, in the order of the alphabet
    issue_rounds = revoke_rounds = None

    # --- what the cloud says: fields of the simulator's faults, advice in our message ---

    throttles = sick = None                 # name → fields
    refusals = None                         # name → (fields, advice)
    special = None                          # (name, call) → (fields, advice)
    permission = None                       # fields of the refusal for want of permission
    echo_advice = None                      # for a refused signature
    echo_code = None                        # the code of that refusal
    dead_key_advice = None                  # for a root key that was switched off
    #: the name of its signatures, which nobody may be shown the input of
    scheme = None

    # --- names that the cloud takes: regular expressions ---

    user_name = policy_name = None

    # --- things made by hand ---

    #: a policy of the account and one of the cloud that the user role names, one more of the cloud
    remote_policies = ()
    other_policy = None
    #: operations of the simulator's /edit that take a policy, and what it can be behind with
    hand_edits = ()
    consistency = ()

    # --- a real account, for live_cases.py ---

    #: variables of the environment with the key's id, its secret, and a role to assume
    live_variables = ()
    live_endpoints = {}
    #: a user's role that any account can have
    live_role = {}

    def made(self, caller, mark):
        """Users and policies with mark in their names: (kind, name or number)."""
        raise NotImplementedError

    def remove(self, caller, thing):
        """Deletes one of them, with all that hangs on it."""
        raise NotImplementedError

    def add_by_hand(self, caller, thing):
        """Gives a user a second key and one more policy."""
        raise NotImplementedError

    def __str__(self):
        return self.type

    # --- with a simulator ---

    def sim(self, folder, setup=None):
        return CloudSim(folder, setup, clouds=[self.type], cloud=self.type,
                        module=self.simulator)

    def program(self):
        """The server that has this engine; None: the one of the build."""
        return None

    def block(self, sim, more):
        """The engine's block of the configuration; more: lines."""
        endpoints = "".join('  %s_endpoint = "%s"\n' % (name, sim.endpoint(name))
                            for name in self.services)
        if self.has_metadata:
            endpoints += '  metadata_endpoint = ""'
        return BLOCK.format(type=self.type, endpoints=endpoints, ca=sim.ca_file, more=more)

    def config(self, key):
        return dict(zip(self.config_fields, key))

    def root_keys(self, sim):
        """A key of each of the two accounts: (id, secret)."""
        return sim.root_key, sim.second_root_key

    def accounts(self, sim):
        return [account["id"] for account in sim.accounts(self.type)]

    def takes_user(self, name):
        return re.fullmatch(self.user_name, name)

    def takes_policy(self, name):
        return re.fullmatch(self.policy_name, name)

    def secrets(self, data):
        """What of a credential is secret."""
        return [data[name] for name in self.data_fields[1:] if name in data]

    def is_throttled(self, code):
        """Whether a code in the call log is one of a quota."""
        raise NotImplementedError

    def session_environment(self, sim, account=None):
        """A temporary root key: (environment of a server that uses it, {id, secret, token}).

        account: whose, the first's if not given."""
        raise NotImplementedError

    def works(self, sim, data):
        """Whether the cloud knows who signs with a credential."""
        names = self.data_fields
        return sim.caller((data[names[0]], data[names[1]]), data.get(names[2])).identity().ok

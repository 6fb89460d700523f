# SPDX-License-Identifier: Apache-2.0
"""Fills a world from a set-up: a list of accounts with users, keys, policies, roles, providers.

The one idea: a set-up is plain JSON and the same for every cloud but for policy documents, so the
demo, a test and a person write the same thing.
"""
import json

from .errors import ControlError
from .model import Account


def load(world, accounts):
    for wish in accounts:
        account = Account(wish["id"], wish.get("alias", ""), wish.get("active", True))
        world.accounts[account.id] = account
        key = wish.get("account_key")
        if key:
            world.new_key(account, None, key["id"], key["secret"])
        for policy in wish.get("policies", ()):
            world.new_policy(account, policy["name"], text(world, policy["document"]),
                             policy.get("description", ""))
        for user in wish.get("users", ()):
            load_user(world, account, user)
        for role in wish.get("roles", ()):
            world.new_role(account, role["name"], role.get("trust"), role.get("max_session"),
                           document(world, role.get("document")), role.get("description", ""))
        for provider in wish.get("oidc_providers", ()):
            account.providers[provider["name"]] = {
                "secret": "oidc-" + provider["name"], "account": account.id, **provider}
        _make_old(account)


def _make_old(account):
    """What was there at the start is seen everywhere, however far behind the cloud is."""
    for user in account.users.values():
        for thing in (user, *user.keys.values()):
            thing.born = float("-inf")
    for thing in (*account.policies.values(), *filter(None, [account.key])):
        thing.born = float("-inf")


def text(world, value):
    """A policy document given as JSON value or as text, as text; refused if it is malformed."""
    result = value if isinstance(value, str) else json.dumps(value)
    problem = world.grammar(result)
    if problem:
        raise ControlError("policy document: " + str(problem))
    return result


def document(world, value):
    """The same as a JSON value; None stays None."""
    return json.loads(text(world, value)) if value else None


def load_user(world, account, wish):
    """"free": true lets the user do anything; default: true for root users with no policies."""
    user = world.new_user(account, wish["name"])
    user.enforce = document(world, wish.get("enforce"))
    user.free = wish.get("free", not wish.get("policies"))
    for key in wish.get("keys", ()):
        world.new_key(account, user, key.get("id"), key.get("secret"),
                      key.get("status", "Active"))
    for policy in wish.get("policies", ()):
        world.attach(account, user, policy)

# SPDX-License-Identifier: Apache-2.0
"""The initial set-up: two accounts, unless the configuration brings its own.

The one idea: a set-up is plain JSON, so the demo, a test and a person write the same thing.
"""
import json

from ..errors import ControlError
from . import check
from .model import Account, Attachment, Role, digits
from .systempolicies import SYSTEM

FIRST, SECOND = "1000000000000001", "2000000000000002"


def _account(number, name, other):
    return {
        "id": number, "alias": name,
        "account_key": {"id": "LTAIsim%saccount" % name, "secret": "sim-%s-account" % name},
        "users": [{"name": "leasehold-root",
                   "keys": [{"id": "LTAIsim%sroot" % name,
                             "secret": "sim-%s-root-secret" % name}]}],
        "policies": [{"name": "existing-policy", "document": {
            "Version": "1", "Statement": [
                {"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}}],
        "roles": [
            {"name": "reader", "trust": {"accounts": [number], "oidc": ["cluster"]}},
            {"name": "long", "trust": {"accounts": [number]}, "max_session": 43200},
            {"name": "shared", "trust": {"accounts": [other], "external_id": "expected"}},
            {"name": "closed", "trust": {}},
            {"name": "instance", "trust": {}},
        ],
        "oidc_providers": [{"name": "cluster", "issuer": "https://issuer.invalid",
                            "client_ids": ["sts.aliyuncs.com"]}],
    }


DEFAULT = [_account(FIRST, "first", SECOND), _account(SECOND, "second", FIRST)]


def load(world, accounts):
    for wish in accounts:
        account = Account(wish["id"], wish.get("alias", ""), wish.get("active", True))
        world.accounts[account.id] = account
        key = wish.get("account_key")
        if key:
            world.new_key(account, None, key["id"], key["secret"])
        for policy in wish.get("policies", ()):
            world.new_policy(account, policy["name"], text(policy["document"]),
                             policy.get("description", ""))
        for user in wish.get("users", ()):
            load_user(world, account, user)
        for role in wish.get("roles", ()):
            load_role(account, role)
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


def text(document):
    """A document given as JSON value or as text, as text; refused if it is malformed."""
    result = document if isinstance(document, str) else json.dumps(document)
    problem = check.grammar(result)
    if problem:
        raise ControlError("policy document: " + problem)
    return result


def load_user(world, account, wish):
    """"free": true lets the user do anything; default: true for root users with no policies."""
    user = world.new_user(account, wish["name"])
    user.enforce = json.loads(text(wish["enforce"])) if wish.get("enforce") else None
    user.free = wish.get("free", not wish.get("policies"))
    for key in wish.get("keys", ()):
        world.new_key(account, user, key.get("id"), key.get("secret"),
                      key.get("status", "Active"))
    for policy in wish.get("policies", ()):
        kind = "System" if policy in SYSTEM else "Custom"
        user.attachments.append(Attachment(kind, policy, "", world.clock.iso()))
    return user


def load_role(account, wish):
    document = wish.get("document")
    account.roles[wish["name"]] = Role(
        wish["name"], digits(), wish.get("trust", {}), wish.get("max_session", 3600),
        json.loads(text(document)) if document else None, wish.get("description", ""))

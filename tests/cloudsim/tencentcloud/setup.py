# SPDX-License-Identifier: Apache-2.0
"""The initial set-up: two accounts, unless the configuration brings its own."""

FIRST, SECOND = "100000000001", "200000000002"


def _policy(name, action):
    return {"name": name, "document": {"version": "2.0", "statement": [
        {"effect": "allow", "action": [action], "resource": ["*"]}]}}


def _account(number, name, other):
    return {
        "id": number, "alias": name,
        "account_key": {"id": "AKIDsim%saccount" % name, "secret": "sim-%s-account" % name},
        "users": [{"name": "leasehold-root",
                   "keys": [{"id": "AKIDsim%sroot" % name,
                             "secret": "sim-%s-root-secret" % name}]}],
        "policies": [_policy("existing-policy", "cos:Get*"),
                     _policy("QcloudCOSReadOnlyAccessExtra", "cos:*"),
                     _policy("qcloudcosreadonlyaccess", "cos:*")],
        "roles": [
            {"name": "reader", "trust": {"accounts": [number], "oidc": ["cluster"]}},
            {"name": "long", "trust": {"accounts": [number]}, "max_session": 43200},
            {"name": "shared", "trust": {"accounts": [other], "external_id": "expected"}},
            {"name": "closed", "trust": {}},
            {"name": "instance", "trust": {}},
        ],
        "oidc_providers": [{"name": "cluster", "issuer": "https://issuer.invalid",
                            "client_ids": ["sts.cloud.tencent.com"]}],
    }


DEFAULT = [_account(FIRST, "first", SECOND), _account(SECOND, "second", FIRST)]

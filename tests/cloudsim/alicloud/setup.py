# SPDX-License-Identifier: Apache-2.0
"""The initial set-up: two accounts, unless the configuration brings its own."""

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

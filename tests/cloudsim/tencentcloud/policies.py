# SPDX-License-Identifier: Apache-2.0
"""CAM actions on policies: made by name, known by number, searched by a part of the name.

The one idea: a list shows the newest first and a search finds any name that contains the word, so
only whoever compares names and turns all pages finds the right one.
"""
from . import check, paging
from .actions import action
from .messages import fail
from .model import preset

SCOPES = {"All": ("User", "QCS"), "QCS": ("QCS",), "Local": ("User",)}
TYPES = {"User": 1, "QCS": 2}


def find_policy(cloud, account, number, lag_ms=0):
    policy = cloud.world.policy_of(account, number)
    if policy is None or cloud.world.unseen(policy, lag_ms):
        raise fail(cloud.options["policy_gone"])
    return policy


@action("cam", "CreatePolicy", "PolicyName* PolicyDocument* Description Tags:tags")
def create_policy(cloud, caller, params):
    account = caller.account
    name = check.matches(params, "PolicyName", check.POLICY_NAME,
                         "InvalidParameter.PolicyNameError")
    if len(params.get("Description", "").encode()) > 300:
        raise fail("InvalidParameter.DescriptionLengthOverlimit")
    document = check.policy_document(params["PolicyDocument"], cloud.objects["document_chars"])
    taken = name in cloud.world.presets and cloud.options["preset_names"] == "refused"
    if name in account.policies or taken:
        raise fail("FailedOperation.PolicyNameInUse")
    if len(account.policies) >= cloud.objects["policies"]:
        raise fail("FailedOperation.PolicyFull")
    policy = cloud.world.new_policy(account, name, document, params.get("Description", ""))
    return {"PolicyId": policy.id}


@action("cam", "DeletePolicy", "PolicyId*:ints")
def delete_policy(cloud, caller, params):
    """All or, unless the options say otherwise, nothing: one that is gone stops the others."""
    account, world, numbers = caller.account, cloud.world, params["PolicyId"]
    if not numbers or len(set(numbers)) != len(numbers):
        raise fail("InvalidParameter.PolicyIdError")
    if len(numbers) > cloud.objects["policies_per_delete"]:
        raise fail("InvalidParameter.OperatePoliciesOverLimit")
    found = [policy for policy in (world.policy_of(account, n) for n in numbers) if policy]
    if any(policy.type == world.preset for policy in found):
        raise fail("InvalidParameter.PolicyIdError")
    if cloud.options["delete_policy_attached"] == "refused" \
            and any(_is_held(world, account, policy) for policy in found):
        raise fail("FailedOperation", "The policy is attached.")
    if len(found) == len(numbers) or cloud.options["delete_policies"] == "rest":
        for policy in found:
            world.drop_policy(account, policy.name)
    if len(found) < len(numbers):
        raise fail(cloud.options["policy_gone"])
    return {}


def _is_held(world, account, policy):
    return world.holders(account, world.own, policy.name) \
        or world.still_attached(account, None, world.own, policy.name)


@action("cam", "GetPolicy", "PolicyId*:int")
def get_policy(cloud, caller, params):
    policy = find_policy(cloud, caller.account, params["PolicyId"])
    return {"PolicyName": policy.name, "Description": policy.description,
            "Type": TYPES[policy.type], "AddTime": policy.created, "UpdateTime": policy.updated,
            "PolicyDocument": policy.document().replace("/", "\\/"), "PresetAlias": None,
            "IsServiceLinkedRolePolicy": 0, "Tags": []}


@action("cam", "ListPolicies", "Rp:int Page:int Scope Keyword")
def list_policies(cloud, caller, params):
    scope, word = params.get("Scope", "All"), params.get("Keyword", "")
    if scope not in SCOPES:
        raise fail("InvalidParameter.ScopeError")
    if len(word) > cloud.objects["keyword_chars"]:
        raise fail("InvalidParameter.SearchKeywordLengthError")
    if word and cloud.options["keywords"] == "refused":
        raise fail("InvalidParameter.KeywordError")
    found = list(caller.account.policies.values()) if "User" in SCOPES[scope] else []
    if "QCS" in SCOPES[scope]:
        found += map(preset, cloud.world.presets)
    found = sorted((p for p in found if word.lower() in p.name.lower()), key=lambda p: -p.id)

    def row(policy):
        return _row(policy, len(cloud.world.holders(caller.account, policy.type, policy.name)))
    return {**paging.page("List", found, params, row), "ServiceTypeList": []}


def _row(policy, count):
    return {"PolicyId": policy.id, "PolicyName": policy.name, "AddTime": policy.created,
            "Type": TYPES[policy.type], "Description": policy.description or None, "CreateMode": 2,
            "Attachments": count, "ServiceType": "", "IsAttached": None, "Deactived": 0,
            "DeactivedDetail": None, "IsServiceLinkedPolicy": 0, "AttachEntityCount": count,
            "AttachEntityBoundaryCount": 0, "UpdateTime": policy.updated, "Tags": []}

# SPDX-License-Identifier: Apache-2.0
"""CAM actions that give a policy to a user and take it away.

The one idea: the number of the user has another name in each of them, as in the real service.
"""
from . import paging
from .actions import action
from .messages import fail
from .model import preset
from .policies import TYPES, find_policy
from .users import find_uin


def held(user, policy):
    return next((a for a in user.attachments if (a.type, a.policy) == (policy.type, policy.name)),
                None)


@action("cam", "AttachUserPolicy", "PolicyId*:int AttachUin*:int")
def attach_user_policy(cloud, caller, params):
    account, late = caller.account, cloud.consistency
    user = find_uin(cloud, account, params["AttachUin"], cloud.options["user_gone"],
                    late["user_ms"])
    policy = find_policy(cloud, account, params["PolicyId"], late["policy_ms"])
    if held(user, policy):
        if cloud.options["attach_twice"] == "refused":
            raise fail("FailedOperation", "The policy is attached already.")
        return {}
    if len(user.attachments) >= cloud.objects["attached_per_user"]:
        raise fail("InvalidParameter.AttachmentFull")
    cloud.world.attach(account, user, policy.name, "", policy.type)
    return {}


@action("cam", "DetachUserPolicy", "PolicyId*:int DetachUin*:int")
def detach_user_policy(cloud, caller, params):
    account = caller.account
    user = find_uin(cloud, account, params["DetachUin"], cloud.options["user_gone"])
    policy = find_policy(cloud, account, params["PolicyId"])
    attachment = held(user, policy)
    if attachment is None:
        if cloud.options["detach_twice"] == "refused":
            raise fail(cloud.options["policy_gone"], "The policy is not attached.")
        return {}
    cloud.world.detach(account, user, attachment)
    cloud.world.ghost_attachment(account, user.name, policy.type, policy.name,
                                 cloud.consistency["detach_ms"])
    return {}


def _held_policies(cloud, caller, params):
    """(attachment, policy) pairs of a user, the newest first."""
    user = find_uin(cloud, caller.account, params["TargetUin"], cloud.options["user_gone"])
    return [(a, preset(a.policy) if a.type == cloud.world.preset
             else caller.account.policies[a.policy]) for a in reversed(user.attachments)]


@action("cam", "ListAttachedUserPolicies", "TargetUin*:int Page:int Rp:int")
def list_attached_user_policies(cloud, caller, params):
    owner = caller.account.id

    def row(pair):
        attachment, policy = pair
        return {"PolicyId": policy.id, "PolicyName": policy.name, "AddTime": attachment.date,
                "CreateMode": 2, "PolicyType": policy.type, "Remark": policy.description,
                "OperateOwnerUin": owner, "OperateUin": owner, "OperateUinType": 0,
                "Deactived": 0, "DeactivedDetail": []}
    return paging.page("List", _held_policies(cloud, caller, params), params, row)


@action("cam", "ListAttachedUserAllPolicies",
        "TargetUin*:int Rp*:int Page*:int AttachType*:int StrategyType:int Keyword")
def list_attached_user_all_policies(cloud, caller, params):
    """Numbers come as texts here. There are no groups, so type 2 finds nothing."""
    if params["AttachType"] not in (0, 1, 2):
        raise fail("InvalidParameter.ParamError")
    found = [] if params["AttachType"] == 2 else _held_policies(cloud, caller, params)
    found = [pair for pair in found if params.get("Keyword", "").lower() in pair[1].name.lower()]

    def row(pair):
        attachment, policy = pair
        return {"PolicyId": str(policy.id), "PolicyName": policy.name,
                "Description": policy.description, "AddTime": attachment.date,
                "StrategyType": str(TYPES[policy.type]), "CreateMode": "2", "Groups": [],
                "Deactived": 0, "DeactivedDetail": []}
    return paging.page("PolicyList", found, params, row)


@action("cam", "ListEntitiesForPolicy", "PolicyId*:int Page:int Rp:int EntityFilter")
def list_entities_for_policy(cloud, caller, params):
    kind = params.get("EntityFilter", "All")
    if kind not in ("All", "User", "Group", "Role"):
        raise fail("InvalidParameter.EntityFilterError")
    policy = find_policy(cloud, caller.account, params["PolicyId"])
    found = cloud.world.holders(caller.account, policy.type, policy.name) \
        if kind in ("All", "User") else []

    def row(pair):
        user, attachment = pair
        return {"Id": str(user.uid), "Name": user.name, "Uin": user.uin, "RelatedType": 1,
                "AttachmentTime": attachment.date}
    return paging.page("List", found, params, row)

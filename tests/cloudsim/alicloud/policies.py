# SPDX-License-Identifier: Apache-2.0
"""RAM actions on policies, their versions and their attachments to users.

The one idea: DeletePolicy never detaches and DeleteUser never removes; whoever tears down must
do it in order, and what was just detached may still count for a while.
"""
from . import check, paging
from .actions import action
from .messages import fail
from .model import Policy, World
from .systempolicies import CREATED, SYSTEM
from .users import find_user

ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


def system_policy(name):
    return Policy(name, "System", name, CREATED, CREATED,
                  versions=[("v1", SYSTEM[name], CREATED)])


def find_policy(account, kind, name, lag_ms=0):
    if kind == "System" and name in SYSTEM:
        return system_policy(name)
    policy = account.policies.get(name) if kind == "Custom" else None
    if policy is None or World.unseen(policy, lag_ms):
        raise fail("EntityNotExist.Policy")
    return policy


def custom(account, params):
    return find_policy(account, "Custom", check.policy_name(params))


def describe(policy):
    return {"PolicyName": policy.name, "PolicyType": policy.type,
            "Description": policy.description, "DefaultVersion": policy.default,
            "CreateDate": policy.created}


def version(policy, number):
    _, document, created = next(v for v in policy.versions if v[0] == number)
    return {"VersionId": number, "IsDefaultVersion": number == policy.default,
            "PolicyDocument": document, "CreateDate": created}


@action("ram", "CreatePolicy", "PolicyName PolicyDocument", "Description Tag", ("policy",))
def create_policy(cloud, caller, params):
    account = caller.account
    name = check.policy_name(params)
    description = check.text(params, "Description", 1024) or ""
    document = check.document(params["PolicyDocument"], cloud.objects["document_bytes"])
    if name in account.policies or name in SYSTEM:
        raise fail("EntityAlreadyExists.Policy")
    if len(account.policies) >= cloud.objects["policies"]:
        raise fail("LimitExceeded.Policy")
    return {"Policy": describe(cloud.world.new_policy(account, name, document, description))}


@action("ram", "GetPolicy", "PolicyName PolicyType", "", ("policy",))
def get_policy(cloud, caller, params):
    kind = check.policy_type(params)
    policy = find_policy(caller.account, kind, params["PolicyName"])
    count = len(cloud.world.holders(caller.account, kind, policy.name))
    return {"Policy": {**describe(policy), "UpdateDate": policy.updated, "AttachmentCount": count,
                       "PolicyDocument": policy.document()},
            "DefaultPolicyVersion": version(policy, policy.default)}


@action("ram", "ListPolicies", "", "PolicyType Marker MaxItems", ("policy/*",))
def list_policies(cloud, caller, params):
    kind = check.policy_type(params) if "PolicyType" in params else None
    found = {}
    if kind != "System":
        found.update(caller.account.policies)
    if kind != "Custom":
        found.update((name, system_policy(name)) for name in SYSTEM)
    page, more = paging.page(found, params)
    rows = [{**describe(policy), "UpdateDate": policy.updated,
             "AttachmentCount": len(cloud.world.holders(caller.account, policy.type, policy.name))}
            for policy in page]
    return {**more, "Policies": {"Policy": rows}}


@action("ram", "DeletePolicy", "PolicyName", "CascadingDelete", ("policy",))
def delete_policy(cloud, caller, params):
    account = caller.account
    policy = custom(account, params)
    if cloud.world.holders(account, "Custom", policy.name) \
            or cloud.world.still_attached(account, None, "Custom", policy.name):
        raise fail("DeleteConflict.Policy.User")
    if len(policy.versions) > 1 and params.get("CascadingDelete") != "true":
        raise fail("DeleteConflict.Policy.Version")
    del account.policies[policy.name]
    return {}


@action("ram", "CreatePolicyVersion", "PolicyName PolicyDocument", "SetAsDefault RotateStrategy",
        ("policy",))
def create_policy_version(cloud, caller, params):
    policy = custom(caller.account, params)
    document = check.document(params["PolicyDocument"], cloud.objects["document_bytes"])
    if len(policy.versions) >= cloud.objects["versions"]:
        if params.get("RotateStrategy") != ROTATE:
            raise fail("LimitExceeded.Policy.Version")
        policy.versions.remove(next(v for v in policy.versions if v[0] != policy.default))
    policy.counter += 1
    number = "v%d" % policy.counter
    policy.updated = cloud.clock.iso()
    policy.versions.append((number, document, policy.updated))
    if params.get("SetAsDefault") == "true":
        policy.default = number
    return {"PolicyVersion": version(policy, number)}


@action("ram", "ListPolicyVersions", "PolicyName PolicyType", "", ("policy",))
def list_policy_versions(_cloud, caller, params):
    policy = find_policy(caller.account, check.policy_type(params), params["PolicyName"])
    return {"PolicyVersions": {"PolicyVersion": [version(policy, v[0]) for v in policy.versions]}}


@action("ram", "DeletePolicyVersion", "PolicyName VersionId", "", ("policy",))
def delete_policy_version(_cloud, caller, params):
    policy = custom(caller.account, params)
    if params["VersionId"] == policy.default:
        raise fail("DeleteConflict.Policy.Version.Default")
    for one in policy.versions:
        if one[0] == params["VersionId"]:
            policy.versions.remove(one)
            return {}
    raise fail("EntityNotExist.Policy.Version")


# --- attachments ---

def held(user, kind, name, group):
    return next((a for a in user.attachments
                 if (a.type, a.policy, a.group) == (kind, name, group)), None)


@action("ram", "AttachPolicyToUser", "PolicyType PolicyName UserName", "ResourceGroupId",
        ("user/{UserName}", "policy"))
def attach_policy_to_user(cloud, caller, params):
    account, late = caller.account, cloud.consistency
    kind = check.policy_type(params)
    user = find_user(account, params, late["user_ms"])
    policy = find_policy(account, kind, check.policy_name(params), late["policy_ms"])
    group = params.get("ResourceGroupId", "")
    if held(user, kind, policy.name, group):
        raise fail("EntityAlreadyExists.User.Policy")
    limit = cloud.objects["custom_per_user" if kind == "Custom" else "system_per_user"]
    if sum(a.type == kind for a in user.attachments) >= limit:
        raise fail("LimitExceeded.User.Policy")
    cloud.world.attach(account, user, policy.name, group)
    return {}


@action("ram", "DetachPolicyFromUser", "PolicyType PolicyName UserName", "ResourceGroupId",
        ("user/{UserName}", "policy"))
def detach_policy_from_user(cloud, caller, params):
    account = caller.account
    kind = check.policy_type(params)
    user = find_user(account, params)
    policy = find_policy(account, kind, check.policy_name(params))
    attachment = held(user, kind, policy.name, params.get("ResourceGroupId", ""))
    if attachment is None:
        raise fail("EntityNotExist.User.Policy")
    cloud.world.detach(account, user, attachment)
    cloud.world.ghost_attachment(account, user.name, kind, policy.name,
                                 cloud.consistency["detach_ms"])
    return {}


@action("ram", "ListPoliciesForUser", "UserName", "", ("user/{UserName}",))
def list_policies_for_user(_cloud, caller, params):
    """Attachments made with a resource group are not shown, though they block DeleteUser."""
    user = find_user(caller.account, params)
    rows = []
    for attachment in user.attachments:
        if not attachment.group:
            policy = find_policy(caller.account, attachment.type, attachment.policy)
            row = describe(policy)
            del row["CreateDate"]
            rows.append({**row, "AttachDate": attachment.date})
    return {"Policies": {"Policy": rows}}


@action("ram", "ListEntitiesForPolicy", "PolicyName PolicyType", "", ("policy",))
def list_entities_for_policy(cloud, caller, params):
    kind = check.policy_type(params)
    policy = find_policy(caller.account, kind, params["PolicyName"])
    users = [{"UserId": user.id, "UserName": user.name, "DisplayName": user.display,
              "AttachDate": attachment.date}
             for user, attachment in cloud.world.holders(caller.account, kind, policy.name)]
    return {"Groups": {"Group": []}, "Users": {"User": users}, "Roles": {"Role": []}}

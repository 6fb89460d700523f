# SPDX-License-Identifier: Apache-2.0
"""CAM actions on access keys.

The one idea: without TargetUin, or with 0, they act on the caller itself, exactly as the real
service does, so that a client that loses the number damages its own user here too.
"""
from . import check
from .actions import action
from .messages import fail
from .users import find_uin, user_resource


def key_user(cloud, caller, params, lag_ms=0):
    """The user that a key action means."""
    uin = params.get("TargetUin", 0)
    if uin == int(caller.account.id):
        raise fail("OperationDenied.SubUin")
    if uin:
        return find_uin(cloud, caller.account, uin, "InvalidParameter.UserNotExist", lag_ms)
    if caller.user is None:
        raise fail("OperationDenied.SubUin")
    return caller.user


def find_key(cloud, user, params):
    """A user's key; one of another user is told from one that does not exist."""
    key_id = params["AccessKeyId"]
    if key_id in user.keys:
        return user.keys[key_id]
    raise fail("OperationDenied.UinNotMatch" if key_id in cloud.world.owners
               else "ResourceNotFound.SecretNotExist")


def _target(caller, params):
    own = caller.user.uin if caller.user else caller.account.id
    return user_resource(caller, params.get("TargetUin") or own)


@action("cam", "CreateAccessKey", "TargetUin:int Description", _target)
def create_access_key(cloud, caller, params):
    user = key_user(cloud, caller, params, cloud.consistency["user_ms"])
    description = check.matches(params, "Description", check.KEY_DESCRIPTION)
    if len(user.keys) >= cloud.objects["keys_per_user"]:
        raise fail("OperationDenied.AccessKeyOverLimit")
    key = cloud.world.new_key(caller.account, user)
    return {"AccessKey": {"AccessKeyId": key.id, "SecretAccessKey": key.secret,
                          "Status": key.status, "CreateTime": key.created,
                          "Description": description}}


@action("cam", "UpdateAccessKey", "AccessKeyId* Status* TargetUin:int")
def update_access_key(cloud, caller, params):
    key = find_key(cloud, key_user(cloud, caller, params), params)
    if params["Status"] not in ("Active", "Inactive"):
        raise fail("InvalidParameter.ParamError")
    key.status = params["Status"]
    return {}


@action("cam", "DeleteAccessKey", "AccessKeyId* TargetUin:int")
def delete_access_key(cloud, caller, params):
    user = key_user(cloud, caller, params)
    key = find_key(cloud, user, params)
    if key.status == "Active" and cloud.options["delete_active_key"] == "refused":
        raise fail("FailedOperation.Accesskey", "The key must be disabled first.")
    cloud.world.drop_key(user, key.id, cloud.consistency["key_dead_ms"])
    cloud.world.ghost_key(caller.account, user.name, cloud.consistency["key_delete_ms"])
    return {}


@action("cam", "ListAccessKeys", "TargetUin:int")
def list_access_keys(cloud, caller, params):
    user = key_user(cloud, caller, params)
    return {"AccessKeys": [{"AccessKeyId": key.id, "Status": key.status,
                            "CreateTime": key.created, "Description": None}
                           for key in user.keys.values()]}


@action("cam", "GetSecurityLastUsed", "SecretIdList*:strings")
def get_security_last_used(cloud, caller, params):
    if not 1 <= len(params["SecretIdList"]) <= 10:
        raise fail("InvalidParameter")
    rows = []
    for key_id in params["SecretIdList"]:
        key, account, _ = cloud.world.owners.get(key_id, (None, None, None))
        if account is caller.account:
            rows.append({"SecretId": key.id, "LastUsedDate": key.last_used[:10] or None,
                         "LastSecretUsedDate": None})
    return {"SecretIdLastUsedRows": rows}

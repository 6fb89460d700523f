# SPDX-License-Identifier: Apache-2.0
"""RAM actions on users and access keys.

The one idea: the four access-key actions without UserName act on the caller itself, exactly as
the real service does, so that a client that loses the parameter damages its own user here too.
"""
from . import check, paging
from .actions import action
from .messages import fail, missing
from .model import World

USER_FIELDS = (("DisplayName", "display", 128), ("Comments", "comments", 128),
               ("MobilePhone", "phone", 64), ("Email", "email", 128))


def find_user(account, params, lag_ms=0):
    user = account.users.get(check.user_name(params))
    if user is None or World.unseen(user, lag_ms):
        raise fail("EntityNotExist.User")
    return user


def describe(user, full=False):
    values = {"UserId": user.id, "UserName": user.name, "DisplayName": user.display,
              "MobilePhone": user.phone, "Email": user.email, "Comments": user.comments,
              "CreateDate": user.created}
    if full:
        values["UpdateDate"] = user.updated
    return {k: v for k, v in values.items() if v is not None}


@action("ram", "CreateUser", "UserName", "DisplayName Comments MobilePhone Email Tag",
        ("user/*",))
def create_user(cloud, caller, params):
    name = check.user_name(params)
    values = {field: check.text(params, parameter, longest)
              for parameter, field, longest in USER_FIELDS}
    account = caller.account
    if name in account.users:
        raise fail("EntityAlreadyExists.User")
    if len(account.users) >= cloud.objects["users"]:
        raise fail("LimitExceeded.User")
    return {"User": describe(cloud.world.new_user(account, name, **values))}


@action("ram", "GetUser", "UserName", "", ("user/{UserName}",))
def get_user(_cloud, caller, params):
    return {"User": describe(find_user(caller.account, params), True)}


@action("ram", "ListUsers", "", "Marker MaxItems", ("user/*",))
def list_users(_cloud, caller, params):
    page, more = paging.page(caller.account.users, params)
    return {**more, "Users": {"User": [describe(user, True) for user in page]}}


@action("ram", "DeleteUser", "UserName", "", ("user/{UserName}",))
def delete_user(cloud, caller, params):
    account, world = caller.account, cloud.world
    user = find_user(account, params)
    if user.attachments or world.still_attached(account, user.name):
        raise fail("DeleteConflict.User.Policy")
    if user.keys or world.still_has_key(account, user.name):
        raise fail("DeleteConflict.User.AccessKey")
    del account.users[user.name]
    return {}


# --- access keys ---

def key_user(caller, params, lag_ms=0):
    """The user that a key action means: the named one, else the caller."""
    if params.get("UserName"):
        return find_user(caller.account, params, lag_ms)
    if caller.user is None:
        raise missing("UserName")
    return caller.user


def find_key(user, params):
    key = user.keys.get(params["UserAccessKeyId"])
    if key is None:
        raise fail("EntityNotExist.User.AccessKey")
    return key


@action("ram", "CreateAccessKey", "", "UserName", ("user/{UserName}",))
def create_access_key(cloud, caller, params):
    user = key_user(caller, params, cloud.consistency["user_ms"])
    if len(user.keys) >= cloud.objects["keys_per_user"]:
        raise fail("LimitExceeded.User.AccessKey")
    key = cloud.world.new_key(caller.account, user)
    return {"AccessKey": {"AccessKeyId": key.id, "AccessKeySecret": key.secret,
                          "Status": key.status, "CreateDate": key.created}}


@action("ram", "UpdateAccessKey", "UserAccessKeyId Status", "UserName", ("user/{UserName}",))
def update_access_key(_cloud, caller, params):
    key = find_key(key_user(caller, params), params)
    if params["Status"] not in ("Active", "Inactive"):
        raise fail("InvalidParameter.Status")
    key.status = params["Status"]
    return {}


@action("ram", "DeleteAccessKey", "UserAccessKeyId", "UserName", ("user/{UserName}",))
def delete_access_key(cloud, caller, params):
    user = key_user(caller, params)
    key = find_key(user, params)
    cloud.world.drop_key(user, key.id, cloud.consistency["key_dead_ms"])
    cloud.world.ghost_key(caller.account, user.name, cloud.consistency["key_delete_ms"])
    return {}


@action("ram", "ListAccessKeys", "", "UserName", ("user/{UserName}",))
def list_access_keys(_cloud, caller, params):
    user = key_user(caller, params)
    return {"AccessKeys": {"AccessKey": [
        {"AccessKeyId": key.id, "Status": key.status, "CreateDate": key.created}
        for key in user.keys.values()]}}


@action("ram", "GetAccessKeyLastUsed", "UserAccessKeyId", "UserName", ("user/{UserName}",))
def get_access_key_last_used(_cloud, caller, params):
    key = find_key(key_user(caller, params), params)
    return {"AccessKeyLastUsed": {"LastUsedDate": key.last_used}}

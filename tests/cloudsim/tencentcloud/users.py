# SPDX-License-Identifier: Apache-2.0
"""CAM actions on users, and what any action needs to find one.

The one idea: a user is named when it is made, read and deleted, and numbered everywhere else; the
codes of "does not exist" differ likewise.
"""
from . import access, check
from .actions import action
from .messages import fail, unauthorized
from .model import word


def find_user(account, name):
    if name not in account.users:
        raise fail("ResourceNotFound.UserNotExist")
    return account.users[name]


def find_uin(cloud, account, uin, code, lag_ms=0):
    """The user of a number; refused with the code if there is none, or none is seen yet."""
    user = cloud.world.user_of(account, uin)
    if user is None or cloud.world.unseen(user, lag_ms):
        raise fail(code)
    return user


def _may_create_key(cloud, caller, user_uin):
    resource = user_resource(caller, user_uin)
    if not access.ACCESS.may(caller, "cam:CreateAccessKey", resource):
        raise unauthorized("AuthFailure.UnauthorizedOperation", "cam:CreateAccessKey", resource)


def user_resource(caller, uin):
    return "qcs::cam::uin/%s:uin/%s" % (caller.account.id, uin)


@action("cam", "AddUser", "Name* Remark ConsoleLogin:int UseApi:int Password NeedResetPassword:int "
                          "PhoneNum CountryCode Email")
def add_user(cloud, caller, params):
    account, world = caller.account, cloud.world
    name = check.matches(params, "Name", check.USER_NAMES[cloud.options["user_names"]],
                         "InvalidParameter.UserNameIllegal")
    use_api = check.flag(params, "UseApi", cloud.options["use_api_default"])
    console = check.flag(params, "ConsoleLogin", 0)
    check.flag(params, "NeedResetPassword", 0)
    if name in account.users:
        raise fail("InvalidParameter.SubUserNameInUse")
    if len(account.users) >= cloud.objects["users"]:
        raise fail("InvalidParameter.SubUserFull")
    if use_api:
        _may_create_key(cloud, caller, "*")
    user = world.new_user(account, name, remark=params.get("Remark", ""), console=console,
                          phone=params.get("PhoneNum", ""), country=params.get("CountryCode", ""),
                          email=params.get("Email", ""))
    key = world.new_key(account, user) if use_api else None
    password = params.get("Password") or (word(12) if console else "")
    return {"Uin": user.uin, "Name": user.name, "Uid": user.uid, "Password": password,
            "SecretId": key.id if key else "", "SecretKey": key.secret if key else ""}


@action("cam", "DeleteUser", "Name* Force:int")
def delete_user(cloud, caller, params):
    account, world = caller.account, cloud.world
    user = find_user(account, params["Name"])
    force = check.flag(params, "Force", 0)
    if force and not access.ACCESS.may(caller, "cam:DeleteApiKey", "*"):
        raise fail("UnauthorizedOperation.DeleteApiKey")
    if not force and (user.keys or world.still_has_key(account, user.name)):
        raise fail("OperationDenied.HaveKeys")
    if cloud.options["delete_user_attached"] == "refused" \
            and (user.attachments or world.still_attached(account, user.name)):
        raise fail("FailedOperation", "The user still holds policies.")
    world.drop_user(account, user)
    return {}


def _row(user):
    return {"Uin": user.uin, "Name": user.name, "Uid": user.uid, "Remark": user.remark,
            "ConsoleLogin": user.console, "PhoneNum": user.phone, "CountryCode": user.country,
            "Email": user.email}


@action("cam", "GetUser", "Name*")
def get_user(_cloud, caller, params):
    return {**_row(find_user(caller.account, params["Name"])), "RecentlyLoginIP": "",
            "RecentlyLoginTime": None}


@action("cam", "ListUsers")
def list_users(_cloud, caller, _params):
    return {"Data": [{**_row(user), "CreateTime": user.created, "NickName": ""}
                     for user in caller.account.users.values()]}


@action("cam", "GetAccountSummary")
def get_account_summary(_cloud, caller, _params):
    account = caller.account
    return {"Policies": len(account.policies), "Roles": len(account.roles), "Idps": 0,
            "User": len(account.users), "Group": 0, "Member": 0,
            "IdentityProviders": len(account.providers)}

# SPDX-License-Identifier: Apache-2.0
"""Messages of the error codes; every error comes with HTTP status 200.

The one idea: without X-TC-Language the service speaks Chinese, so a client that reads messages
instead of codes fails here as well.
"""
from ..errors import ApiError

#: code → English, Chinese (None: there is none here, the general text is used)
CODES = {
    "AuthFailure.SecretIdNotFound": (
        "The SecretId is not found, please ensure that your SecretId is correct.",
        "SecretId不存在，请输入正确的密钥。"),
    "AuthFailure.SignatureFailure": (
        "The provided credentials could not be validated. "
        "Please check your signature is correct.",
        "请求签名验证失败，请检查您的签名计算是否正确。"),
    "AuthFailure.SignatureExpire": (
        "The signature has expired: the clocks differ by more than five minutes.",
        "签名过期，请检查本地时间。"),
    "AuthFailure.InvalidAuthorization": (
        "The Authorization header does not conform to the standard.",
        "请求头部的 Authorization 不符合腾讯云标准。"),
    "AuthFailure.InvalidSecretId": ("The SecretId is not valid.", "密钥非法。"),
    "AuthFailure.TokenFailure": ("The token is not valid.", "token 错误。"),
    "InvalidAction": ("There is no such action.", "接口不存在。"),
    "NoSuchVersion": ("There is no such version.", "接口版本不存在。"),
    "InvalidRequest": ("The request is malformed.", "请求格式错误。"),
    "UnsupportedProtocol": ("Only POST is accepted here.", "HTTP(s) 请求协议错误。"),
    "UnsupportedRegion": ("The region is not supported.", "接口不支持所传地域。"),
    "InternalError": ("An internal error occurred.", "内部错误。"),
    "ResourceNotFound.UserNotExist": ("The user does not exist.", "用户不存在。"),
    "InvalidParameter.UserNotExist": ("The user does not exist.", "用户对象不存在。"),
    "InvalidParameter.SubUserNameInUse": ("The name is in use.", "子用户名称已被使用。"),
    "InvalidParameter.SubUserFull": ("There are too many users.", "子用户数量达到上限。"),
    "InvalidParameter.UserNameIllegal": ("The user name is not valid.", "用户名非法。"),
    "OperationDenied.HaveKeys": ("The user still has keys.", "删除用户前需要先删除密钥。"),
    "OperationDenied.AccessKeyOverLimit": ("A user has two keys at most.", None),
    "OperationDenied.UinNotMatch": ("The key is not one of that user.", None),
    "OperationDenied.SubUin": ("A user may not manage keys of the account.", None),
    "ResourceNotFound.SecretNotExist": ("The key does not exist.", "密钥不存在。"),
    "FailedOperation.PolicyNameInUse": ("The policy name is in use.", "策略名称已存在。"),
    "FailedOperation.PolicyFull": ("There are too many policies.", "策略数量超出限制。"),
    "InvalidParameter.AttachmentFull": ("The user holds too many policies.", None),
    "ResourceNotFound.PolicyIdNotFound": ("The policy does not exist.", "策略 ID 不存在。"),
    "InvalidParameter.PolicyIdNotExist": ("The policy does not exist.", "策略 ID 不存在。"),
    "ResourceNotFound.NotFound": ("The resource does not exist.", "资源不存在。"),
    "ResourceNotFound.RoleNotFound": ("The role does not exist.", "角色不存在。"),
    "UnauthorizedOperation": ("You are not authorized to do this.", "未授权操作。"),
    "UnauthorizedOperation.DeleteApiKey": ("You may not delete keys.", None),
}

OTHERS = ("The request was refused.", "请求失败。")


def fail(code, english=None, chinese=None):
    return ApiError(200, code, english or "", chinese=chinese)


def words(error, language):
    """The message of an error in "en-US" or "zh-CN"."""
    english, chinese = CODES.get(error.code, OTHERS)
    if language == "en-US" or (error.message and "chinese" not in error.extra):
        return error.message or english
    return error.extra.get("chinese") or chinese or OTHERS[1]


def missing(name):
    return fail("MissingParameter", "The request is missing the parameter `%s`." % name,
                "缺少参数 `%s`。" % name)


def wrong_type(name, wanted):
    return fail("InvalidParameter",
                "The value type of parameter `%s` is wrong. It should be `%s`." % (name, wanted),
                "参数 `%s` 取值类型错误。参数类型应为 `%s`" % (name, wanted))


def unknown(name):
    return fail("UnknownParameter", "The parameter `%s` is not recognized." % name,
                "未知参数 `%s`。" % name)


def too_often(limit):
    return fail("RequestLimitExceeded",
                "Your current request times equals to `%d` in a second, which exceeds the "
                "frequency limit `%d` for a second. Please reduce the frequency of calls."
                % (limit + 1, limit),
                "您当前每秒请求 `%d` 次，超过了每秒频率上限 `%d`，请稍后重试。" % (limit + 1, limit))


def unauthorized(code, action, resource):
    """{request_id} becomes the id of the request when the answer is written."""
    detail = "[[request id:{request_id}]you are not authorized to perform operation (%s)\n" \
             "resource (%s) has no permission]" % (action, resource)
    return fail(code, "You are not authorized to perform this operation. Check your CAM policies, "
                      "and ensure that you are using the correct access keys. " + detail,
                "您没有权限执行此操作。" + detail)

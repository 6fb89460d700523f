# SPDX-License-Identifier: Apache-2.0
"""Status and message of each error code, as documented or observed.

The one idea: the code is what clients decide on; status and words are looked up, so that an
action raises a bare code and a fault can name one.
"""
from ..errors import ApiError

CODES = {
    "EntityNotExist.User": (404, "account not exists"),
    "EntityNotExist.User.AccessKey": (404, "The access key does not exist."),
    "EntityNotExist.User.Policy": (404, "The indicate policy of the user does not exist."),
    "EntityNotExist.Policy": (404, "The policy does not exist."),
    "EntityNotExist.Policy.Version": (404, "The policy version does not exist."),
    "EntityNotExist.Role": (404, "The role not exists."),
    "EntityAlreadyExists.User": (409, "The user already exists."),
    "EntityAlreadyExists.Policy": (409, "The policy already exists."),
    "EntityAlreadyExists.User.Policy": (409, "The policy has already been attached to the user."),
    "DeleteConflict.User.Policy": (409, "The user cannot be deleted while a policy is attached."),
    "DeleteConflict.User.AccessKey":
        (409, "The user cannot be deleted while it has an access key."),
    "DeleteConflict.Policy.User": (409, "The policy cannot be deleted while attached to a user."),
    "DeleteConflict.Policy.Version": (409, "The policy has more than one version."),
    "DeleteConflict.Policy.Version.Default": (409, "The default version cannot be deleted."),
    "LimitExceeded.User": (409, "The number of users is over the limit."),
    "LimitExceeded.User.AccessKey":
        (409, "The number of access keys of the user is over the limit."),
    "LimitExceeded.User.Policy": (409, "The number of policies of the user is over the limit."),
    "LimitExceeded.Policy": (409, "The number of custom policies is over the limit."),
    "LimitExceeded.Policy.Version": (409, "The number of policy versions is over the limit."),
    "InvalidParameter.UserName.InvalidChars": (400, "The user name has invalid characters."),
    "InvalidParameter.UserName.Length": (400, "The length of the user name is not valid."),
    "InvalidParameter.PolicyName.InvalidChars": (400, "The policy name has invalid characters."),
    "InvalidParameter.PolicyName.Length": (400, "The length of the policy name is not valid."),
    "InvalidParameter.PolicyDocument.Length": (400, "The policy document is too long."),
    "InvalidParameter.PolicyType": (400, "The policy type is not valid."),
    "InvalidParameter.DurationSeconds": (400, "The Min/Max value of DurationSeconds is 15min/1hr."),
    "InvalidParameter.RoleArn": (400, "The specified parameter RoleArn is wrongly formed."),
    "InvalidParameter.RoleSessionName":
        (400, "The specified parameter RoleSessionName is wrongly formed."),
    "InvalidParameter.PolicyGrammar": (400, "The parameter Policy has not passed grammar check."),
    "MalformedPolicyDocument": (400, "syntax error near line 1."),
    "NoPermission":
        (403, "You are not authorized to do this action. You should be authorized by RAM."),
    "Inactive": (403, "Account is inactive to this service."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey":
        (400, "Specified SecurityToken mismatch with the AccessKey."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "InvalidAction.NotFound":
        (404, "Specified api is not found, please check your url and method."),
    "InvalidVersion": (400, "Specified parameter Version is not valid."),
    "InvalidSignatureMethod": (400, "Specified signature method is not valid."),
    "UnsupportedHTTPMethod": (405, "This http method is not supported."),
    "Throttling": (400, "Request was denied due to user flow control."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "AuthenticationFail.NoPermission": (401, "This operator is not authorized to assume the role."),
    "AuthenticationFail.OIDCToken.Expired": (401, "This OIDC Token is expired."),
    "AuthenticationFail.OIDCToken.Invalid": (401, "This OIDC Token is invalid."),
    "AuthenticationFail.OIDCToken.InvalidSignature":
        (401, "The signature of this OIDC Token is invalid."),
    "AuthenticationFail.OIDCToken.AudienceNotMatch":
        (401, "The audience of this OIDC Token does not match."),
}


def fail(code, message=None, **extra):
    """The ApiError of a code; unknown codes are 400 with the code as its text."""
    status, words = CODES.get(code, (400, "The request is not valid: " + code))
    return ApiError(status, code, message or words, **extra)


def missing(name):
    return fail("MissingParameter", "%s is mandatory for this action." % name)

# SPDX-License-Identifier: Apache-2.0
"""Where the recorded answers are left on purpose: by recording and line, each with its reason.

What a difference may say besides its reason:
    send     members of the request that are sent instead
    status   the status instead of the recorded one
    errors   the whole body is these errors
    pattern  the only error matches this expression
    ignore   places that are not compared, as the comparison names them
A line that is not named here is answered as it was recorded. A difference that is none any more
fails: take it out.
"""
import re

USER_MISTAKE = "a mistake of the user is a 400, in the same words"
NO_PATH = ["1 error occurred:\n\t* unsupported path\n\n"]
NO_MOVE = "mounts cannot be moved"
OWN_HELP = "help is our own, and its document names what our table knows"
BUILT_IN = "engines are built in: they have a version and no checksum"
BUILT_IN_PLACES = ["deprecation_status", "running_plugin_version", "running_sha256"]


def _mistake(text):
    return {"reason": USER_MISTAKE, "status": 400, "errors": [text]}


def _help(*more):
    return {"reason": OWN_HELP, "ignore": ["body.help", "body.openapi", *more]}


MOUNTS = {
    4: {"reason": BUILT_IN + "; there is no key/value engine",
        "ignore": ["body.secret/", "body.data.secret/", "body.m1/", "body.data.m1/"]},
    5: {"reason": BUILT_IN,
        "ignore": ["body." + place for place in BUILT_IN_PLACES] +
                  ["body.data." + place for place in BUILT_IN_PLACES] +
                  ["body: has deprecation_status", "body.data: has deprecation_status"]},
    16: {"reason": NO_MOVE, "status": 404, "errors": NO_PATH},
    17: {"reason": NO_MOVE, "status": 404, "errors": NO_PATH},
    18: {"reason": NO_MOVE, "status": 404, "errors": NO_PATH},
    19: {"reason": NO_MOVE, "status": 404, "errors": NO_PATH},
    20: {"reason": NO_MOVE, "errors": NO_PATH},
    21: {"reason": NO_MOVE + ": m1 is still there, without configuration", "errors": []},
    22: {"reason": NO_MOVE, "status": 403,
         "errors": ["preflight capability check returned 403, please ensure client's policies "
                    "grant access to path \"m2/\""]},
    23: {"reason": NO_MOVE, "status": 403,
         "errors": ["preflight capability check returned 403, please ensure client's policies "
                    "grant access to path \"m2/role/x/\""]},
}

LEASES = {
    9: {"reason": "the words name no product", "ignore": ["body.warnings[0]"]},
}

# The same requests were recorded of both engines.
ENGINES = {
    14: _mistake("must include an arn, or at least one of inline_policies or remote_policies"),
    17: {"reason": "a name is written as it is stored, in lower case",
         "send": {"path": "alicloud/role/arn"}},
    24: _mistake("remote_policies must be blank when an arn is present"),
    25: _mistake("inline_policies must be blank when an arn is present"),
    26: _mistake("unable to recognize pair in nonsense"),
    28: _mistake("invalid key: colour"),
    32: {"reason": USER_MISTAKE + " of our JSON reader", "status": 400,
         "pattern": "inline_policies: must be a JSON array of policy documents"},
    34: {"reason": USER_MISTAKE + " of our JSON reader", "status": 400,
         "pattern": "inline_policies: line 1, column 3: .*"},
    36: _mistake("must include an arn, or at least one of inline_policies or remote_policies"),
    38: {"reason": "an error does not repeat the value", "ignore": ["body.errors[0]"]},
    44: _mistake("ttl exceeds max_ttl"),
    46: {"reason": "an ARN that cannot be one is refused when it is written", "status": 400,
         "pattern": "role_arn: must look like .*"},
    48: {"reason": "an ARN that cannot be one is refused when it is written", "status": 400,
         "pattern": "role_arn: must look like .*"},
    50: _mistake("unable to recognize pair in 7"),
    64: {"reason": "the paths of older servers still work", "send": {"body": {"increment": 900}},
         "status": 200, "ignore": ["body"]},
    67: {"reason": "lease ids are drawn", "ignore": ["body.data.keys[0]"]},
    68: {"reason": "tokens have no leases", "ignore": ["body.data.keys"]},
    78: {"reason": "what an operator must mend is a 400, with the cloud's code alone",
         "status": 400, "pattern": r"\w+cloud: AssumeRole as .*: \w[\w.]+ \(request [\w-]+\).*"},
    89: {"reason": USER_MISTAKE + ", and where else was looked", "status": 400,
         "pattern": "unable to create secret because no credentials are configured.*"},
    90: _help(),
    91: _help(),
    92: _help(),
    93: _help(),
}

ALICLOUD = {
    **ENGINES,
    3: _mistake("access_key is required"),
    4: _mistake("secret_key is required"),
}

RESOLVED = "the policy was looked up when the role was written, and its number is kept"
NO_VALUE = "an error does not repeat the value"
TENCENTCLOUD = {
    **ENGINES,
    6: {"reason": "a secret is never shown", "ignore": ["body.data.secret_key"]},
    16: {"reason": RESOLVED, "ignore": ["body.data.remote_policies[0].policy_id"]},
    17: {**ENGINES[17], "send": {"path": "tencentcloud/role/arn"}},
    22: {"reason": RESOLVED, "ignore": ["body.data.remote_policies[0].policy_id"]},
    40: {"reason": NO_VALUE, "ignore": ["body.errors[0]"]},
    42: {"reason": NO_VALUE, "ignore": ["body.errors[0]"]},
    57: {"reason": "a role that does not exist is not found, as with the other engine",
         "status": 404, "errors": []},
}

UNKEPT = "a policy is its text: what OpenBao keeps beside it is not kept"
MORE = "the same words, and then the line and what was expected"
OWN_WORDS = "our own reader of HCL: the line, what was found and what was expected"
STORED_NAMES = "a name is written as it is stored, in lower case"


def _unkept(reason=UNKEPT, **more):
    members = ["allow_slashes_in_identity_templates", "allow_wildcards_in_identity_templates",
               "cas_required", "modified", "version"]
    places = [place + member + ": is missing" for member in members
              for place in ("body.", "body.data.")]
    return dict({"reason": reason, "ignore": places + more.pop("ignore", [])}, **more)


def _worded(text, reason=OWN_WORDS):
    return {"reason": reason, "pattern": "failed to parse policy: " + text}


def _more(text):
    return _worded(re.escape(text) + " on line 1, expected .*", MORE)


POLICIES = {
    5: _unkept("our own default policy", ignore=["body.data.policy"]),
    6: _unkept(),
    11: {"reason": STORED_NAMES, "send": {"path": "sys/policies/acl/pc"}, "status": 204,
         "ignore": ["body: "]},
    12: _unkept(),
    13: _unkept(),
    18: _more('path "x": invalid capability "fly"'),
    21: _worded("line 1: found the end of the text, expected a key or .*"),
    24: _worded("line 1: found the end of the text, expected .*"),
    27: _more('invalid key "nonsense"'),
    30: _more('path "x": invalid key "colour"'),
    33: _more('path "+*": invalid use of wildcards (\'+*\' is forbidden)'),
    36: _more('path "x": invalid value of "capabilities"'),
    48: _worded('line 1: found no object behind "path", expected .*'),
    51: _more('path "x": invalid policy "odd"'),
    54: _more('max_wrapping_ttl cannot be less than min_wrapping_ttl in path "x"'),
    57: _more('path "x": invalid value of "required_parameters"'),
}
POLICIES.update({line: _unkept() for line in (40, 43, 46, 61, 64, 67, 70, 73, 76, 79)})

WRAPPING = {
    16: {"reason": "the recording left the text out", "ignore": ["body.data.response"]},
    17: {"reason": "newer members, and a clock of our own",
         "ignore": ["body: has enterprise", "body: has performance_standby",
                    "body.server_time_utc"]},
}

ROOT_OF_INIT = {"reason": "the root token is that of init, which nothing ever ends or renews",
                "ignore": ["body.data.display_name", "body.data.path", "body.data.issue_time",
                           "body.data.renewable"]}
UNKNOWN_TOKEN = {"reason": "agents log in again when they read \"invalid token\"",
                 "errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}

TOKENS = {
    4: ROOT_OF_INIT,
    18: _mistake("missing data fields"),
    20: UNKNOWN_TOKEN,
    27: ROOT_OF_INIT,
    35: UNKNOWN_TOKEN,
    45: {"reason": "the recording has more tokens", "ignore": ["body.data.keys"]},
    47: {"reason": "an id of one's own is kept as any other, by HMAC-SHA256",
         "ignore": ["body.warnings"]},
    62: {"reason": "the words name no product", "ignore": ["body.warnings[0]"]},
}

DIFFERENCES = {"mounts": MOUNTS, "leases": LEASES, "alicloud": ALICLOUD,
               "tencentcloud": TENCENTCLOUD, "policies": POLICIES, "tokens": TOKENS,
               "wrapping": WRAPPING}

# SPDX-License-Identifier: Apache-2.0
"""Reading a call from headers and a JSON body; writing what is inside "Response".

The one idea: reading judges nothing. What is wrong is noted and raised by authenticate(), so a
fault can be aimed at a call whose signature is bad as well.
"""
import re
import uuid

from .. import documents
from ..cloud import Incoming
from ..http1 import json_response
from .messages import fail, words

CREDENTIAL = re.compile(r"TC3-HMAC-SHA256 Credential=([^/]*)/")


def read(service, request):
    incoming = Incoming(service, request, str(uuid.uuid4()))
    incoming.action = request.get("x-tc-action", "")
    incoming.extra["language"] = request.get("x-tc-language", "zh-CN")
    match = CREDENTIAL.match(request.get("authorization", ""))
    incoming.key = match[1] if match else None
    try:
        params = documents.load(request.body.decode("utf-8"))
    except ValueError:
        params = None
    if not isinstance(params, dict):
        incoming.error = fail("InvalidRequest", "The body is not a JSON object.")
        params = {}
    incoming.params = params
    return incoming


def write(incoming, result):
    return json_response(200, {"Response": {**result, "RequestId": incoming.request_id}})


def shape_lists(result, how):
    """Lists that are empty come back in three forms: "array", "null" or "absent"."""
    if how == "array":
        return result
    return {name: None if value == [] else value for name, value in result.items()
            if value != [] or how == "null"}


def refuse(incoming, error, shape):
    """Shapes: "upper" (usual), "lower" (that of the old gateway)."""
    message = words(error, incoming.extra["language"]).replace("{request_id}",
                                                               incoming.request_id)
    if shape == "lower":
        body = {"code": 4100, "message": message, "codeDesc": error.code}
    else:
        body = {"Response": {"Error": {"Code": error.code, "Message": message},
                             "RequestId": incoming.request_id}}
    return json_response(error.status, body, error.headers)

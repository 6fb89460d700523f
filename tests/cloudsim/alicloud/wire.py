# SPDX-License-Identifier: Apache-2.0
"""Reading requests of both schemes into action and parameters; writing JSON or XML answers.

The one idea: reading judges nothing. What is wrong is noted and raised by authenticate(), so a
fault can be aimed at a call whose signature is bad as well.
"""
import uuid
from xml.sax.saxutils import escape

from ..cloud import Incoming
from ..http1 import Response, json_response, pairs
from .messages import CODES, fail

FORM = "application/x-www-form-urlencoded"
COMMON = {"Action", "Version", "Format", "AccessKeyId", "SignatureMethod", "SignatureVersion",
          "SignatureNonce", "Timestamp", "SecurityToken", "Signature", "RegionId",
          "SignatureType"}
HOSTS = {"ram": "ram.aliyuncs.com", "sts": "sts.aliyuncs.com"}


def read(service, request):
    incoming = Incoming(service, request, str(uuid.uuid4()).upper())
    extra = incoming.extra
    try:
        extra["query"] = pairs(request.query)
        form = request.get("content-type", "").split(";")[0].strip().lower() == FORM
        extra["form"] = pairs(request.body.decode("ascii")) if form else []
    except ValueError:
        extra["query"], extra["form"] = [], []
        incoming.error = fail("InvalidParameter", "The request is not UTF-8.")
    merged = extra["query"] + extra["form"]
    params = dict(merged)
    if len(params) != len(merged):
        incoming.error = fail("InvalidParameter", "A parameter was given twice.")
    if request.get("x-acs-action") is not None:
        _read_v3(incoming, request, params)
    else:
        _read_v1(incoming, params)
    return incoming


def _read_v3(incoming, request, params):
    incoming.scheme = "acs3" if request.get("authorization") is not None else "none"
    incoming.action = request.get("x-acs-action")
    incoming.extra["version"] = request.get("x-acs-version", "")
    incoming.extra["json"] = "json" in request.get("accept", "").lower()
    _, _, rest = request.get("authorization", "").partition("Credential=")
    incoming.key = rest.partition(",")[0] or None
    incoming.params = params


def _read_v1(incoming, params):
    incoming.scheme = "v1" if "Signature" in params else "none"
    incoming.action = params.get("Action", "")
    incoming.extra["version"] = params.get("Version", "")
    incoming.extra["json"] = params.get("Format", "").upper() == "JSON"
    incoming.extra["common"] = params
    incoming.key = params.get("AccessKeyId")
    incoming.params = {k: v for k, v in params.items() if k not in COMMON}


def answer(incoming, result):
    return _write(incoming, 200, {"RequestId": incoming.request_id, **result},
                  incoming.action + "Response", [])


def shape_lists(result, how):
    """The four forms in which the service may write an empty list."""
    if how == "array":
        return result
    changed = {}
    for name, value in result.items():
        if isinstance(value, dict) and len(value) == 1 and list(value.values()) == [[]]:
            if how != "absent":
                changed[name] = {} if how == "bare" else dict.fromkeys(value)
        else:
            changed[name] = value
    return changed


def refuse(incoming, error, shape):
    """Shapes: "upper" (usual), "lower" (code, message, requestId), "xml", "bare" (no HostId)."""
    known = CODES.get(error.code, (0, "The request failed."))[1]
    message = error.message or known
    if shape == "lower":
        body = {"code": error.code, "message": message, "requestId": incoming.request_id}
    elif shape == "bare":
        body = {"Code": error.code, "Message": message, "RequestId": incoming.request_id}
    else:
        body = {"RequestId": incoming.request_id, "HostId": HOSTS[incoming.service],
                "Code": error.code, "Message": message,
                "Recommend": "https://api.aliyun.com/troubleshoot?q=%s&product=%s&requestId=%s"
                             % (error.code, incoming.service.capitalize(), incoming.request_id),
                **error.extra}
    if shape == "xml":
        incoming.extra["json"] = False
    return _write(incoming, error.status, body, "Error", error.headers)


def _write(incoming, status, body, root, headers):
    headers = headers + [("x-acs-request-id", incoming.request_id)]
    if incoming.extra.get("json"):
        return json_response(status, body, headers)
    text = "<?xml version='1.0' encoding='UTF-8'?>" + _xml(root, body)
    return Response(status, text.encode(), "text/xml;charset=utf-8", headers)


def _xml(name, value):
    if isinstance(value, dict):
        inner = "".join(_xml(k, v) for k, v in value.items())
    elif isinstance(value, list):
        return "".join(_xml(name, item) for item in value)
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return "<%s>%s</%s>" % (name, inner, name)

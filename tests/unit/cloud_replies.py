# SPDX-License-Identifier: Apache-2.0
"""What a cloud answers, as it must be."""


def ok(reply):
    assert reply.ok, reply
    assert reply["RequestId"]
    return reply.body


def refused(reply, code, status=None):
    """status: of HTTP, if it matters; Tencent's is always 200."""
    assert reply.code == code, reply
    assert status is None or reply.status == status, reply
    return reply


def refused_200(reply, code):
    return refused(reply, code, 200)

# SPDX-License-Identifier: Apache-2.0
"""The error that an API call ends in, whatever the cloud.

The one idea: actions raise it with status and code; how it looks on the wire is the cloud's.
"""


class ApiError(Exception):
    def __init__(self, status, code, message="", headers=(), **extra):
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = list(headers)
        self.extra = extra


class ControlError(Exception):
    """A control request that makes no sense; its text is the answer."""

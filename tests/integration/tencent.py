# SPDX-License-Identifier: Apache-2.0
"""The other cloud, for tests that are about it alone."""
from conform.engines.base import Engine


class TencentCloud(Engine):
    type = "tencentcloud"
    services = ("cam", "sts")
    config_fields = ("secret_id", "secret_key")
    session_role = {"role_arn": "qcs::cam::uin/100000000001:roleName/reader"}


TENCENTCLOUD = TencentCloud()

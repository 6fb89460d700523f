# SPDX-License-Identifier: Apache-2.0
"""The clouds that exist. The one idea: adding one is a package and a line here."""
from .alicloud import AliCloud
from .tencentcloud import TencentCloud

CLOUDS = {cloud.name: cloud for cloud in (AliCloud, TencentCloud)}

# SPDX-License-Identifier: Apache-2.0
"""The engines that the suite runs over. A new one is a descriptor and a line here."""
from .alicloud import AliCloud
from .tencentcloud import TencentCloud

ALICLOUD, TENCENTCLOUD = AliCloud(), TencentCloud()
ENGINES = [ALICLOUD, TENCENTCLOUD]

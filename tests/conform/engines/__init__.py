# SPDX-License-Identifier: Apache-2.0
"""The engines that the suite runs over. A new one is a descriptor and a line here."""
from .alicloud import AliCloud
from .tencentcloud import TencentCloud
from .thirdcloud import ThirdCloud

ALICLOUD, TENCENTCLOUD = AliCloud(), TencentCloud()
ENGINES = [ALICLOUD, TENCENTCLOUD, ThirdCloud()]

# SPDX-License-Identifier: Apache-2.0
"""The engines that the suite runs over. A new one is a descriptor and a line here."""
from .alicloud import AliCloud

ALICLOUD = AliCloud()
ENGINES = [ALICLOUD]

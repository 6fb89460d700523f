# SPDX-License-Identifier: Apache-2.0
"""The simulator with one more cloud."""
import sys

from cloudsim.__main__ import main
from cloudsim.registry import CLOUDS
from conform.thirdcloud.cloud import ThirdCloud

CLOUDS[ThirdCloud.name] = ThirdCloud
sys.exit(main())

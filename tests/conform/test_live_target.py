# SPDX-License-Identifier: Apache-2.0
"""`make check-live` without credentials says what it skips, and calls no cloud."""
import os
import re
import subprocess
import sys

from conform.engines import ALICLOUD, TENCENTCLOUD

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "live_cases.py")


def run(**environment):
    names = {name for engine in (ALICLOUD, TENCENTCLOUD) for name in engine.live_variables}
    clean = {k: v for k, v in os.environ.items() if k not in names and k != "LEASEHOLD_LIVE"}
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                           CASES], env={**clean, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)


def test_without_credentials_every_case_is_skipped_and_says_why(leasehold):
    done = run()
    assert done.returncode == 0, done.stdout
    assert not re.search("passed|failed|error", done.stdout), done.stdout
    for engine in (ALICLOUD, TENCENTCLOUD):
        for name in engine.live_variables:
            assert name in done.stdout


def test_half_a_key_is_none(leasehold):
    done = run(ALICLOUD_ACCESS_KEY="LTAIhalf")
    assert done.returncode == 0 and "ALICLOUD_SECRET_KEY" in done.stdout
    assert not re.search("passed|failed|error", done.stdout), done.stdout

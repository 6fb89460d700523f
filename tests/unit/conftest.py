# SPDX-License-Identifier: Apache-2.0
"""A cloud simulator for the tests of one file, reset for each; its cloud is the file's CLOUD."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from cloudsim.client import CloudSim  # noqa: E402


@pytest.fixture(scope="module", name="running")
def running_sim(request, tmp_path_factory):
    cloud = getattr(request.module, "CLOUD", "alicloud")
    with CloudSim(tmp_path_factory.mktemp("cloudsim"), cloud=cloud) as sim:
        yield sim


@pytest.fixture(name="sim")
def fresh_sim(running):
    running.reset()
    return running


@pytest.fixture(name="root")
def root_caller(sim):
    caller = sim.caller()
    yield caller
    caller.close()

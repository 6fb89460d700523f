# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one server for all tests that leave it as it was."""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aftermath import leasehold, nothing_leaks, pytest_runtest_makereport    # noqa: E402,F401
from conform.engines import TENCENTCLOUD    # noqa: E402
from harness import Server    # noqa: E402
from lending import add_mount    # noqa: E402

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(leasehold):
    """Shared: a test changes nothing that the next could see, but for its own mount."""
    with Server() as one:
        yield one


@pytest.fixture(scope="session")
def tencent_server(leasehold):
    """The same with the other cloud."""
    with Server(cloud=TENCENTCLOUD) as one:
        yield one


@pytest.fixture
def mount(server):
    """The path of a fresh alicloud mount with a root key; disabled at the end, with its leases."""
    path = "ali%d" % next(NUMBERS)
    add_mount(server, path)
    yield path
    reply = server.api("DELETE", "sys/mounts/" + path)
    assert reply.status == 204, reply

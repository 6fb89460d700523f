# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one server for all tests that leave it as it was, and the question after each test."""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Server, binary    # noqa: E402

NUMBERS = itertools.count(1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):    # pylint: disable=unused-argument
    """A failure shows what the daemons said at that moment."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in Server.running:
            report.sections.append(("daemon in " + server.folder, server.log()[-4000:]))


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Every test ends with an empty cloud. Set up first, so it looks after all else is undone."""
    yield
    for server in Server.running:
        clean = server.sim.wait_clean(10)
        assert clean, "left over in the cloud: %s\n%s" % (
            server.sim.leftovers(), server.log()[-3000:])


@pytest.fixture(scope="session")
def leasehold():
    """The daemon's program; a test that needs it fails without it."""
    assert os.access(binary(), os.X_OK), "no daemon at %s: build it, or set LEASEHOLD" % binary()
    return binary()


@pytest.fixture(scope="session")
def server(leasehold):
    """Shared: a test changes nothing that the next could see, but for its own mount."""
    with Server() as one:
        yield one


@pytest.fixture
def mount(server):
    """The path of a fresh alicloud mount with a root key; disabled at the end, with its leases."""
    path = "ali%d" % next(NUMBERS)
    assert server.api("POST", "sys/mounts/" + path, {"type": "alicloud"}).status == 204
    key, secret = server.sim.root_key
    reply = server.api("POST", path + "/config", {"access_key": key, "secret_key": secret})
    assert reply.status == 204, reply
    yield path
    reply = server.api("DELETE", "sys/mounts/" + path)
    assert reply.status == 204, reply

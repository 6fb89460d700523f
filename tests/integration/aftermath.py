# SPDX-License-Identifier: Apache-2.0
"""What follows each test of a whole server: the question what is left, and what the daemon said."""
import os

import pytest

from harness import Server, binary


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

# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the suite: a server and a simulator for each engine, as long as a module needs them.

The one idea: a test takes `engine` and, by that, everything else; one that does not know which
engine it is given cannot make an exception for it.
"""
import contextlib
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from aftermath import leasehold, nothing_leaks, pytest_runtest_makereport    # noqa: E402,F401
from trouble import Place, quick_server    # noqa: E402


@pytest.fixture(scope="module")
def servers(leasehold, request):
    """engine → its server, started when it is first asked for; a module may have its own kind."""
    make = getattr(request.module, "make_server", quick_server)
    running = {}
    with contextlib.ExitStack() as stack:
        def server_of(engine):
            if engine not in running:
                running[engine] = stack.enter_context(make(engine))
            return running[engine]
        yield server_of


@pytest.fixture
def server(servers, engine):
    return servers(engine)


@pytest.fixture
def place(server):
    """A mount of its own, which ends with its leases."""
    one = Place(server)
    yield one
    server.sim.clear_faults()
    one.disable()

# SPDX-License-Identifier: Apache-2.0
"""How a case is told for which engines it is.

    @every_engine
    def test_x(place): ...

    @each(lambda engine: engine.issue_calls)
    def test_y(place, case): ...
"""
import pytest

from conform.engines import ENGINES


def name(value):
    """A case as a part of a test's name."""
    if isinstance(value, (tuple, list)):
        return "-".join(name(part) for part in value if part not in (None, ""))
    return str(value).replace(" ", "_").replace(",", "")


def every_engine(function):
    return pytest.mark.parametrize("engine", ENGINES, ids=str)(function)


def each(cases_of):
    """Parametrizes by `engine` and `case`; cases_of(engine) lists the cases of an engine."""
    pairs = [(engine, case) for engine in ENGINES for case in cases_of(engine)]
    return pytest.mark.parametrize("engine, case", pairs,
                                   ids=[name((engine.type, case)) for engine, case in pairs])

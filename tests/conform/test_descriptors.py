# SPDX-License-Identifier: Apache-2.0
"""The suite knows every engine that the server knows, and each descriptor is whole."""
import os
import re

from conform.engines import ENGINES
from conform.engines.base import TOP, Engine
from suite import every_engine


def in_the_array():
    with open(os.path.join(TOP, "src", "engine", "all.c"), encoding="utf-8") as file:
        array = re.search(r"engine_all\[\] = \{(.*?)\};", file.read(), re.DOTALL).group(1)
    return set(re.findall(r"&engine_(\w+)", array))


def test_every_engine_of_the_server_is_described():
    assert in_the_array() and in_the_array() <= {engine.type for engine in ENGINES}


@every_engine
def test_a_descriptor_says_all_that_it_must(engine):
    optional = ("create_policy", "policy_name")
    missing = [name for name, value in vars(Engine).items()
               if value is None and getattr(engine, name) is None and name not in optional]
    assert missing == []


@every_engine
def test_its_calls_are_those_that_are_made(engine, place):
    """Else a fault at one of them would never strike."""
    issued = place.issued()
    made = {call["action"] for call in place.calls()}
    assert set(engine.issue_calls) <= made
    assert place.revoke(issued["lease_id"]).status == 204
    place.issued("session")
    seen = {call["action"] for call in place.calls()}
    assert seen - {engine.identity_call} == {
        *engine.role_calls, *engine.issue_calls, *engine.revoke_calls, *engine.session_calls}

# SPDX-License-Identifier: Apache-2.0
"""The mount's root credentials change between the issue of a lease and its end."""
from suite import every_engine
from trouble import Place, quick_server


@every_engine
def test_without_a_config_the_lease_stays_until_there_is_one(engine, place):
    issued = place.issued()
    place.ok("DELETE", place.path + "/config")
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400 and "no credentials are configured" in reply.errors[0], reply
    assert "credentials" in place.lookup(issued["lease_id"]).data["revoke_error"]
    assert place.works(issued)
    place.configure(place.key)
    place.revoke_at_last(issued["lease_id"])
    assert place.left() == []


@every_engine
def test_a_new_key_of_the_same_account_takes_back_what_the_old_one_made(engine, place):
    issued = place.issued()
    place.configure(place.new_key(place.path + "new"))
    place.sim.edit("delete_key", user=engine.root_user, id=place.key[0], keep=True)
    assert place.revoke(issued["lease_id"]).status == 204
    assert place.left() == []


@every_engine
def test_a_key_of_another_account_never_counts_as_gone(engine, place):
    first, second = engine.accounts(place.sim)[:2]
    issued = place.issued()
    place.configure(engine.root_keys(place.sim)[1])
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400, reply
    assert first in reply.errors[0] and second in reply.errors[0], reply
    assert first in place.lookup(issued["lease_id"]).data["revoke_error"]
    assert place.works(issued)
    place.configure(place.key)
    place.revoke_at_last(issued["lease_id"])
    assert place.left() == []


@every_engine
def test_an_environment_of_another_account_takes_nothing_over(engine, leasehold):
    with quick_server(engine, work_workers=2) as server:
        place = Place(server)
        first, second = engine.accounts(server.sim)[:2]
        issued = place.issued()
        server.environment, _ = engine.session_environment(server.sim, account=second)
        server.restart()
        place.ok("DELETE", place.path + "/config")
        reply = place.revoke(issued["lease_id"])
        assert reply.status == 400, reply
        assert first in reply.errors[0] and second in reply.errors[0], reply
        assert place.works(issued)
        place.configure(place.key)
        place.revoke_at_last(issued["lease_id"])
        assert place.left() == []


@every_engine
def test_a_dead_root_key_is_an_operators_matter(engine, place):
    issued = place.issued()
    place.sim.edit("set_key_status", user=engine.root_user, id=place.key[0], status="Inactive")
    reply = place.revoke(issued["lease_id"])
    assert reply.status == 400 and engine.dead_key_advice in reply.errors[0], reply
    place.sim.edit("set_key_status", user=engine.root_user, id=place.key[0], status="Active")
    place.revoke_at_last(issued["lease_id"])
    assert place.left() == []

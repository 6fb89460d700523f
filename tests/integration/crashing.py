# SPDX-License-Identifier: Apache-2.0
"""What every crash test asks afterwards: no lease lost, no credential without a lease.

The one idea: the deadlines are short, so that what belongs to dead processes is due at once; the
rest is as in production.
"""
import signal

from harness import Server, wait_until
from lending import add_mount, issue, lookup, make_role, revoke, whoami

TIMES = 'issue_timeout = "4s"\n'
ENGINE = '  request_timeout = "2s"\n  sweep_after = ["1s", "3s"]\n'
MOUNT = "ali"


def crashing_server(**arguments):
    return Server(**{"more": TIMES, "engine": ENGINE, **arguments})


def add_place(server, path=MOUNT):
    """Enables it with a root key and role r, unless it is there."""
    if server.api("GET", path + "/role/r").status == 200:
        return
    add_mount(server, path)
    make_role(server, path)


def churn(server, times):
    for _ in range(times):
        assert revoke(server, issue(server, MOUNT)["lease_id"]).status == 204


def leases(server, prefix=MOUNT + "/creds/r"):
    """The ids of all leases that can be seen under a prefix."""
    reply = server.api("LIST", "sys/leases/lookup/" + prefix)
    if reply.status == 404:
        return set()
    assert reply.status == 200, reply
    return {"%s/%s" % (prefix, name) for name in reply.data["keys"]}


def settle(server, *kept, timeout=20):
    """After a crash: what was answered is whole and can be given back, and nothing else stays."""
    server.sim.clear_kills()
    server.sim.clear_faults()
    ids = {reply["lease_id"] for reply in kept}
    wait_until(lambda: leases(server) == ids, timeout, "only %s are leases" % ids)
    for reply in kept:
        assert whoami(server, reply.data).status == 200, reply["lease_id"]
        assert revoke(server, reply["lease_id"]).status == 204
        assert lookup(server, reply["lease_id"]).status == 400
    assert server.sim.wait_clean(timeout), server.sim.leftovers()
    assert server.sim.missing() == []


def turned(server):
    """The master has looked after its children since it was asked."""
    for _ in range(2):      # the first may come in the middle of a turn
        start = len(server.log())
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda start=start: "nothing to reopen" in server.log()[start:])


def start_again(server):
    """After the master was killed by somebody else."""
    server.process.wait(60)
    server.start_daemon()

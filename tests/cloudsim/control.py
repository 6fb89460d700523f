# SPDX-License-Identifier: Apache-2.0
"""The control API: plain HTTP and JSON on its own loopback port.

The one idea: one table of routes; a handler gets the JSON body and the query and returns JSON.
Only /wait keeps its answer back, until its condition holds or its time is over.
"""
import json

from .errors import ControlError
from .http1 import json_response, pairs


class Control:
    def __init__(self, sim):
        self.sim = sim
        self.routes = {
            ("GET", "/"): lambda body, query: sim.ready(),
            ("POST", "/reset"): self.reset,
            ("POST", "/configure"): self.configure,
            ("GET", "/state"): self.state,
            ("GET", "/calls"): self.calls,
            ("GET", "/counters"): lambda body, query: sim.log.counters(),
            ("GET", "/leftovers"): lambda body, query: sim.leftovers(),
            ("GET", "/missing"): lambda body, query: sim.missing(),
            ("POST", "/faults"): lambda body, query: self.add(sim.faults, body),
            ("GET", "/faults"): lambda body, query: [f.describe() for f in sim.faults.list],
            ("DELETE", "/faults"): lambda body, query: self.clear(sim.faults, query),
            ("POST", "/kills"): lambda body, query: self.add(sim.hooks, body),
            ("GET", "/kills"): lambda body, query: [h.describe() for h in sim.hooks.list],
            ("DELETE", "/kills"): lambda body, query: self.clear(sim.hooks, query),
            ("POST", "/edit"): self.edit,
            ("POST", "/drop-connections"): self.drop_connections,
        }

    def handle(self, connection, request):
        try:
            body = json.loads(request.body) if request.body else {}
            query = dict(pairs(request.query))
            if (request.method, request.path) == ("POST", "/wait"):
                return Wait(self.sim, connection, body).begin()
            route = self.routes.get((request.method, request.path))
            if route is None:
                return connection.reply(json_response(404, {"error": "no such route"}))
            return connection.reply(json_response(200, route(body, query)))
        except (ControlError, KeyError, TypeError, ValueError, AttributeError) as error:
            return connection.reply(json_response(
                400, {"error": "%s: %s" % (type(error).__name__, error)}))

    def reset(self, _body, _query):
        self.sim.reset()
        return {}

    def configure(self, body, _query):
        self.sim.configure(body)
        return {}

    def state(self, _body, _query):
        sim = self.sim
        return {"settings": sim.settings, "late_pending": sim.late_pending, "tls": sim.tls,
                "bugs": sim.loop.bugs,
                "connections": sum(c.listener.name != "control" for c in sim.connections),
                "clouds": {name: cloud.dump() for name, cloud in sim.clouds.items()}}

    def calls(self, _body, query):
        return self.sim.log.select(int(query.get("since", 0)), query.get("action"))

    @staticmethod
    def add(book, body):
        if isinstance(body, list):
            return {"ids": [book.add(item) for item in body]}
        return {"id": book.add(body)}

    @staticmethod
    def clear(book, query):
        book.clear(int(query["id"]) if "id" in query else None)
        return {}

    def drop_connections(self, _body, _query):
        return {"dropped": self.sim.drop_connections()}

    def edit(self, body, _query):
        """{"op", "cloud", "keep", …}; keep makes the result part of the baseline."""
        values = dict(body)
        name = values.pop("cloud", next(iter(self.sim.clouds)))
        keep = values.pop("keep", False)
        cloud = self.sim.clouds[name]
        before = cloud.inventory()
        result = cloud.edit(values.pop("op"), values)
        if keep:
            after = cloud.inventory()
            self.sim.baseline[name] = (self.sim.baseline[name] | (after - before)) \
                - (before - after)
        self.sim.changed()
        return result or {}


class Wait:
    """{"action", "count", "stage"}, {"leftovers": n}, {"late": 0}, {"killed": id}; "timeout"."""

    def __init__(self, sim, connection, wish):
        self.sim, self.connection, self.wish = sim, connection, wish
        self.epoch = sim.epoch
        self.answered = False

    def begin(self):
        if not self.check():
            self.sim.waiters.append(self.check)
            self.sim.loop.later(float(self.wish.get("timeout", 10)), self._give_up)

    def check(self):
        if not self.answered and self._holds():
            self._answer(True)
        return self.answered

    def _holds(self):
        sim, wish = self.sim, self.wish
        held = [True]
        if "action" in wish:
            counter = sim.log.arrived if wish.get("stage") == "arrived" else sim.log.done
            names = counter.elements() if wish["action"] == "*" else ()
            number = sum(1 for _ in names) if wish["action"] == "*" else counter[wish["action"]]
            held.append(number >= wish.get("count", 1))
        if "leftovers" in wish:
            held.append(len(sim.leftovers()) == wish["leftovers"])
        if "late" in wish:
            held.append(sim.late_pending <= wish["late"])
        if "killed" in wish:
            held.append(any(h.id == wish["killed"] and h.fired for h in sim.hooks.list))
        return all(held)

    def _give_up(self):
        if not self.answered:
            self._answer(False)
            self.sim.changed()

    def _answer(self, held):
        self.answered = True
        self.connection.reply(json_response(200, {"held": held}))

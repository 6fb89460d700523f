# SPDX-License-Identifier: Apache-2.0
"""What happens to one call, from its arrival to its answer.

The one idea: effect and answer are separate steps, and each fault only chooses which of the two
happens, when, and in which order.
"""
import secrets

from .errors import ApiError
from .http1 import Response, html_response


class Exchange:
    def __init__(self, sim, cloud, service, connection, request):
        self.sim, self.cloud, self.connection = sim, cloud, connection
        self.incoming = incoming = cloud.read(service, request)
        self.caller = self.failure = None
        self.epoch = sim.epoch
        self.settled = False
        user, policy = cloud.names(incoming)
        self.call = sim.log.begin(
            cloud=cloud.name, service=service, action=incoming.action, key=incoming.key,
            account=incoming.account, user=user, policy=policy, connection=connection.number,
            pid=sim.pid_of(connection), arrived_ms=sim.clock.ms(),
            request_id=incoming.request_id,
            params={k: "***" if k in cloud.secret_params else v
                    for k, v in incoming.params.items()})

    def begin(self):
        """Arrival: verify, then the hooks, then the delay, then on to the decision."""
        try:
            self.caller = self.cloud.authenticate(self.incoming)
        except ApiError as error:
            self.failure = error
        hook = self.sim.hooks.run(self.call, "before", self.connection, self.sim.clock)
        self.sim.changed()      # arrived, and perhaps killed
        if hook:
            self._effect(hook.effect, hook.late)
            return self._drop(False)
        wait, effect_first, fault = self.sim.faults.for_call(self.call)
        wait += self.sim.base_latency(self.incoming.action)
        if fault is None and effect_first:
            result = self._run()
            return self.sim.loop.later(wait, self._deliver, result)
        if wait > 0:
            return self.sim.loop.later(wait, self._decide, fault)
        return self._decide(fault)

    def _decide(self, fault):
        if fault is None:
            return self._deliver(self._run())
        self.call.fault = fault.kind
        result = self._effect(fault.effect, fault.late)
        return self.KINDS[fault.kind](self, fault, result)

    # --- the effect ---

    def _run(self):
        """Performs the call now. Returns a Response, never raises."""
        if self.failure is None and self.epoch == self.sim.epoch:
            try:
                result = self.cloud.execute(self.incoming, self.caller)
                self.call.effect_ms = self.sim.clock.ms()
                return result
            except ApiError as error:
                self.failure = error
        return self.failure or ApiError(500, "InternalError", "the simulator was reset")

    def _effect(self, mode, late):
        if mode == "done":
            return self._run()
        if mode == "late":
            self.call.late = late
            self.sim.late_pending += 1
            self.sim.loop.later(late, self._run_late, self.sim.epoch)
        return None

    def _run_late(self, epoch):
        if epoch == self.sim.epoch:
            self._run()
            self.sim.late_pending -= 1
            self.sim.changed()

    # --- the answer ---

    def _response(self, result):
        if isinstance(result, ApiError):
            return self.cloud.refuse(self.incoming, result)
        if isinstance(result, Response):
            return result
        return self.cloud.answer(self.incoming, result)

    def _settle(self):
        """The hooks that come after the effect, once, before the first byte of an answer."""
        if not self.settled:
            self.settled = True
            self.sim.hooks.run(self.call, "after", self.connection, self.sim.clock)

    def _end(self, status, code=None):
        self.call.client_gone = self.connection.gone
        if self.epoch == self.sim.epoch:
            self.sim.log.end(self.call, self.sim.clock.ms(), status, code)
            self.sim.changed()

    def _deliver(self, result, **options):
        self._settle()
        response = self._response(result)
        self._end(response.status, result.code if isinstance(result, ApiError) else None)
        self.connection.reply(response, **options)

    def _send(self, response, **options):
        self._settle()
        self._end(response.status)
        self.connection.reply(response, **options)

    def _drop(self, reset):
        self._settle()
        self._end(None, "dropped")
        self.connection.drop(reset)

    def _or_success(self, result):
        """Faults that spoil a good answer need one even when their effect was not asked for."""
        return Response(200, b"{}", "application/json") if result is None \
            else self._response(result)

    # --- the kinds of fault ---

    def _error(self, fault, _result):
        headers = []
        if fault.retry_after_ms is not None:
            headers.append((self.cloud.retry_after_header, str(fault.retry_after_ms)))
        code, status = self.cloud.fault_codes[fault.kind]
        error = ApiError(fault.status or status, fault.code or code, fault.message, headers)
        self._settle()
        response = self.cloud.refuse(self.incoming, error, fault.shape)
        self._end(response.status, error.code)
        self.connection.reply(response)

    def _drop_fault(self, fault, _result):
        self._drop(fault.reset)

    def _hang(self, fault, _result):
        self._settle()
        self.sim.loop.later(fault.seconds, self._drop, fault.reset)

    def _garbage(self, fault, _result):
        self._send(Response(fault.status, secrets.token_bytes(512), "application/json"))

    def _truncate(self, fault, result):
        response = self._or_success(result)
        half = max(1, len(response.body) // 2)
        if fault.cut == "json":         # well framed, but the JSON ends in the middle
            response.body = response.body[:half]
            return self._send(response)
        return self._send(response, cut=half)

    def _html(self, fault, _result):
        self._send(html_response(fault.status, "%d Bad Gateway" % fault.status))

    def _huge(self, fault, result):
        response = self._or_success(result)
        padding = b'"Padding":"' + b"x" * fault.bytes + b'",'
        response.body = response.body.replace(b"{", b"{" + padding, 1)
        self._send(response)

    def _pages(self, fault, result):
        if isinstance(result, dict):
            result = self.cloud.endless(self.incoming, result, fault.marker)
        self._deliver(result)

    def _echo(self, _fault, _result):
        try:
            error = self.cloud.echo(self.incoming)
        except ApiError as unreadable:
            error = unreadable
        self._deliver(error)

    def _trickle(self, fault, result):
        self._settle()
        response = self._or_success(result)
        self._end(response.status)
        self.connection.trickle(response, fault.seconds)

    KINDS = {"error": _error, "throttle": _error, "drop": _drop_fault, "hang": _hang,
             "garbage": _garbage, "truncate": _truncate, "html": _html, "huge": _huge,
             "pages": _pages, "echo": _echo, "trickle": _trickle}

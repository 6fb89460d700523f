# SPDX-License-Identifier: Apache-2.0
"""The event loop: sockets by epoll, delayed work by a heap of timers.

The one idea: asyncio is not used because its TLS goes through memory buffers and a protocol
stack; a plain non-blocking socket costs a third of that and makes drops and resets exact.
"""
import heapq
import itertools
import selectors
import signal
import socket
import sys
import time
import traceback

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Loop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = []
        self.order = itertools.count()
        self.running = True
        self.bugs = 0
        self._watch_signals()

    def _watch_signals(self):
        """A signal only writes a byte; the loop ends between two events, never inside one."""
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self._wakeup = (reader, writer)
        self.watch(reader, READ, lambda _mask: reader.recv(64))

    def watch(self, sock, mask, callback):
        self.selector.register(sock, mask, callback)

    def change(self, sock, mask, callback):
        self.selector.modify(sock, mask, callback)

    def forget(self, sock):
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def later(self, seconds, function, *args):
        """Calls function(*args) after that many seconds; 0 means after the current event."""
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), function, args))

    def stop(self):
        self.running = False

    def run(self):
        while self.running:
            for key, mask in self.selector.select(self._run_timers()):
                self.guard(key.data, mask)

    def guard(self, function, *args):
        """A bug in one callback is told and counted, and does not end the simulator."""
        try:
            function(*args)
        except Exception:       # pylint: disable=broad-except
            self.bugs += 1
            traceback.print_exc(file=sys.stderr)

    def _run_timers(self):
        """Runs what is due and returns the seconds until the next timer, None if there is none.

        Only what was queued at entry is run, so a timer that re-arms itself cannot starve sockets.
        """
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            _, _, function, args = heapq.heappop(self.timers)
            self.guard(function, *args)
        if not self.timers:
            return None
        return max(0.0, self.timers[0][0] - time.monotonic())

# SPDX-License-Identifier: Apache-2.0
"""Listeners and connections: accept, TLS handshake, requests in, responses out.

The one idea: a connection hands one request at a time to its listener's handler and gets the
answer whenever the handler likes, so a hang is simply an answer that never comes.
"""
import socket
import ssl
import struct

from .http1 import BadRequest, Response, take_request
from .loop import READ, WRITE

WANT = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class Listener:
    """One port. `tls` is a map of SSL contexts by kind, or None for plain HTTP."""

    def __init__(self, sim, name, port, handler, tls=None):
        self.sim, self.name, self.handler, self.tls = sim, name, handler, tls
        self.sock = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        sim.loop.watch(self.sock, READ, self._accept)

    def _accept(self, _mask):
        for _ in range(64):
            try:
                sock, _address = self.sock.accept()
            except OSError:
                return
            try:
                Connection(self, sock)
            except OSError:             # the peer was gone before we looked
                sock.close()


class Connection:
    def __init__(self, listener, sock):
        self.listener, self.sim, self.loop = listener, listener.sim, listener.sim.loop
        self.number = self.sim.next_connection()
        self.sock = sock
        self.local, self.peer = sock.getsockname(), sock.getpeername()
        self.pid = None                 # pid of the peer, filled on demand
        self.inbox, self.outbox = bytearray(), bytearray()
        self.busy = self.gone = self.closing = self.pumping = False
        self.bad_certificate = False
        self.served = 0
        self.mask = READ
        self.shaken = listener.tls is None
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open()
        if not self.gone:
            self.sim.connections.add(self)

    def _open(self):
        """Connection faults act here, before the first byte of TLS."""
        fault = self.sim.connect_fault(self.listener)
        kind = fault.kind if fault else None
        if kind == "refuse":
            self.loop.watch(self.sock, READ, self._event)
            return self.drop(reset=True)
        if kind == "tls_hang":
            self.loop.watch(self.sock, READ, lambda _mask: self._discard())
            return self.loop.later(fault.seconds, self.drop)
        if kind == "tls_garbage":
            self.sock.send(b"HTTP/1.0 400 Bad Request\r\n\r\nthis is not TLS\r\n")
            self.loop.watch(self.sock, READ, self._event)
            return self.drop()
        if self.listener.tls:
            which = fault.certificate if kind == "certificate" else "good"
            self.bad_certificate = which != "good"
            self.sock = self.listener.tls[which].wrap_socket(
                self.sock, server_side=True, do_handshake_on_connect=False)
        self.loop.watch(self.sock, READ, self._event)

    def _discard(self):
        try:
            if not self.sock.recv(65536):
                self.close()
        except WANT:
            pass
        except OSError:
            self.close()

    def _event(self, mask):
        try:
            if not self.shaken:
                self._shake()
            if self.shaken and mask & WRITE:
                self._flush()
            if self.shaken and not self.gone:
                self._read()
        except WANT:
            pass
        except (OSError, ssl.SSLError):
            self.close()

    def _shake(self):
        try:
            self.sock.do_handshake()
            self.shaken = True
            self._interest(READ)
        except ssl.SSLWantWriteError:
            self._interest(READ | WRITE)
        except ssl.SSLWantReadError:
            self._interest(READ)
        except (OSError, ssl.SSLError):
            self.sim.tls["handshakes_failed"] += 1
            self.close()

    def _interest(self, mask):
        if mask != self.mask and not self.gone:
            self.mask = mask
            self.loop.change(self.sock, mask, self._event)

    def _read(self):
        """TLS may hold decrypted bytes that epoll does not know of, so read until it is dry."""
        while not self.gone:
            try:
                data = self.sock.recv(65536)
            except WANT:
                break
            if not data:
                return self.close()
            if self.bad_certificate:
                self.sim.tls["bytes_on_bad_certificate"] += len(data)
            self.inbox += data
            if not self.listener.tls and len(data) < 65536:
                break
        self._pump()

    def _pump(self):
        if self.pumping:
            return
        self.pumping = True
        try:
            while not (self.busy or self.gone or self.closing) and self.inbox:
                request, waits = take_request(self.inbox)
                if request is None:
                    if waits:
                        self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    break
                self.busy = True
                self.served += 1
                self.request = request
                self._hand_over(request)
        except BadRequest as error:
            self.inbox.clear()
            self.request = None
            self.reply(Response(error.status, str(error).encode(), "text/plain"), close=True)
        finally:
            self.pumping = False

    def _hand_over(self, request):
        bugs = self.loop.bugs
        self.loop.guard(self.listener.handler, self, request)
        if self.loop.bugs != bugs:
            self.drop()

    def reply(self, response, close=False, cut=None):
        """Sends the response; `cut` sends only that many bytes of the body and then closes."""
        if self.gone:
            return
        limit = self.sim.settings["keepalive_requests"]
        keep = not close and cut is None and self.request is not None \
            and self.request.keep_alive and not (limit and self.served >= limit)
        head = response.head(self.sim.clock.http_date(), keep or cut is not None)
        body = response.body if cut is None else response.body[:cut]
        if self.request is not None and self.request.method == "HEAD":
            body = b""
        self.closing = not keep
        self._write(head + body)
        self.busy = False
        self._pump()

    def trickle(self, response, seconds):
        """Sends the response one byte at a time, so that only a total time limit ends it."""
        data = response.head(self.sim.clock.http_date(), True) + response.body
        self._drip(data, 0, seconds)

    def _drip(self, data, position, seconds):
        if self.gone:
            return
        self._write(data[position:position + 1])
        if position + 1 < len(data):
            self.loop.later(seconds, self._drip, data, position + 1, seconds)
        else:
            self.busy = False
            self._pump()

    def _write(self, data):
        self.outbox += data
        try:
            self._flush()
        except WANT:
            pass
        except (OSError, ssl.SSLError):
            self.close()

    def _flush(self):
        while self.outbox:
            try:
                sent = self.sock.send(self.outbox[:65536])
            except WANT:
                return self._interest(READ | WRITE)
            del self.outbox[:sent]
        self._interest(READ)
        if self.closing:
            self._say_goodbye()

    def _say_goodbye(self):
        """A polite end: close_notify where there is TLS, then FIN, and no wait for the peer."""
        try:
            if self.listener.tls:
                self.sock.unwrap()
        except (OSError, ssl.SSLError, ValueError):
            pass
        self.close()

    def drop(self, reset=False):
        """The rude end: no close_notify; with reset the peer gets RST instead of FIN."""
        if self.gone:
            return
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        if self.gone:
            return
        self.gone = True
        self.loop.forget(self.sock)
        self.sim.connections.discard(self)
        self.sock.close()

"""A TCP proxy before a Redis that cuts commits off: before they arrive, in the middle, or after they were applied."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER, PART_OF_THE_ANSWER = "answer", "part of the answer"
REQUEST, PART_OF_THE_REQUEST = "request", "part of the request"
WHAT_IS_CUT = (REQUEST, PART_OF_THE_REQUEST, ANSWER, PART_OF_THE_ANSWER)
"""What gets lost: all of a commit or what follows its first bytes; or the same of its answer, when it was applied."""


class CuttingProxy:
    """Forwards bytes; while `cuts` is above zero an EVALSHA or its answer is dropped, and the connection with it.

    Args:
        port: The port of the Redis, on the loopback.
    """

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.commits = 0
        self.lost = ANSWER
        self._target = port
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._servers: set[socket.socket] = set()
        self._doomed: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wake, self._woken = socket.socketpair()
        for each in (self._listener, self._woken):
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._forward)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close every connection."""
        self._wake.send(b"!")
        self._thread.join()
        for each in (*self._peers, self._listener, self._wake, self._woken):
            each.close()
        self._selector.close()

    def _forward(self) -> None:
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            for sock in ready:
                assert isinstance(sock, socket.socket)
                if sock is self._woken:
                    return
                if sock is self._listener:
                    self._accept()
                elif sock in self._peers:
                    self._pass_on(sock)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        self._peers |= {client: server, server: client}
        self._servers.add(server)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a command in two pieces would wait for an ACK
            self._selector.register(each, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        peer = self._peers[sock]
        if sock not in self._servers and b"\r\nEVALSHA\r\n" in data:
            self.commits += 1
            if self.cuts > 0:
                self._doomed.add(sock)
        in_danger = peer in self._doomed if sock in self._servers else sock in self._doomed
        if data and in_danger and (sock in self._servers) == (self.lost in (ANSWER, PART_OF_THE_ANSWER)):
            self.cuts -= 1  # if it is the server's, it has applied
            peer.sendall(data[: len(data) // 2] if self.lost in (PART_OF_THE_REQUEST, PART_OF_THE_ANSWER) else b"")
            data = b""
        if not data:
            self._close(sock, peer)
            return
        peer.sendall(data)

    def _close(self, *pair: socket.socket) -> None:
        for each in pair:
            self._selector.unregister(each)
            del self._peers[each]
            self._servers.discard(each)
            self._doomed.discard(each)
            each.close()


@contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    """A proxy that runs for the length of a test."""
    proxy = CuttingProxy(port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()

"""A TCP proxy in front of a Redis that can lose the answer to a commit: applied there, never heard of here."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CuttingProxy:
    """Forwards bytes; while `cuts` is above zero the answer to an EVALSHA is dropped, and the connection with it.

    Args:
        port: The port of the Redis, on the loopback.
    """

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.commits = 0
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
            self._selector.register(each, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        peer = self._peers[sock]
        if sock in self._servers and peer in self._doomed and data:
            self.cuts -= 1  # the server has answered, so it has applied
            data = b""
        if not data:
            self._close(sock, peer)
            return
        if sock not in self._servers and b"\r\nEVALSHA\r\n" in data:
            self.commits += 1
            if self.cuts > 0:
                self._doomed.add(sock)
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

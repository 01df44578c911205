"""The example's ledger behind a real port, in a thread: for tests that call it over HTTP. It asserts nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import uvicorn
from attrs import frozen

from examples.services.bookkeeping import Behaviour
from examples.services.http_offers import HttpOffers
from examples.services.ledger import Ledger, app_of

TOKEN = "test-ledger-token"
SECRET = "test-callback-secret"


@frozen
class Served:
    """A ledger that is being served, and how a test talks to it.

    Args:
        url: Where it is.
        http: A client that shows no token.
        opened: What is closed at the end.
    """

    url: str
    http: httpx.Client
    opened: ExitStack

    def offers(self, token: str = TOKEN, *, timeout: float = 5.0) -> HttpOffers:
        """What an application is given of it."""
        offers = HttpOffers.at(self.url, token, timeout=timeout)
        self.opened.callback(offers.close)
        return offers

    def will(self, *behaviours: Behaviour) -> None:
        """Tells it what to do with the next requests."""
        self.http.put("/behaviour", json=behaviours).raise_for_status()

    def releases(self) -> int:
        """Has it let go of what it holds; how many that were."""
        found: int = self.http.post("/release").json()
        return found

    def calls_back(self) -> list[int]:
        """Has it tell the application what came of offers; what that answered."""
        return [each["status"] for each in self.http.post("/callbacks").json()]

    @property
    def made(self) -> list[dict[str, Any]]:
        """The offers that it made."""
        found: list[dict[str, Any]] = self.http.get("/offers").json()
        return found

    @property
    def requests(self) -> list[str]:
        """The key of each request for an offer."""
        found: list[str] = self.http.get("/requests").json()
        return found


@contextmanager
def served_ledger(callback_url: str = "") -> Iterator[Served]:
    """A ledger of its own, until the end of the block."""
    app = app_of(Ledger(TOKEN, callback_url, SECRET))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:  # it takes connections before the server is up
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            with ExitStack() as opened, httpx.Client(base_url=url, timeout=30.0) as http:
                http.get("/offers").raise_for_status()
                yield Served(url, http, opened)
        finally:
            server.should_exit = True
            thread.join()

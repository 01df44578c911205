"""What outlives the workers: the ledger of the examples as a server of its own, and a book that all of them share.

Each is a process: no death of a worker takes along what was done there, and what was done can be counted there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.managers import BaseManager
from typing import Any

import httpx
import uvicorn
from attrs import frozen

from examples.credex_book import Book, Credex
from examples.services.ledger import Ledger, app_of
from tests.crew import PROCESSES
from tests.examples.serving import SECRET, TOKEN, Served

AUTHKEY = b"of-a-test"


class CountingBook(Book):
    """The book of the examples, which keeps what was carried out; and a till, which pays whatever it paid before."""

    def __init__(self, at_first: Iterable[Credex] = ()) -> None:
        super().__init__(at_first)
        self.carried: list[dict[str, str]] = []

    def _refusal(self, action: str, effect_id: str, member_id: str, data: Any) -> str | None:
        refusal = super()._refusal(action, effect_id, member_id, data)
        if refusal is None:
            self.carried.append({"by": member_id, "key": effect_id, "what": action, "reference": effect_id})
        return refusal

    def pay(self, member_id: str, effect_id: str) -> str:
        """Pays, and gives the receipt."""
        reference = f"T-{len(self.carried) + 1:05}"
        self.carried.append({"by": member_id, "key": effect_id, "what": "pay", "reference": reference})
        return reference

    def paid(self, effect_id: str) -> str | None:
        """The receipt of a payment that was made."""
        return next((each["reference"] for each in self.carried if each["key"] == effect_id), None)

    def carried_by(self, member_id: str) -> list[dict[str, str]]:
        """What was carried out for a member."""
        return [each for each in self.carried if each["by"] == member_id]


_book = CountingBook.sample()


def _the_book() -> Book:
    return _book


class BookKeeper(BaseManager):
    """The process that has the book, or the way to it."""

    book: Any


BookKeeper.register("book", callable=_the_book)


def book_at(address: Any) -> Any:
    """The book that a process keeps, called from another."""
    keeper = BookKeeper(address, AUTHKEY)
    keeper.connect()
    return keeper.book()


def _serve(listening: socket.socket) -> None:
    app = app_of(Ledger(TOKEN, "", SECRET))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


@frozen
class Outside:
    """All of it.

    Args:
        ledger: The ledger, and how a test talks to it.
        address: Where the book is.
        book: The book.
    """

    ledger: Served
    address: Any
    book: Any

    def done_for(self, member_id: str) -> list[dict[str, Any]]:
        """What was paid and carried out for a member, in order."""
        made = [each for each in self.ledger.made if each["by"] == member_id]
        return [*made, *self.book.carried_by(member_id)]


@contextmanager
def outside() -> Iterator[Outside]:
    """The processes, until the end of the block."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        # which the connections inherit: an answer goes out in two pieces, and the second would wait for an ACK
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serving = PROCESSES.Process(target=_serve, args=(listening,), daemon=True)
        serving.start()
        opened.callback(serving.join)
        opened.callback(serving.kill)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        http = opened.enter_context(httpx.Client(base_url=url, timeout=30.0))
        http.get("/offers").raise_for_status()
        keeper: Any = opened.enter_context(BookKeeper(None, AUTHKEY, ctx=PROCESSES))
        yield Outside(Served(url, http, opened), keeper.address, keeper.book())

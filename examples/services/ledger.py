"""The other side: a ledger of credex offers as an HTTP server, which can be told to behave badly.

Run it, and talk to a flow that has it make offers (`examples.services.over_http`; both need the extra ``web``)::

    LEDGER_TOKEN=t uvicorn --factory examples.services.ledger:create_app --port 8010

    LEDGER_TOKEN=t fsmflow chat examples/offer.py --services examples/services/over_http.py:services

For `examples.webhook` it is told besides ``LEDGER_CALLBACK_URL=http://localhost:8000/outcomes``, and in
``LEDGER_CALLBACK_SECRET`` what it signs with.

- ``POST /offers`` makes an offer under its ``Idempotency-Key``: 201 and a receipt, once. The same key with the same
  body gets the same answer, a refusal too; with another body 422; while it is being worked on 409.
- ``GET /offers/{key}`` says what came of it: 200 and the receipt, 409 while it is being worked on, 202 where it was
  accepted, else 404. That 404 voids what was sent under the key so far: see `examples.services.http_service`.
- ``GET /offers`` lists each offer that was made, ``GET /requests`` the key of each that was asked for, in order: what a
  trial counts by.
- ``PUT /behaviour`` takes a list of `Behaviour`, one for each of the next requests; after those it answers:
  ``curl -X PUT localhost:8010/behaviour -d '["fail before", "break off"]'``.
- ``POST /release`` lets go of every request that is held, and answers once they are through: nothing here sleeps.
- ``POST /callbacks`` tells the application what came of what was accepted (or is told twice), and lists what it
  answered. What it does not answer with a 2xx is told again the next time.

Only who makes or asks for an offer must show the token: the rest is for trials, and not for the world.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httpx
from attrs import define, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from examples.services.bookkeeping import NOT_COVERED, Answer, Behaviour, Books, Json, problem
from examples.services.callbacks import SIGNATURE, signature_of
from examples.services.http_service import FENCE, KEY, key_of


@define
class Ledger:
    """The server.

    Args:
        token: What is shown by who makes offers.
        callback_url: Where it tells the application what came of an offer.
        callback_secret: What it signs that with.
        behaviours: What happens to the next requests.
        http: Sends the callbacks.
        books: What it keeps.
        requests: The keys that offers were asked for under.
        outbox: The keys of which the application is still to be told.
        held: For each request that is held the gate that it waits at, and what says that it is through.
    """

    token: str = field(repr=False)
    callback_url: str = ""
    callback_secret: str = field(default="", repr=False)
    behaviours: deque[Behaviour] = field(factory=deque)
    http: httpx.AsyncClient = field(factory=httpx.AsyncClient)
    books: Books = field(factory=Books)
    requests: list[str] = field(factory=list)
    outbox: list[str] = field(factory=list)
    held: list[tuple[asyncio.Event, asyncio.Event]] = field(factory=list)

    # -- offers --------------------------------------------------------------------------------------------------------

    async def make(self, request: Request) -> Response:
        """Makes an offer, or whatever it was told to do instead."""
        if not self.is_known(request):
            return sent(problem(401))
        key, fence = key_of(request.headers.get(KEY, "")), request.headers.get(FENCE, "0")
        body: Any = await read(request)
        if not key or not fence.isdecimal() or not isinstance(body, dict):
            return sent(problem(400))
        self.requests.append(key)
        behaviour = self.behaviours.popleft() if self.behaviours else Behaviour.ANSWER
        through = asyncio.Event()
        try:
            return await self._behave(behaviour, key, int(fence), body, through)
        finally:
            through.set()

    async def _behave(self, behaviour: Behaviour, key: str, fence: int, body: Json, through: asyncio.Event) -> Response:
        if behaviour is Behaviour.ARRIVE_LATE:
            await self._hold(through)
        if behaviour is Behaviour.FAIL_BEFORE:
            return sent(problem(503))
        answer = self.books.answer_to(key, fence, body)
        if answer is None:
            if behaviour is Behaviour.HANG:
                await self._hold(through)
            answer = self.books.work(key, behaviour)
            told = {Behaviour.ACCEPT: 1, Behaviour.ACCEPT_AND_REFUSE: 1, Behaviour.ANSWER_TWICE: 2}
            self.outbox += [key] * told.get(behaviour, 0)
        if behaviour is Behaviour.ANSWER_LATE:
            await self._hold(through)
        if behaviour is Behaviour.BREAK_OFF:
            return StreamingResponse(_broken_off(), headers={"Content-Length": "100"}, media_type="application/json")
        return sent(problem(503) if behaviour is Behaviour.FAIL_AFTER else answer)

    async def came_of(self, request: Request) -> Response:
        """Says what came of an offer."""
        if not self.is_known(request):
            return sent(problem(401))
        answer, fence = self.books.came_of(request.path_params["key"])
        response = sent(answer)
        if fence is not None:
            response.headers[FENCE] = str(fence)
        return response

    def is_known(self, request: Request) -> bool:
        """True if a request shows the token."""
        shown = request.headers.get("authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {self.token}".encode())

    # -- what a trial tells it, and asks -------------------------------------------------------------------------------

    async def list_offers(self, _: Request) -> Response:
        return JSONResponse(self.books.made)

    async def list_requests(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def be_told(self, request: Request) -> Response:
        told: Any = await read(request)
        if not isinstance(told, list) or not all(each in list(Behaviour) for each in told):
            return sent(problem(400, detail=f"Please send a list of: {', '.join(Behaviour)}."))
        self.behaviours = deque(map(Behaviour, told))
        return Response(status_code=204)

    async def release(self, _: Request) -> Response:
        held, self.held = self.held, []
        for gate, _through in held:
            gate.set()
        for _gate, through in held:
            await through.wait()
        return JSONResponse(len(held))

    async def call_back(self, _: Request) -> Response:
        """Tells the application what came of offers, each as often as it is in the outbox."""
        keys, self.outbox = self.outbox, []
        answered = []
        for key in keys:
            status = await self._tell(key, self.books.settle(key))
            if not 200 <= status < 300:
                self.outbox.append(key)
            answered.append({"key": key, "status": status})
        return JSONResponse(answered)

    async def _tell(self, key: str, answer: Answer) -> int:
        """Tells the application; the status that it answered, 0 where it answered nothing."""
        outcome: Json = {"receipt": answer.body} if answer.status == 201 else {"refused": NOT_COVERED}
        member_id = self.books.entries[key].body.get("by")
        raw = json.dumps({"effect_id": key, "member_id": member_id, **outcome}).encode()
        headers = {"Content-Type": "application/json", SIGNATURE: signature_of(self.callback_secret, raw)}
        try:
            return (await self.http.post(self.callback_url, content=raw, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0

    async def _hold(self, through: asyncio.Event) -> None:
        gate = asyncio.Event()
        self.held.append((gate, through))
        await gate.wait()


async def read(request: Request) -> Any:
    """The body as JSON; None where it is none."""
    try:
        return await request.json()
    except (ValueError, RecursionError):
        return None


def sent(answer: Answer) -> Response:
    """An answer as it goes out."""
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    return JSONResponse(answer.body, answer.status, media_type=kind)


async def _broken_off() -> AsyncIterator[bytes]:
    yield b"{"  # fewer bytes than were promised: the server closes the connection


def app_of(ledger: Ledger) -> Starlette:
    """The application of a ledger."""
    return Starlette(
        routes=[
            Route("/offers", ledger.make, methods=["POST"]),
            Route("/offers", ledger.list_offers, methods=["GET"]),
            Route("/offers/{key:path}", ledger.came_of, methods=["GET"]),
            Route("/requests", ledger.list_requests, methods=["GET"]),
            Route("/behaviour", ledger.be_told, methods=["PUT"]),
            Route("/release", ledger.release, methods=["POST"]),
            Route("/callbacks", ledger.call_back, methods=["POST"]),
        ]
    )


def create_app() -> Starlette:
    """The application, with ``LEDGER_TOKEN`` and the rest in the environment. A ledger takes nothing without a token.

    Raises:
        KeyError: There is no token in the environment.
    """
    url, secret = (os.environ.get(f"LEDGER_CALLBACK_{name}", "") for name in ("URL", "SECRET"))
    return app_of(Ledger(os.environ["LEDGER_TOKEN"], url, secret))

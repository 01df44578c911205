"""The endpoint that the ledger calls back: ``POST /outcomes`` says what came of an offer that it had accepted.

What it answers, and why. A service calls again until it hears a 2xx, so that is what it hears wherever calling again
would change nothing:

- **200** once the outcome is committed, and the member told. Also where nothing is open under that key: it was told
  before, or found out by asking; or whoever it was is forgotten. Those cannot be told apart, so there is no 404.
- **200** where it is committed and its reply could not be sent. The second time nothing would be open, and nothing
  would be sent; the member finds out with their next message. It is logged.
- **503** where it is not committed: Redis is away, a newer release runs that member's flow, or their flow fails at it,
  as it may no more after the next release.
- **401** for a wrong signature, **413** for a body that no callback is as large as, **400** for what is no callback.

Whatever else `due` finds, what a crash has left among it, is sent by ``fsmflow worker``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import field, frozen
from loguru import logger
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from examples.services.callbacks import SIGNATURE, Told, is_signed
from fsmflow import AsyncFlowRunner, Due, InvalidMemberId, OutcomeNotTaken, StoreUnavailable

LARGEST_BODY: Final = 3 * 1024 * 1024  # bytes; Meta's limit for a webhook's payload (webhooks/overview)


class SendAgain(Exception):
    """A reply could not be sent now, and may be later."""


@frozen
class Outcomes:
    """The endpoint.

    Args:
        secret: What the ledger signs with.
        runner: Knows which effects are open.
        tell: Sends what is to be sent; raises `SendAgain` if that is not possible now.
    """

    secret: str = field(repr=False)
    runner: AsyncFlowRunner
    tell: Callable[[Due], Awaitable[None]]

    async def receive(self, request: Request) -> Response:
        """Takes a callback."""
        try:
            raw = await read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if raw is None:
            return Response(status_code=413)
        if not is_signed(self.secret, raw, request.headers.get(SIGNATURE)):
            return Response(status_code=401)
        try:
            told = Told.of(raw)
            due = await self.runner.resolve(told.member_id, told.effect_id, told.outcome)
        except (ValueError, RecursionError, InvalidMemberId):
            logger.error("the ledger told something that is no outcome")
            return Response(status_code=400)
        except (OutcomeNotTaken, StoreUnavailable) as trouble:
            logger.error("an outcome must be told again: {}", type(trouble).__name__)
            return Response(status_code=503)
        if due is None:
            logger.info("the ledger told an outcome of nothing that is open")
            return Response(status_code=200)
        try:
            await self.tell(due)
        except SendAgain:
            logger.error("a member was not told what came of an offer")
        return Response(status_code=200)


async def read_body(request: Request) -> bytes | None:
    """The body as it was sent; None if it is over the limit, of which no more than the limit is ever read."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            return None
    return bytes(raw)

"""A WhatsApp webhook on Starlette: what an application has around fsmflow.

Run it, with the settings of `examples.webhook_settings` in the environment::

    uvicorn --factory examples.webhook:create_app

What it answers, and why:

- **401** for a wrong signature, **413** for a body over Meta's own 3 MB, **400** for one that is no webhook body.
- **500** where a message must come again, because nothing was decided (`StoreUnavailable`) or because its reply could
  not be sent. Meta delivers the whole body again; what was decided in it is then known to be a duplicate.
- **200** for all else, also where coming again would help nobody: a message that cannot be read, a reply that
  WhatsApp refuses for good. Both are logged. Meta would deliver them again for seven days.

**What moves money is an** `Action` **of its flow**, with the services that the runner is given; the ledger says at
``/outcomes`` what came of what it had accepted (`examples.webhook_outcomes`). What a completed sign-in asks for is done
before its reply is sent (`Webhook.act`), under the key of the run: a process that dies between the two gets the message
again, as a duplicate with the same run and data, and nothing is done twice.

**Replies are sent at least once.** The store knows which messages were decided, but not which replies arrived. A
duplicate comes with its stored reply, if it is its member's latest, and that is sent again unless this process knows
that it was sent; while it is still being sent, the duplicate is put off with a 500. Another process, or this one after
a restart, does not know: then a member may see a question twice, and never waits for one that was lost. Rejected: to
write "sent" to the store, which costs a round trip for each message and leaves the same doubt about a request that
timed out.

One member's messages are answered one after the other, which keeps their replies in order; different members of a body
side by side, so that nobody waits for what is done for another. A bot that is sent large batches would hand the sending
to a queue.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from attrs import define, field
from loguru import logger
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from examples import credex, sign_in
from examples.address import AddressFlow
from examples.offer import OfferFlow
from examples.order import OrderFlow
from examples.registration import RegistrationFlow
from examples.services.http_offers import HttpOffers
from examples.services.offers import Services
from examples.sign_in import RenameFlow, SignInFlow
from examples.webhook_outcomes import Outcomes, SendAgain, read_body
from examples.webhook_settings import Settings
from fsmflow import (
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Channel,
    Contended,
    Due,
    Flow,
    Inbound,
    InvalidMemberId,
    NewerState,
    PayloadError,
    Reply,
    StoreUnavailable,
)
from fsmflow.channels import whatsapp
from fsmflow.channels.base import Delivery
from fsmflow.runner import now

AT_ONCE = 100  # members of one delivery; each has a connection to Redis meanwhile
SENT_REMEMBERED = 10_000  # messages, a few MB; Meta delivers again within seconds at first

# Meta's codes for "try again": too many calls or messages, an error or maintenance on its side (support/error-codes)
TRY_AGAIN_CODES = frozenset({4, 80007, 130429, 131000, 131016, 131056, 131057})
TRY_AGAIN_STATUSES = frozenset({401, 408, 429})  # 401: our access token ran out, which an operator will mend

served: dict[str, type[Flow[Any]]] = {
    **{flow.flow_type: flow for flow in (OfferFlow, RegistrationFlow, OrderFlow, AddressFlow, SignInFlow, RenameFlow)},
    **credex.flows,
}


@define
class Webhook:
    """The endpoint: one for each process.

    Args:
        settings: The secrets.
        runner: Answers messages.
        http: Sends replies.
        sent: The messages whose replies this process has sent (True) or is sending (False), the latest last.
    """

    settings: Settings
    runner: AsyncFlowRunner
    http: httpx.AsyncClient
    sent: OrderedDict[tuple[str, str], bool] = field(factory=OrderedDict)

    async def verify(self, request: Request) -> Response:
        """Answers Meta's question whether this endpoint is ours."""
        challenge = whatsapp.verify_challenge(request.query_params, self.settings.verify_token)
        return Response(status_code=403) if challenge is None else PlainTextResponse(challenge)

    async def receive(self, request: Request) -> Response:
        """Takes a delivery."""
        try:
            raw = await read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it; raised, it would be a traceback that anybody can cause
        if raw is None:
            return Response(status_code=413)
        # over the raw bytes: parsed and written again they would be others
        if not whatsapp.verify_signature(self.settings.app_secret, raw, request.headers.get("x-hub-signature-256")):
            return Response(status_code=401)
        try:
            # int() takes no more than 4,300 digits, and would cost all messages for one absurd number
            delivery = whatsapp.parse(json.loads(raw, parse_int=float))
        except (ValueError, RecursionError, PayloadError):
            return Response(status_code=400)
        report(delivery)
        all_done = await self.answer_all(delivery)
        return Response(status_code=200 if all_done else 500)

    async def answer_all(self, delivery: Delivery) -> bool:
        """Answers every message of a delivery, different members side by side.

        Returns:
            False if one must be delivered again. One member's trouble costs the others nothing.
        """
        of_members: dict[Channel, list[Inbound]] = {}
        for inbound in delivery.inbounds:
            of_members.setdefault(inbound.channel, []).append(inbound)
        at_once = asyncio.Semaphore(AT_ONCE)
        answered = [self.answer_member(inbounds, at_once) for inbounds in of_members.values()]
        found = await asyncio.gather(*answered, return_exceptions=True)
        for fault in found:
            if isinstance(fault, BaseException):
                raise fault  # once all others are through
        return all(found)

    async def answer_member(self, inbounds: Sequence[Inbound], at_once: asyncio.Semaphore) -> bool:
        """Answers the messages of one member, one after the other.

        Returns:
            False if one must be delivered again. The later ones wait for it then, because the order in which they are
            answered is the member's to rely on.
        """
        async with at_once:
            for inbound in inbounds:
                try:
                    reply = await self.runner.handle(inbound)
                    self.act(inbound, reply)
                    await self.send(inbound, reply)
                except InvalidMemberId:
                    logger.warning("a message came from an address that cannot be a member's")
                except (Contended, NewerState, SendAgain) as trouble:
                    logger.warning("a message must be delivered again: {}", type(trouble).__name__)
                    return False
                except StoreUnavailable as trouble:
                    logger.error("a message must be delivered again: {}", type(trouble).__name__)
                    return False
        return True

    def act(self, inbound: Inbound, reply: Reply) -> None:
        """Does what a completed sign-in asks for, once for its run."""
        sign_in.carry_out(inbound.channel, reply)

    async def send(self, inbound: Inbound, reply: Reply) -> None:
        """Sends a reply, unless it is a duplicate's and known to be sent.

        Raises:
            SendAgain: It could not be sent now. The message delivered again is a duplicate with this reply stored.
        """
        key = (inbound.channel.type, inbound.message_id)
        if reply.duplicate and key in self.sent:
            if not self.sent[key]:
                raise SendAgain("it is being sent, and that may yet fail")
            return
        self.sent[key] = False
        try:
            for message in reply.messages:
                for body in whatsapp.render(message, to=inbound.channel):
                    await self.post(inbound.account, body)
        except BaseException:
            self.sent.pop(key, None)
            raise
        self.sent[key] = True
        while len(self.sent) > SENT_REMEMBERED:
            self.sent.popitem(last=False)

    async def tell(self, due: Due) -> None:
        """Sends what was due at a member who has sent nothing.

        Raises:
            SendAgain: It could not be sent now. It is not kept to be sent later.
        """
        for message in due.reply.messages:
            for body in whatsapp.render(message, to=due.channel):
                await self.post(due.account, body)

    async def post(self, account: str | None, body: Mapping[str, Any]) -> None:
        """Posts one body to the number that the member wrote to.

        Raises:
            SendAgain: It did not get through. What WhatsApp refuses for good is logged, and is not raised.
        """
        if account is None or not (account.isascii() and account.isdigit()):  # it becomes part of an address
            logger.error("a reply has no number to go out by")
            return
        try:
            response = await self.http.post(
                f"{self.settings.graph_url}/{account}/messages",
                json=body,
                headers={"Authorization": f"Bearer {self.settings.access_token}"},
            )
        except httpx.HTTPError as trouble:
            # its type alone: its text may hold the address that was called
            raise SendAgain(type(trouble).__name__) from None
        if response.is_success:
            return
        code = error_code(response)
        logger.error("WhatsApp did not take a reply: status {}, code {}", response.status_code, code)
        if response.is_server_error or response.status_code in TRY_AGAIN_STATUSES or code in TRY_AGAIN_CODES:
            raise SendAgain(str(code))


def error_code(response: httpx.Response) -> int | None:
    """The number that Meta names an error by; None if the response is none of Meta's."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None


def report(delivery: Delivery) -> None:
    """Logs what could not be read, and which replies did not arrive: places and codes, never what was said."""
    for unreadable in delivery.errors:
        logger.warning("a part of a delivery was not read: {}", unreadable.place)
    for status in delivery.statuses:
        if status.errors:
            logger.warning("a reply did not arrive: codes {}", [error.code for error in status.errors])


def create_app(
    settings: Settings | None = None,
    manager: AsyncFlowStateManager | None = None,
    http: httpx.AsyncClient | None = None,
    services: Services | None = None,
    clock: Callable[[], datetime] = now,
) -> Starlette:
    """Makes the application.

    Args:
        settings: From the environment by default.
        manager: Keeps the members' state; by default in the Redis that the settings name.
        http: Sends replies.
        services: What actions work with; by default the ledger that the settings name.
        clock: Tells the moment.

    Returns:
        The application. At its end it closes what it opened, and leaves open what it was handed.
    """
    settings = settings or Settings.from_environment()
    closing: list[Callable[[], Awaitable[None]]] = []
    if manager is None:
        manager = AsyncFlowStateManager.from_url(settings.redis_url)
        closing.append(manager.close)
    if http is None:
        http = httpx.AsyncClient(timeout=5.0)
        closing.append(http.aclose)
    if services is None:
        offers = HttpOffers.at(settings.ledger_url, settings.ledger_token)
        services = Services(offers)
        closing.append(offers.aclose)
    runner = AsyncFlowRunner(
        manager, served, authenticator=SignInFlow.accounts.who, sign_in=SignInFlow, services=services, clock=clock
    )
    webhook = Webhook(settings, runner, http)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for close in closing:
            await close()

    routes = [
        Route("/webhook", webhook.verify, methods=["GET"]),
        Route("/webhook", webhook.receive, methods=["POST"]),
        Route("/outcomes", Outcomes(settings.callback_secret, runner, webhook.tell).receive, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)

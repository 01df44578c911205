"""A member who talks to a runner: says, taps, waits, and is redelivered.

For tests that read as a conversation does. Every message has an id and a moment of its own, from a clock that only
`Talk.waits` moves; nothing here sleeps, and nothing asserts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from loguru import logger
from redis import Redis

from fsmflow import Channel, Flow, FlowStateManager, Inbound, Option, Reply, Step, StepType
from fsmflow.calls import drive
from fsmflow.messages import Message, options_of
from fsmflow.registry import Flows
from fsmflow.state import MemberState
from fsmflow.testing.ageing import ageing
from tests.sides import manager_on, runner_on

CONSOLE = Channel("console", "ann")
WHATSAPP = Channel("whatsapp", "15550001111")
SECRET = "S3CRET-9876"
_numbers = count()
BEGINNING = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)


@cache
def _embedded() -> Any:
    return FlowStateManager.in_memory().redis


class Offer(Flow):
    """Asks for an amount, for a handle, and for a confirmation."""

    flow_type = "offer"
    keywords: tuple[str, ...] = ("offer", "make an offer")

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    def confirmation(self) -> str:
        return f"Offer {self.data['amount']} to {self.data['handle']}?"

    steps: tuple[Step, ...] = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How much?",
            validator=valid_amount,
            transformer=parse_amount,
            refusal="An amount has digits only.",
        ),
        Step(id="handle", type=StepType.TEXT, message="To which handle?"),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled")),
        ),
    )

    def complete(self) -> str:
        return "The offer is made."


class Order(Flow):
    """Two questions with buttons, and one option id in both."""

    flow_type = "order"
    keywords: tuple[str, ...] = ("order",)
    steps = (
        Step(
            id="size",
            type=StepType.BUTTON,
            message="Which size?",
            options=(Option("yes", "Big"), Option("no", "Small")),
        ),
        Step(
            id="sure", type=StepType.BUTTON, message="Are you sure?", options=(Option("yes", "Yes"), Option("no", "No"))
        ),
    )

    def complete(self) -> str:
        return "Ordered."


class Talk:
    """One member's conversation, on the side at hand (`tests.sides`).

    Args:
        redis: Where the state is.
        prefix: What the keys begin with.
        flows: The runner's flows.
        channel: The member's address.
        dated: True if messages say when they were sent, to the whole second as WhatsApp's do.
        named: What the runner takes besides.
    """

    def __init__(
        self, redis: Redis, prefix: str, flows: Flows, *, channel: Channel = CONSOLE, dated: bool = True, **named: Any
    ) -> None:
        self.now = BEGINNING
        self.manager = manager_on(redis, prefix=prefix)
        self.redis = redis
        self.channel = channel
        self.dated = dated
        self.count = 0
        self.last: Reply | None = None
        self.answered: list[tuple[Inbound, Reply]] = []
        self.deploys(flows, **named)

    def deploys(self, flows: Flows, **named: Any) -> None:
        """Puts other code in place of the runner's; the state stays."""
        self.runner = runner_on(self.manager, flows, clock=lambda: self.now, **named)

    # -- what the member does ----------------------------------------------------------------------------------------

    def message(self, text: str | None = None, **fields: Any) -> Inbound:
        """A message that is not sent yet; `fields` are those of `Inbound`."""
        self.count += 1
        sent_at = self.now.replace(microsecond=0) if self.dated else None
        given = {"channel": self.channel, "message_id": f"m{self.count}", "text": text, "sent_at": sent_at, **fields}
        return Inbound(**given)

    def sends(self, inbound: Inbound) -> Reply:
        """Sends a message, a second time too."""
        self.last = self.runner.handle(inbound)
        self.answered.append((inbound, self.last))
        return self.last

    def says(self, *texts: str, **fields: Any) -> Reply:
        """Types one text after the other; the last reply counts."""
        replies = [self.sends(self.message(text, **fields)) for text in texts]
        return replies[-1]

    def taps(self, title: str, *, of: Reply | None = None) -> Reply:
        """Taps the button of a title, of the last reply or of an earlier one."""
        return self.sends(self.message(title, option_id=wire_id_of(of or self.last, title), kind="option"))

    def waits(self, **duration: float) -> None:
        """Lets time pass: what `timedelta` takes."""
        self.now += timedelta(**duration)

    def ages(self, **duration: float) -> None:
        """Lets time pass for the store as well: what is due comes nearer."""
        self.waits(**duration)
        passed = round(timedelta(**duration) / timedelta(milliseconds=1))
        execute: Any = self.redis.execute_command  # redis-py leaves it untyped
        drive(ageing(self.manager.layout.prefix, passed), lambda command: execute(*command))

    # -- what is known of it -----------------------------------------------------------------------------------------

    @property
    def member_id(self) -> str:
        return f"{self.channel.type}:{self.channel.identifier}"

    @property
    def key(self) -> str:
        return self.manager.layout.keys(self.member_id).state

    @property
    def state(self) -> MemberState:
        return self.manager.load(self.member_id)

    @property
    def data(self) -> Mapping[str, Any]:
        """The stored answers, as JSON has them; empty where no flow is stored."""
        found = self.state.flow_data
        return {} if found is None else found.data

    @property
    def fields(self) -> dict[str, bytes]:
        """The fields of the member's hash."""
        found: Any = self.redis.hgetall(self.key)
        return {name.decode(): value for name, value in found.items()}

    @property
    def quarantine(self) -> dict[str, bytes]:
        """What was put aside: the bytes by the name of their field."""
        pairs = [value.split(b"=", 1) for name, value in self.fields.items() if name.startswith("quarantine:")]
        return {name.decode(): raw for name, raw in pairs}

    @property
    def events(self) -> list[tuple[str, str, str | None]]:
        """The audit trail: event type, status and step of each entry."""
        return [(entry.event_type, entry.status, entry.step_id) for entry in self.manager.history(self.member_id)]


def words(reply: Reply) -> str:
    """All that a reply says, its messages parted by a line."""
    return "\n----\n".join(body_of(message) for message in reply.messages)


def body_of(message: Message) -> str:
    """What a message says above its options."""
    body = getattr(message, "body", "")
    return body if isinstance(body, str) else ""


def wire_id_of(reply: Reply | None, title: str) -> str:
    """The id that a button of a reply carries."""
    offered = [] if reply is None else [option for message in reply.messages for option in options_of(message)]
    return next(option.id for option in offered if option.title == title)


def in_memory(flows: Flows, **named: Any) -> Talk:
    """A conversation in a store of this process, with keys of its own: for promises that are tried on many values."""
    return Talk(_embedded(), f"talk-{next(_numbers)}", flows, **named)


@contextmanager
def records_of() -> Iterator[list[dict[str, Any]]]:
    """What loguru is given meanwhile, at any level, whole."""
    kept: list[dict[str, Any]] = []
    sink = logger.add(lambda message: kept.append(dict(message.record)), level=0)
    try:
        yield kept
    finally:
        logger.remove(sink)


def stored_bytes(redis: Redis, prefix: str) -> dict[str, bytes]:
    """Every byte of every key, but for the run itself and what was said."""
    found: dict[str, bytes] = {}
    for raw_key in redis.scan_iter(match=f"{prefix}*"):
        key = raw_key.decode()
        if key.endswith(":audit"):
            found[key] = repr(redis.xrange(key)).encode()
        elif key.endswith((":seen", ":due")):
            found[key] = repr(redis.zrange(key, 0, -1)).encode()
        else:
            fields: Any = redis.hgetall(key)
            found |= {f"{key} {name.decode()}": value for name, value in fields.items()}
    return {key: raw for key, raw in found.items() if key.split(" ")[-1] not in ("flow_data", "previous", "reply")}

"""A member's phone on WhatsApp, for the tests: what it sends becomes a webhook body, what it shows was rendered.

So a conversation goes the whole way, parse, handle and render, and a button is tapped by the id that was really sent.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

from redis import Redis

from fsmflow import Flow, FlowRunner, Reply
from fsmflow.channels import whatsapp
from fsmflow.registry import Flows
from tests.channels import payloads
from tests.channels.payloads import USER_ID, body_of
from tests.sides import manager_on, runner_on

START = 1795000000  # seconds since the epoch, as Meta writes them

Json = dict[str, Any]


def runner_of(redis: Redis, prefix: str, flows: Flows, **named: Any) -> FlowRunner:
    """A runner whose clock stands still an hour after the first message: the channel tells the time."""
    clock = datetime.fromtimestamp(START, timezone.utc) + timedelta(hours=1)
    return runner_on(manager_on(redis, prefix=prefix), flows, clock=lambda: clock, **named)


class Phone:
    """One member in one chat.

    Args:
        runner: Answers.
        user_id: The member's business-scoped id.
    """

    def __init__(self, runner: FlowRunner, user_id: str = USER_ID) -> None:
        self.runner = runner
        self.user_id = user_id
        self.member_id = f"whatsapp:{user_id}"
        self.choices: dict[str, Json] = {}
        self.reply: Reply | None = None
        self._count = itertools.count(1)

    def says(self, words: str) -> str:
        """Types, and reads the answer."""
        return self._send(typed(words))

    def taps(self, title: str) -> str:
        """Taps a choice of the last answer, and reads what comes then."""
        return self._send(self.choices[title])

    def _send(self, content: Json) -> str:
        body = body_of({"messages": [message(next(self._count), content, self.user_id)]})
        [inbound] = whatsapp.parse(body).inbounds
        self.reply = self.runner.handle(inbound)
        bodies = [sent for said in self.reply.messages for sent in whatsapp.render(said, to=inbound.channel)]
        assert [sent["recipient"] for sent in bodies] == [self.user_id] * len(bodies)
        self.choices = {title: tap for sent in bodies for title, tap in choices_of(sent).items()}
        return "\n".join(map(words_of, bodies))

    @property
    def status(self) -> str:
        """How the last message was taken."""
        assert self.reply is not None
        return self.reply.status

    @property
    def flow(self) -> Flow[Any]:
        """The flow as the store has it."""
        flow = self.runner.flow_of(self.member_id)
        assert flow is not None
        return flow


def typed(words: str) -> Json:
    """What a message holds whose words were typed."""
    return {"type": "text", "text": {"body": words}}


def message(number: int, content: Json, user_id: str = USER_ID) -> Json:
    """A message of a webhook body, sent `number` seconds after the start, with an id of that number."""
    fields = {"text": None, "from_user_id": user_id, "timestamp": str(START + number), **content}
    return payloads.text(f"wamid.{user_id}.{number}", **fields)


def choices_of(body: Json) -> dict[str, Json]:
    """What tapping each of a request body's buttons or rows sends, by their titles."""
    taps: dict[str, Json] = {}
    action = body.get("interactive", {}).get("action", {})
    for button in action.get("buttons", ()):
        taps[button["reply"]["title"]] = _tap("button_reply", button["reply"])
    for section in action.get("sections", ()):
        for row in section["rows"]:
            taps[row["title"]] = _tap("list_reply", row)
    return taps


def _tap(kind: str, choice: Json) -> Json:
    return {"type": "interactive", "interactive": {"type": kind, kind: choice}}


def words_of(body: Json) -> str:
    """What a member reads in a request body."""
    words = body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"]
    assert isinstance(words, str)
    return words

"""A sign-in by phone number and one-time code, and a flow that only who is signed in may go through.

It shows ``requires_auth``: who sends "change name" without being signed in goes through the sign-in first, and then on
to where they wanted to go. And what that needs of the application: an authenticator (`Accounts.who`), which says who is
at an address, and a session that is opened when the sign-in is completed (`carry_out`).

The code is ``sensitive``: it is in no log, audit entry, stored reply or picture. Which phone numbers have an account is
nobody's business, so an unknown one is asked for a code like any other; and after three wrong codes it is over.

A runner of these flows is made with both, as in `examples/webhook.py`::

    FlowRunner(manager, flows, authenticator=SignInFlow.accounts.who, sign_in=SignInFlow)
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from attrs import field, frozen

from examples.registration import tidy_name, valid_name
from fsmflow import Channel, Flow, Member, Reply, Step, StepType, Text, templates
from fsmflow.validators import Pattern

SESSION = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Accounts:
    """Who has an account and who is signed in, in memory: it takes the place of the service that sends the codes.

    Args:
        ids: The members' ids by phone number.
        code: The code that every member is sent; a real service makes a new one each time, and forgets it soon.
        clock: Tells the time.
    """

    def __init__(self, ids: Mapping[str, str], code: str, clock: Callable[[], datetime] = _now) -> None:
        self.names: dict[str, str] = {}
        self._ids, self._code, self._clock = ids, code, clock
        self._sessions: dict[Channel, Member] = {}
        self._done: set[str] = set()

    def is_right(self, phone: str, code: str) -> bool:
        """True if it is the code that was sent to a phone of ours."""
        return hmac.compare_digest(code, self._code) and phone in self._ids

    def who(self, channel: Channel) -> Member | None:
        """The authenticator. A session that has run out is given all the same: it says who the member was."""
        return self._sessions.get(channel)

    def sign_in(self, run_id: str, channel: Channel, phone: str) -> None:
        """Opens a session, once for each sign-in: a message that is delivered again must not open another."""
        if run_id not in self._done:
            self._done.add(run_id)
            self._sessions[channel] = Member(self._ids[phone], signed_in_until=self._clock() + SESSION)

    def rename(self, member_id: str, name: str) -> None:
        """Notes what a member is called. To do it twice changes nothing."""
        self.names[member_id] = name


@frozen
class Credentials:
    """What somebody signs in with.

    Args:
        phone: The phone number, with the code of the country.
        code: The code that was sent to it.
    """

    phone: str
    code: str = field(repr=False)


class SignInFlow(Flow[Credentials]):
    """A member proves who they are."""

    flow_type = "sign_in"
    accounts: ClassVar[Accounts] = Accounts({"+15550001111": "m1"}, "246810")  # an application puts its own here

    def right_code(self, value: str) -> bool:
        return self.accounts.is_right(self.data.phone, value)

    def complete(self) -> str:
        return "You are signed in."

    steps = (
        Step(
            id="phone",
            type=StepType.TEXT,
            message="What is your phone number, with the code of the country?",
            validator=Pattern(r"\+[1-9][0-9]{7,14}", "+15550001111", maximum=16, name="phone number"),
        ),
        Step(
            id="code",
            type=StepType.TEXT,
            message="We have sent you a code. What is it?",
            validator=right_code,
            refusal="That is not the code that we sent you.",
            sensitive=True,
            examples=("246810",),
            counterexamples=("000000",),
            max_attempts=3,
            on_exhausted="failed",
        ),
    )


@frozen
class NewName:
    """What a member wants to be called."""

    name: str


class RenameFlow(Flow[NewName]):
    """A member changes the name that we call them."""

    flow_type = "rename"
    keywords = ("change name",)
    requires_auth = True

    def complete(self) -> Text:
        return templates.receipt(self, "Done", [("Your name", self.data.name)])

    steps = (
        Step(
            id="name",
            type=StepType.TEXT,
            message="What shall we call you?",
            validator=valid_name,
            transformer=tidy_name,
            examples=("Ama",),
            counterexamples=("Ama2",),
        ),
    )


def carry_out(channel: Channel, reply: Reply) -> None:
    """Does what a completed flow asks for: opens a session, or notes a name.

    Args:
        channel: Where the message came from.
        reply: The reply to it, before it is sent; of a duplicate, too.
    """
    if reply.status != "completed":
        return
    if isinstance(reply.data, Credentials):
        SignInFlow.accounts.sign_in(str(reply.run_id), channel, reply.data.phone)
    elif isinstance(reply.data, NewName):
        SignInFlow.accounts.rename(reply.member_id, reply.data.name)


flows: list[type[Flow[Any]]] = [SignInFlow, RenameFlow]

"""A door with a doorkeeper: what tests of signing in talk to.

The application here keeps its sessions itself, as one does: `Door` is its list of who is signed in where. It takes note
of a sign-in as the test says: while the PIN is judged, or when the reply has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from redis import Redis

from fsmflow import Channel, Flow, Inbound, Member, Option, Reply, Step, StepType
from fsmflow.state import COMPLETED, FlowData
from tests.talking import BEGINNING, CONSOLE, Offer, Talk

TOKEN = "t0ken-4711-SPY"
PIN = "2468"


class Door:
    """The sessions of an application, by address.

    Args:
        known: The members by address that it knows also where they are not signed in.
    """

    def __init__(self, known: dict[Channel, str] | None = None) -> None:
        self.known = known or {}
        self.sessions: dict[Channel, Member] = {}
        self.asked: list[Channel] = []
        self.fault: Exception | None = None

    def __call__(self, channel: Channel) -> Any:
        self.asked.append(channel)
        if self.fault is not None:
            raise self.fault
        if channel in self.sessions:
            return self.sessions[channel]
        return Member(self.known[channel], BEGINNING - timedelta(days=1)) if channel in self.known else None

    def lets_in(self, channel: Channel = CONSOLE, member_id: str = "ann", **named: Any) -> None:
        """Takes note of a sign-in."""
        self.sessions[channel] = Member(member_id, token=TOKEN, **named)


class SignIn(Flow):
    """Asks for a PIN."""

    flow_type = "sign_in"
    keywords: tuple[str, ...] = ("sign in",)
    door: ClassVar[Door | None] = None

    def right(self, value: str) -> bool:
        if value == PIN and self.door is not None:
            self.door.lets_in(self.channel)
        return value == PIN

    steps = (Step("pin", StepType.TEXT, "Your PIN?", validator=right, refusal="That is not it.", sensitive=True),)

    def complete(self) -> str:
        return "Welcome."


class Transfer(Offer):
    """An offer for those who are signed in."""

    flow_type = "transfer"
    keywords: tuple[str, ...] = ("transfer",)
    requires_auth = True

    def complete(self) -> str:
        return "The transfer is made."


class Colour(Flow):
    """One choice, for everybody."""

    flow_type = "colour"
    steps = (Step("colour", StepType.BUTTON, "Which?", options=(Option("r", "Red"), Option("g", "Green"))),)


FLOWS: Sequence[type[Flow]] = (SignIn, Transfer, Colour)


class AtTheDoor(Talk):
    """A member who may have to sign in.

    Args:
        redis: Where the state is.
        prefix: What the keys begin with.
        flows: The flows, the sign-in among them.
        door: Who is signed in.
        named: What `Talk` takes.
    """

    def __init__(
        self, redis: Redis, prefix: str, flows: Any = FLOWS, *, door: Door | None = None, **named: Any
    ) -> None:
        self.door = door or Door()
        super().__init__(redis, prefix, flows, authenticator=self.door, sign_in="sign_in", **named)

    def signs_in(self, *, noticed: bool = True, **named: Any) -> Reply:
        """Gives the PIN; the application takes note of it with the reply, unless it does not."""
        reply = self.says(PIN)
        if noticed and reply.status == COMPLETED:
            self.door.lets_in(self.channel, **named)
        return reply

    def run_of(self, member_id: str) -> FlowData | None:
        """What is stored of a member."""
        return self.manager.load(member_id).flow_data

    def dies_of(self, inbound: Inbound, *, before: int) -> None:
        """Has the worker die of a message, before its n-th commit."""

        def mortal() -> Any:
            effects = self.runner._handling(inbound)
            commits = 0
            wish = next(effects)
            while True:
                commits += type(wish).__name__ == "Commit"
                if commits == before:
                    raise Died
                try:
                    wish = effects.send((yield wish))
                except StopIteration as stop:
                    return stop.value

        try:
            self.manager.drive(mortal())
        except Died:
            return
        raise AssertionError("it lived")


class Died(BaseException):
    """The worker is gone."""

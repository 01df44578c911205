"""Flows whose options live, and a shelf that holds what is on offer: what tests of them have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define

from fsmflow import Channel, Flow, Option, Reply, Section, Step, StepType
from fsmflow.channels import console, whatsapp
from fsmflow.channels.base import ChannelModule
from fsmflow.messages import ListMenu, Message, options_of

CHANNELS: Mapping[str, ChannelModule] = {"console": console, "whatsapp": whatsapp}


@define
class Shelf:
    """What is on offer, and how often it was looked at.

    Args:
        on_offer: What the flow's callable gives; an exception is raised.
        looked: How often.
    """

    on_offer: Any = ()
    looked: int = 0

    def give(self) -> Any:
        self.looked += 1
        if isinstance(self.on_offer, Exception):
            raise self.on_offer
        return self.on_offer


def accepting(shelf: Shelf, *, awaited: bool = False, kind: StepType = StepType.LIST, **named: Any) -> type[Flow]:
    """A flow in which one of the offers on a shelf is chosen, and it is then asked whether that is meant."""

    def pending_offers(self: Flow) -> Any:  # noqa: ARG001 - what it gives is the same for every member
        return shelf.give()

    async def pending_offers_later(self: Flow) -> Any:  # noqa: ARG001 - as above
        return shelf.give()

    asked = pending_offers_later if awaited else pending_offers

    class Accept(Flow):
        flow_type = "accept"
        keywords: tuple[str, ...] = ("accept",)
        steps = (
            Step("offer", kind, "Which offer?", options=asked, **named),
            Step("sure", StepType.BUTTON, "Sure?", options=(Option("yes", "Yes"), Option("no", "No", to="cancelled"))),
        )

        def complete(self) -> str:
            return f"Accepted {self.data.get('offer')}."

    return Accept


def offers(count: int) -> list[Option]:
    """So many offers, each with an id and a title of its own."""
    return [Option(f"id{number}", f"Offer {number}") for number in range(1, count + 1)]


def in_two(first: Iterable[Option], second: Iterable[Option]) -> list[Section]:
    return [Section("New", tuple(first)), Section("Old", tuple(second))]


def asked(reply: Reply) -> Message:
    """The question of a reply."""
    return reply.messages[-1]


def titles(reply: Reply) -> list[str]:
    """What can be tapped in a reply."""
    return [option.title for message in reply.messages for option in options_of(message)]


def own_ids(reply: Reply) -> list[str]:
    """The flow's own ids of what a reply offers, without the rows that turn the page."""
    return [option.id.partition(".")[2] for option in options_of(asked(reply)) if "." in option.id[:9]]


def turns(reply: Reply) -> dict[str, str]:
    """The rows of a reply that turn the page: their wire ids by their titles."""
    message = asked(reply)
    return {turn.title: turn.id for turn in message.turns} if isinstance(message, ListMenu) else {}


def fits(reply: Reply, channel: Channel) -> bool:
    """Has the channel render all of a reply, which raises where it is over a limit."""
    module = CHANNELS[channel.type]
    return all(module.render(message, to=channel) for message in reply.messages)

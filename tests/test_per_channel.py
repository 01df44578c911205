"""Several words for one step, one for each kind of channel."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from fsmflow import Channel, Flow, FlowDefinitionError, ListMenu, Option, PerChannel, Step, StepType, Text
from fsmflow.checks.review import review
from fsmflow.diagrams import dot
from fsmflow.messages import Buttons
from tests.on_offer import Shelf, accepting, asked, offers
from tests.talking import CONSOLE, WHATSAPP, Talk, in_memory, records_of, words

pytestmark = pytest.mark.usefixtures("side")


class Parcel(Flow):
    """Says each question in another form on WhatsApp: words, a message, a callable."""

    flow_type = "parcel"

    def size_in_full(self) -> Buttons:
        return Buttons(f"Which size, {self.channel.type}?", footer="S or L")

    steps = (
        Step("name", StepType.TEXT, PerChannel("Name?", whatsapp=Text("*Name?*"))),
        Step(
            "size",
            StepType.BUTTON,
            PerChannel("Size?", whatsapp=size_in_full),
            options=(Option("s", "Small"), Option("l", "Large")),
        ),
        Step("note", StepType.TEXT, PerChannel(lambda: "A note?", console="Anything else?")),
    )


@pytest.mark.parametrize(
    ("channel", "heard"),
    [
        (CONSOLE, ["Name?", "Size?", "Anything else?"]),
        (WHATSAPP, ["*Name?*", "Which size, whatsapp?", "A note?"]),
        (Channel("pigeon", "ann"), ["Name?", "Size?", "A note?"]),
    ],
)
def test_each_channel_hears_its_own_words_and_any_other_the_default(
    any_redis: Redis, prefix: str, channel: Channel, heard: list[str]
) -> None:
    talk = Talk(any_redis, prefix, [Parcel], channel=channel)
    assert [words(talk.says(text)) for text in ("parcel", "Ann", "Large")] == heard
    assert talk.says("none").status == "completed"
    assert talk.data == {"name": "Ann", "size": "l", "note": "none"}


def test_a_message_of_a_channel_keeps_its_header_and_footer() -> None:
    talk = in_memory([Parcel], channel=WHATSAPP)
    message = asked(talk.says("parcel", "Ann"))
    assert isinstance(message, Buttons)
    assert message.footer == "S or L"


def test_an_async_callable_of_one_channel_is_awaited(side: str) -> None:
    async def later() -> str:
        return "Later?"

    step = Step("name", StepType.TEXT, PerChannel("Name?", whatsapp=later))
    flow = type("Late", (Flow,), {"flow_type": "late", "steps": (step,)})
    if side == "sync":
        with pytest.raises(FlowDefinitionError, match="later must be awaited"):
            in_memory([flow])
        return
    assert words(in_memory([flow], channel=WHATSAPP).says("late")) == "Later?"


def test_options_that_live_have_words_of_each_channel_too() -> None:
    flow = accepting(Shelf(offers(4)))
    step = Step(
        "offer",
        StepType.LIST,
        PerChannel("Type a number.", whatsapp=ListMenu("Which?", "Offers")),
        options=flow.steps[0].live,
    )
    both = type("Both", (flow,), {"steps": (step, flow.steps[1])})
    message = asked(in_memory([both], channel=WHATSAPP).says("accept"))
    assert isinstance(message, ListMenu)
    assert (message.body, message.button) == ("Which?", "Offers")
    assert words(in_memory([both]).says("accept")) == "Type a number."


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (PerChannel(" "), "message must not be empty"),
        (PerChannel("Name?", whatsapp=""), "message must not be empty"),
        (PerChannel("Name?", whatsapp=5), "message must be words, a message, or a callable that gives one"),
        (PerChannel("Name?", whatsapp=Buttons("Name?")), "a TEXT step is asked with a str or a Text"),
        (PerChannel("Name?", whatsapp=str.replace), "the message replace must take"),
        (PerChannel(PerChannel("Name?")), "message must be words, a message, or a callable that gives one"),
    ],
)
def test_each_form_is_checked_when_the_class_is_made(said: Any, expected: str) -> None:
    with pytest.raises(FlowDefinitionError) as caught:
        type("Bad", (Flow,), {"flow_type": "bad", "steps": (Step("name", StepType.TEXT, said),)})
    assert (caught.value.flow, caught.value.step) == ("Bad", "name")
    assert caught.value.expected.startswith(expected)


def test_each_form_is_held_against_its_own_channels_limits_and_an_unknown_channel_is_told() -> None:
    long = PerChannel("x" * 9999, whatsapp="x" * 4097)
    odd = PerChannel("x" * 9999, whatsapp="Short?", whatsap="Short?")
    steps = (Step("long", StepType.TEXT, long), Step("odd", StepType.TEXT, odd))
    with records_of() as records:
        in_memory([type("Wide", (Flow,), {"flow_type": "wide", "steps": steps})])
    assert [record["message"] for record in records] == [
        "Wide, step 'long': whatsapp: body is 4097 long, the limit is 4096",
        "Wide, step 'odd': message says words for the channel 'whatsap', which this runner does not know",
    ]


def test_a_picture_shows_the_default() -> None:
    assert "Name?" in dot(Parcel)
    assert "*Name?*" not in dot(Parcel)


def test_the_check_of_flows_reads_each_form() -> None:
    found = review([f"{__file__}:Parcel"])
    assert [finding for finding in found.findings if finding.rule == "message-limit"] == []


class Built(Flow):
    """Builds its steps itself, and says them on each channel by methods of its own."""

    def __init__(self, flow_type: str, state: Any) -> None:
        self.who = state["member_id"]
        steps = [Step("name", StepType.TEXT, PerChannel(self.short, whatsapp=self.long))]
        super().__init__(f"{flow_type}_{self.who}", steps)

    def short(self) -> str:
        return f"{self.who}?"

    def long(self) -> str:
        return f"What is your name, {self.who}?"


def test_bound_methods_speak_for_their_own_member() -> None:
    for name in ("ann", "bob"):
        assert words(in_memory({"built": Built}, channel=Channel("console", name)).says("built")) == f"console:{name}?"
        said = words(in_memory({"built": Built}, channel=Channel("whatsapp", name)).says("built"))
        assert said == f"What is your name, whatsapp:{name}?"
    assert len(Built._shapes.definitions) == 1

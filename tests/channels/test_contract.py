"""What every channel promises, asked of every channel."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.channels import console, whatsapp
from fsmflow.channels.base import ChannelModule, Delivery, Limits, Status, Unreadable
from fsmflow.errors import LimitExceeded, PayloadError, UnsendableMessage
from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    Channel,
    Inbound,
    ListMenu,
    Location,
    Media,
    Message,
    Option,
    Section,
    Text,
)
from tests.channels.payloads import ODD, body_of, damaged, text

# Handing the modules over as ChannelModule is what has mypy compare them with the protocol.
CHANNELS: dict[str, ChannelModule] = {"console": console, "whatsapp": whatsapp}
GOOD_BODIES: dict[str, dict[str, Any]] = {
    "console": {"identifier": "me", "message_id": "m1", "text": "hi"},
    "whatsapp": body_of({"messages": [text("m1")], "statuses": [{"id": "s1", "status": "sent"}]}),
}
MESSAGES: tuple[Message, ...] = (
    Text("Hi"),
    Buttons("Agree?", (Option("yes", "Yes"), Option("no", "No"))),
    Buttons("Agree?"),
    ListMenu("Pick", sections=(Section("Days", (Option("mon", "Mon", "9-12"),)),)),
    ApprovedTemplate("reminder", "en_US", ({"type": "body", "parameters": [{"type": "text", "text": "Ama"}]},)),
    Media("image", link="https://e.test/a.png", caption="c"),
    Location(1.5, -2.5, name="n"),
)


@pytest.fixture(params=sorted(CHANNELS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(name: str) -> ChannelModule:
    return CHANNELS[name]


def test_the_module_has_what_the_protocol_says(name: str, channel: ChannelModule) -> None:
    members = {member for member in vars(ChannelModule) if not member.startswith("_")}
    assert members == {"limits", "parse", "render"}
    assert all(hasattr(channel, member) for member in members)
    assert isinstance(channel.limits, Limits)
    assert channel.limits.channel == name


def test_a_good_body_is_read_whole(name: str, channel: ChannelModule) -> None:
    delivery = channel.parse(GOOD_BODIES[name])
    assert [(one.channel.type, one.message_id, one.text, one.kind) for one in delivery.inbounds] == [
        (name, "m1", "hi", "text")
    ]
    assert delivery.errors == ()


def check_types(delivery: Delivery) -> None:
    for part, kind in ((delivery.inbounds, Inbound), (delivery.statuses, Status), (delivery.errors, Unreadable)):
        assert isinstance(part, tuple)
        assert all(isinstance(item, kind) for item in part)


@pytest.mark.parametrize("name", sorted(CHANNELS))
@given(data=st.data())
def test_a_body_is_read_with_typed_errors_or_refused_with_a_payload_error_whatever_it_is(
    name: str, data: st.DataObject
) -> None:
    body = data.draw(damaged(GOOD_BODIES[name]) | ODD)
    try:
        delivery = CHANNELS[name].parse(body)
    except PayloadError as error:
        assert error.expected  # noqa: PT017 - either outcome is right, and only these
        return
    check_types(delivery)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_is_rendered_as_bodies_that_can_be_posted(
    name: str, channel: ChannelModule, message: Message
) -> None:
    bodies = channel.render(message, to=Channel(name, "15550001111"))
    assert bodies
    assert all("15550001111" in body.values() for body in bodies)
    assert orjson.loads(orjson.dumps(bodies)) == bodies


@st.composite
def any_message(draw: st.DrawFn) -> Message:
    words = st.text(max_size=90)
    options = st.lists(st.builds(Option, words, words, words), max_size=12)
    sections = st.lists(st.builds(Section, words, options), max_size=3)
    maybe = st.none() | words
    return draw(
        st.one_of(
            st.builds(Text, words),
            st.builds(Buttons, words, options, maybe, maybe),
            st.builds(ListMenu, words, words, sections, maybe, maybe, st.integers(1, 99), options),
            st.builds(Media, st.sampled_from(["image", "audio"]), maybe, maybe, maybe, maybe),
            st.builds(Location, st.floats(), st.floats(), maybe, maybe),
        )
    )


@pytest.mark.parametrize("name", sorted(CHANNELS))
@given(message=any_message())
def test_rendering_and_the_limits_are_of_one_mind(name: str, message: Message) -> None:
    """What the check lets pass before the commit is rendered after it, and what it refuses is not."""
    channel = CHANNELS[name]
    refusal: Exception | None = None
    try:
        channel.limits.check(message)
    except (LimitExceeded, UnsendableMessage) as error:
        refusal = error
    if refusal is None:
        assert channel.render(message, to=Channel(name, "me"))
        return
    with pytest.raises(type(refusal)) as caught:
        channel.render(message, to=Channel(name, "me"))
    assert str(caught.value) == str(refusal)
    assert str(caught.value).startswith(f"{name}: ")

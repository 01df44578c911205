from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import fields
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    Channel,
    Inbound,
    ListMenu,
    Location,
    Media,
    Option,
    Reply,
    Section,
    Text,
    options_of,
)

CHANNEL = Channel("console", "me")


def test_a_moment_is_kept_as_it_is() -> None:
    moment = datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=2)))
    assert Inbound(CHANNEL, "1", sent_at=moment).sent_at is moment


def test_no_moment_is_none() -> None:
    assert Inbound(CHANNEL, "1").sent_at is None


@pytest.mark.parametrize("seconds", [0, 1_700_000_000, 1_700_000_000.25])
def test_seconds_since_the_epoch_become_a_moment_in_utc(seconds: float) -> None:
    moment = Inbound(CHANNEL, "1", sent_at=seconds).sent_at
    assert moment is not None
    assert moment.timestamp() == seconds
    assert moment.tzinfo is timezone.utc


@pytest.mark.parametrize(
    "wrong",
    [
        datetime(2024, 1, 1),
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        10**400,
        1_700_000_000_000,  # milliseconds
        True,
        "1700000000",
    ],
)
def test_what_is_no_moment_is_refused_when_the_message_is_made(wrong: Any) -> None:
    with pytest.raises(ValueError, match="sent_at must be an aware datetime"):
        Inbound(CHANNEL, "1", sent_at=wrong)


@pytest.mark.parametrize("nothing", ["", None])
def test_a_message_without_an_id_is_refused_as_two_of_them_would_be_taken_for_one(nothing: Any) -> None:
    with pytest.raises(ValueError, match="message_id must not be empty"):
        Inbound(CHANNEL, nothing, "12")


def test_a_member_is_named_or_left_to_be_derived_and_never_empty() -> None:
    assert (Inbound(CHANNEL, "1").member_id, Inbound(CHANNEL, "1", member_id="ann").member_id) == (None, "ann")
    with pytest.raises(ValueError, match="member_id must not be empty"):
        Inbound(CHANNEL, "1", member_id="")


@given(st.text(st.characters(categories=["L", "Cs", "So"]), min_size=1))
def test_every_text_that_came_in_can_be_stored(words: str) -> None:
    inbound = Inbound(
        Channel(words, words), words, text=words, option_id=words, sender_name=words, phone=words, kind="text"
    )
    for value in (
        inbound.channel.type,
        inbound.channel.identifier,
        inbound.message_id,
        inbound.text,
        inbound.option_id,
        inbound.sender_name,
        inbound.phone,
    ):
        assert value is not None
        value.encode()  # half a pair has no UTF-8
        assert len(value) <= len(words)


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_is_joined() -> None:
    assert Inbound(CHANNEL, "1", text="a\ud800b").text == "a\ufffdb"
    assert Inbound(CHANNEL, "1", text="\ud83d\ude00").text == "\N{GRINNING FACE}"


def test_ordinary_words_of_any_script_are_left_alone() -> None:
    words = "Ola, Grüße, नमस्ते, \N{GRINNING FACE}"
    assert Inbound(CHANNEL, "1", text=words).text == words


def test_what_a_member_sent_and_who_it_is_stay_out_of_a_repr() -> None:
    inbound = Inbound(
        CHANNEL, "wamid.1", text="4711", option_id="hiv_positive", sender_name="Ada Example", phone="+15550001111"
    )
    shown = repr(inbound)
    assert "wamid.1" in shown
    for hidden in ("4711", "hiv_positive", "Ada", "+15550001111"):
        assert hidden not in shown


@pytest.mark.parametrize(
    "value",
    [
        CHANNEL,
        Inbound(CHANNEL, "1"),
        Option("a", "A"),
        Section("", ()),
        Text("x"),
        Buttons("x"),
        ListMenu("x"),
        ApprovedTemplate("hello", "en_US"),
        Media("image", link="https://example.org/a.png"),
        Location(0.5, 1.5),
        Reply((), "m", None, None, "idle"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_cannot_be_changed(value: Any) -> None:
    name = fields(type(value))[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)


def test_collections_become_tuples() -> None:
    option = Option("a", "A")
    assert Buttons("x", [option]).options == (option,)
    assert ListMenu("x", sections=[Section("", [option])]).sections == (Section("", (option,)),)
    assert ApprovedTemplate("n", "en", [{"type": "body"}]).components == ({"type": "body"},)


def test_the_options_of_a_message_are_read_whatever_it_is() -> None:
    first, second, third = Option("a", "A"), Option("b", "B"), Option("c", "C")
    assert options_of(Buttons("x", (first, second))) == (first, second)
    menu = ListMenu("x", sections=(Section("one", (first,)), Section("two", (second, third))))
    assert options_of(menu) == (first, second, third)
    for message in (Text("x"), ApprovedTemplate("n", "en"), Media("image", id="1"), Location(0, 0)):
        assert options_of(message) == ()

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from fsmflow.channels import console
from fsmflow.channels.base import Unreadable
from fsmflow.errors import PayloadError
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
    options_of,
)

ME = Channel("console", "me")
LINE = {"identifier": "me", "message_id": "1", "text": "hello"}
MOMENT = datetime(2026, 11, 22, tzinfo=timezone.utc)


def text_of(message: Message) -> str:
    (body,) = console.render(message, to=ME)
    assert body["to"] == "me"
    assert set(body) == {"to", "text"}
    return str(body["text"])


def test_a_line_is_a_text_message() -> None:
    assert console.parse(LINE).inbounds == (Inbound(ME, "1", "hello"),)
    assert console.parse({**LINE, "text": ""}).inbounds[0].text == ""


@pytest.mark.parametrize("sent_at", [MOMENT, MOMENT.timestamp()])
def test_a_line_may_say_when_it_was_sent(sent_at: object) -> None:
    assert console.parse({**LINE, "sent_at": sent_at}).inbounds[0].sent_at == MOMENT


@pytest.mark.parametrize("sent_at", [datetime(2026, 11, 22), float("inf"), 10**400, "soon", []])  # naive is no moment
def test_a_moment_that_cannot_be_read_is_none(sent_at: object) -> None:
    assert console.parse({**LINE, "sent_at": sent_at}).inbounds[0].sent_at is None


@pytest.mark.parametrize("field", ["identifier", "message_id", "text"])
def test_a_missing_field_is_told_by_its_name(field: str) -> None:
    delivery = console.parse({name: value for name, value in LINE.items() if name != field})
    assert delivery.inbounds == ()
    assert [(type(error), error.place) for error in delivery.errors] == [(Unreadable, field)]


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_line_that_is_no_object_is_an_error(body: Any) -> None:
    with pytest.raises(PayloadError):
        console.parse(body)


def test_buttons_are_a_numbered_menu_between_the_words_and_the_footer() -> None:
    options = (Option("a", "Accept", "for good"), Option("b", "Decline"))
    assert text_of(Buttons("Agree?", options, header="Terms", footer="v2")) == (
        "Terms\n\nAgree?\n\n1. Accept – for good\n2. Decline\n\nv2"
    )


def test_the_numbers_of_a_list_run_through_its_sections_in_the_order_of_its_options() -> None:
    sections = (
        Section("Days", (Option("a", "Mon", "9-12"), Option("b", "Tue"))),
        Section("Nights", (Option("c", "Sat"),)),
    )
    menu = ListMenu("Pick", sections=sections)
    assert text_of(menu) == "Pick\n\nDays\n1. Mon – 9-12\n2. Tue\nNights\n3. Sat"
    assert [option.id for option in options_of(menu)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Text("Hi"), "Hi"),
        (Buttons("Agree?"), "Agree?"),
        (ListMenu("Pick"), "Pick"),
        (Media("image", link="https://e.test/a.png", caption="c"), "[image]\nhttps://e.test/a.png\nc"),
        (Media("document", id="1", filename="a.pdf"), "[document: a.pdf]"),
        (Location(1.5, -2.5, name="n", address="a"), "n\na\n1.5, -2.5"),
        (Location(1.5, -2.5), "1.5, -2.5"),
        (ApprovedTemplate("t", "en"), "[t, en]"),
        (
            ApprovedTemplate("t", "en", ({"type": "body", "parameters": [{"text": "Ama"}, {"image": {}}]},)),
            "[t, en]\nAma",
        ),
    ],
)
def test_every_other_message_is_sensible_text(message: Message, words: str) -> None:
    assert text_of(message) == words


def test_nothing_is_too_long_for_a_console() -> None:
    options = tuple(Option(str(index), "x" * 100) for index in range(50))
    assert text_of(Buttons("x" * 10_000, options)).count("\n") == 51

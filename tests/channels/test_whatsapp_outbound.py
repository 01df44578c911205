from __future__ import annotations

from typing import Any

import pytest

from fsmflow.channels import whatsapp
from fsmflow.errors import LimitExceeded, UnsendableMessage
from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    Channel,
    ListMenu,
    Location,
    Media,
    Message,
    Option,
    Section,
    Text,
)

MEMBER = Channel("whatsapp", "+15550001111")
YES, NO = Option("yes", "Yes"), Option("no", "No")


def content_of(message: Message) -> Any:
    (body,) = whatsapp.render(message, to=MEMBER)
    assert body["messaging_product"] == "whatsapp"
    assert body["recipient_type"] == "individual"
    assert body["to"] == "+15550001111"
    assert set(body) == {"messaging_product", "recipient_type", "to", "type", body["type"]}
    return {"type": body["type"], body["type"]: body[body["type"]]}


@pytest.mark.parametrize(
    "identifier",
    ["US.10000000000000001111", "GH.aB9", "US.ENT.10000000000000001111", "US." + "a" * 128],
)
def test_a_business_scoped_id_is_addressed_as_recipient(identifier: str) -> None:
    (body,) = whatsapp.render(Text("Hi"), to=Channel("whatsapp", identifier))
    assert body["recipient"] == identifier
    assert "to" not in body


@pytest.mark.parametrize(
    "identifier", ["15550001111", "+15550001111", "us.1", "USA.1", "US.", "US.a-b", "US." + "a" * 129, "US.1\n"]
)
def test_anything_else_is_addressed_as_a_phone_number(identifier: str) -> None:
    (body,) = whatsapp.render(Text("Hi"), to=Channel("whatsapp", identifier))
    assert body["to"] == identifier
    assert "recipient" not in body


def test_a_text_is_sent_without_a_preview_of_its_links() -> None:
    assert content_of(Text("Hi")) == {"type": "text", "text": {"body": "Hi", "preview_url": False}}


def test_buttons_are_sent_with_what_they_have() -> None:
    assert content_of(Buttons("Agree?", (YES, NO), header="h", footer="f"))["interactive"] == {
        "type": "button",
        "header": {"type": "text", "text": "h"},
        "body": {"text": "Agree?"},
        "footer": {"text": "f"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                {"type": "reply", "reply": {"id": "no", "title": "No"}},
            ]
        },
    }


def test_blank_headers_footers_and_descriptions_are_left_out() -> None:
    buttons = content_of(Buttons("Agree?", (YES,), header="", footer=" "))["interactive"]
    assert set(buttons) == {"type", "body", "action"}
    menu = content_of(ListMenu("Pick", sections=(Section("", (YES,)),), header=" ", footer=""))["interactive"]
    assert set(menu) == {"type", "body", "action"}
    assert menu["action"]["sections"] == [{"rows": [{"id": "yes", "title": "Yes"}]}]


def test_buttons_without_options_are_a_text_with_their_header_and_footer() -> None:
    assert content_of(Buttons("Agree?", header="Terms", footer="v2")) == content_of(Text("Terms\n\nAgree?\n\nv2"))


def test_a_list_is_sent_with_its_sections() -> None:
    sections = (Section("Days", (Option("r1", "Mon", "9-12"), Option("r2", "Tue"))), Section("Nights", (YES,)))
    assert content_of(ListMenu("Pick", "Options", sections))["interactive"] == {
        "type": "list",
        "body": {"text": "Pick"},
        "action": {
            "button": "Options",
            "sections": [
                {
                    "title": "Days",
                    "rows": [{"id": "r1", "title": "Mon", "description": "9-12"}, {"id": "r2", "title": "Tue"}],
                },
                {"title": "Nights", "rows": [{"id": "yes", "title": "Yes"}]},
            ],
        },
    }


def test_an_approved_template_is_sent_with_its_parameters_if_it_has_any() -> None:
    components = ({"type": "body", "parameters": [{"type": "text", "text": "Ama"}]},)
    assert content_of(ApprovedTemplate("reminder", "en_US", components))["template"] == {
        "name": "reminder",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ama"}]}],
    }
    assert set(content_of(ApprovedTemplate("reminder", "en_US"))["template"]) == {"name", "language"}


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (Media("image", id="1", caption="c"), {"type": "image", "image": {"id": "1", "caption": "c"}}),
        (
            Media("document", link="https://e.test/a.pdf", filename="a.pdf"),
            {"type": "document", "document": {"link": "https://e.test/a.pdf", "filename": "a.pdf"}},
        ),
        (Media("video", id="1", filename="v.mp4"), {"type": "video", "video": {"id": "1"}}),
        (Media("audio", id="1", caption=""), {"type": "audio", "audio": {"id": "1"}}),
        (
            Location(0.00001, -3.4, name="n", address="a"),
            {
                "type": "location",
                "location": {"latitude": "0.0000100", "longitude": "-3.4000000", "name": "n", "address": "a"},
            },
        ),
        (Location(1, 2), {"type": "location", "location": {"latitude": "1.0000000", "longitude": "2.0000000"}}),
    ],
)
def test_media_and_places_are_sent_with_what_they_have(message: Message, content: dict[str, Any]) -> None:
    assert content_of(message) == content


def rows(count: int) -> tuple[Option, ...]:
    return tuple(Option(f"r{index}", f"Row {index}") for index in range(count))


def menu(*options: Option, title: str = "") -> ListMenu:
    return ListMenu("Pick", sections=(Section(title, options),))


def template(kind: str, length: int) -> ApprovedTemplate:
    return ApprovedTemplate("t", "en", ({"type": kind, "parameters": [{"type": "text", "text": "x" * length}]},))


AT_THE_LIMIT: list[tuple[str, int, Any]] = [
    ("body", 4096, lambda size: Text("x" * size)),
    ("body", 4096, lambda size: Buttons("x" * size)),
    ("body", 1024, lambda size: Buttons("x" * size, (YES,))),
    ("header", 60, lambda size: Buttons("b", (YES,), header="x" * size)),
    ("footer", 60, lambda size: Buttons("b", (YES,), footer="x" * size)),
    ("buttons", 3, lambda size: Buttons("b", rows(size))),
    ("buttons[1].title", 20, lambda size: Buttons("b", (YES, Option("no", "x" * size)))),
    ("buttons[1].id", 256, lambda size: Buttons("b", (YES, Option("x" * size, "No")))),
    ("body", 1024, lambda size: ListMenu("x" * size, sections=(Section("", (YES,)),))),
    ("header", 60, lambda size: ListMenu("b", sections=(Section("", (YES,)),), header="x" * size)),
    ("footer", 60, lambda size: ListMenu("b", sections=(Section("", (YES,)),), footer="x" * size)),
    ("button", 20, lambda size: ListMenu("b", "x" * size, (Section("", (YES,)),))),
    ("sections", 10, lambda size: ListMenu("b", sections=tuple(Section("s", (row,)) for row in rows(size)))),
    ("rows", 10, lambda size: ListMenu("b", sections=(Section("s", (YES,)), Section("t", rows(size - 1))))),
    ("sections[0].title", 24, lambda size: menu(YES, title="x" * size)),
    ("sections[0].rows[1].title", 24, lambda size: menu(YES, Option("no", "x" * size))),
    ("sections[0].rows[1].description", 72, lambda size: menu(YES, Option("no", "No", "x" * size))),
    ("sections[0].rows[1].id", 200, lambda size: menu(YES, Option("x" * size, "No"))),
    ("caption", 1024, lambda size: Media("image", id="1", caption="x" * size)),
    ("components[0].parameters[0].text", 60, lambda size: template("header", size)),
    ("components[0].parameters[0].text", 1024, lambda size: template("body", size)),
    ("components", 10, lambda size: ApprovedTemplate("t", "en", ({"type": "button"},) * size)),
]


@pytest.mark.parametrize(("field", "limit", "message_of"), AT_THE_LIMIT)
def test_what_is_at_a_limit_is_sent_and_what_is_one_over_is_told_by_name(
    field: str, limit: int, message_of: Any
) -> None:
    whatsapp.render(message_of(limit), to=MEMBER)
    with pytest.raises(LimitExceeded) as caught:
        whatsapp.render(message_of(limit + 1), to=MEMBER)
    assert (caught.value.field, caught.value.limit, caught.value.length, caught.value.channel) == (
        field,
        limit,
        limit + 1,
        "whatsapp",
    )


def test_an_emoji_counts_as_two() -> None:
    whatsapp.render(Buttons("b", (Option("a", "👍" * 10),)), to=MEMBER)
    with pytest.raises(LimitExceeded) as caught:
        whatsapp.render(Buttons("b", (Option("a", "👍" * 10 + "x"),)), to=MEMBER)
    assert caught.value.length == 21


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Text(""), "body"),
        (Text(" \n"), "body"),
        (Buttons(""), "body"),
        (Buttons("", (YES,)), "body"),
        (Buttons("b", (Option("yes", " "),)), "buttons[0].title"),
        (Buttons("b", (Option("", "Yes"),)), "buttons[0].id"),
        (Buttons("b", (YES, Option("other", "Yes"))), "buttons[1].title"),
        (Buttons("b", (YES, Option("yes", "Other"))), "buttons[1].id"),
        (ListMenu("b"), "sections"),
        (ListMenu("", sections=(Section("", (YES,)),)), "body"),
        (ListMenu("b", "", (Section("", (YES,)),)), "button"),
        (ListMenu("b", sections=(Section("s", ()),)), "sections[0].rows"),
        (ListMenu("b", sections=(Section("s", (YES,)), Section("", (NO,)))), "sections[1].title"),
        (ListMenu("b", sections=(Section("s", (YES,)), Section("t", (YES,)))), "rows[1].id"),
        (menu(Option("a", "")), "sections[0].rows[0].title"),
        (ApprovedTemplate("", "en"), "name"),
        (ApprovedTemplate("t", ""), "language"),
        (Media("image"), "link"),
        (Media("image", link="https://e.test/a.png", id="1"), "link"),
        (Media("audio", id="1", caption="c"), "caption"),
        (Media("sticker", id="1", caption="c"), "caption"),
        (Location(91, 0), "latitude"),
        (Location(0, -181), "longitude"),
        (Location(float("nan"), 0), "latitude"),
    ],
)
def test_what_whatsapp_refuses_for_another_reason_is_told_by_name(message: Message, field: str) -> None:
    with pytest.raises(UnsendableMessage) as caught:
        whatsapp.render(message, to=MEMBER)
    assert (caught.value.field, caught.value.channel) == (field, "whatsapp")
    assert str(caught.value).startswith(f"whatsapp: {field}: ")


def test_two_rows_of_a_list_may_have_one_title() -> None:
    assert len(content_of(menu(YES, Option("other", "Yes")))["interactive"]["action"]["sections"][0]["rows"]) == 2

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import templates
from fsmflow.channels import console, whatsapp
from fsmflow.channels.base import ChannelModule
from fsmflow.channels.limits import length
from fsmflow.messages import Buttons, Channel, ListMenu, Message, Option, Section, Text
from fsmflow.templates import Addressee, Audience

MODULES: tuple[ChannelModule, ...] = (whatsapp, console)
CHATTING: Audience = Addressee("m1", Channel("whatsapp", "15550001111"))
TYPING: Audience = Addressee("m1", Channel("console", "me"))
AUDIENCES = st.sampled_from([CHATTING, TYPING])

# Letters of all kinds, what is markup or invisible or turns the writing, and strings that are far too long.
NASTY = st.text("*_~`>\n\r\t \u2028\u202e\u2066\u200b\u200d\u0301\x00\x1b👍🏽aé\u0661", max_size=40)
WORDS = st.one_of(st.text(), NASTY, st.builds(lambda words: words * 300, NASTY | st.text(min_size=1, max_size=20)))
LINES = st.lists(st.tuples(WORDS, WORDS), max_size=60)
MAYBE = st.none() | WORDS


class StandIn:
    """What a flow has that makes it an audience."""

    member_id = "m1"
    channel = Channel("whatsapp", "15550001111")


def test_a_prompt_gives_examples() -> None:
    assert templates.prompt(TYPING, "How much?", examples=("100", "USD 100")) == Text(
        "How much?\n\nFor example: 100, USD 100"
    )
    assert templates.prompt(CHATTING, "How much?", examples=("100", "USD 100")) == Text(
        "How much?\n\nFor example: *100*, *USD 100*"
    )
    assert templates.prompt(CHATTING, "How much?") == Text("How much?")


def test_a_flow_is_an_audience() -> None:
    assert templates.prompt(StandIn(), "Hi", examples=("a",)) == templates.prompt(CHATTING, "Hi", examples=("a",))


def test_a_confirmation_leaves_the_options_to_the_step() -> None:
    lines = (("Amount", "USD 100"), ("To", "ben"))
    assert templates.confirmation(CHATTING, "Offer", lines, question="Right?", footer="You can go back") == Buttons(
        "*Offer*\n\n*Amount:* USD 100\n*To:* ben\n\nRight?", footer="You can go back"
    )
    assert templates.confirmation(TYPING, "Offer", lines).body == "Offer\n\nAmount: USD 100\nTo: ben"
    assert templates.confirmation(TYPING, "Offer", ()).body == "Offer"


def test_confirming_and_declining_are_two_options_and_declining_leads_out() -> None:
    assert templates.confirm_or_decline() == (
        Option("confirm", "Confirm"),
        Option("decline", "Decline", to="cancelled"),
    )
    assert [option.title for option in templates.confirm_or_decline("Ja", "Nein", to="amount")] == ["Ja", "Nein"]


def test_a_menu_leaves_the_rows_to_the_step() -> None:
    assert templates.menu(CHATTING, "Pick", button="Open", footer="f") == ListMenu("Pick", "Open", footer="f")


def test_an_error_says_what_can_be_done() -> None:
    assert templates.error(CHATTING, "That did not work.") == Text("That did not work.")
    assert templates.error(CHATTING, "That did not work.", way_on="Try later.") == Text(
        "That did not work.\n\nTry later."
    )


def test_a_receipt_ends_with_its_reference() -> None:
    assert templates.receipt(CHATTING, "Paid", (("Amount", "5"),), reference="R-1") == Text(
        "*Paid*\n\n*Amount:* 5\n\n*Reference:* R-1"
    )


def test_lines_that_do_not_fit_are_replaced_by_one_and_the_reference_stays() -> None:
    lines = [(f"Line {index}", "x" * 200) for index in range(100)]
    body = templates.receipt(CHATTING, "Paid", lines, reference="R-1").body
    shown = body.split("\n")
    assert shown[-3:] == ["…", "", "*Reference:* R-1"]
    assert shown[2] == "*Line 0:* " + "x" * 119 + "…"
    assert 4096 - 160 < len(body) <= 4096


def test_a_value_cannot_forge_a_line() -> None:
    body = templates.receipt(CHATTING, "Paid", (("To", "ben\nAmount: 1,000\r\n\u2028Reference: R-9"),)).body
    assert body == "*Paid*\n\n*To:* ben Amount: 1,000 Reference: R-9"


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("*paid*", "\u2217paid\u2217"),
        ("_a_ ~b~ `c` ```d```", "\u02cda\u02cd \u223cb\u223c \u02cbc\u02cb \u02cb\u02cb\u02cbd\u02cb\u02cb\u02cb"),
        ("5*3 ama_k", "5*3 ama_k"),
        ("> quoted", "\u203a quoted"),
        ("a > b", "a > b"),
        ("a\u202eb\u2066c\u200bd\x1b[31me\x00", "abcd[31me"),
        ("half \ud83d", "half \ufffd"),
        (
            "👩\u200d👩\u200d👧 \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "👩\u200d👩\u200d👧 \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("", "–"),
        (" \n\u200b\u200d", "–"),
    ],
)
def test_a_value_is_shown_as_it_was_typed_and_does_nothing(typed: str, seen: str) -> None:
    assert templates.shown(CHATTING, typed) == seen


def test_a_mark_within_a_title_does_not_end_its_bold() -> None:
    assert templates.receipt(CHATTING, "5*3", ()).body == "*5\u22173*"


def test_where_there_is_no_markup_nothing_is_replaced() -> None:
    assert templates.shown(TYPING, "*paid* > _now_") == "*paid* > _now_"


@pytest.mark.parametrize(
    ("typed", "limit", "seen"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab   cdefg", 4, "ab…"),
        ("👍👍👍", 4, "👍…"),
        ("abe\u0301fg", 4, "ab…"),
        ("a👩\u200d👧bcd", 5, "a…"),
        ("abc", 1, "…"),
    ],
)
def test_what_is_too_long_ends_in_an_ellipsis_and_no_letter_is_cut_in_two(typed: str, limit: int, seen: str) -> None:
    assert templates.shown(TYPING, typed, limit=limit) == seen


def test_the_words_keep_their_lines() -> None:
    assert templates.prompt(CHATTING, "One\n\n\n\nTwo \r\nThree\n").body == "One\n\nTwo\nThree"


def test_the_limits_that_the_templates_keep_are_no_longer_than_any_channels_own() -> None:
    for module in MODULES:
        limits = module.limits
        for own, kept in (
            (limits.text_body, templates.TEXT_LIMIT),
            (limits.interactive_body, templates.BODY_LIMIT),
            (limits.list_button, templates.LABEL_LIMIT),
            (limits.footer, templates.FOOTER_LIMIT),
        ):
            assert own is None or kept <= own


def check_sendable(message: Message) -> None:
    """Every channel takes it, as it is and with the options that a step has for it."""
    rows = (Option("yes", "Yes"), Option("no", "No"))
    with_options: Message = message
    if isinstance(message, Buttons):
        with_options = Buttons(message.body, templates.confirm_or_decline(), message.header, message.footer)
    elif isinstance(message, ListMenu):
        with_options = ListMenu(message.body, message.button, (Section("", rows),), message.header, message.footer)
    for module in MODULES:
        if not isinstance(message, ListMenu):
            module.limits.check(message)
        module.limits.check(with_options)
        assert module.render(with_options, to=Channel(module.limits.channel, "me"))


def check_harmless(words: str) -> None:
    """No control character but the line's end, nothing that turns the writing, no half of a pair."""
    assert words.strip()
    assert {character for character in words if unicodedata.category(character) in ("Cc", "Cs")} <= {"\n"}
    assert not set(words) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@given(AUDIENCES, WORDS, st.lists(WORDS, max_size=8), WORDS)
def test_a_prompt_is_within_every_limit_whatever_is_in_it(
    audience: Audience, question: str, examples: list[str], label: str
) -> None:
    message = templates.prompt(audience, question, examples=examples, examples_label=label)
    check_harmless(message.body)
    check_sendable(message)


@given(AUDIENCES, WORDS, LINES, MAYBE, MAYBE)
def test_a_confirmation_is_within_every_limit_whatever_is_in_it(
    audience: Audience, title: str, lines: list[tuple[str, str]], question: str | None, footer: str | None
) -> None:
    message = templates.confirmation(audience, title, lines, question=question, footer=footer)
    check_harmless(message.body)
    assert (message.footer is None) == (footer is None)
    check_sendable(message)


@given(AUDIENCES, WORDS, WORDS, MAYBE)
def test_a_menu_is_within_every_limit_whatever_is_in_it(
    audience: Audience, body: str, button: str, footer: str | None
) -> None:
    message = templates.menu(audience, body, button=button, footer=footer)
    check_harmless(message.body)
    check_harmless(message.button)
    check_sendable(message)


@given(AUDIENCES, WORDS, MAYBE)
def test_an_error_is_within_every_limit_whatever_is_in_it(audience: Audience, reason: str, way_on: str | None) -> None:
    message = templates.error(audience, reason, way_on=way_on)
    check_harmless(message.body)
    check_sendable(message)


@given(AUDIENCES, WORDS, LINES, MAYBE, WORDS)
def test_a_receipt_is_within_every_limit_whatever_is_in_it(
    audience: Audience, title: str, lines: list[tuple[str, str]], reference: str | None, label: str
) -> None:
    message = templates.receipt(audience, title, lines, reference=reference, reference_label=label)
    check_harmless(message.body)
    check_sendable(message)


@given(AUDIENCES, WORDS, st.integers(1, 200))
def test_a_value_is_one_line_and_as_short_as_was_asked(audience: Audience, value: str, limit: int) -> None:
    seen = templates.shown(audience, value, limit=limit)
    check_harmless(seen)
    assert "\n" not in seen
    assert length(seen) <= limit


@given(st.lists(st.tuples(NASTY, NASTY), min_size=1, max_size=4), NASTY)
def test_a_receipt_has_as_many_lines_and_as_many_marks_as_its_builder_put_there(
    lines: list[tuple[str, str]], title: str
) -> None:
    written = templates.receipt(CHATTING, title, lines).body.split("\n")
    assert len(written) == 2 + len(lines)
    for line in (written[0], *written[2:]):
        assert line.startswith("*")
        at_an_edge = [
            index
            for index, character in enumerate(line)
            if character in "*_~`" and not line[index - 1 : index].isalnum() | line[index + 1 : index + 2].isalnum()
        ]
        assert len(at_an_edge) <= 2

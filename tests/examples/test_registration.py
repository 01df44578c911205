"""The registration keeps its promises: every transition, names of any script, and the whole way over WhatsApp."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redis import Redis

from examples.registration import NAME_LIMIT, Member, RegistrationFlow, flows, tidy_name, valid_name
from fsmflow import Channel, Refused
from fsmflow.channels import console
from fsmflow.testing import TransitionCase, transitions_of
from tests.examples.phone import Phone, runner_of

FIRST = {"first_name": "Ama"}
BOTH = {**FIRST, "last_name": "Mensah"}
ASKED = {
    "first_name": "What is your first name?",
    "last_name": "Thank you, Ama. And what is your last name?",
    "confirm": "Your name\n\nFirst name: Ama\nLast name: Mensah\n\nIs this right?\n\n1. Confirm\n2. Decline",
}
EXPIRED = "There was no answer for 5 minutes, so this was closed. Send register to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
ACCEPTED = "Please use letters, spaces, apostrophes and hyphens only."

# For each transition: the state after it, the answers, and what the member reads.
EXPECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "first_name-submit-last_name": ("last_name", FIRST, ASKED["last_name"]),
    "first_name-refused": ("first_name", {}, f"{ACCEPTED}\n\n{ASKED['first_name']}"),
    "first_name-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "first_name-restart-first_name": ("first_name", {}, ASKED["first_name"]),
    "first_name-expire-expired": ("expired", {}, EXPIRED),
    "last_name-submit-confirm": ("confirm", BOTH, ASKED["confirm"]),
    "last_name-refused": (
        "last_name",
        FIRST,
        f"That has no letters. {ACCEPTED}\n\n{ASKED['last_name']}",
    ),
    "last_name-back-first_name": ("first_name", FIRST, ASKED["first_name"]),
    "last_name-cancel-cancelled": ("cancelled", FIRST, "Cancelled."),
    "last_name-restart-first_name": ("first_name", {}, ASKED["first_name"]),
    "last_name-expire-expired": ("expired", FIRST, OFFERED),
    "confirm-submit-completed": (
        "completed",
        {**BOTH, "confirm": "confirm"},
        "Welcome\n\nYou are registered as: Ama Mensah",
    ),
    "confirm-submit[decline]-cancelled": ("cancelled", {**BOTH, "confirm": "decline"}, "Cancelled."),
    "confirm-refused": ("confirm", BOTH, f"Please choose one of the options.\n\n{ASKED['confirm']}"),
    "confirm-back-last_name": ("last_name", BOTH, ASKED["last_name"]),
    "confirm-cancel-cancelled": ("cancelled", BOTH, "Cancelled."),
    "confirm-restart-first_name": ("first_name", {}, ASKED["first_name"]),
    "confirm-expire-expired": ("expired", BOTH, OFFERED),
    "expired-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "expired-restart-first_name": ("first_name", {}, ASKED["first_name"]),
    "expired-resume-first_name": ("first_name", {}, ASKED["first_name"]),
    "expired-resume-last_name": ("last_name", FIRST, ASKED["last_name"]),
    "expired-resume-confirm": ("confirm", BOTH, ASKED["confirm"]),
}
CASES = transitions_of(RegistrationFlow)


def test_the_table_has_a_row_for_each_transition_and_no_other() -> None:
    assert sorted(map(str, CASES)) == sorted(EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.answers, shown["text"]) == EXPECTED[str(case)]


def test_what_the_steps_name_as_examples_is_what_is_taken() -> None:
    for step in RegistrationFlow.steps[:2]:
        flow = RegistrationFlow(member_id="m1", channel=Channel("console", "me"))
        flow.state = step.id
        assert [value for value in step.examples if not flow.may("submit", value)] == []
        assert [value for value in step.counterexamples if flow.may("submit", value)] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  ama   k ", "ama k"),
        ("O’Neill", "O'Neill"),
        ("O`Neill", "O'Neill"),
        ("Anne\N{HYPHEN}Marie", "Anne-Marie"),
        ("Jose\N{COMBINING ACUTE ACCENT}", "José"),
        ("\N{MODIFIER LETTER TURNED COMMA}Okina", "\N{MODIFIER LETTER TURNED COMMA}Okina"),
        ("Ama\u00a0K", "Ama K"),
        ("محمد", "محمد"),
        ("علی\u200cرضا", "علی\u200cرضا"),  # noqa: RUF001 - the letters of a Persian name
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("Нгози", "Нгози"),
        ("山田", "山田"),
    ],
)
def test_a_name_is_kept_as_its_bearer_writes_it_but_tidied(text: str, name: str) -> None:
    assert valid_name(text)
    assert tidy_name(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A" * (NAME_LIMIT + 1), f"Please use at most {NAME_LIMIT} characters."),
        ("'-'", f"That has no letters. {ACCEPTED}"),
        ("", f"That has no letters. {ACCEPTED}"),
        ("Ama7", ACCEPTED),
        ("Ama_K", ACCEPTED),
        ("Ama\N{RIGHT-TO-LEFT OVERRIDE}K", ACCEPTED),
        ("Ama\x00", ACCEPTED),
        ("Ama \U0001f600", ACCEPTED),
        ("Ama\u200d", ACCEPTED),
        ("Ama \u200cK", ACCEPTED),
        ("-Ama", "A name begins with a letter, and does not end with a hyphen."),
        ("Ama-", "A name begins with a letter, and does not end with a hyphen."),
        ("\N{COMBINING ACUTE ACCENT}Ama", "A name begins with a letter, and does not end with a hyphen."),
    ],
)
def test_what_is_no_name_is_refused_with_what_to_do(text: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        valid_name(text)
    assert refused.value.reason == reason


letters = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo"])


@given(
    st.lists(st.text(letters, min_size=1, max_size=8), min_size=1, max_size=4), st.sampled_from([" ", "-", "'", "’"])
)
def test_letters_of_every_script_make_a_name(parts: list[str], between: str) -> None:
    text = between.join(parts)
    assume(len(unicodedata.normalize("NFC", text)) <= NAME_LIMIT)
    assert valid_name(text)


@given(st.text(st.one_of(st.characters(), st.sampled_from("Aaé '-’\u200d\u0301")), max_size=60))
def test_what_is_taken_for_a_name_is_tidy_and_holds_nothing_else(text: str) -> None:
    flow = RegistrationFlow(member_id="m1", channel=Channel("console", "me"))
    flow.process_input(text)
    if "first_name" not in flow.answers:
        assert flow.refusal
        return
    name = flow.data.first_name
    assert 1 <= len(name) <= NAME_LIMIT
    assert tidy_name(name) == name
    assert valid_name(name)
    kinds = {unicodedata.category(mark) for mark in name if mark not in " '-\u200c\u200d"}
    assert kinds <= {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"}


def test_a_member_registers_over_whatsapp(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says("join") == ASKED["first_name"]
    assert phone.says("4ma").startswith(ACCEPTED)
    assert phone.says("Ama") == ASKED["last_name"]
    assert phone.says("O’Neill").startswith("*Your name*\n\n*First name:* Ama\n*Last name:* O'Neill")
    assert phone.taps("Confirm") == "*Welcome*\n\n*You are registered as:* Ama O'Neill"
    assert (phone.status, phone.flow.data) == ("completed", Member("Ama", "O'Neill"))


def test_a_name_of_another_script_comes_back_from_the_store_as_it_went_in(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    for words in ("register", "ශ්\u200dරී", "محمد"):
        phone.says(words)
    assert phone.taps("Decline") == "Cancelled."
    assert phone.flow.data == Member("ශ්\u200dරී", "محمد")

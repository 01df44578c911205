"""Signing in keeps its promises: every transition, who is let in, and that the code is nowhere to be found."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from examples.sign_in import SESSION, Accounts, Credentials, NewName, RenameFlow, SignInFlow, carry_out, flows
from fsmflow import Channel
from fsmflow.channels import console
from fsmflow.testing import Chat, TransitionCase, transitions_of
from tests.examples.phone import Phone, runner_of
from tests.talking import BEGINNING

PHONE, CODE = "+15550001111", "135791"
HERE = Channel("console", "ama")
GIVEN = {"phone": PHONE}
BOTH = {**GIVEN, "code": "246810"}
WHICH = "What is your phone number, with the code of the country?"
WHAT = "We have sent you a code. What is it?"
NAME = "What shall we call you?"
WRONG = "That is not the code that we sent you."
CLOSED = "There was no answer for 5 minutes, so this was closed. Send {} to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
LEFT = "Cancelled."

Rows = dict[str, tuple[str, dict[str, Any], str]]  # by str(case): the state, the answers, what the member reads

EXPECTED: dict[str, Rows] = {
    "sign_in": {
        "phone-submit-code": ("code", GIVEN, WHAT),
        "phone-refused": ("phone", {}, f"Please send it in this form: {PHONE}.\n\n{WHICH}"),
        "phone-cancel-cancelled": ("cancelled", {}, LEFT),
        "phone-restart-phone": ("phone", {}, WHICH),
        "phone-expire-expired": ("expired", {}, CLOSED.format("sign in")),
        "code-submit-completed": ("completed", BOTH, "You are signed in."),
        "code-refused": ("code", GIVEN, f"{WRONG}\n\n{WHAT}"),
        "code-exhausted-failed": ("failed", GIVEN, f"{WRONG}\n\nThis could not be completed."),
        "code-back-phone": ("phone", GIVEN, WHICH),
        "code-cancel-cancelled": ("cancelled", GIVEN, LEFT),
        "code-restart-phone": ("phone", {}, WHICH),
        "code-expire-expired": ("expired", GIVEN, OFFERED),
        "expired-cancel-cancelled": ("cancelled", {}, LEFT),
        "expired-restart-phone": ("phone", {}, WHICH),
        "expired-resume-phone": ("phone", {}, WHICH),
        "expired-resume-code": ("code", GIVEN, WHAT),
    },
    "rename": {
        "name-submit-completed": ("completed", {"name": "Ama"}, "Done\n\nYour name: Ama"),
        "name-refused": ("name", {}, f"Please use letters, spaces, apostrophes and hyphens only.\n\n{NAME}"),
        "name-cancel-cancelled": ("cancelled", {}, LEFT),
        "name-restart-name": ("name", {}, NAME),
        "name-expire-expired": ("expired", {}, CLOSED.format("change name")),
        "expired-cancel-cancelled": ("cancelled", {}, LEFT),
        "expired-restart-name": ("name", {}, NAME),
        "expired-resume-name": ("name", {}, NAME),
    },
}
CASES = [case for flow in flows for case in transitions_of(flow)]


def test_the_tables_have_a_row_for_each_transition_and_no_other() -> None:
    found = sorted((case.flow_type, str(case)) for case in CASES)
    assert found == sorted((flow_type, name) for flow_type, rows in EXPECTED.items() for name in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.flow_type}-{case}")
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.answers, shown["text"]) == EXPECTED[case.flow_type][str(case)]


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """Those of an application with one member, put in as it does; it is the moment at which conversations begin."""
    accounts = Accounts({PHONE: "m1"}, CODE, clock=lambda: BEGINNING)
    monkeypatch.setattr(SignInFlow, "accounts", accounts)
    return accounts


@pytest.fixture
def member(accounts: Accounts) -> Chat:
    return Chat(flows, channel=HERE, authenticator=accounts.who, sign_in=SignInFlow)


def says(chat: Chat, *words: str) -> Chat:
    """Says one after the other, and has the application act on each reply."""
    for each in words:
        chat.say(each)
        carry_out(HERE, chat.reply)
    return chat


def test_who_is_not_signed_in_is_taken_through_it_and_then_to_where_they_wanted_to_go(
    member: Chat, accounts: Accounts
) -> None:
    says(member, "change name").expect(step="phone", heard=f"Please sign in first.\n\n{WHICH}")
    says(member, PHONE, CODE).expect(status="completed", heard=f"You are signed in.\n\n{NAME}")
    says(member, "ama   mensah").expect(status="completed", data=NewName("ama mensah"))
    assert accounts.names == {"m1": "ama mensah"}
    says(member, "change name").expect(heard=NAME)


def test_a_session_runs_out_and_is_not_opened_again_by_a_message_that_is_delivered_again(
    member: Chat, accounts: Accounts
) -> None:
    says(member, "sign in", PHONE, CODE).expect(status="completed")
    session = accounts.who(HERE)
    member.redeliver().expect(status="completed", duplicate=True)
    assert member.reply.data == Credentials(PHONE, CODE)
    carry_out(HERE, member.reply)
    assert accounts.who(HERE) is session
    member.wait(seconds=SESSION.total_seconds() + 1)
    says(member, "change name").expect(step="phone", heard=f"Please sign in first.\n\n{WHICH}")


@pytest.mark.parametrize(("phone", "code"), [(PHONE, "246810"), ("+15550002222", CODE)])
def test_neither_a_wrong_code_nor_an_unknown_phone_lets_anybody_in_and_the_two_look_alike(
    member: Chat, accounts: Accounts, phone: str, code: str
) -> None:
    says(member, "change name", phone).expect(step="code", heard=WHAT)
    says(member, code).expect(status="refused", heard=f"{WRONG}\n\n{WHAT}")
    says(member, code, code).expect(status="failed")
    assert accounts.who(HERE) is None
    assert "Send change name to start again." in member.heard


def test_the_code_is_in_no_trail_nor_in_what_represents_the_answers(
    any_redis: Redis, prefix: str, accounts: Accounts
) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows, authenticator=accounts.who, sign_in=SignInFlow))
    for words in ("change name", PHONE, CODE):
        phone.says(words)
    assert phone.reply is not None
    assert phone.reply.data == Credentials(PHONE, CODE)
    assert CODE not in repr(phone.reply.data)
    keys = phone.runner.manager.layout.keys(phone.member_id)
    assert PHONE in repr(any_redis.xrange(keys.audit))
    assert CODE not in repr(any_redis.xrange(keys.audit))


def test_only_the_flow_that_changes_something_is_for_who_is_signed_in() -> None:
    assert [flow.requires_auth for flow in (SignInFlow, RenameFlow)] == [False, True]

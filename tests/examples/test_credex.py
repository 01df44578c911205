"""The class that builds its steps keeps its promises under each of its four flow types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from examples.credex import ACTIONS, OPEN_CREDEX, CredexFlow, flows
from examples.offer import Denomination, Money
from fsmflow import Text
from fsmflow.channels import console
from fsmflow.testing import TransitionCase, transitions_of
from tests.examples.phone import Phone, runner_of

OFFER = "credex_offer"
FIRST = OPEN_CREDEX[0]
NO_CHOICE = "Please choose one of the options."
EXPIRED = "There was no answer for 5 minutes, so this was closed. Send {} to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
LEFT = "Cancelled."

Rows = dict[str, tuple[str, dict[str, Any], str]]  # by str(case): the state, the answers, what the member reads


def offer_rows() -> Rows:
    amount = {"amount": Money(Decimal(100), Denomination.USD)}
    handle = {**amount, "handle": "ama_k"}
    how_much = "How much do you offer?\n\nFor example: 100, USD 100"
    to_whom = "To which handle?"
    confirm = "Your offer\n\nAmount: USD 100\nTo: ama_k\n\nSend this offer?\n\n1. Yes\n2. No"
    no_amount = "Please send an amount such as 100, USD 100 or 99.50 USD, without commas or signs."
    form = "A handle has 3 to 30 letters, digits and underscores, and begins with a letter."
    no_handle = f"Nobody can have that handle.\n\n{form}"
    return {
        "amount-submit-handle": ("handle", amount, to_whom),
        "amount-refused": ("amount", {}, f"{no_amount}\n\n{how_much}"),
        "amount-cancel-cancelled": ("cancelled", {}, LEFT),
        "amount-restart-amount": ("amount", {}, how_much),
        "amount-expire-expired": ("expired", {}, EXPIRED.format("credex offer")),
        "handle-submit-confirm": ("confirm", handle, confirm),
        "handle-refused": ("handle", amount, f"{no_handle}\n\n{to_whom}"),
        "handle-back-amount": ("amount", amount, how_much),
        "handle-cancel-cancelled": ("cancelled", amount, LEFT),
        "handle-restart-amount": ("amount", {}, how_much),
        "handle-expire-expired": ("expired", amount, OFFERED),
        "confirm-submit-completed": (
            "completed",
            {**handle, "confirm": "confirm"},
            "Credex offered\n\nAmount: USD 100\nTo: ama_k",
        ),
        "confirm-submit[decline]-cancelled": ("cancelled", {**handle, "confirm": "decline"}, LEFT),
        "confirm-refused": ("confirm", handle, f"{NO_CHOICE}\n\n{confirm}"),
        "confirm-back-handle": ("handle", handle, to_whom),
        "confirm-cancel-cancelled": ("cancelled", handle, LEFT),
        "confirm-restart-amount": ("amount", {}, how_much),
        "confirm-expire-expired": ("expired", handle, OFFERED),
        "expired-cancel-cancelled": ("cancelled", {}, LEFT),
        "expired-restart-amount": ("amount", {}, how_much),
        "expired-resume-amount": ("amount", {}, how_much),
        "expired-resume-handle": ("handle", amount, to_whom),
        "expired-resume-confirm": ("confirm", handle, confirm),
    }


def choice_rows(action: str, done: str) -> Rows:
    credex = {"credex": "cx1001"}
    rows = "1. USD 100 – from ama_k\n2. ZWG 2500.50 – from kofi\n3. XAU 0.5 – from yaw_b"
    which = f"Which credex do you want to {action}?\n\n{rows}"
    confirm = f"Your choice\n\nCredex: USD 100 from ama_k\n\nReally {action} this credex?\n\n1. Yes\n2. No"
    return {
        "credex-submit-confirm": ("confirm", credex, confirm),
        "credex-refused": ("credex", {}, f"{NO_CHOICE}\n\n{which}"),
        "credex-cancel-cancelled": ("cancelled", {}, LEFT),
        "credex-restart-credex": ("credex", {}, which),
        "credex-expire-expired": ("expired", {}, EXPIRED.format(f"credex {action}")),
        "confirm-submit-completed": (
            "completed",
            {**credex, "confirm": "confirm"},
            f"{done}\n\nCredex: USD 100 from ama_k",
        ),
        "confirm-submit[decline]-cancelled": ("cancelled", {**credex, "confirm": "decline"}, LEFT),
        "confirm-refused": ("confirm", credex, f"{NO_CHOICE}\n\n{confirm}"),
        "confirm-back-credex": ("credex", credex, which),
        "confirm-cancel-cancelled": ("cancelled", credex, LEFT),
        "confirm-restart-credex": ("credex", {}, which),
        "confirm-expire-expired": ("expired", credex, OFFERED),
        "expired-cancel-cancelled": ("cancelled", {}, LEFT),
        "expired-restart-credex": ("credex", {}, which),
        "expired-resume-credex": ("credex", {}, which),
        "expired-resume-confirm": ("confirm", credex, confirm),
    }


EXPECTED = {
    OFFER: offer_rows(),
    "credex_accept": choice_rows("accept", "Credex accepted"),
    "credex_decline": choice_rows("decline", "Credex declined"),
    "credex_cancel": choice_rows("cancel", "Credex cancelled"),
}
CASES = [case for flow_type, flow in flows.items() for case in transitions_of(flow, flow_type)]


def test_the_tables_have_a_row_for_each_transition_and_no_other() -> None:
    found = sorted((case.flow_type, str(case)) for case in CASES)
    assert found == sorted((flow_type, name) for flow_type, rows in EXPECTED.items() for name in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.flow_type}-{case}")
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.data, shown["text"]) == EXPECTED[case.flow_type][str(case)]


def structure(flow_type: str, member_id: str = "m1") -> dict[str, Any]:
    channel = {"type": "console", "identifier": "me"}
    data = {"flow_type": flow_type, "channel": channel}
    return {
        "member_id": member_id,
        "channel": channel,
        "flow_data": {"id": f"{flow_type}_{member_id}", "step": 0, "data": data},
    }


def test_a_flow_is_constructed_from_a_flow_type_and_a_state() -> None:
    flow = CredexFlow(OFFER, structure(OFFER))
    assert (flow.id, flow.member_id, flow.channel_id) == ("credex_offer_m1", "m1", "me")
    assert flow.process_input("5 cad") == Text("To which handle?")
    assert flow.data == {"amount": Money(Decimal(5), Denomination.CAD)}


def test_members_share_a_machine_but_no_answer() -> None:
    ama, kofi = (CredexFlow(OFFER, structure(OFFER, member_id)) for member_id in ("ama", "kofi"))
    assert ama.machine is kofi.machine
    ama.process_input("5 cad")
    kofi.process_input("7 xau")
    ama.process_input("handle_of_ama")
    kofi.process_input("handle_of_kofi")
    assert "CAD 5" in ama.question.body  # type: ignore[union-attr]  # a confirmation has a body
    assert "XAU 7" in kofi.question.body  # type: ignore[union-attr]  # as above


# -- over WhatsApp and Redis ------------------------------------------------------------------------------------------


def test_the_member_is_told_how_each_flow_is_started(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    expected = "You can send: credex offer, credex accept, credex decline, credex cancel."
    assert phone.says("hello") == expected


def test_an_offer_goes_through(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says("Credex offer").startswith("How much do you offer?")
    assert phone.says("0").startswith("Please send an amount of more than zero.")
    assert phone.says("0.25 xau") == "To which handle?"
    assert phone.says("kofi").endswith("Send this offer?")
    assert phone.taps("Yes") == "*Credex offered*\n\n*Amount:* XAU 0.25\n*To:* kofi"
    assert phone.status == "completed"
    money = Money(Decimal("0.25"), Denomination.XAU)
    assert phone.flow.data == {"amount": money, "handle": "kofi", "confirm": "confirm"}


@pytest.mark.parametrize("flow_type", ACTIONS)
@pytest.mark.parametrize("chosen", OPEN_CREDEX, ids=lambda option: option.id)
def test_an_open_credex_is_chosen_from_a_list_and_confirmed(
    any_redis: Redis, prefix: str, flow_type: str, chosen: Any
) -> None:
    action, done = ACTIONS[flow_type]
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says(flow_type.replace("_", " ")) == f"Which credex do you want to {action}?"
    assert list(phone.choices) == [option.title for option in OPEN_CREDEX]
    assert phone.taps(chosen.title).endswith(f"Really {action} this credex?")
    assert phone.taps("Yes") == f"*{done}*\n\n*Credex:* {chosen.title} {chosen.description}"
    assert phone.status == "completed"
    assert phone.flow.id == f"{flow_type}_{phone.member_id}"
    assert phone.flow.data == {"credex": chosen.id, "confirm": "confirm"}


@pytest.mark.parametrize("flow_type", flows)
def test_saying_no_completes_nothing(any_redis: Redis, prefix: str, flow_type: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says(flow_type)
    if flow_type == OFFER:
        phone.says("5")
        phone.says("kofi")
    else:
        phone.taps(FIRST.title)
    assert phone.taps("No") == "Cancelled."
    assert (phone.status, phone.flow.state) == ("cancelled", "cancelled")
    events = [entry.event_type for entry in phone.runner.manager.history(phone.member_id)]
    assert "complete" not in events


def test_one_flow_follows_another_and_none_sees_the_others_answers(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    for words in ("credex offer", "5", "kofi", "yes"):
        phone.says(words)
    assert phone.status == "completed"
    phone.says("credex cancel")
    assert phone.flow.data == {}
    phone.taps(FIRST.title)
    assert phone.flow.data == {"credex": FIRST.id}
    state = phone.runner.manager.load(phone.member_id).to_dict()
    assert state["member_id"] == phone.member_id
    assert state["flow_data"]["id"] == f"credex_cancel_{phone.member_id}"
    assert state["flow_data"]["step"] == 1
    assert state["flow_data"]["data"] == {
        "flow_type": "credex_cancel",
        "channel": {"type": "whatsapp", "identifier": phone.user_id},
        "credex": FIRST.id,
    }

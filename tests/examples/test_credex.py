"""The class that builds its steps keeps its promises under each of its four flow types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from examples.credex import ACTIONS, CredexFlow, flows
from examples.credex_book import GONE, Book, Credex
from examples.offer import Denomination, Money
from fsmflow import EffectRefused, Text
from fsmflow.channels import console
from fsmflow.testing import TransitionCase, transitions_of
from tests.examples.phone import Phone, runner_of

OFFER = "credex_offer"
FROM_AMA = Credex("cx1001", Money(Decimal(100), Denomination.USD), "ama_k")
TO_YAW = Credex("cx2001", Money(Decimal("0.5"), Denomination.XAU), "yaw_b", is_own=True)
NO_CHOICE = "Please choose one of the options."
EXPIRED = "There was no answer for 5 minutes, so this was closed. Send {} to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
LEFT = "Cancelled."
WORKING = "One moment: this is being done."
CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."

Rows = dict[str, tuple[str, dict[str, Any], str]]  # by str(case): the state, the answers, what the member reads


def acting_rows(confirmed: dict[str, Any], asked: str, done: str) -> Rows:
    """The rows of the action, which is the same in all four flows."""
    acted = ("completed", {**confirmed, "carry_out": None}, done)
    return {
        "confirm-submit-carry_out": ("carry_out", confirmed, WORKING),
        "carry_out-run": ("carry_out", confirmed, WORKING),
        "carry_out-done-completed": acted,
        "carry_out-unknown-carry_out.unknown": ("carry_out.unknown", confirmed, CHECKING),
        "carry_out-failed-confirm": ("confirm", confirmed, asked),
        "carry_out.unknown-done-completed": acted,
        "carry_out.unknown-failed-confirm": ("confirm", confirmed, asked),
    }


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
        **acting_rows({**handle, "confirm": "confirm"}, confirm, "Credex offered\n\nAmount: USD 100\nTo: ama_k"),
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


RECEIVED = (
    *("USD 100 – from ama_k", "USD 250 – from kofi", "USD 75.50 – from yaw_b", "USD 20 – from esi"),
    *("USD 100 – from ama_k", "USD 40 – from nana", "USD 15.25 – from kwame", "USD 300 – from abena"),
    *("USD 60 – from akua", "USD 10 – from kojo", "USD 80 – from adwoa", "USD 5 – from yaa"),
)
OFFERED_BEFORE = ("XAU 0.5 – to yaw_b", "ZWG 2500.50 – to kofi")


def choice_rows(action: str, done: str, listed: tuple[str, ...], chosen: Credex) -> Rows:
    credex = {"credex": chosen}
    rows = "\n".join(f"{number}. {row}" for number, row in enumerate(listed, 1))
    which = f"Which credex do you want to {action}?\n\n{rows}"
    line = f"Credex: {chosen.money} {chosen.whose}"
    confirm = f"Your choice\n\n{line}\n\nReally {action} this credex?\n\n1. Yes\n2. No"
    return {
        "credex-submit-confirm": ("confirm", credex, confirm),
        "credex-refused": ("credex", {}, f"{NO_CHOICE}\n\n{which}"),
        "credex-page-credex": ("credex", {}, which),
        "credex-empty-cancelled": ("cancelled", {}, LEFT),
        "credex-cancel-cancelled": ("cancelled", {}, LEFT),
        "credex-restart-credex": ("credex", {}, which),
        "credex-expire-expired": ("expired", {}, EXPIRED.format(f"credex {action}")),
        **acting_rows({**credex, "confirm": "confirm"}, confirm, f"{done}\n\n{line}"),
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
    "credex_accept": choice_rows("accept", "Credex accepted", RECEIVED, FROM_AMA),
    "credex_decline": choice_rows("decline", "Credex declined", RECEIVED, FROM_AMA),
    "credex_cancel": choice_rows("cancel", "Credex cancelled", OFFERED_BEFORE, TO_YAW),
}
STANDS_OPEN = {"accept": FROM_AMA, "decline": FROM_AMA, "cancel": TO_YAW}
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


@pytest.mark.usefixtures("side")
def test_an_offer_goes_through(any_redis: Redis, prefix: str, book: Book) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says("Credex offer").startswith("How much do you offer?")
    assert phone.says("0").startswith("Please send an amount of more than zero.")
    assert phone.says("0.25 xau") == "To which handle?"
    assert phone.says("kofi").endswith("Send this offer?")
    assert phone.taps("Yes") == "*Credex offered*\n\n*Amount:* XAU 0.25\n*To:* kofi"
    assert phone.status == "completed"
    money = Money(Decimal("0.25"), Denomination.XAU)
    assert phone.flow.data == {"amount": money, "handle": "kofi", "confirm": "confirm", "carry_out": None}
    [offered] = [each for each in book.open_to(phone.member_id, "cancel") if each != TO_YAW]
    assert (offered.money, offered.other) == (money, "kofi")


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    """A book of the test's own, put in as an application does."""
    book = Book([FROM_AMA, TO_YAW])
    monkeypatch.setattr(CredexFlow, "book", book)
    return book


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("flow_type", ACTIONS)
def test_an_open_credex_is_chosen_from_a_list_and_confirmed_and_then_stands_open_no_more(
    any_redis: Redis, prefix: str, flow_type: str, book: Book
) -> None:
    action, done = ACTIONS[flow_type]
    chosen = STANDS_OPEN[action]
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says(flow_type.replace("_", " ")) == f"Which credex do you want to {action}?"
    assert list(phone.choices) == [str(chosen.money)]
    assert phone.taps(str(chosen.money)).endswith(f"Really {action} this credex?")
    assert phone.taps("Yes") == f"*{done}*\n\n*Credex:* {chosen.money} {chosen.whose}"
    assert phone.status == "completed"
    assert phone.flow.id == f"{flow_type}_{phone.member_id}"
    assert phone.flow.data == {"credex": chosen, "confirm": "confirm", "carry_out": None}
    assert book.open_to(phone.member_id, action) == []
    assert phone.says(flow_type) == f"There is no credex that you could {action}."
    assert (phone.status, phone.flow.state) == ("cancelled", "cancelled")


def test_more_credex_than_a_list_has_rows_for_are_shown_in_pages_and_each_can_be_chosen(
    any_redis: Redis, prefix: str
) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says("credex accept")
    assert [title.partition(". ")[2] for title in phone.choices][:1] == ["USD 100"]  # two have that title: all numbered
    assert len(phone.choices) == 10
    phone.taps("More")
    assert list(phone.choices) == ["10. USD 10", "11. USD 80", "12. USD 5", "Back"]
    assert "*Credex:* USD 5 from yaa" in phone.taps("12. USD 5")
    phone.says("back")
    assert "*Credex:* USD 100 from ama_k" in phone.says("5")
    assert phone.flow.data["credex"].id == "cx1005"


def test_a_credex_that_is_gone_before_it_is_confirmed_is_not_accepted_but_may_be_left(
    any_redis: Redis, prefix: str, book: Book
) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says("credex accept")
    phone.taps("USD 100")
    book.carry_out("decline", "elsewhere", phone.member_id, {"credex": FROM_AMA})
    assert phone.taps("Yes").startswith("This credex does not stand open any more. Send back to choose another one.")
    assert (phone.status, phone.flow.state) == ("refused", "confirm")
    assert phone.taps("No") == "Cancelled."


def test_a_credex_that_is_gone_before_it_is_chosen_is_refused_with_what_there_is(
    any_redis: Redis, prefix: str, book: Book
) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says("credex accept")
    book.carry_out("accept", "elsewhere", phone.member_id, {"credex": FROM_AMA})
    phone.taps("USD 100")
    assert phone.status == "cancelled"


def test_an_offer_that_was_made_can_be_cancelled(any_redis: Redis, prefix: str, book: Book) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    for words in ("credex offer", "5 cad", "kofi", "yes"):
        phone.says(words)
    made = [each for each in book.open_to(phone.member_id, "cancel") if each != TO_YAW]
    assert [(str(each.money), each.whose) for each in made] == [("CAD 5", "to kofi")]
    phone.says("credex cancel")
    assert list(phone.choices) == ["XAU 0.5", "CAD 5"]
    phone.taps("CAD 5")
    phone.taps("Yes")
    assert book.open_to(phone.member_id, "cancel") == [TO_YAW]


def test_the_book_does_nothing_twice_for_one_effect_and_says_the_same_each_time(book: Book) -> None:
    for _ in range(2):
        book.carry_out("accept", "run:carry_out:1", "m1", {"credex": FROM_AMA})
    assert book.open_to("m1", "accept") == []
    for _ in range(2):
        with pytest.raises(EffectRefused, match=GONE):
            book.carry_out("accept", "run:carry_out:2", "m1", {"credex": FROM_AMA})
    offered = {"amount": FROM_AMA.money, "handle": "kofi"}
    for _ in range(2):
        book.carry_out("offer", "run:carry_out:3", "m1", offered)
    [made] = [each for each in book.open_to("m1", "cancel") if each != TO_YAW]
    book.carry_out("cancel", "run:carry_out:4", "m1", {"credex": made})
    book.carry_out("offer", "run:carry_out:3", "m1", offered)  # it comes late, and once more
    assert book.open_to("m1", "cancel") == [TO_YAW]


@pytest.mark.usefixtures("side")
def test_a_credex_that_is_gone_just_after_it_was_confirmed_is_refused_by_the_book(
    any_redis: Redis, prefix: str, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says("credex accept")
    phone.taps("USD 100")

    def overtaken(*arguments: Any) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(CredexFlow, "book", book)
        book.carry_out("decline", "elsewhere", phone.member_id, {"credex": FROM_AMA})
        book.carry_out(*arguments)

    monkeypatch.setattr(book, "carry_out", overtaken)
    assert phone.taps("Yes").startswith(f"{GONE}\n\n*Your choice*")
    assert (phone.status, phone.flow.state) == ("in_progress", "confirm")
    assert phone.says("yes").startswith(f"{GONE} Send back to choose another one.")
    assert phone.taps("No") == "Cancelled."


def test_nothing_is_done_before_it_is_confirmed(any_redis: Redis, prefix: str, book: Book) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    for words in ("credex accept", "usd 100", "no", "hello"):
        phone.says(words)
        assert phone.status != "completed"
    assert book.open_to(phone.member_id, "accept") == [FROM_AMA]


@pytest.mark.parametrize("flow_type", flows)
def test_saying_no_completes_nothing(any_redis: Redis, prefix: str, flow_type: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    phone.says(flow_type)
    if flow_type == OFFER:
        phone.says("5")
        phone.says("kofi")
    else:
        phone.taps(next(iter(phone.choices)))
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
    phone.taps(str(TO_YAW.money))
    assert phone.flow.data == {"credex": TO_YAW}
    state = phone.runner.manager.load(phone.member_id).to_dict()
    assert state["member_id"] == phone.member_id
    assert state["flow_data"]["id"] == f"credex_cancel_{phone.member_id}"
    assert state["flow_data"]["step"] == 1
    assert state["flow_data"]["data"] == {
        "flow_type": "credex_cancel",
        "channel": {"type": "whatsapp", "identifier": phone.user_id},
        "credex": {
            "id": "cx2001",
            "money": {"amount": "0.5", "denomination": "XAU"},
            "other": "yaw_b",
            "is_own": True,
        },
    }

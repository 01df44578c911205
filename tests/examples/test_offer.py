"""The offer keeps its promises: every transition, every amount, and the whole way over WhatsApp and Redis."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from examples.offer import Denomination, Money, OfferFlow, flows, is_handle, money_from
from examples.services.bookkeeping import NOT_COVERED, Behaviour
from examples.services.faults import Unclear
from examples.services.offers import Made, Offers, OffersInMemory, Receipt, Services
from fsmflow import Channel, Refused
from fsmflow.calls import drive
from fsmflow.channels import console
from fsmflow.messages import options_of
from fsmflow.testing import TransitionCase, transitions_of
from fsmflow.testing.ageing import ageing
from tests.examples.phone import Phone, runner_of
from tests.examples.serving import Served, served_ledger

HUNDRED = Money(Decimal(100), Denomination.USD)
ASKED = {
    "amount": "How much do you offer?\n\nFor example: 100, USD 100, 99.50 CAD",
    "handle": "To which handle?",
    "confirm": "Your offer\n\nAmount: USD 100\nTo: ama_k\n\nIs this right?\n\n1. Confirm\n2. Decline",
}
NO_AMOUNT = "Please send an amount such as 100, USD 100 or 99.50 USD, without commas or signs."
NO_HANDLE = "A handle has 3 to 30 letters, digits and underscores, and begins with a letter."
EXPIRED = "There was no answer for 5 minutes, so this was closed. Send offer to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
NO_CHOICE = "Please choose one of the options."
AMOUNT = {"amount": HUNDRED}
HANDLE = {**AMOUNT, "handle": "ama_k"}
CONFIRMED = {**HANDLE, "confirm": "confirm"}
MADE = {**CONFIRMED, "make": Receipt("CX-0001")}
WORKING = "One moment: this is being done."
CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."
RECEIPT = "Offer made\n\nAmount: USD 100\nTo: ama_k\nReference: CX-0001"

# For each transition: the state after it, the answers, and what the member reads.
EXPECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "amount-submit-handle": ("handle", AMOUNT, ASKED["handle"]),
    "amount-refused": ("amount", {}, f"{NO_AMOUNT}\n\n{ASKED['amount']}"),
    "amount-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "amount-restart-amount": ("amount", {}, ASKED["amount"]),
    "amount-expire-expired": ("expired", {}, EXPIRED),
    "handle-submit-confirm": ("confirm", HANDLE, ASKED["confirm"]),
    "handle-refused": ("handle", AMOUNT, f"{NO_HANDLE}\n\n{ASKED['handle']}"),
    "handle-back-amount": ("amount", AMOUNT, ASKED["amount"]),
    "handle-cancel-cancelled": ("cancelled", AMOUNT, "Cancelled."),
    "handle-restart-amount": ("amount", {}, ASKED["amount"]),
    "handle-expire-expired": ("expired", AMOUNT, OFFERED),
    "confirm-submit-make": ("make", CONFIRMED, WORKING),
    "confirm-submit[decline]-cancelled": ("cancelled", {**HANDLE, "confirm": "decline"}, "Cancelled."),
    "confirm-refused": ("confirm", HANDLE, f"{NO_CHOICE}\n\n{ASKED['confirm']}"),
    "confirm-back-handle": ("handle", HANDLE, ASKED["handle"]),
    "confirm-cancel-cancelled": ("cancelled", HANDLE, "Cancelled."),
    "confirm-restart-amount": ("amount", {}, ASKED["amount"]),
    "confirm-expire-expired": ("expired", HANDLE, OFFERED),
    "make-run": ("make", CONFIRMED, WORKING),
    "make-done-completed": ("completed", MADE, RECEIPT),
    "make-unknown-make.unknown": ("make.unknown", CONFIRMED, CHECKING),
    "make-failed-confirm": ("confirm", CONFIRMED, ASKED["confirm"]),
    "make.unknown-done-completed": ("completed", MADE, RECEIPT),
    "make.unknown-failed-confirm": ("confirm", CONFIRMED, ASKED["confirm"]),
    "expired-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "expired-restart-amount": ("amount", {}, ASKED["amount"]),
    "expired-resume-amount": ("amount", {}, ASKED["amount"]),
    "expired-resume-handle": ("handle", AMOUNT, ASKED["handle"]),
    "expired-resume-confirm": ("confirm", HANDLE, ASKED["confirm"]),
}
CASES = transitions_of(OfferFlow)


def test_the_table_has_a_row_for_each_transition_and_no_other() -> None:
    assert sorted(map(str, CASES)) == sorted(EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.data, shown["text"]) == EXPECTED[str(case)]


def offer() -> OfferFlow:
    return OfferFlow(member_id="m1", channel=Channel("console", "me"))


def test_what_the_steps_name_as_examples_is_what_is_taken() -> None:
    for step in OfferFlow.steps[:2]:
        flow = offer()
        flow.state = step.id
        assert [value for value in step.examples if not flow.may("submit", value)] == []
        assert [value for value in step.counterexamples if flow.may("submit", value)] == []


# -- amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount", "denomination"),
    [
        ("100", "100", "USD"),
        ("USD 100", "100", "USD"),
        ("100 USD", "100", "USD"),
        ("zwg 2500.5", "2500.5", "ZWG"),
        ("0.01 cAd", "0.01", "CAD"),
        ("XAU  0.0001", "0.0001", "XAU"),
        ("999999999.99", "999999999.99", "USD"),
        ("007", "7", "USD"),
    ],
)
def test_an_amount_may_be_written_in_three_ways(text: str, amount: str, denomination: str) -> None:
    assert money_from(text) == Money(Decimal(amount), Denomination[denomination])


@pytest.mark.parametrize(
    "text",
    [
        *[
            "USD",
            "nan",
            "NaN",
            "inf",
            "Infinity",
            "-1",
            "+1",
            "1e3",
            "1E3",
            "0x10",
            "1_000",
            "1,000",
            "1.000.0",
            ".5",
            "5.",
            "USD1",
            "1USD",
            "$1",
            "\N{FULLWIDTH DIGIT ONE}",
        ],
        *("", "1 000", "USD 1 USD", "USD USD 1", "1 USD CAD"),
        *("\N{ARABIC-INDIC DIGIT ONE}", "\N{SUPERSCRIPT TWO}", "1\u200b", "1\n", "1\x00", "USD\n1", "U\u017fD 1"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(Refused, match="such as 100"):
        money_from(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("EUR 5", "Please use one of USD, ZWG, XAU, CAD."),
        ("5 nan", "Please use one of USD, ZWG, XAU, CAD."),
        ("0", "Please send an amount of more than zero."),
        ("0.00 CAD", "Please send an amount of more than zero."),
        ("0.001", "An amount in USD has at most 2 decimals."),
        ("XAU 0.00001", "An amount in XAU has at most 4 decimals."),
        ("1000000000", "That is too much: please use at most 9 digits."),
        ("9" * 4096, "That is too much: please use at most 9 digits."),
    ],
)
def test_an_amount_that_cannot_be_offered_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        money_from(text)
    assert refused.value.reason == reason


def cased(words: str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from([letter, letter.lower()]) for letter in words)).map("".join)


@st.composite
def amounts(draw: st.DrawFn) -> tuple[str, Decimal, Denomination]:
    """A text that is an amount, and what it means, which is not read from the text."""
    denomination = draw(st.sampled_from(Denomination))
    amount = draw(st.decimals("0.0001", "999999999", places=draw(st.integers(0, denomination.decimals))).filter(bool))
    name = draw(cased(denomination.name))
    number = f"{amount:f}"
    forms = [f"{name} {number}", f"{number} {name}", *([number] if denomination is Denomination.USD else [])]
    return draw(st.sampled_from(forms)), amount, denomination


@given(amounts())
def test_every_amount_comes_back_as_the_decimal_that_was_written(written: tuple[str, Decimal, Denomination]) -> None:
    text, amount, denomination = written
    flow = offer()
    assert flow.valid_amount(text)
    assert flow.parse_amount(text) == Money(amount, denomination)
    flow.process_input(text)
    assert flow.data == {"amount": Money(amount, denomination)}


# Pieces out of which a text is nearly an amount, and all that Decimal() itself would take for a number.
PIECES = (
    "USD",
    "xau",
    "EUR",
    "nan",
    "sNaN",
    "inf",
    "Infinity",
    "e",
    "E+",
    "-",
    "+",
    "_",
    ",",
    ".",
    " ",
    "\u00a0",
    "\t",
    "0",
    "7",
)
ODD_DIGITS = "\uff10\uff19\u0660\u0967\u00b2\u2460\U0001d7ce"
near_amounts = st.lists(st.sampled_from([*PIECES, *string.digits, *ODD_DIGITS]), max_size=14).map("".join)


@given(st.one_of(near_amounts, st.text(max_size=20)))
@example("sNaN")
@example("1E+3")
@example("\uff11\uff10\uff10")
def test_whatever_is_taken_is_plain_finite_positive_and_what_it_says(text: str) -> None:
    flow = offer()
    flow.process_input(text)
    if "amount" not in flow.data:
        assert flow.refusal
        return
    money = flow.data["amount"]
    number = "".join(character for character in text if not character.isalpha()).strip()
    assert set(number) <= set("0123456789.")
    assert money.amount == Decimal(number)
    assert money.amount.is_finite()
    assert 0 < money.amount < 10**9
    assert -money.amount.as_tuple().exponent <= money.denomination.decimals
    assert f"{money.amount:f}" == str(money.amount)


@given(st.text(alphabet=st.characters(), max_size=40))
def test_a_handle_is_of_ascii_letters_digits_and_underscores(text: str) -> None:
    allowed = set(string.ascii_letters + string.digits + "_")
    assert is_handle(text) == (3 <= len(text) <= 30 and set(text) <= allowed and text[:1] in set(string.ascii_letters))


# -- over WhatsApp and Redis ------------------------------------------------------------------------------------------


def phone_on(redis: Redis, prefix: str, offers: Offers | None = None) -> Phone:
    """A member's phone, with what makes offers."""
    return Phone(runner_of(redis, prefix, flows, services=Services(offers or OffersInMemory())))


@pytest.mark.usefixtures("side")
def test_an_offer_is_made_over_whatsapp(any_redis: Redis, prefix: str) -> None:
    offers = OffersInMemory()
    phone = phone_on(any_redis, prefix, offers)
    assert phone.says("hello") == "You can send: offer."
    assert phone.says("Offer") == "How much do you offer?\n\nFor example: *100*, *USD 100*, *99.50 CAD*"
    assert phone.says("lots").startswith(NO_AMOUNT)
    assert phone.says("12.50 zwg") == "To which handle?"
    assert "\n\nHow much" in phone.says("back")
    assert phone.says("13 zwg") == "To which handle?"
    assert phone.says("ama_k") == "*Your offer*\n\n*Amount:* ZWG 13\n*To:* ama_k\n\nIs this right?"
    told = phone.taps("Confirm")
    [receipt] = offers.made.values()
    assert told == f"*Offer made*\n\n*Amount:* ZWG 13\n*To:* ama_k\n*Reference:* {receipt.reference}"
    assert phone.status == "completed"
    assert phone.flow.data == {
        "amount": Money(Decimal(13), Denomination.ZWG),
        "handle": "ama_k",
        "confirm": "confirm",
        "make": receipt,
    }


@pytest.mark.parametrize("decline", [lambda phone: phone.taps("Decline"), lambda phone: phone.says("decline")])
def test_declining_completes_nothing(
    any_redis: Redis, prefix: str, decline: Callable[[Phone], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    completed: list[OfferFlow] = []

    def complete(self: OfferFlow) -> str:
        completed.append(self)
        return "Done."

    monkeypatch.setattr(OfferFlow, "complete", complete)
    offers = OffersInMemory()
    phone = phone_on(any_redis, prefix, offers)
    for words in ("offer", "5", "ama_k"):
        phone.says(words)
    assert decline(phone) == "Cancelled."
    assert completed == []
    assert (phone.status, phone.flow.state) == ("cancelled", "cancelled")
    events = [entry.event_type for entry in phone.runner.manager.history(phone.member_id)]
    assert "complete" not in events
    assert events[-1] == "cancel"
    assert offers.made == {}


def test_a_button_of_an_earlier_offer_does_nothing_to_a_later_one(any_redis: Redis, prefix: str) -> None:
    phone = phone_on(any_redis, prefix)
    for words in ("offer", "5", "ama_k"):
        phone.says(words)
    earlier = dict(phone.choices)
    phone.says("restart")
    for words in ("500", "kofi"):
        phone.says(words)
    phone.choices = earlier
    assert phone.taps("Confirm").startswith("That choice belongs to an earlier question.")
    assert (phone.status, phone.flow.state) == ("refused", "confirm")


def test_the_confirmation_offers_what_the_step_says() -> None:
    flow = offer()
    flow.process_input("5")
    flow.process_input("ama_k")
    assert [(option.id, option.to) for option in options_of(flow.question)] == [
        ("confirm", None),
        ("decline", "cancelled"),
    ]


# -- with the ledger, over HTTP ---------------------------------------------------------------------------------------


@pytest.fixture
def ledger() -> Iterator[Served]:
    with served_ledger() as served:
        yield served
        served.releases()


def confirms(redis: Redis, prefix: str, ledger: Served, **named: Any) -> Phone:
    """A member who has answered everything, and taps Confirm."""
    phone = phone_on(redis, prefix, ledger.offers(**named))
    for words in ("offer", "5", "kofi"):
        phone.says(words)
    phone.taps("Confirm")
    return phone


def references(ledger: Served) -> list[str]:
    """What the ledger calls the offers that it made."""
    return [each["reference"] for each in ledger.made]


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize(
    "behaviours",
    [
        [],
        [Behaviour.FAIL_BEFORE],
        [Behaviour.FAIL_BEFORE, Behaviour.FAIL_AFTER],
        [Behaviour.FAIL_AFTER],
        [Behaviour.ANSWER_TWICE],
    ],
)
def test_the_receipt_has_the_reference_of_the_one_offer_that_the_ledger_made(
    any_redis: Redis, prefix: str, ledger: Served, behaviours: list[Behaviour]
) -> None:
    ledger.will(*behaviours)
    phone = confirms(any_redis, prefix, ledger)
    assert phone.status == "completed"
    assert references(ledger) == [phone.flow.data["make"].reference]


@pytest.mark.usefixtures("side")
def test_who_is_refused_reads_why_and_is_asked_to_confirm_again(any_redis: Redis, prefix: str, ledger: Served) -> None:
    ledger.will(Behaviour.REFUSE)
    phone = phone_on(any_redis, prefix, ledger.offers())
    for words in ("offer", "5", "kofi"):
        phone.says(words)
    assert phone.taps("Confirm").startswith(f"{NOT_COVERED}\n\n*Your offer*")
    assert references(ledger) == []
    phone.taps("Confirm")
    assert references(ledger) == [phone.flow.data["make"].reference]


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize(
    ("behaviour", "made"), [(Behaviour.BREAK_OFF, 1), (Behaviour.ANSWER_LATE, 1), (Behaviour.HANG, 0)]
)
def test_where_nobody_can_say_the_member_is_told_that_it_is_being_checked(
    any_redis: Redis, prefix: str, ledger: Served, behaviour: Behaviour, made: int
) -> None:
    ledger.will(behaviour)
    phone = confirms(any_redis, prefix, ledger, timeout=0.5)
    assert (phone.status, phone.flow.state) == ("unknown", "make.unknown")
    assert len(references(ledger)) == made
    assert phone.says("cancel") == CHECKING
    assert (phone.status, phone.flow.state) == ("unknown", "make.unknown")


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize(
    "behaviour", [Behaviour.BREAK_OFF, Behaviour.ANSWER_LATE, Behaviour.ARRIVE_LATE, Behaviour.HANG]
)
@pytest.mark.parametrize("lets_go_first", [True, False])
def test_after_a_while_it_is_asked_what_came_of_it_and_there_is_one_offer(
    any_redis: Redis, prefix: str, ledger: Served, behaviour: Behaviour, lets_go_first: bool
) -> None:
    ledger.will(behaviour)
    phone = confirms(any_redis, prefix, ledger, timeout=0.5)
    assert phone.says("and?") == CHECKING
    if lets_go_first or behaviour is Behaviour.HANG:
        ledger.releases()
    ages(any_redis, prefix, minutes=2)
    [due] = phone.runner.due()
    ledger.releases()
    assert due.reply.status == "completed"
    assert references(ledger) == [phone.flow.data["make"].reference]
    assert len(ledger.requests) == 1 + (behaviour is Behaviour.ARRIVE_LATE and not lets_go_first)


@pytest.mark.usefixtures("side")
def test_an_offer_that_was_accepted_stays_so_however_often_it_is_asked_for_until_the_ledger_has_made_it(
    any_redis: Redis, prefix: str, ledger: Served
) -> None:
    ledger.will(Behaviour.ACCEPT)
    phone = confirms(any_redis, prefix, ledger)
    for _ in range(2):
        ages(any_redis, prefix, hours=2)
        phone.runner.due()
        assert phone.says("and?") == WORKING
        assert (phone.status, phone.flow.state) == ("working", "make")
    ledger.calls_back()
    ages(any_redis, prefix, hours=2)
    [due] = phone.runner.due()
    assert due.reply.status == "completed"
    assert references(ledger) == [phone.flow.data["make"].reference]


@pytest.mark.usefixtures("side")
def test_who_makes_offers_is_told_where_somebody_may_have_asked_before(any_redis: Redis, prefix: str) -> None:
    told: list[bool] = []

    class Away(OffersInMemory):
        def make(self, effect_id: str, *, by: str, amount: str, to: str, again: bool) -> Made:
            told.append(again)
            if not again:
                raise Unclear
            return super().make(effect_id, by=by, amount=amount, to=to, again=again)

    phone = phone_on(any_redis, prefix, Away())
    for words in ("offer", "5", "kofi", "confirm"):
        phone.says(words)
    ages(any_redis, prefix, minutes=2)
    [due] = phone.runner.due()
    assert due.reply.status == "completed"
    assert told == [False, True]


def ages(redis: Redis, prefix: str, **duration: float) -> None:
    """Lets time pass for the store: what is due comes nearer."""
    execute: Any = redis.execute_command  # redis-py leaves it untyped
    drive(ageing(prefix, round(timedelta(**duration) / timedelta(milliseconds=1))), lambda command: execute(*command))

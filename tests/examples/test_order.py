"""The order keeps its promises: every transition, its branches and its way back, and what it costs to hold one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from examples.address import Address, AddressFlow
from examples.order import LARGE, PRODUCTS, OrderData, OrderFlow, flows
from fsmflow import Channel, FlowRunner, FlowStateManager, Inbound
from fsmflow.channels import console
from fsmflow.testing import Chat, TransitionCase, transitions_of
from tests.examples.phone import Phone, runner_of
from tests.redis_server import running_server
from tests.test_round_trips import TURN, cost

STREET, TOWN, DOOR = "12 Ring Road", "Accra", "Blue gate behind the mosque"
PRODUCT: dict[str, Any] = {"product": "b1"}
FEW = {**PRODUCT, "count": 3}
MANY = {**PRODUCT, "count": 60}
WEDDING = {**MANY, "occasion": "a wedding on Saturday"}
COLLECTED = {**FEW, "handing": "collect"}
DELIVERED = {**FEW, "handing": "deliver"}
WHOLE = {**DELIVERED, "address": {"street": STREET, "town": TOWN, "hint": DOOR}}
MENU = """What would you like?

Bread
1. White bread – USD 1.20
2. Brown bread – USD 1.40
3. Sugar bread – USD 1.30
4. Tea bread – USD 1.50
Pastry
5. Meat pie – USD 1.80
6. Fish pie – USD 1.70
7. Spring roll – USD 0.60
8. Doughnut – USD 0.50
9. Chin chin – USD 0.90
Cake
10. Butter cake – USD 12.00
11. Chocolate cake – USD 14.50
12. Wedding cake – USD 95.00"""
HOW_MANY = "How many of White bread?"
WHAT_FOR = "That is a lot! What is it for, and for which day?"
HANDING = "Shall we deliver it, or do you collect it?\n\n1. Deliver it\n2. I collect it"
WHERE = "Which street, and which number?"
SURE = "\n\nIs this right?\n\n1. Order it\n2. Change it\n3. Leave it"
AT_SHOP = "What: 3 x White bread\nTotal: USD 3.60\nWhere: at the shop"
AT_HOME = f"What: 3 x White bread\nTotal: USD 3.60\nWhere: {STREET}, {TOWN}, {DOOR}"
NO_CHOICE = "Please choose one of the options.\n\n"
NO_NUMBER = "Please send a whole number, such as 3.\n\n"
TO_A_PERSON = "Somebody from the bakery will write to you here about your order of White bread."
OFFERED = "There was no answer for {}. Your answers are kept: would you like to continue?\n\n1. Continue\n2. Start over"
LEFT = "Cancelled."

# For each transition: the state after it, the answers, and what the member reads.
EXPECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "product-submit-count": ("count", PRODUCT, HOW_MANY),
    "product-refused": ("product", {}, f"{NO_CHOICE}{MENU}"),
    "product-page-product": ("product", {}, MENU),
    "product-empty-cancelled": ("cancelled", {}, LEFT),
    "product-cancel-cancelled": ("cancelled", {}, LEFT),
    "product-restart-product": ("product", {}, MENU),
    "product-expire-expired": (
        "expired",
        {},
        "There was no answer for 5 minutes, so this was closed. Send order to start again.",
    ),
    "count-is_large-occasion": ("occasion", MANY, WHAT_FOR),
    "count-submit-handing": ("handing", FEW, HANDING),
    "count-refused": ("count", PRODUCT, f"{NO_NUMBER}{HOW_MANY}"),
    "count-exhausted-handover": ("handover", PRODUCT, f"{NO_NUMBER}{TO_A_PERSON}"),
    "count-back-product": ("product", PRODUCT, MENU),
    "count-back-confirm": ("confirm", {**COLLECTED, "confirm": "change"}, f"Your order\n\n{AT_SHOP}{SURE}"),
    "count-cancel-cancelled": ("cancelled", PRODUCT, LEFT),
    "count-restart-product": ("product", {}, MENU),
    "count-expire-expired": ("expired", PRODUCT, OFFERED.format("5 minutes")),
    "occasion-submit-handing": ("handing", WEDDING, HANDING),
    "occasion-refused": (
        "occasion",
        MANY,
        f"Please send at least 3 characters, such as a wedding on Saturday.\n\n{WHAT_FOR}",
    ),
    "occasion-back-count": ("count", MANY, HOW_MANY),
    "occasion-cancel-cancelled": ("cancelled", MANY, LEFT),
    "occasion-restart-product": ("product", {}, MENU),
    "occasion-expire-expired": ("expired", MANY, OFFERED.format("5 minutes")),
    "handing-is_collected-confirm": ("confirm", COLLECTED, f"Your order\n\n{AT_SHOP}{SURE}"),
    "handing-submit-address": ("address", DELIVERED, WHERE),
    "handing-refused": ("handing", FEW, f"{NO_CHOICE}{HANDING}"),
    "handing-back-count": ("count", FEW, HOW_MANY),
    "handing-back-occasion": ("occasion", WEDDING, WHAT_FOR),
    "handing-cancel-cancelled": ("cancelled", FEW, LEFT),
    "handing-restart-product": ("product", {}, MENU),
    "handing-expire-expired": ("expired", FEW, OFFERED.format("1 hour")),
    "address-push": ("address", DELIVERED, WHERE),
    "address-pop-confirm": ("confirm", WHOLE, f"Your order\n\n{AT_HOME}{SURE}"),
    "address-back-handing": ("handing", DELIVERED, HANDING),
    "address-cancel-cancelled": ("cancelled", DELIVERED, LEFT),
    "address-restart-product": ("product", {}, MENU),
    "address-expire-expired": ("expired", DELIVERED, OFFERED.format("5 minutes")),
    "confirm-submit-completed": (
        "completed",
        {**COLLECTED, "confirm": "confirm"},
        f"Thank you for your order\n\n{AT_SHOP}",
    ),
    "confirm-submit[change]-count": ("count", {**COLLECTED, "confirm": "change"}, HOW_MANY),
    "confirm-submit[leave]-cancelled": ("cancelled", {**COLLECTED, "confirm": "leave"}, LEFT),
    "confirm-refused": ("confirm", COLLECTED, f"{NO_CHOICE}Your order\n\n{AT_SHOP}{SURE}"),
    "confirm-back-handing": ("handing", COLLECTED, HANDING),
    "confirm-back-address": ("address", WHOLE, "How do we find the door? Send skip if that is easy."),
    "confirm-cancel-cancelled": ("cancelled", COLLECTED, LEFT),
    "confirm-restart-product": ("product", {}, MENU),
    "confirm-expire-expired": ("expired", COLLECTED, OFFERED.format("5 minutes")),
    "expired-cancel-cancelled": ("cancelled", {}, LEFT),
    "expired-restart-product": ("product", {}, MENU),
    "expired-resume-product": ("product", {}, MENU),
    "expired-resume-count": ("count", PRODUCT, HOW_MANY),
    "expired-resume-occasion": ("occasion", MANY, WHAT_FOR),
    "expired-resume-handing": ("handing", FEW, HANDING),
    "expired-resume-address": ("address", DELIVERED, WHERE),
    "expired-resume-confirm": ("confirm", COLLECTED, f"Your order\n\n{AT_SHOP}{SURE}"),
}
CASES = transitions_of(OrderFlow)


def test_the_table_has_a_row_for_each_transition_and_no_other() -> None:
    assert sorted(map(str, CASES)) == sorted(EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.answers, shown["text"]) == EXPECTED[str(case)]


# -- branches ---------------------------------------------------------------------------------------------------------


def test_only_what_is_more_than_a_household_buys_is_asked_about() -> None:
    Chat(OrderFlow).say("1").say(str(LARGE)).expect(step="handing")
    Chat(OrderFlow).say("1").say(str(LARGE + 1)).expect(step="occasion")


def test_who_changes_a_large_delivered_order_to_a_small_collected_one_gets_what_they_said_last() -> None:
    chat = Chat(OrderFlow)
    for words in ("12", "60", "a wedding", "deliver it", STREET, TOWN, DOOR):
        chat.say(words)
    chat.expect(question=f"Your order\n\nWhat: 60 x Wedding cake\nTotal: USD 5700.00\nFor: a wedding\nWhere: "
                f"{STREET}, {TOWN}, {DOOR}\n\nIs this right?")  # fmt: skip
    chat.tap("change").say("2").tap("collect")
    chat.expect(
        question="Your order\n\nWhat: 2 x Wedding cake\nTotal: USD 190.00\nWhere: at the shop\n\nIs this right?"
    )
    data = chat.tap("confirm").expect(status="completed").reply.data
    assert isinstance(data, OrderData)
    assert (data.total, data.delivered_to) == (Decimal("190.00"), None)


def test_back_crosses_into_the_address_and_out_of_it_and_what_was_answered_is_kept() -> None:
    chat = Chat(OrderFlow)
    for words in ("white bread", "3", "deliver it", STREET, TOWN, "skip", "back", "back", "back", "back"):
        chat.say(words)
    chat.expect(step="handing", options=("deliver", "collect"))
    for words in ("deliver it", STREET, "Kumasi", "skip"):
        chat.say(words)
    assert chat.tap("confirm").reply.data.delivered_to == Address(STREET, "Kumasi")


def test_who_sends_no_number_three_times_is_handed_over_with_what_they_wanted() -> None:
    chat = Chat(OrderFlow).say("butter cake").say("some").say("a few").expect(status="refused")
    chat.say("enough").expect(status="handover")
    assert chat.heard.endswith("Somebody from the bakery will write to you here about your order of Butter cake.")


def test_the_address_alone_is_the_same_class() -> None:
    assert OrderFlow.steps[-2].flow is AddressFlow


# -- what is in stock -------------------------------------------------------------------------------------------------


def test_what_is_sold_out_is_not_offered_and_without_anything_the_order_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = Chat(flows)
    monkeypatch.setattr(OrderFlow, "sold_out", {"b1", "c1", "c2", "c3"})
    chat.say("order").expect(options=("b2", "b3", "b4", "p1", "p2", "p3", "p4", "p5"))
    monkeypatch.setattr(OrderFlow, "sold_out", {*PRODUCTS})
    chat.say("brown bread").expect(status="cancelled")
    assert chat.heard.endswith("Everything is sold out today. Please come back tomorrow.")


# -- silence ----------------------------------------------------------------------------------------------------------


def test_who_ponders_how_it_shall_come_is_reminded_once_and_has_an_hour() -> None:
    chat = Chat(OrderFlow).say("1").say("3").wait(minutes=5)
    assert chat.heard == "Are you still there?\n\nShall we deliver it, or do you collect it?"
    chat.wait(minutes=54).say("I collect it").expect(step="confirm")
    chat.wait(minutes=6).say("yes").expect(status="expired", options=("continue", "restart"))
    chat.tap("continue").expect(step="confirm").tap("confirm").expect(status="completed")


# -- over WhatsApp and Redis ------------------------------------------------------------------------------------------


def test_an_order_is_made_over_whatsapp(any_redis: Redis, prefix: str) -> None:
    phone = Phone(runner_of(any_redis, prefix, flows))
    assert phone.says("buy") == "What would you like?"
    assert [*phone.choices][:2] == ["White bread", "Brown bread"]
    assert len(phone.choices) == 10
    phone.taps("More")
    assert [*phone.choices] == ["Butter cake", "Chocolate cake", "Wedding cake", "Back"]
    assert phone.taps("Wedding cake") == "How many of Wedding cake?"
    assert phone.says("21") == WHAT_FOR
    assert phone.says("my sister's wedding, on Saturday") == "Shall we deliver it?"
    assert phone.taps("Deliver it") == WHERE
    phone.says(STREET)
    phone.says(TOWN)
    assert phone.says("skip").endswith(f"*Where:* {STREET}, {TOWN}\n\nIs this right?")
    assert phone.taps("Order it").startswith("*Thank you for your order*\n\n*What:* 21 x Wedding cake")
    assert phone.reply is not None
    assert phone.reply.data == OrderData(
        product="c3",
        count=21,
        occasion="my sister's wedding, on Saturday",
        handing="deliver",
        address=Address(STREET, TOWN),
        confirm="confirm",
    )


# -- what it costs ----------------------------------------------------------------------------------------------------

PHONE = Channel("whatsapp", "15550001111")
AT_LENGTH = (
    *("order", "many", "More", "back", "help", "More", "Back", "wedding cake", "some", "60", "a wedding on Saturday"),
    *("Deliver it", STREET, "back", STREET, TOWN, "skip", "back", DOOR, "Change it", "70", "a wedding on Saturday"),
    *("Deliver it", STREET, TOWN, DOOR, "Order it"),
)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server of its own: nobody else's commands are counted."""
    with running_server() as server:
        yield server.url


def order_on(redis: Redis) -> FlowRunner:
    redis.flushall()
    runner = FlowRunner(FlowStateManager(redis), flows)
    runner.handle(Inbound(PHONE, "warming up", "hello"))  # the connection is made, and the script is known
    return runner


def sent(number: int, text: str) -> Inbound:
    """A message as WhatsApp delivers it, its id as long as one of WhatsApp's."""
    return Inbound(PHONE, f"wamid.{number:056}", text, account="100000000000001")


@pytest.mark.real_redis
def test_each_message_of_an_order_costs_two_round_trips(server_url: str) -> None:
    with Redis.from_url(server_url) as redis:
        runner = order_on(redis)
        for number, text in enumerate(AT_LENGTH):
            assert cost(server_url, runner, sent(number, text)) == TURN, text
        last = sent(len(AT_LENGTH) - 1, AT_LENGTH[-1])
        assert cost(server_url, runner, last) == {"hgetall": 1}
        assert runner.handle(last).status == "completed"


@pytest.mark.real_redis
def test_a_member_in_the_middle_of_an_order_takes_less_than_two_kilobytes(server_url: str) -> None:
    with Redis.from_url(server_url) as redis:
        runner = order_on(redis)
        key = runner.manager.layout.keys("whatsapp:15550001111").state
        held: dict[str | None, Any] = {}
        for number, text in enumerate(("order", "wedding cake", "60", "a wedding on Saturday", "Deliver it")):
            reply = runner.handle(sent(number, text))
            held[reply.step_id] = redis.memory_usage(key, samples=0)
    middle = ("count", "occasion", "handing", "address.street")
    assert [step_id for step_id in middle if held[step_id] >= 2048] == []

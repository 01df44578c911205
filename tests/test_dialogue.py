"""Words that fit the channel: one message or two, the options' ids, and the flow made ready for a member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fsmflow import (
    Buttons,
    Channel,
    Flow,
    Inbound,
    LimitExceeded,
    ListMenu,
    MemberState,
    Message,
    Option,
    Sentences,
    Step,
    StepType,
    Text,
)
from fsmflow.calls import run_calls
from fsmflow.channels import console, whatsapp
from fsmflow.decision import Arrival
from fsmflow.dialogue import Dialogue
from fsmflow.errors import NewerState
from fsmflow.registry import Registry
from fsmflow.state import FlowData
from fsmflow.taps import nonce_of
from tests.talking import BEGINNING, CONSOLE, WHATSAPP, Offer, Order, in_memory, records_of

pytestmark = pytest.mark.usefixtures("side")

RULES = {"whatsapp": whatsapp.limits, "console": console.limits}


def arrival(channel: Channel = WHATSAPP) -> Arrival:
    return Arrival.of(Inbound(channel, "m", "x", sent_at=BEGINNING), BEGINNING)


def one_step(message: Any, kind: StepType = StepType.TEXT) -> Flow:
    options = () if kind is StepType.TEXT else (Option("y", "Yes", "Go ahead", to="cancelled"), Option("n", "No"))

    class One(Flow):
        flow_type = "one"
        steps = (Step("one", kind, message, options=options),)

    return One(member_id="ann", channel=WHATSAPP)


def asked(flow: Flow, *reasons: str, channel: Channel = WHATSAPP) -> tuple[Message, ...]:
    return run_calls(Dialogue(Registry.of([Offer]), rules=RULES).ask(arrival(channel), flow, *reasons))


def test_a_question_alone_is_one_message() -> None:
    assert asked(one_step("One?")) == (Text("One?"),)


def test_reasons_and_question_are_one_message_up_to_the_limit_and_two_beyond() -> None:
    assert asked(one_step("q" * 4090), "r", "s") == (Text("r\n\ns\n\n" + "q" * 4090),)
    assert asked(one_step("q" * 4093), "r") == (Text("r\n\n" + "q" * 4093),)
    assert asked(one_step("q" * 4094), "r") == (Text("r"), Text("q" * 4094))


def test_a_question_or_a_reason_that_no_message_takes_is_a_fault() -> None:
    with pytest.raises(LimitExceeded):
        asked(one_step("q" * 4097))
    with pytest.raises(LimitExceeded):
        asked(one_step("One?"), "r" * 4097)


def test_a_channel_without_rules_has_no_limits() -> None:
    assert asked(one_step("q" * 9000), "r", channel=Channel("pigeon", "ann")) == (Text("r\n\n" + "q" * 9000),)


@pytest.mark.parametrize("kind", [StepType.BUTTON, StepType.LIST])
def test_options_leave_with_their_questions_nonce_and_without_their_targets(kind: StepType) -> None:
    flow = one_step("Sure?", kind)
    flow.run_id, flow.visit = "run", 3
    [message] = asked(flow)
    nonce = nonce_of("run", 3)
    sent = (Option(f"{nonce}.y", "Yes", "Go ahead"), Option(f"{nonce}.n", "No"))
    if isinstance(message, Buttons):
        assert message.options == sent
    else:
        assert isinstance(message, ListMenu)
        assert [section.options for section in message.sections] == [sent]
    assert (message.body, kind is StepType.BUTTON) == ("Sure?", isinstance(message, Buttons))


def test_a_flow_is_made_for_the_member_and_the_channel_of_the_message() -> None:
    dialogue = Dialogue(Registry.of([Offer]), sentences=Sentences(choose="Eh?"))
    flow = dialogue.flow_for(arrival(), dialogue.registry.registrations["offer"])
    assert (flow.member_id, flow.channel, flow.message_id) == ("whatsapp:15550001111", WHATSAPP, "m")
    assert (flow.state, flow.sentences.choose) == ("amount", "Eh?")


def test_a_flow_that_builds_its_steps_is_given_the_run_that_it_takes_up() -> None:
    given: list[Mapping[str, Any]] = []

    class Built(Flow):
        def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
            given.append(state)
            super().__init__(f"{flow_type}_{state['member_id']}", [Step("amount", StepType.TEXT, "How much?")])

    dialogue = Dialogue(Registry.of({"built": Built}))
    registration = dialogue.registry.registrations["built"]
    stored = FlowData("built_x", "built", "amount", 0, data={"hint": "5"})
    dialogue.flow_for(arrival(), registration, stored)
    assert MemberState.from_dict(given[-1]).to_dict() == MemberState("whatsapp:15550001111", WHATSAPP, stored).to_dict()
    dialogue.flow_for(arrival(), registration)
    assert given[-1]["flow_data"]["data"].keys() == {"flow_type", "channel"}


def test_what_can_be_started_is_told_by_one_keyword_each() -> None:
    assert Dialogue(Registry.of([Offer, Order])).idle() == "You can send: offer, order."


@pytest.mark.parametrize(
    ("flow_type", "revision", "silence", "outcome"),
    [
        ("offer", 0, 0, True),
        ("offer", -1, 0, True),
        ("offer", 1, 10**9, NewerState),
        ("gone", 0, 300_000, NewerState),
        ("gone", 0, 300_001, False),
    ],
)
def test_whose_run_it_is_to_touch(flow_type: str, revision: int, silence: int, outcome: Any) -> None:
    found = arrival()
    state = MemberState("ann", WHATSAPP, sent_at=found.at - silence)
    run = FlowData("x", flow_type, "amount", 0, revision=revision)
    dialogue = Dialogue(Registry.of([Offer]))
    if outcome is NewerState:
        with pytest.raises(NewerState):
            dialogue.known(found, state, run)
    else:
        assert (dialogue.known(found, state, run) is not None) is outcome


def test_a_number_may_be_a_choice_where_the_channel_says_so() -> None:
    dialogue = Dialogue(Registry.of([Offer]), rules=RULES)
    assert dialogue.numbers_choices(arrival(CONSOLE))
    assert not dialogue.numbers_choices(arrival(WHATSAPP))
    assert not dialogue.numbers_choices(arrival(Channel("pigeon", "ann")))


class Wide(Flow):
    flow_type = "wide"
    steps = (
        Step("said", StepType.TEXT, lambda: "x" * 9999),
        Step("long", StepType.TEXT, "x" * 4097),
        Step(
            "many",
            StepType.BUTTON,
            "Which?",
            options=[Option(str(number), f"Number {number}") for number in range(11)],
        ),
    )


def test_a_fixed_question_that_a_channel_will_refuse_is_told_when_the_runner_is_made() -> None:
    with records_of() as records:
        in_memory([Wide, Offer])
    assert [record["message"] for record in records] == [
        "Wide, step 'long': whatsapp: body is 4097 long, the limit is 4096",
        "Wide, step 'many': whatsapp: rows is 11 long, the limit is 10",
    ]

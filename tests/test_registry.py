from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fsmflow.errors import AsyncFlowError, FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.messages import Channel
from fsmflow.registry import Registry, make_flow, sample_flow
from fsmflow.step import Step, StepType

CHANNEL = Channel("console", "me")


def text(step_id: str, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message="?", **named)


def flow_named(flow_type: str, **attributes: Any) -> type[Flow]:
    return type(f"{flow_type.title()}Flow", (Flow,), {"flow_type": flow_type, "steps": (text("a"),), **attributes})


OfferFlow = flow_named("offer", keywords=("Offer", "offer  CREDEX", "offer"))
AcceptFlow = flow_named("accept_offer")


class CredexFlow(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.seen = dict(state)
        super().__init__(f"{flow_type}_{state['member_id']}", [text("amount", validator=self._validate)])

    def _validate(self, value: str) -> bool:
        return value.isdigit()


class AwaitedFlow(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        super().__init__(f"{flow_type}_{state['member_id']}", [text("amount", validator=self._validate)])

    async def _validate(self, value: str) -> bool:
        return value.isdigit()


def complaint(flows: Any, **named: Any) -> FlowDefinitionError:
    with pytest.raises(FlowDefinitionError) as caught:
        Registry.of(flows, **named)
    return caught.value


def test_flows_are_known_by_their_types_and_started_by_their_keywords() -> None:
    registry = Registry.of([OfferFlow, AcceptFlow])
    assert list(registry.registrations) == ["offer", "accept_offer"]
    started = {
        typed: registry.started_by(typed)
        for typed in (" OFFER ", "offer credex", "Accept Offer", "accept_offer", "accept", "", "x" * 5000)
    }
    assert started == {
        " OFFER ": "offer",
        "offer credex": "offer",
        "Accept Offer": "accept_offer",
        "accept_offer": "accept_offer",
        "accept": None,
        "": None,
        "x" * 5000: None,
    }
    assert registry.started_by(None) is None
    assert registry.default is None


def test_members_are_told_the_first_keyword_as_it_is_written() -> None:
    assert Registry.of([OfferFlow, AcceptFlow]).keywords() == ("Offer", "accept offer")


def test_one_class_may_be_several_flows() -> None:
    registry = Registry.of({"credex_offer": CredexFlow, "credex_accept": CredexFlow})
    assert registry.started_by("credex accept") == "credex_accept"
    assert [each.has_steps for each in registry.registrations.values()] == [False, False]


def test_the_default_is_named_by_its_type_or_its_class() -> None:
    flows = {"first": OfferFlow, "second": AcceptFlow}
    assert Registry.of(flows, default="second").default == "second"
    assert Registry.of(flows, default=AcceptFlow).default == "second"
    assert Registry.of([OfferFlow], default=OfferFlow).default == "offer"


@pytest.mark.parametrize(
    ("flows", "named", "flow", "expected"),
    [
        ([], {}, "FlowRunner", "a runner needs at least one flow"),
        ({}, {}, "FlowRunner", "a runner needs at least one flow"),
        (OfferFlow, {}, "FlowRunner", "flows is a list of flow classes, or a dict of them"),
        ("offer", {}, "FlowRunner", "flows is a list of flow classes, or a dict of them"),
        (["offer"], {}, "offer", "flows holds subclasses of Flow"),
        ([OfferFlow()], {}, None, "flows holds subclasses of Flow"),
        ([int], {}, "<class 'int'>", "flows holds subclasses of Flow"),
        ([CredexFlow], {}, "CredexFlow", "a flow needs a flow_type, without white space"),
        ({"an offer": CredexFlow}, {}, "CredexFlow", "a flow needs a flow_type, without white space"),
        ({5: CredexFlow}, {}, "CredexFlow", "a flow needs a flow_type, without white space"),
        ([OfferFlow, OfferFlow], {}, "OfferFlow", "the flow type 'offer' is also that of OfferFlow"),
        (
            [OfferFlow, flow_named("other", keywords=("x", "OFFER"))],
            {},
            "OtherFlow",
            "the keyword 'offer' also starts 'offer'",
        ),
        (
            [AcceptFlow, flow_named("other", keywords=("accept  offer",))],
            {},
            "OtherFlow",
            "the keyword 'accept offer' also starts 'accept_offer'",
        ),
        ([OfferFlow], {"default": "accept"}, "FlowRunner", "the default 'accept' is none of its flows"),
        ([OfferFlow], {"default": AcceptFlow}, "FlowRunner", "the default Accept_OfferFlow is none of its flows"),
        ([OfferFlow], {"default": CredexFlow}, "FlowRunner", "the default CredexFlow is none of its flows"),
        (
            {"one": CredexFlow, "two": CredexFlow},
            {"default": CredexFlow},
            "FlowRunner",
            "the default CredexFlow is registered as one, two: name one of them",
        ),
    ],
)
def test_a_mistake_is_found_when_the_runner_is_made(
    flows: Any, named: dict[str, Any], flow: str | None, expected: str
) -> None:
    found = complaint(flows, **named)
    assert (found.step, found.expected) == (None, expected)
    assert flow is None or found.flow == flow


async def awaited_words(self: Flow) -> str:
    return self.id


@pytest.mark.parametrize(
    ("flow", "named"),
    [
        (AwaitedFlow, "_validate"),
        (flow_named("awaited", complete=awaited_words), "complete"),
        (flow_named("awaited", steps=(Step(id="a", type=StepType.TEXT, message=awaited_words),)), "awaited_words"),
    ],
)
def test_what_must_be_awaited_is_found_when_a_synchronous_runner_is_made(flow: type[Flow], named: str) -> None:
    with pytest.raises(AsyncFlowError, match=f"{named} must be awaited: use AsyncFlowRunner") as caught:
        Registry.of({"awaited": flow})
    assert caught.value.flow == flow.__name__
    assert Registry.of({"awaited": flow}, asynchronous=True).started_by("awaited") == "awaited"


class Fails(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        super().__init__(flow_type, [text(state["nowhere"])])


class Argues(Flow):
    def __init__(self, service: object) -> None:
        super().__init__(str(service), [text("a")])


class Silent(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.arguments = (flow_type, state)


class Wrong(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        super().__init__(flow_type, [text("a"), text(str(state["member_id"]))] * 2)


class StepsAndArguments(Flow):
    flow_type = "steps_and_arguments"
    steps = (text("a"),)

    def __init__(self, service: object, **named: Any) -> None:
        self.service = service
        super().__init__(**named)


class StepsAndSilence(Flow):
    flow_type = "steps_and_silence"
    steps = (text("a"),)

    def __init__(self, **named: Any) -> None:
        self.arguments = named


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("flow", "expected", "cause"),
    [
        (Fails, "it must be constructible as (flow_type, state)", KeyError),
        (Argues, "it must be constructible as (flow_type, state)", TypeError),
        (Silent, "its __init__ must call super().__init__(id, steps)", None),
        (Wrong, "a step id is unique within its flow", None),
        (StepsAndArguments, "it must be constructible as (member_id=…, channel=…)", TypeError),
        (StepsAndSilence, "its __init__ must call super().__init__(id, member_id=…, channel=…)", None),
    ],
)
def test_a_class_that_cannot_be_constructed_is_found_when_the_runner_is_made(
    flow: type[Flow], expected: str, cause: type[Exception] | None, asynchronous: bool
) -> None:
    found = complaint({"some": flow}, asynchronous=asynchronous)
    assert (found.flow, found.expected) == (flow.__name__, expected)
    assert cause is None or isinstance(found.__cause__, cause)


def test_a_flow_is_made_for_a_member_in_either_form() -> None:
    for flow, flow_type in ((OfferFlow, "offer"), (OfferFlow, "renamed"), (CredexFlow, "credex_offer")):
        made = make_flow(flow, flow_type, "m1", CHANNEL)
        assert (made.id, made.flow_type, made.member_id, made.channel) == (f"{flow_type}_m1", flow_type, "m1", CHANNEL)
        assert made.snapshot().flow_type == flow_type


def test_a_class_that_builds_its_steps_is_given_the_state_structure() -> None:
    made = make_flow(CredexFlow, "credex_offer", "m1", CHANNEL)
    channel = {"type": "console", "identifier": "me"}
    assert isinstance(made, CredexFlow)
    assert made.seen == {
        "member_id": "m1",
        "channel": channel,
        "flow_data": {
            "id": "credex_offer_m1",
            "step": 0,
            "data": {"flow_type": "credex_offer", "channel": channel},
        },
    }
    structure = {**made.seen, "member_id": "m2"}
    again = make_flow(CredexFlow, "credex_offer", "m2", CHANNEL, structure)
    assert isinstance(again, CredexFlow)
    assert again.seen == structure


def test_a_sample_is_a_flow_at_its_first_step_and_an_instance_is_its_own() -> None:
    assert sample_flow(OfferFlow).state == "a"
    assert sample_flow(CredexFlow, "credex_offer").flow_type == "credex_offer"
    flow = OfferFlow()
    assert sample_flow(flow) is flow

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fsmflow.errors import AsyncFlowError, FlowDefinitionError, FlowEnded, InvalidMemberId, InvalidState
from fsmflow.flow import Flow
from fsmflow.messages import Buttons, Channel, Option, Text
from fsmflow.step import Step, StepType
from fsmflow.wording import Sentences

SAY = Sentences()


def text(step_id: str, **named: Any) -> Step:
    return Step(**{"id": step_id, "type": StepType.TEXT, "message": f"{step_id}?", **named})


class OfferFlow(Flow):
    """A member offers credex to another member."""

    flow_type = "offer"
    keywords = ("offer",)

    def valid_amount(self, value: str) -> bool:
        return value.replace(".", "", 1).isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    def confirmation(self) -> str:
        return f"Offer {self.data['amount']} to {self.data['handle']}?"

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, transformer=parse_amount),
        Step(id="handle", type=StepType.TEXT, message="To which handle?"),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled")),
        ),
    )

    def complete(self) -> str:
        return f"{self.data['amount']} offered."


def offer(*answers: str) -> OfferFlow:
    flow = OfferFlow(member_id="m1", channel=Channel("console", "me"))
    for answer in answers:
        flow.process_input(answer)
    return flow


# -- the conversation without a store ------------------------------------------------------------------------------


def test_a_new_flow_is_at_its_first_question() -> None:
    flow = offer()
    assert (flow.id, flow.run_id, flow.member_id) == ("offer_m1", "memory", "m1")
    assert flow.channel == Channel("console", "me")
    assert (flow.state, flow.current_index, flow.current_step) == ("amount", 0, OfferFlow.steps[0])
    assert (flow.data, flow.previous, flow.refusal, flow.entries) == ({}, None, None, [])
    assert flow.question == Text("How much?")


def test_answers_lead_from_question_to_question_to_the_closing_words() -> None:
    flow = offer()
    assert flow.process_input(" 12.50 ") == Text("To which handle?")
    assert flow.data == {"amount": Decimal("12.50")}
    assert flow.process_input("@ada") == Buttons("Offer 12.50 to @ada?", OfferFlow.steps[2].options)
    assert (flow.state, flow.current_index) == ("confirm", 2)
    assert flow.process_input("CONFIRM") == Text("12.50 offered.")
    assert (flow.state, flow.current_index, flow.current_step) == ("completed", 3, None)
    assert flow.data == {"amount": Decimal("12.50"), "handle": "@ada", "confirm": "confirm"}
    assert flow.question == flow.question == Text("12.50 offered.")


def test_a_refused_answer_gives_the_reason_and_the_question_again() -> None:
    flow = offer()
    assert flow.process_input("a lot") == Text(f"{SAY.not_accepted}\n\nHow much?")
    assert (flow.refusal, flow.state, flow.data, flow.previous) == (SAY.not_accepted, "amount", {}, None)
    flow.process_input("5")
    assert flow.refusal is None


def test_an_option_is_taken_by_its_id_or_its_title_and_may_lead_elsewhere() -> None:
    assert offer("5", "@ada", "decline").question == Text(SAY.cancelled)
    assert offer("5", "@ada", "Decline").state == "cancelled"
    flow = offer("5", "@ada")
    assert flow.process_input("1") == Buttons(
        f"{SAY.choose}\n\nOffer 5 to @ada?", OfferFlow.steps[2].options
    )  # nobody showed numbers


def test_global_words_are_answers_here() -> None:
    flow = offer("5")
    flow.process_input("cancel")
    assert flow.data["handle"] == "cancel"


def test_back_goes_to_the_question_before_and_keeps_the_answers() -> None:
    flow = offer("5", "@ada")
    assert flow.back() == Text("To which handle?")
    assert flow.back() == Text("How much?")
    assert flow.data == {"amount": 5, "handle": "@ada"}
    assert flow.back() == Text(f"{SAY.first_question}\n\nHow much?")
    assert (flow.state, flow.path) == ("amount", ())
    flow.process_input("6")
    assert flow.data == {"amount": 6, "handle": "@ada"}


def test_cancel_and_restart() -> None:
    flow = offer("5", "@ada")
    assert flow.restart() == Text("How much?")
    assert (flow.state, flow.data, flow.path, flow.previous) == ("amount", {}, (), None)
    assert flow.cancel() == Text(SAY.cancelled)
    assert flow.state == "cancelled"


def test_rollback_takes_the_last_accepted_answer_back() -> None:
    flow = offer("5", "@ada")
    assert getattr(flow.previous, "step_id", None) == "handle"
    flow.process_input("what?")
    assert flow.rollback() == Text("To which handle?")
    assert (flow.state, flow.data, flow.path) == ("handle", {"amount": Decimal(5)}, ("amount",))
    assert (flow.previous, flow.refusal) == (None, None)
    assert flow.rollback() == Text("To which handle?")  # there is nothing more to take back


def test_a_completed_conversation_can_be_rolled_back_to_its_last_question() -> None:
    flow = offer("5", "@ada", "confirm")
    assert flow.rollback() == Buttons("Offer 5 to @ada?", OfferFlow.steps[2].options)
    assert flow.state == "confirm"


class Parcel(Flow):
    flow_type = "parcel"

    def parse(self, value: str) -> list[UUID]:
        return [UUID(each) for each in value.split()]

    steps = (text("ids", transformer=parse), text("rest"))


def test_rollback_gives_structured_answers_back_as_they_were() -> None:
    flow = Parcel()
    flow.process_input("12345678-1234-5678-1234-567812345678")
    kept = dict(flow.data)
    flow.process_input("x")
    flow.rollback()
    assert (flow.state, flow.data) == ("rest", kept)


def test_what_a_silence_has_closed_takes_no_answer_and_can_be_gone_on_with() -> None:
    flow = offer("5", "@ada")
    flow.trigger("expire")
    asked = flow.question
    with pytest.raises(FlowEnded):
        flow.process_input("confirm")
    assert flow.triggers() == ("cancel", "restart", "resume")
    assert flow.question == asked
    assert flow.trigger("resume")
    assert (flow.state, dict(flow.data)) == ("confirm", dict(offer("5", "@ada").data))
    assert not flow.may("resume")
    assert flow.trigger("submit", "confirm")


@pytest.mark.parametrize("end", ["completed", "cancelled"])
def test_what_has_ended_takes_nothing_more(end: str) -> None:
    flow = offer("5", "@ada")
    flow.trigger({"completed": "submit", "cancelled": "cancel"}[end], "confirm")
    assert flow.is_(end)
    before = (flow.snapshot(), list(flow.entries), flow.previous)
    acts = (
        lambda: flow.process_input("5"),
        flow.back,
        flow.cancel,
        flow.restart,
        lambda: flow.trigger("submit", "confirm"),
        lambda: flow.trigger("expire"),
    )
    for act in acts:
        with pytest.raises(FlowEnded) as caught:
            act()
        assert (caught.value.flow_id, caught.value.state) == ("offer_m1", end)
    assert (flow.snapshot(), list(flow.entries), flow.previous) == before
    assert flow.triggers() == ()
    assert not any(flow.may(trigger, "5") for trigger in ("submit", "back", "cancel", "restart", "expire"))


def test_triggers_can_be_fired_by_name() -> None:
    flow = offer()
    assert flow.is_("amount")
    assert not flow.is_("handle")
    assert not flow.trigger("submit", "a lot")
    assert flow.trigger("submit", "5")
    assert flow.trigger("back")
    assert not flow.trigger("back")
    assert flow.trigger("expire")
    assert flow.state == "expired"


@pytest.mark.parametrize("name", ["refused", "to_confirm", "Submit", "", "say"])
def test_a_trigger_that_does_not_exist_is_told(name: str) -> None:
    flow = offer()
    with pytest.raises(FlowDefinitionError, match="is no trigger; there are submit, back, cancel, restart, expire"):
        flow.trigger(name)
    assert not flow.may(name)


def test_may_answers_and_changes_nothing() -> None:
    flow = offer("5")
    flow.process_input(" ")
    before = (flow.snapshot(), flow.refusal, list(flow.entries), flow.previous)
    assert flow.triggers() == ("submit", "back", "cancel", "restart", "expire")
    assert flow.may("submit")
    assert flow.may("submit", "@ada")
    assert not flow.may("submit", "")
    assert flow.may("back")
    assert not flow.may("nothing")
    assert (flow.snapshot(), flow.refusal, list(flow.entries), flow.previous) == before
    assert offer().triggers() == ("submit", "cancel", "restart", "expire")
    assert not offer().may("submit", "a lot")
    assert offer("5", "@ada").may("submit", "decline")
    assert not offer("5", "@ada").may("submit", "maybe")


def test_the_machine_is_shared_and_bound_to_none() -> None:
    assert offer().machine is offer("5").machine is OfferFlow.machine.fget(offer())  # type: ignore[attr-defined]  # a property
    assert offer().machine.models == []


def test_two_conversations_do_not_meet() -> None:
    first, second = offer(), offer()
    first.process_input("5")
    second.process_input("x")
    assert (first.state, second.state) == ("handle", "amount")
    assert (first.data, second.data, len(second.entries)) == ({"amount": 5}, {}, 1)


class Broken(Flow):
    flow_type = "broken"
    where = ""

    def ask(self) -> str:
        if self.where == self.state:
            raise LookupError
        return "?"

    steps = (text("a", message=ask), text("b", message=ask))

    def complete(self) -> str:
        if self.where == "completed":
            raise LookupError
        return "Bye"


@pytest.mark.parametrize(("where", "act"), [("b", "submit"), ("a", "back"), ("a", "restart"), ("completed", "submit")])
def test_a_fault_in_the_words_leaves_everything_as_it_was(where: str, act: str) -> None:
    flow = Broken()
    if where != "b":
        flow.process_input("x")
    before = (flow.snapshot(), dict(flow.data), flow.previous, flow.refusal, list(flow.entries))
    flow.where = where
    with pytest.raises(LookupError):
        flow.trigger(act, "y")
    assert (flow.snapshot(), dict(flow.data), flow.previous, flow.refusal, list(flow.entries)) == before


def test_a_rollback_whose_question_fails_takes_nothing_back() -> None:
    flow = Broken()
    flow.process_input("x")
    before = (flow.snapshot(), flow.previous, list(flow.entries))
    flow.where = "a"
    with pytest.raises(LookupError):
        flow.rollback()
    assert (flow.snapshot(), flow.previous, list(flow.entries)) == before


def test_what_must_be_awaited_is_refused_by_everything_that_asks() -> None:
    class Awaited(Flow):
        flow_type = "awaited"

        async def valid(self, value: str) -> bool:
            return bool(value)

        async def complete(self) -> str:
            return "Bye"

        steps = (text("a", validator=valid),)

    flow = Awaited()
    acts = (
        lambda: flow.question,
        lambda: flow.process_input("x"),
        flow.back,
        flow.cancel,
        flow.restart,
        flow.rollback,
        lambda: flow.may("submit", "x"),
        lambda: flow.trigger("submit", "x"),
    )
    for act in acts:
        with pytest.raises(AsyncFlowError, match="valid, complete must be awaited") as caught:
            act()
        assert caught.value.flow == "Awaited"
    assert (flow.state, flow.entries) == ("a", [])


# -- how a class is made ---------------------------------------------------------------------------------------------


def test_what_flow_says_of_itself_by_default() -> None:
    assert (Flow.flow_type, Flow.keywords, Flow.revision) == ("", (), 0)
    assert Flow.timeout == timedelta(minutes=5)
    flow = type("Silent", (Flow,), {"flow_type": "silent", "steps": [text("a")]})()
    assert flow.process_input("x") == Text(SAY.completed)
    assert type(flow).steps == (text("a"),)


def test_a_base_without_steps_is_no_flow_yet_and_no_mistake() -> None:
    class Base(Flow):
        timeout = None

        def shared(self, value: str) -> bool:
            return value == "shared"

    class Made(Base):
        flow_type = "made"
        steps = (text("a", validator=Base.shared),)

    assert Made().process_input("shared") == Text(SAY.completed)
    with pytest.raises(FlowDefinitionError, match="Base: a flow needs at least one step"):
        Base()


def test_a_subclass_with_a_flow_type_of_its_own_is_another_flow() -> None:
    class Other(OfferFlow):
        flow_type = "other"

    assert Other(member_id="m").id == "other_m"
    assert Other().machine is not offer().machine
    assert Other().machine.name == "other: "


@pytest.mark.parametrize(
    "attributes", [{"flow_type": "x"}, {"flow_type": "x", "steps": ()}, {"steps": (text("a"),)}], ids=str
)
def test_a_flow_needs_a_type_and_steps(attributes: dict[str, Any]) -> None:
    with pytest.raises(
        FlowDefinitionError, match=r"^Wrong: a flow (needs at least one step|with steps needs a flow_t)"
    ):
        type("Wrong", (Flow,), attributes)


@pytest.mark.parametrize(
    "name",
    [
        *("id", "run_id", "message_id", "member_id", "channel", "state", "data", "path", "visit", "previous"),
        *("validation", "refusal", "entries", "sentences", "current_step", "current_index", "machine", "definition"),
        *("question", "process_input", "back", "cancel", "restart", "rollback", "is_", "may", "trigger", "triggers"),
        *("fire", "says", "judges", "snapshot", "resume", "rewind", "entry", "judgement", "came_from", "moved"),
        *("answers", "collected", "check_collected", "_definition", "_compiled", "_shapes", "_answer", "_kept"),
    ],
)
def test_what_hides_a_name_of_flow_itself_is_found_when_the_class_is_made(name: str) -> None:
    attributes = {"flow_type": "wrong", "steps": (text("a"),), name: lambda self: self}
    with pytest.raises(FlowDefinitionError) as caught:
        type("Wrong", (Flow,), attributes)
    assert str(caught.value) == f"Wrong: {name} is a name of Flow itself: choose another"
    mixin = type("Mixin", (), {name: None})
    with pytest.raises(FlowDefinitionError, match=f"Wrong: {name} is a name of Flow itself"):
        type("Wrong", (mixin, Flow), {})


def test_what_a_subclass_is_meant_to_say_hides_nothing() -> None:
    class Says(Flow):
        flow_type = "says"
        keywords = ("say",)
        steps = (text("a"),)
        timeout = None
        revision = 3

        def complete(self) -> Text:
            return Text("Bye")

        def _get_channel_identifier(self, state: Mapping[str, Any] | None) -> str:
            return super()._get_channel_identifier(state).upper()

    assert Says().process_input("x") == Text("Bye")
    assert Says().snapshot().revision == 3
    assert Says()._get_channel_identifier({"channel": {"type": "t", "identifier": "a"}}) == "A"


def test_closing_words_that_are_none_are_a_fault_with_everything_as_it_was() -> None:
    flow = type("Wrong", (Flow,), {"flow_type": "w", "steps": (text("a"),), "complete": lambda self: self.data})()
    with pytest.raises(FlowDefinitionError, match="Wrong: complete must give words or a message, not dict"):
        flow.process_input("x")
    assert (flow.state, flow.data) == ("a", {})


# -- the form that builds its steps in __init__ --------------------------------------------------------------------


class Built(Flow):
    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        address = self._get_channel_identifier(state)
        super().__init__(f"{flow_type}_{state['member_id']}", [text("a", message=f"{address}?")])


STATE = {"member_id": "m1", "channel": {"type": "console", "identifier": "me"}}


@pytest.mark.parametrize("arguments", [("offer", STATE), {"flow_type": "offer", "state": STATE}])
def test_a_flow_that_builds_its_steps_knows_whom_it_is_with(arguments: Any) -> None:
    flow = Built(**arguments) if isinstance(arguments, dict) else Built(*arguments)
    assert (flow.id, flow.flow_type, flow.member_id) == ("offer_m1", "offer", "m1")
    assert flow.channel == Channel("console", "me")
    assert flow.process_input("x") == Text(SAY.completed)
    assert flow.snapshot().flow_type == "offer"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({**STATE, "member_id": None}, InvalidMemberId),
        ({**STATE, "member_id": "two words"}, InvalidMemberId),
        ({"member_id": "m1"}, InvalidState),
        ({**STATE, "channel": None}, InvalidState),
        ({**STATE, "channel": "console"}, InvalidState),
        ({**STATE, "channel": {"type": "console"}}, InvalidState),
    ],
)
def test_a_state_structure_that_names_nobody_is_refused(state: dict[str, Any], expected: type[Exception]) -> None:
    with pytest.raises(expected):
        Built("offer", state)


def test_a_flow_that_is_given_no_steps_says_so() -> None:
    class Forgot(Flow):
        def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
            super().__init__(f"{flow_type}_{state['member_id']}")

    with pytest.raises(FlowDefinitionError, match="Forgot: a flow needs at least one step"):
        Forgot("offer", STATE)


def test_an_id_of_ones_own_is_kept() -> None:
    assert OfferFlow("offer-7").id == "offer-7"

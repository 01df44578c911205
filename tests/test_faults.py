"""A flow that fails: its member gets an apology, the state stands, and the trail knows type and place."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, Inbound, Option, Step, StepType, StoreUnavailable, Text
from tests.talking import CONSOLE, WHATSAPP, Offer, Talk, words

pytestmark = pytest.mark.usefixtures("side")

APOLOGY = "Sorry, something went wrong on our side. Your answers are kept; please try again in a moment."
SECRET = "hunter2"


class StrangeError(Exception):
    """An exception of an application, with the answer in it, that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


FAULTS: list[Callable[[], BaseException]] = [
    lambda: RuntimeError(SECRET),
    lambda: KeyError("amount"),
    lambda: TypeError(SECRET),
    lambda: AssertionError(SECRET),
    lambda: StopIteration(SECRET),
    lambda: RecursionError(SECRET),
    lambda: OSError(SECRET),
    lambda: StrangeError(SECRET),
]


def failing(where: str, fault: Callable[[], BaseException]) -> type[Flow]:
    """A flow whose second step fails at one place."""

    def fail(place: str) -> None:
        if place == where:
            raise fault()

    class Failing(Flow):
        flow_type = "failing"

        def judged(self, _value: str) -> bool:
            fail("validator")
            return True

        def made(self, value: str) -> str:
            fail("transformer")
            return value

        def asked(self) -> str:
            fail("message")
            return "Sure?"

        def complete(self) -> str:
            fail("complete")
            return "Done."

        steps = (
            Step(id="amount", type=StepType.TEXT, message="How much?", validator=judged, transformer=made),
            Step(id="sure", type=StepType.BUTTON, message=asked, options=(Option("yes", "Yes"),)),
        )

    return Failing


@pytest.mark.parametrize("where", ["validator", "transformer", "message", "complete"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault()).__name__)
def test_whatever_a_flow_raises_the_state_stands_and_the_member_gets_an_apology(
    any_redis: Redis, prefix: str, where: str, fault: Callable[[], BaseException]
) -> None:
    talk = Talk(any_redis, prefix, [failing(where, fault)], channel=WHATSAPP)
    talk.says("failing")
    if where == "complete":
        talk.says(SECRET)
    before = talk.fields
    inbound = talk.message("Yes" if where == "complete" else SECRET)
    reply = talk.sends(inbound)
    assert (words(reply), reply.status) == (APOLOGY, "error")
    after = talk.fields
    assert (after["flow_data"], after["previous"]) == (before["flow_data"], before["previous"])
    again = talk.sends(inbound)
    assert (words(again), again.duplicate) == (APOLOGY, True)
    step_id = {"message": "sure", "complete": "completed"}.get(where, "amount")  # where the flow was when it failed
    [entry] = [entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "error"]
    assert (entry.status, entry.step_id, entry.flow_id) == ("error", step_id, f"failing_{talk.member_id}")
    assert (entry.error, entry.reason, entry.message_id) == (
        "RuntimeError" if isinstance(fault(), StopIteration) else type(fault()).__name__,
        None,
        inbound.message_id,
    )
    assert entry.place is not None
    assert SECRET not in repr(entry)


def test_the_place_is_the_line_that_raised(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [failing("validator", RuntimeError)])
    talk.says("failing", "12")
    entry = talk.manager.history(talk.member_id)[-1]
    assert entry.place is not None
    module, function, line = entry.place.split(":")
    assert (module.split(".")[-1], function) == ("test_faults", "fail")
    assert int(line) > 0


def test_a_fault_of_the_first_question_opens_nothing(any_redis: Redis, prefix: str) -> None:
    class Mute(Flow):
        flow_type = "mute"

        def asked(self) -> str:
            raise LookupError

        steps = (Step(id="one", type=StepType.TEXT, message=asked),)

    talk = Talk(any_redis, prefix, [Mute, Offer])
    assert (talk.says("mute").status, talk.state.flow_data) == ("error", None)
    assert talk.says("offer", "12", "bob", "confirm").status == "completed"
    ended = talk.state.flow_data
    assert talk.says("mute").status == "error"
    assert talk.state.flow_data == ended
    entry = talk.manager.history(talk.member_id)[-1]
    assert (entry.error, entry.flow_id, entry.step_id) == ("LookupError", f"mute_{talk.member_id}", "one")


def test_a_flow_that_fails_can_still_be_left(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [failing("validator", RuntimeError)])
    assert talk.says("failing", "12", "cancel").status == "cancelled"


def test_a_fault_that_passes_is_gone(any_redis: Redis, prefix: str) -> None:
    broken = [True]

    class Flaky(Flow):
        flow_type = "flaky"

        def judged(self, value: str) -> bool:
            self.data["trace"] = value
            if broken:
                raise ConnectionError
            return True

        steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=judged),)

    talk = Talk(any_redis, prefix, [Flaky])
    assert talk.says("flaky", "12").status == "error"
    assert talk.data == {}
    broken.clear()
    assert talk.says("12").status == "completed"


@pytest.mark.parametrize("returned", [1, 0, "yes", "", object(), [], NotImplemented])
def test_a_validator_that_answers_neither_yes_nor_no_is_a_fault(any_redis: Redis, prefix: str, returned: Any) -> None:
    class Vague(Flow):
        flow_type = "vague"
        steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=lambda _: returned),)

    talk = Talk(any_redis, prefix, [Vague])
    assert words(talk.says("vague", "12")) == APOLOGY
    assert talk.manager.history(talk.member_id)[-1].error == "UnexpectedVerdict"
    assert talk.data == {}


@pytest.mark.parametrize("where", ["message", "complete"])
def test_words_over_the_channels_limit_are_a_fault_before_anything_is_written(
    any_redis: Redis, prefix: str, where: str
) -> None:
    class Wordy(Flow):
        flow_type = "wordy"

        def asked(self) -> str:
            return "w" * (4097 if where == "message" else 1)

        def complete(self) -> str:
            return "w" * 4097

        steps = (
            Step(id="one", type=StepType.TEXT, message="One?"),
            Step(id="two", type=StepType.TEXT, message=asked),
        )

    talk = Talk(any_redis, prefix, [Wordy], channel=WHATSAPP)
    talk.says("wordy")
    if where == "complete":
        talk.says("1")
    before = talk.fields["flow_data"]
    assert words(talk.says("12")) == APOLOGY
    assert talk.fields["flow_data"] == before
    assert talk.manager.history(talk.member_id)[-1].error == "LimitExceeded"


def test_words_over_one_channels_limit_are_none_of_anothers(any_redis: Redis, prefix: str) -> None:
    class Wordy(Flow):
        flow_type = "wordy"
        steps = (Step(id="one", type=StepType.TEXT, message="w" * 5000),)

    assert Talk(any_redis, prefix, [Wordy], channel=CONSOLE).says("wordy").status == "in_progress"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("refusal", "half a pair: \ud800"),
        *[
            (where, said)
            for where in ("message", "complete")
            for said in ("half a pair: \ud800", Text("\udfff"), Text(object()))  # type: ignore[arg-type]  # a flow's mistake
        ],
    ],
)
def test_words_that_have_no_json_are_a_fault(any_redis: Redis, prefix: str, said: Any, where: str) -> None:
    """Not an exception of the turn: its message would be delivered again for ever."""

    class Odd(Flow):
        flow_type = "odd"

        def asked(self) -> Any:
            return said if where == "message" else "Two?"

        def complete(self) -> Any:
            return said

        steps = (
            Step(id="one", type=StepType.TEXT, message="One?"),
            Step(
                id="two",
                type=StepType.TEXT,
                message=asked,
                validator=lambda _: where != "refusal",
                refusal=said if where == "refusal" else None,
            ),
        )

    talk = Talk(any_redis, prefix, [Odd], channel=CONSOLE)
    talk.says("odd")
    if where != "message":
        talk.says("1")
    before = talk.fields["flow_data"]
    assert words(talk.says("2")) == APOLOGY
    assert talk.fields["flow_data"] == before


def test_data_that_has_no_json_is_a_fault(any_redis: Redis, prefix: str) -> None:
    class Hoarding(Flow):
        flow_type = "hoarding"

        def judged(self, _value: str) -> bool:
            self.data["connection"] = object()
            return True

        steps = (
            Step(id="one", type=StepType.TEXT, message="One?", validator=judged),
            Step(id="two", type=StepType.TEXT, message="Two?"),
        )

    talk = Talk(any_redis, prefix, [Hoarding])
    assert words(talk.says("hoarding", "1")) == APOLOGY
    assert talk.data == {}


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_passes_and_nothing_is_committed(
    any_redis: Redis, prefix: str, interrupt: type[BaseException]
) -> None:
    interrupted = [True]

    class Slow(Flow):
        flow_type = "slow"

        def judged(self, _value: str) -> bool:
            if interrupted:
                raise interrupt
            return True

        steps = (
            Step(id="one", type=StepType.TEXT, message="One?", validator=judged),
            Step(id="two", type=StepType.TEXT, message="Two?"),
        )

    talk = Talk(any_redis, prefix, [Slow])
    talk.says("slow")
    before, events = talk.fields, talk.events
    inbound = talk.message("12")
    with pytest.raises(interrupt):
        talk.sends(inbound)
    assert (talk.fields, talk.events) == (before, events)
    interrupted.clear()
    again = talk.sends(inbound)
    assert (again.duplicate, words(again)) == (False, "Two?")


def test_a_store_that_a_flow_cannot_reach_has_the_message_delivered_again(any_redis: Redis, prefix: str) -> None:
    """What a flow reads from a store of its own may be down as well: nothing is decided."""

    class Reading(Flow):
        flow_type = "reading"

        def judged(self, _value: str) -> bool:
            raise StoreUnavailable("down")

        steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=judged),)

    talk = Talk(any_redis, prefix, [Reading])
    talk.says("reading")
    before = talk.fields
    with pytest.raises(StoreUnavailable):
        talk.says("12")
    assert talk.fields == before


def test_the_place_is_the_flows_own_line_even_if_a_library_raised(any_redis: Redis, prefix: str) -> None:
    class Parsing(Flow):
        flow_type = "parsing"

        def parse(self, value: str) -> str:
            return json.loads("{}")[value]  # type: ignore[no-any-return]  # it raises

        def wrap(self, value: str) -> bool:
            return bool(textwrap.wrap(value, None))  # type: ignore[arg-type]  # the library is what raises

        steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=wrap, transformer=parse),)

    talk = Talk(any_redis, prefix, [Parsing])
    talk.says("parsing", "12")
    entry = talk.manager.history(talk.member_id)[-1]
    assert entry.error == "TypeError"
    assert str(entry.place).startswith(f"{__name__}:wrap:")


def test_a_fault_that_the_library_found_says_what_it_found(any_redis: Redis, prefix: str) -> None:
    class Wide(Flow):
        flow_type = "wide"
        steps = (
            Step(id="one", type=StepType.TEXT, message="One?"),
            Step(id="two", type=StepType.TEXT, message="x" * 4097),
        )

    talk = Talk(any_redis, prefix, [Wide], channel=WHATSAPP)
    talk.says("wide", SECRET)
    entry = talk.manager.history(talk.member_id)[-1]
    assert (entry.error, entry.step_id) == ("LimitExceeded", "two")
    assert entry.reason == "whatsapp: body is 4097 long, the limit is 4096"
    assert SECRET not in repr(entry)


def test_the_exception_itself_goes_where_the_application_wants_it(any_redis: Redis, prefix: str) -> None:
    seen: list[tuple[Exception, Inbound]] = []
    talk = Talk(
        any_redis,
        prefix,
        [failing("validator", KeyError)],
        on_fault=lambda fault, inbound: seen.append((fault, inbound)),
    )
    talk.says("failing")
    inbound = talk.message("12")
    assert talk.sends(inbound).status == "error"
    [(fault, met)] = seen
    assert isinstance(fault, KeyError)
    assert met == inbound


def test_a_test_may_have_the_fault_raised_and_nothing_is_decided_then(any_redis: Redis, prefix: str) -> None:
    def raise_it(fault: Exception, _: Inbound) -> None:
        raise fault

    talk = Talk(any_redis, prefix, [failing("validator", KeyError)], on_fault=raise_it)
    talk.says("failing")
    before = talk.fields
    with pytest.raises(KeyError):
        talk.says("12")
    assert talk.fields == before


def test_a_mistake_in_a_members_own_steps_is_not_quoted(any_redis: Redis, prefix: str) -> None:
    class Accounts(Flow):
        def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
            twice = [Option(each, SECRET) for each in "ab"] if state["member_id"] != "member" else [Option("a", "A")]
            steps = [Step("one", StepType.LIST, "Which?", options=twice)]
            super().__init__(f"{flow_type}_{state['member_id']}", steps)

    talk = Talk(any_redis, prefix, {"accounts": Accounts})
    assert talk.says("accounts").status == "error"
    [entry] = talk.manager.history(talk.member_id)
    assert entry.error == "FlowDefinitionError"
    assert SECRET not in repr(entry)


def test_words_that_are_none_are_told_by_their_type(any_redis: Redis, prefix: str) -> None:
    class Wordless(Flow):
        flow_type = "wordless"
        steps = (Step(id="one", type=StepType.TEXT, message="One?"),)

        def complete(self) -> None:
            """Says nothing, which is a mistake."""

    talk = Talk(any_redis, prefix, [Wordless])
    talk.says("wordless", "1")
    entry = talk.manager.history(talk.member_id)[-1]
    assert entry.reason == "Wordless: complete must give words or a message, not NoneType"

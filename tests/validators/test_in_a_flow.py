"""Ready validators as a flow's: typed answers, refusals in any language, cases without examples, names in diagrams."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from fsmflow import Flow, Option, Refusals, Sentences, Step, StepType
from fsmflow.checks.review import review_flows
from fsmflow.diagrams import mermaid
from fsmflow.discovery import FoundFlow
from fsmflow.testing import Chat, Path, TransitionCase, paths_of, transitions_of
from fsmflow.validators import Integer
from tests.validators.booking import ANSWERS, KEPT, BookingFlow


@pytest.mark.parametrize("case", transitions_of(BookingFlow), ids=str)
def test_each_transition_has_a_case_without_an_example_on_its_step(case: TransitionCase) -> None:
    assert case.lacks is None
    assert case.fire().flow.state == case.dest


def test_the_answers_of_a_conversation_come_back_typed_at_every_message() -> None:
    chat = Chat(BookingFlow)
    for answer in ANSWERS:
        chat.say(answer)
    chat.expect(status="completed", data=KEPT)


def test_a_tour_of_every_transition_goes_where_it_says() -> None:
    assert [path.lacks for path in paths_of(BookingFlow).tour() if path.run().state is None] == []


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(paths_of(BookingFlow).walks())
def test_walks_go_where_they_say_with_answers_drawn_from_the_validators(path: Path) -> None:
    assert path.run().state == (path.moves[-1].dest if path.moves else "name")


def test_what_walks_answer_with_is_more_than_the_examples() -> None:
    inputs = {str(way.transition.source): way.inputs for way in paths_of(BookingFlow).ways.all if way.inputs.values}
    assert [source for source, found in inputs.items() if found.strategy is None] == ["age"]


def test_without_hypothesis_the_cases_are_those_of_the_validators_examples() -> None:
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from fsmflow.testing import transitions_of\n"
        "from tests.validators.booking import BookingFlow\n"
        "print([str(case) for case in transitions_of(BookingFlow) if case.fire().flow.state != case.dest])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


def test_nothing_is_missing_to_a_reviewer() -> None:
    assert [
        finding.words for finding in review_flows([FoundFlow("booking", BookingFlow, __name__, None)]).findings
    ] == []


def test_a_diagram_says_what_is_accepted() -> None:
    drawn = mermaid(BookingFlow)
    for name in ("whole number, 1 to 30", "letters and text of 2 to 40", "amount in USD", "yes or no", "valid_age"):
        assert f"[{name}]" in drawn


def refusal(words: str) -> re.Pattern[str]:
    """What is heard where an answer is refused: the reason, then the question again."""
    return re.compile(rf"^{re.escape(words)}\n\n")


def test_a_refusal_is_told_in_the_runners_language_and_in_the_steps_own_words_first() -> None:
    german = Refusals(larger="Bitte {least} oder mehr, etwa {example}.", yes_or_no="Bitte {yes} oder {no}.")
    chat = Chat(BookingFlow, sentences=Sentences(refusals=german)).say("Ama")
    chat.say("0").expect(status="refused", heard=refusal("Bitte 1 oder mehr, etwa 3."))
    chat.say("31").expect(status="refused", heard=refusal("Please send 30 or less, such as 3."))
    for answer in ANSWERS[1:6]:
        chat.say(answer)
    chat.say("perhaps").expect(status="refused", heard=refusal("Say yes or no."))
    chat.say("no").say("17").expect(status="refused", heard=refusal("Bitte 18 oder mehr, etwa 18."))


def test_a_sensitive_answer_is_not_said_again() -> None:
    chat = Chat(BookingFlow)
    for answer in ANSWERS[:4]:
        chat.say(answer)
    chat.say("077 4711 0815").expect(status="refused", step="phone")
    assert "4711" not in str(chat.replies[-1])


# -- what a step takes over -------------------------------------------------------------------------------------------


def asked(**given: Any) -> Step:
    return Step(id="nights", type=StepType.TEXT, message="?", **given)


def test_a_step_takes_over_what_its_validator_brings_unless_it_says_otherwise() -> None:
    nights = Integer(1, 10)
    step = asked(validator=nights)
    assert step.transformer == nights.parse
    assert (step.examples, step.counterexamples) == (nights.examples, nights.counterexamples)
    own = asked(validator=nights, transformer=str, examples="7", counterexamples=())
    assert (own.transformer, own.examples, own.counterexamples) == (str, ("7",), ())
    assert asked(validator=nights, transformer=None).transformer is None
    assert attrs.evolve(own, message="??").transformer is str


def test_a_step_takes_nothing_over_from_other_validators() -> None:
    class Anything:
        """A proxy that has an answer to every attribute."""

        def __getattr__(self, name: str) -> Any:
            return self

        def __call__(self, value: str) -> bool:
            return bool(value)

    for validator in (str.isdigit, bool, Anything(), None):
        step = asked(validator=validator)
        assert (step.transformer, step.examples, step.counterexamples) == (None, (), ())


def test_a_choice_takes_over_no_answers_that_are_typed() -> None:
    step = Step(id="n", type=StepType.BUTTON, message="?", options=(Option("1", "One"),), validator=Integer(1, 10))
    assert (step.examples, step.counterexamples) == ((), ())
    assert step.transformer is not None


def test_a_flow_that_builds_its_steps_is_refused_and_typed_by_its_own_bounds() -> None:
    class Built(Flow):
        flow_type = "built"

        def __init__(self, flow_type: str = "built", *, most: int = 5) -> None:
            super().__init__(flow_type, [asked(validator=Integer(1, most))])

    few, many = Built(most=5), Built(most=50)
    for flow in (few, many):
        flow.process_input("20")
    assert (few.refusal, few.state) == ("Please send 5 or less, such as 3.", "nights")
    assert (many.refusal, many.data) == (None, {"nights": 20})

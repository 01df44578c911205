"""Where flows and steps are written: the line that somebody would put the cursor on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.checks.findings import Place
from fsmflow.checks.places import FlowPlaces, place_of_error
from fsmflow.discovery import find_flows
from fsmflow.errors import BadTarget, FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.step import Step, StepType

HEAD = "from fsmflow import Flow, Step, StepType\nimport fsmflow as f\n\n"
WELL = """
PHONE = Step(id="phone", type=StepType.TEXT, message="Phone?")
TWICE = (Step(id="twice", type=StepType.TEXT, message="?"), Step(id="twice", type=StepType.TEXT, message="??"))


def named(step_id):
    return Step(id=step_id, type=StepType.TEXT, message="?")


class BaseFlow(Flow):  # line 13
    first = Step("first", StepType.TEXT, "First?")


class OfferFlow(BaseFlow):  # line 17
    flow_type = "offer"
    steps = (
        BaseFlow.first,
        f.Step(
            type=StepType.TEXT,
            id="amount",  # its line is that of the call, 21
            message='''
How much?
''',
        ),
        PHONE,
        TWICE[0],
        named("made"),
    )
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def line_of(source: str, words: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), 1) if words in line)


def test_a_class_is_at_its_statement_and_a_step_at_its_call_wherever_that_is(shop: Path) -> None:
    file = shop / "offer.py"
    file.write_text(HEAD + WELL)
    (found,) = find_flows(["offer.py"])
    places = FlowPlaces.of(found.flow)
    lines = {
        None: "class OfferFlow",
        "first": "first = Step(",
        "amount": "f.Step(",
        "phone": "PHONE = Step(",
        "made": "class OfferFlow",  # no call names it
        "twice": "class OfferFlow",  # two calls do
        "gone": "class OfferFlow",
    }
    for step_id, words in lines.items():
        assert places.at(step_id) == Place(file.resolve(), line_of(HEAD + WELL, words)), step_id


def test_a_class_within_a_function_is_found_too() -> None:
    class InnerFlow(Flow):
        flow_type = "inner"
        steps = (Step(id="well", type=StepType.TEXT, message="Well?"),)

    source = Path(__file__).read_text()
    places = FlowPlaces.of(InnerFlow)
    assert places.flow.line == line_of(source, "class InnerFlow(Flow)")
    assert places.at("well").line == line_of(source, 'steps = (Step(id="well"')


def test_a_class_without_a_source_has_no_line_and_raises_nothing() -> None:
    steps = (Step(id="well", type=StepType.TEXT, message="Well?"),)
    typed: type[Flow] = type("TypedFlow", (Flow,), {"flow_type": "typed", "steps": steps, "__module__": "nowhere"})
    places = FlowPlaces.of(typed)
    assert places.flow == places.at("well") == Place(None, None)


def error_of(target: str) -> FlowDefinitionError:
    with pytest.raises(BadTarget) as bad:
        find_flows([target])
    assert isinstance(bad.value.__cause__, FlowDefinitionError)
    return bad.value.__cause__


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "class WrongFlow(Flow):\n    flow_type = 'wrong'\n    steps = (\n"
            "        Step(id='pick', type=StepType.BUTTON, message='?'),\n    )\n",
            "Step(id='pick'",
        ),
        ("\nclass WrongFlow(Flow):\n    keywords = 'wrong'\n", "class WrongFlow"),
        ("# made by a call\nWrong = type('WrongFlow', (Flow,), {'keywords': 5})\n", "Wrong = type("),
        ("from fsmflow import FlowRunner\n\nFlowRunner(f.FlowStateManager.in_memory(), flows=[])\n", "FlowRunner(f."),
    ],
)
def test_a_class_that_could_not_be_made_is_where_it_was_being_made(shop: Path, source: str, words: str) -> None:
    (shop / "wrong.py").write_text(HEAD + source)
    error = error_of("wrong.py")
    assert place_of_error(error) == Place((shop / "wrong.py").resolve(), line_of(HEAD + source, words))


def test_a_class_that_could_not_be_made_is_in_its_own_file_not_in_the_one_that_imports_it(shop: Path) -> None:
    (shop / "wrong.py").write_text(HEAD + "class WrongFlow(Flow):\n    keywords = 'wrong'\n")
    (shop / "uses.py").write_text("import wrong\n")
    assert place_of_error(error_of("uses.py")) == Place((shop / "wrong.py").resolve(), 4)


def test_an_error_that_was_never_raised_is_nowhere() -> None:
    assert place_of_error(FlowDefinitionError("WrongFlow", None, "something else")) == Place(None, None)

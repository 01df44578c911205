from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from fsmflow import definition
from fsmflow.definition import Definition
from fsmflow.errors import FlowDefinitionError, Refused
from fsmflow.flow import Flow
from fsmflow.machine import build_machine
from fsmflow.messages import Option
from fsmflow.shapes import SHAPE_LIMIT, Shapes, shape_of
from fsmflow.state import FlowData
from fsmflow.step import Step, StepType


def text(step_id: str, **named: Any) -> Step:
    return Step(**{"id": step_id, "type": StepType.TEXT, "message": "?", **named})


def structure_of(member_id: str) -> dict[str, Any]:
    return {"member_id": member_id, "channel": {"type": "console", "identifier": f"at-{member_id}"}}


class CredexFlow(Flow):
    """A flow that builds its steps in ``__init__``, of bound methods and closures."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.owner = state["member_id"]
        self.calls: list[str] = []
        accounts = [Option(f"{self.owner}-{number}", f"Account {number} of {self.owner}") for number in range(3)]
        steps = [
            text("amount", message=self._ask, validator=self._validate, transformer=self._transform),
            text("word", validator=lambda value: value == self.owner),
            Step(id="account", type=StepType.LIST, message=self._ask, options=accounts),
        ]
        super().__init__(f"{flow_type}_{self.owner}", steps)

    def _ask(self) -> str:
        return f"{self.member_id} at {self.state}?"

    def _validate(self, value: str) -> bool:
        self.calls.append(value)
        if not value.endswith(self.owner):
            raise Refused(f"not {self.owner}'s")
        return True

    def _transform(self, value: str) -> Decimal:
        return Decimal(value.removesuffix(self.owner))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the machines that are built while the test runs."""
    names: list[str] = []

    def counting(name: str, *arguments: Any) -> Any:
        names.append(name)
        return build_machine(name, *arguments)

    monkeypatch.setattr(definition, "build_machine", counting)
    CredexFlow._shapes.definitions.clear()
    yield names
    CredexFlow._shapes.definitions.clear()


def test_a_thousand_messages_build_one_machine_and_bind_no_model(built: list[str]) -> None:
    for number in range(1000):
        flow = CredexFlow("credex_offer", structure_of(f"m{number % 100}"))
        flow.process_input(f"5m{number % 100}")
    assert built == ["credex_offer"]
    assert flow.machine.models == []
    assert len(CredexFlow._shapes.definitions) == 1


def test_a_class_with_steps_builds_its_machine_when_it_is_made_and_never_again(built: list[str]) -> None:
    class OfferFlow(Flow):
        flow_type = "offer"
        steps = (text("amount"),)

    assert built == ["offer"]
    flows = [OfferFlow(member_id=f"m{number}") for number in range(1000)]
    for flow in flows:
        flow.process_input("5")
    assert built == ["offer"]
    assert {id(flow.machine) for flow in flows} == {id(OfferFlow().machine)}
    assert flows[0].machine.models == []


def drive(flow: CredexFlow, rounds: int) -> None:
    """Takes a flow to its end again and again; each answer is accepted by its own callables only."""
    me = flow.owner
    for _ in range(rounds):
        assert flow.question.body == f"{me} at amount?"  # type: ignore[union-attr]  # a Text
        flow.process_input("5other")
        assert flow.refusal == f"not {me}'s"
        flow.process_input(f"7{me}")
        flow.process_input("other")
        assert flow.state == "word"
        flow.process_input(me)
        flow.process_input(f"{me}-1")
        assert (flow.state, flow.data) == ("completed", {"amount": 7, "word": me, "account": f"{me}-1"})
        assert set(flow.calls) == {"5other", f"7{me}"}
        assert flow.previous is not None
        flow.resume(FlowData(flow.id, flow.flow_type, "amount", 0))


def test_no_callable_of_one_instance_is_ever_called_for_another() -> None:
    flows = [CredexFlow("credex_offer", structure_of(f"m{number}")) for number in range(5)]
    assert len({id(flow.machine) for flow in flows}) == 1
    for _ in range(3):
        for flow in flows:
            drive(flow, 1)


def test_not_even_between_threads(built: list[str]) -> None:
    with ThreadPoolExecutor(8) as threads:
        work = [
            threads.submit(lambda name: drive(CredexFlow("credex_offer", structure_of(name)), 10), f"m{number}")
            for number in range(32)
        ]
        for done in work:
            done.result()
    assert built == ["credex_offer"]


def test_two_threads_that_meet_a_new_shape_at_once_build_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = threading.Barrier(2, timeout=10)

    class Missing(dict[Any, Definition]):
        def get(self, shape: Any, default: Any = None) -> Any:
            found = super().get(shape, default)
            missed.wait()  # both have looked before either compiles
            return found

    monkeypatch.setattr(CredexFlow._shapes, "definitions", Missing())
    with ThreadPoolExecutor(2) as threads:
        flows = list(threads.map(lambda name: CredexFlow("credex_offer", structure_of(name)), ("a", "b")))
    assert flows[0].machine is flows[1].machine


def test_interleaved_answers_stay_apart() -> None:
    first, second = (CredexFlow("credex_offer", structure_of(name)) for name in ("a", "b"))
    first.process_input("1a")
    second.process_input("2b")
    second.process_input("b")
    first.process_input("b")
    assert (first.state, first.data, first.calls) == ("word", {"amount": 1}, ["1a"])
    assert (second.state, second.data, second.calls) == ("account", {"amount": 2, "word": "b"}, ["2b"])


def test_a_flow_type_has_a_machine_of_its_own() -> None:
    offer, accept = (CredexFlow(name, structure_of("m")) for name in ("credex_offer", "credex_accept"))
    assert offer.machine is not accept.machine
    assert (offer.machine.name, accept.machine.name) == ("credex_offer: ", "credex_accept: ")
    assert (offer.id, accept.id) == ("credex_offer_m", "credex_accept_m")


class Anyhow(Flow):
    """A flow of whatever steps it is given."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        super().__init__(flow_type, state["steps"])


def made(*steps: Any) -> Anyhow:
    return Anyhow("any", {"steps": steps})


def test_shapes_are_bounded_and_the_oldest_goes_first() -> None:
    first = made(text("first")).machine
    for number in range(SHAPE_LIMIT + 10):
        made(text(f"s{number}"))
    kept = Anyhow._shapes.definitions
    assert len(kept) == SHAPE_LIMIT
    assert {step_id for found in kept.values() for step_id in found.index} == {
        f"s{number}" for number in range(10, SHAPE_LIMIT + 10)
    }
    assert made(text("first")).machine is not first


def test_the_shapes_of_one_class_are_not_those_of_another() -> None:
    class Other(Anyhow):
        pass

    steps = (text("a"),)
    assert Other("any", {"steps": steps}).machine is not made(*steps).machine


def parsing(kind: Any) -> Callable[[str], Any]:
    def parse(value: str) -> Any:
        return kind(value)

    parse.__annotations__["return"] = kind
    return parse


async def awaited(value: str) -> bool:
    return bool(value)


def plain(value: str) -> bool:
    return bool(value)


def passing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(value: str) -> Any:
        return function(value)

    return wrapper


def either(awaits: bool) -> Callable[[str], Any]:
    if awaits:

        async def check(value: str) -> bool:
            return bool(value)

        return check

    def check(value: str) -> bool:  # type: ignore[no-redef]  # the same name on purpose
        return bool(value)

    return check


class Checker:
    def check(self, value: str) -> bool:
        return bool(value)


BUTTON: dict[str, Any] = {"type": StepType.BUTTON}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (text("a"), text("b")),
        (text("a"), text("a", sensitive=True)),
        (text("a", **BUTTON, options=Option("x", "X")), text("a", type=StepType.LIST, options=Option("x", "X"))),
        (text("a", **BUTTON, options=Option("x", "X")), text("a", **BUTTON, options=Option("x", "X", to="failed"))),
        (
            text("a", **BUTTON, options=Option("x", "X", to="failed")),
            text("a", **BUTTON, options=Option("y", "X", to="failed")),
        ),
        (text("a"), text("a", message=lambda: "?")),
        (text("a"), text("a", validator=plain)),
        (text("a", validator=plain), text("a", validator=awaited)),
        (text("a", validator=passing(plain)), text("a", validator=passing(awaited))),
        (text("a", transformer=parsing(int)), text("a", transformer=parsing(Decimal))),
        (text("a", transformer=int), text("a", transformer=Decimal)),
        (text("a", transformer=functools.partial(int)), text("a", transformer=functools.partial(Decimal))),
        (text("a", validator=staticmethod(plain)), text("a", validator=plain)),
        (text("a", validator=str.isdigit), text("a", validator=str.isalpha)),
        (text("a", validator=passing(either(True))), text("a", validator=passing(either(False)))),
        (text("a", validator=Checker().check), text("a", validator=type("Other", (Checker,), {})().check)),
    ],
)
def test_what_the_machine_or_its_callables_depend_on_is_part_of_the_shape(one: Step, other: Step) -> None:
    assert shape_of("f", (one,)) == shape_of("f", (one,))
    assert shape_of("f", (one,)) != shape_of("f", (other,))
    assert made(one).definition is not made(other).definition


def test_the_annotation_and_the_awaiting_are_each_instances_own() -> None:
    for kind, kept in ((int, 5), (Decimal, Decimal(5)), (float, 5.0)):
        flow = made(text("a", transformer=parsing(kind)))
        flow.process_input("5")
        assert (type(flow.data["a"]), flow.data["a"]) == (kind, kept)
    assert made(text("a", validator=passing(plain))).definition.asynchronous == ()
    assert made(text("a", validator=passing(awaited))).definition.asynchronous == ("awaited",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (text("a", message="One?"), text("a", message="Two?")),
        (text("a", refusal="One."), text("a", refusal="Two.")),
        (text("a", **BUTTON, options=Option("x", "X")), text("a", **BUTTON, options=Option("y", "Y"))),
        (
            text("a", **BUTTON, options=Option("x", "X", to="failed")),
            text("a", **BUTTON, options=Option("x", "Y", to="failed")),
        ),
    ],
)
def test_words_and_options_that_lead_the_same_way_are_not(one: Step, other: Step) -> None:
    assert made(one).definition is made(other).definition
    assert made(one).definition.fingerprint == made(other).definition.fingerprint


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), "a flow needs at least one step"),
        (("amount",), "steps holds Step objects, not str"),
        ((text("a", **BUTTON, options=()),), "a BUTTON needs options"),
        ((text("a", **BUTTON, options=(Option("x", "X"), Option("x", "Y"))),), "the option id 'x' is used twice"),
        ((text("a", **BUTTON, options=[{"id": "x"}]),), "options holds Option objects, not dict"),
        ((text("a", validator=5),), "the validator must be callable"),
    ],
)
def test_each_instance_is_checked_though_its_shape_is_known(steps: tuple[Any, ...], expected: str) -> None:
    made(text("a", **BUTTON, options=Option("x", "X")))
    with pytest.raises(FlowDefinitionError, match=expected) as caught:
        made(*steps)
    assert caught.value.flow == "Anyhow"


# -- what the compiled form answers --------------------------------------------------------------------------------


class OfferFlow(Flow):
    flow_type = "offer"

    def parse(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        text("amount", transformer=parse),
        text("handle"),
        text("confirm", **BUTTON, options=(Option("yes", "Yes"), Option("no", "No", to="cancelled"))),
    )


OFFER: Definition = OfferFlow().definition
STORED = FlowData("offer_m", "offer", "confirm", 2, {"amount": "5", "handle": "@ada"}, path=("amount", "handle"))


def test_the_first_step_and_every_position_are_known() -> None:
    assert OFFER.first == "amount"
    assert [OFFER.position(state) for state in ("amount", "handle", "confirm")] == [0, 1, 2]
    assert [OFFER.position(state) for state in ("completed", "cancelled", "failed", "expired")] == [3, 3, 3, 3]


def test_a_stored_run_is_restored_with_its_answers_structured() -> None:
    assert OFFER.restore(STORED) == ("confirm", {"amount": Decimal(5), "handle": "@ada"}, ("amount", "handle"))


def test_the_id_of_the_step_wins_over_its_index_and_the_index_serves_without_one() -> None:
    assert OFFER.restore(evolve(STORED, step=0)) == OFFER.restore(STORED)
    by_index = OFFER.restore(evolve(STORED, step_id=None, step=1, path=("amount",)))
    assert by_index == ("handle", {"amount": Decimal(5), "handle": "@ada"}, ("amount",))


def test_a_run_that_names_no_path_is_given_the_one_that_its_answers_lead_along() -> None:
    assert OFFER.restore(evolve(STORED, path=())) == OFFER.restore(STORED)
    by_its_word = OFFER.restore(evolve(STORED, path=(), data={"handle": "@ada"}))
    assert by_its_word == ("confirm", {"handle": "@ada"}, ("handle",))


def test_an_ended_run_is_restored_in_its_end() -> None:
    restored = OFFER.restore(evolve(STORED, step_id="failed", step=3))
    assert restored is not None
    assert restored[0] == "failed"


@pytest.mark.parametrize(
    "changes",
    [
        {"step_id": "gone"},
        {"step_id": None, "step": 7},
        {"data": {"amount": "no number", "handle": "@ada"}},
        {"data": {"amount": "5"}},  # the trail leaves sensitive answers out
    ],
)
def test_a_run_that_does_not_fit_is_not_restored(changes: dict[str, Any]) -> None:
    assert OFFER.restore(evolve(STORED, **changes)) is None


@pytest.mark.parametrize(
    ("changes", "rewound"),
    [
        ({"step_id": "gone"}, ("confirm", {"amount": Decimal(5), "handle": "@ada"}, ("amount", "handle"))),
        ({"data": {"amount": "x", "handle": "@ada"}}, ("amount", {}, ())),
        ({"data": {"handle": "@ada"}}, ("amount", {}, ())),
        ({"data": {"amount": "5"}}, ("handle", {"amount": Decimal(5)}, ("amount",))),
        ({"path": ("gone", "amount")}, ("amount", {}, ())),
        ({"path": ("amount", "gone", "handle")}, ("handle", {"amount": Decimal(5)}, ("amount",))),
        ({"path": (), "step_id": "gone"}, ("confirm", {"amount": Decimal(5), "handle": "@ada"}, ("amount", "handle"))),
        ({}, ("confirm", {"amount": Decimal(5), "handle": "@ada"}, ("amount", "handle"))),
    ],
)
def test_it_is_rewound_to_the_last_question_that_still_fits(
    changes: dict[str, Any], rewound: tuple[str, dict[str, Any], tuple[str, ...]]
) -> None:
    assert OFFER.rewound(evolve(STORED, **changes)) == rewound


def fingerprint(*steps: Step) -> str:
    return Shapes(Flow).definition_of("f", steps).fingerprint


def test_the_fingerprint_changes_with_the_structure_and_only_with_it() -> None:
    yes, no = Option("yes", "Yes"), Option("no", "No", to="cancelled")
    base = (text("a"), text("b", **BUTTON, options=(yes, no)))
    others = [
        (text("c"), base[1]),
        (base[0],),
        (base[0], text("b", type=StepType.LIST, options=(yes, no))),
        (base[0], text("b", **BUTTON, options=(yes, Option("no", "No", to="failed")))),
        (base[0], text("b", **BUTTON, options=(yes, Option("nay", "No", to="cancelled")))),
        (base[0], text("b", **BUTTON, options=(yes,))),
        (base[0], text("b", **BUTTON, options=(Option("yes", "Yes", to="completed"), no))),
    ]
    assert len({fingerprint(*steps) for steps in [base, *others]}) == len(others) + 1
    words = (text("a", message="Else?"), text("b", **BUTTON, options=(Option("yes", "Yep"), no), refusal="No."))
    assert fingerprint(*words) == fingerprint(*base)
    assert fingerprint(*base) == "39e995aff239"  # the same in every process and every release


def test_sensitive_steps_and_awaited_callables_are_named() -> None:
    found = Shapes(Flow).definition_of("f", (text("pin", sensitive=True, validator=awaited), text("b")))
    assert found.sensitive == {"pin"}
    assert found.asynchronous == ("awaited",)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"flow_type": ""}, "a flow with steps needs a flow_type"),
        ({"flow_type": None}, "flow_type is a str without white space"),
        ({"flow_type": "an offer"}, "flow_type is a str without white space"),
        ({"keywords": "offer"}, "keywords is a tuple: ('offer',)"),
        ({"keywords": None}, "keywords is a tuple of what members type"),
        ({"keywords": {"offer"}}, "keywords is a tuple of what members type"),
        ({"keywords": ("offer", 5)}, "a keyword is a str of 1 to 100 characters"),
        ({"keywords": (" ",)}, "a keyword is a str of 1 to 100 characters"),
        ({"keywords": ("x" * 101,)}, "a keyword is a str of 1 to 100 characters"),
        ({"steps": ()}, "a flow needs at least one step"),
        ({"steps": None}, "a flow needs at least one step"),
        ({"steps": text("a")}, "steps is a tuple of Step objects; a lone one needs its comma: (Step(…),)"),
        ({"steps": property(lambda self: (self,))}, "steps is a tuple of Step objects"),
        ({"steps": "amount"}, "steps holds Step objects, not str"),
        ({"timeout": 300}, "timeout is a timedelta above zero, or None for never"),
        ({"timeout": -OfferFlow.timeout if OfferFlow.timeout else None}, "timeout is a timedelta above zero"),
        ({"revision": "2"}, "revision is an integer"),
    ],
)
def test_a_wrong_attribute_is_found_when_the_class_is_made(attributes: dict[str, Any], expected: str) -> None:
    with pytest.raises(FlowDefinitionError) as caught:
        type("Wrong", (Flow,), {"flow_type": "wrong", "steps": (text("a"),), **attributes})
    assert (caught.value.flow, caught.value.step) == ("Wrong", None)
    assert caught.value.expected.startswith(expected)

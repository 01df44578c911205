"""Any flow with branches, steps that are skipped or left out and flows within, against a model that goes over it anew.

The model knows nothing of machines, states and paths: it holds the answers that were given and not taken back, in
their order, and for each look goes through the flow with them from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

import pytest
from attrs import evolve, field, frozen
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fsmflow import Flow, FlowDefinitionError, Reply, Step
from fsmflow.codec import dump_flow_data, load_flow_data
from fsmflow.step import Route, SubFlow
from tests.branched import text
from tests.talking import body_of, in_memory, words

VALUES = ("0", "1", "2")


@frozen
class Question:
    """A question, or a flow that asks some.

    Args:
        name: What it is called.
        routes: Where an answer leads, if it is one of some.
        skipped_for: It is not asked where this was the answer to the first question of its flow.
        optional: It may be left out.
        within: The questions of the flow that answers it.
    """

    name: str
    routes: tuple[tuple[str, str], ...] = ()
    skipped_for: str | None = None
    optional: bool = False
    within: tuple[Question, ...] = field(default=())


def flow_of(questions: tuple[Question, ...], name: str) -> type[Flow]:
    """The flow that asks some questions."""
    steps = tuple(_step(each, questions[0].name) for each in questions)
    return type("Any", (Flow,), {"flow_type": name, "steps": steps})


def _step(asked: Question, first: str) -> Step:
    def is_(wanted: str) -> Any:
        return lambda value: (value if isinstance(value, str) else str(len(value))) == wanted

    def skips(self: Flow) -> bool:
        given = self.data[first]
        return (given if isinstance(given, str) else str(len(given))) == asked.skipped_for

    routes = tuple(Route(to, is_(value)) for value, to in asked.routes)
    skip_when = None if asked.skipped_for is None else skips
    if asked.within:
        return SubFlow(asked.name, flow_of(asked.within, asked.name), routes=routes, skip_when=skip_when)
    return text(asked.name, routes=routes, skip_when=skip_when, optional=asked.optional)


Told = Union[str, None]


def goes(questions: tuple[Question, ...], answers: Iterator[Told]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Where some answers lead from the beginning, and what they make: the place is empty at the end."""
    data: dict[str, Any] = {}
    value: Any
    told: Told
    current = 0
    names = [each.name for each in questions]
    while current < len(questions):
        asked = questions[current]
        if asked.within:
            place, value = goes(asked.within, answers)
            if place:
                return (asked.name, *place), data
        else:
            try:
                value = next(answers)
            except StopIteration:
                return (asked.name,), data
        data[asked.name] = value
        told = value if isinstance(value, (str, type(None))) else str(len(value))
        to = next((to for wanted, to in asked.routes if wanted == told), None)
        current = current + 1 if to is None else names.index(to)
        first = data[names[0]]
        told = first if isinstance(first, (str, type(None))) else str(len(first))
        while (
            current < len(questions)
            and questions[current].skipped_for is not None
            and (questions[current].skipped_for == told)
        ):
            current += 1
    return (), data


@st.composite
def any_questions(draw: st.DrawFn, depth: int = 3, prefix: str = "q") -> tuple[Question, ...]:
    """The questions of a flow: its ways lead forward, so that a set of answers says by which of them it came."""
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, 5)))]
    found = []
    for place, name in enumerate(names):
        ahead = names[place + 2 :]
        routes = draw(st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(ahead)), max_size=2)) if ahead else []
        skipped_for = draw(st.sampled_from((None, None, *VALUES))) if place else None
        asked = Question(name, tuple(routes), skipped_for)
        if depth > 1 and draw(st.integers(0, 2)) == 0:
            found.append(evolve(asked, within=draw(any_questions(depth=depth - 1, prefix=f"{name}_"))))
        else:
            # the first one decides what is skipped: of nothing that cannot be told
            found.append(evolve(asked, optional=place > 0 and draw(st.booleans())))
    return tuple(found)


actions = st.lists(st.sampled_from((*VALUES, *VALUES, "skip", "back", "back", "rollback")), min_size=6, max_size=25)


def made_of(questions: tuple[Question, ...]) -> type[Flow]:
    try:
        return flow_of(questions, "any")
    except FlowDefinitionError:
        assume(False)  # a question that no answer leads to
        raise


class Walk:
    """A flow, and the answers that were given to it and not taken back.

    Args:
        made: The flow's class.
    """

    def __init__(self, made: type[Flow]) -> None:
        self.flow = made()
        self.given: list[Told] = []
        self.before: list[Told] | None = None  # the last answer that was accepted
        assert body_of(self.flow.question)

    def does(self, action: str) -> Told:
        """Does one thing; gives the answer that is asked for again by it."""
        if action == "back":
            assert self.flow.may("back") is bool(self.given)
            self.flow.back()
            return self.given.pop() if self.given else None
        if action == "rollback":
            self.flow.rollback()
            self.given, self.before = (self.given if self.before is None else self.before), None
            return None
        step, before = self.flow.innermost.current_step, [*self.given]
        if action != "skip":
            self.flow.process_input(action)
        elif step is not None and step.optional:
            assert self.flow.trigger("skip")
        else:
            assert not self.flow.may("skip")
            return None
        self.given.append(None if action == "skip" else action)
        self.before = before
        return None

    def is_stored_and_taken_up(self) -> None:
        """Goes on with what another worker makes of what this one stored."""
        again, stored = type(self.flow)(), load_flow_data(dump_flow_data(self.flow.snapshot()))
        assert stored is not None
        assert again.resume(stored)
        assert again.snapshot() == self.flow.snapshot()
        again.previous = self.flow.previous
        self.flow = again


STRAIGHT = tuple(Question(f"q{number}") for number in range(4))


@given(any_questions(), actions)
@example(STRAIGHT, ["0", "0", "0", "back", "back", "rollback"])
def test_a_flow_goes_where_going_over_it_anew_leads(questions: tuple[Question, ...], does: list[str]) -> None:
    walk = Walk(made_of(questions))
    for action in does:
        earlier = walk.does(action)
        flow = walk.flow
        place, data = goes(questions, iter(walk.given))
        assert flow.place == (".".join(place) or "completed")
        assert {each: flow.answers[each] for each in flow.path} == data
        if not place:
            assert flow.data == data
            break
        assert body_of(flow.question) == f"{place[-1]}?"
        if earlier is not None:
            assert flow.innermost.earlier() == earlier
        walk.is_stored_and_taken_up()


@pytest.mark.usefixtures("side")
@given(any_questions(), actions)
def test_a_conversation_goes_the_same_way(questions: tuple[Question, ...], does: list[str]) -> None:
    talk = in_memory([made_of(questions)])
    given_: list[Told] = []
    reply: Reply = talk.says("any")
    for action in does:
        place, data = goes(questions, iter(given_))
        if not place:
            assert (reply.status, reply.data) == ("completed", data)
            return
        assert (reply.step_id, words(reply).splitlines()[-1]) == (".".join(place), f"{place[-1]}?")
        reply = talk.says("help" if action == "rollback" else action)
        if action == "back":
            del given_[-1:]
        elif action in VALUES:
            given_.append(action)
        elif action == "skip":
            # at a question that must be answered the word is an answer like any other
            given_.append(None if question_at(questions, place).optional else "skip")


def question_at(questions: tuple[Question, ...], place: tuple[str, ...]) -> Question:
    """The question at a place."""
    found = next(each for each in questions if each.name == place[0])
    return question_at(found.within, place[1:]) if place[1:] else found

"""A flow tried in memory, as a member of one channel: what its questions say, and what becomes of its examples.

Here belongs the trying: every step that the steps' own examples and options lead to is asked, and every input that
they bring along is answered there. What is wrong with what came of it belongs to `fsmflow.checks`. Nothing is stored
and nothing is sent; a flow's validators look and do not change the world, so they may be called.

A class that builds its steps itself is built anew after each answer, by the answers that there are then, as a runner
does. What must be awaited is, on an event loop of the trial's own. Whatever a flow's code raises is kept as a value,
and the trial goes on elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Final, TypeVar

from attrs import field, frozen

from fsmflow.action import Action
from fsmflow.alphabet import DONE, EXHAUSTED, POP, SKIP
from fsmflow.answers import Accepted, Verdict
from fsmflow.calls import Call, Calls, drive_async
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.machine import Turn
from fsmflow.messages import Channel, Message
from fsmflow.registry import make_flow, sample_flow
from fsmflow.state import TERMINAL_STATES, MemberState
from fsmflow.step import Step, StepType
from fsmflow.testing.firing import act
from fsmflow.testing.inputs import NOTHING_OFFERED
from fsmflow.testing.moves import Move
from fsmflow.testing.paths import Ways

ResultT = TypeVar("ResultT")

_MEMBER: Final = "member"
_TRIED: Final = 5  # of options that live, which may be many and lead the same way
_ANYTHING: Final = "anything"  # answers a TEXT step that has neither a validator nor a transformer


class Kind(Enum):
    """Where an input comes from."""

    EXAMPLE = "example"
    COUNTEREXAMPLE = "counterexample"
    OPTION = "option"
    ANYTHING = "text"
    THROUGH = "through"
    """Through the flow that answers it, to its end."""
    LEFT_OUT = "left out"
    USED_UP = "used up"
    """As many refusals as it takes."""
    DONE = "done"
    """By an effect: the example of what it gives."""


@frozen
class Input:
    """Something that is answered at a step.

    Args:
        step: The id of the step.
        kind: Where it comes from.
        number: Its place among those of its kind, from 1.
        value: What is typed, or the id of the option.
        move: What is done, where it is more than an answer.
    """

    step: str
    kind: Kind
    number: int
    value: str = field(repr=False)
    move: Move | None = field(default=None, repr=False)


@frozen(eq=False)
class Answered:
    """What became of an input.

    Args:
        input: The input.
        verdict: Whether it was accepted; None if that could not be found out.
        fault: What the flow's code raised, if it did.
    """

    input: Input
    verdict: Verdict | None
    fault: BaseException | None


@frozen(eq=False)
class Said:
    """What a flow said.

    Args:
        state: The step that it asked, or the end that it closed with.
        after: The input that led there; None for the first question.
        message: What it said; None if that could not be found out.
        fault: What the flow's code raised, if it did.
    """

    state: str
    after: Input | None
    message: Message | None
    fault: BaseException | None


@frozen(eq=False)
class Trial:
    """What came of trying a flow.

    Args:
        said: Every question, and the closing words, once for each input that led there.
        answered: Every input, at the first visit of its step.
    """

    said: tuple[Said, ...] = ()
    answered: tuple[Answered, ...] = ()


def try_flow(flow: type[Flow[Any]], flow_type: str, channel_type: str) -> Trial:
    """Tries a flow.

    Args:
        flow: Its class.
        flow_type: Which flow it is.
        channel_type: The channel of the member who tries it: a flow may speak otherwise on each.

    Returns:
        What came of it.

    Raises:
        FlowDefinitionError: The flow cannot be constructed.
    """
    first = make_flow(flow, flow_type, _MEMBER, Channel(channel_type, _MEMBER))
    # a thread has no event loop that could be running already, as one of the caller's may be
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_tried, first).result()


def _tried(first: Flow[Any]) -> Trial:
    loop = asyncio.new_event_loop()
    try:
        first.begin(Turn())
        said, answered = [_said(loop, first, None)], []
        waiting, visited = deque([first]), {first.state}
        while waiting:
            asked = waiting.popleft()
            step = asked.current_step
            for given in () if step is None else _inputs(step, _offered(loop, asked, step)):
                outcome, then = _answer(loop, asked, given)
                answered.append(outcome)
                if then is None:
                    continue
                said.append(_said(loop, then, given))
                if then.state not in visited:
                    visited.add(then.state)
                    waiting.append(then)
        return Trial(tuple(said), tuple(answered))
    finally:
        loop.close()


def _offered(loop: asyncio.AbstractEventLoop, asked: Flow[Any], step: Step) -> tuple[str, ...]:
    """The ids of the options: of those that live, what is offered now, where that can be found out."""
    if step.live is None:
        return tuple(option.id for option in step.options)
    try:
        return tuple(option.id for option in _run(loop, asked.choices_now()).options[:_TRIED])
    except (Exception, SystemExit, GeneratorExit):  # noqa: BLE001 - it is told where the question is asked
        return ()


def _inputs(step: Step, offered: tuple[str, ...]) -> Iterator[Input]:
    """What a step brings along to answer it with."""
    brought = {
        Kind.OPTION: offered,
        Kind.EXAMPLE: step.examples,
        Kind.COUNTEREXAMPLE: step.counterexamples,
    }
    checks = step.validator is not None or step.transformer is not None
    if step.type is StepType.TEXT and not checks and not step.examples:
        brought[Kind.ANYTHING] = (_ANYTHING,)
    for kind, values in brought.items():
        for number, value in enumerate(values, 1):
            yield Input(step.id, kind, number, value)
    for kind, moves in _moves(step).items():
        for number, move in enumerate(moves, 1):
            yield Input(step.id, kind, number, move.value or "", move)


def _moves(step: Step) -> dict[Kind, list[Move]]:
    """What else leads on from a step: through its own flow, or past it without an answer."""
    found: dict[Kind, list[Move]] = {}
    if step.flow is not None:
        ways = Ways.of(sample_flow(step.flow), all_endings=True)
        ends = [end for end in ways.states if end in TERMINAL_STATES]
        found[Kind.THROUGH] = [Move(POP, POP, step.id, "", within=each) for end in ends for each in ways.endings(end)]
    if isinstance(step, Action):
        found[Kind.DONE] = [Move(DONE, DONE, step.id, "")]
    if step.optional:
        found[Kind.LEFT_OUT] = [Move(SKIP, SKIP, step.id, "")]
    refused = NOTHING_OFFERED if step.has_choices else next(iter(step.counterexamples), None)
    if step.max_attempts is not None and refused is not None:
        move = Move(EXHAUSTED, EXHAUSTED, step.id, "", value=refused, times=step.max_attempts)
        found[Kind.USED_UP] = [move]
    return found


def _answer(loop: asyncio.AbstractEventLoop, asked: Flow[Any], given: Input) -> tuple[Answered, Flow[Any] | None]:
    """What becomes of an input, and the flow after it where it was accepted; the flow that was asked stays there."""
    turn = Turn()
    try:
        flow = _taken_up(asked)
        if given.move is not None:
            turn = act(flow, given.move, lambda calls: _run(loop, calls))
            leads_on = turn.taken is not None and not turn.taken.refuses
        else:
            turn.answer, turn.before = _run(loop, flow.answers_by(given.value)), flow.snapshot()
            _run(loop, flow.submits(turn))
            leads_on = isinstance(turn.verdict, Accepted)
        then = _taken_up(flow) if leads_on else None
        if then is not None:
            _run(loop, then.leaves_if_empty([]))
    except (Exception, SystemExit, GeneratorExit) as fault:  # noqa: BLE001 - the flow's code may raise anything, and it is told
        return Answered(given, turn.verdict, fault), None
    return Answered(given, turn.verdict, None), then


def _taken_up(flow: Flow[Any]) -> Flow[Any]:
    """The same run as its next message finds it: read back, with the steps that are built by its answers."""
    run = flow.snapshot()
    structure: dict[str, Any] | None = None
    if type(flow)._compiled is None:
        structure = MemberState(flow.member_id, flow.channel, run).to_dict()
    again = make_flow(type(flow), flow.flow_type, flow.member_id, flow.channel, structure)
    if not again.resume(run):
        wanted = "the run must fit the steps that are built by its own answers"
        raise FlowDefinitionError(type(flow).__name__, run.step_id, wanted)
    return again


def _said(loop: asyncio.AbstractEventLoop, flow: Flow[Any], after: Input | None) -> Said:
    try:
        return Said(flow.state, after, _run(loop, flow.says()), None)
    except (Exception, SystemExit, GeneratorExit) as fault:  # noqa: BLE001 - as above
        return Said(flow.state, after, None, fault)


def _run(loop: asyncio.AbstractEventLoop, calls: Calls[ResultT]) -> ResultT:
    return loop.run_until_complete(drive_async(calls, Call.make_async))

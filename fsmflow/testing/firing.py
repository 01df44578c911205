"""Taking moves in memory: an event fired at a flow, and what is said then.

Here belongs how one move is taken, for flows that are called and for flows that must be awaited. The order is that of
a turn: an answer is judged first, where it may be awaited, then the machine fires with the verdict, then the next
question is asked. Which move is taken, and what is expected of it, belongs to `fsmflow.testing.cases`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from fsmflow.action import Action
from fsmflow.alphabet import DONE, EXHAUSTED, PUSH, RUN, SUBMIT
from fsmflow.answers import Accepted, Answer, words_of
from fsmflow.calls import Call, drive_async, run_calls
from fsmflow.choices import Offer
from fsmflow.errors import NoOptions
from fsmflow.flow import Flow
from fsmflow.machine import FlowTransition, Turn
from fsmflow.messages import Message
from fsmflow.questions import compose, with_reason
from fsmflow.testing.moves import Move

Run = Callable[[Any], Any]
"""Drives a generator of calls to its end."""


class WrongTransition(AssertionError):
    """Another transition was taken than the one that was meant, or none."""


@frozen(eq=False)
class Fired:
    """What came of a move.

    Args:
        flow: The flow, after the transition.
        message: What is said then: the next question, the closing words, or the refusal and the question again.
        fired: The transition that was taken.
    """

    flow: Flow[Any]
    message: Message
    fired: FlowTransition


@contextmanager
def running(flow: Flow[Any]) -> Iterator[Run]:
    """What drives a flow's calls: at once, or on an event loop of its own where they must be awaited.

    Raises:
        AssertionError: They must be awaited, and an event loop is running here already.
    """
    if not flow.definition.asynchronous:
        yield run_calls
        return
    if is_loop_running():
        raise AssertionError(f"{type(flow).__name__} is tried on an event loop of its own, and one is running here")
    loop = asyncio.new_event_loop()
    try:
        yield lambda calls: loop.run_until_complete(drive_async(calls, Call.make_async))
    finally:
        close(loop)


def is_loop_running() -> bool:
    """True in a coroutine, or in what one calls."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def close(loop: asyncio.AbstractEventLoop) -> None:
    """Closes a loop as `asyncio.run` does: what still runs on it is cancelled."""
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def take(flow: Flow[Any], move: Move, run: Run) -> Fired:
    """Takes a move.

    Args:
        flow: The flow, at the move's source.
        move: What to do.
        run: Drives the flow's calls.

    Raises:
        WrongTransition: Another transition was taken, or none.
        Exception: Whatever the flow's code raised.
    """
    taken = _check(flow, move, act(flow, move, run))
    said = _said(flow, run)
    return Fired(flow, said if flow.refusal is None else with_reason(flow.refusal, said), taken)


def _said(flow: Flow[Any], run: Run) -> Message:
    """What is said; of a question that has nothing to choose from the question, which is left by a move of its own."""
    try:
        return run(flow.says())  # type: ignore[no-any-return] # a generator of calls gives what it returns
    except NoOptions:
        asked = flow.innermost
        step = asked.current_step
        if step is None or not asked.may_have_nothing:
            raise
        words = run(words_of(asked, step, asked.definition.callbacks[step.id], asked.channel.type))
        return compose(type(asked).__name__, step, words, Offer(()))


def act(flow: Flow[Any], move: Move, run: Run) -> Turn:
    """Does what a move says, whatever comes of it: each thing that a member does, up to the last.

    Args:
        flow: The flow.
        move: What to do.
        run: Drives the flow's calls.

    Returns:
        The last turn.

    Raises:
        WrongTransition: Something else came of what was done before the last.
        Exception: Whatever the flow's code raised.
    """
    *before, (last, _) = move.leaves()
    for leaf, completed in before:
        _check(flow, completed, _act(flow, leaf, run))
    return _act(flow, last, run)


def _act(flow: Flow[Any], move: Move, run: Run) -> Turn:
    turn = Turn()
    for _ in range(move.times):
        asked = flow.innermost
        asked.choices_known = None  # what was on offer a turn ago
        answer = None if move.value is None else run(asked.answers_by(move.value))
        turn = Turn(answer=answer, before=flow.snapshot())
        flow.refusal = None
        if move.trigger == PUSH:
            flow.inner = None  # entering the step has opened it; here it is seen to
            flow.begin(turn)
        elif move.trigger == RUN:
            asked.effect_id = None  # as above
            flow.begin(turn)
        elif move.refuses and flow.current_step is not None and flow.current_step.max_attempts == 1:
            turn.verdict = run(flow.judges(turn.answer or Answer()))
            flow.fire(SUBMIT, turn)  # by itself: what the last attempt leads to, is a move of its own
        elif move.trigger in (SUBMIT, EXHAUSTED):
            run(flow.submits(turn))
        else:
            if move.trigger == DONE and isinstance(asked.current_step, Action):
                turn.verdict = Accepted(asked.current_step.example)
            run(flow.goes(move.trigger, turn))
        if turn.taken is None or not turn.taken.refuses:
            break
    return turn


def _check(flow: Flow[Any], move: Move, turn: Turn) -> FlowTransition:
    taken = turn.taken
    if taken is None:
        raise WrongTransition(f"{move}: no transition was taken from {flow.place}")
    found = (taken.name, taken.option, taken.source, taken.dest or taken.source)
    if found != (move.name, move.option, move.source, move.dest):
        reason = "" if flow.refusal is None else f" ({flow.refusal})"
        raise WrongTransition(f"{move}: the transition {taken.name!r} to {flow.place} was taken{reason}")
    return taken

"""What a flow's steps bring along to be answered with: examples, counterexamples, and their validators' strategies.

Here belongs where the input of a test comes from. In this order: what a step itself names; what its validator (or
transformer) offers as hypothesis strategies, in attributes called ``good_answers`` and ``bad_answers``; what every
step of its kind takes. Nothing is made up beyond that: where there is none, it is said what is missing.

An attribute is a strategy, or a callable that is given ``hypothesis.strategies`` and gives one: so a module of
validators need not import hypothesis. It is imported here, and only once such an attribute is met.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from attrs import field, frozen

from fsmflow.alphabet import EXHAUSTED, SUBMIT
from fsmflow.answers import ANSWER_LIMIT, StepCallbacks, offer_of
from fsmflow.calls import run_calls
from fsmflow.flow import Flow
from fsmflow.machine import FlowTransition
from fsmflow.step import Step
from fsmflow.wording import folded

ANYTHING: Final = "anything"
"""What answers a TEXT step that has neither a validator nor a transformer."""

NOTHING_OFFERED: Final = "none of these"
"""What is sent in place of an option."""

GOOD: Final = "good_answers"
BAD: Final = "bad_answers"


@frozen
class Inputs:
    """What a transition can be taken with.

    Args:
        values: Answers, the first one being the one that a single case takes. Empty where none is submitted.
        strategy: A hypothesis strategy of more of them, or None.
        lacks: What is missing to take it, in words; None if nothing is.
    """

    values: tuple[str, ...] = field(default=(), repr=False)
    strategy: Any = None
    lacks: str | None = None

    @property
    def first(self) -> str | None:
        """The answer that a single case takes; None where none is submitted, or it is missing."""
        return self.values[0] if self.values else None


def inputs_of(flow: Flow[Any], trigger: str, transition: FlowTransition) -> Inputs:
    """What a transition can be taken with, or what is missing for it.

    Args:
        flow: A flow that has it.
        trigger: What fires it.
        transition: The transition.
    """
    step = next((step for step in flow.steps if step.id == transition.source), None)
    if trigger not in (SUBMIT, EXHAUSTED) or step is None:
        return Inputs()
    if transition.option is not None:
        return Inputs((transition.option,))
    refuses = transition.refuses or trigger == EXHAUSTED  # which as many refusals lead to as it takes
    if step.live is not None:
        return Inputs((NOTHING_OFFERED, *step.counterexamples)) if refuses else _live_choice(flow, step)
    if step.has_choices:
        return Inputs(_no_choice(step) if refuses else _free_choice(step))
    if refuses:
        return _typed(flow, step, step.counterexamples, BAD, "counterexamples: name an answer that it refuses")
    return _typed(flow, step, step.examples, GOOD, "examples: name an answer that it accepts")


def _free_choice(step: Step) -> tuple[str, ...]:
    """The options that lead where the step leads; where not any of them is known to do, its examples or the first."""
    free = tuple(option.id for option in step.options if option.to is None)
    named = tuple(example for example in step.examples if example in free)
    if named or step.validator is not None or step.transformer is not None:
        return named or free[:1]
    return free


def _live_choice(flow: Flow[Any], step: Step) -> Inputs:
    """What a callable offers to nobody in particular, where it can say; else what the step's examples name."""
    if step.examples:
        return Inputs(step.examples)
    callbacks = flow.definition.callbacks[step.id]
    missing = f"step {step.id!r} has no examples: name the id of an option that {_name_of(callbacks)}"
    if callbacks.options is not None and callbacks.options.is_async:
        return Inputs(lacks=f"{missing} offers, which must be awaited")
    try:
        offered = run_calls(offer_of(flow, step, callbacks)).options
    except Exception as fault:  # noqa: BLE001 - it may need a service, or answers that the sample has not
        return Inputs(lacks=f"{missing} offers; for a sample it raises {type(fault).__name__}")
    return Inputs(
        tuple(option.id for option in offered), lacks=None if offered else f"{missing} offers; now it has none"
    )


def _name_of(callbacks: StepCallbacks) -> str:
    return "it" if callbacks.options is None else callbacks.options.name


def _no_choice(step: Step) -> tuple[str, ...]:
    text = NOTHING_OFFERED
    while any(folded(text) in (folded(option.title), folded(option.id)) for option in step.options):
        text += "!"
    return (text, *step.counterexamples)


def _typed(flow: Flow[Any], step: Step, named: tuple[str, ...], offer: str, wanted: str) -> Inputs:
    """What is typed: what the step names, what its callables offer, what every unchecked step takes or refuses."""
    missing = f"step {step.id!r} has no {wanted}"
    found = next(_offered(flow, step, offer), None)
    if found is None:
        if not named and step.validator is None and step.transformer is None:
            return Inputs((ANYTHING if offer == GOOD else "",))
        return Inputs(named, lacks=None if named else missing)
    strategy, lacks = _as_strategy(found, f"{missing}, or let its {offer}")
    if named or strategy is None:
        return Inputs(named, strategy, None if named else lacks)
    drawn = _drawn(strategy)
    if drawn is None:
        return Inputs(lacks=f"{missing}, or let its {offer} be texts that are not blank")
    return Inputs((drawn,), strategy)


def _offered(flow: Flow[Any], step: Step, offer: str) -> Iterator[Any]:
    """What the step's callables carry under a name: those that are really called, under whatever partial."""
    callbacks = flow.definition.callbacks[step.id]
    for callback, written in ((callbacks.validator, step.validator), (callbacks.transformer, step.transformer)):
        if callback is None:
            continue
        function: Any = getattr(written, "__func__", written)  # a staticmethod is called as what it holds
        called: Any = callback.call(flow, function).function
        while called is not None:
            if getattr(called, offer, None) is not None:
                yield getattr(called, offer)
                break
            called = called.func if isinstance(called, functools.partial) else None


def _as_strategy(found: Any, missing: str) -> tuple[Any, str | None]:
    try:
        from hypothesis import strategies
    except ImportError:
        return None, f"{missing} be drawn: hypothesis is not installed"
    kind = strategies.SearchStrategy
    strategy = found(strategies) if callable(found) and not isinstance(found, kind) else found
    if not isinstance(strategy, kind):
        return None, f"{missing} be a hypothesis strategy"
    return strategy.filter(_can_be_sent), None


def _can_be_sent(drawn: Any) -> bool:
    return isinstance(drawn, str) and bool(drawn.strip()) and len(drawn) <= ANSWER_LIMIT


def _drawn(strategy: Any) -> str | None:
    """The simplest answer of a strategy, the same one each time."""
    from hypothesis import Phase, find, settings
    from hypothesis.errors import NoSuchExample, Unsatisfiable

    # the first that is generated is the simplest there is: to shrink it takes long and finds nothing
    steady = settings(database=None, deadline=None, max_examples=100, phases=(Phase.generate,))
    try:
        return str(find(strategy, lambda _: True, settings=steady, random=Random(0)))  # noqa: S311 - no secret
    except (NoSuchExample, Unsatisfiable):
        return None

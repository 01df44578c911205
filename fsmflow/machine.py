"""From steps to a `transitions.Machine`, and what its callbacks do.

Here belongs all that knows `transitions`, but for how an event is processed (`events`): one Machine for each flow
class (or shape of one), built once, with ``model=None`` and no automatic transitions; models are short-lived and never
bound to it, because binding costs more than the event and resets a restored state. With ``queued=False`` and a model
per message such a Machine is safe to share between threads.

The alphabet (`alphabet`): ``submit`` (a transition for each way on, in the order of `edges`, then ``refused``, which
goes nowhere), ``skip`` and ``exhausted`` where a step has them, ``push`` and ``pop`` where a flow answers it, ``page``
(the same question, another page of its list) and ``empty`` (on, as there is nothing to choose from) where options live,
``back`` (the reverse of each way on, open to who came that way), ``cancel``, ``restart``, ``expire``, and ``resume``
from where a silence has led, which may also be left by ``cancel`` and ``restart``. What happens in a
conversation is one of these transitions; diagrams and tests read them from here.

Callbacks are callables with a ``__name__``, never strings: a string would be looked up on the model, and a callable
object would print its address in a diagram. A condition says only True or False, so the reason travels on the `Turn`
that each event carries as its one argument. Nothing here may raise after the state has changed: `transitions` does
not go back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from attrs import define, field
from transitions import EventData, Machine, State

from fsmflow.alphabet import (
    BACK,
    CANCEL,
    EMPTY,
    EXHAUSTED,
    EXPIRE,
    LEADING_ON,
    PAGE,
    POP,
    PUSH,
    REFUSED,
    RESTART,
    RESUME,
    SUBMIT,
)
from fsmflow.answers import Accepted, Answer, Verdict
from fsmflow.audit import AuditEntry
from fsmflow.edges import Edge, Predicate, landings, ways_on
from fsmflow.events import QuietMachine, QuietTransition
from fsmflow.state import CANCELLED, COMPLETED, EXPIRED, FAILED, HANDOVER, TERMINAL_STATES, FlowData
from fsmflow.step import Step

_ENDS: Final = (COMPLETED, CANCELLED, FAILED, HANDOVER, EXPIRED)  # in the order in which they are shown


class FlowTransition(QuietTransition):
    """A transition that knows what it is called and which option takes it.

    Args:
        name: What diagrams and tests call it: ``refused``, the option's id, its predicates, or the trigger.
        option: The id of the option that takes it, if it is one's own.
        predicates: What must hold for it, besides that an answer is accepted.
    """

    @property
    def refuses(self) -> bool:
        """True if it is the one for answers that are not accepted. Its name does not tell: an option may have it."""
        return self.dest is None and self.name == REFUSED

    def __init__(
        self,
        *arguments: Any,
        name: str = "",
        option: str | None = None,
        predicates: tuple[Predicate, ...] = (),
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self.name = name
        self.option = option
        self.predicates = predicates


class FlowMachine(QuietMachine):
    """A Machine of `FlowTransition`."""

    transition_cls = FlowTransition


class Model(Protocol):
    """What the callbacks need of a flow."""

    flow_type: str
    state: str

    def judgement(self, turn: Turn) -> Verdict:
        """The verdict on the turn's answer."""

    def came_from(self) -> str | None:
        """The step that was answered before this one."""

    def stood_at(self) -> str | None:
        """The step at which a silence closed the run."""

    def moved(self, trigger: str, transition: FlowTransition, turn: Turn) -> None:
        """Takes note of a transition that was made."""


@define
class Turn:
    """What one event carries: the answer on the way in, what came of it on the way out.

    Args:
        answer: What is submitted; None for the other triggers.
        before: The run as it was before, which an accepted answer leaves as the flow's `previous`.
        verdict: What was judged of it, by the first condition that asked or beforehand; and which predicates hold.
        ended: The end of the flow that answered the step, where one did.
        page: The page that is turned to.
        taken: The transition that was made, or None.
        entries: What the callbacks recorded.
    """

    answer: Answer | None = None
    before: FlowData | None = None
    verdict: Verdict | None = None
    ended: str | None = None
    page: int = 0
    taken: FlowTransition | None = None
    entries: list[AuditEntry] = field(factory=list)


def build_machine(
    name: str, steps: Sequence[Step], accepts: Mapping[str, str], predicates: Mapping[Predicate, str]
) -> FlowMachine:
    """Builds the Machine of a flow.

    Args:
        name: The flow's name.
        steps: Its steps, already checked.
        accepts: For each step the name of the condition that accepts its answer.
        predicates: For each predicate its name.

    Returns:
        The Machine, with no model.
    """
    edges = ways_on(steps)
    ends = {edge.dest for edge in edges if edge.dest in TERMINAL_STATES} | {CANCELLED, EXPIRED}
    ends |= {end for step in steps for end in _ends_within(step)}
    machine = FlowMachine(
        model=None,
        states=[
            *(State(step.id) for step in steps),
            *(State(end, final=True) for end in sorted(ends, key=_ENDS.index)),
        ],
        initial=steps[0].id,
        auto_transitions=False,
        send_event=True,
        queued=False,
        after_state_change=[record],
        name=name,
    )
    conditions = {step_id: _accepts(condition) for step_id, condition in accepts.items()}
    held = {predicate: _holds(predicate, called) for predicate, called in predicates.items()}
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.source, []).append(edge)
    for step in steps:
        if step.flow is not None:
            machine.add_transition(PUSH, step.id, None, name=PUSH)
        called: set[tuple[str, str, str]] = set()
        for edge in leaving[step.id]:
            guards: list[str | Callable[..., bool | None]] = []
            if edge.trigger == SUBMIT:
                guards.append(conditions[step.id])
            elif edge.trigger == POP:
                guards.append(_ended(COMPLETED))
            if edge.option is not None:
                guards.append(_chose(edge.option))
            guards += [held[predicate] for predicate in edge.predicates]
            machine.add_transition(
                edge.trigger,
                edge.source,
                edge.dest,
                conditions=guards,
                name=_name_of(edge, predicates, called),
                option=edge.option,
                predicates=edge.predicates,
            )
        for end in _ends_within(step):
            machine.add_transition(POP, step.id, end, conditions=[_ended(end)], name=end)
        if step.flow is None:
            machine.add_transition(SUBMIT, step.id, None, name=REFUSED)
    _turn_pages_and_go_back(machine, steps, edges)
    for trigger, dest in ((CANCEL, CANCELLED), (RESTART, steps[0].id), (EXPIRE, EXPIRED)):
        for step in steps:
            machine.add_transition(trigger, step.id, dest, name=trigger)
    _add_the_ways_back(machine, steps)
    return machine


def _name_of(edge: Edge, predicates: Mapping[Predicate, str], called: set[tuple[str, str, str]]) -> str:
    """What an edge is called; a number tells apart those of one step that lead the same way by one name."""
    name = plain = edge.option or " and ".join(predicates[each] for each in edge.predicates) or edge.trigger
    number = 1
    while (edge.trigger, name, edge.dest) in called:
        number += 1
        name = f"{plain} {number}"
    called.add((edge.trigger, name, edge.dest))
    return name


def _add_the_ways_back(machine: FlowMachine, steps: Sequence[Step]) -> None:
    """Adds what leads from where a silence has led."""
    for step in steps:
        machine.add_transition(RESUME, EXPIRED, step.id, conditions=[_stood_at(step.id)], name=RESUME)
    for trigger, dest in ((CANCEL, CANCELLED), (RESTART, steps[0].id)):
        machine.add_transition(trigger, EXPIRED, dest, name=trigger)


def _ends_within(step: Step) -> tuple[str, ...]:
    """The ends of a step's own flow by which the flow around it ends, too."""
    if step.flow is None:
        return ()
    within = all_transitions(step.flow._compiled.machine)
    led_to = {transition.dest for trigger, transition in within if trigger in LEADING_ON}
    return tuple(end for end in _ENDS if end != COMPLETED and end in led_to)


def _turn_pages_and_go_back(machine: FlowMachine, steps: Sequence[Step], edges: Sequence[Edge]) -> None:
    """Adds what leads to no answer: another page of the same question, and the reverse of each way on."""
    for step_id in [step.id for step in steps if step.live is not None]:
        machine.add_transition(PAGE, step_id, step_id, name=PAGE)
    returning = [edge for edge in edges if edge.trigger not in (EXHAUSTED, EMPTY)]
    followed = [(edge.source, landing) for edge in returning for landing in landings(edges, edge.dest)]
    for source, dest in dict.fromkeys(pair for pair in followed if pair[1] not in TERMINAL_STATES):
        machine.add_transition(BACK, dest, source, conditions=[_came_from(source)], name=BACK)


def transitions_from(machine: Machine, trigger: str, source: str) -> Sequence[FlowTransition]:
    """The transitions of a trigger from a state, in the order in which they are tried."""
    event = machine.events.get(trigger)
    if event is None or source not in event.transitions:
        return ()
    found: Any = event.transitions[source]  # a `FlowMachine` has no others
    transitions: Sequence[FlowTransition] = found
    return transitions


def all_transitions(machine: Machine) -> Iterator[tuple[str, FlowTransition]]:
    """Every transition with its trigger, in the order of definition: what diagrams and tests read."""
    for trigger, event in machine.events.items():
        for transitions in event.transitions.values():
            for transition in transitions:
                yield trigger, cast("FlowTransition", transition)


def triggers_of(machine: Machine) -> dict[str, Callable[..., bool]]:
    """For each trigger what fires it: called with the model and the turn."""
    return {name: event.trigger for name, event in machine.events.items()}


Witness = Callable[[Model, str, FlowTransition], None]

WITNESSES: Final[list[Witness]] = []
"""What is told of every transition of every flow besides the flow itself, with the trigger that fired it: what tests
have fired is known from here. It must not raise."""


def record(event: EventData) -> None:
    """Has the model take note of the transition that was just made, and tells who watches."""
    found: Any = event  # to `transitions` a model and its arguments are any objects
    model: Model = found.model
    turn: Turn = found.args[0]
    taken: FlowTransition = found.transition
    turn.taken = taken
    model.moved(event.event.name, taken, turn)
    for witness in WITNESSES:
        witness(model, event.event.name, taken)


def _named(condition: Callable[[EventData], bool], name: str) -> Callable[[EventData], bool]:
    condition.__name__ = condition.__qualname__ = name
    return condition


def _accepts(name: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        model: Model = event.model
        return isinstance(model.judgement(event.args[0]), Accepted)

    return _named(condition, name)


def _chose(option_id: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        turn: Turn = event.args[0]
        verdict = turn.verdict
        return isinstance(verdict, Accepted) and verdict.option is not None and verdict.option.id == option_id

    return _named(condition, f"chose_{option_id}")


def _holds(predicate: Predicate, name: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        verdict = event.args[0].verdict
        return isinstance(verdict, Accepted) and predicate in verdict.holds

    return _named(condition, name)


def _ended(end: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        turn: Turn = event.args[0]
        return turn.ended == end

    return _named(condition, f"ended_{end}")


def _came_from(step_id: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        model: Model = event.model
        return model.came_from() == step_id

    return _named(condition, f"came_from_{step_id}")


def _stood_at(step_id: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        model: Model = event.model
        return model.stood_at() == step_id

    return _named(condition, f"stood_at_{step_id}")

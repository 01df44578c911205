"""From steps to a `transitions.Machine`, and what its callbacks do.

Here belongs all that knows `transitions`, but for how an event is processed (`events`): one Machine for each flow
class (or shape of one), built once, with ``model=None`` and no automatic transitions; models are short-lived and never
bound to it, because binding costs more than the event and resets a restored state. With ``queued=False`` and a model
per message such a Machine is safe to share between threads.

The alphabet: ``submit`` (a transition for each option with a target, then the way on, then ``refused``, which goes
nowhere), ``back`` (the reverse of each way on, open to who came that way), ``cancel``, ``restart``, ``expire``; where
options live, ``page`` (the same question, another page of its list) and ``empty`` (on to where the step says, as there
is nothing to choose from). What happens in a conversation is one of these transitions; diagrams and tests read them
from here.

Callbacks are callables with a ``__name__``, never strings: a string would be looked up on the model, and a callable
object would print its address in a diagram. A condition says only True or False, so the reason travels on the `Turn`
that each event carries as its one argument. Nothing here may raise after the state has changed: `transitions` does
not go back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, cast

from attrs import define, field, frozen
from transitions import EventData, Machine, State

from fsmflow.answers import Accepted, Answer, Verdict
from fsmflow.audit import AuditEntry
from fsmflow.errors import FlowDefinitionError
from fsmflow.events import QuietMachine, QuietTransition
from fsmflow.state import CANCELLED, COMPLETED, EXPIRED, TERMINAL_STATES, FlowData
from fsmflow.step import Step

SUBMIT: Final = "submit"
BACK: Final = "back"
CANCEL: Final = "cancel"
RESTART: Final = "restart"
EXPIRE: Final = "expire"
REFUSED: Final = "refused"
PAGE: Final = "page"
EMPTY: Final = "empty"


class FlowTransition(QuietTransition):
    """A transition that knows what it is called and which option takes it.

    Args:
        name: What diagrams and tests call it: ``refused``, the option's id, or the trigger.
        option: The id of the option that takes it, if it is one's own.
    """

    @property
    def refuses(self) -> bool:
        """True if it is the one for answers that are not accepted. Its name does not tell: an option may have it."""
        return self.dest is None

    def __init__(self, *arguments: Any, name: str = "", option: str | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.name = name
        self.option = option


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

    def moved(self, trigger: str, transition: FlowTransition, turn: Turn) -> None:
        """Takes note of a transition that was made."""


@define
class Turn:
    """What one event carries: the answer on the way in, what came of it on the way out.

    Args:
        answer: What is submitted; None for the other triggers.
        before: The run as it was before, which an accepted answer leaves as the flow's `previous`.
        verdict: What was judged of it, by the first condition that asked or beforehand.
        page: The page that is turned to.
        taken: The transition that was made, or None.
        entries: What the callbacks recorded.
    """

    answer: Answer | None = None
    before: FlowData | None = None
    verdict: Verdict | None = None
    page: int = 0
    taken: FlowTransition | None = None
    entries: list[AuditEntry] = field(factory=list)


@frozen
class Edge:
    """A way on from a step: what is drawn before the Machine is built.

    Args:
        source: The step that is answered.
        dest: Where an accepted answer leads.
        option: The id of the option that leads there, or None for the way that the others go.
    """

    source: str
    dest: str
    option: str | None = None


def ways_on(steps: Sequence[Step]) -> tuple[Edge, ...]:
    """The ways on of a flow, in order: for each step its options with a target, then the next step."""
    edges: list[Edge] = []
    for index, step in enumerate(steps):
        edges.extend(Edge(step.id, option.to, option.id) for option in step.options if option.to is not None)
        if not step.options or any(option.to is None for option in step.options):
            following = steps[index + 1].id if index + 1 < len(steps) else COMPLETED
            edges.append(Edge(step.id, following))
    return tuple(edges)


def ways_when_empty(steps: Sequence[Step]) -> tuple[Edge, ...]:
    """The ways from steps that have nothing to choose from."""
    return tuple([Edge(step.id, step.when_empty) for step in steps if step.when_empty is not None])


def _landings(steps: Sequence[Step], dest: str) -> tuple[str, ...]:
    """Where a way to a step may end: there, or behind it and others that have nothing to choose from."""
    onward = {edge.source: edge.dest for edge in ways_when_empty(steps)}
    landed = [dest]
    while landed[-1] in onward:
        landed.append(onward[landed[-1]])
    return tuple(landed)


def _check_emptiness_ends(flow: str, steps: Sequence[Step]) -> None:
    """Checks that steps which have nothing to choose from do not send a member round in a circle."""
    onward = {edge.source: edge.dest for edge in ways_when_empty(steps)}
    for start in steps:
        passed: list[str] = []
        following = onward.get(start.id)
        while following in onward and following not in passed:
            passed.append(following)
            following = onward[following]
        if start.id in passed:
            raise FlowDefinitionError(flow, start.id, "when_empty leads back to this step: nobody would ever be asked")


def check_reachable(flow: str, steps: Sequence[Step]) -> None:
    """Checks that each step can be reached and that each leads to an end.

    Raises:
        FlowDefinitionError: A step cannot be reached from the first one, or never leads to an end.
    """
    _check_emptiness_ends(flow, steps)
    edges = (*ways_on(steps), *ways_when_empty(steps))
    reached = {steps[0].id}
    ending = set(TERMINAL_STATES)
    grown = True
    while grown:
        before = len(reached) + len(ending)
        for edge in edges:  # ways on mostly run downward: one pass in each direction usually does
            if edge.source in reached:
                reached.add(edge.dest)
        for edge in reversed(edges):
            if edge.dest in ending:
                ending.add(edge.source)
        grown = len(reached) + len(ending) > before
    for step in steps:
        if step.id not in reached:
            raise FlowDefinitionError(flow, step.id, "no answer leads to this step")
        if step.id not in ending:
            raise FlowDefinitionError(flow, step.id, "no answer leads from this step to an end")


def build_machine(name: str, steps: Sequence[Step], conditions: dict[str, str]) -> FlowMachine:
    """Builds the Machine of a flow.

    Args:
        name: The flow's name.
        steps: Its steps, already checked.
        conditions: For each step the name of the condition that accepts its answer.

    Returns:
        The Machine, with no model.
    """
    edges = ways_on(steps)
    empty = ways_when_empty(steps)
    ends = {edge.dest for edge in (*edges, *empty) if edge.dest in TERMINAL_STATES} | {CANCELLED, EXPIRED}
    machine = FlowMachine(
        model=None,
        states=[
            *(State(step.id) for step in steps),
            *(State(end, final=True) for end in sorted(ends, key=_ending_order)),
        ],
        initial=steps[0].id,
        auto_transitions=False,
        send_event=True,
        queued=False,
        after_state_change=[record],
        name=name,
    )
    accepts = {step_id: _accepts(condition) for step_id, condition in conditions.items()}
    for step in steps:
        for edge in (edge for edge in edges if edge.source == step.id):
            guards: list[str | Callable[..., bool | None]] = [accepts[step.id]]
            if edge.option is not None:
                guards.append(_chose(edge.option))
            machine.add_transition(
                SUBMIT, edge.source, edge.dest, conditions=guards, name=edge.option or SUBMIT, option=edge.option
            )
        machine.add_transition(SUBMIT, step.id, None, name=REFUSED)
    for step in steps:
        if step.live is not None:
            machine.add_transition(PAGE, step.id, step.id, name=PAGE)
    for edge in empty:
        machine.add_transition(EMPTY, edge.source, edge.dest, name=EMPTY)
    followed = [(edge.source, landing) for edge in edges for landing in _landings(steps, edge.dest)]
    for source, dest in dict.fromkeys(pair for pair in followed if pair[1] not in TERMINAL_STATES):
        machine.add_transition(BACK, dest, source, conditions=[_came_from(source)], name=BACK)
    for trigger, dest in ((CANCEL, CANCELLED), (RESTART, steps[0].id), (EXPIRE, EXPIRED)):
        for step in steps:
            machine.add_transition(trigger, step.id, dest, name=trigger)
    return machine


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


def _ending_order(end: str) -> int:
    return (COMPLETED, CANCELLED, "failed", EXPIRED).index(end)


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


def _came_from(step_id: str) -> Callable[[EventData], bool]:
    def condition(event: Any) -> bool:
        model: Model = event.model
        return model.came_from() == step_id

    return _named(condition, f"came_from_{step_id}")

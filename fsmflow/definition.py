"""A flow class, compiled: its Machine, its callables, its fingerprint.

Here belong the compiling, which happens once for a class (or once for a shape, for classes that build their steps in
``__init__``), and the questions that only the compiled form answers. Nothing here knows a member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from attrs import evolve, field, frozen

from fsmflow.action import Action, check_action
from fsmflow.alphabet import SUBMIT
from fsmflow.answers import StepCallbacks
from fsmflow.audit import REDACTED, redacted, remember_sensitive
from fsmflow.callbacks import Callback, understand
from fsmflow.codec import digest
from fsmflow.edges import Predicate, check_reachable, ways_on
from fsmflow.errors import FlowDefinitionError
from fsmflow.machine import FlowMachine, all_transitions, build_machine, transitions_from, triggers_of
from fsmflow.per_channel import PerChannel
from fsmflow.routes import completed_by, leads, path_to, route, ways_by
from fsmflow.state import TERMINAL_STATES, FlowData
from fsmflow.step import Step, StepType, unknown_at
from fsmflow.step_checks import check_silences, check_steps
from fsmflow.storable import restore_answer
from fsmflow.typed_data import TypedData, typed_data
from fsmflow.wording import folded

DEPTH_LIMIT: Final = 8
"""How deep flows may stand within each other: a run is stored with all that it holds."""

KEYWORD_LIMIT: Final = 100
"""A keyword's length in characters; what is typed beyond it is not looked at as one."""


@frozen
class ActionCallbacks:
    """The callables of an action, understood.

    Args:
        run: Does it.
        reconcile: Finds out whether it was done; None where nobody can.
        returns: What its value is structured to.
    """

    run: Callback
    reconcile: Callback | None
    returns: Any

    @property
    def all(self) -> tuple[Callback | None, ...]:
        """Both."""
        return (self.run, self.reconcile)


@frozen(eq=False)
class Definition:
    """A compiled flow.

    Args:
        name: The name of the flow's class.
        flow_type: Which flow it is.
        index: The position of each step, by its id, in order.
        callbacks: The callables of each step, understood.
        actions: The callables of each action, understood.
        predicates: What decides between ways, understood.
        flows: For each step that a flow answers, the definition of that flow.
        acts: True if one of its steps changes the world, or one of a flow within it.
        unknowns: For each state in which nobody knows what came of an action, the action's step.
        unanswered: The ids of the steps whose answer may be None, as they may be left without one.
        machine: The shared Machine.
        fire: For each trigger what fires it.
        sensitive: The ids of the steps whose answers are redacted.
        depth: How many flows stand within each other, this one counted.
        asynchronous: The names of callables that must be awaited.
        requires_auth: True if only who is signed in may go through it, or through a flow within it.
        keeps_secrets: True if an answer is sensitive, to one of its questions or to one of a flow within it.
        deciding: The triggers and states of which a predicate decides where they lead.
        fingerprint: Changes when the structure does: steps, types, ways on. Not when only words do, nor which options
            lead the same way.
        when_empty: The steps that name a way on for having nothing to choose from.
        typed: The face of its data, where the flow has a data class.
    """

    name: str
    flow_type: str
    index: Mapping[str, int]
    callbacks: Mapping[str, StepCallbacks]
    actions: Mapping[str, ActionCallbacks]
    predicates: Mapping[Predicate, Callback]
    flows: Mapping[str, Definition]
    acts: bool
    unknowns: Mapping[str, str]
    unanswered: frozenset[str]
    machine: FlowMachine
    fire: Mapping[str, Callable[..., bool]]
    sensitive: frozenset[str]
    depth: int
    asynchronous: tuple[str, ...]
    requires_auth: bool
    fingerprint: str
    when_empty: frozenset[str] = frozenset()
    typed: TypedData | None = None
    keeps_secrets: bool = field(init=False)
    deciding: frozenset[tuple[str, str]] = field(init=False)

    def step_at(self, state: str) -> str | None:
        """The id of the step that a state belongs to; None for a terminal one."""
        return state if state in self.index else self.unknowns.get(state)

    @property
    def acting_flows(self) -> frozenset[str]:
        """The steps whose flow changes the world."""
        return frozenset(step_id for step_id, within in self.flows.items() if within.acts)

    def acted(self, flow_data: FlowData) -> bool:
        """True if an effect was done, or may have been, in a stored run."""
        at = self.step_at(flow_data.step_id or "")
        if at in self.actions or any(each in self.actions or each in self.acting_flows for each in flow_data.path):
            return True
        within = self.flows.get(flow_data.step_id or "")
        return within is not None and flow_data.inner is not None and within.acted(flow_data.inner)

    @property
    def first(self) -> str:
        """The id of the first step."""
        return next(iter(self.index))

    @keeps_secrets.default
    def _keeps_secrets(self) -> bool:
        return bool(self.sensitive) or any(within.keeps_secrets for within in self.flows.values())

    @deciding.default
    def _deciding(self) -> frozenset[tuple[str, str]]:
        found = ((trigger, str(way.source)) for trigger, way in all_transitions(self.machine) if way.predicates)
        return frozenset(found)

    @property
    def acts_first(self) -> bool:
        """True if an effect is run before anything is asked, here or in the flow that answers the first step."""
        return self.first in self.actions or (self.first in self.flows and self.flows[self.first].acts_first)

    def position(self, state: str) -> int:
        """The index of a state: the number of steps for a terminal one."""
        return self.index.get(self.unknowns.get(state, state), len(self.index))

    def restore(self, flow_data: FlowData) -> tuple[str, dict[str, Any], tuple[str, ...]] | None:
        """Where a stored run stands, its answers as the flow knows them, and the way that led there.

        Args:
            flow_data: The stored run. Its step's id wins over its index.

        Returns:
            The state, the structured answers and the path; None where the step is gone, an answer is missing or does
            not fit, or the ways on have changed so that the path does not lead there any more: a step that a release
            put in between is asked, not skipped.
        """
        state = flow_data.step_id
        if state is None:
            state = next((step_id for step_id, index in self.index.items() if index == flow_data.step), None)
        path = None if state is None else self._path_to(state, flow_data)
        # an answer on the path may have been left out, as the audit trail does with sensitive ones
        if state is None or path is None or not flow_data.data.keys() >= set(path):
            return None
        try:
            return state, {step_id: self._answer(step_id, raw) for step_id, raw in flow_data.data.items()}, path
        except Exception:  # noqa: BLE001 - whatever cattrs has against a stored answer, it does not fit
            return None

    def _path_to(self, state: str, flow_data: FlowData) -> tuple[str, ...] | None:
        """The path of a stored run, where it leads to its state; a structure names none, and is given one."""
        path = flow_data.path
        if state in TERMINAL_STATES:
            return path
        at = self.step_at(state)
        if at is None:
            return None
        if not path and not flow_data.definition and state != self.first:
            # A structure names no path. Where its answers do not lead to its step either, its word is taken for it.
            answered = (step_id for step_id in self.index if step_id in flow_data.data and step_id != state)
            return path_to(self.machine, flow_data.data, state) or tuple(answered)
        if flow_data.definition == self.fingerprint:
            return path
        whole = leads(self.machine, (*path, at), flow_data.data) and self._holds_whole(path, flow_data.data)
        return path if whole else None

    def _holds_whole(self, path: Iterable[str], answers: Mapping[str, Any]) -> bool:
        """True if what is kept of each flow that answered a step completes that flow as it is now."""
        return all(self.flows[each]._is_completed_by(answers.get(each)) for each in path if each in self.flows)

    def _is_completed_by(self, answers: Any) -> bool:
        return (
            isinstance(answers, Mapping)
            and bool(completed_by(self.machine, answers))
            and self._holds_whole(answers, answers)
        )

    def rewound(self, flow_data: FlowData) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        """The furthest point of a run that still fits this flow, for one that does not fit as it is.

        The member's path is followed as long as each step exists, follows on the one before, and its answer can be
        read; where it breaks off, the question that comes next is asked.

        Args:
            flow_data: The stored run.

        Returns:
            The step to ask, the answers kept, and the path to it.
        """
        answers: dict[str, Any] = {}
        path: list[str] = []
        goal = flow_data.step_id
        # who went back to the first question has no path, and later answers which are not to be gone over unasked
        ahead = () if goal == self.first else route(self.machine, flow_data.data, self.first)
        travelled = flow_data.path or ahead
        for step_id in travelled:
            if step_id not in self.index or not leads(self.machine, (*path, step_id), flow_data.data):
                break
            try:
                answers[step_id] = self._answer(step_id, flow_data.data[step_id])
                readable = not self._hides_its_way(step_id) and self._holds_whole((step_id,), flow_data.data)
            except Exception:  # noqa: BLE001 - as above
                readable = False
            if not readable:
                return step_id, {each: answers[each] for each in path}, tuple(path)
            path.append(step_id)
        asked = None
        if goal is not None and len(path) == len(travelled) and leads(self.machine, (*path, goal), flow_data.data):
            asked = goal
        if asked not in self.index:
            ways = ways_by(self.machine, path[-1], flow_data.data[path[-1]]) if path else (self.first,)
            asked = ways[0] if len(ways) == 1 else None  # which of several, its predicates would have to be asked
        if asked not in self.index:
            # the last answer would end the run, or may lead anywhere: it is asked anew, as is all since it was given
            asked = path[-1]
            path = path[: path.index(asked)]
        return str(asked), {step_id: answers[step_id] for step_id in path}, tuple(path)

    def redacted(self, flow_data: FlowData) -> FlowData:
        """A stored run as the trail may keep it: without sensitive answers, and without what holds one.

        Of a run that waits beneath it this knows nothing: that one is of another flow.
        """
        # of a step that is not known here it is not known either whether it was sensitive
        unknown = flow_data.data.keys() - self.index.keys()
        if not self.keeps_secrets and not unknown:
            return flow_data
        kept = redacted(flow_data, self._hidden(flow_data.data) | unknown)
        stood = flow_data.step_id if flow_data.halt is None else flow_data.halt.step
        within = self.flows.get(stood or "")
        if flow_data.inner is not None:
            kept = evolve(kept, inner=None if within is None else within.redacted(flow_data.inner))
        return kept

    def _hidden(self, answers: Mapping[str, Any]) -> frozenset[str]:
        """The steps whose answers are sensitive, or hold an answer that is."""
        if not self.flows:
            return self.sensitive
        holding = {
            each for each, within in self.flows.items() if each in answers and any(within.secrets(answers[each]))
        }
        return self.sensitive | holding

    def secrets(self, answers: Mapping[str, Any]) -> Iterator[str]:
        """The sensitive answers among some, in words."""
        for step_id in self.sensitive:
            if step_id in answers:
                yield str(answers[step_id])
        for step_id, within in self.flows.items():
            if step_id in answers:
                yield from within.secrets(answers[step_id])

    def without_secrets(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Answers as somebody may be shown them: what is sensitive is replaced."""
        shown: dict[str, Any] = {
            each: REDACTED if each in self.sensitive else answer for each, answer in answers.items()
        }
        return shown | {each: self.flows[each].without_secrets(shown[each]) for each in self.flows if each in shown}

    def _hides_its_way(self, step_id: str) -> bool:
        """True if what is kept of a choice does not tell which way it went: a transformer made something else of it."""
        ways = transitions_from(self.machine, SUBMIT, step_id)
        return self.callbacks[step_id].transformer is not None and any(way.option is not None for way in ways)

    def _answer(self, step_id: str, raw: Any) -> Any:
        if raw is None and step_id in self.unanswered:
            return None
        if step_id in self.actions:
            return restore_answer(raw, self.actions[step_id].returns)
        if step_id in self.flows:
            within = self.flows[step_id]
            return {each: within._answer(each, value) for each, value in raw.items()}
        callbacks = self.callbacks.get(step_id)
        return raw if callbacks is None else restore_answer(raw, callbacks.kept_as)


def compile_flow(owner: type, flow_type: str, steps: Sequence[Step]) -> Definition:
    """Compiles a flow class.

    Args:
        owner: The class.
        flow_type: Which flow it is.
        steps: Its steps.

    Returns:
        The definition.

    Raises:
        FlowDefinitionError: The flow is written wrongly; the error names class, step and what is expected.
    """
    check_steps(owner.__name__, steps)
    check_reachable(owner.__name__, steps)
    check_silences(owner.__name__, steps, getattr(owner, "timeout", None))
    callbacks = {step.id: _callbacks(owner, step) for step in steps}
    conditions = {step.id: _condition(step, callbacks[step.id]) for step in steps}
    actions = {step.id: _understood(owner, step) for step in steps if isinstance(step, Action)}
    predicates = dict(_predicates(owner, steps))
    called = {predicate: callback.name for predicate, callback in predicates.items()}
    machine = build_machine(flow_type or owner.__name__, steps, conditions, called)
    flows: dict[str, Definition] = {step.id: step.flow._compiled for step in steps if step.flow is not None}
    typed = typed_data(owner, steps, callbacks, flows)
    if typed is not None:
        callbacks = {step_id: evolve(each, kept_as=typed.kinds.get(step_id)) for step_id, each in callbacks.items()}
    depth = 1 + max((within.depth for within in flows.values()), default=0)
    if depth > DEPTH_LIMIT:
        raise FlowDefinitionError(owner.__name__, None, f"flows stand within each other at most {DEPTH_LIMIT} deep")
    sensitive = frozenset(step.id for step in steps if step.sensitive)
    remember_sensitive(flow_type, sensitive | {each for each, within in flows.items() if within.keeps_secrets})
    ending = getattr(owner, "complete", None)
    closing = None if ending is None else understand(owner, None, "closing", ending, arguments=0, returns=False)
    handing = getattr(owner, "handed_over", None)
    parting = None if handing is None else understand(owner, None, "handover", handing, arguments=1, returns=False)
    return Definition(
        name=owner.__name__,
        flow_type=flow_type,
        index={step.id: index for index, step in enumerate(steps)},
        callbacks=callbacks,
        actions=actions,
        predicates=predicates,
        flows=flows,
        acts=bool(actions) or any(within.acts for within in flows.values()),
        unknowns={unknown_at(step.id): step.id for step in steps if step.type is StepType.ACTION},
        unanswered=frozenset(step.id for step in steps if step.may_be_unanswered),
        machine=machine,
        fire=triggers_of(machine),
        sensitive=sensitive,
        depth=depth,
        asynchronous=tuple(
            callback.name
            for found in (
                *(each.all for each in callbacks.values()),
                *(each.all for each in actions.values()),
                predicates.values(),
                (closing, parting),
            )
            for callback in found
            if callback is not None and callback.is_async
        )
        + tuple(f"{step_id}.{name}" for step_id, within in flows.items() for name in within.asynchronous),
        requires_auth=getattr(owner, "requires_auth", False) or any(each.requires_auth for each in flows.values()),
        fingerprint=_fingerprint(steps),
        when_empty=frozenset(step.id for step in steps if step.when_empty is not None),
        typed=typed,
    )


def check_attributes(owner: Any) -> None:
    """Checks the attributes of a flow class that are plain values: each would else be found wrong by a member.

    Raises:
        FlowDefinitionError: One of them is of another type, or cannot mean anything.
    """
    wrong = None
    keywords, steps, timeout = owner.keywords, owner.steps, owner.timeout
    if not isinstance(owner.flow_type, str) or any(mark.isspace() for mark in owner.flow_type):
        wrong = "flow_type is a str without white space"
    elif isinstance(keywords, str):
        wrong = f"keywords is a tuple: ({keywords!r},)"
    elif not isinstance(keywords, (tuple, list)):
        wrong = "keywords is a tuple of what members type"
    elif not all(isinstance(keyword, str) and 1 <= len(folded(keyword)) <= KEYWORD_LIMIT for keyword in keywords):
        wrong = f"a keyword is a str of 1 to {KEYWORD_LIMIT} characters"
    elif not (steps is None or isinstance(steps, Iterable)):
        wrong = "steps is a tuple of Step objects; a lone one needs its comma: (Step(…),)"
    elif not (timeout is None or (isinstance(timeout, timedelta) and timeout > timedelta())):
        wrong = "timeout is a timedelta above zero, or None for never"
    elif not isinstance(owner.revision, int):
        wrong = "revision is an integer"
    elif not isinstance(owner.requires_auth, bool):
        wrong = "requires_auth is True or False"
    if wrong is not None:
        raise FlowDefinitionError(owner.__name__, None, wrong)


def _callbacks(owner: type, step: Step) -> StepCallbacks:
    def found(role: str, function: Any, arguments: int, *, returns: bool) -> Callback | None:
        if function is None:
            return None
        return understand(owner, step.id, role, function, arguments=arguments, returns=returns)

    def says(said: Any) -> Callback | None:
        return found("message", said if callable(said) else None, 0, returns=False)

    said = step.message
    named = said.channels if isinstance(said, PerChannel) else {}
    transformer = found("transformer", step.transformer, 1, returns=True)
    return StepCallbacks(
        message=says(said.default if isinstance(said, PerChannel) else said),
        validator=found("validator", step.validator, 1, returns=False),
        transformer=transformer,
        kept_as=None if transformer is None else transformer.returns,
        options=found("options", step.live, 0, returns=False),
        empty=found(
            "empty_message", None if isinstance(step.empty_message, str) else step.empty_message, 0, returns=False
        ),
        on_channel={channel: says(form) for channel, form in named.items()},
    )


def _understood(owner: type, action: Action) -> ActionCallbacks:
    check_action(owner.__name__, action)
    ask = action.reconcile
    return ActionCallbacks(
        run=understand(owner, action.id, "run", action.run, arguments=0, returns=False),
        reconcile=None if ask is None else understand(owner, action.id, "reconcile", ask, arguments=0, returns=False),
        returns=action.returns,
    )


def _predicates(owner: type, steps: Sequence[Step]) -> Iterator[tuple[Predicate, Callback]]:
    for step in steps:
        for place, each in enumerate(step.routes):
            if each.when is not None:
                role = f"route_{place + 1}"
                yield Predicate(step.id, place), understand(owner, step.id, role, each.when, arguments=1, returns=False)
        if step.skip_when is not None:
            skipped = understand(owner, step.id, "skip_when", step.skip_when, arguments=0, returns=False)
            yield Predicate(step.id), skipped


def _condition(step: Step, callbacks: StepCallbacks) -> str:
    """What the condition of a step is called: its validator, else what the library itself asks of an answer."""
    if callbacks.validator is not None:
        return callbacks.validator.name
    if callbacks.transformer is not None:
        return callbacks.transformer.name
    if callbacks.options is not None:
        return callbacks.options.name
    return "answered" if step.type is StepType.TEXT else "chosen"


def _fingerprint(steps: Sequence[Step]) -> str:
    parts = [part for step in steps for part in (step.id, step.type.value)]
    for edge in ways_on(steps):
        # which predicate opens a way does not matter to a stored run: what led it there, held then
        parts += ["", edge.source, edge.dest, edge.option or ""]
    # what a flow within collected is an answer: where its questions change, it may lack one
    parts += [part for step in steps if step.flow is not None for part in (step.id, step.flow._compiled.fingerprint)]
    return digest(*parts, size=6)

"""Tests of a flow that nobody has to write: one case for each transition of its machine.

    @pytest.mark.parametrize("case", transitions_of(OfferFlow), ids=str)
    def test_each_transition_leads_where_it_should(case):
        result = case.fire()
        assert result.flow.state == case.dest

Here belongs what turns a machine into cases and a case into a conversation in memory. The input comes from the steps'
own `examples` and `counterexamples`, so that what documents a step also tests it; where they are missing a case says
what it `lacks`, and nothing is made up. Nothing here needs pytest.
"""

from __future__ import annotations

from attrs import frozen

from fsmflow.answers import Answer
from fsmflow.calls import run_calls
from fsmflow.flow import Flow
from fsmflow.machine import BACK, REFUSED, SUBMIT, FlowTransition, Turn, all_transitions
from fsmflow.messages import Message
from fsmflow.paths import Answered, Paths
from fsmflow.questions import with_reason
from fsmflow.registry import sample_flow


@frozen(eq=False)
class Fired:
    """What came of a case.

    Args:
        flow: The flow, after the transition.
        message: What is said then: the next question, the closing words, or the refusal and the question again.
        fired: The transition that was taken.
    """

    flow: Flow
    message: Message
    fired: FlowTransition


@frozen(eq=False, repr=False)
class TransitionCase:
    """One transition of a flow's machine, ready to be fired. Its ``str`` is its id among the flow's cases.

    Args:
        flow: The flow's class.
        flow_type: Which flow it is.
        source: The state to start from.
        trigger: What fires it: ``submit``, ``back``, ``cancel``, ``restart``, ``expire``.
        name: What the transition is called: ``refused``, the option's id, or the trigger.
        dest: The state that it leads to; the source for a refusal.
        option: The id of the option that takes it, if it is one's own.
        value: The answer that is submitted; None for the other triggers, or where it is missing.
        path: The answers that lead to the source.
        lacks: What is missing to fire it, in words; None if nothing is.
    """

    flow: type[Flow]
    flow_type: str
    source: str
    trigger: str
    name: str
    dest: str
    option: str | None
    value: str | None
    path: tuple[Answered, ...]
    lacks: str | None

    def __str__(self) -> str:
        if self.name == REFUSED and self.option is None:
            return f"{self.source}-{REFUSED}"
        option = "" if self.option is None else f"[{self.option}]"
        return f"{self.source}-{self.trigger}{option}-{self.dest}"

    def __repr__(self) -> str:
        return f"<TransitionCase {self}>"

    def start(self) -> Flow:
        """A new flow in memory, brought to the source by its examples.

        Returns:
            The flow, in the state `source`.

        Raises:
            AssertionError: Something is lacking, or an example was not accepted.
        """
        if self.lacks is not None:
            raise AssertionError(f"{self} cannot be tried: {self.lacks}")
        flow = sample_flow(self.flow, self.flow_type)
        for answered in self.path:
            flow.process_input(answered.value)
            if flow.state != answered.dest:
                why = f"led to {flow.state}" if flow.refusal is None else f"was refused: {flow.refusal}"
                raise AssertionError(f"{self}: the example of step {answered.step!r} {why}")
        return flow

    def fire(self) -> Fired:
        """Starts a flow and fires the transition.

        Returns:
            What came of it.

        Raises:
            AssertionError: Another transition was taken, or none; or the case cannot be started.
            Exception: Whatever the flow's code raised.
        """
        flow = self.start()
        turn = Turn(answer=self._answer(flow), before=flow.snapshot())
        flow.fire(self.trigger, turn)
        taken = turn.taken
        if taken is None:
            raise AssertionError(f"{self}: no transition was taken from {flow.state}")
        if (taken.name, taken.option, taken.dest or taken.source) != (self.name, self.option, self.dest):
            reason = "" if flow.refusal is None else f" ({flow.refusal})"
            raise AssertionError(f"{self}: the transition {taken.name!r} to {flow.state} was taken{reason}")
        said = run_calls(flow.says())
        return Fired(flow, said if flow.refusal is None else with_reason(flow.refusal, said), taken)

    def _answer(self, flow: Flow) -> Answer | None:
        if self.value is None:
            return None
        step = flow.current_step
        if step is not None and any(option.id == self.value for option in step.options):
            return Answer(text=self.value, option_id=self.value, kind="option")
        return Answer(text=self.value)


def transitions_of(flow: type[Flow] | Flow, flow_type: str | None = None) -> list[TransitionCase]:
    """A case for each transition of a flow's machine, in the order of their definition.

    Args:
        flow: A flow class, or a flow of it.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Returns:
        The cases; a case that cannot be tried says what it `lacks`.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    owner = type(flow) if isinstance(flow, Flow) else flow
    sample = sample_flow(flow, flow_type)
    kind = flow_type or sample.flow_type
    paths = Paths.of(sample)
    awaited = ", ".join(sample.definition.asynchronous)
    cases = []
    for trigger, transition in all_transitions(sample.machine):
        source, dest = transition.source, transition.dest or transition.source
        path, lacks = paths.to(source, last=dest if trigger == BACK else None)
        value, missing = (None, None) if trigger != SUBMIT else paths.input_of(transition)
        cases.append(
            TransitionCase(
                flow=owner,
                flow_type=kind,
                source=source,
                trigger=trigger,
                name=transition.name,
                dest=dest,
                option=transition.option,
                value=value,
                path=path,
                lacks=f"{awaited} must be awaited, which is not done here" if awaited else lacks or missing,
            )
        )
    return cases

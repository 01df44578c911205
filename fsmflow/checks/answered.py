"""Rules on what is answered: examples that are missing or do not hold, code that fails where they lead.

Here belong the rules that read a trial. Where a flow's code raises in one, that is a finding and not left out: the
cases of `fsmflow.testing.transitions_of` fire the same code in the same way, so a flow that fails here has no tests
either.
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.answers import Accepted, Refusal
from fsmflow.audit import place_of
from fsmflow.checks.findings import Severity
from fsmflow.checks.rules import Remark, Subject, rule
from fsmflow.checks.trials import Kind
from fsmflow.errors import FsmflowError, Refused, UnstorableAnswer
from fsmflow.step import StepType


@rule(Severity.WARNING)
def examples_missing(subject: Subject) -> Iterator[Remark]:
    """A TEXT step has no examples: nobody can see what it takes, and nothing after it is tested."""
    for step in subject.flow.steps:
        if step.type is StepType.TEXT and not step.examples:
            yield Remark("it has no examples: say examples=(…), answers that it accepts", step.id)


@rule(Severity.WARNING)
def counterexamples_missing(subject: Subject) -> Iterator[Remark]:
    """A TEXT step has a validator and no counterexamples: that it refuses anything is not tested."""
    for step in subject.flow.steps:
        if not step.has_choices and step.validator is not None and not step.counterexamples:
            yield Remark("it has a validator and no counterexamples: say counterexamples=(…)", step.id)


@rule(Severity.WARNING)
def example_refused(subject: Subject) -> Iterator[Remark]:
    """An example is refused by its own step."""
    for tried in subject.answered():
        if tried.input.kind is Kind.EXAMPLE and isinstance(tried.verdict, Refusal):
            hidden = bool(subject.flow.definition.sensitive)  # a reason may quote the answer of an earlier step, too
            why = "" if hidden else f": {tried.verdict.reason}"
            yield Remark(f"{subject.named(tried.input)} is refused{why}", tried.input.step)


@rule(Severity.WARNING)
def counterexample_accepted(subject: Subject) -> Iterator[Remark]:
    """A counterexample is accepted by its own step."""
    for tried in subject.answered():
        if tried.input.kind is Kind.COUNTEREXAMPLE and isinstance(tried.verdict, Accepted):
            yield Remark(f"{subject.named(tried.input)} is accepted", tried.input.step)


@rule(Severity.ERROR)
def answer_unstorable(subject: Subject) -> Iterator[Remark]:
    """What a transformer makes of an example would not come back from the store: no answer could be kept."""
    for tried in subject.answered():
        if isinstance(tried.fault, UnstorableAnswer):
            made = f"what is made of {subject.named(tried.input)}, a {tried.fault.type_name}"
            yield Remark(f"{made}, would not come back from the store: {tried.fault.expected}", tried.input.step)


@rule(Severity.WARNING)
def raises(subject: Subject) -> Iterator[Remark]:
    """A message, a validator, a predicate or the like raises, where the examples lead: a member gets an apology."""
    told: set[tuple[str, str]] = set()  # one mistake is met after many an answer, and told after the first
    for tried in subject.answered():
        if tried.fault is not None and not isinstance(tried.fault, UnstorableAnswer):
            words = _told(subject, tried.fault)
            if (tried.input.step, words) not in told:
                yield Remark(f"{subject.named(tried.input)} {words}", tried.input.step)
            told.add((tried.input.step, words))
    for said in subject.said():
        if said.fault is not None:
            words = f"{subject.what_is_said(said.state)} {_told(subject, said.fault)}"
            if (said.state, words) not in told:
                after = "" if said.after is None else f", after {subject.named(said.after)} at {said.after.step!r}"
                yield subject.remark(f"{words}{after}", said.state)
            told.add((said.state, words))


def _told(subject: Subject, fault: BaseException) -> str:
    """What was raised, and where; the words only of the library's own faults, as any other may quote an answer."""
    modules = [base.__module__ for base in type(subject.flow).__mro__]
    own = [name for name in modules if not name.startswith("fsmflow.")]
    of_the_library = isinstance(fault, FsmflowError) and type(fault).__module__ == FsmflowError.__module__
    if of_the_library and not isinstance(fault, Refused):  # the words of a refusal are the flow's
        return f"is a fault: {fault}"
    return f"raises {type(fault).__name__} at {place_of(fault, own)}"

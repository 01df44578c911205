"""Everything that fsmflow raises, in one tree.

::

    FsmflowError
    ├── FlowDefinitionError      a flow is written wrongly; found when its class is made or registered
    │   └── AsyncFlowError       async callables where only synchronous ones can be called
    ├── Refused                  a flow's own "no" to an answer; the only text here that a member sees
    │   └── Unsuitable           a ready validator's "no": a sentence of the library's, which may be translated
    ├── EffectRefused            a flow's own "no" from an action: the effect is known not to have happened
    ├── EffectOpen               what would be done to a state has to wait for the outcome of an effect
    ├── FlowFault                a flow's code failed while a message was handled
    │   ├── OutcomeNotTaken      what somebody said of an effect that is open led to such a failure
    │   ├── UnexpectedOutcome    an action's code gave what says nothing of its effect
    │   ├── UnexpectedVerdict    a validator or a predicate returned neither True nor False
    │   ├── NotYetAnswered       a field of typed data was read before its step was answered
    │   ├── UnstorableAnswer     an answer that would not come back from the store as it went in
    │   ├── BadOptions           what a callable of options gave cannot be offered
    │   ├── NoOptions            a step has nothing to choose from, and no way on for that
    │   ├── LimitExceeded        a composed message is over a limit of its channel
    │   └── UnsendableMessage    a composed message has a part that its channel refuses, whatever its length
    ├── FlowEnded                an answer for a conversation that is over
    ├── InvalidState             a state structure that contradicts itself or belongs to another member
    │   └── InvalidMemberId      a member id that cannot be part of a key
    ├── PayloadError             a webhook body that has no usable shape at all
    ├── StoreUnavailable         nothing was decided: the message must be delivered again
    │   ├── AuthenticatorFailed  who the member is could not be found out
    │   ├── Contended            other workers kept committing for this member
    │   └── NewerState           a newer release of the application wrote this state
    ├── MissingExtra             an optional dependency that is not installed
    ├── MissingProgram           a program that is no Python package is not installed
    ├── DrawingFailed            Graphviz could not draw a picture
    └── BadTarget                what a command was pointed at holds no flow, or cannot be imported

What a member does wrong is not here: bad input is a value (a refusal), not an exception. ``Refused`` is the one
bridge between the two, because a validator that parses and refuses in one breath is the natural way to write one.

Each class carries its facts as fields, so that a caller can act on them, and says them in its text, so that a person
can. No field is made from an answer. One may quote an answer all the same: ``Refused.reason``, whose words are the
flow's own; so it is told to the member and kept in the trail, and never logged.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field
from attrs.validators import instance_of


class FsmflowError(Exception):
    """The root: ``except FsmflowError`` catches whatever this library raises on purpose."""


@define
class FlowDefinitionError(FsmflowError):
    """A flow is written wrongly.

    Args:
        flow: The flow class, or the flow type, that is wrong.
        step: The id of the step at fault, or None if the fault is the flow's.
        expected: What would be right, in words.
    """

    flow: str
    step: str | None
    expected: str

    def __str__(self) -> str:
        place = self.flow if self.step is None else f"{self.flow}, step {self.step!r}"
        return f"{place}: {self.expected}"


class AsyncFlowError(FlowDefinitionError):
    """A flow has ``async def`` callables, and the caller is synchronous."""


@define
class Refused(FsmflowError):
    """Raised by a validator or a transformer to refuse an answer in its own words.

    Args:
        reason: What the member is told. It should say what would be accepted.

    Raises:
        TypeError: The reason is no str: an exception's own text, say, is not for members.
    """

    reason: str = field(validator=instance_of(str))

    def __str__(self) -> str:
        return self.reason


@define
class Unsuitable(Refused):
    """Raised by a ready validator: it refuses in a sentence of the library's, so the runner's translation is told.

    Args:
        reason: The sentence as the library itself says it, filled in.
        sentence: Which one it is: the name of a field of `fsmflow.refusals.Refusals`.
        values: What is filled in. It is what the validator wants, never what was answered.
    """

    sentence: str
    values: Mapping[str, object] = field(factory=dict)


class FlowFault(FsmflowError):
    """A flow's code failed while a message was handled: a defect of the flow, not of the member's answer."""


@define
class EffectRefused(FsmflowError):
    """An effect is known not to have happened: a flow's own "no" from its action. The member is told why.

    Args:
        reason: What the member reads.
    """

    reason: str = field(validator=instance_of(str))

    def __str__(self) -> str:
        return self.reason


@define
class EffectOpen(FsmflowError):
    """What would be done to a member's state has to wait: an effect is under way, and nobody knows yet what came of it.

    Args:
        member_id: Whose.
        effect_id: The effect.
    """

    member_id: str
    effect_id: str

    def __str__(self) -> str:
        return f"an effect of {self.member_id} is open: {self.effect_id}"


@define
class OutcomeNotTaken(FlowFault):
    """What somebody said of an effect that is open could not be taken, as the flow failed at it: it is open still.

    Args:
        effect_id: The effect.
        error: The name of the type of what was raised.
        place: Where.
    """

    effect_id: str
    error: str
    place: str

    def __str__(self) -> str:
        return f"the outcome of {self.effect_id} was not taken, and it is open still: {self.error} at {self.place}"


@define
class UnexpectedOutcome(FlowFault):
    """An action's code gave what says nothing of its effect.

    Args:
        flow: The flow's class.
        step: The id of the action.
        called: The name of what was called.
        returned: The name of the type that came back; never the value.
        expected: What it may return, in words.
    """

    flow: str
    step: str
    called: str
    returned: str
    expected: str

    def __str__(self) -> str:
        return f"{self.flow}, step {self.step!r}: {self.called} returned {self.returned}; it returns {self.expected}"


@define
class UnexpectedVerdict(FlowFault):
    """A validator or a predicate returned neither True nor False (nor None, if it is a validator of the flow's own).

    Args:
        flow: The flow's class.
        step: The id of the step.
        validator: The name of what was called.
        returned: The name of the type that came back; never the value, which may hold the answer.
    """

    flow: str
    step: str
    validator: str
    returned: str

    def __str__(self) -> str:
        return (
            f"{self.flow}, step {self.step!r}: {self.validator} returned {self.returned}; "
            "a validator or a predicate returns True or False"
        )


@define
class NotYetAnswered(FlowFault):
    """A field of a flow's typed data was read before its step was answered.

    It is no AttributeError on purpose: what looks for an attribute would take it for one that does not exist.

    Args:
        flow: The flow's class.
        field: The field, which is the id of the step.
    """

    flow: str
    field: str

    def __str__(self) -> str:
        return f"{self.flow}: data.{self.field} was read before it was answered, and has no default"


@define
class UnstorableAnswer(FlowFault):
    """A transformer's result would not come back from the store as it went in.

    Args:
        flow: The flow's class.
        step: The id of the step.
        type_name: The name of the result's type.
        expected: What would make it storable, in words.
    """

    flow: str
    step: str
    type_name: str
    expected: str

    def __str__(self) -> str:
        return f"{self.flow}, step {self.step!r}: a {self.type_name} cannot be stored: {self.expected}"


@define
class BadOptions(FlowFault):
    """What a step's callable of options gave cannot be offered.

    Args:
        flow: The flow's class.
        step: The id of the step.
        expected: What would be right, in words; never an option's id or title, which are a member's own things.
    """

    flow: str
    step: str
    expected: str

    def __str__(self) -> str:
        return f"{self.flow}, step {self.step!r}: {self.expected}"


@define
class NoOptions(FlowFault):
    """A step has nothing to choose from at this moment, and does not say where to go then.

    Args:
        flow: The flow's class.
        step: The id of the step.
    """

    flow: str
    step: str

    def __str__(self) -> str:
        return (
            f"{self.flow}, step {self.step!r}: there are no options to choose from; say when_empty, a way on for that"
        )


@define
class LimitExceeded(FlowFault):
    """A message is over a limit of its channel.

    Args:
        field: The part of the message, e.g. ``"buttons[0].title"``.
        limit: The limit, in characters (or items, where the field is a collection).
        length: What the message has, in the same unit.
        channel: The channel type whose limit it is.
    """

    field: str
    limit: int
    length: int
    channel: str

    def __str__(self) -> str:
        return f"{self.channel}: {self.field} is {self.length} long, the limit is {self.limit}"


@define
class UnsendableMessage(FlowFault):
    """A message has a part that its channel refuses whatever its length: an empty body, two buttons of one title.

    Args:
        field: The part of the message, e.g. ``"body"``.
        expected: What would be right, in words.
        channel: The channel type that refuses it.
    """

    field: str
    expected: str
    channel: str

    def __str__(self) -> str:
        return f"{self.channel}: {self.field}: {self.expected}"


@define
class FlowEnded(FsmflowError):
    """An answer, or a step back, for a conversation that has ended.

    Args:
        flow_id: The id of the flow.
        state: The terminal state that it is in.
    """

    flow_id: str
    state: str

    def __str__(self) -> str:
        return f"{self.flow_id} is {self.state}: it takes no more answers"


@define
class InvalidState(FsmflowError):
    """A state structure that contradicts itself, lacks a part, or belongs to another member.

    Args:
        field: The path of the part at fault, e.g. ``"flow_data.data.channel"``.
        expected: What would be right, in words.
    """

    field: str
    expected: str

    def __str__(self) -> str:
        return f"{self.field}: {self.expected}"


class InvalidMemberId(InvalidState):
    """A member id that is empty, longer than 128 characters, or holds a brace, white space or a control character."""


@define
class PayloadError(FsmflowError):
    """A webhook body that is no object, or has no usable list of entries.

    Args:
        place: Where in the body, e.g. ``"entry"``.
        expected: What would be right, in words.
    """

    place: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: {self.expected}"


@define
class StoreUnavailable(FsmflowError):
    """Nothing was decided and nothing was written that the caller may rely on: have the message delivered again.

    Args:
        reason: What happened, in words, without the store's address or credentials.
    """

    reason: str

    def __str__(self) -> str:
        return self.reason


class AuthenticatorFailed(StoreUnavailable):
    """Who the member is could not be found out, so that no state could be read: nobody is let in meanwhile.

    What the authenticator raised is neither its cause nor its context, and not in its words: it may hold a token. It is
    given to ``on_fault``.
    """


class Contended(StoreUnavailable):
    """Other workers kept committing for the same member, for longer than a message may wait."""


class NewerState(StoreUnavailable):
    """The stored state was written by a newer release: this worker leaves it to a newer one."""


@define
class MissingExtra(FsmflowError):
    """An optional dependency is not installed.

    Args:
        extra: The extra of fsmflow that brings it.
        needed_for: What cannot be done without it.
    """

    extra: str
    needed_for: str

    def __str__(self) -> str:
        return f"{self.needed_for} needs an optional dependency: pip install 'fsmflow[{self.extra}]'"


@define
class MissingProgram(FsmflowError):
    """A program that is no Python package is not installed.

    Args:
        program: Its name.
        needed_for: What cannot be done without it.
        hint: How it is installed.
    """

    program: str
    needed_for: str
    hint: str

    def __str__(self) -> str:
        return f"{self.needed_for} needs the program {self.program}: {self.hint}"


@define
class DrawingFailed(FsmflowError):
    """Graphviz could not draw a picture.

    Args:
        form: What it was to draw: ``SVG`` or ``PNG``.
        reason: What it said.
    """

    form: str
    reason: str

    def __str__(self) -> str:
        return f"a picture in {self.form} could not be drawn: {self.reason}"


@define
class BadTarget(FsmflowError):
    """What a command was pointed at holds no flow, or cannot be imported.

    Args:
        target: What was named.
        reason: What is wrong with it, in words.
    """

    target: str
    reason: str

    def __str__(self) -> str:
        return f"{self.target}: {self.reason}"

"""Conversations of many steps, as finite-state machines.

Here are the names that people write against, and no logic but this: a name's module is imported when the name is first
asked for. pytest imports this package at each start, for `fsmflow.pytest_plugin`, also where no flow is tested.

The house, from the ground up; each module imports only from those above it:

==============  ========================================================================================================
errors          everything that is raised on purpose, in one tree
messages        what is said and what comes in: `Channel`, `Inbound`, `Text`, `Buttons`, `ListMenu`, `Reply`
graphemes       the signs that a reader sees: counting them, and cutting words between them
refusals        what the ready validators say when they refuse, in any language
wording         the words that members may type at any question, and the library's own sentences
identity        who a member is, as far as an application knows
state           a member's state as a value, and the structure that it is given as
transcript      what a person is given who takes a conversation over
choices         what a step offers at a moment: the options that its callable gives
per_channel     `PerChannel`: several words for one step
step            `Step`: one question, what it accepts, what is kept of the answer; `Route`, `SubFlow`
step_checks     what a step must be like, found when its class is made
action          `Action`: a step that changes the world
outcomes        what may come of an effect: `Done`, `Accepted`, …
pending         an effect that is open, as the hash has it
alphabet        what the triggers of every machine are called
edges           which step follows on which, and by what predicates
silence         what is asked of a member who comes back after a silence
questions       from a step to the message that asks it
audit           what is recorded of a conversation, and how it goes to the logs
audit_logger    the audit logger that is called by hand
storable        what an answer is in JSON, and whether it comes back
codec           values to bytes and back: runs, states, replies
trail           the records of the audit stream
calls           generators that say what they want called, and the loop that does it
callbacks       what a flow's callables take and give back, found out when its class is made
kinds           what can be told of types: what a generic class was given, which type may stand for which
data_classes    the data class of a typed flow, read
partial_data    typed data while it is being collected: a view that is not all there yet
answers         whether an answer is accepted: choice, validator, transformer
events          what `transitions` does at an event, without its log calls
machine         a flow as a `transitions` machine
routes          ways through a machine, by which a stored run is held against it
typed_data      the data class of a flow beside its steps: whether they agree, what the flow's code sees
definition      a flow class, checked and compiled
shapes          the definitions of a class that builds its steps itself
branching       which way an answer takes, where predicates decide
run             one run of a flow: what it is made of
model           what an event of the machine does to it
asking          what is asked, said and judged at its question
nesting         a run whose current step is a flow of its own
flow            `Flow`, the class that people write
registry        the flows of a runner, and what starts each
taps            the ids that buttons carry, so that an old one is known as such
timers          what is due at a member who says nothing, and when: `Due`
effects         what a turn may ask of the store
menus           a set of options as one channel has room for it
decision        what was decided about one message, and its commit
dialogue        what every turn needs: a flow made ready, words that fit the channel
recovery        going on from what is left of a state that cannot be read
repetition      what is answered to a message that was decided before
faults          what is said and kept when a flow's code fails
holding         what is said while an effect is open
sign_in         who a member is, and the way in for who is not signed in
takeover        what a member began before it was known who they are
moving          what is said of a run that has moved, or that stays where it is
opening         a run that begins
interruption    another flow, named in the middle of one
listening       what a message means at the question that is asked
returning       a member who comes back after a silence
settling        what becomes of a run by the outcome of its effect
acting          the rest of a turn that has come to an action
resolving       effects where no message is at hand
timekeeping     the turn that no message begins: reminding, closing
upkeep          rolling back and clearing, which no message asks for
conversation    one turn, from the message to the commit: the heart of it, without a store or a clock
store           keys, scripts and answers of Redis, without a connection
exchange        what is said to Redis and when, as generators: for both managers
together        several of those side by side, for who has no event loop
open_effects    the effects that are open, of all members, for an operator: `OpenEffect`
clients         what knows redis-py: clients, their bounds, their errors
batching        commands of many conversations on their way together, under an event loop
performing      runs effects, within their time
memory          a Redis in this process
manager         `FlowStateManager`: the one that talks to Redis
async_manager   `AsyncFlowStateManager`: the same, awaited
channels        what a channel's messages look like: WhatsApp, the console
templates       builders of messages: a prompt, a confirmation, a receipt
validators      ready validators, each of which gives the typed value, too
runner          `FlowRunner` and `AsyncFlowRunner`: take a message, give a reply
diagrams        pictures of flows: what is drawn, how it is spelled, what has changed, which way a member went
testing         tests of flows: a case for each transition, paths, walks
importing       imports a file, a folder or a module by what somebody typed
discovery       finds the flows in it
checks          what a reviewer would catch: rules, and what they find
cli             the ``fsmflow`` command
pytest_plugin   the pytest face of `testing`: fixtures, and which transitions the tests fired
==============  ========================================================================================================
"""

import importlib
import importlib.util
import typing

if typing.TYPE_CHECKING:
    from fsmflow.action import Action, Retry
    from fsmflow.async_manager import AsyncFlowStateManager
    from fsmflow.audit import AuditEntry
    from fsmflow.audit_logger import FlowAuditLogger
    from fsmflow.errors import (
        AsyncFlowError,
        AuthenticatorFailed,
        BadOptions,
        BadTarget,
        Contended,
        DrawingFailed,
        EffectOpen,
        EffectRefused,
        FlowDefinitionError,
        FlowEnded,
        FlowFault,
        FsmflowError,
        InvalidMemberId,
        InvalidState,
        LimitExceeded,
        MissingExtra,
        MissingProgram,
        NewerState,
        NoOptions,
        NotYetAnswered,
        OutcomeNotTaken,
        PayloadError,
        Refused,
        StoreUnavailable,
        UnexpectedVerdict,
        UnsendableMessage,
        UnstorableAnswer,
        Unsuitable,
    )
    from fsmflow.flow import Flow
    from fsmflow.identity import Member
    from fsmflow.manager import FlowStateManager
    from fsmflow.messages import (
        ApprovedTemplate,
        Buttons,
        Channel,
        Inbound,
        ListMenu,
        Location,
        Media,
        Message,
        Option,
        Reply,
        Section,
        Text,
    )
    from fsmflow.open_effects import OpenEffect
    from fsmflow.outcomes import Accepted, Done, NotDone, StillUnknown
    from fsmflow.per_channel import PerChannel
    from fsmflow.refusals import Refusals
    from fsmflow.runner import AsyncFlowRunner, FlowRunner
    from fsmflow.state import FlowData, MemberState
    from fsmflow.step import Route, Step, StepType, SubFlow
    from fsmflow.timers import Due
    from fsmflow.transcript import Transcript
    from fsmflow.wording import Sentences, Words

__all__ = [
    "Accepted",
    "Action",
    "ApprovedTemplate",
    "AsyncFlowError",
    "AsyncFlowRunner",
    "AsyncFlowStateManager",
    "AuditEntry",
    "AuthenticatorFailed",
    "BadOptions",
    "BadTarget",
    "Buttons",
    "Channel",
    "Contended",
    "Done",
    "DrawingFailed",
    "Due",
    "EffectOpen",
    "EffectRefused",
    "Flow",
    "FlowAuditLogger",
    "FlowData",
    "FlowDefinitionError",
    "FlowEnded",
    "FlowFault",
    "FlowRunner",
    "FlowStateManager",
    "FsmflowError",
    "Inbound",
    "InvalidMemberId",
    "InvalidState",
    "LimitExceeded",
    "ListMenu",
    "Location",
    "Media",
    "Member",
    "MemberState",
    "Message",
    "MissingExtra",
    "MissingProgram",
    "NewerState",
    "NoOptions",
    "NotDone",
    "NotYetAnswered",
    "OpenEffect",
    "Option",
    "OutcomeNotTaken",
    "PayloadError",
    "PerChannel",
    "Refusals",
    "Refused",
    "Reply",
    "Retry",
    "Route",
    "Section",
    "Sentences",
    "Step",
    "StepType",
    "StillUnknown",
    "StoreUnavailable",
    "SubFlow",
    "Text",
    "Transcript",
    "UnexpectedVerdict",
    "UnsendableMessage",
    "UnstorableAnswer",
    "Unsuitable",
    "Words",
]

_NAMES: typing.Final = {
    "action": ("Action", "Retry"),
    "async_manager": ("AsyncFlowStateManager",),
    "audit": ("AuditEntry",),
    "audit_logger": ("FlowAuditLogger",),
    "errors": (
        "AsyncFlowError",
        "AuthenticatorFailed",
        "BadOptions",
        "BadTarget",
        "Contended",
        "DrawingFailed",
        "EffectOpen",
        "EffectRefused",
        "FlowDefinitionError",
        "FlowEnded",
        "FlowFault",
        "FsmflowError",
        "InvalidMemberId",
        "InvalidState",
        "LimitExceeded",
        "MissingExtra",
        "MissingProgram",
        "NewerState",
        "NoOptions",
        "NotYetAnswered",
        "OutcomeNotTaken",
        "PayloadError",
        "Refused",
        "StoreUnavailable",
        "UnexpectedVerdict",
        "UnsendableMessage",
        "UnstorableAnswer",
        "Unsuitable",
    ),
    "flow": ("Flow",),
    "identity": ("Member",),
    "manager": ("FlowStateManager",),
    "messages": (
        "ApprovedTemplate",
        "Buttons",
        "Channel",
        "Inbound",
        "ListMenu",
        "Location",
        "Media",
        "Message",
        "Option",
        "Reply",
        "Section",
        "Text",
    ),
    "open_effects": ("OpenEffect",),
    "outcomes": ("Accepted", "Done", "NotDone", "StillUnknown"),
    "per_channel": ("PerChannel",),
    "refusals": ("Refusals",),
    "runner": ("AsyncFlowRunner", "FlowRunner"),
    "state": ("FlowData", "MemberState"),
    "step": ("Route", "Step", "StepType", "SubFlow"),
    "timers": ("Due",),
    "transcript": ("Transcript",),
    "wording": ("Sentences", "Words"),
}
_HOMES: typing.Final = {name: module for module, names in _NAMES.items() for name in names}

if not typing.TYPE_CHECKING:  # what a type checker finds here it would take for any name at all

    def __getattr__(name: str) -> typing.Any:
        """The public name, from its module; or one of the modules, as after an import that brought them all."""
        if name not in _HOMES:
            if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
                return importlib.import_module(f"{__name__}.{name}")
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value  # so that it is asked for once
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

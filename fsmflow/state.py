"""What is known of a member between two messages, as values, and its view as a plain dict.

Here belong `FlowData` (one run of a flow), `MemberState` (what one Redis hash holds) and the structure that
`MemberState.to_dict` gives and `MemberState.from_dict` takes. How the values become bytes belongs to `codec`; what
may follow on what belongs to the machine.

The dict view repeats the channel and the flow type inside ``flow_data.data``, beside the answers. That is what
programs written against it read, so it is given; but the value holds each fact once, and what contradicts itself on
the way in is refused, since nobody could say which of the two to believe.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from attrs import evolve, field, frozen

from fsmflow.errors import InvalidMemberId, InvalidState
from fsmflow.messages import Channel

COMPLETED: Final = "completed"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
EXPIRED: Final = "expired"
HANDOVER: Final = "handover"
TERMINAL_STATES: Final = frozenset({COMPLETED, CANCELLED, FAILED, EXPIRED, HANDOVER})

# The names that the dict view uses beside the answers; a step that bore one would overwrite it.
RESERVED_DATA_KEYS: Final = frozenset({"flow_type", "channel", "validation", "member_id"})

# A member id is part of a key and of a hash tag: a brace would move the key to another slot.
MEMBER_ID_LIMIT: Final = 128
_MARKS: Final = frozenset(" {}")

# Whatever is counted in a state is below this: the store's script counts in doubles, to which one more is the same
# number from here on. A larger one is no count, so none is ever written.
COUNT_LIMIT: Final = 2**53


@frozen
class Validation:
    """What went wrong at the current step so far; cleared when an answer is accepted.

    Args:
        step: The id of the step.
        attempts: How many answers were refused there since the question was asked.
        refusal: The last reason given; a sensitive step's is redacted.
    """

    step: str
    attempts: int
    refusal: str | None = None


@frozen
class Halt:
    """Where a run stood when a silence closed it, so that it can be gone on with.

    Args:
        step: The id of the step that was asked.
        visit: The number of that question.
        offers: How often the member was offered to go on; 0 if they were not told yet that it is closed.
    """

    step: str
    visit: int
    offers: int = 0


@frozen
class FlowData:
    """One run of a flow, at one point.

    Args:
        id: The flow's id, ``"<flow_type>_<member_id>"``.
        flow_type: Which flow it is.
        step_id: The step that is asked now, or a terminal state. None in a structure that names only the index.
        step: The index of that step; the number of steps once the flow has ended.
        data: The answers so far, by step id, ready for JSON; not shown, they may be sensitive. `Flow.data` holds them
            structured.
        run_id: Which run of the flow it is.
        visit: Counts the questions that this run has asked, leaping ahead when it is recovered; with the run it names
            the question that a tap answers.
        path: The ids of the steps that were answered, in order: what ``back`` walks.
        revision: The flow's revision when this was written.
        definition: The fingerprint of the flow's structure when this was written.
        validation: What went wrong at this step so far.
        page: Which page of a long list is shown, from 0.
        inner: The run of the flow that answers this step, where the step is one.
        waiting: The run that is gone on with once this one has ended.
        interrupted_by: The type of the flow that the member named in the middle of this one, while they are asked what
            to do about it.
        unasked: True if its question is to be asked before anything is taken for an answer to it: it was put aside for
            a sign-in.
        halt: Where it stood when a silence closed it; None where none did, or it cannot be gone on with.
        shown: What tells the options that were shown last from others, where they live; a number that is typed means a
            place of them.
        tried: How many answers were refused at steps that were left again, of those that have a limit to it.
    """

    id: str
    flow_type: str
    step_id: str | None
    step: int
    data: dict[str, Any] = field(factory=dict, repr=False)
    run_id: str = ""
    visit: int = 0
    path: tuple[str, ...] = ()
    revision: int = 0
    definition: str = ""
    validation: Validation | None = None
    page: int = 0
    inner: FlowData | None = None
    waiting: FlowData | None = None
    interrupted_by: str | None = None
    unasked: bool = False
    halt: Halt | None = None
    tried: dict[str, int] = field(factory=dict)
    shown: str = ""

    @property
    def ended(self) -> bool:
        """True if no answer is awaited any more."""
        return self.step_id in TERMINAL_STATES

    @property
    def place(self) -> str | None:
        """The step that is asked now, in the flow that asks it: ``address.street``."""
        return self.step_id if self.inner is None or self.ended else f"{self.step_id}.{self.inner.place}"


@frozen
class UnreadableField:
    """A part of the stored state that could not be read, as it was found.

    Args:
        name: The name of the field.
        raw: Its bytes, or None where it is missing.
        why: What is wrong with it, in words; never its content.
    """

    name: str
    raw: bytes | None = field(repr=False)
    why: str


@frozen
class MemberState:
    """What one member's hash holds.

    Args:
        member_id: Who it is.
        channel: The channel of the last message.
        flow_data: The run that is open or ended last; None where there was none.
        previous: The run as it was before the last accepted answer.
        version: Counts the commits, from a Redis time; 0 where nothing is stored.
        recent: Short hashes of the last few messages that were decided, the latest last.
        sent_at: When the last message was sent, in milliseconds since the epoch.
        unreadable: What could not be read. Where it is not empty the other fields are what was left.
        raw: The fields as they were read, by name: what a compare-and-set compares with.
    """

    member_id: str
    channel: Channel
    flow_data: FlowData | None = None
    previous: FlowData | None = None
    version: int = 0
    recent: tuple[str, ...] = ()
    sent_at: int = 0
    unreadable: tuple[UnreadableField, ...] = ()
    raw: Mapping[str, bytes] = field(factory=dict, repr=False, eq=False)

    def to_dict(self) -> dict[str, Any]:
        """The structure of the framework's description, ready for JSON.

        Returns:
            ``{"member_id": …, "channel": {"type": …, "identifier": …}, "flow_data": {"id": …, "step": …,
            "step_id": …, "data": {"flow_type": …, "channel": {…}, <answers>, "validation": {…}}}}``; ``flow_data``
            is None where no flow was ever started, ``validation`` is absent where nothing was refused.
        """
        channel = {"type": self.channel.type, "identifier": self.channel.identifier}
        flow_data = self.flow_data
        if flow_data is None:
            return {"member_id": self.member_id, "channel": channel, "flow_data": None}
        data: dict[str, Any] = {"flow_type": flow_data.flow_type, "channel": dict(channel), **flow_data.data}
        if flow_data.validation is not None:
            found = flow_data.validation
            data["validation"] = {"step": found.step, "attempts": found.attempts, "refusal": found.refusal}
        return {
            "member_id": self.member_id,
            "channel": channel,
            "flow_data": {
                "id": flow_data.id,
                "step": flow_data.step,
                "step_id": flow_data.step_id,
                "data": data,
            },
        }

    @classmethod
    def from_dict(cls, structure: Mapping[str, Any]) -> MemberState:
        """The value of a structure such as `to_dict` gives.

        Args:
            structure: The structure; ``step_id``, ``validation`` and ``flow_data`` itself may be absent.

        Returns:
            The state, with version 0: it has not been stored.

        Raises:
            InvalidState: A part is missing, of another type, or contradicts another.
        """
        member_id = check_member_id(_member(structure, "member_id", str))
        channel = channel_of(structure)
        state = cls(member_id=member_id, channel=channel)
        if structure.get("flow_data") is None:
            return state
        found = _member(structure, "flow_data", Mapping)
        if "member_id" in found:
            raise InvalidState("flow_data.member_id", "the member id stands at the top level only")
        return evolve(state, flow_data=_flow_data(found, channel))


def next_visit(visit: int) -> int:
    """The number of the question after this one.

    Only a damaged state holds a number that is near the limit. Beyond it the count goes round among such impossible
    ones: at nought again, a button that was shown before would answer another question.
    """
    return visit + 1 if visit + 1 < COUNT_LIMIT else COUNT_LIMIT // 2


def _flow_data(found: Mapping[str, Any], channel: Channel) -> FlowData:
    data = dict(_member(found, "data", Mapping, "flow_data."))
    if "member_id" in data:
        raise InvalidState("flow_data.data.member_id", "the member id stands at the top level only")
    if "channel" in data and channel_of(data, "flow_data.data.") != channel:
        raise InvalidState("flow_data.data.channel", "the same channel as at the top level")
    flow_type = _member(data, "flow_type", str, "flow_data.data.")
    step = _member(found, "step", int, "flow_data.")
    if isinstance(step, bool) or step < 0:
        raise InvalidState("flow_data.step", "the index of a step")
    step_id = found.get("step_id")
    if step_id is not None and not isinstance(step_id, str):
        raise InvalidState("flow_data.step_id", "the id of a step")
    return FlowData(
        id=_member(found, "id", str, "flow_data."),
        flow_type=flow_type,
        step_id=step_id,
        step=step,
        data={key: value for key, value in data.items() if key not in RESERVED_DATA_KEYS},
        validation=_validation(data),
    )


def _validation(data: Mapping[str, Any]) -> Validation | None:
    if data.get("validation") is None:
        return None
    found = _member(data, "validation", Mapping, "flow_data.data.")
    place = "flow_data.data.validation."
    refusal = found.get("refusal")
    if refusal is not None and not isinstance(refusal, str):
        raise InvalidState(place + "refusal", "a sentence")
    return Validation(_member(found, "step", str, place), _member(found, "attempts", int, place), refusal)


def channel_of(structure: Mapping[str, Any], place: str = "") -> Channel:
    """The channel that a structure names.

    Args:
        structure: A mapping with ``"channel": {"type": …, "identifier": …}``.
        place: The path of the structure, for the error.

    Returns:
        The channel.

    Raises:
        InvalidState: It is absent, or not of that shape.
    """
    found = _member(structure, "channel", Mapping, place)
    return Channel(
        type=_member(found, "type", str, place + "channel."),
        identifier=_member(found, "identifier", str, place + "channel."),
    )


def _member(structure: Mapping[str, Any], key: str, kind: type[Any], place: str = "") -> Any:
    if not isinstance(structure, Mapping):
        raise InvalidState(place.rstrip(".") or "state", "an object")
    value = structure.get(key)
    if not isinstance(value, kind):
        names = {"Mapping": "an object", "str": "a string", "int": "a whole number"}
        raise InvalidState(place + key, names[kind.__name__])
    return value


def check_member_id(member_id: str) -> str:
    """A member id that may become part of a key.

    Args:
        member_id: 1–128 characters without braces, white space or control characters.

    Returns:
        The same.

    Raises:
        InvalidMemberId: It is not of that form.
    """
    given: Any = member_id
    if not isinstance(given, str):
        raise InvalidMemberId("member_id", f"1 to {MEMBER_ID_LIMIT} characters")
    return _checked(member_id)


@lru_cache(maxsize=4096)  # the same ids come again and again, in each turn at least once
def _checked(member_id: str) -> str:
    if not 1 <= len(member_id) <= MEMBER_ID_LIMIT:
        raise InvalidMemberId("member_id", f"1 to {MEMBER_ID_LIMIT} characters")
    # "m1:seen" would be the name of another key of "m1"
    if member_id == "due" or member_id.endswith((":seen", ":audit")):
        raise InvalidMemberId("member_id", "not the name of a key: due, …:seen, …:audit")
    # printable ASCII without braces is nearly every id: one look instead of one for each character
    if member_id.isascii() and member_id.isprintable() and _MARKS.isdisjoint(member_id):
        return member_id
    for character in member_id:
        # "C" is control, format, surrogate, private use and unassigned; "Z" is every kind of white space
        if character in "{}" or character.isspace() or unicodedata.category(character)[0] in "CZ":
            raise InvalidMemberId("member_id", "no braces, white space or control characters")
    return member_id

"""A witness: gives each message to the runner and to the reference model, and holds what came against what was due.

What happens is written down as a conversation: who said what, what came, and where that was wrong, what was due. It is
what a failure shows. What can happen stands in `tests.any_conversation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from attrs import asdict, evolve, frozen
from redis import Redis

from fsmflow import Flow, FlowStateManager, Inbound, Reply, Sentences
from fsmflow.messages import options_of
from tests.invariants import assert_holds
from tests.reference_model import Member
from tests.sides import manager_on, runner_on
from tests.talking import BEGINNING, body_of
from tests.trips import STARTS, Question, Tip, Trip

FLOWS: dict[str, type[Flow]] = {"trip": Trip, "tip": Tip}
SAY = Sentences()
_runs = count()


@frozen
class Letter:
    """A message on its way.

    Args:
        sender: Who sends it, as the transcript says it.
        inbound: The message; it names its member.
        tapped: The number of the question whose button was tapped, 0 for none of this member's; None if none was.
    """

    sender: str
    inbound: Inbound
    tapped: int | None = None

    @property
    def member(self) -> str:
        return self.inbound.member_id or ""


@frozen
class Shown:
    """A question with buttons, as it stays on a member's screen: its number, and each button's title by its id."""

    member: str
    question: int
    buttons: dict[str, str]


@frozen
class Told:
    """What is compared of a reply: what came, or what was due."""

    status: str
    says: str
    buttons: tuple[str, ...]
    flow_id: str | None
    step_id: str | None
    duplicate: bool
    data: dict[str, Any] | None


@frozen
class Stored:
    """What is compared of what is stored."""

    step_id: str
    answers: dict[str, Any]
    path: tuple[str, ...]
    attempts: int


class Witness:
    """Sees one run, from an empty store on.

    Args:
        redis: Where the state is; the runner is of the side at hand.
        default: The type of the flow that any message starts; empty for none.
    """

    def __init__(self, redis: Redis, default: str) -> None:
        self.redis, self.default = redis, default
        self.prefix = f"any-{next(_runs)}"
        self.now = BEGINNING
        self.reader = FlowStateManager(redis, prefix=self.prefix)
        self.members: dict[str, Member] = {}
        self.due: dict[str, Told] = {}
        self.flow_of: dict[str, str] = {}
        self.shown: list[Shown] = []
        self.answered: list[tuple[Inbound, Reply]] = []
        self.transcript: list[str] = []
        self.has_complained = False
        self.notes(f"any message starts {default}" if default else "only keywords start something")
        self.employs()

    def employs(self) -> None:
        """Has a new worker take over: a runner and a manager that know nothing but the store."""
        self.manager = manager_on(self.redis, prefix=self.prefix)
        self.runner = runner_on(self.manager, FLOWS, default=self.default or None, clock=lambda: self.now)

    def notes(self, what: str) -> None:
        """Writes down what happens beside the conversation."""
        self.transcript.append(f"({what})")

    def member(self, name: str) -> Member:
        """What the model knows of a member."""
        return self.members.setdefault(name, Member(STARTS.get(self.default, "")))

    def delivers(self, *letters: Letter) -> None:
        """Delivers messages, at once if they are several, and compares all that comes of them.

        Raises:
            AssertionError: Something else came than was due. Its text is the conversation.
        """
        inbounds = [letter.inbound for letter in letters]
        replies: Sequence[Reply | Exception]
        try:
            replies = [self.runner.handle(inbounds[0])] if len(letters) == 1 else self.runner.handle_many(inbounds)
        except Exception as fault:  # noqa: BLE001 - whatever is raised, it is shown with what led to it
            replies = [fault] * len(letters)
        wrong: list[str] = []
        for letter, reply in zip(letters, replies, strict=True):
            self._writes_down(letter)
            if isinstance(reply, Reply):
                self.answered.append((letter.inbound, reply))
                wrong += self._compares(letter, reply)
            else:
                wrong.append(f"  !! {letter.sender}: raised {reply!r}")
        for name in dict.fromkeys(letter.member for letter in letters):
            wrong += self._compares_what_is_stored(name)
        self._complains(wrong)

    def compares_all(self) -> None:
        """Holds all that is stored against what the model knows, and against what must be true of any conversation.

        Raises:
            AssertionError: As above.
        """
        for name in self.members:
            self._complains([*self._compares_what_is_stored(name), *self._judges_the_trail(name)])

    def _complains(self, wrong: list[str]) -> None:
        __tracebackhide__ = True  # the conversation says it all
        if wrong and not self.has_complained:
            self.has_complained = True
            raise AssertionError("\n".join(["", *self.transcript, *wrong]))

    def _compares_what_is_stored(self, name: str) -> Iterator[str]:
        """Holds what another manager finds in the store against what the model knows of a member."""
        member, state = self.member(name), self.reader.load(name)
        found, due = state.flow_data, Stored(member.step, member.answers, member.path, member.attempts)
        for unreadable in state.unreadable:
            yield f"  !! {name}: {unreadable.name} cannot be read: {unreadable.why}"
        if found is None:
            if member.step != "idle":
                yield f"  !! {name}: nothing is stored, and due is {due}"
            return
        flow = FLOWS[found.flow_type](member_id=name, channel=state.channel)
        if not flow.resume(found):
            yield f"  !! {name}: the run that is stored cannot be taken up: {found}"
            return
        attempts = 0 if flow.validation is None else flow.validation.attempts
        attempts = attempts if found.halt is None else found.halt.offers - 1  # what was said instead of a choice
        yield from _differences(Stored(flow.state, dict(flow.data), flow.path, attempts), due, f"{name}, stored")

    def _judges_the_trail(self, name: str) -> Iterator[str]:
        try:
            assert_holds(self.reader, name, self.answered, FLOWS)
        except AssertionError as fault:
            yield from (f"  !! {line}" for line in str(fault).splitlines())

    def _compares(self, letter: Letter, reply: Reply) -> Iterator[str]:
        member = self.member(letter.member)
        before = member.asked
        (status, *reasons), duplicate = member.hears(letter.inbound, letter.tapped, self.now)
        buttons = {option.id: option.title for message in reply.messages for option in options_of(message)}
        says = "\n\n".join(body_of(message) for message in reply.messages)
        titles = tuple(title.casefold() for title in buttons.values())
        data = None if reply.data is None else dict(reply.data)
        came = Told(reply.status, says, titles, reply.flow_id, reply.step_id, reply.duplicate, data)
        self.transcript += [f"    {line}" for line in _as_shown(came)]
        if duplicate and status != "duplicate":
            due = evolve(self.due[letter.member], duplicate=True)  # the same reply again
        else:
            due = self._due(letter.member, before, status, reasons, duplicate)
        if not duplicate:
            self.due[letter.member] = due
            if buttons:
                self.shown.append(Shown(letter.member, member.question, buttons))
        yield from _differences(came, due, letter.sender)

    def _due(self, name: str, before: Question | None, status: str, reasons: Sequence[str], duplicate: bool) -> Told:
        """What is due, in the words that it is said in."""
        member = self.members[name]
        asked, ends = member.asked, status == member.step
        self.flow_of[name] = asked.keyword if asked else self.flow_of.get(name, "")
        named = status != "idle" and member.step != "idle"
        flow_id, step_id = (f"{self.flow_of[name]}_{name}", member.step) if named else (None, None)
        if status in ("ignored", "duplicate"):
            return Told(status, "", (), flow_id, step_id, duplicate, None)
        said = [_sentence(reason, asked, member.answers.get(member.step)) for reason in reasons]
        if asked:
            said.append(asked.words(member.answers))
        elif before and status == "completed":
            said.append(before.closing(member.answers))
        elif ends and (before or status == "cancelled"):
            said.append(_sentence(status, before))
        else:
            said.append(SAY.idle.format(keywords="trip, tip"))
        data = dict(member.answers) if status == "completed" else None
        buttons = tuple(asked.options) if asked else ()
        return Told(status, "\n\n".join(said), buttons, flow_id, step_id, duplicate, data)

    def _writes_down(self, letter: Letter) -> None:
        inbound = letter.inbound
        what = repr(inbound.text if inbound.text is None or len(inbound.text) < 40 else f"{inbound.text[:9]}…")
        if inbound.kind == "option":
            what = f"[{inbound.text}] ({inbound.option_id})"
        elif inbound.kind != "text":
            what = f"{inbound.kind} {what}"
        again = ", again" if any(inbound is known for known, _ in self.answered) else ""
        sent = "" if inbound.sent_at is None else f", sent {_clock(inbound.sent_at)}"
        self.transcript.append(f"{_clock(self.now)} {letter.sender}: {what}   ({inbound.message_id}{sent}{again})")


def _sentence(name: str, asked: Question | None = None, answer: Any = None) -> str:
    """A sentence of the library by its name, or the question's own words."""
    sentence = getattr(SAY, name, name)
    keyword = "" if asked is None else asked.keyword
    titles = {} if asked is None else {value: title.capitalize() for title, value in asked.options.items()}
    filled = {"words": "back, cancel, restart", "limit": 4096, "silence": "5 minutes", "keyword": keyword}
    return str(sentence).format(**filled, answer=titles.get(answer, answer))


def _clock(moment: datetime) -> str:
    day = "" if moment.date() == BEGINNING.date() else f"{moment:%d %b %Y} "
    return f"{day}{moment:%H:%M:%S}.{moment.microsecond // 100_000}"


def _as_shown(told: Told) -> list[str]:
    """A reply as a member sees it."""
    lines = told.says.split("\n\n") if told.says else ["(nothing)"]
    return [*lines[:-1], " ".join([lines[-1], *(f"[{title}]" for title in told.buttons)])]


def _differences(came: Any, due: Any, whose: str) -> Iterator[str]:
    """One line for each thing that is not as it was due."""
    for name, wanted in asdict(due).items():
        found = getattr(came, name)
        if found != wanted or type(found) is not type(wanted):
            yield f"  !! {whose}: {name} is {found!r}, and {wanted!r} was due"

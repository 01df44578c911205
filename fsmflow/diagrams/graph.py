"""A flow as values to draw: what stands between its machine and a picture.

Here belongs what a picture says: nodes and ways, what kind each is of, and what the legend tells of what is left out.
How a flow is read into these values belongs to `survey`; which of them become arrows, to `arrows`; how
a picture spells them, to `digraph` and `flowchart`.

A machine of five steps has some thirty transitions, of which a reviewer looks for six. What is the same at every
question (refused, back, cancel, restart, expire, resume) is therefore folded into the legend, unless all is asked for.
Rejected: a loop and an arrow for each, in grey, which made every picture a ball of wool.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Final

from attrs import frozen

from fsmflow.alphabet import EMPTY, POP, SKIP, SUBMIT
from fsmflow.state import COMPLETED
from fsmflow.wording import spoken

TITLES_SHOWN: Final = 4  # of more options that lead the same way, the first and the number are told
NAME_LENGTH: Final = 60  # characters of a flow type or of a class's name
_JOINERS: Final = "\u200c\u200d"  # invisible, but some scripts and many emoji are misspelt without them


class NodeKind(Enum):
    """What a node stands for; each kind has a shape of its own."""

    QUESTION = "question"
    """A step that asks a member."""

    ACTION = "action"
    """A step that changes the world and asks nobody."""

    SUBFLOW = "subflow"
    """A step that is a flow of its own."""

    PENDING = "pending"
    """A state in which the outcome of an action is waited for."""

    UNKNOWN = "unknown"
    """A state in which nobody can say yet what came of an action."""


class WayKind(Enum):
    """What a transition stands for; each kind has a line of its own."""

    ANSWER = "answer"
    SKIP = "skip"
    """A question is left out by its member."""
    PASSING = "passing"
    """Past a question that is not asked, as its own predicate says."""
    REFUSED = "refused"
    BACK = "back"
    CANCEL = "cancel"
    RESTART = "restart"
    TIMEOUT = "timeout"
    RESUME = "resume"
    """From where a silence has led to where it began."""
    ATTEMPTS = "attempts"
    """The attempts at an answer are used up."""
    PAGE = "page"
    """Another page of the options is shown."""
    EMPTY = "empty"
    """There is nothing to choose from."""
    RUN = "run"
    """An action begins."""
    DONE = "done"
    """What an action was to do, is done."""
    FAILED = "failed"
    """What an action was to do, is known not to have happened."""
    UNKNOWN = "unknown"
    """What came of an action cannot be said."""
    ENTER = "enter"
    """Into a sub-flow."""
    LEAVE = "leave"
    """Out of a sub-flow."""
    OTHER = "other"
    """What nothing here has a name for: it is drawn all the same."""


@frozen
class StepNode:
    """A step, as it is drawn.

    Args:
        id: Its id.
        number: Its place, from 1.
        type: ``TEXT``, ``BUTTON``, ``LIST`` or ``FLOW``.
        words: Its shortened question, or the name of the callable that says it, in parentheses.
        choices: The titles of its options, in the order in which they are shown.
        sensitive: True if its answer is redacted.
        kind: What it stands for.
        optional: True if it may be left out.
        attempts: How many answers may be refused; None for any number.
        timeout: The silence after which it expires; None for never.
        reminder: The silence after which it is asked once more; None for never.
    """

    id: str
    number: int
    type: str
    words: str
    choices: tuple[str, ...]
    sensitive: bool
    kind: NodeKind = NodeKind.QUESTION
    optional: bool = False
    attempts: int | None = None
    timeout: timedelta | None = None
    reminder: timedelta | None = None

    @property
    def told(self) -> str:
        """What is said of it beside its id, in a few words."""
        attempts = "" if self.attempts is None else spoken_number(self.attempts, "attempt")
        parts = (self.type, "optional" if self.optional else "", attempts, "sensitive" if self.sensitive else "")
        return " · ".join(filter(None, parts))


@frozen
class WaitNode:
    """A state that is neither a step nor an end, as it is drawn: the machine is in it while something is waited for.

    Args:
        id: Its id.
        kind: What it stands for.
    """

    id: str
    kind: NodeKind = NodeKind.PENDING


@frozen
class Way:
    """One transition of the machine, as it is told.

    Args:
        trigger: What fires it.
        name: What it is called: ``refused``, the option's id, its predicates, or the trigger.
        source: Where it starts.
        dest: Where it ends; the source for one that goes nowhere.
        choices: The titles of the options that take it.
        guard: The name of what must accept; None where nothing of the flow's own does.
        folded: True if it is the same at every question, and left out unless all is asked for.
        kind: What it stands for.
        predicates: The names of what must hold besides.
        otherwise: True if it is taken where no predicate of the ways before it holds.
        refusals: After how many of them it is taken, where it is by that.
    """

    trigger: str
    name: str
    source: str
    dest: str
    choices: tuple[str, ...]
    guard: str | None
    folded: bool
    kind: WayKind
    predicates: tuple[str, ...] = ()
    otherwise: bool = False
    refusals: int | None = None

    @property
    def label(self) -> str:
        """What an arrow says: the choices or the trigger, then in brackets the predicates and the guard."""
        held = [f"[{name}]" for name in self.predicates]
        # who may go back, or go on after a silence, is told by where it leads
        told_by_dest = self.kind in (WayKind.BACK, WayKind.RESUME, WayKind.FAILED)
        if self.guard is not None and not told_by_dest and self.guard not in self.predicates:
            held.append(f"[{self.guard}]")
        words = [self._named, "else" if self.otherwise else "", *held]
        return " ".join(filter(None, words)) or "any text"

    @property
    def _named(self) -> str:
        if self.choices:
            return listed(self.choices)
        if self.refusals is not None:
            return f"after {spoken_number(self.refusals, 'refusal')}"
        if self.trigger in (SKIP, EMPTY):
            return self.trigger
        if self.predicates or self.name == SUBMIT:
            return ""
        if self.trigger == POP and self.name == POP:
            return "" if self.otherwise else COMPLETED
        return self.name

    @property
    def told(self) -> str:
        """What is said of it where no arrow shows where it leads."""
        if self.kind is WayKind.REFUSED:
            return f"{self.name}: asked again"
        if self.kind is WayKind.ENTER:
            return f"{self.name}: its first question is asked"
        return f"{self.label if self.leads_on else self.name} → {self.dest}"

    @property
    def leads_on(self) -> bool:
        """True if it leaves its step for what comes after it."""
        return self.kind in _LEADING


_LEADING: Final = frozenset(
    {WayKind.ANSWER, WayKind.SKIP, WayKind.PASSING, WayKind.LEAVE, WayKind.ATTEMPTS, WayKind.EMPTY}
)


@frozen
class FlowGraph:
    """A flow, ready to be drawn.

    Args:
        flow_type: Which flow it is.
        class_name: The name of its class.
        summary: The first line of the class's docstring, or nothing.
        starters: What a member types to start it.
        timeout: The silence after which it expires; None for never.
        steps: Its steps, in order.
        ends: Its terminal states.
        ways: Every transition of its machine, in the order of their definition.
        waits: The states that are neither.
    """

    flow_type: str
    class_name: str
    summary: str
    starters: tuple[str, ...]
    timeout: timedelta | None
    steps: tuple[StepNode, ...]
    ends: tuple[str, ...]
    ways: tuple[Way, ...]
    waits: tuple[WaitNode, ...] = ()

    @property
    def title(self) -> str:
        """What the picture is of, on one line."""
        name = one_line(self.flow_type, NAME_LENGTH)
        return f"{name} ({one_line(self.class_name, NAME_LENGTH)})" if self.class_name else name

    def legend(self, *, unfolded: bool = False) -> tuple[str, ...]:
        """What a reader must be told, paragraph by paragraph: the notation, and what is left out."""
        notation = [_ROUTED if any(way.predicates for way in self.ways) else _PLAIN]
        kinds = dict.fromkeys([*(node.kind for node in self.steps), *(wait.kind for wait in self.waits)])
        notation += [_SHAPES[kind] for kind in kinds if kind in _SHAPES]
        drawn = {way.kind for way in self.ways if not way.folded}
        notation += [words for kind, words in _LINES.items() if kind in drawn]
        folded = [] if unfolded else self._folded()
        left_out = [f"Not drawn, as it is the same at every question: {'; '.join(folded)}."] if folded else []
        return (" ".join(notation), *left_out)

    def _folded(self) -> list[str]:
        told: dict[str, list[Way]] = {}
        for way in self.ways:
            if way.folded and way.kind is not WayKind.ENTER and not self._never(way):
                told.setdefault(way.name, []).append(way)
        return [self._told(ways) for ways in told.values()]

    def _never(self, way: Way) -> bool:
        return way.kind in (WayKind.TIMEOUT, WayKind.RESUME) and not self.expires

    def _told(self, ways: Sequence[Way]) -> str:
        name, kind = ways[0].name, ways[0].kind
        if kind is WayKind.REFUSED:
            return "any other answer is refused and the question asked again"
        if kind is WayKind.ATTEMPTS:
            return f"the attempts at an answer used up → {_or(ways)}"
        if kind is WayKind.BACK:
            return f"{name} → the question answered before"
        if kind is WayKind.RESUME:
            return f"{name} → the question that was open"
        if kind is WayKind.PAGE:
            return "where the options are many, another page of them"
        silence = f" ({self._silences()})" if kind is WayKind.TIMEOUT else ""
        return f"{name}{silence} → {_or(ways)}"

    @property
    def expires(self) -> bool:
        """True if there is a silence after which it is over."""
        return self.timeout is not None or any(step.timeout is not None for step in self.steps)

    def _silences(self) -> str:
        """After how long a silence it is over: as the flow says, and where a step says otherwise."""
        own = [step for step in self.steps if step.timeout != self.timeout]
        told = [f"at {step.id} {_after(step.timeout)}" for step in own]
        return ", ".join([_after(self.timeout), *told] if len(own) < len(self.steps) else told)


def _after(timeout: timedelta | None) -> str:
    return "never" if timeout is None else f"after {spoken(timeout)}"


def _or(ways: Sequence[Way]) -> str:
    return " or ".join(dict.fromkeys(way.dest for way in ways))


_PLAIN: Final = "[name] must accept the answer, (name) says the question."
_ROUTED: Final = "[name] must hold or accept the answer, else: none of the others holds; (name) says the question."
_SHAPES: Final = {
    NodeKind.ACTION: (
        "A box with six sides does (name) and asks nobody; after “unknown:” stands how it is found out what came of it."
    ),
    NodeKind.SUBFLOW: "A folder is a flow of its own, with its own picture; double lines lead on from its end.",
    NodeKind.PENDING: "An ellipse waits for an outcome.",
    NodeKind.UNKNOWN: "In an eight-sided box the outcome is not known.",
}

_LINES: Final = {
    WayKind.SKIP: "A dashed line: the member leaves the question out.",
    WayKind.PASSING: "A dotted line: [name] has a question passed over.",
    WayKind.ATTEMPTS: "A dotted line with two bars: the attempts at an answer are used up.",
    WayKind.EMPTY: "A dashed line with a ring: there is nothing to choose from.",
}


def spoken_number(count: int, noun: str) -> str:
    """A number of something in words: ``1 refusal``, ``3 refusals``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def one_line(text: str, length: int) -> str:
    """A text as one line of printable characters, cut with an ellipsis, between two words where there are any.

    Args:
        text: Any text: a flow's words may hold whatever their author typed.
        length: How many characters are kept at most.
    """
    if text.isascii() and text.isprintable() and "  " not in text:  # as most are, which takes a fraction of the time
        line = text.strip()
    else:
        line = " ".join("".join(mark if _shows(mark) else " " for mark in text).split())
    if len(line) <= length:
        return line
    kept = line[: length - 1]
    whole = kept.rpartition(" ")[0] if line[length - 1] != " " else kept
    return f"{(whole if 2 * len(whole) > length else kept).rstrip()}…"


def _shows(mark: str) -> bool:
    """False for control characters, marks of direction, halves of surrogates and what is assigned to nothing."""
    return (mark.isascii() and mark.isprintable()) or mark in _JOINERS or unicodedata.category(mark)[0] != "C"


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of a width, in characters. Most texts are short, and textwrap is slow."""
    return textwrap.wrap(text, width) if len(text) > width else [text] if text else []


def listed(titles: Sequence[str]) -> str:
    """Titles on one line; of many, the first and the number."""
    if len(titles) > TITLES_SHOWN:
        return f"{' / '.join(titles[: TITLES_SHOWN - 1])} / … ({len(titles)} options)"
    return " / ".join(titles)

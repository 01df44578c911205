"""What the ledger keeps: which offer was made under which key, and what is answered to a key each time.

Here belongs what happens once, without HTTP and without waiting; `examples.services.ledger` serves it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from attrs import define, field, frozen

from examples.services.http_offers import KEY_REUSED

REFUSED: Final = "https://ledger.example.test/problems/not-covered"
NOT_COVERED: Final = "Your balance does not cover this offer."
TOO_LATE: Final = "This took too long, so it was not done. Please try again."

Json = dict[str, Any]


class Behaviour(str, Enum):
    """What is done with a request for an offer."""

    ANSWER = "answer"
    REFUSE = "refuse"
    ACCEPT = "accept"
    """202; the offer is made when the callbacks are sent."""
    ACCEPT_AND_REFUSE = "accept and refuse"
    """202; the callback says that it was not made."""
    ANSWER_TWICE = "answer twice"
    """Made and answered, and told twice by a callback as well."""
    FAIL_BEFORE = "fail before"
    """503, with nothing done."""
    FAIL_AFTER = "fail after"
    """Made, then 503."""
    BREAK_OFF = "break off"
    """Made, then the connection breaks within the answer."""
    ARRIVE_LATE = "arrive late"
    """Held before the ledger has seen it."""
    HANG = "hang"
    """Held while it is being worked on; made when it is let go."""
    ANSWER_LATE = "answer late"
    """Made; the answer is held."""


@frozen
class Answer:
    """What is answered to a key.

    Args:
        status: The HTTP status.
        body: The body.
    """

    status: int
    body: Json


def problem(status: int, kind: str = "about:blank", detail: str | None = None) -> Answer:
    """An answer that describes a problem (RFC 9457)."""
    return Answer(status, {"type": kind, "status": status, **({} if detail is None else {"detail": detail})})


@define
class Entry:
    """What is known of a key.

    Args:
        body: What was asked for.
        answer: What is answered; None while it is being worked on.
        is_covered: False if what was accepted will be refused.
    """

    body: Json
    answer: Answer | None = None
    is_covered: bool = True


@define
class Books:
    """All that the ledger keeps, in memory.

    Args:
        entries: What is known of each key.
        made: The offers that were made, in order.
        fences: How often each key was asked for that was not known, or was refused.
    """

    entries: dict[str, Entry] = field(factory=dict)
    made: list[Json] = field(factory=list)
    fences: dict[str, int] = field(factory=dict)

    def answer_to(self, key: str, fence: int, body: Json) -> Answer | None:
        """What is answered to a request without doing anything; None for a key that is new now, and begun.

        Args:
            key: The key.
            fence: How often who sends it was told that the key is not known.
            body: What is asked for.
        """
        entry = self.entries.get(key)
        if entry is not None and entry.body != body:
            return problem(422, KEY_REUSED, "This key was used for another offer.")
        if entry is not None:
            return entry.answer or problem(409)
        if fence < self.fences.get(key, 0):
            return problem(410, detail=TOO_LATE)
        self.entries[key] = Entry(body)
        return None

    def work(self, key: str, behaviour: Behaviour) -> Answer:
        """Does what a key that was begun asks for."""
        entry = self.entries[key]
        if behaviour in (Behaviour.ACCEPT, Behaviour.ACCEPT_AND_REFUSE):
            entry.answer = Answer(202, {})
            entry.is_covered = behaviour is Behaviour.ACCEPT
            return entry.answer
        entry.is_covered = behaviour is not Behaviour.REFUSE
        return self.settle(key)

    def settle(self, key: str) -> Answer:
        """Makes an offer that is not made yet, or refuses it: the one place where that is done."""
        entry = self.entries[key]
        if entry.answer is not None and entry.answer.status != 202:
            return entry.answer
        if not entry.is_covered:
            entry.answer = problem(422, REFUSED, NOT_COVERED)
        else:
            receipt = {"reference": f"CX-{len(self.made) + 1:04}"}
            self.made.append({"key": key, **receipt, **entry.body})
            entry.answer = Answer(201, receipt)
        return entry.answer

    def came_of(self, key: str) -> tuple[Answer, int | None]:
        """What came of a key, and how often it was asked for in vain; after that no earlier request does anything."""
        entry = self.entries.get(key)
        if entry is not None and entry.answer is None:
            return problem(409), None
        if entry is not None and entry.answer is not None and entry.answer.status < 400:
            return Answer(200 if entry.answer.status == 201 else 202, entry.answer.body), None
        self.fences[key] = self.fences.get(key, 0) + 1
        return problem(404), self.fences[key]

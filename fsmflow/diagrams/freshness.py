"""What has changed in flows since their pictures were made, in words.

Here belongs the comparison of what an index says with what the flows are now: which step, which way. It is for who
must decide whether to renew a picture; whether members in the middle of a flow can go on is another question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fsmflow.diagrams.index import Chapter, Index, Tables

_TOLD_AT_MOST: Final = 20  # changes of one flow: who sees more will look at the picture
_REFUSAL: Final = "any other answer"


def changes(chapters: Sequence[Chapter], index: Index) -> tuple[str, ...]:
    """What has changed, a line for each step and way.

    Args:
        chapters: What the flows are now.
        index: What was said of them.
    """
    lines: list[str] = []
    for chapter in chapters:
        before = index.flows.get(chapter.name)
        if before is None:
            lines += [f"{chapter.name}: is not in the index"] if index.flows else []
            continue
        told = list(_between(before, chapter.tables))
        more = [f"and {len(told) - _TOLD_AT_MOST} changes more"] if len(told) > _TOLD_AT_MOST else []
        lines += [f"{chapter.name}: {words}" for words in (*told[:_TOLD_AT_MOST], *more)]
    return tuple(lines)


def _between(before: Tables, now: Tables) -> Iterator[str]:
    kept = [step for step in now.steps if step in before.steps]
    for step in before.steps:
        if step not in now.steps:
            yield f"step {step!r} is gone"
    for step in now.steps:
        if step not in before.steps:
            yield f"step {step!r} is new"
    if kept != [step for step in before.steps if step in now.steps]:
        yield f"the steps are in another order: {', '.join(now.steps)}"
    for step in kept:
        yield from _of_a_step(step, before, now)


def _of_a_step(step: str, before: Tables, now: Tables) -> Iterator[str]:
    _, _, type_before, words_before, answer_before = before.steps[step]
    _, _, type_now, words_now, answer_now = now.steps[step]
    if type_before != type_now:
        yield f"step {step!r} was {type_before} and is {type_now}"
    if words_before != words_now:
        yield f"step {step!r} asked “{words_before}” and asks “{words_now}”"
    ways = list(_of_its_ways(step, before, now))
    yield from ways
    if not ways and answer_before != answer_now:
        yield f"step {step!r} was answered by {answer_before} and is by {answer_now}"


def _of_its_ways(step: str, before: Tables, now: Tables) -> Iterator[str]:
    lost, gained = _only_in(step, before, now), _only_in(step, now, before)
    for way in lost:
        moved = next((other for other in gained if other[1:3] == way[1:3]), None)
        if moved is None:
            yield f"step {step!r} lost the way {_called(way)} to {way[3]}"
        else:
            gained.remove(moved)
            yield f"step {step!r}: the way {_called(way)} led to {way[3]} and leads to {moved[3]}"
    for way in gained:
        yield f"step {step!r} has a new way, {_called(way)} to {way[3]}"


def _only_in(step: str, tables: Tables, others: Tables) -> list[tuple[str, ...]]:
    known = set(others.ways)
    return [way for way in tables.ways if way[0] == step and way not in known]


def _called(way: tuple[str, ...]) -> str:
    _, trigger, when, _ = way
    return (
        repr(when)
        if trigger == "submit" and when != _REFUSAL
        else repr(trigger)
        if when != _REFUSAL
        else "of a refusal"
    )

"""The shortest conversation that fails as well.

Hypothesis ends its own shrinking after 500 improvements. A conversation of fifty lines uses them up, in minutes, on
making numbers smaller, and lines remain that nobody needs. Here every line can be left out whatever the others say, so
they are left out directly, first by halves and at last one by one; what is left is then told in the plainest way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from hypothesis.stateful import rule

Step = tuple[Callable[..., None], dict[str, Any]]
"""What happened, to be done again: a rule and what it was given."""

Fails = Callable[[Sequence[Step]], bool]
RuleT = TypeVar("RuleT", bound=Callable[..., None])


class Noting(Protocol):
    """A state machine that keeps what happened to it."""

    steps: list[Step]


def happens(kind: Callable[..., Any] = rule, /, **given: Any) -> Callable[[RuleT], RuleT]:
    """A rule that is written down as it happens.

    Args:
        kind: ``rule`` or ``initialize``.
        given: What it takes: hypothesis' strategies, by name.
    """

    def as_rule(happening: RuleT) -> RuleT:
        @wraps(happening)
        def noted(machine: Noting, **arguments: Any) -> None:
            machine.steps.append((happening, arguments))
            happening(machine, **arguments)

        return cast("RuleT", kind(**given)(noted))

    return as_rule


def shortest(steps: Sequence[Step], fails: Fails, plainest: Mapping[str, Any]) -> list[Step]:
    """Leaves out of some steps, which fail, what is not needed for that.

    Args:
        steps: What happened.
        fails: Whether some steps fail.
        plainest: By the name of an argument, its plainest value.

    Returns:
        Steps that fail, of which none can be left out.
    """
    left, before = list(steps), len(steps) + 1
    while len(left) < before:
        before = len(left)
        size = len(left)
        while size:
            left = _without(left, size, fails)
            size //= 2
    for place, (happening, arguments) in enumerate(left):
        for name in sorted(arguments.keys() & plainest.keys()):
            plainer = (happening, {**left[place][1], name: plainest[name]})
            if fails([*left[:place], plainer, *left[place + 1 :]]):
                left[place] = plainer
    return left


def _without(steps: list[Step], size: int, fails: Fails) -> list[Step]:
    """The steps without as many runs of a size as are not needed."""
    start = 0
    while start < len(steps):
        rest = steps[:start] + steps[start + size :]
        if fails(rest):
            steps = rest
        else:
            start += size
    return steps

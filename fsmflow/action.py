"""`Action`: a step that changes the world, and asks nobody.

Here belong what people write in ``steps`` for it, and the checks of that. The order in which it is committed, run and
committed again belongs to `acting`; who runs it, within which time, to `performing`.

A validator looks; an action does. What moves money is run once the stored state says that it is being run, by one
worker, under an id that never changes: that id is the key by which a service knows a repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from attrs import field, frozen

from fsmflow.errors import FlowDefinitionError
from fsmflow.step import Route, Step, StepType

LONGEST: Final = timedelta(minutes=10)
"""How long an effect may take in all; for what takes longer a service says `Accepted`."""

GRACE: Final = timedelta(seconds=10)
"""For how much longer than the effect's own bounded time nobody else takes it up."""


def _as_kinds(kinds: Any) -> tuple[type[Exception], ...]:
    return (kinds,) if isinstance(kinds, type) else tuple(kinds)


@frozen
class Retry:
    """When a call is made again within one attempt, under the same effect id. After a refusal it never is.

    Args:
        on: The exceptions after which it may be: those that say that it has not happened, or any where the service
            knows a repetition by the effect id.
        attempts: How many calls at most, the first one counted.
        wait: The first pause; it doubles, with some chance in it.
    """

    on: tuple[type[Exception], ...] = field(converter=_as_kinds)
    attempts: int = 3
    wait: timedelta = timedelta(milliseconds=100)


@frozen(init=False)
class Action(Step):
    """A step that changes the world.

    Args:
        id: The step's id; what came of it is kept under it.
        run: ``(self)``: does it. ``self.services`` is what the runner was given, ``self.effect_id`` the key of this
            effect, ``self.effect_attempt`` how often it was taken up, this time counted: from 2 on somebody else may
            have run it. It returns `Done` or `Accepted`, or raises `EffectRefused` where it is known not to have
            happened; whatever else it raises leaves it unknown.
        retry: When a call is made again within one attempt; None for never.
        timeout: How long it may take in all, retries counted: above zero, at most ten minutes.
        reconcile: ``(self)``: finds out whether it happened: returns `Done`, `NotDone`, `StillUnknown`, or `Accepted`
            where it is still under way. It is asked before an effect is run again of which nobody can say, and now and
            then of one that was accepted.
        idempotent: True if running it again with the same `effect_id` does nothing twice.
        returns: The type that what is kept of it is structured to on load; None for what JSON gives.
        sensitive: True if what is kept of it is no affair of logs and trails.
        example: What it may return in `Done`: what tests and ``fsmflow check`` go on with, who run no effect.
        message: What is said while it is under way; the library's own words by default.
        routes: Where it leads once it is done, as of a `Step`.
        skip_when: As of a `Step`.
    """

    run: Callable[..., Any] | None = None
    retry: Retry | None = None
    limit: timedelta = timedelta(seconds=10)
    reconcile: Callable[..., Any] | None = None
    idempotent: bool = False
    returns: Any = None
    example: Any = None

    def __init__(  # noqa: PLR0913 - each is a word of the language that flows are written in
        self,
        id: str,
        run: Callable[..., Any],
        *,
        retry: Retry | None = None,
        timeout: timedelta = timedelta(seconds=10),
        reconcile: Callable[..., Any] | None = None,
        idempotent: bool = False,
        returns: Any = None,
        sensitive: bool = False,
        example: Any = None,
        message: str | Callable[..., Any] = "",
        routes: Iterable[Route] = (),
        skip_when: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(id, StepType.ACTION, message, sensitive=sensitive, routes=routes, skip_when=skip_when)
        given = {"run": run, "retry": retry, "limit": timeout, "reconcile": reconcile}
        for name, value in {**given, "idempotent": idempotent, "returns": returns, "example": example}.items():
            object.__setattr__(self, name, value)  # frozen, as its base is

    @property
    def lease(self) -> timedelta:
        """For how long nobody else takes it up."""
        return self.limit + GRACE

    @property
    def can_be_asked(self) -> bool:
        """True if somebody who does not know what came of it may do something about it."""
        return self.reconcile is not None or self.idempotent

    @property
    def lease_taken_over(self) -> timedelta:
        """The same for who takes it over, and may ask first what came of it."""
        return self.lease if self.reconcile is None else self.lease + self.limit


def check_action(flow: str, action: Action) -> None:
    """Checks what can be seen from an action alone.

    Raises:
        FlowDefinitionError: It is written wrongly.
    """
    wrong: str | None = None
    retry: Any = action.retry
    if not isinstance(action.limit, timedelta) or not timedelta() < action.limit <= LONGEST:
        wrong = "the timeout of an action is a timedelta above zero, of ten minutes at most"
    elif action.idempotent not in (True, False):
        wrong = "idempotent is True or False"
    elif retry is not None and not isinstance(retry, Retry):
        wrong = "retry is a Retry, or None"
    elif retry is not None and (retry.attempts < 1 or retry.wait < timedelta()):
        wrong = "a Retry has at least one attempt, and no pause below zero"
    if wrong is not None:
        raise FlowDefinitionError(flow, action.id, wrong)

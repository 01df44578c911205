"""A book of the credex that stand open, in memory: it takes the place of the service that an application would ask.

Nothing here knows of flows but the four types of them. What a question needs is `open_to`, which looks; what an action
does is `carry_out`, which acts, once for each effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from examples.offer import Denomination, Money
from fsmflow import EffectRefused

GONE = "This credex does not stand open any more."


@frozen
class Credex:
    """A credex that one member has offered to another, as either of the two sees it.

    Args:
        id: The service's own id of it.
        money: How much.
        other: The handle of the other one of the two.
        is_own: True if it was offered by the member who sees it.
    """

    id: str
    money: Money
    other: str
    is_own: bool = False

    @property
    def whose(self) -> str:
        """From whom it is, or to whom."""
        return f"{'to' if self.is_own else 'from'} {self.other}"


def _sample() -> Iterable[Credex]:
    amounts = ("100", "250", "75.50", "20", "100", "40", "15.25", "300", "60", "10", "80", "5")
    names = ("ama_k", "kofi", "yaw_b", "esi", "ama_k", "nana", "kwame", "abena", "akua", "kojo", "adwoa", "yaa")
    for number, (amount, name) in enumerate(zip(amounts, names, strict=True), 1):
        yield Credex(f"cx1{number:03}", Money(Decimal(amount), Denomination.USD), name)
    yield Credex("cx2001", Money(Decimal("0.5"), Denomination.XAU), "yaw_b", is_own=True)
    yield Credex("cx2002", Money(Decimal("2500.50"), Denomination.ZWG), "kofi", is_own=True)


class Book:
    """What stands open for each member.

    Args:
        at_first: What stands open for a member whom the book has not met before.
    """

    def __init__(self, at_first: Iterable[Credex] = ()) -> None:
        self._at_first = tuple(at_first)
        self._open: dict[str, dict[str, Credex]] = {}
        self._done: dict[str, str | None] = {}

    @classmethod
    def sample(cls) -> Book:
        """A book in which whoever comes has a dozen credex to accept and two to cancel."""
        return cls(_sample())

    def open_to(self, member_id: str, action: str) -> list[Credex]:
        """What a member may do something with: accept or decline what others offered, cancel what they offered."""
        return [each for each in self._of(member_id).values() if each.is_own is (action == "cancel")]

    def carry_out(self, action: str, effect_id: str, member_id: str, data: Mapping[str, Any]) -> None:
        """Does what a member has confirmed. Asked a second time for the same effect, it does nothing.

        Args:
            action: ``offer``, ``accept``, ``decline`` or ``cancel``.
            effect_id: The effect by which it is done: what came of it is kept under that.
            member_id: Who confirmed it.
            data: What the flow collected.

        Raises:
            EffectRefused: The credex does not stand open any more; or so it was the first time.
        """
        if effect_id not in self._done:
            self._done[effect_id] = self._refusal(action, effect_id, member_id, data)
        refusal = self._done[effect_id]
        if refusal is not None:
            raise EffectRefused(refusal)

    def _refusal(self, action: str, effect_id: str, member_id: str, data: Mapping[str, Any]) -> str | None:
        """Does it; or why not."""
        stand_open = self._of(member_id)
        if action == "offer":
            stand_open[effect_id] = Credex(effect_id, data["amount"], data["handle"], is_own=True)
            return None
        return None if stand_open.pop(data["credex"].id, None) else GONE

    def _of(self, member_id: str) -> dict[str, Credex]:
        return self._open.setdefault(member_id, {each.id: each for each in self._at_first})

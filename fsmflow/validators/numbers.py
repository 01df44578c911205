"""Whole numbers and decimal numbers, within bounds. How they may be written stands in `numerals`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

from attrs import field, frozen
from attrs.validators import in_, optional

from fsmflow.validators.base import Validator, check_example
from fsmflow.validators.numerals import DIGITS_LIMIT, Unread, read

MARKS: Final = (".", ",")
_WRITTEN_BADLY: Final = ("many", "1e5", "NaN", "Infinity", "0x10", "1_000", "--1", "1 2", "½", "²", "5 %", "9" * 4000)

NumberT = TypeVar("NumberT", int, Decimal)


def as_bound(number: Decimal | int | str | None) -> Decimal | None:
    """A bound of decimal numbers as a Decimal.

    Raises:
        TypeError: It is a float.
    """
    if isinstance(number, float):
        raise TypeError("a bound is a Decimal, an int or a str: a float is seldom the number that it looks like")
    return None if number is None else Decimal(number)


def _written(bound: Decimal | int) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:f}"


class _Bounded(Validator[NumberT]):
    """What both kinds have in common."""

    __slots__ = ()

    minimum: Any
    maximum: Any

    def _read(self, value: str, decimal_mark: str | None, otherwise: str) -> Decimal:
        try:
            return read(value, decimal_mark)
        except Unread as unread:
            if unread.sentence == "digits":
                raise self.refused("digits", most=DIGITS_LIMIT) from None
            raise self.refused(otherwise if unread.sentence == "number" else unread.sentence) from None

    def _check_bounds(self, number: Decimal | int) -> None:
        if self.minimum is not None and number < self.minimum:
            raise self.refused("larger", least=_written(self.minimum))
        if self.maximum is not None and number > self.maximum:
            raise self.refused("smaller", most=_written(self.maximum))

    def _check_made(self) -> None:
        for bound in (self.minimum, self.maximum):
            if bound is not None and not (Decimal(bound).is_finite() and abs(bound) < 10 ** (DIGITS_LIMIT - 8)):
                raise ValueError(f"a bound is a number of fewer than {DIGITS_LIMIT - 8} digits")
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("the maximum must not be below the minimum")
        check_example(self)

    def _range(self) -> str:
        if self.minimum is None:
            return "" if self.maximum is None else f", up to {_written(self.maximum)}"
        least = _written(self.minimum)
        return f", {least} or more" if self.maximum is None else f", {least} to {_written(self.maximum)}"

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No number, and one out of bounds."""
        below: list[str] = [] if self.minimum is None else [_written(self.minimum - 1)]
        above: list[str] = [] if self.maximum is None else [_written(self.maximum + 1)]
        return ("many", *below, *above)

    def _outside(self, strategies: Any) -> list[Any]:
        """Strategies of whole numbers out of bounds."""
        found = []
        if self.minimum is not None:
            found.append(strategies.integers(max_value=int(self.minimum // 1) - 1, min_value=-(10**25)).map(str))
        if self.maximum is not None:
            found.append(strategies.integers(min_value=int(self.maximum // 1) + 1, max_value=10**25).map(str))
        return found


@frozen
class Integer(_Bounded[int]):
    """A whole number; what is kept is an int.

    Args:
        minimum: The least that is accepted.
        maximum: The most.
        decimal_mark: How members write decimals, so that ``1,500`` is clear: see `numerals`.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: The bounds leave nothing, or the example is not within them.
    """

    minimum: int | None = None
    maximum: int | None = None
    decimal_mark: str | None = field(default=None, kw_only=True, validator=optional(in_(MARKS)))
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        self._check_made()

    def parse(self, value: str) -> int:
        """The number: a whole one, however it is written."""
        number = self._read(value, self.decimal_mark, "whole")
        if number.as_tuple().exponent != 0:
            raise self.refused("whole")
        self._check_bounds(int(number))
        return int(number)

    @property
    def example(self) -> str:
        """One within the bounds, if none is given."""
        if self.given is not None:
            return self.given
        if self.minimum is None:
            return str(3 if self.maximum is None else min(3, self.maximum))
        return str(max(self.minimum, 3 if self.maximum is None else min(3, self.maximum)))

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No number, a part of one, and one out of bounds."""
        return ("many", "2.5", *super().counterexamples[1:])

    @property
    def __name__(self) -> str:
        return f"whole number{self._range()}"

    def good_answers(self, strategies: Any) -> Any:
        """Numbers within the bounds, in digits of several scripts, and with marks of thousands."""
        least = self.minimum if self.minimum is not None else min(-(10**12), (self.maximum or 0) - 1)
        most = self.maximum if self.maximum is not None else max(10**12, (self.minimum or 0) + 1)
        numbers = strategies.integers(least, most)
        return strategies.one_of(
            strategies.just(self.example),
            numbers.map(str),
            numbers.map(lambda number: f"{number:,}".replace(",", " ")),
            numbers.map(lambda number: "".join(_ARABIC.get(sign, sign) for sign in str(number))),
        )

    def bad_answers(self, strategies: Any) -> Any:
        """Numbers out of bounds, parts of numbers, and what other programs take for numbers."""
        badly = strategies.sampled_from((*_WRITTEN_BADLY, "2.5"))
        return strategies.one_of(badly, *self._outside(strategies))


@frozen
class DecimalNumber(_Bounded[Decimal]):
    """A number that may have decimals; what is kept is a `decimal.Decimal`, which has them all.

    Args:
        minimum: The least that is accepted: a Decimal, an int or a str.
        maximum: The most.
        decimals: How many decimals it may have.
        decimal_mark: What stands before them; None takes ``.`` and ``,`` where it is clear: see `numerals`.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: The bounds leave nothing, or the example is not within them.
        TypeError: A bound is a float.
    """

    minimum: Decimal | None = field(default=None, converter=as_bound)
    maximum: Decimal | None = field(default=None, converter=as_bound)
    decimals: int = 2
    decimal_mark: str | None = field(default=None, kw_only=True, validator=optional(in_(MARKS)))
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.decimals <= 12:
            raise ValueError("a decimal number has 1 to 12 decimals; Integer has none")
        self._check_made()

    def parse(self, value: str) -> Decimal:
        """The number, with as many decimals as were written."""
        number = self._read(value, self.decimal_mark, "number")
        if -int(number.as_tuple().exponent) > self.decimals:
            raise self.refused("decimals", most=self.decimals)
        self._check_bounds(number)
        return number

    @property
    def example(self) -> str:
        """One within the bounds, if none is given."""
        if self.given is not None:
            return self.given
        wanted = Decimal("2.5")
        if self.minimum is not None:
            wanted = max(wanted, self.minimum)
        if self.maximum is not None:
            wanted = min(wanted, self.maximum)
        return f"{wanted:f}".replace(".", self.decimal_mark or ".")

    @property
    def __name__(self) -> str:
        return f"number{self._range()}"

    def good_answers(self, strategies: Any) -> Any:
        """Numbers within the bounds, in digits of several scripts, with either mark where it is clear."""
        least = self.minimum if self.minimum is not None else min(Decimal(-(10**9)), (self.maximum or 0) - Decimal(1))
        most = self.maximum if self.maximum is not None else max(Decimal(10**9), (self.minimum or 0) + Decimal(1))
        written = strategies.decimals(least, most, places=self.decimals, allow_nan=False).map(lambda each: f"{each:f}")
        marked = written.map(lambda text: text.replace(".", self.decimal_mark or "."))
        arabic = written.map(lambda text: "".join(_ARABIC.get(sign, sign) for sign in text))
        found = [strategies.just(self.example), marked, arabic]
        if self.decimal_mark is None:
            found.append(written.map(lambda text: text.replace(".", ",")))
        return strategies.one_of(*found).filter(self.accepts)

    def bad_answers(self, strategies: Any) -> Any:
        """Numbers out of bounds, with too many decimals, unclear, and what other programs take for numbers."""
        unclear = ("1,500", "1.500") if self.decimal_mark is None else ()
        badly = strategies.sampled_from((*_WRITTEN_BADLY, *unclear, "0." + "1" * (self.decimals + 1)))
        return strategies.one_of(badly, *self._outside(strategies))


_ARABIC: Final = {**{str(digit): chr(0x0660 + digit) for digit in range(10)}, ".": "\u066b"}

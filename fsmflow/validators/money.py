"""Amounts of money: a number and what it is counted in, which are never guessed.

An amount is written as ``100``, ``USD 100``, ``100 usd``, ``$100`` or ``100USD``; how the number may be written stands
in `numerals`. A sign such as ``$`` counts where it belongs to one of the denominations alone: between US and Canadian
dollars it is refused, and so is an amount without a denomination where there are several and none is the default.
Refused as well are zero, negative amounts, and more decimals than the denomination has: nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from attrs import field, frozen
from attrs.validators import in_, optional

from fsmflow.validators.base import READ_UP_TO, Validator, check_example
from fsmflow.validators.numbers import MARKS, as_bound
from fsmflow.validators.numerals import Unread, read
from fsmflow.validators.typed import plain

WHOLE_DIGITS: Final = 12  # less than a billion thousands of anything: one more is a slip of the finger

_CODE: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}", re.ASCII)
_AMOUNT: Final = re.compile(r"([^0-9]*?) ?([0-9][0-9 ,.'’\u066b\u066c]*?) ?([^0-9]*)", re.ASCII)


def _as_signs(signs: str | Iterable[str]) -> tuple[str, ...]:
    return (signs,) if isinstance(signs, str) else tuple(signs)


@frozen
class Denomination:
    """What an amount may be counted in.

    Args:
        code: What it is called: ``"USD"``; 2 to 10 capital letters of ASCII and digits.
        decimals: How many decimals an amount of it may have.
        signs: What else stands for it: ``("$", "US$")``.

    Raises:
        ValueError: One of them cannot be.
    """

    code: str
    decimals: int = 2
    signs: tuple[str, ...] = field(default=(), converter=_as_signs)

    def __attrs_post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError("a code has 2 to 10 capital letters of ASCII and digits, and begins with a letter")
        if not 0 <= self.decimals <= 12:
            raise ValueError("a denomination has 0 to 12 decimals")
        if any(not sign or re.search(r"[\s\d,.'’+-]", sign) for sign in self.signs):
            raise ValueError("a sign has no digits, no spaces and no marks of numbers")


@frozen
class Money:
    """An amount of something: what is kept of an answer.

    Args:
        amount: How much, with as many decimals as were written.
        denomination: The code of what it is counted in.
    """

    amount: Decimal
    denomination: str

    def __str__(self) -> str:
        return f"{self.denomination} {self.amount:f}"


def _as_denominations(given: Iterable[Denomination | str] | Denomination | str) -> tuple[Denomination, ...]:
    found = (given,) if isinstance(given, (str, Denomination)) else tuple(given)
    return tuple(Denomination(each) if isinstance(each, str) else each for each in found)


@frozen
class Amount(Validator[Money]):
    """An amount of money; what is kept is `Money`.

    Args:
        denominations: What it may be in: `Denomination`, or codes of such that have two decimals and no sign.
        default: The code of the one that an amount without any is in; None asks for it, unless there is but one.
        minimum: The least that is accepted, whatever it is in; always more than zero.
        maximum: The most.
        decimal_mark: What stands before decimals; None takes ``.`` and ``,`` where it is clear: see `numerals`.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: There is no denomination, the default is none of them, or the example is not accepted.
    """

    denominations: tuple[Denomination, ...] = field(converter=_as_denominations)
    default: str | None = None
    minimum: Decimal | None = field(default=None, converter=as_bound, kw_only=True)
    maximum: Decimal | None = field(default=None, converter=as_bound, kw_only=True)
    decimal_mark: str | None = field(default=None, kw_only=True, validator=optional(in_(MARKS)))
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        codes = [each.code for each in self.denominations]
        if not codes or len(set(codes)) < len(codes):
            raise ValueError("an amount is in one of some denominations, each of which is named once")
        if self.default is not None and self.default not in codes:
            raise ValueError(f"the default {self.default!r} must be one of {', '.join(codes)}")
        check_example(self)

    def parse(self, value: str) -> Money:
        """The amount, and what it is in."""
        found = _AMOUNT.fullmatch(plain(value)) if len(value) <= READ_UP_TO else None
        if found is not None and "-" in (found[1][:1], found[1][-1:]):
            raise self.refused("nothing")
        if found is None or (found[1] and found[3]):
            raise self.refused("amount")
        try:
            amount = read(found[2], self.decimal_mark)
        except Unread as unread:
            raise self.refused("unclear" if unread.sentence == "unclear" else "amount") from None
        denomination = self._denomination(found[1] or found[3])
        if amount <= 0:
            raise self.refused("nothing")
        if -int(amount.as_tuple().exponent) > denomination.decimals:
            raise self.refused("decimals", most=denomination.decimals)
        if amount >= 10**WHOLE_DIGITS:
            raise self.refused("digits", most=WHOLE_DIGITS)
        if self.minimum is not None and amount < self.minimum:
            raise self.refused("larger", least=f"{self.minimum:f}")
        if self.maximum is not None and amount > self.maximum:
            raise self.refused("smaller", most=f"{self.maximum:f}")
        return Money(amount, denomination.code)

    def _denomination(self, written: str) -> Denomination:
        if not written and (self.default is not None or len(self.denominations) == 1):
            code = self.default or self.denominations[0].code
            return next(each for each in self.denominations if each.code == code)
        # only letters of ASCII are the same in either case: a long s (U+017F) is no S, though its capital is
        upper = written.upper() if written.isascii() else written
        meant = [each for each in self.denominations if upper in (each.code, *map(_upper, each.signs))]
        if len(meant) == 1:
            return meant[0]
        raise self.refused("denomination", denominations=", ".join(each.code for each in self.denominations))

    @property
    def example(self) -> str:
        """One within the bounds, in the first denomination, if none is given."""
        if self.given is not None:
            return self.given
        wanted = Decimal(100)
        if self.minimum is not None:
            wanted = max(wanted, self.minimum)
        if self.maximum is not None:
            wanted = min(wanted, self.maximum)
        written = f"{wanted:f}".replace(".", self.decimal_mark or ".")
        return f"{self.default or self.denominations[0].code} {written}"

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No amount, none to speak of, less than nothing, and one of something else."""
        code = self.denominations[0].code
        return "a lot", f"{code} 0", f"{code} -5", "5 of those"

    @property
    def __name__(self) -> str:
        return f"amount in {', '.join(each.code for each in self.denominations)}"

    def good_answers(self, strategies: Any) -> Any:
        """Amounts within the bounds, in every denomination and every way to write it."""
        least, most = self.minimum or Decimal("0.01"), self.maximum or Decimal(10**6)
        shapes = strategies.sampled_from(("{code} {amount}", "{amount} {code}", "{amount}{code}", "{code}{amount}"))

        def written(denomination: Denomination) -> Any:
            amounts = strategies.decimals(least, most, places=denomination.decimals, allow_nan=False)
            texts = amounts.map(lambda amount: f"{amount:f}".replace(".", self.decimal_mark or "."))
            names = strategies.sampled_from((denomination.code, denomination.code.lower(), *denomination.signs))
            return strategies.builds(
                lambda shape, code, amount: shape.format(code=code, amount=amount), shapes, names, texts
            )

        found = strategies.one_of(*map(written, self.denominations))
        return strategies.one_of(strategies.just(self.example), found.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no amount, or not one of these."""
        badly = (
            "a lot",
            "USD",
            "1e5",
            "NaN USD",
            "-5",
            "0",
            "1,500",
            "1 USD 2",
            "QQQ 5",
            "5 \u017f\u017f\u017f",
            "9" * 4000,
            "5 %",
        )
        code = self.denominations[0]
        more = f"{code.code} 0.{'1' * (code.decimals + 1)}", f"{code.code} {'9' * (WHOLE_DIGITS + 1)}"
        return strategies.sampled_from([each for each in (*badly, *more) if not self.accepts(each)])


def _upper(sign: str) -> str:
    return sign.upper() if sign.isascii() else sign

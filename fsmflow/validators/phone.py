"""Phone numbers, by the package `phonenumbers` (the extra ``phone``), which knows the numbering plans of all countries.

What is kept is the number in E.164, ``+263771234567``: one number is one text, however it was typed. A number that no
network has assigned a range for is refused. Not read are letters (``1-800-FLOWERS``), which that package would dial by
the keys they stand on, and extensions, which E.164 has no place for.
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import field, frozen

from fsmflow.errors import MissingExtra
from fsmflow.validators.base import Validator, check_example
from fsmflow.validators.typed import plain

_WRITTEN: Final = re.compile(r"\+?[0-9 ().\-/]{4,40}", re.ASCII)
_ANYWHERE: Final = "GB"  # whose example is shown where any country's number is taken


@frozen
class PhoneNumber(Validator[str]):
    """A phone number; what is kept is a str in E.164.

    Args:
        region: The country that a number without a ``+`` is dialled in: ``"ZW"``; None takes only numbers with one.
        given: An answer that is accepted, for the refusals.

    Raises:
        MissingExtra: The package `phonenumbers` is not installed.
        ValueError: There is no such region, or the example is no number.
    """

    region: str | None = None
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.region is not None and self.region not in _phonenumbers().SUPPORTED_REGIONS:
            raise ValueError(f"a region is two capital letters of ISO 3166, such as ZW, not {self.region!r}")
        check_example(self)

    def parse(self, value: str) -> str:
        """The number in E.164."""
        library = _phonenumbers()
        typed = plain(value) if len(value) <= 2 * 40 else ""
        if not _WRITTEN.fullmatch(typed):
            raise self.refused("phone")
        try:
            number = library.parse(typed, self.region)
        except library.NumberParseException:
            raise self.refused("phone") from None
        if not library.is_valid_number(number) or number.extension:
            raise self.refused("phone")
        return str(library.format_number(number, library.PhoneNumberFormat.E164))

    @property
    def example(self) -> str:
        """The region's own example of a mobile phone's number, if none is given."""
        return self._written()[0] if self.given is None else self.given

    def _written(self) -> list[str]:
        """Example numbers in every form that is accepted; the international one first."""
        library = _phonenumbers()
        region = self.region or _ANYWHERE
        kinds = (library.PhoneNumberType.MOBILE, library.PhoneNumberType.FIXED_LINE)
        numbers = [library.example_number_for_type(region, kind) for kind in kinds]
        numbers.append(library.example_number(region))
        forms = [library.PhoneNumberFormat.INTERNATIONAL, library.PhoneNumberFormat.E164]
        if self.region is not None:
            forms.append(library.PhoneNumberFormat.NATIONAL)
        return [str(library.format_number(number, form)) for form in forms for number in numbers if number is not None]

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No number, a number of no country, and words."""
        return "12345", "+999 123 456 789", "my number"

    @property
    def __name__(self) -> str:
        return "phone number" if self.region is None else f"phone number, {self.region} or with +"

    def good_answers(self, strategies: Any) -> Any:
        """Example numbers and their neighbours, in every form."""
        last = strategies.integers(0, 99).map(lambda digits: f"{digits:02}")
        numbers = strategies.sampled_from([each for each in self._written() if each[-2:].isdecimal()] or [self.example])
        neighbours = strategies.builds(lambda number, digits: number[:-2] + digits, numbers, last)
        return strategies.one_of(strategies.just(self.example), neighbours.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no number, or one of nobody."""
        badly = strategies.sampled_from(
            ("12345", "+999 123 456 789", "1-800-FLOWERS", "+", "9" * 4000, f"{self.example} x12")
        )
        return strategies.one_of(badly, strategies.from_regex(r"\+?[0-9]{1,4}", fullmatch=True)).filter(
            lambda text: not self.accepts(text)
        )


def _phonenumbers() -> Any:
    try:
        import phonenumbers
    except ImportError as missing:
        raise MissingExtra("phone", "PhoneNumber") from missing
    return phonenumbers

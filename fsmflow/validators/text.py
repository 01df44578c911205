"""Texts: how long, of which letters, in which form. What is kept is the text, with its accents composed (NFC).

Lengths are counted in the signs that a reader sees (`fsmflow.graphemes`). None of these takes characters that nobody
sees, so that one name is one text; marks that only turn the direction of the writing are dropped at both ends, where
keyboards put them. They compose: ``Letters(" -'") & Length(2, 40)``.
"""

# ruff: noqa: RUF001 - names in many scripts, some letters of which look like Latin ones

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from typing import Any, Final

from attrs import field, frozen

from fsmflow.graphemes import is_seen, length
from fsmflow.validators.base import READ_UP_TO, Validator, check_example

_AT_THE_ENDS: Final = " \u061c\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})


class TextValidator(Validator[str]):
    """What the validators of texts have in common."""

    __slots__ = ()

    gives_text = True

    def parse(self, value: str) -> str:
        """The text, composed, without what nobody sees at its ends."""
        stripped = value.strip().strip(_AT_THE_ENDS)
        if not stripped or not is_seen(stripped, lines=self.takes_lines):
            raise self.refused("unseen")
        text = unicodedata.normalize("NFC", stripped)
        self.check(text)
        return text

    @property
    def takes_lines(self) -> bool:
        """Whether it may have several lines."""
        return False

    @abstractmethod
    def check(self, text: str) -> None:
        """Raises the refusal of a text that is not accepted."""


@frozen
class Length(TextValidator):
    """A text of some length.

    Args:
        minimum: How many signs it has at least.
        maximum: How many it has at most; a channel lets a member send 4,096 characters.
        lines: True if it may have several lines.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: The bounds leave nothing, or the example is not within them.
    """

    minimum: int = 1
    maximum: int | None = None
    lines: bool = False
    given: str | None = field(default=None, alias="example")

    def __attrs_post_init__(self) -> None:
        if self.minimum < 1 or (self.maximum is not None and self.maximum < self.minimum):
            raise ValueError("a length is 1 or more, and its maximum not below its minimum")
        check_example(self)

    @property
    def takes_lines(self) -> bool:
        """Whether it may have several lines."""
        return self.lines

    def check(self, text: str) -> None:
        """Counts."""
        count = length(text)
        if count < self.minimum:
            raise self.refused("longer", least=self.minimum)
        if self.maximum is not None and count > self.maximum:
            raise self.refused("shorter", most=self.maximum)

    @property
    def example(self) -> str:
        """As many letters as are wanted, if no example is given."""
        if self.given is not None:
            return self.given
        most = self.maximum if self.maximum is not None else self.minimum + 4
        return ("abcde" * (self.minimum // 5 + 1))[: max(self.minimum, min(5, most))]

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """One that is too short, or too long."""
        short = ("a" * (self.minimum - 1),) if self.minimum > 1 else ()
        return (*short, *(("a" * (self.maximum + 1),) if self.maximum is not None else ("a\x00",)))

    @property
    def __name__(self) -> str:
        if self.maximum is None:
            return "text" if self.minimum == 1 else f"text of {self.minimum} or more"
        return f"text of {self.minimum} to {self.maximum}"

    def good_answers(self, strategies: Any) -> Any:
        """Texts of such a length, of one script after another."""
        most = self.maximum if self.maximum is not None else self.minimum + 20
        letters = strategies.sampled_from("abzAZ09éßñ漢字あ한글שלוםاسمأя")
        made = strategies.lists(letters, min_size=self.minimum, max_size=most).map("".join)
        return strategies.one_of(strategies.just(self.example), made.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """Texts that are too short or too long, or have what nobody sees in them."""
        wrong = [strategies.just(self.example + "\x00" + self.example)]
        if self.minimum > 1:
            wrong.append(strategies.text("abzé", min_size=1, max_size=self.minimum - 1))
        if self.maximum is not None:
            wrong.append(strategies.text("abzé", min_size=self.maximum + 1, max_size=self.maximum + 20))
        return strategies.one_of(*wrong)


@frozen
class Letters(TextValidator):
    """A text of letters, of any script: a name.

    Args:
        allowed: What it may have besides letters, between them or after: by default what names have.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: The example has something else.
    """

    allowed: str = " -'’.·"
    given: str = field(default="Ama", alias="example")

    def __attrs_post_init__(self) -> None:
        check_example(self)

    def check(self, text: str) -> None:
        """Looks at each character's category; the first must be a letter."""
        if not text[0].isalpha() or not all(self._fits(character) for character in text):
            raise self.refused("letters")

    def _fits(self, character: str) -> bool:
        # the vowel signs of many scripts are marks, and some of them spell with joiners, which `is_seen` let pass
        if character.isalpha() or character in self.allowed or character in "\u200c\u200d":
            return True
        return unicodedata.category(character) in _MARKS

    @property
    def example(self) -> str:
        """A name."""
        return self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Digits, and a sign."""
        return "4711", "?"

    @property
    def __name__(self) -> str:
        return "letters"

    def good_answers(self, strategies: Any) -> Any:
        """Names of many scripts."""
        names = (
            "Ama",
            "José",
            "Jose\u0301",
            "Nguyễn",
            "Øyvind",
            "محمد",
            "דוד",
            "प्रिया",
            "தமிழ்",
            "李小龍",
            "さくら",
            "민준",
        )
        letters = strategies.text(strategies.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=20)
        return strategies.one_of(strategies.just(self.example), strategies.sampled_from(names), letters).filter(
            self.accepts
        )

    def bad_answers(self, strategies: Any) -> Any:
        """Digits and signs, alone and among letters."""
        signs = strategies.sampled_from([sign for sign in "0123456789?!@#%_€😀٣" if sign not in self.allowed])
        return strategies.builds("{}{}".format, strategies.text("abé", max_size=5), signs)


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern)


@frozen
class Pattern(TextValidator):
    """A text that a regular expression matches from end to end.

    Only 200 characters are shown to it, unless `maximum` says other: a pattern with nested repetitions takes time that
    doubles with each character of a text that was made for it, and no time limit can stop it. Keep `maximum` as low as
    the form allows, and write no ``(a+)+``.

    Args:
        pattern: The expression, compiled or as text.
        given: An answer that it matches, for the refusals; nobody is shown the pattern.
        maximum: How many characters are shown to it.
        name: What it is called in diagrams.

    Raises:
        ValueError: The example does not match.
        re.error: The pattern is none.
    """

    pattern: re.Pattern[str] = field(converter=_compiled)
    given: str = field(alias="example")
    maximum: int = READ_UP_TO
    name: str = "pattern"

    def __attrs_post_init__(self) -> None:
        check_example(self)

    def check(self, text: str) -> None:
        """Matches all of it."""
        if len(text) > self.maximum or self.pattern.fullmatch(text) is None:
            raise self.refused("form")

    @property
    def example(self) -> str:
        """An answer that it matches."""
        return self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """The first of a few answers that it does not match."""
        found = ("?", "!!", "a 1", "0", "a\x00", "-" * (self.maximum + 1))
        return tuple(next(([each] for each in found if not self.accepts(each)), []))

    @property
    def __name__(self) -> str:
        return self.name

    def good_answers(self, strategies: Any) -> Any:
        """What hypothesis makes of the pattern."""
        matching = strategies.from_regex(self.pattern, fullmatch=True)
        return strategies.one_of(strategies.just(self.example), matching.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """Whatever it does not match."""
        return strategies.text(max_size=20).filter(lambda text: not self.accepts(text))

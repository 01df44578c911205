"""One of a few words, for a step that is typed; one that is tapped has options. And yes or no.

Words are compared as everywhere in fsmflow: without regard to case and accents typed apart, with single spaces. Nothing
like a word is taken for it: a guess that is wrong is an answer that was not given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.validators.base import Validator
from fsmflow.wording import folded

_END: Final = " .!"  # as in "Yes!"
_NONE_OF_THEM: Final = "none of these"

Choices = Union[Mapping[str, Any], type[Enum], Iterable[str]]


def _as_choices(given: Choices) -> tuple[tuple[str, Any], ...]:
    """Each word with its value."""
    if isinstance(given, type):
        return tuple(
            (str(member.value) if isinstance(member.value, str) else _spoken(member), member) for member in given
        )
    if isinstance(given, str):
        raise ValueError("choices are several words, not the letters of one")
    return tuple(given.items()) if isinstance(given, Mapping) else tuple((word, word) for word in given)


def _spoken(member: Enum) -> str:
    return member.name.lower().replace("_", " ")


def _meant(value: str) -> str:
    return folded(value).rstrip(_END)


@frozen
class Choice(Validator[Any]):
    """One of some words; what is kept is what the word stands for.

    Args:
        choices: Words, which stand for themselves; or an Enum, whose members are typed by their values where those are
            texts, else by their names; or a mapping of words to values of one type, several words to one if need be.

    Raises:
        ValueError: There are none, two words are the same to who types them, or the values are of several types.
    """

    choices: tuple[tuple[str, Any], ...] = field(converter=_as_choices)

    def __attrs_post_init__(self) -> None:
        words = [_meant(word) for word, _ in self.choices]
        if not words or not all(words):
            raise ValueError("a choice is between words")
        if len(set(words)) < len(words):
            raise ValueError(f"two of {', '.join(word for word, _ in self.choices)} are the same word")
        if len({type(value) for _, value in self.choices}) > 1:
            raise ValueError("the values of a choice are of one type, which its answer is read back as")

    def parse(self, value: str) -> Any:
        """What the word stands for."""
        typed = _meant(value)
        for word, meant in self.choices:
            if _meant(word) == typed:
                return meant
        raise self.refused("choice", choices=", ".join(self._shown()))

    @property
    def transformer(self) -> Callable[[str], Any]:
        """What parses; its annotation is the type of the values."""

        def chosen(value: str) -> Any:
            return self.parse(value)

        chosen.__annotations__["return"] = type(self.choices[0][1])
        return chosen

    def _shown(self) -> list[str]:
        """The first word of each value."""
        shown: list[tuple[str, Any]] = []
        for word, value in self.choices:
            if not any(value == known for _, known in shown):
                shown.append((word, value))
        return [word for word, _ in shown]

    @property
    def example(self) -> str:
        """The first word."""
        return self.choices[0][0]

    @property
    def examples(self) -> tuple[str, ...]:
        """The first word of each value."""
        return tuple(self._shown())

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Something else."""
        return tuple(filter(lambda text: not self.accepts(text), (_NONE_OF_THEM, _NONE_OF_THEM + "?")))[:1]

    @property
    def __name__(self) -> str:
        return f"one of {', '.join(self._shown())}"

    def good_answers(self, strategies: Any) -> Any:
        """Every word, in any case."""
        words = strategies.sampled_from([word for word, _ in self.choices])
        cases = strategies.sampled_from((str, str.upper, str.lower, str.title))
        return strategies.builds(lambda word, case: case(word), words, cases).filter(self.accepts)

    def bad_answers(self, strategies: Any) -> Any:
        """Other words, and those with something to them."""
        words = strategies.sampled_from([f"{word}?" for word, _ in self.choices])
        return strategies.one_of(words, strategies.text(max_size=10)).filter(lambda text: not self.accepts(text))


def _as_words(words: str | Iterable[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


@frozen
class YesNo(Validator[bool]):
    """Yes or no; what is kept is True or False.

    Args:
        yes: The words for yes; the refusal names the first. In French: ``YesNo(("oui",), ("non",))``.
        no: The words for no.

    Raises:
        ValueError: There are no words for one of them, or a word stands for both.
    """

    yes: tuple[str, ...] = field(default=("yes", "y", "yeah", "yep", "👍"), converter=_as_words)
    no: tuple[str, ...] = field(default=("no", "n", "nope", "👎"), converter=_as_words)

    def __attrs_post_init__(self) -> None:
        yes, no = {_meant(word) for word in self.yes}, {_meant(word) for word in self.no}
        if not (yes and no and all(yes | no)) or yes & no:
            raise ValueError("yes and no have words of their own")

    def parse(self, value: str) -> bool:
        """True for yes."""
        typed = _meant(value)
        if any(_meant(word) == typed for word in self.yes):
            return True
        if any(_meant(word) == typed for word in self.no):
            return False
        raise self.refused("yes_or_no", yes=self.yes[0], no=self.no[0])

    @property
    def example(self) -> str:
        """The first word for yes."""
        return self.yes[0]

    @property
    def examples(self) -> tuple[str, ...]:
        """The first word for each."""
        return self.yes[0], self.no[0]

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Neither."""
        return tuple(filter(lambda text: not self.accepts(text), ("perhaps", "?")))[:1]

    @property
    def __name__(self) -> str:
        return f"{self.yes[0]} or {self.no[0]}"

    def good_answers(self, strategies: Any) -> Any:
        """Every word, in any case, and with an end to it."""
        words = strategies.sampled_from((*self.yes, *self.no))
        cases = strategies.sampled_from((str, str.upper, str.title, lambda word: f"{word}!"))
        return strategies.builds(lambda word, case: case(word), words, cases).filter(self.accepts)

    def bad_answers(self, strategies: Any) -> Any:
        """Neither, and both."""
        unclear = strategies.sampled_from(("perhaps", "1", "true", f"{self.yes[0]} {self.no[0]}", f"not {self.yes[0]}"))
        return strategies.one_of(unclear, strategies.text(max_size=6)).filter(lambda text: not self.accepts(text))

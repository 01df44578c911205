"""What a ready validator is: it refuses in a sentence, it gives the typed value, it offers answers to test with.

Here belong the contract (`Validator`) and what two of its methods make (`Both`, `Narrowed`). What is read, and how,
belongs to the validators themselves.

One word does both jobs of a step: ``Step(validator=Integer(1, 10))`` refuses what is no number from 1 to 10, and keeps
an int, because a `Step` takes over what its validator brings along: ``transformer``, ``examples``, ``counterexamples``.
``Step(validator=…, transformer=None)`` keeps the text as it was typed.

``a & b`` accepts what both accept. There is no ``a | b``: what both refuse would have two sentences to say so and none
that says what is wanted, and what is kept would be of two types. `Choice`, or a validator of the flow's own, does that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from attrs import field, frozen

from fsmflow.errors import Refused, Unsuitable
from fsmflow.refusals import unsuitable

ValueT = TypeVar("ValueT")

READ_UP_TO: Final = 200
"""How long an answer may be, in characters, that is to be a number, a date, a phone number: the rest is not read."""


class Validator(ABC, Generic[ValueT]):
    """A ready validator. Its subclasses are frozen values, so one may stand in any number of steps and threads."""

    __slots__ = ()

    gives_text = False
    """True if its value is text, so that beside another one it only has a say in what is accepted."""

    @abstractmethod
    def parse(self, value: str) -> ValueT:
        """What is kept of an answer: a transformer.

        Raises:
            Refused: It is not accepted, and what would be.
        """

    @property
    @abstractmethod
    def example(self) -> str:
        """An answer that is accepted: the refusals name it, and tests answer with it."""

    @property
    @abstractmethod
    def __name__(self) -> str:
        """What it is called in diagrams: ``"whole number, 1 to 10"``."""

    @abstractmethod
    def good_answers(self, strategies: Any) -> Any:
        """A hypothesis strategy of answers that are accepted, as `fsmflow.testing` draws them.

        Args:
            strategies: ``hypothesis.strategies``.
        """

    @abstractmethod
    def bad_answers(self, strategies: Any) -> Any:
        """A hypothesis strategy of answers that are refused."""

    @property
    @abstractmethod
    def counterexamples(self) -> tuple[str, ...]:
        """Answers that are refused."""

    @property
    def examples(self) -> tuple[str, ...]:
        """Answers that are accepted."""
        return (self.example,)

    @property
    def transformer(self) -> Callable[[str], ValueT]:
        """What a step takes for its transformer; its return annotation says what a stored answer comes back as."""
        return self.parse

    def __call__(self, value: str) -> bool:
        """True for an answer that is accepted.

        Raises:
            Refused: It is not, and what would be.
        """
        self.parse(value)
        return True

    def accepts(self, value: str) -> bool:
        """Whether an answer is accepted, without the words."""
        try:
            self.parse(value)
        except (Refused, ValueError, ArithmeticError):  # what refuses in a step, of a flow's own condition too
            return False
        return True

    def __and__(self, other: Validator[Any]) -> Validator[Any]:
        """A validator that accepts what both accept."""
        return Both(self, other) if isinstance(other, Validator) else NotImplemented

    def where(
        self, condition: Callable[[ValueT], bool], refusal: str | None = None, *, example: str | None = None
    ) -> Validator[ValueT]:
        """A validator that accepts less: what a condition holds for, too.

        Args:
            condition: Is given the typed value: ``Integer(1, 100).where(lambda seats: seats % 2 == 0, "…")``.
            refusal: What is said where it does not hold, with an example.
            example: An answer that it holds for, if the validator's own is none.
        """
        return Narrowed(self, condition, refusal, example)

    def refused(self, sentence: str, **values: object) -> Unsuitable:
        """The refusal that says a sentence of `fsmflow.refusals.Refusals`, with its example."""
        return unsuitable(sentence, example=self.example, **values)


def check_example(validator: Validator[Any]) -> None:
    """Raises what would have a refusal name an answer that is refused.

    Raises:
        ValueError: The validator does not accept its own example.
    """
    if not validator.accepts(validator.example):
        raise ValueError(f"{validator.__name__}: the example {validator.example!r} must be accepted itself")


@frozen
class Both(Validator[Any]):
    """What ``a & b`` makes.

    Args:
        first: Is asked first, and refuses first.
        second: Is asked what the first accepted.

    Raises:
        ValueError: Both give a value that is no text, or neither has an example that the other accepts.
    """

    first: Validator[Any]
    second: Validator[Any]

    def __attrs_post_init__(self) -> None:
        if not (self.first.gives_text or self.second.gives_text):
            raise ValueError(f"{self.__name__}: only one of the two may give a value that is no text")
        check_example(self)

    @property
    def gives_text(self) -> bool:  # type: ignore[override] # to who asks, it is as readable as the attribute
        """True if both do."""
        return self.first.gives_text and self.second.gives_text

    @property
    def _giver(self) -> Validator[Any]:
        return self.second if self.first.gives_text else self.first

    @property
    def transformer(self) -> Callable[[str], Any]:
        """That of the one that gives the value: both were asked before."""
        return self._giver.transformer

    @property
    def example(self) -> str:
        """The first example of either that both accept."""
        found = (*self.first.examples, *self.second.examples)
        return next(filter(self.accepts, found), found[0])

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Those of both."""
        return tuple(dict.fromkeys((*self.first.counterexamples, *self.second.counterexamples)))

    @property
    def __name__(self) -> str:
        return f"{self.first.__name__} and {self.second.__name__}"

    def accepts(self, value: str) -> bool:
        """Whether both accept an answer."""
        return self.first.accepts(value) and self.second.accepts(value)

    def parse(self, value: str) -> Any:
        """The value of the one that gives it."""
        try:
            parsed = self.first.parse(value), self.second.parse(value)
        except Unsuitable as refused:
            said: Mapping[str, object] = {**refused.values, "example": self.example}
            raise unsuitable(refused.sentence, **said) from None
        return parsed[1 if self.first.gives_text else 0]

    def good_answers(self, strategies: Any) -> Any:
        """Those of either that both accept."""
        either = strategies.one_of(
            strategies.just(self.example), self.first.good_answers(strategies), self.second.good_answers(strategies)
        )
        return either.filter(self.accepts)

    def bad_answers(self, strategies: Any) -> Any:
        """Those of either."""
        return strategies.one_of(self.first.bad_answers(strategies), self.second.bad_answers(strategies))


@frozen
class Narrowed(Validator[ValueT]):
    """What `Validator.where` makes.

    Args:
        wider: What it is made of.
        condition: Is given the typed value.
        refusal: What is said where it does not hold.
        given: An answer that it holds for.

    Raises:
        ValueError: The example is not accepted.
        TypeError: The condition returns neither True nor False.
    """

    wider: Validator[ValueT]
    condition: Callable[[ValueT], bool]
    refusal: str | None = None
    given: str | None = field(default=None, alias="example")

    def __attrs_post_init__(self) -> None:
        check_example(self)

    @property
    def gives_text(self) -> bool:  # type: ignore[override] # as above
        """As the wider one."""
        return self.wider.gives_text

    @property
    def transformer(self) -> Callable[[str], ValueT]:
        """That of the wider one: the condition was asked before."""
        return self.wider.transformer

    @property
    def example(self) -> str:
        """An answer that the condition holds for."""
        return self.wider.example if self.given is None else self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Those of the wider one."""
        return self.wider.counterexamples

    @property
    def __name__(self) -> str:
        name = getattr(self.condition, "__name__", "")
        return f"{self.wider.__name__}, {name if name.isidentifier() else 'narrowed'}"

    def parse(self, value: str) -> ValueT:
        """The value of the wider one."""
        try:
            parsed = self.wider.parse(value)
        except Unsuitable as refused:
            said: Mapping[str, object] = {**refused.values, "example": self.example}
            raise unsuitable(refused.sentence, **said) from None
        verdict: Any = self.condition(parsed)
        if verdict is True:
            return parsed
        if verdict is not False:  # what must be awaited, or a match, would hold for every answer, or for none
            raise TypeError(f"{self.__name__}: its condition returns True or False, not {type(verdict).__name__}")
        raise self.refused("narrowed") if self.refusal is None else Refused(self.refusal)

    def good_answers(self, strategies: Any) -> Any:
        """Those of the wider one that the condition holds for."""
        return strategies.one_of(
            strategies.just(self.example), self.wider.good_answers(strategies).filter(self.accepts)
        )

    def bad_answers(self, strategies: Any) -> Any:
        """Those of the wider one."""
        return self.wider.bad_answers(strategies)

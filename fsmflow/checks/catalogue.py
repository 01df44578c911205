"""What a reviewer would catch: every rule, and the rules on a flow as a whole.

A rule is a function over a `Subject`: a flow, and what came of trying it in memory, of which it yields what it finds
and calls nothing itself. Its name is that of the function, the first line of its docstring says what it finds, and
`RULES` holds it; a rule for a new kind of step, such as an effect that nothing reconciles, is one function more. What
is written so wrongly that no class can be made of it raises `FlowDefinitionError`, and is reported as ``definition``,
which is no rule and cannot be ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fsmflow.checks.answered import (
    answer_unstorable,
    counterexample_accepted,
    counterexamples_missing,
    example_refused,
    examples_missing,
    raises,
)
from fsmflow.checks.findings import Severity
from fsmflow.checks.rules import Remark, Rule, Subject, rule
from fsmflow.checks.shown import message_limit, not_sensitive, title_limit, titles_alike
from fsmflow.wording import Words

_DEFAULT_WORDS: Final = Words()


@rule(Severity.ERROR)
def keyword_taken(subject: Subject) -> Iterator[Remark]:
    """Two flows are started by one keyword: no runner takes them both."""
    for keyword in subject.keywords:
        if keyword in subject.starts:
            yield Remark(f"the keyword {keyword!r} also starts {subject.starts[keyword]!r}")


@rule(Severity.WARNING)
def keyword_global(subject: Subject) -> Iterator[Remark]:
    """A keyword is a global word: at a question it would mean something else than it does before one."""
    for keyword in subject.keywords:
        meaning = _DEFAULT_WORDS.meaning(keyword)
        if meaning is not None:
            yield Remark(
                f"the keyword {keyword!r} is also the global word for {meaning!r}, unless the runner says other"
            )


@rule(Severity.NOTE)
def timeout_none(subject: Subject) -> Iterator[Remark]:
    """The timeout is None: a conversation that is left open takes whatever comes next for its answer."""
    if subject.flow.timeout is None:
        yield Remark("its timeout is None: what a member sends days later is taken for an answer to the open question")


RULES: Final[tuple[Rule, ...]] = (
    title_limit,
    titles_alike,
    message_limit,
    not_sensitive,
    examples_missing,
    counterexamples_missing,
    example_refused,
    counterexample_accepted,
    answer_unstorable,
    raises,
    keyword_taken,
    keyword_global,
    timeout_none,
)
"""Every rule, in the order in which their findings at one place are told."""

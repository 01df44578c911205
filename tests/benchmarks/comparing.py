"""Two or more ways of doing a thing, measured in turns: the clockwork that all benchmarks share.

On a machine that does other work as well, what is measured first and what is measured a minute later are measured on
two different machines: the ratio of two such medians tells of the machine. So every round runs each contender once,
one directly after the other and each after its own preparation, which is not measured; what slows the machine down for
a while slows all of them. The median then tells what a round usually takes, and the minimum what it takes when nothing
else runs: where the two ratios differ much, the machine was busy.

The subject's rounds are pytest-benchmark's own, in its table; those of its rivals are taken in the setup of each, by
the same clock. Rejected: a benchmark for each, which is what pytest-benchmark offers and runs one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from attrs import frozen
from pytest_benchmark.fixture import BenchmarkFixture


def nothing() -> None:
    """Prepares nothing."""


@frozen
class Contender:
    """One way of doing it.

    Args:
        name: What it is called in the table.
        run: What is measured.
        prepare: What is done before each time, and is not measured.
    """

    name: str
    run: Callable[[], Any]
    prepare: Callable[[], object] = nothing


@frozen
class Timing:
    """How long a contender took.

    Args:
        name: What it is called.
        seconds: One for each round; none where pytest-benchmark was told not to measure.
    """

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """What a round usually took."""
        return median(self.seconds)

    @property
    def minimum(self) -> float:
        """What a round took when it was disturbed least."""
        return min(self.seconds)


def in_turns(
    benchmark: BenchmarkFixture, subject: Contender, *rivals: Contender, rounds: int, warmup_rounds: int = 50
) -> tuple[Any, tuple[Timing, ...]]:
    """Measures a subject and its rivals in rounds that take turns.

    Args:
        benchmark: The fixture; its rounds are the subject's.
        subject: What the benchmark is about.
        rivals: What it is compared with; each has its turn before the subject's.
        rounds: How often.
        warmup_rounds: How often before that, without counting.

    Returns:
        What the subject's last round returned, and how long each took, the subject first.
    """
    taken: dict[str, list[float]] = {rival.name: [] for rival in rivals}

    def the_others() -> None:
        for rival in rivals:
            rival.prepare()
            started = perf_counter()
            rival.run()
            taken[rival.name].append(perf_counter() - started)
        subject.prepare()

    fixture: Any = benchmark  # what is needed of it has no types
    returned = fixture.pedantic(subject.run, setup=the_others, rounds=rounds, warmup_rounds=warmup_rounds)
    own: list[float] = fixture.stats.stats.data if benchmark.enabled else []
    # the rounds of the warming up are the first of the rivals' too
    counted = [Timing(rival.name, tuple(taken[rival.name][len(taken[rival.name]) - len(own) :])) for rival in rivals]
    return returned, (Timing(subject.name, tuple(own)), *counted)

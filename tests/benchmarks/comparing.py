"""Two or more ways of doing a thing, measured in turns: the clockwork that all benchmarks share.

On a machine that does other work as well, what is measured first and what is measured a minute later are measured on
two different machines: the ratio of two such medians tells of the machine. So every round runs each contender once,
one directly after the other and each after its own preparation, which is not measured; what slows the machine down for
a while slows all of them. The median then tells what a round usually takes, and the minimum what it takes when nothing
else runs: where the two ratios differ much, the machine was busy.

The subject's rounds are pytest-benchmark's own, in its table; its rivals have theirs in the setup of each. All are
timed alike, by the same lines. Rejected: a benchmark for each, which pytest-benchmark runs one after the other.
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
        calls: How many calls of the thing `run` makes: several where one takes little longer than reading the clock
            twice. All contenders' runs should take about as long, and much less than a millisecond if they can: a
            busy machine interrupts what takes long, and would be measured instead of the one contender.
    """

    name: str
    run: Callable[[], Any]
    prepare: Callable[[], object] = nothing
    calls: int = 1


@frozen
class Timing:
    """How long a contender took.

    Args:
        name: What it is called.
        seconds: For each round, what one call of it took.
    """

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """What a call usually took."""
        return median(self.seconds)

    @property
    def minimum(self) -> float:
        """What a call took when it was disturbed least."""
        return min(self.seconds)


def in_turns(
    benchmark: BenchmarkFixture,
    subject: Contender,
    *rivals: Contender,
    rounds: int,
    warmup_rounds: int = 50,
    clock: Callable[[], float] = perf_counter,
) -> tuple[Any, tuple[Timing, ...]]:
    """Measures a subject and its rivals in rounds that take turns.

    Args:
        benchmark: The fixture; its rounds are the subject's.
        subject: What the benchmark is about.
        rivals: What it is compared with; each has its turn before the subject's.
        rounds: How often.
        warmup_rounds: How often before that, without counting.
        clock: What tells the time, in seconds.

    Returns:
        What the subject's last round returned, and how long each took, the subject first.
    """
    contenders = (subject, *rivals)
    taken: list[list[float]] = [[] for _ in contenders]

    def timed(index: int) -> Any:
        started = clock()
        returned = contenders[index].run()
        taken[index].append((clock() - started) / contenders[index].calls)
        return returned

    def everything_else() -> None:
        for index, rival in enumerate(rivals, start=1):
            rival.prepare()
            timed(index)
        subject.prepare()

    measure: Any = benchmark.pedantic  # it has no types
    returned = measure(timed, args=(0,), setup=everything_else, rounds=rounds, warmup_rounds=warmup_rounds)
    # the rounds of the warming up come first; where pytest-benchmark was told not to measure, there is only one
    return returned, tuple(
        Timing(contender.name, tuple(seconds[-rounds:])) for contender, seconds in zip(contenders, taken, strict=True)
    )

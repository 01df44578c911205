"""The table says what was measured: a ratio that is upside down would flatter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from pytest_benchmark.fixture import BenchmarkFixture

from tests.benchmarks.comparing import Contender, Timing, in_turns
from tests.benchmarks.table import markdown, ratio_of_rates, ratio_of_times, size, spread

SLOW = Timing("slow", (4e-5, 5e-5, 2e-5))
FAST = Timing("fast", (1e-5, 2e-5, 9e-5))


class Rounds:
    """Stands for the fixture of pytest-benchmark, and measures nothing."""

    def pedantic(self, target: Any, args: Any, setup: Callable[[], None], rounds: int, warmup_rounds: int) -> Any:
        """Runs all rounds, and gives what the last one returned."""
        returned = None
        for _ in range(warmup_rounds + rounds):
            setup()
            returned = target(*args)
        return returned


def test_contenders_take_turns_each_after_its_own_preparation() -> None:
    done: list[str] = []

    def contender(name: str) -> Contender:
        return Contender(name, partial(done.append, f"run {name}"), partial(done.append, f"prepare {name}"))

    in_turns(cast(BenchmarkFixture, Rounds()), contender("a"), contender("b"), rounds=2, warmup_rounds=1)
    assert done == ["prepare b", "run b", "prepare a", "run a"] * 3


def test_only_rounds_after_the_warming_up_count_and_by_the_call() -> None:
    moments = iter([0.0, 9.0, 0.0, 8.0, 1.0, 3.0, 5.0, 6.0])  # of one warm-up and one round: b, a, b, a
    _, timings = in_turns(
        cast(BenchmarkFixture, Rounds()),
        Contender("a", str),
        Contender("b", str, calls=2),
        rounds=1,
        warmup_rounds=1,
        clock=lambda: next(moments),
    )
    assert timings == (Timing("a", (1.0,)), Timing("b", (1.0,)))


def test_what_takes_longer_has_the_greater_ratio_of_times() -> None:
    row = ratio_of_times(SLOW, FAST, aim="≤ 1")
    assert (row.takes, row.takes_beside, row.medians, row.minima) == ("40.0 µs", "20.0 µs", "2.00", "2.00")


def test_what_takes_longer_has_the_smaller_ratio_of_rates() -> None:
    row = ratio_of_rates(SLOW, FAST, aim="≥ 1")
    assert (row.takes, row.takes_beside, row.medians, row.minima) == ("25,000/s", "50,000/s", "0.50", "0.50")


def test_a_spread_is_the_largest_beside_the_smallest_in_whatever_order() -> None:
    assert [spread("sizes", timings).medians for timings in ((SLOW, FAST), (FAST, SLOW))] == ["2.00", "2.00"]


def test_each_row_of_the_table_has_a_cell_for_each_column() -> None:
    lines = markdown([ratio_of_times(SLOW, FAST, aim="≤ 1"), size("a hash", 700, aim="≤ 700 bytes")])
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| slow | 40.0 µs | fast | 20.0 µs | 2.00 | 2.00 | ≤ 1 | – |"

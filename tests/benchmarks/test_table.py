"""The table says what was measured: a ratio that is upside down would flatter."""

from __future__ import annotations

from tests.benchmarks.comparing import Timing
from tests.benchmarks.table import markdown, ratio_of_rates, ratio_of_times, size, spread

SLOW = Timing("slow", (4e-5, 5e-5, 2e-5))
FAST = Timing("fast", (1e-5, 2e-5, 9e-5))


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

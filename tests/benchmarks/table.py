"""The table of what was measured: rows, and their Markdown.

Here belongs what a ratio is a ratio of. Whatever is measured, more than one is worse where a time is compared, and
better where a rate is; the aim's sign says which.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from tests.benchmarks.comparing import Timing

HEAD = ("measured", "takes", "beside", "takes", "ratio of medians", "ratio of minima", "aim", "gate")


@frozen
class Row:
    """One line of the table.

    Args:
        measured: What was measured.
        takes: How much that was: a time, a rate, bytes.
        beside: What it is compared with.
        takes_beside: How much that was.
        medians: The ratio of the medians of all rounds, or what stands for it.
        minima: The ratio of the shortest rounds.
        aim: What is aimed at.
        gate: What must hold.
    """

    measured: str
    takes: str
    beside: str = ""
    takes_beside: str = ""
    medians: str = "–"
    minima: str = "–"
    aim: str = "–"
    gate: str = "–"


def ratio_of_times(subject: Timing, rival: Timing, *, aim: str, gate: str = "–") -> Row:
    """How many times as long the subject takes.

    Args:
        subject: What was measured.
        rival: What it is compared with.
        aim: What is aimed at.
        gate: What must hold.
    """
    return Row(
        subject.name,
        duration(subject.median),
        rival.name,
        duration(rival.median),
        f"{subject.median / rival.median:.2f}",
        f"{subject.minimum / rival.minimum:.2f}",
        aim,
        gate,
    )


def ratio_of_rates(subject: Timing, rival: Timing, *, aim: str) -> Row:
    """How many times as many calls of the subject are made in the same time.

    Args:
        subject: What was measured.
        rival: What it is compared with.
        aim: What is aimed at.
    """
    return Row(
        subject.name,
        rate(1 / subject.median),
        rival.name,
        rate(1 / rival.median),
        f"{rival.median / subject.median:.2f}",
        f"{rival.minimum / subject.minimum:.2f}",
        aim,
    )


def spread(measured: str, timings: Sequence[Timing], *, aim: str = "≤ 1.15") -> Row:
    """How far apart the slowest and the fastest of several sizes are.

    Args:
        measured: What was measured.
        timings: Of each size, named by it.
        aim: What is aimed at.
    """
    medians = [timing.median for timing in timings]
    minima = [timing.minimum for timing in timings]
    return Row(
        measured,
        ", ".join(duration(each) for each in medians),
        ", ".join(timing.name for timing in timings),
        "each other",
        f"{max(medians) / min(medians):.2f}",
        f"{max(minima) / min(minima):.2f}",
        aim,
    )


def size(measured: str, count: int, *, aim: str = "–") -> Row:
    """How many bytes something has."""
    return Row(measured, f"{count} bytes", aim=aim)


def duration(seconds: float) -> str:
    """A time in the unit that it is read in."""
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-2 else f"{seconds * 1e6:.1f} µs"


def rate(per_second: float) -> str:
    """So many messages in a second."""
    return f"{per_second:,.0f}/s"


def markdown(rows: Sequence[Row]) -> list[str]:
    """The lines of the table."""
    lines = [HEAD, tuple("---" for _ in HEAD)]
    lines += [(r.measured, r.takes, r.beside, r.takes_beside, r.medians, r.minima, r.aim, r.gate) for r in rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]

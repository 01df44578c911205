"""What importing fsmflow costs a process, beside the import of what it cannot do without.

A server's first lines are measured, not ``import fsmflow`` alone: that one puts off what is behind each name until it
is asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from tests.benchmarks.comparing import Contender, in_turns
from tests.benchmarks.table import Row, ratio_of_times

ROOT = Path(__file__).parents[2]
ROUNDS = 25
NAMES = "from fsmflow import Flow, FlowRunner, FlowStateManager"
CORE = "attrs, cattrs, cattrs.preconf.orjson, loguru, orjson, redis, transitions, typing_extensions"


def process(code: str, compiled: Path) -> Callable[[], int]:
    """A whole process that runs a line, as something to call.

    Args:
        code: The line.
        compiled: Where it finds its modules compiled, and puts them the first time: what compiling costs is paid once.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(compiled)}

    def run() -> int:
        return subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True).returncode

    return run


def test_import_beside_the_import_of_the_core_dependencies(
    benchmark: BenchmarkFixture, tmp_path: Path, rows: list[Row]
) -> None:
    """Whole processes, the start of Python among them, as somebody who waits for one meets them."""
    returned, timings = in_turns(
        benchmark,
        Contender("import of what a server needs of fsmflow", process(NAMES, tmp_path)),
        Contender("import of its core dependencies", process(f"import {CORE}", tmp_path)),
        Contender("Python itself", process("pass", tmp_path)),
        rounds=ROUNDS,
        warmup_rounds=2,
    )
    assert returned == 0
    own, dependencies, python = timings
    rows.append(ratio_of_times(own, dependencies, aim="≤ 1.2"))
    rows.append(ratio_of_times(dependencies, python, aim="–"))

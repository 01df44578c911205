"""The house keeps its order: who may import whom, and what the core may not touch.

The sources are read, not run, so an import counts wherever it stands: at the top, in a function, and under
``if TYPE_CHECKING`` too. Exempting the last was rejected: a module that needs an upper one's types knows the upper
one, and cannot be read without it. Where a lower module needs something of an upper one, it says so with a Protocol.

To add a module, place its name in `ORDER`, after everything that it imports.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parent.parent
PACKAGE = "fsmflow"

# Each module imports only from those before it. The facade comes last: nothing inside the package imports it.
ORDER = (
    "errors",
    "messages",
    "graphemes",
    "refusals",
    "wording",
    "identity",
    "state",
    "transcript",
    "choices",
    "per_channel",
    "step",
    "step_checks",
    "action",
    "outcomes",
    "pending",
    "alphabet",
    "edges",
    "silence",
    "questions",
    "audit",
    "audit_logger",
    "storable",
    "codec",
    "trail",
    "calls",
    "callbacks",
    "kinds",
    "data_classes",
    "partial_data",
    "answers",
    "events",
    "machine",
    "routes",
    "typed_data",
    "definition",
    "shapes",
    "branching",
    "run",
    "model",
    "asking",
    "nesting",
    "flow",
    "registry",
    "taps",
    "timers",
    "effects",
    "menus",
    "decision",
    "dialogue",
    "recovery",
    "repetition",
    "faults",
    "holding",
    "sign_in",
    "takeover",
    "moving",
    "opening",
    "interruption",
    "listening",
    "returning",
    "settling",
    "acting",
    "resolving",
    "timekeeping",
    "upkeep",
    "conversation",
    "store",
    "exchange",
    "together",
    "open_effects",
    "clients",
    "batching",
    "performing",
    "memory",
    "manager",
    "async_manager",
    "channels.fields",
    "channels.numbered",
    "channels.limits",
    "channels.base",
    "channels.whatsapp_contacts",
    "channels.whatsapp_endpoint",
    "channels.whatsapp_inbound",
    "channels.whatsapp_outbound",
    "channels.whatsapp",
    "channels.console",
    "channels",
    "templates",
    "validators.base",
    "validators.typed",
    "validators.text",
    "validators.numerals",
    "validators.numbers",
    "validators.money",
    "validators.choice",
    "validators.bounds",
    "validators.clocks",
    "validators.dates",
    "validators.times",
    "validators.phone",
    "validators.email",
    "validators",
    "runner",
    "diagrams.graph",
    "diagrams.overlay",
    "diagrams.arrows",
    "diagrams.survey",
    "diagrams.stored_runs",
    "diagrams.compatibility",
    "diagrams.changes",
    "diagrams.comparison",
    "diagrams.journey",
    "diagrams.digraph",
    "diagrams.flowchart",
    "diagrams.interchange",
    "diagrams.rendering",
    "diagrams.pictures",
    "diagrams",
    "testing.inputs",
    "testing.moves",
    "testing.firing",
    "testing.trying",
    "testing.paths",
    "testing.cases",
    "testing.walks",
    "testing.ageing",
    "testing.worker",
    "testing.transcript",
    "testing.world",
    "testing.seen",
    "testing.chat",
    "testing",
    "importing",
    "discovery",
    "diagrams.markdown",
    "diagrams.index",
    "diagrams.freshness",
    "checks.findings",
    "checks.places",
    "checks.trials",
    "checks.rules",
    "checks.sensitivity",
    "checks.shown",
    "checks.answered",
    "checks.catalogue",
    "checks.review",
    "checks",
    "diagrams.gallery",
    "diagrams.reports",
    "diagrams.revisions",
    "cli.plainly",
    "cli.stores",
    "cli.applications",
    "cli.terminal",
    "cli.chat",
    "cli.check",
    "cli.comparing",
    "cli.following",
    "cli.diagrams",
    "cli.worker",
    "cli.closing",
    "cli.resolving",
    "cli.abandoning",
    "cli.effects",
    "cli",
    "testing.coverage",
    "testing.reporting",
    "pytest_plugin",
    "__main__",
    "__init__",
)
CORE = ORDER[: ORDER.index("conversation") + 1]

# What the core may not know: the store, the clock, the event loop, the log, chance, the environment.
IMPURE_MODULES = frozenset({"asyncio", "logging", "loguru", "os", "random", "redis", "secrets", "socket", "time"})
IMPURE_NAMES = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
        *("uuid.uuid1", "uuid.uuid4", "open", "print", "input"),
    }
)
LOGS = frozenset({"audit"})  # of the core, the one that may speak to loguru: it is the audit logger's home

# Each optional dependency, and the modules that are named for it.
OPTIONAL = {
    "fakeredis": {"memory"},
    "graphviz": {"diagrams"},
    "click": {"cli"},
    "rich": {"cli"},
    "prompt_toolkit": {"cli"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "httpx": {"web"},
    "dateutil": {"validators.dates", "validators.times"},
    "phonenumbers": {"validators.phone"},
    "email_validator": {"validators.email"},
    "pytest": {"testing", "pytest_plugin"},
    "hypothesis": {"testing", "pytest_plugin"},
}
# The store and the turn meet in the runner only.
STRANGERS = (("manager", "conversation"), ("async_manager", "conversation"))

TOP = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "fsmflow", "tests", "diagrams", "examples"}


@frozen
class Import:
    """One import: where it stands and what it names, e.g. ``fsmflow.errors`` or ``redis.asyncio``."""

    importer: str
    line: int
    target: str
    starred: bool = False
    relative: bool = False

    @property
    def inside(self) -> str | None:
        """The module of the package that is imported, as it stands in `ORDER`; None for another package."""
        if self.target == PACKAGE:
            return "__init__"
        return self.target[len(PACKAGE) + 1 :] if self.target.startswith(f"{PACKAGE}.") else None

    @property
    def outside(self) -> str:
        """The distribution's package that is imported."""
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


Modules = dict[str, ast.Module]
Rule = Callable[[Modules], Iterator[str]]


def read(package: Path) -> Modules:
    """Every module of the package, by the name that `ORDER` gives it."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        modules[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return modules


def imports(modules: Modules) -> Iterator[Import]:
    for importer, tree in modules.items():
        for node in ast.walk(tree):
            yield from _imports_at(node, importer, modules)


def _imports_at(node: ast.AST, importer: str, modules: Modules) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(importer, node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        for alias in node.names:
            # `from fsmflow import errors` imports the module errors, `from fsmflow import Flow` the facade.
            inner = f"{origin}.{alias.name}"
            target = inner if inner.removeprefix(f"{PACKAGE}.") in modules else origin
            yield Import(importer, node.lineno, target, starred=alias.name == "*", relative=node.level > 0)
    elif isinstance(node, ast.Call) and _last_name(node.func).endswith(("import_module", "__import__")):
        for argument in node.args[:1]:
            if isinstance(argument, ast.Constant):
                yield Import(importer, node.lineno, str(argument.value))


def _last_name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def is_at(module: str, places: set[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def every_module_has_its_place(modules: Modules) -> Iterator[str]:
    for module in modules.keys() - set(ORDER):
        yield f"{module} has no place: add it to ORDER in tests/test_layers.py, after everything that it imports"


def no_import_runs_upward(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        if found.inside in ORDER and found.importer in ORDER:
            if ORDER.index(found.inside) >= ORDER.index(found.importer):
                yield f"{found}, which stands above it"
        elif found.inside is not None and found.inside not in modules:
            yield f"{found}, which is not there"


def no_imports_go_round(modules: Modules) -> Iterator[str]:
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for found in imports(modules):
        if found.inside is not None:
            graph[found.importer].add(found.inside)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as cycle:
        yield "a cycle of imports: " + " <- ".join(cycle.args[1])


def strangers_stay_apart(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        if (found.importer, found.inside) in STRANGERS or (found.inside, found.importer) in STRANGERS:
            yield f"{found}: the two do not know each other"


def channels_and_templates_need_only_messages_and_errors(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        if found.inside is None or found.inside in ("errors", "messages"):
            continue
        if is_at(found.importer, {"templates"}) and found.inside == "graphemes":
            continue
        if is_at(found.importer, {"channels"}) and not is_at(found.inside, {"channels"}):
            yield f"{found}: a channel needs only messages, errors and other parts of channels"
        if is_at(found.importer, {"templates"}) and not is_at(found.inside, {"templates"}):
            yield f"{found}: templates need only messages, errors and graphemes"


def the_core_imports_nothing_impure(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        allowed = found.importer in LOGS and found.outside == "loguru"
        if found.importer in CORE and found.outside in IMPURE_MODULES and not allowed:
            yield f"{found}: the core has no store, clock, event loop, log, chance or environment"


def the_core_asks_no_clock_and_no_chance(modules: Modules) -> Iterator[str]:
    for module in modules.keys() & set(CORE):
        known = _names_from_outside(modules[module])
        for node in ast.walk(modules[module]):
            if isinstance(node, (ast.Name, ast.Attribute)):
                first, dot, rest = ast.unparse(node).partition(".")
                meant = f"{known.get(first, first)}{dot}{rest}"
                if meant in IMPURE_NAMES:
                    yield f"{module}:{node.lineno} uses {meant}: the core does no I/O and is told the time"


def _names_from_outside(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: ``{"dt": "datetime.datetime"}``."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Import):
            known.update({alias.asname: alias.name for alias in node.names if alias.asname})
    return known


def optional_dependencies_stay_in_their_modules(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        homes = OPTIONAL.get(found.outside)
        if homes is not None and not is_at(found.importer, homes):
            yield f"{found}: only in {' and '.join(sorted(homes))}"


def only_machine_and_events_know_transitions(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        if found.outside == "transitions" and found.importer not in ("events", "machine"):
            yield f"{found}: only machine knows it, and events for it"


def imports_are_absolute_and_name_what_they_want(modules: Modules) -> Iterator[str]:
    for found in imports(modules):
        if found.relative:
            yield f"{found}: a relative import"
        if found.starred:
            yield f"{found}: a starred import"


RULES = (
    every_module_has_its_place,
    no_import_runs_upward,
    no_imports_go_round,
    strangers_stay_apart,
    channels_and_templates_need_only_messages_and_errors,
    the_core_imports_nothing_impure,
    the_core_asks_no_clock_and_no_chance,
    optional_dependencies_stay_in_their_modules,
    only_machine_and_events_know_transitions,
    imports_are_absolute_and_name_what_they_want,
)


def unexpected_at_the_top(root: Path) -> set[str]:
    """What is visible at the top of a repository and is neither in `TOP` nor ignored by its .gitignore."""
    lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = [line.strip("/") for line in lines if line and not line.startswith("#")]
    names = {path.name for path in root.iterdir() if not path.name.startswith(".")}
    return {name for name in names - TOP if not any(fnmatch(name, pattern) for pattern in ignored)}


@cache
def the_package() -> Modules:
    """Every module of fsmflow, read once."""
    return read(ROOT / PACKAGE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    modules = the_package()
    assert {"errors", "messages"} <= modules.keys(), "the package was not read"
    assert sorted(set(rule(modules))) == []


def test_the_order_names_no_module_that_is_gone() -> None:
    assert sorted(set(ORDER) - the_package().keys()) == []


def test_each_name_stands_in_the_order_once() -> None:
    assert len(set(ORDER)) == len(ORDER)


def test_the_top_of_the_repository_holds_what_it_should_and_nothing_else() -> None:
    assert unexpected_at_the_top(ROOT) == set()
    assert sorted(name for name in TOP if not (ROOT / name).exists()) == []


def house(directory: Path, files: dict[str, str]) -> Modules:
    for name, source in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return read(directory)


GOOD_HOUSE = {
    "__init__.py": "from fsmflow.flow import Flow\n",
    "errors.py": "",
    "messages.py": "from datetime import datetime, timezone\nmoment = datetime(2020, 1, 1, tzinfo=timezone.utc)\n",
    "audit.py": "from loguru import logger\nfrom fsmflow.errors import InvalidState\n",
    "machine.py": "import transitions\nfrom fsmflow import audit\n",
    "flow.py": "import fsmflow.machine\ndef late(turn):\n    from fsmflow import errors\n    return turn.now\n",
    "runner.py": "import asyncio, os, random, time\nfrom loguru import logger\nfrom fsmflow.flow import Flow\n",
    "memory.py": "import fakeredis\n",
    "channels/__init__.py": "",
    "channels/base.py": "from fsmflow.messages import Text\n",
    "channels/console.py": "from fsmflow.channels.base import Limits\nfrom fsmflow import errors\n",
}


def test_a_good_house_has_no_complaints(tmp_path: Path) -> None:
    modules = house(tmp_path, GOOD_HOUSE)
    assert [complaint for rule in RULES for complaint in rule(modules)] == []


@pytest.mark.parametrize(
    ("rule", "name", "source", "complaint"),
    [
        (every_module_has_its_place, "novel.py", "", "novel has no place: add it to ORDER"),
        (every_module_has_its_place, "channels/pigeon.py", "", "channels.pigeon has no place"),
        (
            no_import_runs_upward,
            "errors.py",
            "import fsmflow.flow",
            "errors:1 imports fsmflow.flow, which stands above",
        ),
        (no_import_runs_upward, "errors.py", "from fsmflow import flow", "errors:1 imports fsmflow.flow,"),
        (no_import_runs_upward, "errors.py", "def f():\n    from fsmflow.flow import Flow", "errors:2 imports"),
        (no_import_runs_upward, "errors.py", "if TYPE_CHECKING:\n    import fsmflow.flow", "errors:2 imports"),
        (no_import_runs_upward, "errors.py", "importlib.import_module('fsmflow.flow')", "errors:1 imports"),
        (
            no_import_runs_upward,
            "runner.py",
            "from fsmflow import Flow",
            "runner:1 imports fsmflow, which stands above",
        ),
        (no_import_runs_upward, "runner.py", "from fsmflow.gone import Flow", "fsmflow.gone, which is not there"),
        (no_imports_go_round, "errors.py", "from fsmflow import flow", "a cycle of imports: "),
        (no_imports_go_round, "novel.py", "import fsmflow.novel", "a cycle of imports: novel <- novel"),
        (strangers_stay_apart, "manager.py", "import fsmflow.conversation", "the two do not know each other"),
        (strangers_stay_apart, "conversation.py", "from fsmflow.manager import x", "the two do not know each other"),
        (strangers_stay_apart, "async_manager.py", "import fsmflow.conversation", "the two do not know each other"),
        (channels_and_templates_need_only_messages_and_errors, "channels/base.py", "import fsmflow.flow", "a channel"),
        (channels_and_templates_need_only_messages_and_errors, "templates.py", "import fsmflow.step", "templates need"),
        (the_core_imports_nothing_impure, "flow.py", "from redis.asyncio import Redis", "flow:1 imports redis.asyncio"),
        (the_core_imports_nothing_impure, "flow.py", "import time", "flow:1 imports time"),
        (the_core_imports_nothing_impure, "flow.py", "import asyncio.events", "flow:1 imports asyncio.events"),
        (the_core_imports_nothing_impure, "flow.py", "from loguru import logger", "flow:1 imports loguru"),
        (the_core_imports_nothing_impure, "audit.py", "import random", "audit:1 imports random"),
        (the_core_imports_nothing_impure, "flow.py", "from os import environ", "flow:1 imports os"),
        (the_core_imports_nothing_impure, "flow.py", "import secrets", "flow:1 imports secrets"),
        (the_core_asks_no_clock_and_no_chance, "flow.py", "import datetime\ndatetime.datetime.now()", "flow:2 uses"),
        (the_core_asks_no_clock_and_no_chance, "flow.py", "from datetime import date as d\nd.today()", "flow:2 uses"),
        (the_core_asks_no_clock_and_no_chance, "flow.py", "from datetime import datetime as d\nf = d.utcnow", "flow:2"),
        (the_core_asks_no_clock_and_no_chance, "flow.py", "from uuid import uuid4 as fresh\nfresh()", "flow:2 uses"),
        (the_core_asks_no_clock_and_no_chance, "flow.py", "print('hello')", "flow:1 uses print"),
        (optional_dependencies_stay_in_their_modules, "manager.py", "import fakeredis", "only in memory"),
        (optional_dependencies_stay_in_their_modules, "flow.py", "from rich.table import Table", "only in cli"),
        (optional_dependencies_stay_in_their_modules, "cli.py", "import graphviz", "only in diagrams"),
        (optional_dependencies_stay_in_their_modules, "runner.py", "__import__('httpx')", "only in web"),
        (
            only_machine_and_events_know_transitions,
            "flow.py",
            "from transitions.core import Event",
            "only machine knows it",
        ),
        (imports_are_absolute_and_name_what_they_want, "flow.py", "from . import errors", "a relative import"),
        (imports_are_absolute_and_name_what_they_want, "flow.py", "from .errors import X", "a relative import"),
        (imports_are_absolute_and_name_what_they_want, "flow.py", "from fsmflow.errors import *", "a starred import"),
    ],
)
def test_a_house_that_breaks_a_rule_is_told_where(
    tmp_path: Path, rule: Rule, name: str, source: str, complaint: str
) -> None:
    modules = house(tmp_path, {**GOOD_HOUSE, name: source + "\n"})
    assert any(complaint in found for found in rule(modules)), list(rule(modules))


def test_every_rule_has_been_seen_to_fail() -> None:
    cases = next(
        mark.args[1] for mark in getattr(test_a_house_that_breaks_a_rule_is_told_where, "pytestmark", []) if mark.args
    )
    assert {case[0] for case in cases} == set(RULES)


def test_a_stray_name_at_the_top_is_found_and_an_ignored_or_hidden_one_is_not(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("# made by tools\n__pycache__/\n*.egg-info/\n", encoding="utf-8")
    for name in ("__pycache__", "fsmflow.egg-info", ".cache", "fsmflow", "notes.txt"):
        (tmp_path / name).mkdir()
    assert unexpected_at_the_top(tmp_path) == {"notes.txt"}

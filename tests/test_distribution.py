"""What people install is whole: the wheel is built as a release would be, unpacked, and imported from there."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
import types
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

import fsmflow
from tests.test_layers import OPTIONAL, ORDER, ROOT

# The public names. One that goes, or comes without being meant to, is noticed here first.
EXPORTED = [
    "Accepted",
    "Action",
    "ApprovedTemplate",
    "AsyncFlowError",
    "AsyncFlowRunner",
    "AsyncFlowStateManager",
    "AuditEntry",
    "AuthenticatorFailed",
    "BadOptions",
    "BadTarget",
    "Buttons",
    "Channel",
    "Contended",
    "Done",
    "DrawingFailed",
    "Due",
    "EffectOpen",
    "EffectRefused",
    "Flow",
    "FlowAuditLogger",
    "FlowData",
    "FlowDefinitionError",
    "FlowEnded",
    "FlowFault",
    "FlowRunner",
    "FlowStateManager",
    "FsmflowError",
    "Inbound",
    "InvalidMemberId",
    "InvalidState",
    "LimitExceeded",
    "ListMenu",
    "Location",
    "Media",
    "Member",
    "MemberState",
    "Message",
    "MissingExtra",
    "MissingProgram",
    "NewerState",
    "NoOptions",
    "NotDone",
    "NotYetAnswered",
    "OpenEffect",
    "Option",
    "OutcomeNotTaken",
    "PayloadError",
    "PerChannel",
    "Refusals",
    "Refused",
    "Reply",
    "Retry",
    "Route",
    "Section",
    "Sentences",
    "Step",
    "StepType",
    "StillUnknown",
    "StoreUnavailable",
    "SubFlow",
    "Text",
    "Transcript",
    "UnexpectedVerdict",
    "UnsendableMessage",
    "UnstorableAnswer",
    "Unsuitable",
    "Words",
]


def built(directory: Path, kind: str) -> Path:
    """The one archive that `build` makes of this repository, with the build backend that is installed: no network."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(directory), str(ROOT)]
    build = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert build.returncode == 0, build.stdout + build.stderr
    (archive,) = directory.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def run_on(unpacked: Path, program: str) -> Any:
    """What a program prints as JSON, in a Python of its own that looks into the wheel before anything else."""
    start = f"import json, sys; sys.path.insert(0, {str(unpacked)!r}); "
    command = [sys.executable, "-I", "-W", "error", "-c", start + program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=unpacked)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def files_of_the_package(directory: Path) -> set[str]:
    return {
        path.relative_to(directory).as_posix()
        for path in (directory / "fsmflow").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package_and_the_script_and_the_types_marker(unpacked: Path) -> None:
    shipped = files_of_the_package(unpacked)
    assert shipped == files_of_the_package(ROOT)
    assert {"fsmflow/append.lua", "fsmflow/commit.lua", "fsmflow/py.typed", "fsmflow/__init__.py"} <= shipped


def test_the_wheel_holds_nothing_but_the_package_and_its_metadata(unpacked: Path) -> None:
    assert {path.name.partition("-")[0] for path in unpacked.iterdir()} == {"fsmflow"}


def test_the_wheel_says_its_licence_its_python_and_its_extras(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    said = Parser().parsestr(metadata.read_text(encoding="utf-8"))
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.10"
    extras = {"memory", "diagrams", "cli", "web", "dates", "phone", "email", "validators", "test", "benchmark", "dev"}
    assert set(said.get_all("Provides-Extra", [])) == extras
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))


def test_the_wheel_brings_the_command_and_the_plugin(unpacked: Path) -> None:
    (entry_points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "fsmflow = fsmflow.cli:main" in entry_points.read_text(encoding="utf-8").splitlines()
    assert "fsmflow = fsmflow.pytest_plugin" in entry_points.read_text(encoding="utf-8").splitlines()
    main = "from fsmflow.cli import main; print(json.dumps([callable(main), sys.modules['fsmflow'].__file__]))"
    assert run_on(unpacked, main) == [True, str(unpacked / "fsmflow" / "__init__.py")]


def test_pytest_finds_the_plugin_where_fsmflow_is_installed(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(
        "from fsmflow import Flow, Step, StepType\n"
        "class Ask(Flow):\n"
        "    flow_type = 'ask'\n"
        "    steps = (Step(id='name', type=StepType.TEXT, message='Who?'),)\n",
        encoding="utf-8",
    )
    (tmp_path / "test_it.py").write_text(
        "from flows import Ask\n"
        "def test_it(chat):\n"
        "    chat(Ask).say('ama').expect(status='completed', data={'name': 'ama'})\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--flow-cov=flows.py"]
    environment = {**os.environ, "PYTHONPATH": f"{unpacked}{os.pathsep}{tmp_path}"}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^ask +1 of 8 +12 %$", run.stdout, re.MULTILINE), run.stdout


def test_importing_fsmflow_imports_no_optional_dependency(unpacked: Path) -> None:
    loaded = "import fsmflow; from fsmflow import *; print(json.dumps([fsmflow.__file__, sorted(sys.modules)]))"
    origin, modules = run_on(unpacked, loaded)
    assert origin == str(unpacked / "fsmflow" / "__init__.py")
    assert "attrs" in modules, "nothing was imported"
    assert sorted(OPTIONAL.keys() & set(modules)) == []


def test_a_name_is_imported_from_its_module_when_it_is_first_asked_for(unpacked: Path) -> None:
    program = (
        "import fsmflow; before = {name for name in sys.modules if name.startswith('fsmflow.')}; "
        "flow = fsmflow.Flow; print(json.dumps([sorted(before), flow.__module__, 'Flow' in vars(fsmflow)]))"
    )
    assert run_on(unpacked, program) == [[], "fsmflow.flow", True]


def test_each_public_name_comes_from_the_module_that_a_type_checker_is_told() -> None:
    tree = ast.parse(Path(str(fsmflow.__file__)).read_text(encoding="utf-8"))
    told = {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told.keys() == set(EXPORTED)
    for name, module in told.items():
        assert getattr(fsmflow, name) is getattr(importlib.import_module(module), name), name
        assert fsmflow._HOMES[name] == module.partition(".")[2], name


def test_a_name_that_is_not_there_is_an_attribute_error_and_dir_lists_those_that_are() -> None:
    with pytest.raises(AttributeError, match="module 'fsmflow' has no attribute 'Nothing'"):
        _ = fsmflow.Nothing  # type: ignore[attr-defined] # which a type checker sees as well
    assert set(EXPORTED) <= set(dir(fsmflow))


def test_every_module_of_the_wheel_can_be_imported(unpacked: Path) -> None:
    imported = (
        "import importlib, pkgutil, fsmflow; "
        "names = [module.name for module in pkgutil.walk_packages(fsmflow.__path__, 'fsmflow.')]; "
        "print(json.dumps([importlib.import_module(name).__file__ for name in names]))"
    )
    files = {Path(file).relative_to(unpacked).as_posix() for file in run_on(unpacked, imported)}
    sources = {name for name in files_of_the_package(ROOT) if name.endswith(".py")}
    assert files == sources - {"fsmflow/__init__.py"}


def test_the_source_distribution_can_be_tested_by_who_packages_it(tmp_path: Path) -> None:
    with tarfile.open(built(tmp_path, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py", "fsmflow/commit.lua"} <= names


def test_the_public_names_are_the_ones_that_are_meant_to_be() -> None:
    assert fsmflow.__all__ == EXPORTED


def test_the_public_names_are_sorted_and_can_be_imported() -> None:
    assert list(fsmflow.__all__) == sorted(set(fsmflow.__all__))
    assert [name for name in fsmflow.__all__ if not hasattr(fsmflow, name)] == []


def test_the_map_of_the_house_names_every_module_in_the_order_of_its_layers() -> None:
    named = re.findall(r"^(\w+) {2,}\S", str(fsmflow.__doc__), re.MULTILINE)
    in_order = dict.fromkeys(name.partition(".")[0] for name in ORDER if not name.startswith("__"))
    assert named == list(in_order)


def test_nothing_else_in_the_facade_looks_public() -> None:
    visible = {name for name, value in vars(fsmflow).items() if not isinstance(value, types.ModuleType)}
    unlisted = visible - set(fsmflow.__all__) - {"annotations"}  # __future__'s
    assert sorted(name for name in unlisted if not name.startswith("_")) == []


def test_a_module_is_there_as_after_an_import_that_brought_them_all() -> None:
    assert fsmflow.errors.StoreUnavailable is fsmflow.StoreUnavailable
    with pytest.raises(AttributeError, match="has no attribute 'no_such_module'"):
        getattr(fsmflow, "no_such_module")  # noqa: B009 - mypy knows that it is not there

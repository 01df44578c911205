"""Flows of two releases, of files or of revisions of git: each read where its own code is, and nothing touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fsmflow
from examples import credex, offer, registration
from fsmflow import BadTarget, Flow, MissingProgram
from fsmflow.diagrams import revisions
from fsmflow.diagrams.comparison import Comparison
from fsmflow.diagrams.compatibility import release_of
from fsmflow.diagrams.revisions import _converter, comparisons
from tests.repositories import OFFER, Repository

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

LONGER = OFFER.replace("steps = (", 'steps = (\n        Step(id="name", type=StepType.TEXT, message="Your name?"),')


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of one package with a flow, as its one revision has it; the working directory is its top."""
    made = Repository(tmp_path / "project")
    made.commit({"shop/__init__.py": "", "shop/offer.py": OFFER})
    monkeypatch.chdir(made.folder)
    return made


def only(old: str, new: str) -> Comparison:
    (found,) = comparisons(old, new)
    return found


def refusal(old: str, new: str = "shop/offer.py") -> str:
    with pytest.raises(BadTarget) as raised:
        comparisons(old, new)
    assert raised.value.target == old
    assert "fsmflow-" not in raised.value.reason, "a temporary folder means nothing to anybody"
    return raised.value.reason


# -- where it is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "target"),
    [
        *((revision, "shop/offer.py") for revision in ("HEAD", "main", "v1", "HEAD^{tree}", "HEAD^0")),
        *(("HEAD", target) for target in ("./shop/offer.py", "shop.offer", "shop.offer:OfferFlow", "shop")),
    ],
)
def test_a_release_is_named_by_a_revision_and_any_target(repository: Repository, revision: str, target: str) -> None:
    repository.git("tag", "v1")
    repository.write({"shop/offer.py": LONGER})
    found = only(f"git:{revision}:{target}", "shop/offer.py")
    assert [each.words for each in found.changes if each.what == "step"] == ["'name' (TEXT): “Your name?”"]
    assert [each.state for each in found.lost] == ["amount", "confirm"]
    assert only("shop/offer.py", f"git:{revision}:{target}").overlay.steps["name"].value == "removed"
    assert "shop.offer" not in sys.modules


def test_two_files_of_one_module_name_are_two_releases(tmp_path: Path) -> None:
    for name, source in (("old", OFFER), ("new", LONGER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "offer.py").write_text(source)
    found = only(str(tmp_path / "old" / "offer.py"), str(tmp_path / "new" / "offer.py"))
    assert not found.compatible


def test_what_a_flow_imports_is_of_its_revision_too(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    using = OFFER.replace('message="How much?"', "message=words.HOW_MUCH + prices.UNIT")
    using = f"import prices\n\nfrom shop import words\n{using}"
    before = {"shop/offer.py": using, "shop/words.py": "HOW_MUCH = 'How much'", "lib/prices.py": "UNIT = ' in cedi?'"}
    repository.commit(before)
    repository.write({"shop/words.py": "HOW_MUCH = 'What sum'", "lib/prices.py": "UNIT = ' in pesewas?'"})
    monkeypatch.syspath_prepend(repository.folder / "lib")
    assert [each.words for each in only("git:HEAD:shop/offer.py", "shop/offer.py").changes] == [
        "'amount' asked “How much in cedi?” and asks “What sum in pesewas?”"
    ]


def test_a_path_is_named_from_the_top_and_with_a_dot_from_here(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.folder / "shop")
    assert only("git:HEAD:shop/offer.py", "offer.py").verdict == "no change"
    assert only("git:HEAD:./offer.py", "offer.py").verdict == "no change"
    assert refusal("git:HEAD:offer.py", "offer.py") == "there is no such file or folder"


def test_flows_that_came_and_went_are_told_in_the_order_of_the_new_release(repository: Repository) -> None:
    other = OFFER.replace('"offer"', '"other"').replace("OfferFlow", "OtherFlow")
    repository.write({"shop/offer.py": other})
    found = comparisons("git:HEAD:shop/offer.py", "shop/offer.py")
    assert [(each.flow_type, each.verdict, each.compatible) for each in found] == [
        ("other", "new", True),
        ("offer", "NOT compatible with members in the middle of it", False),
    ]


def test_nothing_of_the_repository_is_touched(repository: Repository) -> None:
    repository.write({"shop/offer.py": LONGER, "shop/new.py": ""})
    repository.git("add", "shop/offer.py")
    before = repository.snapshot()
    assert not only("git:HEAD:shop/offer.py", "shop/offer.py").compatible
    assert repository.snapshot() == before


def test_what_an_archive_would_leave_out_is_there(repository: Repository) -> None:
    repository.commit({".gitattributes": "shop export-ignore\n"})
    assert only("git:HEAD:shop/offer.py", "shop/offer.py").verdict == "no change"


def test_an_import_may_print_and_leave_a_thread_behind(repository: Repository) -> None:
    waiting = "import threading\nprint('{')\nthreading.Thread(target=threading.Event().wait).start()\n"
    repository.write({"shop/offer.py": waiting + OFFER})
    assert only("git:HEAD:shop/offer.py", "shop/offer.py").verdict == "no change"


def test_both_releases_are_judged_by_the_fsmflow_at_hand(repository: Repository) -> None:
    """A repository may hold another fsmflow: its own, as it was."""
    repository.commit({"fsmflow/__init__.py": "raise RuntimeError('another fsmflow')"})
    assert Path(str(fsmflow.__file__)).parent != repository.folder / "fsmflow"
    assert only("git:HEAD:shop/offer.py", "shop/offer.py").verdict == "no change"


# -- what cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("git:nowhere:shop/offer.py", "there is no revision 'nowhere' in this repository"),
        ("git:--output=x:shop/offer.py", "that is no name of a revision"),
        ("git:-h:shop/offer.py", "that is no name of a revision"),
        ("git:HEAD\n:shop/offer.py", "that is no name of a revision"),
        ("git:HEAD", "a revision is named as git:REV:path"),
        ("git::shop/offer.py", "a revision is named as git:REV:path"),
        ("git:HEAD:", "a revision is named as git:REV:path"),
        (
            "git:HEAD:../offer.py",
            "at a revision a path is named from the top of the repository, and stays in it",
        ),
        ("git:HEAD:/offer.py", "at a revision a path is named from the top of the repository, and stays in it"),
        ("git:HEAD:gone.py", "there is no such file or folder"),
        ("git:HEAD:shop.gone", "there is no such module"),
        ("git:HEAD:shop/__init__.py", "holds no flow"),
        ("gone.py", "there is no such file or folder"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(repository: Repository, old: str, said: str) -> None:
    assert repository.folder.is_dir()
    assert refusal(old) == said
    assert not (repository.folder / "x").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def", "line 1: invalid syntax"),
        ("1 / 0", "does not import: line 1 of offer.py: ZeroDivisionError: division by zero"),
        ("import nothing_of_this_name", "does not import: line 1 of offer.py: ModuleNotFoundError: "),
        ("raise SystemExit(3)", "does not import: line 1 of offer.py: SystemExit: 3"),
        ("import os; os._exit(7)", "does not import: Python ended with 7"),
        (OFFER.replace('id="amount"', 'id="no name"'), "OfferFlow, step 'no name': a step id is a Python identifier"),
    ],
)
def test_code_that_does_not_import_at_its_revision_is_said_in_a_line(
    repository: Repository, source: str, said: str
) -> None:
    repository.commit({"shop/offer.py": source})
    repository.write({"shop/offer.py": OFFER})
    reason = refusal("git:HEAD:shop/offer.py")
    assert reason.startswith(said)
    assert "\n" not in reason


def test_an_import_that_never_ends_is_given_up(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "SECONDS_AT_MOST", 1)
    repository.write({"shop/offer.py": "import threading\nthreading.Event().wait()"})
    assert refusal("shop/offer.py") == "was not imported within 1 seconds"


def test_outside_of_a_repository_there_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert refusal("git:HEAD:offer.py").startswith("git: fatal: not a git repository")


def test_without_git_two_files_can_still_be_compared(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repository.folder.is_dir()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgram, match="install git, or name two files"):
        comparisons("git:HEAD:shop/offer.py", "shop/offer.py")
    assert only("shop/offer.py", "shop/offer.py").verdict == "no change"


def test_no_folder_is_left_behind(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert only("git:HEAD:shop/offer.py", "shop/offer.py").compatible
    repository.commit({"shop/offer.py": "1 / 0"})
    refusal("git:HEAD:shop/offer.py")
    assert [*scratch.iterdir()] == []


# -- what passes between the processes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "flow_type"),
    [
        (offer.OfferFlow, "offer"),
        (registration.RegistrationFlow, "registration"),
        *((flow, flow_type) for flow_type, flow in credex.flows.items()),
    ],
)
def test_a_release_comes_back_from_json_as_it_went_in(flow: type[Flow], flow_type: str) -> None:
    told = release_of(flow, flow_type, "examples")
    back = _converter.loads(_converter.dumps(told), type(told))
    assert back == told


def test_the_module_at_hand_is_not_imported_for_one_of_pythons(repository: Repository) -> None:
    repository.write({"json.py": "raise RuntimeError('not Python\\'s')", "tempfile.py": "1 / 0"})
    assert os.getcwd() == str(repository.folder)  # noqa: PTH109 - what Python itself would put on its path
    assert only("git:HEAD:shop/offer.py", "git:HEAD:shop/offer.py").verdict == "no change"


def test_git_is_asked_without_a_shell(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    run = subprocess.run

    def recorded(command: list[str], **named: object) -> object:
        asked.append((type(command), named.get("shell", False)))
        return run(command, **named)  # type: ignore[call-overload] # as it came in

    monkeypatch.setattr(subprocess, "run", recorded)
    assert only("git:HEAD:shop/offer.py", "shop/offer.py").compatible
    assert set(asked) == {(list, False)}
    assert repository.folder.is_dir()

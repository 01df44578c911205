"""A review from targets to report: what is found of flows that cannot be made, and the forms it is told in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.checks.catalogue import RULES
from fsmflow.checks.findings import CheckedFlow, Finding, Place, Report, Severity
from fsmflow.checks.review import DEFINITION, review
from fsmflow.errors import BadTarget

ROOT = Path(__file__).parent.parent
HEAD = "from fsmflow import Flow, Option, Step, StepType\n\n\n"
GOOD = """class GoodFlow(Flow):
    flow_type = "good"
    steps = (Step(id="name", type=StepType.TEXT, message="Your name?", examples=("Ama",)),)
"""
BARE = GOOD.replace("Good", "Bare").replace("good", "bare").replace(', examples=("Ama",)', "")
ENDLESS = """class EndlessFlow(Flow):
    flow_type = "endless"
    steps = (
        Step(id="a", type=StepType.BUTTON, message="?", options=(Option("x", "X", to="b"),)),
        Step(id="b", type=StepType.BUTTON, message="?", options=(Option("x", "X", to="a"),)),
    )
"""
UNREACHABLE = """class LostFlow(Flow):
    flow_type = "lost"
    steps = (
        Step(id="a", type=StepType.BUTTON, message="?", options=(Option("x", "X", to="completed"),)),
        Step(id="b", type=StepType.TEXT, message="?"),
    )
"""
NEEDS_A_MEMBER = """class NeedyFlow(Flow):
    def __init__(self, flow_type, state=None):
        name = state["flow_data"]["data"]["name"]
        super().__init__(f"{flow_type}_1", [Step(id="well", type=StepType.TEXT, message=name)])


flows = {"needy": NeedyFlow}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "shop").mkdir()
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def put(path: Path, *parts: str) -> None:
    path.write_text(HEAD + "\n\n".join(parts))


def told(report: Report) -> list[tuple[str, str, str | None, int | None]]:
    return [(found.rule, found.class_name, found.step, found.place.line) for found in report.findings]


def test_the_examples_are_clean() -> None:
    report = review([str(ROOT / "examples")])
    assert list(report.lines(ROOT)) == [f"{len(report.flows)} flows checked: nothing found"]
    assert {Path(flow.place.file or "").name for flow in report.flows} == {
        *("address.py", "credex.py", "offer.py", "order.py", "registration.py", "sign_in.py")
    }
    assert report.passed(strict=True)


@pytest.mark.parametrize(
    ("source", "name", "step", "line", "words"),
    [
        (ENDLESS, "EndlessFlow", "a", 7, "no answer leads from this step to an end"),
        (UNREACHABLE, "LostFlow", "b", 8, "no answer leads to this step"),
    ],
)
def test_a_flow_that_cannot_be_made_is_a_finding_at_its_step(
    shop: Path, source: str, name: str, step: str, line: int, words: str
) -> None:
    put(shop / "shop/wrong.py", source)
    report = review(["shop/wrong.py"])
    assert told(report) == [(DEFINITION, name, step, line)]
    (found,) = report.findings
    assert (found.words, found.severity, found.flow_type) == (words, Severity.ERROR, None)
    assert found.line(shop) == f"shop/wrong.py:{line}: error: {name}, step {step!r}: {words} [definition]"
    assert not report.passed()


@pytest.mark.parametrize("target", ["shop", "shop.a", "shop/a.py"])
def test_the_other_flows_of_a_target_are_looked_at_beside_one_that_cannot_be_made(shop: Path, target: str) -> None:
    package = shop / "shop"
    if target == "shop.a":
        package = shop / "shop" / "a"
        package.mkdir()
        put(package / "__init__.py")
    put(package / ("a.py" if target == "shop/a.py" else "b.py"), ENDLESS)
    put(package / "c.py", BARE)
    report = review([target, "shop/c.py"] if target == "shop/a.py" else [target])
    assert told(report) == [(DEFINITION, "EndlessFlow", "a", 7), ("examples-missing", "BareFlow", "name", 6)]
    assert [flow.flow_type for flow in report.flows] == ["bare"]


def test_a_target_of_nothing_but_a_flow_that_cannot_be_made_holds_a_flow(shop: Path) -> None:
    put(shop / "shop/a.py", ENDLESS)
    put(shop / "shop/b.py")
    report = review(["shop"])
    assert (told(report), report.flows) == ([(DEFINITION, "EndlessFlow", "a", 7)], ())


def test_a_module_and_what_imports_it_tell_of_one_mistake_once(shop: Path) -> None:
    put(shop / "shop/a.py", ENDLESS)
    put(shop / "shop/b.py", "import shop.a\n")
    assert told(review(["shop"])) == [(DEFINITION, "EndlessFlow", "a", 7)]


def test_a_flow_that_cannot_be_constructed_is_a_finding_that_says_where_it_fails(shop: Path) -> None:
    put(shop / "shop/needy.py", NEEDS_A_MEMBER)
    (found,) = review(["shop/needy.py"]).findings
    assert (found.rule, found.flow_type, found.class_name, found.place.line) == (DEFINITION, "needy", "NeedyFlow", 4)
    assert found.words == "it must be constructible as (flow_type, state) (KeyError at shop.needy:__init__:6)"


def test_a_flow_that_leaves_the_process_as_it_is_constructed_is_a_finding(shop: Path) -> None:
    leaving = NEEDS_A_MEMBER.replace('name = state["flow_data"]["data"]["name"]', "raise SystemExit(0)")
    put(shop / "shop/needy.py", leaving)
    (found,) = review(["shop/needy.py"]).findings
    assert (found.rule, found.class_name) == (DEFINITION, "NeedyFlow")
    assert "SystemExit" in found.words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "shop/a.py: there is no such file or folder"),
        ("", "shop/a.py: holds no flow"),
        ("1 / 0\n", "shop/a.py: does not import: line 4 of a.py: ZeroDivisionError: division by zero"),
        ("Step(ids='a')\n", "shop/a.py: does not import: line 4 of a.py: TypeError: "),
    ],
)
def test_a_target_of_which_nothing_can_be_looked_at_is_an_error(shop: Path, source: str | None, words: str) -> None:
    if source is not None:
        put(shop / "shop/a.py", source)
    put(shop / "shop/b.py", GOOD)
    with pytest.raises(BadTarget) as bad:
        review(["shop/b.py", "shop/a.py"])
    assert str(bad.value).startswith(words)


def test_a_rule_that_is_ignored_finds_nothing_and_the_report_says_so(shop: Path) -> None:
    put(shop / "shop/bare.py", BARE)
    assert told(review(["shop"])) == [("examples-missing", "BareFlow", "name", 6)]
    report = review(["shop"], ignored=["examples-missing"])
    assert (report.findings, report.ignored) == ((), ("examples-missing",))


def test_findings_are_in_the_order_of_files_and_lines(shop: Path) -> None:
    never = BARE.replace('"bare"\n', '"bare"\n    timeout = None\n')
    put(shop / "shop/b.py", never, BARE.replace("Bare", "Third").replace("bare", "third"))
    put(shop / "shop/a.py", BARE.replace("Bare", "First").replace("bare", "first"))
    assert told(review(["shop/b.py", "shop/a.py"])) == [
        ("examples-missing", "FirstFlow", "name", 6),
        ("timeout-none", "BareFlow", None, 4),
        ("examples-missing", "BareFlow", "name", 7),
        ("examples-missing", "ThirdFlow", "name", 12),
    ]


# -- how it is told ----------------------------------------------------------------------------------------------------


def finding(severity: Severity, **changes: object) -> Finding:
    place = Place(Path("/shop/flows/offer.py"), 7)
    facts = {"flow_type": "offer", "class_name": "OfferFlow", "step": "amount", "words": "is odd", "place": place}
    return Finding(**{"rule": "a-rule", "severity": severity, **facts, **changes})  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "flows/offer.py:7: warning: offer (OfferFlow), step 'amount': is odd [a-rule]"),
        ({"step": None}, "flows/offer.py:7: warning: offer (OfferFlow): is odd [a-rule]"),
        ({"place": Place(Path("/other/a.py"), 1)}, "/other/a.py:1: warning: offer (OfferFlow), step 'amount': is odd"),
        ({"place": Place(Path("/shop/a.py"))}, "a.py: warning: offer (OfferFlow), step 'amount': is odd [a-rule]"),
        ({"place": Place()}, "warning: offer (OfferFlow), step 'amount': is odd [a-rule]"),
        ({"flow_type": None, "step": None}, "flows/offer.py:7: warning: OfferFlow: is odd [a-rule]"),
    ],
)
def test_a_finding_is_one_line_that_an_editor_can_follow(changes: dict[str, object], line: str) -> None:
    assert finding(Severity.WARNING, **changes).line(Path("/shop")).startswith(line)


def test_what_an_author_wrote_cannot_break_out_of_its_line_or_fill_the_screen() -> None:
    line = finding(Severity.NOTE, words="a\nb\x1b[2J\u202e" + "x" * 5000).line(Path("/"))
    assert "a b [2J x" in line
    assert line.isprintable()
    assert len(line) < 600


@pytest.mark.parametrize(
    ("severities", "passed", "passed_strictly", "summary"),
    [
        ([], True, True, "1 flow checked: nothing found"),
        ([Severity.NOTE], True, False, "1 flow checked: 1 note"),
        ([Severity.WARNING, Severity.NOTE], False, False, "1 flow checked: 1 warning, 1 note"),
        ([Severity.ERROR, Severity.ERROR], False, False, "1 flow checked: 2 errors"),
    ],
)
def test_notes_count_only_where_one_is_strict(
    severities: list[Severity], passed: bool, passed_strictly: bool, summary: str
) -> None:
    flow = CheckedFlow("offer", "OfferFlow", Place(Path("/shop/flows/offer.py"), 3))
    report = Report((flow,), tuple(map(finding, severities)))
    assert (report.passed(), report.passed(strict=True)) == (passed, passed_strictly)
    assert list(report.lines(Path("/shop")))[-1] == summary


def test_the_structure_is_the_one_that_is_written_down() -> None:
    flow = CheckedFlow("offer", "OfferFlow", Place(Path("/shop/flows/offer.py"), 3))
    report = Report((flow,), (finding(Severity.NOTE), finding(Severity.ERROR, place=Place(), step=None)), ("other",))
    assert json.loads(json.dumps(report.as_structure(Path("/shop")))) == {
        "version": 1,
        "flows": [{"flow_type": "offer", "class": "OfferFlow", "file": "flows/offer.py", "line": 3}],
        "findings": [
            {
                "rule": "a-rule",
                "severity": "note",
                "flow_type": "offer",
                "class": "OfferFlow",
                "step": "amount",
                "message": "is odd",
                "file": "flows/offer.py",
                "line": 7,
            },
            {
                "rule": "a-rule",
                "severity": "error",
                "flow_type": "offer",
                "class": "OfferFlow",
                "step": None,
                "message": "is odd",
                "file": None,
                "line": None,
            },
        ],
        "ignored": ["other"],
        "counts": {"error": 1, "warning": 0, "note": 1},
        "passed": False,
    }
    assert Report((flow,), (finding(Severity.NOTE),)).as_structure(Path("/"))["passed"] is True
    assert Report((flow,), (finding(Severity.NOTE),)).as_structure(Path("/"), strict=True)["passed"] is False


def test_no_rule_is_called_what_a_flow_that_cannot_be_made_is() -> None:
    names = [rule.name for rule in RULES]
    assert DEFINITION not in names
    assert len(set(names)) == len(names)

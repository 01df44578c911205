"""The plugin in a run of its own: what is counted, also by workers, what is told of it, and the two fixtures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fsmflow.machine import WITNESSES

FLOWS = """
from fsmflow import Flow, Option, Step, StepType

class OfferFlow(Flow):
    flow_type = "offer"
    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=str.isdigit, examples="1",
             counterexamples="x"),
        Step(id="sure", type=StepType.BUTTON, message="Sure?", options=(Option("yes", "Yes"),)),
    )

class OtherFlow(Flow):
    flow_type = "other"
    steps = (Step(id="name", type=StepType.TEXT, message="Who?"),)
"""
ALL = """
import pytest
from flows import OfferFlow, OtherFlow
from fsmflow.testing import transitions_of

@pytest.mark.parametrize("case", [*transitions_of(OfferFlow), *transitions_of(OtherFlow)], ids=str)
def test_each(case):
    case.fire()
"""
SOME = """
from flows import OfferFlow

def test_some():
    flow = OfferFlow()
    flow.process_input("x")
    flow.process_input("x")
    flow.process_input("1")
"""
MISSING = [
    *("sure-submit-completed", "sure-refused", "sure-back-amount", "amount-cancel-cancelled", "sure-cancel-cancelled"),
    *("expired-cancel-cancelled", "amount-restart-amount", "sure-restart-amount", "expired-restart-amount"),
    *("amount-expire-expired", "sure-expire-expired", "expired-resume-amount", "expired-resume-sure"),
]


def ran(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run with the plugin of this repository, whatever is installed."""
    plugin = ("-p", "no:fsmflow", "-p", "fsmflow.pytest_plugin", "-p", "no:cacheprovider")
    return pytester.runpytest_inprocess(*plugin, *arguments)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A file of flows, and a place on the path for it."""
    pytester.makepyfile(flows=FLOWS)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester


def lines_of(result: pytest.RunResult) -> list[str]:
    """What is told of the coverage."""
    start = next(number for number, line in enumerate(result.outlines) if "flow coverage" in line)
    return [" ".join(line.split()) for line in result.outlines[start + 1 :] if line.strip()]


# -- what is counted --------------------------------------------------------------------------------------------------


def test_it_is_told_of_each_flow_which_transitions_the_tests_fired(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    told = lines_of(ran(project, "--flow-cov=flows.py"))
    assert told[0] == "offer 2 of 15 13 %"
    assert told[1:14] == [f"not fired: {name}" for name in MISSING]
    assert told[14:17] == ["other 0 of 8 0 %", "not fired: all of them", "all 2 of 23 8 %"]


def test_all_is_all(project: pytest.Pytester) -> None:
    project.makepyfile(ALL)
    result = ran(project, "--flow-cov=flows.py", "--flow-cov-fail-under=100")
    assert lines_of(result)[:3] == ["offer 15 of 15 100 %", "other 8 of 8 100 %", "all 23 of 23 100 %"]
    assert result.ret == pytest.ExitCode.OK


def test_workers_send_what_they_fired(project: pytest.Pytester) -> None:
    project.makepyfile(test_all=ALL, test_some=SOME)
    alone = lines_of(ran(project, "--flow-cov=flows.py", "--flow-cov-report=json"))
    counted = json.loads(Path("flow-coverage.json").read_text(encoding="utf-8"))
    arguments = ("-p", "xdist", "--flow-cov=flows.py", "--flow-cov-report=json", "--flow-cov-fail-under=100")
    together = ran(project, "-n2", *arguments)
    assert together.ret == pytest.ExitCode.OK
    assert alone[0] == lines_of(together)[0] == "json written to flow-coverage.json"
    by_workers = json.loads(Path("flow-coverage.json").read_text(encoding="utf-8"))
    assert by_workers == counted
    assert counted["flows"][0]["fired"][1]["times"] > 1  # what two workers fired is added up


def test_a_worker_that_died_is_told_because_what_it_fired_is_not_counted(project: pytest.Pytester) -> None:
    project.makepyfile(test_all=ALL, test_dies="import os\ndef test_dies():\n    os._exit(3)\n")
    result = ran(project, "-p", "xdist", "-n1", "--flow-cov=flows.py")
    assert "1 of 2 workers did not end: what was fired there is not counted" in lines_of(result)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_flow_is_the_same_under_another_modules_name(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("src")
    (folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\npythonpath = ['src']\n")
    pytester.makepyfile(SOME)
    assert lines_of(ran(pytester, "--flow-cov=src/flows.py:OfferFlow"))[0] == "offer 2 of 15 13 %"


def test_a_subclass_and_a_namesake_are_other_flows(project: pytest.Pytester) -> None:
    project.makepyfile(
        FLOWS + "import flows\n"
        "class Quick(flows.OfferFlow):\n    timeout = None\n"
        "def test_it():\n    Quick().process_input('1')\n    OfferFlow().process_input('1')\n"
    )
    assert lines_of(ran(project, "--flow-cov=flows:OfferFlow"))[0] == "offer 0 of 15 0 %"


def test_flows_of_one_class_are_told_apart_by_their_type(project: pytest.Pytester) -> None:
    project.makepyfile(
        built="""
        from fsmflow import Flow, Step, StepType
        class Built(Flow):
            def __init__(self, flow_type, state=None):
                steps = [Step(id="a", type=StepType.TEXT, message="?")]
                if (state or {}).get("member_id") == "long":
                    steps.append(Step(id="b", type=StepType.TEXT, message="?"))
                super().__init__(f"{flow_type}_m", steps)
        flows = {"one": Built, "two": Built}
        """,
        test_built="""
        from built import Built
        from fsmflow import Channel
        from fsmflow.registry import make_flow
        def test_it():
            make_flow(Built, "two", "m", Channel("console", "m")).cancel()
            make_flow(Built, "two", "long", Channel("console", "m")).process_input("x")
        """,
    )
    told = lines_of(ran(project, "--flow-cov=built.py"))
    assert told[:3] == ["one 0 of 8 0 %", "not fired: all of them", "two 1 of 8 12 %"]
    assert "and 1 fired that its sample does not have" in told


def test_what_a_conversation_fires_counts_as_well(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from flows import OfferFlow
        def test_it(chat):
            chat(OfferFlow).say("x").say("1").say("back").wait(minutes=6).say("1").expect(status="expired")
        """
    )
    told = lines_of(ran(project, "--flow-cov=flows.py:OfferFlow"))
    assert told[0] == "offer 4 of 15 26 %"
    assert not {f"not fired: {name}" for name in ("sure-back-amount", "amount-expire-expired")} & set(told)


def test_nothing_is_watched_after_the_run(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    before = list(WITNESSES)
    ran(project, "--flow-cov=flows.py")
    assert before == WITNESSES


# -- what comes of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("under", "ended"), [("8.6", 0), ("8.7", 1), ("100", 1), ("0", 0)])
def test_a_run_that_fires_less_than_is_required_fails(project: pytest.Pytester, under: str, ended: int) -> None:
    project.makepyfile(SOME)
    result = ran(project, "--flow-cov=flows.py", f"--flow-cov-fail-under={under}")
    assert result.ret == ended
    failures = [line for line in lines_of(result) if line.startswith("FAIL")]
    assert failures == ([f"FAIL: 8 % is under the {under} % that is required"] if ended else [])


def test_a_run_that_failed_already_says_what_it_failed_of(project: pytest.Pytester) -> None:
    project.makepyfile(SOME + "    assert False\n")
    result = ran(project, "--flow-cov=flows.py", "--flow-cov-fail-under=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    nothing = ran(project, "--flow-cov=flows.py", "--flow-cov-fail-under=1", "-k", "nothing")
    assert nothing.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_nothing_is_judged_where_nothing_is_run(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    result = ran(project, "--flow-cov=flows.py", "--flow-cov-fail-under=100", "--collect-only")
    assert result.ret == pytest.ExitCode.OK
    assert "flow coverage" not in result.stdout.str()


def test_json_holds_every_transition_and_how_often_it_was_fired(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    result = ran(project, "--flow-cov=flows.py:OfferFlow", "--flow-cov-report=json:out/cov.json")
    assert lines_of(result)[0] == "json written to out/cov.json"
    held = json.loads(Path("out/cov.json").read_text(encoding="utf-8"))
    [offer] = held["flows"]
    assert (held["percent"], offer["percent"], offer["covered"], offer["transitions"]) == (13, 13, 2, 15)
    assert (offer["flow_type"], offer["flow"], offer["missing"]) == ("offer", "flows:OfferFlow", MISSING)
    times = {way["case"]: way["times"] for way in offer["fired"]}
    assert (times["amount-refused"], times["amount-submit-sure"], times["sure-refused"]) == (2, 1, 0)
    assert offer["fired"][0] == {
        **{"trigger": "submit", "name": "submit", "source": "amount", "dest": "sure"},
        **{"case": "amount-submit-sure", "times": 1},
    }


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_is_a_picture_of_each_flow_that_tells_what_was_not_fired(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    result = ran(project, "--flow-cov=flows.py", "--flow-cov-report=svg:out")
    assert lines_of(result)[0] == "svg written to out"
    assert sorted(path.name for path in Path("out").iterdir()) == ["offer.svg", "other.svg"]
    drawn = Path("out/offer.svg").read_text(encoding="utf-8")
    assert "2 of 15 transitions fired by the tests" in drawn
    assert "1×" in drawn
    assert "not fired by any test" in drawn
    assert "✗" in drawn


def test_several_reports_are_given_side_by_side(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    told = lines_of(ran(project, "--flow-cov=flows.py", "--flow-cov-report=json", "--flow-cov-report=term"))
    assert told[0].startswith("offer 2 of 15")
    assert "json written to flow-coverage.json" in told


def test_a_report_that_cannot_be_written_fails_the_run(project: pytest.Pytester) -> None:
    project.makepyfile(SOME)
    Path("taken").write_text("", encoding="utf-8")
    result = ran(project, "--flow-cov=flows.py", "--flow-cov-report=json:taken/cov.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert any(line.startswith("FAIL: no json: ") for line in lines_of(result))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--flow-cov=gone.py"], "--flow-cov: gone.py: there is no such file or folder"),
        (["--flow-cov=raises.py"], "--flow-cov: raises.py: does not import: line 1 of raises.py: KeyError: 'x'"),
        (["--flow-cov=empty.py"], "--flow-cov: empty.py: holds no flow"),
        (["--flow-cov-fail-under=100"], "--flow-cov-fail-under needs a --flow-cov=TARGET"),
        (["--flow-cov-report=json"], "--flow-cov-report needs a --flow-cov=TARGET"),
        (["--flow-cov=flows.py", "--flow-cov-fail-under=101"], "'101' is no number from 0 to 100"),
        (["--flow-cov=flows.py", "--flow-cov-fail-under=all"], "'all' is no number from 0 to 100"),
        (["--flow-cov=flows.py", "--flow-cov-report=html"], "'html' is none of term, json"),
        (["--flow-cov=flows.py", "--flow-cov-report=term:x"], "'term:x' is none of term, json"),
    ],
)
def test_what_was_asked_wrongly_is_said_in_a_line(project: pytest.Pytester, arguments: list[str], told: str) -> None:
    project.makepyfile(SOME, raises="{}['x']", empty="")
    result = ran(project, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_without_an_option_or_a_fixture_pytest_imports_nothing_of_fsmflow_but_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_loaded.py").write_text(
        "import sys\n"
        "from fsmflow import pytest_plugin\n"
        "def test_loaded():\n"
        "    loaded = {name for name in sys.modules if name.partition('.')[0] == 'fsmflow'}\n"
        "    assert loaded == {'fsmflow', 'fsmflow.pytest_plugin'}\n"
        "    assert not {'redis', 'transitions', 'attrs', 'loguru', 'hypothesis'} & set(sys.modules)\n",
        encoding="utf-8",
    )
    plugins = ("-p", "no:fsmflow", "-p", "fsmflow.pytest_plugin", "-p", "no:hypothesispytest", "-p", "no:xdist")
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "-p", "no:cacheprovider", str(tmp_path)]
    root = Path(__file__).parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stdout


# -- the fixtures -----------------------------------------------------------------------------------------------------


def test_a_test_that_fails_shows_its_conversations_once_each(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from flows import OfferFlow, OtherFlow
        def test_asserts(chat):
            offer, other = chat(OfferFlow).say("x"), chat(OtherFlow)
            assert offer.step == "sure"
        def test_expects(chat):
            chat(OfferFlow).say("7").expect(step="amount")
        def test_passes(chat):
            chat(OtherFlow).say("ama").expect(status="completed")
        """
    )
    result = ran(project, "-rP")
    result.assert_outcomes(failed=2, passed=1)
    shown = result.stdout.str()
    assert shown.count("- conversation -") == 2
    assert shown.count("ama  x") == shown.count("(other is started for ama)") == 1
    assert shown.count("ama  7") == 1
    assert "[completed]" not in shown


def test_conversations_are_closed_after_their_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import asyncio
        from fsmflow import Flow, Step, StepType
        loops = []
        class Slow(Flow):
            flow_type = "slow"
            async def known(self, value):
                loops.append(asyncio.get_running_loop())
            steps = (Step(id="name", type=StepType.TEXT, message="Who?", validator=known),)
        kept = []
        def test_slow(chat):
            kept.append(chat(Slow).say("ama").expect(status="completed"))
        def test_after():
            assert loops[0].is_closed()
        """
    )
    ran(project, "-W", "error").assert_outcomes(passed=2)


def test_a_manager_of_an_empty_store_is_at_hand_for_each_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from flows import OfferFlow
        from fsmflow import Channel, FlowRunner, Inbound
        @pytest.mark.parametrize("round", [1, 2])
        def test_it(flow_state_manager, round):
            assert flow_state_manager.load("console:ama").flow_data is None
            runner = FlowRunner(flow_state_manager, [OfferFlow])
            runner.handle(Inbound(Channel("console", "ama"), "1", "offer"))
            assert flow_state_manager.load("console:ama").flow_data.step_id == "amount"
        """
    )
    ran(project).assert_outcomes(passed=2)

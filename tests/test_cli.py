"""The command: what it prints, what it exits with, and that it talks to a flow as a member would."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from loguru import logger

from fsmflow.cli import fsmflow, main
from fsmflow.cli.terminal import Console, Talk
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Option
from fsmflow.runner import FlowRunner
from fsmflow.step import Step, StepType

ROOT = Path(__file__).parent.parent
SOURCE = '''
from fsmflow.flow import Flow
from fsmflow.messages import Option
from fsmflow.step import Step, StepType


class OfferFlow(Flow):
    """A member offers credex."""

    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def complete(self) -> str:
        return f"Offered {self.data['amount']}."

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, refusal="Digits, please."),
        Step(id="confirm", type=StepType.BUTTON, message="Sure?",
             options=(Option("yes", "Yes"), Option("no", "No", to="cancelled"))),
    )
'''
SECOND = """

class BrokenFlow(Flow):
    flow_type = "broken"
    keywords = ("break it",)

    def fail(self, value: str) -> bool:
        raise LookupError("a secret")

    steps = (Step(id="name", type=StepType.TEXT, message="Your name?", validator=fail),)
"""
BANNER = "Type your answers; at any question also back, cancel, restart, help. /quit or Ctrl-D leaves.\n\n"


class AskFlow(Flow):
    """Asks one thing."""

    flow_type = "ask"
    steps = (
        Step(id="colour", type=StepType.BUTTON, message="Colour?", options=(Option("r", "Red"), Option("b", "Blue"))),
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with one flow; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "offer.py").write_text(SOURCE)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def run(*arguments: str, typed: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fsmflow", *arguments],
        input=typed,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(fsmflow(), arguments)


def talk(typed: list[str], manager: FlowStateManager | None = None, member: str | None = None) -> list[str]:
    """A conversation with `AskFlow`: what was printed, without the blank lines."""
    said: list[str] = []
    lines = iter(typed)

    def read() -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    runner = FlowRunner(manager or FlowStateManager.in_memory(), [AskFlow])
    Talk(runner, Console(read, said.append), member).hold()
    return [line.strip() for line in said[1:]]


# -- chat --------------------------------------------------------------------------------------------------------------


def test_a_newcomer_talks_to_a_flow_within_one_command_and_reads_the_conversation(shop: Path) -> None:
    ran = run("chat", "offer.py", typed="lots\n100\n1\n", cwd=shop)
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert ran.stdout == (
        f"{BANNER}How much?\n\n> lots\nDigits, please.\n\nHow much?\n\n> 100\nSure?\n\n1. Yes\n2. No\n\n> 1\n"
        "Offered 100.\n\n[completed] To start, type: offer. /quit leaves.\n\n"
    )


def test_several_flows_are_named_and_started_by_their_keywords(shop: Path) -> None:
    (shop / "offer.py").write_text(SOURCE + SECOND)
    ran = run("chat", "offer.py", typed="hello\noffer\ncancel\n", cwd=shop)
    assert ran.returncode == 0
    assert (
        "To start, type: offer, break it.\n\n> hello\nYou can send: offer, break it.\n\n> offer\nHow much?"
        in ran.stdout
    )
    assert "Cancelled.\n\n[cancelled] To start, type: offer, break it. /quit leaves.\n" in ran.stdout


def test_with_default_any_message_starts_the_first_flow(shop: Path) -> None:
    (shop / "offer.py").write_text(SOURCE + SECOND)
    ran = run("chat", "offer.py", "--default", typed="hello\n", cwd=shop)
    assert "> hello\nHow much?" in ran.stdout


def test_a_fault_of_the_flow_is_no_traceback_and_the_log_is_shown_only_when_asked_for(shop: Path) -> None:
    (shop / "offer.py").write_text(SOURCE + SECOND)
    quiet = run("chat", "offer.py:BrokenFlow", typed="Ama\n", cwd=shop)
    assert quiet.returncode == 0
    assert quiet.stderr == ""
    assert "something went wrong" in quiet.stdout
    assert "[error] A fault of the flow, or of a limit: --log shows where.\n" in quiet.stdout
    loud = run("chat", "offer.py:BrokenFlow", "--log", typed="Ama\n", cwd=shop)
    assert "LookupError at " in loud.stderr
    assert "a secret" not in quiet.stdout + loud.stdout + loud.stderr
    assert loud.stdout == quiet.stdout


def test_no_redis_is_said_in_one_line(shop: Path) -> None:
    ran = run("chat", "offer.py", "--redis", "redis://:secret@127.0.0.1:1/0", cwd=shop)
    assert ran.returncode == 1
    assert ran.stdout == BANNER
    assert ran.stderr.startswith("Error: Redis did not ")
    assert ran.stderr.count("\n") == 1
    assert "secret" not in ran.stderr


def test_an_address_that_is_none_and_a_member_that_cannot_be_one_are_asked_wrongly(shop: Path) -> None:
    assert shop.is_dir()
    wrong = run("chat", "offer.py", "--redis", "secret:1", cwd=shop)
    assert wrong.returncode == 2
    assert "must begin with redis://, rediss:// or unix://" in wrong.stderr
    assert "secret" not in wrong.stderr
    for member in ("a b", ""):
        nobody = run("chat", "offer.py", "--member", member, cwd=shop)
        assert (nobody.returncode, nobody.stdout) == (2, "")
        assert nobody.stderr.startswith("Error: member_id: ")


PAYING = """
from fsmflow import Action, Done, Flow, Step, StepType

class PayFlow(Flow):
    flow_type = "pay"
    def pay(self):
        return Done(self.services.pays())
    def complete(self):
        return f"Paid by {self.data['pay']}."
    steps = (Step(id="amount", type=StepType.TEXT, message="How much?"), Action("pay", pay))

class Bank:
    def __init__(self, name):
        self.name = name
    def pays(self):
        return self.name

"""


def test_actions_have_the_services_that_stand_beside_the_flows_or_are_named(shop: Path) -> None:
    (shop / "paying.py").write_text(f"{PAYING}services, other = Bank('the bank'), Bank('another')\n")
    assert "Paid by the bank." in run("chat", "paying.py", typed="5\n", cwd=shop).stdout
    assert "Paid by the bank." in run("chat", "paying.py:PayFlow", typed="5\n", cwd=shop).stdout
    for named in ("paying:other", "paying.py:other"):
        assert "Paid by another." in run("chat", "paying.py", "--services", named, typed="5\n", cwd=shop).stdout


def test_an_action_without_services_is_said_to_lack_them_and_is_no_traceback(shop: Path) -> None:
    (shop / "paying.py").write_text(PAYING)
    ran = run("chat", "paying.py", typed="5\n", cwd=shop)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "We are checking whether this went through." in ran.stdout
    assert "services = ... beside the flows, or say --services MODULE:NAME" in ran.stdout


@pytest.mark.parametrize("wrong", ["raise LookupError", "None.x if 1 == 2 else 1 / 0", "return Done(object())", "''.x"])
def test_nothing_is_said_of_services_where_they_are_not_what_was_missing(shop: Path, wrong: str) -> None:
    (shop / "paying.py").write_text(PAYING.replace("return Done(self.services.pays())", wrong))
    ran = run("chat", "paying.py", typed="5\nand?\n", cwd=shop)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("[unknown] Nobody can say what came of an action: --log shows why.\n") == 2
    assert "services" not in ran.stdout


def test_what_is_tried_again_is_told_only_where_the_log_is_asked_for(shop: Path) -> None:
    tried = PAYING.replace("Done, Flow", "Done, Flow, Retry").replace("pay))", "pay, retry=Retry(on=LookupError)))")
    (shop / "paying.py").write_text(tried.replace("return Done(self.services.pays())", "raise LookupError"))
    quiet = run("chat", "paying.py", typed="5\n", cwd=shop)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "[unknown]" in quiet.stdout
    assert "stamina" in run("chat", "paying.py", "--log", typed="5\n", cwd=shop).stderr


def test_how_to_start_is_not_said_where_what_was_open_goes_on(shop: Path) -> None:
    (shop / "paying.py").write_text(f"{PAYING}services = Bank('the bank')\n")
    ran = run("chat", "offer.py", "paying.py", typed="offer\n100\npay\n2\n5\ncancel\n", cwd=shop)
    after = ran.stdout.partition("Paid by the bank.")[2]
    assert after.startswith("\n\nBack to what was open:\n\nSure?")
    assert "[completed]" not in after
    assert "[cancelled] To start, type: " in after


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("paying:nothing", "there is no nothing in it"),
        ("paying", "must be a module (or a file), a colon, and a name in it"),
        ("nowhere:services", "there is no such module"),
    ],
)
def test_services_that_are_not_there_are_told_in_a_line(shop: Path, named: str, told: str) -> None:
    (shop / "paying.py").write_text(PAYING)
    ran = run("chat", "paying.py", "--services", named, cwd=shop)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


def test_two_modules_with_services_of_their_own_have_one_named(shop: Path) -> None:
    (shop / "paying.py").write_text(f"{PAYING}services = Bank('the bank')\n")
    (shop / "more.py").write_text(f"{PAYING.replace('pay', 'give').replace('Pay', 'Give')}services = Bank('another')\n")
    ran = run("chat", "paying.py", "more.py", typed="pay\n5\n", cwd=shop)
    assert ran.returncode == 2
    assert "paying and more have services of their own: say which by --services" in ran.stderr
    named = run("chat", "paying.py", "more.py", "--services", "paying:services", typed="pay\n5\n", cwd=shop)
    assert "Paid by the bank." in named.stdout


def test_a_flow_that_must_be_awaited_is_told_before_anything_is_asked(shop: Path) -> None:
    (shop / "offer.py").write_text(SOURCE.replace("def valid_amount", "async def valid_amount"))
    ran = run("chat", "offer.py", cwd=shop)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "Error: OfferFlow: valid_amount must be awaited: use AsyncFlowRunner\n"


def test_a_conversation_in_redis_is_taken_up_where_it_was_left(shop: Path, redis_url: str) -> None:
    member = f"test-{uuid.uuid4().hex}"
    arguments = ("chat", "offer.py", "--redis", redis_url, "--member", member)
    assert run(*arguments, typed="100\n", cwd=shop).stdout.endswith("> 100\nSure?\n\n1. Yes\n2. No\n\n")
    again = run(*arguments, typed="1\n", cwd=shop)
    assert "Sure?\n\n1. Yes\n2. No\n\n> 1\nOffered 100.\n" in again.stdout
    third = run(*arguments, cwd=shop)
    assert third.stdout == f"{BANNER}How much?\n\n"


def test_a_flow_of_another_file_that_is_open_is_said_plainly_and_another_member_starts_afresh(
    shop: Path, redis_url: str
) -> None:
    (shop / "other.py").write_text(SOURCE.replace('"offer"', '"other"'))
    member = f"test-{uuid.uuid4().hex}"
    assert run("chat", "other.py", "--redis", redis_url, "--member", member, cwd=shop).returncode == 0
    refused = run("chat", "offer.py", "--redis", redis_url, "--member", member, typed="100\n", cwd=shop)
    assert (refused.returncode, refused.stdout) == (1, BANNER)
    assert refused.stderr == (
        f"Error: a flow of another file (or a newer one) is open for {member} in that Redis: "
        "talk to that one, or start afresh as another --member\n"
    )
    afresh = run("chat", "offer.py", "--redis", redis_url, "--member", f"{member}-2", cwd=shop)
    assert (afresh.returncode, afresh.stdout) == (0, f"{BANNER}How much?\n\n")


def shown_until(terminal: int, mark: bytes | None) -> bytes:
    """What a terminal shows up to a mark, or to its end."""
    shown = b""
    while mark is None or mark not in shown:
        assert select.select([terminal], [], [], 60)[0], f"nothing more was shown after {shown!r}"
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux's word for the end of a terminal
            break
        if not chunk:
            break
        shown += chunk
    return shown


def test_in_a_terminal_ctrl_d_leaves_quietly(shop: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fsmflow", "chat", "offer.py"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        start_new_session=True,
    )
    os.close(follower)
    shown = shown_until(leader, b"\x1b[?2004h")  # prompt_toolkit's first word once it listens
    os.write(leader, b"\x04")
    shown += shown_until(leader, None)
    os.close(leader)
    assert process.wait(timeout=60) == 0
    assert b"How much?" in shown
    assert b"Traceback" not in shown
    assert b"Aborted" not in shown


def test_numbers_titles_and_blank_lines_are_taken_as_in_any_conversation() -> None:
    menu = "Colour?\n\n1. Red\n2. Blue"
    assert talk(["", "3", "2"]) == [
        menu,
        f"Please choose one of the options.\n\n{menu}",
        "Done. Thank you.",
        "[completed] To start, type: ask. /quit leaves.",
    ]


def test_slash_quit_leaves_and_quit_is_an_answer() -> None:
    assert len(talk(["quit"])) == 2
    assert len(talk(["/quit", "1"])) == 1


def test_ctrl_c_leaves_quietly() -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    said: list[str] = []
    Talk(FlowRunner(FlowStateManager.in_memory(), [AskFlow]), Console(interrupted, said.append)).hold()
    assert len(said) == 2


def test_the_messages_of_two_sessions_are_never_taken_for_one_another() -> None:
    manager = FlowStateManager.in_memory()
    assert talk(["1"], manager, member="ama")[1] == "Done. Thank you."
    assert talk(["1"], manager, member="ama")[1] == "Done. Thank you."
    assert talk([], manager, member="kofi") == ["Colour?\n\n1. Red\n2. Blue"]


# -- diagrams ----------------------------------------------------------------------------------------------------------


def test_diagrams_are_written_and_then_up_to_date(shop: Path) -> None:
    written = invoke("diagrams", "offer.py")
    assert (written.exit_code, written.output) == (0, "3 files in diagrams\n")
    assert sorted(path.name for path in (shop / "diagrams").iterdir()) == ["README.md", "offer.dot", "offer.mmd"]
    checked = invoke("diagrams", "offer.py", "--check")
    assert (checked.exit_code, checked.output) == (0, "3 files in diagrams are up to date\n")


def test_check_names_the_file_and_the_flow_that_differ_writes_nothing_and_says_how_to_renew(shop: Path) -> None:
    assert invoke("diagrams", "offer.py", "--out", "pictures").exit_code == 0
    (shop / "pictures" / "offer.mmd").write_text("old\n")
    checked = invoke("diagrams", "offer.py", "--out", "pictures", "--check")
    assert checked.exit_code == 1
    assert checked.stderr == (
        f"{Path('pictures/offer.mmd')}: differs (flow offer (OfferFlow))\n"
        "To renew: fsmflow diagrams offer.py --out pictures\n"
    )
    assert (shop / "pictures" / "offer.mmd").read_text() == "old\n"


def test_the_diagrams_of_flows_that_were_not_asked_for_are_named_and_go_only_with_prune(shop: Path) -> None:
    (shop / "offer.py").write_text(SOURCE + SECOND)
    assert invoke("diagrams", "offer.py").exit_code == 0
    others = [Path("diagrams") / "broken.dot", Path("diagrams") / "broken.mmd"]
    one = invoke("diagrams", "offer.py:OfferFlow")
    assert (one.exit_code, one.stdout) == (0, "3 files in diagrams\n")
    assert one.stderr == f"left over: {others[0]}, {others[1]} (--prune removes them)\n"
    assert all(path.exists() for path in others)
    checked = invoke("diagrams", "offer.py:OfferFlow", "--check")
    assert checked.exit_code == 1
    assert checked.stderr.count(": left over, not among what was asked for\n") == 2
    assert checked.stderr.endswith("To renew: fsmflow diagrams offer.py:OfferFlow --out diagrams --prune\n")
    assert all(path.exists() for path in others)
    pruned = invoke("diagrams", "offer.py:OfferFlow", "--prune")
    assert (pruned.exit_code, pruned.output) == (0, "3 files in diagrams\n")
    assert not any(path.exists() for path in others)
    assert invoke("diagrams", "offer.py:OfferFlow", "--check").exit_code == 0


def test_check_and_prune_are_asked_wrongly_together(shop: Path) -> None:
    asked = invoke("diagrams", "offer.py", "--check", "--prune")
    assert (asked.exit_code, (shop / "diagrams").exists()) == (2, False)
    assert "--check writes nothing" in asked.stderr


def test_check_of_a_folder_that_is_not_there_makes_none(shop: Path) -> None:
    checked = invoke("diagrams", "offer.py", "--check")
    assert checked.exit_code == 1
    assert checked.stderr.count(": missing (") == 3
    assert not (shop / "diagrams").exists()


def test_check_says_which_step_and_which_way_differ(shop: Path) -> None:
    assert run("diagrams", "offer.py", cwd=shop).returncode == 0
    (shop / "offer.py").write_text(SOURCE.replace(', Option("no", "No", to="cancelled")', ""))
    checked = run("diagrams", "offer.py", "--check", cwd=shop)
    assert checked.returncode == 1
    lines = checked.stderr.splitlines()
    assert lines[0] == "offer: step 'confirm' lost the way 'No' to cancelled"
    assert lines[-1] == "To renew: fsmflow diagrams offer.py --out diagrams"
    assert checked.stdout == ""


def test_the_forms_of_a_folder_are_kept_until_others_are_asked_for(shop: Path) -> None:
    assert invoke("diagrams", "offer.py", "--format", "json, dot", "--all").exit_code == 0
    names = ["README.md", "offer.dot", "offer.json"]
    assert sorted(path.name for path in (shop / "diagrams").iterdir()) == names
    assert "cancel → cancelled" in (shop / "diagrams" / "offer.dot").read_text()
    assert invoke("diagrams", "offer.py", "--check").exit_code == 0
    assert invoke("diagrams", "offer.py").output == "3 files in diagrams\n"
    assert "cancel → cancelled" in (shop / "diagrams" / "offer.dot").read_text()
    folded = invoke("diagrams", "offer.py", "--folded", "--format", "dot", "--check")
    assert folded.exit_code == 1
    assert folded.stderr.endswith("To renew: fsmflow diagrams offer.py --out diagrams --format dot --folded --prune\n")
    assert invoke("diagrams", "offer.py", "--folded", "--format", "dot", "--prune").exit_code == 0
    assert "cancel → cancelled;" in (shop / "diagrams" / "offer.dot").read_text()
    assert "ways" not in (shop / "diagrams" / "offer.dot").read_text()


def test_a_form_that_there_is_not_is_asked_wrongly(shop: Path) -> None:
    asked = invoke("diagrams", "offer.py", "--format", "dot,gif")
    assert (asked.exit_code, (shop / "diagrams").exists()) == (2, False)
    assert "'gif' is none of dot, mermaid, json, svg, png" in asked.stderr


def test_without_the_program_dot_all_else_is_written_and_it_is_said_what_to_install(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    drawn = invoke("diagrams", "offer.py", "--format", "dot,mermaid,json,svg")
    assert (drawn.exit_code, drawn.stdout) == (1, "")
    assert drawn.stderr.startswith("Error: a picture in SVG needs the program dot: install Graphviz (apt install ")
    assert sorted(path.name for path in (shop / "diagrams").iterdir()) == [
        *("README.md", "offer.dot", "offer.json", "offer.mmd")
    ]


def test_a_folder_that_is_a_file_and_one_that_cannot_be_made_are_one_plain_line(shop: Path) -> None:
    (shop / "taken").write_text("")
    assert invoke("diagrams", "offer.py", "--out", "taken").exit_code == 2
    inside = invoke("diagrams", "offer.py", "--out", "taken/in")
    assert (inside.exit_code, inside.stderr.count("\n")) == (2, 1)


def test_what_is_worked_on_is_shown_on_a_terminal_and_nowhere_else(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fsmflow", "diagrams", "offer.py"],
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )
    os.close(follower)
    shown = shown_until(leader, None)
    os.close(leader)
    assert process.communicate()[0] == b"3 files in diagrams\n"
    assert "1 · offer".encode() in shown
    monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich would take a pipe for a terminal
    assert run("diagrams", "offer.py", cwd=shop).stderr == ""


@pytest.mark.parametrize("command", ["diagrams", "chat"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gone.py", "Error: gone.py: there is no such file or folder\n"),
        ("fsmflow.errors", "Error: fsmflow.errors: holds no flow\n"),
        ("broken.py", "Error: broken.py: does not import: line 1 of broken.py: ZeroDivisionError: division by zero\n"),
    ],
)
def test_a_bad_target_is_one_plain_line_and_exits_with_two(shop: Path, command: str, target: str, said: str) -> None:
    (shop / "broken.py").write_text("1 / 0\n")
    ran = invoke(command, target)
    assert (ran.exit_code, ran.stderr, ran.stdout) == (2, said, "")


# -- the entry point ---------------------------------------------------------------------------------------------------


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == "the fsmflow command needs an optional dependency: pip install 'fsmflow[cli]'"


def test_the_command_says_what_it_can_do() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    assert "chat" in ran.stdout
    assert "diagrams" in ran.stdout


def test_the_log_of_whoever_uses_the_library_is_left_alone_by_what_is_imported() -> None:
    heard: list[str] = []
    sink = logger.add(heard.append, format="{message}")
    try:
        talk([])
    finally:
        logger.remove(sink)
    assert any("flow_start" in line for line in heard)

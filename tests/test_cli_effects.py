"""``fsmflow effects``: what an operator reads of the effects that are open, and how one is closed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from rich.console import Console

from fsmflow import (
    Action,
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Done,
    Due,
    Flow,
    FlowRunner,
    FlowStateManager,
    OpenEffect,
    Step,
    StepType,
    StoreUnavailable,
)
from fsmflow.cli import fsmflow
from fsmflow.cli.effects import show
from fsmflow.pending import Status
from tests.bank import ACCEPTS, DIES, FAILS, FLOWS, Bank, open_effect, talk_to
from tests.talking import SECRET, Talk
from tests.test_open_effects import all_that_is_stored

ROOT = Path(__file__).parent.parent
PASSWORD = "S3CRET-PASSWORD"
ADDRESS = f"redis://:{PASSWORD}@localhost:1/0"
URL = "redis://localhost"
LATER = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
AN_EFFECT = OpenEffect(
    member_id="whatsapp:" + "1" * 60,
    flow_type="pay",
    place="paying.payment",
    status=Status.ACCEPTED,
    taken_up=1,
    effect_id="0123456789abcdef" * 3 + ":payment:2",
    since=LATER,
    until=None,
)

at_hand: dict[str, Any] = {}
"""What the module of the application finds: what makes its runner, and what takes what was sent."""

BOT = """
from tests.test_cli_effects import at_hand
print("a word of the application")
runner = at_hand["make"]()
sent = at_hand["sent"]

def send(due):
    sent.append(due)

async def awaited(due):
    sent.append(due)

def broken(due):
    raise RuntimeError("with an answer in it")
"""


def run(*arguments: str) -> Result:
    """The command, asked something."""
    return CliRunner().invoke(fsmflow(), arguments, prog_name="fsmflow")


@pytest.fixture
def listed(any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The list, of the store at hand."""
    monkeypatch.setattr("fsmflow.manager.client_of", lambda _: any_redis)
    return lambda *arguments: run("effects", "--redis", URL, "--prefix", prefix, *arguments)


def left_open(talk: Talk, bank: Bank, *texts: str, **fields: Any) -> str:
    """Has a member leave an effect open; gives its id."""
    try:
        talk.says(*texts, **fields)
    except StoreUnavailable:
        bank.is_dead = False
    return bank.calls[-1]


def plainly(result: Result, code: int, *wanted: str) -> None:
    """It ended with that code, said that, and showed no traceback."""
    assert result.exit_code == code, result.output
    for words in wanted:
        assert words in result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


# -- the list ---------------------------------------------------------------------------------------------------------


def test_each_effect_is_a_line_with_all_that_an_operator_goes_on_with(
    any_redis: Redis, prefix: str, listed: Callable[..., Result]
) -> None:
    bank = Bank(ACCEPTS, FAILS, DIES)
    talk = talk_to(any_redis, prefix, bank)
    members = ("m-accepted", "m-unknown", "m-running")
    ids = [left_open(talk, bank, "pay", "5", "yes", member_id=member) for member in members]
    result = listed()
    plainly(result, 0)
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["STATUS", "TAKEN", "UP", "TIME", "FLOW", "STEP", "MEMBER", "EFFECT"]
    assert [line.split()[0] for line in lines] == ["accepted", "unknown", "running"]
    assert [line.split()[-2:] for line in lines] == [list(pair) for pair in zip(members, ids, strict=True)]
    assert result.stdout.isascii(), "no lines of a box"
    assert ["since" in line for line in lines] == [True, True, False]
    assert "(over)" not in result.stdout
    talk.ages(minutes=1)
    assert listed().stdout.count("(over)") == 1


def test_as_json_each_is_a_line_of_its_own(any_redis: Redis, prefix: str, listed: Callable[..., Result]) -> None:
    bank = Bank(ACCEPTS, DIES)
    talk = talk_to(any_redis, prefix, bank)
    ids = [left_open(talk, bank, "pay", "5", "yes", member_id=member) for member in ("m1", "m2")]
    result = listed("--json")
    plainly(result, 0)
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert [each["effect_id"] for each in (first, second)] == ids
    assert [each["member_id"] for each in (first, second)] == ["m1", "m2"]
    assert [each["status"] for each in (first, second)] == ["accepted", "running"]
    assert (first["flow_type"], first["step"], first["taken_up"]) == ("pay", "payment", 1)
    assert (first["until"], second["since"]) == (None, None)
    assert datetime.fromisoformat(first["since"]) < datetime.fromisoformat(second["until"])


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_where_nothing_is_open_it_says_so_in_words(
    any_redis: Redis, prefix: str, listed: Callable[..., Result], form: tuple[str, ...]
) -> None:
    talk_to(any_redis, prefix, Bank()).says("pay", "5")
    result = listed(*form)
    plainly(result, 0, "No effect is open under this prefix.")
    assert result.stdout == ("" if form else result.output)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_cannot_be_read_is_told_as_such(
    any_redis: Redis, prefix: str, listed: Callable[..., Result], form: tuple[str, ...]
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    any_redis.hset(talk.key, "pending", b"\xff\xfe")
    result = listed(*form)
    plainly(result, 0, talk.member_id)
    if form:
        told = json.loads(result.stdout)
        assert (told["status"], told["is_readable"], told["effect_id"]) == ("unknown", False, "")
    else:
        assert "unknown (unreadable)" in result.stdout
        assert result.stdout.rstrip().endswith('""'), "an empty id is one that can be typed"


def test_more_than_were_wanted_is_said(any_redis: Redis, prefix: str, listed: Callable[..., Result]) -> None:
    bank = Bank(ACCEPTS, ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    for member in ("m1", "m2"):
        left_open(talk, bank, "pay", "5", "yes", member_id=member)
    result = listed("--limit", "1")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    assert "More are open" in result.stderr
    assert listed("--limit", "2").stderr == ""


class Secretive(Flow):
    """Asks for a secret, and acts."""

    flow_type = "secretive"
    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Action("payment", lambda self: self.services.pay(self.effect_id)),
    )


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_answer_is_shown_and_nothing_written(
    any_redis: Redis, prefix: str, listed: Callable[..., Result], form: tuple[str, ...]
) -> None:
    talk = Talk(any_redis, prefix, [Secretive], services=Bank(ACCEPTS))
    talk.says("secretive", SECRET)
    before = all_that_is_stored(talk)
    result = listed(*form)
    plainly(result, 0, "secretive", "payment")
    assert SECRET not in result.output
    assert all_that_is_stored(talk) == before


# -- how it looks -----------------------------------------------------------------------------------------------------


def shown(width: int, *effects: OpenEffect, is_terminal: bool = True) -> str:
    """What a terminal of that width, or a pipe, is given; without the colours."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None, highlight=False, _environ={}
    )
    show(effects, console)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200, 300])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_nothing_that_is_copied_is_cut_or_broken_however_narrow_it_is(width: int, is_terminal: bool) -> None:
    lines = shown(width, AN_EFFECT, evolve(AN_EFFECT, member_id="m2"), is_terminal=is_terminal).splitlines()
    assert len([line for line in lines if AN_EFFECT.effect_id in line.split()]) == 2
    assert len([line for line in lines if AN_EFFECT.member_id in line.split()]) == 1
    assert "".join(lines).isascii()


def test_a_wide_terminal_and_a_pipe_have_a_line_for_each_and_a_narrow_one_has_lines_that_fit() -> None:
    both = (AN_EFFECT, evolve(AN_EFFECT, until=LATER, since=None, is_over=True))
    wide, piped, narrow = shown(250, *both), shown(80, *both, is_terminal=False), shown(80, *both)
    assert len(wide.splitlines()) == len(piped.splitlines()) == 3
    assert [line.rstrip() for line in wide.splitlines()] == [line.rstrip() for line in piped.splitlines()]
    assert all(len(line) <= 80 for line in narrow.splitlines())
    for told in (wide, piped, narrow):
        assert "since 2030-01-02 03:04:05Z" in told
        assert "until 2030-01-02 03:04:05Z (over)" in told
        assert "paying.payment" in told


def test_what_was_stored_does_nothing_to_a_terminal() -> None:
    wild = evolve(AN_EFFECT, flow_type="[red]pay", place="\x1b[2Jpay\nment", effect_id="a:smile:[b]\x07")
    for told in (shown(80, wild), shown(300, wild)):
        assert "\x1b" not in told
        assert "\x07" not in told
        assert "[red]pay" in told
        assert r"\x1b[2Jpay\nment" in told
        assert r"a:smile:[b]\x07" in told


# -- asked wrongly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (("effects", "--redis", ADDRESS), 1, "Redis did not do EVAL"),
        (("effects", "--redis", f"http://:{PASSWORD}@localhost"), 2, "no address of a store"),
        (("effects", "--redis", f"redis://:{PASSWORD}?x=1@localhost"), 2, "no address of a store"),
        (("effects", "--redis", PASSWORD), 2, "no address of a store"),
        (("effects", "--redis", ADDRESS, "--prefix", "{x}"), 2, "--prefix: the prefix of the keys"),
        (("effects",), 2, "Missing option '--redis'"),
        (("effects", ADDRESS), 2, "an address belongs behind --redis"),
        (("effects", "--redis", URL, ADDRESS), 2, "an address belongs behind --redis"),
        (("effects", "--json", ADDRESS), 2, "an address belongs behind --redis"),
        (("effects", "--redis", ADDRESS, "--limit", ADDRESS), 2, "an address belongs behind --redis"),
        (("effects", "--redis", ADDRESS, "resolve", "b:r", "m", "e", "done", "--reason", "x"), 2, "has its own store"),
        (("effects", "resolve", ADDRESS, "m", "e", "done", "--reason", "x"), 2, "a runner has its own store"),
        (("effects", "resolve", "b:r", "m", "e", ADDRESS, "--reason", "x"), 2, "an address belongs"),
        (("effects", "resolve", "b:r", "m", "e", "done", ADDRESS, "--reason", "x"), 2, "an address belongs"),
        (("effects", "resolve", "--redis", ADDRESS), 2, "No such option"),
        (("effects", "resolve", "b:r", "m", "e", "done"), 2, "Missing option '--reason'"),
        (("effects", "resolve", "b:r", "m", "e", "done", "--reason", " "), 2, "says nothing"),
        (("effects", "resolve", "b:r", "m", "e", "done", "--reason", "\udcff"), 2, "is no text"),
        (("effects", "resolve", "b:r", "m", "e", "perhaps", "--reason", "x"), 2, "perhaps"),
        (("effects", "resolve", "b:r", "m", "e", "done", "--reason", "x", "--value", "{"), 2, "is no JSON"),
        (("effects", "resolve", "b:r", "m", "e", "done", "--reason", "x", "--told", "x"), 2, "--told goes with"),
        (("effects", "resolve", "b:r", "m", "e", "refused", "--reason", "x", "--value", "1"), 2, "--value goes with"),
        (("effects", "--redis", ADDRESS, "abandon", "m", "e", "--reason", "x"), 2, "say --redis behind it"),
        (("effects", "abandon", "m", "e", "--reason", "x"), 2, "Missing option '--redis'"),
        (("effects", "abandon", "--redis", ADDRESS, "m", "e"), 2, "Missing option '--reason'"),
        (("effects", "abandon", "--redis", ADDRESS, "m", "e", "--reason", " "), 2, "says nothing"),
        (("effects", "abandon", "--redis", ADDRESS, "m", "--reason", "x"), 2, "Missing argument 'EFFECT'"),
        (("effects", "abandon", "--redis", URL, "m", "e", ADDRESS, "--reason", "x"), 2, "an address belongs"),
        (("effects", "abandon", "--redis", PASSWORD, "m", "e", "--reason", "x"), 2, "no address of a store"),
        (("effects", "abandon", "--redis", ADDRESS, "m", "e", "--reason", "x"), 1, "Redis did not do EVAL"),
        (("effects", "abandon", "--redis", ADDRESS, "m {e}", "e", "--reason", "x"), 2, "no braces"),
        (("effects", "resolve", "nowhere:r", "m", "e", "done", "--reason", "x"), 2, "there is no such module"),
    ],
)
def test_what_was_asked_wrongly_is_told_in_a_line_and_no_password_with_it(
    arguments: tuple[str, ...], code: int, wanted: str
) -> None:
    result = run(*arguments)
    plainly(result, code, wanted)
    assert PASSWORD not in result.output


@pytest.mark.real_redis
def test_a_process_of_its_own_lists_the_store_at_an_address(redis_client: Redis, redis_url: str, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    effect_id = left_open(talk_to(redis_client, prefix, bank), bank, "pay", "5", "yes")
    command = [sys.executable, "-m", "fsmflow", "effects", "--redis", redis_url, "--prefix", prefix]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["EFFECT", effect_id]


# -- closing one ------------------------------------------------------------------------------------------------------


class Priced(Flow):
    """What is kept of its payment is an amount."""

    flow_type = "priced"
    steps = (
        Action("payment", lambda self: self.services.pay(self.effect_id), returns=Decimal),
        Step(id="note", type=StepType.TEXT, message="A note?"),
    )


class Failing(Flow):
    """It cannot say what comes after its payment."""

    flow_type = "failing"

    def words(self) -> str:
        raise LookupError(SECRET)

    steps = (
        Action("payment", lambda self: self.services.pay(self.effect_id)),
        Step(id="note", type=StepType.TEXT, message=words),
    )


ALL = (*FLOWS, Priced, Failing)


@pytest.fixture(params=["sync", "async"])
def bot(
    request: pytest.FixtureRequest, any_redis: Redis, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The file of an application whose runner is on the store at hand, of each side in turn."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    told = any_redis.connection_pool.connection_kwargs

    def client(real: Any, fake: Any) -> Any:
        if "server" in told:
            return fake(server=told["server"])
        return real(**{name: told[name] for name in ("host", "port", "db", "username", "password") if told.get(name)})

    def make() -> FlowRunner | AsyncFlowRunner:
        if request.param == "sync":
            manager = FlowStateManager(client(Redis, fakeredis.FakeRedis), prefix=prefix)
            return FlowRunner(manager, ALL, services=Bank())
        awaited = AsyncFlowStateManager(client(AsyncRedis, fakeredis.FakeAsyncRedis), prefix=prefix)
        return AsyncFlowRunner(awaited, ALL, services=Bank())

    at_hand.update(make=make, sent=[], is_sync=request.param == "sync")
    path = tmp_path / f"bot_{prefix.replace('-', '_')}.py"
    path.write_text(BOT, encoding="utf-8")
    yield str(path)
    sys.modules.pop(path.stem, None)
    at_hand.clear()


def resolve(bot: str, member: str, effect_id: str, *arguments: str) -> Result:
    """The command that closes an effect, in what might be a process of its own."""
    sys.modules.pop(Path(bot).stem, None)
    return run("effects", "resolve", f"{bot}:runner", member, effect_id, *arguments, "--by", "ann", "--reason", "seen")


def resolved(talk: Talk) -> list[tuple[str, str | None]]:
    """What the trail says of effects that were closed from outside."""
    history = talk.manager.history(talk.member_id)
    return [(entry.status, entry.reason) for entry in history if entry.event_type == "effect_resolved"]


@pytest.mark.parametrize("script", [ACCEPTS, FAILS, DIES])
def test_what_was_done_is_closed_and_what_is_to_be_sent_is_printed(
    any_redis: Redis, prefix: str, bot: str, script: str
) -> None:
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    talk.ages(minutes=1)
    result = resolve(bot, talk.member_id, effect_id, "done", "--value", '"receipt 7"')
    plainly(result, 0)
    line = json.loads(result.stdout)
    assert (line["kind"], line["member_id"], line["step_id"]) == ("effect", talk.member_id, "note")
    assert line["channel"] == {"type": "console", "identifier": "ann"}
    assert [message["body"] for message in line["messages"]] == ["A note?"]
    assert (open_effect(talk), talk.data["payment"]) == ([], "receipt 7")
    assert resolved(talk) == [("success", "ann: seen")]


@pytest.mark.parametrize(
    ("told", "words"),
    [((), "This was not done."), (("--told", "The bank has no such account."), "The bank has no such account.")],
)
def test_what_was_refused_is_closed_and_its_member_told_what_is_to_be_told_and_not_the_reason(
    any_redis: Redis, prefix: str, bot: str, told: tuple[str, ...], words: str
) -> None:
    bank = Bank(FAILS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    result = resolve(bot, talk.member_id, effect_id, "refused", *told)
    plainly(result, 0)
    (message,) = json.loads(result.stdout)["messages"]
    assert message["body"] == f"{words}\n\nPay 5?"
    assert resolved(talk) == [("refused", "ann: seen")]


@pytest.mark.parametrize("sender", ["send", "awaited"])
def test_what_is_to_be_sent_is_handed_to_a_function(any_redis: Redis, prefix: str, bot: str, sender: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    result = resolve(bot, talk.member_id, effect_id, "done", "--send", f"{bot}:{sender}")
    if sender == "awaited" and at_hand["is_sync"]:
        plainly(result, 2, "takes an AsyncFlowRunner")
        assert open_effect(talk)[4] == effect_id
        return
    plainly(result, 0)
    (due,) = at_hand["sent"]
    assert isinstance(due, Due)
    assert (due.reply.step_id, result.stdout) == ("note", "")


def test_what_could_not_be_sent_is_said_and_the_effect_is_closed(any_redis: Redis, prefix: str, bot: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    result = resolve(bot, talk.member_id, effect_id, "done", "--send", f"{bot}:broken")
    plainly(result, 1, "closed, but what the member is to be told was not sent")
    assert "an answer" not in result.output
    assert open_effect(talk) == []


def test_what_is_not_open_or_not_any_more_is_said_plainly_and_nothing_is_done(
    any_redis: Redis, prefix: str, bot: str
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    plainly(resolve(bot, talk.member_id, "another", "done"), 1, "is not open, or not any more: nothing was done")
    plainly(resolve(bot, "nobody", effect_id, "done"), 1, "is not open, or not any more: nothing was done")
    talk.runner.resolve(talk.member_id, effect_id, Done("first"))
    before = all_that_is_stored(talk)
    result = resolve(bot, talk.member_id, effect_id, "refused")
    plainly(result, 1, "is not open, or not any more: nothing was done")
    assert all_that_is_stored(talk) == before
    assert talk.data["payment"] == "first"


def test_a_run_that_cannot_be_read_is_said_to_be_open_still(any_redis: Redis, prefix: str, bot: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    any_redis.hset(talk.key, "flow_data", b"{")
    plainly(resolve(bot, talk.member_id, effect_id, "done"), 1, "open still", "fsmflow effects abandon")
    assert open_effect(talk)[4] == effect_id


def test_a_flow_whose_words_fail_has_the_effect_closed_all_the_same(any_redis: Redis, prefix: str, bot: str) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, ALL, services=bank)
    effect_id = left_open(talk, bank, "failing")
    result = resolve(bot, talk.member_id, effect_id, "done")
    plainly(result, 0)
    assert "This is done." in result.output
    assert SECRET not in result.output
    assert resolved(talk) == [("success", "ann: seen")]
    assert open_effect(talk) == []


def test_a_line_that_cannot_be_read_is_closed_by_an_empty_id(any_redis: Redis, prefix: str, bot: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    any_redis.hset(talk.key, "pending", b"\xff\xfe")
    plainly(resolve(bot, talk.member_id, "", "done"), 0)
    assert open_effect(talk) == []


@pytest.mark.parametrize("outcome", ["done", "refused"])
def test_one_whose_worker_may_be_at_it_is_closed_only_by_force(
    any_redis: Redis, prefix: str, bot: str, outcome: str
) -> None:
    bank = Bank(DIES)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    before = all_that_is_stored(talk)
    found = talk.manager.open_effect(talk.member_id)
    assert found is not None
    assert found.until is not None
    held = f"is still held until {found.until:%Y-%m-%d %H:%M:%SZ}; its worker may be at it: wait, or"
    plainly(resolve(bot, talk.member_id, effect_id, outcome), 1, held, "--force")
    assert all_that_is_stored(talk) == before
    plainly(resolve(bot, talk.member_id, "another", outcome), 1, "is not open")
    plainly(resolve(bot, talk.member_id, effect_id, outcome, "--force"), 0)
    assert open_effect(talk) == []


@pytest.mark.parametrize("script", [DIES, FAILS])
def test_one_that_nobody_is_at_any_more_is_closed_without_it(
    any_redis: Redis, prefix: str, bot: str, script: str
) -> None:
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "payknown", "5", "yes")
    if script == DIES:
        talk.ages(minutes=1)  # what nobody knows of is left alone for a while, and held by nobody
    plainly(resolve(bot, talk.member_id, effect_id, "refused"), 0)
    assert open_effect(talk) == []


# -- what is kept of it -----------------------------------------------------------------------------------------------


def test_what_is_kept_is_of_the_type_that_the_action_says(any_redis: Redis, prefix: str, bot: str) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, ALL, services=bank)
    effect_id = left_open(talk, bank, "priced")
    plainly(resolve(bot, talk.member_id, effect_id, "done", "--value", '"12.50"'), 0)
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert flow.data["payment"] == Decimal("12.50")


@pytest.mark.parametrize(
    "value", [(), ("--value", f'"{SECRET}"'), ("--value", "[1]"), ("--value", "null"), ("--value", '"NaN"')]
)
def test_what_is_of_another_type_closes_nothing_and_is_not_repeated(
    any_redis: Redis, prefix: str, bot: str, value: tuple[str, ...]
) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, ALL, services=bank)
    effect_id = left_open(talk, bank, "priced")
    before = all_that_is_stored(talk)
    result = resolve(bot, talk.member_id, effect_id, "done", *value)
    plainly(result, 2, "--value: what payment keeps is of the type Decimal")
    assert SECRET not in result.output
    assert all_that_is_stored(talk) == before


# -- who said it ------------------------------------------------------------------------------------------------------


def test_who_says_it_is_whoever_is_logged_in_unless_it_is_said(
    any_redis: Redis, prefix: str, bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "bob")
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    result = run("effects", "resolve", f"{bot}:runner", talk.member_id, effect_id, "done", "--reason", "seen")
    plainly(result, 0)
    assert resolved(talk) == [("success", "bob: seen")]


def test_where_nobody_is_known_to_be_logged_in_it_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    result = run("effects", "resolve", "nowhere:runner", "m", "e", "done", "--reason", "seen")
    plainly(result, 2, "say it with --by")

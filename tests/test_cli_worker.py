"""``fsmflow worker``: a process of its own, that looks after members until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from tests.talking import Talk
from tests.test_due import Asked

pytestmark = pytest.mark.real_redis
ROOT = Path(__file__).parent.parent
PATIENCE = 30  # seconds: a worker that has said nothing for so long never will

BOT = """
import os
from fsmflow import {runner}, {manager}
from tests.test_due import Asked
runner = {runner}({manager}.from_url(os.environ["WORKER_REDIS"] + "?socket_timeout=10", prefix="{prefix}"), [Asked])
sent = []

def told(due):
    print("sent", due.kind, due.reply.member_id, len(due.reply.messages), flush=True)

async def awaited(due):
    told(due)

def broken(due):
    raise RuntimeError("with an answer in it")
"""


@contextmanager
def working(folder: Path, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A worker process; it is killed if it has not ended."""
    command = [sys.executable, "-m", "fsmflow", "worker", *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "WORKER_REDIS": url}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def bot(folder: Path, prefix: str, side: str) -> None:
    """Writes the module of the bot."""
    asynchronous = "Async" if side == "async" else ""
    names = {"runner": f"{asynchronous}FlowRunner", "manager": f"{asynchronous}FlowStateManager", "prefix": prefix}
    (folder / "bot.py").write_text(BOT.format(**names), encoding="utf-8")


def waiting(redis_client: Redis, prefix: str) -> Talk:
    """A member of whom nothing was heard for a minute."""
    talk = Talk(redis_client, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    return talk


def first_line(process: subprocess.Popen[str]) -> str:
    """What it prints first; it may take as long as the process lives."""
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("told_to_stop_by", [signal.SIGTERM, signal.SIGINT])
def test_it_reminds_prints_what_is_to_be_sent_and_stops_when_it_is_told(
    tmp_path: Path, redis_client: Redis, redis_url: str, prefix: str, side: str, told_to_stop_by: signal.Signals
) -> None:
    talk = waiting(redis_client, prefix)
    bot(tmp_path, prefix, side)
    with working(tmp_path, redis_url, "bot:runner", "--interval", "0.05") as process:
        line = json.loads(first_line(process))
        process.send_signal(told_to_stop_by)
        out, log = process.communicate(timeout=PATIENCE)
    assert (line["kind"], line["member_id"], line["step_id"]) == ("reminder", talk.member_id, "handle")
    assert line["channel"] == {"type": "console", "identifier": "ann"}
    assert [message["body"] for message in line["messages"]] == ["Are you still there?\n\nTo which handle?"]
    assert (out, process.returncode) == ("", 0)
    assert log.rstrip().endswith("stopped")
    assert "Traceback" not in log


@pytest.mark.parametrize(("side", "sender"), [("sync", "told"), ("async", "told"), ("async", "awaited")])
def test_it_hands_what_was_done_to_a_function(
    tmp_path: Path, redis_client: Redis, redis_url: str, prefix: str, side: str, sender: str
) -> None:
    talk = waiting(redis_client, prefix)
    bot(tmp_path, prefix, side)
    with working(tmp_path, redis_url, "bot:runner", "--send", f"bot:{sender}", "--once") as process:
        out, log = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == (f"sent reminder {talk.member_id} 1\n", 0)
    assert "reminder sent" in log


def test_a_function_that_fails_stops_nothing_and_its_words_are_in_no_log(
    tmp_path: Path, redis_client: Redis, redis_url: str, prefix: str
) -> None:
    waiting(redis_client, prefix)
    bot(tmp_path, prefix, "sync")
    with working(tmp_path, redis_url, "bot:runner", "--send", "bot:broken", "--once") as process:
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "reminder not sent: RuntimeError" in log
    assert "an answer" not in log


def test_of_many_members_each_is_reminded_once_by_one_of_several_processes(
    tmp_path: Path, redis_client: Redis, redis_url: str, prefix: str
) -> None:
    talk = Talk(redis_client, prefix, [Asked])
    members = [f"m{number}" for number in range(200)]
    for member in members:
        talk.sends(talk.message("asked", member_id=member))
    talk.ages(minutes=1)
    bot(tmp_path, prefix, "sync")
    arguments = ("bot:runner", "--send", "bot:told", "--interval", "0.05", "--limit", "50")
    with working(tmp_path, redis_url, *arguments) as one, working(tmp_path, redis_url, *arguments) as other:
        while talk.manager.overdue(limit=1):
            pass
        for process in (one, other):
            process.send_signal(signal.SIGTERM)
        told = [line for each in (one, other) for line in each.communicate(timeout=PATIENCE)[0].splitlines()]
    assert sorted(told) == sorted(f"sent reminder {member} 1" for member in members)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("bot",), "must be a module"),
        (("bot:nothing",), "there is no nothing in it"),
        (("bot:told",), "is no FlowRunner"),
        (("nowhere:runner",), "there is no such module"),
        (("bot:runner", "--send", "bot:sent"), "cannot be called"),
        (("bot:runner", "--send", "bot:awaited"), "takes an AsyncFlowRunner"),
    ],
)
def test_what_was_asked_wrongly_is_told_in_a_line(
    tmp_path: Path, redis_url: str, prefix: str, arguments: tuple[str, ...], wanted: str
) -> None:
    bot(tmp_path, prefix, "sync")
    with working(tmp_path, redis_url, *arguments) as process:
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert wanted in log
    assert "Traceback" not in log


def test_a_redis_that_does_not_answer_is_asked_again(tmp_path: Path, prefix: str) -> None:
    bot(tmp_path, prefix, "sync")
    with working(tmp_path, "redis://127.0.0.1:1", "bot:runner", "--interval", "0.05") as process:
        assert process.stderr is not None
        warned = 0
        while warned < 2:
            warned += "nothing is looked after" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0

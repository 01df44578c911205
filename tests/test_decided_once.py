"""Both nets for duplicates, as the keys of the store hold them; and many workers at one member at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from fsmflow import audit
from fsmflow.exchange import Send, Wish
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Channel, Inbound, Reply
from tests.commits import MEMBER, LongFlow, runner_on, say, words

WORKERS = 8


class Counting(FlowStateManager):
    """Counts the commits that are sent."""

    commits = 0

    def _perform(self, wish: Wish) -> Any:
        self.commits += isinstance(wish, Send) and wish.command[0] == "EVALSHA"
        return super()._perform(wish)


@pytest.fixture
def manager(any_redis: redis.Redis, prefix: str) -> Counting:
    return Counting(any_redis, prefix=prefix)


def test_the_hash_answers_for_the_last_few_messages_without_a_commit(manager: Counting) -> None:
    runner = runner_on(manager)
    replies = [say(runner, str(number), text) for number, text in enumerate(("offer", "12", "joe"))]
    before, sent = manager.load(MEMBER).raw, manager.commits
    latest = say(runner, "2", "joe")
    assert (latest.messages, latest.status, latest.step_id) == (replies[2].messages, "in_progress", "confirm")
    assert (latest.duplicate, replies[2].duplicate) == (True, False)
    for number in (0, 1):
        earlier = say(runner, str(number), "anything")
        assert (earlier.messages, earlier.status, earlier.duplicate) == ((), "duplicate", True)
        assert (earlier.flow_id, earlier.step_id) == (f"offer_{MEMBER}", "confirm")
    assert manager.commits == sent
    assert manager.load(MEMBER).raw == before


def test_the_sorted_set_answers_for_what_the_hash_has_forgotten(manager: Counting) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "1", "back", "2", "back", "3")):
        say(runner, str(number), text)
    before, sent = manager.load(MEMBER), manager.commits
    assert len(before.recent) < 6
    again = say(runner, "1", "1")
    assert (again.messages, again.status, again.duplicate) == ((), "duplicate", True)
    assert manager.commits == sent + 1
    assert manager.load(MEMBER).raw == before.raw


@pytest.mark.parametrize("damage", [{"recent": b"\xff"}, {"reply": b"[7"}])
def test_a_duplicate_is_known_whatever_of_its_memory_is_damaged(
    any_redis: redis.Redis, manager: Counting, damage: dict[str, bytes]
) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "1")):
        say(runner, str(number), text)
    for name, value in damage.items():
        any_redis.hset(manager.layout.keys(MEMBER).state, name, value)
    again = say(runner, "1", "1")
    assert (again.messages, again.duplicate) == ((), True)


def test_the_same_id_on_another_channel_is_another_message(manager: Counting) -> None:
    runner = runner_on(manager)
    say(runner, "1", "offer")
    other = Channel("whatsapp", "+15550001111")
    assert not runner.handle(Inbound(other, "1", "12", member_id=MEMBER)).duplicate


def test_eight_workers_with_one_message_in_common_decide_each_message_once(manager: Counting) -> None:
    runner = runner_on(manager, LongFlow)
    say(runner, "start", "long")
    version = manager.load(MEMBER).version
    together = threading.Barrier(WORKERS)

    def deliver(worker: int) -> tuple[Reply, Reply]:
        together.wait()
        return say(runner, "common", "common"), say(runner, f"own {worker}", f"own {worker}")

    with ThreadPoolExecutor(WORKERS) as pool:
        replies = list(pool.map(deliver, range(WORKERS)))

    assert [common.duplicate for common, _ in replies].count(False) == 1
    assert all(not own.duplicate and words(own).startswith("Question") for _, own in replies)
    assert len({words(own) for _, own in replies}) == WORKERS
    state = manager.load(MEMBER)
    assert state.flow_data is not None
    assert state.version == version + WORKERS + 1
    assert sorted(state.flow_data.data.values()) == sorted(["common", *(f"own {each}" for each in range(WORKERS))])

    moves = [entry for entry in manager.history(MEMBER) if entry.event_type == audit.TRANSITION]
    assert [(entry.from_state, entry.to_state) for entry in moves] == [
        (f"s{number}", f"s{number + 1}") for number in range(WORKERS + 1)
    ]
    assert [entry.version for entry in moves] == list(range(version + 1, version + WORKERS + 2))
    assert len({entry.message_id for entry in moves}) == WORKERS + 1

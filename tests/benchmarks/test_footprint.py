"""What a member costs between two messages: bytes of Redis, by key.

Asked of a real server, by ``MEMORY USAGE``: what its data structures and its allocator add to what is stored is most of
a small hash.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from examples.offer import flows, services
from fsmflow import Channel, FlowRunner, FlowStateManager, Inbound
from tests.benchmarks.table import Row, size

PHONE = Channel("whatsapp", "15550001111")
AT_SECOND_QUESTION = ("offer", "100")
COMPLETED = (*AT_SECOND_QUESTION, "ama_k", "Confirm")


def bytes_by_key(redis: Redis, prefix: str, said: tuple[str, ...]) -> tuple[str | None, dict[str, int]]:
    """Where a conversation got to, and how many bytes its member's keys have."""
    manager = FlowStateManager(redis, prefix=prefix)
    runner = FlowRunner(manager, flows, services=services)
    step_id = None
    for number, text in enumerate(said):
        # as long as an id of WhatsApp's; what is kept of it is a hash
        step_id = runner.handle(Inbound(PHONE, f"wamid.{number:056}", text)).step_id
    keys = manager.layout.keys(f"{PHONE.type}:{PHONE.identifier}")
    usage: dict[str, Any] = {
        name: redis.memory_usage(key, samples=0)
        for name, key in (("hash", keys.state), ("known messages", keys.seen), ("trail", keys.audit))
    }
    return step_id, usage


def test_a_member_at_the_second_question(redis_client: Redis, prefix: str, rows: list[Row]) -> None:
    step_id, usage = bytes_by_key(redis_client, prefix, AT_SECOND_QUESTION)
    assert step_id == "handle"
    rows.append(size("hash of a member at the second question of an offer", usage["hash"], aim="≤ 700 bytes"))


def test_a_member_who_completed_an_offer(redis_client: Redis, prefix: str, rows: list[Row]) -> None:
    step_id, usage = bytes_by_key(redis_client, prefix, COMPLETED)
    assert step_id == "completed"
    rows.append(size("hash of a member who completed it", usage["hash"], aim="≤ 700 bytes"))
    rows.append(size("beside it: the messages that are known", usage["known messages"]))
    rows.append(size("beside it: the trail", usage["trail"]))

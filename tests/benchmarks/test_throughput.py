"""How many messages a second one process answers while two hundred members talk at once, beside aiogram's FSM.

Both have the same conversation (`offering`, `aiogram_bot`), the same Redis, a client of `redis.asyncio` that is made
alike, hiredis, asyncio's own event loop, and messages that are parsed already; neither sends its replies anywhere. A
round is two hundred conversations side by side, each of four messages, one after the other's answer; the rounds of all
contenders take turns. aiogram stands here twice: as its documentation has it, and made to keep what fsmflow keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import count
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis.asyncio import Redis

from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, Channel, Inbound
from tests.benchmarks.comparing import Contender, in_turns
from tests.benchmarks.offering import SAID, OfferFlow
from tests.benchmarks.table import Row, ratio_of_rates

MEMBERS = 200
MESSAGES = MEMBERS * len(SAID)
ROUNDS = 20

Handle = Callable[[Any], Awaitable[Any]]


class Crowd:
    """Members who talk at once; one of its rounds is prepared, and then talked through.

    Args:
        handle: What answers a message.
        message: Makes the message of a member who says something.
        loop: Where it runs.
    """

    def __init__(self, handle: Handle, message: Callable[[int, str], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.handle, self.message, self.loop = handle, message, loop
        self.conversations: list[list[Any]] = []
        self.answered: list[Any] = []

    def prepares(self) -> None:
        """Writes the messages of a round."""
        self.conversations = [[self.message(member, text) for text in SAID] for member in range(1, MEMBERS + 1)]

    def talks(self) -> None:
        """Sends them, each member's one after the other's answer and all members' at once."""
        self.answered = self.loop.run_until_complete(self._all())

    async def _all(self) -> list[Any]:
        return await asyncio.gather(*map(self._one, self.conversations))

    async def _one(self, messages: Sequence[Any]) -> Any:
        answer = None
        for message in messages:
            answer = await self.handle(message)
        return answer


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop, of asyncio's own kind."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def client(redis_url: str, redis_client: Any, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], Redis]]:  # noqa: ARG001 - empties the server and tidies up
    """Makes a client: all alike, with room for a connection for each conversation."""
    made: list[Redis] = []

    def make() -> Redis:
        made.append(Redis.from_url(redis_url, max_connections=MEMBERS))
        return made[-1]

    yield make
    for each in made:
        loop.run_until_complete(each.aclose())


def crowd_of_fsmflow(redis: Redis, prefix: str, loop: asyncio.AbstractEventLoop) -> Crowd:
    """Members who talk to fsmflow."""
    runner = AsyncFlowRunner(AsyncFlowStateManager(redis, prefix=prefix), [OfferFlow])
    numbers = count()

    def message(member: int, text: str) -> Inbound:
        sent_at = datetime.now(timezone.utc).replace(microsecond=0)
        return Inbound(Channel("whatsapp", f"1555{member:07}"), f"wamid.{next(numbers)}", text, sent_at=sent_at)

    return Crowd(runner.handle, message, loop)


def crowd_of_aiogram(redis: Redis, prefix: str, loop: asyncio.AbstractEventLoop, *, keeps_more: bool) -> Crowd:
    """Members who talk to a bot of aiogram; without aiogram the test is skipped."""
    pytest.importorskip("aiogram", reason="aiogram is not installed: pip install '.[benchmark]'")
    from tests.benchmarks.aiogram_bot import OfferBot

    bot = OfferBot(redis, prefix, keeps_more=keeps_more)
    return Crowd(bot.handle, bot.update, loop)


def test_throughput_beside_aiogram(
    benchmark: BenchmarkFixture,
    client: Callable[[], Redis],
    prefix: str,
    loop: asyncio.AbstractEventLoop,
    rows: list[Row],
) -> None:
    own = crowd_of_fsmflow(client(), prefix, loop)
    documented = crowd_of_aiogram(client(), f"{prefix}-documented", loop, keeps_more=False)
    keeping = crowd_of_aiogram(client(), f"{prefix}-keeping", loop, keeps_more=True)
    _, timings = in_turns(
        benchmark,
        Contender(f"messages of {MEMBERS} members at once, fsmflow", own.talks, own.prepares, MESSAGES),
        Contender("aiogram as documented", documented.talks, documented.prepares, MESSAGES),
        Contender("aiogram that keeps as much", keeping.talks, keeping.prepares, MESSAGES),
        rounds=ROUNDS,
        warmup_rounds=2,
    )
    assert {reply.status for reply in own.answered} == {"completed"}
    assert {reply.messages[0].body for reply in own.answered} == {"The offer of 12 is made."}
    assert documented.answered == keeping.answered == ["The offer of 12 is made."] * MEMBERS
    fsmflow, as_documented, that_keeps = timings
    rows.append(ratio_of_rates(fsmflow, as_documented, aim="≥ 3"))
    rows.append(ratio_of_rates(fsmflow, that_keeps, aim="≥ 3"))


@pytest.mark.parametrize(
    ("keeps_more", "said", "records"), [(False, "An amount has digits only.\n\nHow much?", 0), (True, "How much?", 1)]
)
def test_only_the_bot_that_keeps_as_much_knows_a_message_again(
    client: Callable[[], Redis], prefix: str, loop: asyncio.AbstractEventLoop, keeps_more: bool, said: str, records: int
) -> None:
    redis = client()
    crowd = crowd_of_aiogram(redis, prefix, loop, keeps_more=keeps_more)
    message = crowd.message(1, SAID[0])
    answers = [loop.run_until_complete(crowd.handle(message)) for _ in range(2)]
    assert answers == ["How much?", said]
    assert loop.run_until_complete(redis.xlen(f"{prefix}:audit:1")) == records

"""Workers that are real processes, racing and dying: each message is decided once, and nothing is lost.

After each race the store and what clients were told are judged by `tests.invariants`. In which order things happen is
said here, by stopping workers at a point of their turn (`tests.workers`); nothing is left to chance but what Redis does
with commands that are on their way at the same time, of which every order must do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import redis

from fsmflow import Channel
from fsmflow.codec import RECENT_LIMIT
from fsmflow.store import SCRIPT
from tests.commits import CHANNEL
from tests.crew import DONE, Race, racing
from tests.proxy import ANSWER, PART_OF_THE_ANSWER, WHAT_IS_CUT, CuttingProxy, cutting_proxy
from tests.redis_server import RedisServer, running_server
from tests.sides import SIDES
from tests.workers import COMMIT

pytestmark = pytest.mark.real_redis

CONVERSATION = ("offer", "12", "joe", "yes")


@pytest.fixture(params=SIDES)
def race(request: pytest.FixtureRequest, redis_client: redis.Redis, redis_url: str, prefix: str) -> Iterator[Race]:
    """A race on the Redis that all tests share; its client is what empties it."""
    assert redis_client.ping()
    with racing(request.param, redis_url, prefix) as race:
        yield race


@pytest.fixture(params=SIDES)
def race_of_its_own(request: pytest.FixtureRequest, server: RedisServer, prefix: str) -> Iterator[Race]:
    """A race on a Redis of its own."""
    with racing(request.param, server.url, prefix) as race:
        yield race


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis that may be stopped, and keeps over it what it has answered to."""
    with running_server("--appendonly", "yes") as server:
        yield server


# -- at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deliveries", [2, 4])
def test_a_message_that_is_given_to_several_workers_is_decided_by_one(race: Race, deliveries: int) -> None:
    workers = [race.worker() for _ in range(deliveries)]
    for text in ("offer", "12", "back", "many", "help", "13", "joe", "yes", "hello"):
        inbound = race.message(text)
        for worker in workers:
            worker.is_given(inbound, stops_at=COMMIT)  # each has loaded before any commits
        for worker in workers:
            worker.goes_on()
        replies = [race.told(inbound, worker.tells()) for worker in workers]
        assert sorted(reply.duplicate for reply in replies) == [False] + [True] * (deliveries - 1)
        assert replies[0].messages
        assert len({reply.messages for reply in replies}) == 1
    race.holds()


AT_ONCE = (
    ("a", "b"),
    ("a", "b", "c", "d"),
    ("a", "back"),
    ("a", "back", "b", "back"),
    ("a", "cancel"),
    ("a", "restart", "b"),
    ("a", "help", "help", "b"),
)


@pytest.mark.parametrize("texts", AT_ONCE, ids=" ".join)
def test_different_messages_of_one_member_at_once_are_decided_one_after_the_other(
    race: Race, texts: tuple[str, ...]
) -> None:
    workers = [race.worker() for _ in texts]
    race.says(workers[0], "long", "x", "y")
    inbounds = [race.message(text) for text in texts]
    for inbound, worker in zip(inbounds, workers, strict=True):
        worker.is_given(inbound, stops_at=COMMIT)
    for worker in workers:
        worker.goes_on()
    for inbound, worker in zip(inbounds, workers, strict=True):
        assert not race.told(inbound, worker.tells()).duplicate
    race.holds()


def test_first_messages_of_a_new_member_at_once_are_decided_one_after_the_other(race: Race) -> None:
    workers = [race.worker() for _ in range(3)]
    inbounds = [race.message(text) for text in ("long", "hello", "offer")]
    for inbound, worker in zip(inbounds, workers, strict=True):
        worker.is_given(inbound, stops_at=COMMIT)
    for inbound, worker in zip(inbounds, workers, strict=True):
        worker.goes_on()
        assert not race.told(inbound, worker.tells()).duplicate
    race.holds()


def test_a_worker_that_is_overtaken_by_many_messages_decides_its_own_no_more(race: Race) -> None:
    """The hash has forgotten that the message was decided; the sorted set has not."""
    slow, fast = race.worker(), race.worker()
    race.says(fast, "long")
    inbound = race.message("x")
    slow.is_given(inbound, stops_at=COMMIT)
    race.told(inbound, fast.answers(inbound))
    race.says(fast, *"a" * (RECENT_LIMIT + 1))
    slow.goes_on()
    assert race.told(inbound, slow.tells()).status == "duplicate"
    race.holds()


# -- the line is cut --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def steady_server() -> Iterator[RedisServer]:
    """A Redis that stays: what goes away is the line to it."""
    with running_server() as server:
        with redis.Redis.from_url(server.url) as client:
            client.script_load(SCRIPT)  # else the first EVALSHA is only told that there is no such script
        yield server


@pytest.fixture
def proxy(steady_server: RedisServer) -> Iterator[CuttingProxy]:
    """The line."""
    with cutting_proxy(steady_server.port) as proxy:
        yield proxy


@pytest.fixture(params=SIDES)
def race_over_a_line(request: pytest.FixtureRequest, steady_server: RedisServer, prefix: str) -> Iterator[Race]:
    """A race on that Redis; which of its workers are at the end of the line, the test says."""
    with racing(request.param, steady_server.url, prefix) as race:
        yield race


@pytest.mark.parametrize("lost", WHAT_IS_CUT)
def test_a_commit_that_is_cut_off_once_is_made_once_and_answered(
    race_over_a_line: Race, proxy: CuttingProxy, lost: str
) -> None:
    race, proxy.lost = race_over_a_line, lost
    worker = race.worker(proxy.url)
    for text in CONVERSATION:
        proxy.cuts = 1
        DONE["cuts"] += 1
        inbound = race.message(text)
        assert not race.told(inbound, worker.answers(inbound)).duplicate
        assert proxy.cuts == 0
    race.holds()


@pytest.mark.parametrize("lost", WHAT_IS_CUT)
def test_a_commit_that_is_always_cut_off_is_answered_when_the_message_is_delivered_again(
    race_over_a_line: Race, proxy: CuttingProxy, lost: str
) -> None:
    race, proxy.lost = race_over_a_line, lost
    cut_off, near = race.worker(proxy.url), race.worker()
    was_applied = lost in (ANSWER, PART_OF_THE_ANSWER)
    race.says(near, *CONVERSATION[:2])
    for text in CONVERSATION[2:]:
        proxy.cuts = 1000
        inbound = race.message(text)
        assert cut_off.answers(inbound) is None
        DONE["cuts"] += 1000 - proxy.cuts
        reply = race.told(inbound, near.answers(inbound))
        assert (reply.duplicate, reply.messages != ()) == (was_applied, True)
    race.holds()


def test_another_message_between_a_commit_and_its_repetition_is_not_in_its_way(
    race_over_a_line: Race, proxy: CuttingProxy
) -> None:
    race = race_over_a_line
    cut_off, near = race.worker(proxy.url), race.worker()
    race.says(near, "offer")
    inbound = race.message("12")
    proxy.cuts = 1
    DONE["cuts"] += 1
    cut_off.is_given(inbound, stops_at=COMMIT, time=2)  # it was applied, and is about to be sent again
    race.says(near, "joe")
    cut_off.goes_on()
    reply = race.told(inbound, cut_off.tells())
    assert (reply.messages, reply.status, reply.step_id) == ((), "duplicate", "confirm")
    race.holds()


# -- Redis goes away --------------------------------------------------------------------------------------------------


def test_a_redis_that_goes_away_between_load_and_commit_is_waited_for(
    race_of_its_own: Race, server: RedisServer
) -> None:
    race = race_of_its_own
    workers = [race.worker(), race.worker()]
    race.says(workers[0], "offer")
    for text in ("12", "joe", "yes"):
        inbound = race.message(text)
        for worker in workers:
            worker.is_given(inbound, stops_at=COMMIT)
        server.stop()
        for worker in workers:
            worker.goes_on()
        assert [worker.tells() for worker in workers] == [None, None]
        server.start()
        assert not race.told(inbound, workers[0].answers(inbound)).duplicate
        assert race.told(inbound, workers[1].answers(inbound)).duplicate
    race.holds()


def test_a_redis_that_is_back_before_the_commit_is_not_even_missed(race_of_its_own: Race, server: RedisServer) -> None:
    race = race_of_its_own
    worker = race.worker()
    race.says(worker, "offer")
    for text in ("12", "joe", "yes"):
        inbound = race.message(text)
        worker.is_given(inbound, stops_at=COMMIT)
        server.stop()
        server.start()
        worker.goes_on()
        assert not race.told(inbound, worker.tells()).duplicate
    race.holds()


@pytest.mark.parametrize("side", SIDES)
def test_over_a_redis_that_comes_back_empty_nothing_old_is_written(side: str, prefix: str) -> None:
    with running_server() as server, racing(side, server.url, prefix) as race:
        worker = race.worker()
        race.says(worker, "offer")
        race.answered.clear()  # what Redis has lost is lost
        inbound = race.message("12")
        worker.is_given(inbound, stops_at=COMMIT)
        server.stop()
        server.start()
        worker.goes_on()
        assert race.told(inbound, worker.tells()).status == "idle"
        race.holds()


def test_a_commit_that_a_stalled_redis_makes_after_all_is_made_once(race_of_its_own: Race, server: RedisServer) -> None:
    race = race_of_its_own
    worker, other = race.worker(options="socket_timeout=0.3"), race.worker()
    race.says(other, "offer")
    inbound = race.message("12")
    worker.is_given(inbound, stops_at=COMMIT)
    server.stall()
    worker.goes_on()
    assert worker.tells() is None  # it was sent, twice, and lies in the server's sockets
    server.resume()
    reply = race.told(inbound, other.answers(inbound))
    assert reply.messages
    race.says(other, "joe", "yes")
    race.holds()


def test_a_script_that_is_forgotten_between_load_and_commit_is_taught_again(
    race: Race, redis_client: redis.Redis
) -> None:
    workers = [race.worker(), race.worker()]
    for text in CONVERSATION:
        inbounds = [race.message(text), race.message("help")]
        for inbound, worker in zip(inbounds, workers, strict=True):
            worker.is_given(inbound, stops_at=COMMIT)
        redis_client.script_flush()
        for inbound, worker in zip(inbounds, workers, strict=True):
            worker.goes_on()
            assert not race.told(inbound, worker.tells()).duplicate
    race.holds()


# -- workers die ------------------------------------------------------------------------------------------------------

POINTS = [
    f"{place} {command}" for command in ("HGETALL", "EVALSHA") for place in ("before", "amid", "sent", "answered")
]
NOT_APPLIED = {*POINTS[:6], "judging"}
APPLIED = {"answered EVALSHA", "replying"}


@pytest.mark.parametrize(
    ("texts", "another"),
    [(("offer",), False), (("offer", "12"), False), (("offer", "12"), True), (CONVERSATION, False)],
    ids=["at the start", "at an answer", "at an answer beside another message", "at the end"],
)
def test_a_worker_that_is_killed_at_any_point_of_a_turn_loses_nothing_and_doubles_nothing(
    race: Race, texts: tuple[str, ...], another: bool
) -> None:
    survivor = race.worker()
    points = []
    for number in count(1):
        channel = Channel("console", f"{CHANNEL.identifier}{number}")
        race.says(survivor, *texts[:-1], channel=channel)
        inbound, beside = race.message(texts[-1], channel), race.message("help", channel)
        if another:
            survivor.is_given(beside, stops_at=COMMIT)
        point, reply = race.worker().dies_of(inbound, number)
        points.append(point)
        if another:
            survivor.goes_on()
            race.told(beside, survivor.tells())
        if point:
            reply = race.told(inbound, survivor.answers(inbound))
            assert point not in NOT_APPLIED or not reply.duplicate
            assert point not in APPLIED or reply.duplicate
            assert reply.messages or another
        else:
            race.told(inbound, reply)
        race.holds(channel)
        if not point:
            break
    assert points == [*POINTS[:4], *(["judging"] if texts[-1] == "12" else []), *POINTS[4:], "replying", ""]

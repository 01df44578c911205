"""Whatever client an application brings, and whatever it finds behind it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster

from fsmflow.async_manager import AsyncFlowStateManager
from fsmflow.errors import StoreUnavailable
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Channel, Inbound, Reply
from tests.commits import CHANNEL, MEMBER, OfferFlow, runner_on, say, words
from tests.redis_server import running_server
from tests.sides import as_if_sync, on_side, wait_for


def _converse(manager: FlowStateManager) -> None:
    """Everything that a manager does, once."""
    runner = runner_on(manager)
    assert "How much?" in words(say(runner, "1", "offer"))
    assert say(runner, "2", "much").status == "refused"
    assert "To whom?" in words(say(runner, "3", "12"))
    assert words(say(runner, "3", "12")) == "To whom?"
    say(runner, "4", "joe")
    say(runner, "5", "help")
    assert say(runner, "1", "offer").duplicate
    state = manager.load(MEMBER)
    assert (state.channel, state.unreadable) == (CHANNEL, ())
    assert len({entry.version for entry in manager.history(MEMBER)}) == 4
    found = manager.last_valid_state(MEMBER)
    assert found is not None
    assert found.flow_data == state.flow_data
    rolled = manager.rollback(MEMBER).flow_data
    assert rolled is not None
    assert rolled.step_id == "handle"
    damaged: Any = manager.redis.hset(manager.layout.keys(MEMBER).state, "flow_data", b"\xff damaged")
    if inspect.isawaitable(damaged):
        wait_for(damaged)
    assert say(runner, "6", "hello").status == "recovered"
    assert manager.load(MEMBER).unreadable == ()
    manager.clear(MEMBER)
    assert manager.load(MEMBER).raw == {}
    # so many that on either side some of them travel in one pipeline
    members = [Channel("console", f"member-{number}") for number in range(20)]
    for number, text in (("1", "offer"), ("2", "12")):
        handled = runner.handle_many([Inbound(each, number, text) for each in members])
    assert [each.step_id for each in handled if isinstance(each, Reply)] == ["handle"] * 20
    opened: Any = manager.redis.hset(manager.layout.keys("console:member-7").state, "pending", "accepted 1 - - an:id:2")
    if inspect.isawaitable(opened):
        wait_for(opened)
    assert [(each.member_id, each.effect_id) for each in manager.open_effects()] == [("console:member-7", "an:id:2")]
    assert [manager.open_effect("console:member-7")] == manager.open_effects()
    assert manager.abandon("console:member-7", "an:id:2", reason="gone")
    assert manager.open_effects() == []


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode_responses", [False, True])
def test_a_client_may_speak_either_protocol_and_decode_or_not(
    redis_url: str, prefix: str, redis_client: redis.Redis, protocol: int, decode_responses: bool
) -> None:
    with redis.Redis.from_url(redis_url, protocol=protocol, decode_responses=decode_responses) as client:
        _converse(FlowStateManager(client, prefix=prefix))
    assert redis_client.keys(f"{prefix}*")


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode_responses", [False, True])
def test_so_may_an_asynchronous_client(
    redis_url: str, prefix: str, redis_client: redis.Redis, protocol: int, decode_responses: bool
) -> None:
    with on_side("async"):
        client = AsyncRedis.from_url(redis_url, protocol=protocol, decode_responses=decode_responses)
        _converse(as_if_sync(AsyncFlowStateManager(client, prefix=prefix)))
        wait_for(client.aclose())
    assert redis_client.keys(f"{prefix}*")


def test_an_asynchronous_manager_may_be_made_of_a_url(redis_url: str, prefix: str, redis_client: redis.Redis) -> None:
    with on_side("async"):
        manager = as_if_sync(AsyncFlowStateManager.from_url(redis_url, prefix=prefix))
        _converse(manager)
        manager.close()
    assert redis_client.keys(f"{prefix}*")


def test_a_url_may_ask_for_decoded_responses(redis_url: str, prefix: str, redis_client: redis.Redis) -> None:
    manager = FlowStateManager.from_url(f"{redis_url}?decode_responses=true", prefix=prefix)
    _converse(manager)
    manager.close()
    assert redis_client.keys(f"{prefix}*")


@pytest.fixture(scope="module")
def cluster() -> Iterator[redis.RedisCluster]:
    with running_server("--cluster-enabled", "yes") as server:
        with redis.Redis.from_url(server.url) as node:
            try:
                for first in range(0, 16384, 1024):
                    node.execute_command("CLUSTER", "ADDSLOTS", *range(first, first + 1024))
            except redis.ResponseError as fault:
                pytest.skip(f"this server makes no cluster: {fault}")
            for _ in range(200):
                if _state_of(node) == "ok":
                    break
                node.execute_command("WAIT", 1, 50)  # it counts itself up in two seconds; the server does the waiting
            assert _state_of(node) == "ok"
        with redis.RedisCluster.from_url(server.url) as client:
            yield client


def _state_of(node: redis.Redis) -> str:
    info: Any = node.cluster("INFO")
    lines = info.decode().split() if isinstance(info, bytes) else [f"{name}:{value}" for name, value in info.items()]
    return next(line.split(":")[1] for line in lines if line.startswith("cluster_state:"))


@pytest.mark.real_redis
def test_a_cluster_keeps_a_member_in_one_slot(cluster: redis.RedisCluster, prefix: str) -> None:
    _converse(FlowStateManager(cluster, prefix=prefix))


@pytest.mark.real_redis
def test_so_does_an_asynchronous_client_of_a_cluster(cluster: redis.RedisCluster, prefix: str) -> None:
    nodes: Any = cluster.nodes_manager.startup_nodes  # the one by which it was found
    node = next(iter(nodes.values()))
    with on_side("async"):
        client = AsyncRedisCluster(host=node.host, port=node.port)
        _converse(as_if_sync(AsyncFlowStateManager(client, prefix=prefix)))
        wait_for(client.aclose())


@pytest.mark.real_redis
def test_a_cluster_that_lost_a_slot_is_unavailable_and_no_other_error(
    cluster: redis.RedisCluster, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncovered(*_: object, **__: object) -> None:
        raise redis.exceptions.SlotNotCoveredError('Slot "7" is not covered by the cluster 127.0.0.1:7000')

    monkeypatch.setattr(cluster, "execute_command", uncovered)
    with pytest.raises(StoreUnavailable) as caught:
        say(runner_on(FlowStateManager(cluster, prefix=prefix)), "1", "offer")
    assert "127.0.0.1" not in str(caught.value)


def test_a_server_that_forgot_the_script_is_taught_it_again(redis_client: redis.Redis, prefix: str) -> None:
    runner = runner_on(FlowStateManager(redis_client, prefix=prefix))
    for number, (text, expected) in enumerate((("offer", "How much?"), ("12", "To whom?"), ("joe", "Sure?"))):
        redis_client.script_flush()
        assert expected in words(say(runner, str(number), text))


KEYS = ("state", "seen", "audit")


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_holds_something_else_makes_the_store_unavailable_and_nothing_is_touched(
    any_redis: redis.Redis, prefix: str, name: str
) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix)
    key = getattr(manager.layout.keys(MEMBER), name)
    foreign = b"somebody else's"
    any_redis.set(key, foreign)
    with pytest.raises(StoreUnavailable) as caught:
        say(runner_on(manager), "1", "offer")
    assert MEMBER not in str(caught.value)
    found: list[Any] = any_redis.keys(f"{prefix}*")
    touched = {each for each in found if not each.endswith(b":due")}  # which only says "look"
    assert touched == {key.encode()}
    assert any_redis.get(key) == foreign
    assert any_redis.pttl(key) == -1


def test_a_flow_that_fails_is_no_fault_of_the_store(redis_client: redis.Redis, prefix: str) -> None:
    class Broken(OfferFlow):
        def valid_amount(self, value: str) -> bool:
            raise redis.ConnectionError(f"the flow's own Redis, asked for {value}")

    manager = FlowStateManager(redis_client, prefix=prefix)
    runner = runner_on(manager, Broken)
    say(runner, "1", "offer")
    assert say(runner, "2", "12").status == "error"
    flow_data = manager.load(MEMBER).flow_data
    assert flow_data is not None
    assert flow_data.step_id == "amount"

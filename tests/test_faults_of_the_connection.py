"""A Redis that is not there, does not answer, or whose answer is lost: nothing is lost, and nothing is doubled."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import redis

from fsmflow import audit
from fsmflow.errors import Contended, StoreUnavailable
from fsmflow.manager import FlowStateManager
from fsmflow.store import SCRIPT
from tests.commits import MEMBER, OfferFlow, runner_on, say, words
from tests.proxy import CuttingProxy, cutting_proxy
from tests.redis_server import RedisServer, running_server

PROMISE = 1.0  # seconds until a worker knows that it cannot answer
SECRETS = ("hunter2", "127.0.0.1", "localhost", "operator")


@contextmanager
def manager_at(url: str) -> Iterator[FlowStateManager]:
    manager = FlowStateManager.from_url(url)
    try:
        yield manager
    finally:
        manager.redis.close()


def _fails_in_time(manager: FlowStateManager, *also_secret: str) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        manager.load(MEMBER)
    took = time.monotonic() - began
    assert took < PROMISE
    assert not isinstance(caught.value, Contended)
    for secret in (*SECRETS, *also_secret):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_closed_port_is_known_within_a_second(host: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]  # bound and not listening: refused, and nobody else can take it
        with manager_at(f"redis://operator:hunter2@{host}:{port}/3") as manager:
            _fails_in_time(manager, str(port))


@pytest.mark.parametrize("query", ["", "?protocol=2", "?protocol=3"])
def test_a_server_that_accepts_and_never_answers_is_known_within_a_second(query: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        port = listener.getsockname()[1]
        with manager_at(f"redis://operator:hunter2@127.0.0.1:{port}/3{query}") as manager:
            _fails_in_time(manager, str(port))


def _fill(stack: ExitStack, address: tuple[str, int], family: socket.AddressFamily) -> int:
    listener = stack.enter_context(socket.socket(family))
    listener.bind(address)
    listener.listen(0)
    for _ in range(4):
        client = stack.enter_context(socket.socket(family))
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    port: int = listener.getsockname()[1]
    return port


def test_a_server_that_does_not_even_accept_is_known_within_a_second() -> None:
    with ExitStack() as stack:
        port = _fill(stack, ("127.0.0.1", 0), socket.AF_INET)
        with manager_at(f"redis://127.0.0.1:{port}") as manager:
            _fails_in_time(manager, str(port))


def _lead_astray(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Makes every name one of two addresses, neither of which accepts."""
    ports = [_fill(stack, ("127.0.0.1", 0), socket.AF_INET) for _ in range(2)]

    def two_addresses(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)


def test_a_name_of_two_addresses_neither_of_which_accepts_is_known_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack, manager_at("redis://localhost") as manager:
        _lead_astray(monkeypatch, stack)
        _fails_in_time(manager)


@pytest.mark.real_redis
def test_a_host_that_vanishes_under_an_open_connection_is_known_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_server() as server, ExitStack() as stack, manager_at(server.url) as manager:
        manager.load(MEMBER)
        server.stall()  # the command is sent and times out; then the client connects anew, to every address, twice
        _lead_astray(monkeypatch, stack)
        _fails_in_time(manager)


@pytest.mark.real_redis
def test_a_server_that_stalls_on_an_open_connection_is_known_within_a_second_and_used_again_after_it() -> None:
    with running_server() as server, manager_at(server.url) as manager:
        runner = runner_on(manager)
        say(runner, "1", "offer")
        server.stall()
        _fails_in_time(manager)
        server.resume()
        assert "To whom?" in words(say(runner, "2", "12"))


# -- the answer to a commit is lost -----------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_server() as server:
        with redis.Redis.from_url(server.url) as client:
            client.script_load(SCRIPT)  # else the first EVALSHA is only told that there is no such script
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(server.port) as proxy:
        yield proxy


@pytest.mark.real_redis
def test_a_message_whose_commit_is_applied_but_not_heard_of_is_applied_once_and_answered(proxy: CuttingProxy) -> None:
    with manager_at(proxy.url) as manager:
        runner = runner_on(manager)
        say(runner, "1", "offer")
        version, commits = manager.load(MEMBER).version, proxy.commits
        proxy.cuts = 1
        reply = say(runner, "2", "12")
        assert (proxy.cuts, proxy.commits) == (0, commits + 2)
        assert (reply.duplicate, reply.status) == (False, "in_progress")
        assert "To whom?" in words(reply)
        assert manager.load(MEMBER).version == version + 1
        assert [entry.event_type for entry in manager.history(MEMBER)].count(audit.TRANSITION) == 1


@pytest.mark.real_redis
def test_a_message_that_is_never_heard_of_is_redelivered_as_a_duplicate_with_its_reply(proxy: CuttingProxy) -> None:
    with manager_at(proxy.url) as manager:
        runner = runner_on(manager)
        say(runner, "1", "offer")
        version = manager.load(MEMBER).version
        proxy.cuts = 1000
        with pytest.raises(StoreUnavailable):
            say(runner, "2", "12")
        assert proxy.cuts < 1000
        proxy.cuts = 0
        again = say(runner, "2", "12")
        assert again.duplicate
        assert "To whom?" in words(again)
        assert manager.load(MEMBER).version == version + 1
        assert [entry.event_type for entry in manager.history(MEMBER)].count(audit.TRANSITION) == 1


@pytest.mark.real_redis
@pytest.mark.parametrize("clear", [False, True])
def test_upkeep_whose_commit_is_not_heard_of_is_done_once(proxy: CuttingProxy, clear: bool) -> None:
    with manager_at(proxy.url) as manager:
        runner = runner_on(manager)
        for number, text in enumerate(("offer", "12", "joe")):
            say(runner, str(number), text)
        proxy.cuts = 1
        if clear:
            manager.clear(MEMBER)
            assert manager.load(MEMBER).raw == {}
        else:
            manager.rollback(MEMBER)
            flow_data = manager.load(MEMBER).flow_data
            assert flow_data is not None
            assert flow_data.step_id == "handle"
        assert proxy.cuts == 0
        done = audit.CLEAR if clear else audit.ROLLBACK
        assert [entry.event_type for entry in manager.history(MEMBER)].count(done) == 1


# -- Redis goes away between load and commit --------------------------------------------------------------------------


@pytest.mark.real_redis
def test_a_redis_that_goes_away_between_load_and_commit_loses_nothing() -> None:
    with running_server("--appendonly", "yes") as server, manager_at(server.url) as manager:
        going = [True]

        class Interrupted(OfferFlow):
            def valid_amount(self, value: str) -> bool:
                if going:
                    going.pop()
                    server.stop()
                return super().valid_amount(value)

        runner = runner_on(manager, Interrupted)
        say(runner, "1", "offer")
        before = manager.load(MEMBER)
        with pytest.raises(StoreUnavailable):
            say(runner, "2", "12")
        with pytest.raises(StoreUnavailable):
            say(runner, "2", "12")
        server.start()
        assert manager.load(MEMBER) == before
        reply = say(runner, "2", "12")
        assert (reply.duplicate, "To whom?" in words(reply)) == (False, True)
        assert manager.load(MEMBER).version == before.version + 1

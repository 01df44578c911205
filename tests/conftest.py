"""What all tests share: a Redis, real or fake, and the line that says which it was.

The fixtures hand out Redis clients and addresses, nothing of fsmflow: what a test builds on them, it builds itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Union

import fakeredis
import hypothesis
import pytest
import redis

from tests import sides
from tests.crew import DONE
from tests.redis_server import (
    Absent,
    RedisServer,
    RunningElsewhere,
    find_server,
    is_required,
    running_server,
    skip_or_fail,
)

pytest_plugins = ["fsmflow.pytest_plugin", "pytester"]

# How long an example takes is the machine's affair; tests/benchmarks measure time.
hypothesis.settings.register_profile("fsmflow", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("fsmflow")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Union[RedisServer, RunningElsewhere]]:
    """The real Redis of this run (of this worker, under pytest-xdist); its `url` says where."""
    found = find_server()
    if isinstance(found, Absent):
        skip_or_fail(found)
    if isinstance(found, RunningElsewhere):
        yield found
        return
    with running_server() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: Union[RedisServer, RunningElsewhere]) -> str:
    """The address of the real Redis, for ``from_url``."""
    return redis_server.url


@pytest.fixture
def prefix() -> str:
    """A key prefix that no other test has: on a server that others use too, it is what keeps tests apart."""
    return f"fsmflow-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def redis_client(redis_server: Union[RedisServer, RunningElsewhere], prefix: str) -> Iterator[redis.Redis]:
    """A client of the real Redis; its database is empty if the server is ours, else only `prefix` is unused."""
    with redis.Redis.from_url(redis_server.url) as client:
        if isinstance(redis_server, RedisServer):
            client.flushdb()
        yield client
        if isinstance(redis_server, RunningElsewhere):
            for key in client.scan_iter(match=f"{prefix}*", count=1000):
                client.delete(key)


@pytest.fixture(params=["fakeredis", pytest.param("redis", marks=pytest.mark.real_redis)])
def any_redis(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A client of each kind of Redis in turn, for the promises that every store must keep."""
    if request.param == "redis":
        yield request.getfixturevalue("redis_client")
        return
    # A server of its own: fakes that name none share one for the whole process.
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7,))) as client:
        yield client


@pytest.fixture(params=sides.SIDES)
def side(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each side of fsmflow in turn: the synchronous one, and the one for an event loop."""
    with sides.on_side(request.param):
        yield request.param


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the real Redis, so that ``-m 'not real_redis'`` leaves it out; leave out the fault runs.

    Those run when they are meant: by ``-m faults``, or by any other expression that names them.
    """
    for item in items:
        if "redis_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_redis)
    if "faults" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("faults") is not None]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.get_closest_marker("faults") is None]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over from a worker of pytest-xdist what its races amounted to."""
    DONE.update(getattr(node, "workeroutput", {}).get("raced", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that had to have a real Redis and had none, even if no test asked for it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["raced"] = dict(DONE)
    if is_required() and isinstance(find_server(), Absent) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what the races of this run amounted to, if there were any: how much was tried is what their silence means."""
    if DONE:
        told = ", ".join(f"{number} {what}" for what, number in sorted(DONE.items()))
        terminalreporter.write_line(f"raced: {told}")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say as the very last line whether the store met a real Redis: a green run alone does not tell."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(config, "workerinput"):  # a worker of pytest-xdist: its controller says it
        return
    found = find_server()
    verdict = f"no, because {found.reason}" if isinstance(found, Absent) else f"yes ({found.version}, {found.origin})"
    terminal.ensure_newline()
    terminal.write_line(f"real Redis: {verdict}")

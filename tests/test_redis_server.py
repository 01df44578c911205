"""The promises of the tests' own Redis: without them, a green run of the store's tests would prove little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.redis_server import running_server

ROOT = Path(__file__).parent.parent


def impatient(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))


@pytest.mark.real_redis
def test_a_stopped_server_refuses_and_a_restarted_one_is_empty_at_the_same_address() -> None:
    with running_server() as server, impatient(server.url) as client:
        client.set("key", "value")
        server.stop()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        assert client.get("key") is None


@pytest.mark.real_redis
def test_a_stalled_server_lets_a_client_wait_and_goes_on_when_resumed() -> None:
    with running_server() as server, impatient(server.url) as client:
        client.set("key", "value")
        server.stall()
        with pytest.raises(redis.TimeoutError):
            client.get("key")
        server.resume()
        assert client.get("key") == b"value"


@pytest.mark.real_redis
def test_a_server_is_gone_when_its_block_ends_by_an_error() -> None:
    with pytest.raises(ZeroDivisionError), running_server() as server:
        raise ZeroDivisionError
    with impatient(server.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_any_redis_runs_scripts_by_the_server_clock(any_redis: redis.Redis, prefix: str) -> None:
    script = any_redis.register_script("redis.call('SET', KEYS[1], redis.call('TIME')[1]) return 'applied'")
    assert script(keys=[prefix]) == b"applied"
    assert int(any_redis.get(prefix) or b"0") > 0


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_leaves_behind_the_next_does_not_find(any_redis: redis.Redis, prefix: str, turn: int) -> None:
    pattern = "fsmflow-test-*"  # on a server that others use too, the rest is theirs
    assert list(any_redis.scan_iter(pattern)) == []
    any_redis.set(f"{prefix}:left-behind", turn)
    assert len(list(any_redis.scan_iter(pattern))) == 1


def run_without_redis(**environment: str) -> subprocess.CompletedProcess[str]:
    """One test that needs no Redis, run where none can be found."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FSMFLOW_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::test_this_needs_no_redis"],
        cwd=ROOT,
        env={**inherited, "FSMFLOW_REDIS_SERVER": os.devnull, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_this_needs_no_redis(prefix: str) -> None:
    assert prefix.startswith("fsmflow-test-")


def test_the_last_line_of_a_run_without_redis_says_so() -> None:
    run = run_without_redis()
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[-1] == f"real Redis: no, because FSMFLOW_REDIS_SERVER={os.devnull} does not run"


def test_a_run_without_redis_fails_where_it_is_required() -> None:
    run = run_without_redis(FSMFLOW_REQUIRE_REDIS="1")
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1].startswith("real Redis: no, because ")


def test_an_unreachable_address_is_reported_without_its_password() -> None:
    run = run_without_redis(FSMFLOW_TEST_REDIS_URL="redis://:hidden-word@127.0.0.1:1/0")
    assert run.stdout.splitlines()[-1].startswith("real Redis: no, because the server of FSMFLOW_TEST_REDIS_URL")
    assert "hidden-word" not in run.stdout + run.stderr

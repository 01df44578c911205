"""The crew of each fault run, and what outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from tests.faults.conversations import Crew, crew_on
from tests.faults.outside import Outside, outside
from tests.faults.workers import World
from tests.proxy import CuttingProxy, cutting_proxy


@pytest.fixture(scope="session", name="outside")
def outside_of_the_workers() -> Iterator[Outside]:
    """The ledger and the book, one of each for all tests: members differ."""
    with outside() as found:
        yield found


@pytest.fixture
def crew(side: str, redis_client: redis.Redis, redis_url: str, prefix: str, outside: Outside) -> Iterator[Crew]:
    """The workers of a test, the first of them on the side at hand."""
    world = World(redis_url, prefix, outside.ledger.url, outside.address)
    with crew_on(side, world, outside, redis_client) as crew:
        yield crew
    outside.ledger.releases()
    outside.ledger.will()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[CuttingProxy]:
    """A way to the Redis on which commits can be cut off."""
    with cutting_proxy(urlsplit(redis_url).port or 6379) as proxy:
        yield proxy

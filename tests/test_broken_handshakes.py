"""Connections whose handshake an application's code broke off: they are closed, and nobody else's.

redis-py keeps such a connection, without the database that it was to select. A provider of credentials stands for all
that a client is given to call.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.credentials import CredentialProvider

from fsmflow.async_manager import AsyncFlowStateManager
from fsmflow.errors import StoreUnavailable
from fsmflow.manager import FlowStateManager

DATABASE = 3
FAULTS = (KeyError, OSError, ConnectionRefusedError)


class Provider(CredentialProvider):
    """Gives no credentials, or raises what it is told to, once."""

    fault: type[Exception] | None = None

    def get_credentials(self) -> Any:
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault("of the application")
        return ()


class AllOrNone(redis.BlockingConnectionPool):
    """As redis-py 6 has it."""

    def disconnect(self) -> None:  # type: ignore[override] # that is the point
        super().disconnect()


SYNC_POOLS = (redis.ConnectionPool, redis.BlockingConnectionPool, AllOrNone)
ASYNC_POOLS = (redis.asyncio.ConnectionPool, redis.asyncio.BlockingConnectionPool)


@pytest.fixture
def address(redis_client: redis.Redis) -> dict[str, Any]:
    named = redis_client.connection_pool.connection_kwargs
    return {"host": named["host"], "port": named["port"], "db": DATABASE}


def own_id(connection: Any) -> Any:
    """The number that the server gave a connection: another one if it had to be opened again."""
    connection.send_command("CLIENT", "ID")
    return connection.read_response()


async def own_id_async(connection: Any) -> Any:
    await connection.send_command("CLIENT", "ID")
    return await connection.read_response()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pool_type", SYNC_POOLS)
def test_a_connection_whose_handshake_broke_off_is_never_used_again(
    address: dict[str, Any], pool_type: type[redis.ConnectionPool], fault: type[Exception]
) -> None:
    provider = Provider()
    with redis.Redis(connection_pool=pool_type(**address, credential_provider=provider)) as client:
        manager = FlowStateManager(client)
        provider.fault = fault
        with pytest.raises(StoreUnavailable, match=fault.__name__) as caught:
            manager.load("ann")
        assert isinstance(caught.value.__cause__, fault)
        assert client.client_info()["db"] == DATABASE


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pool_type", ASYNC_POOLS)
def test_nor_is_one_of_an_asynchronous_client(
    address: dict[str, Any], pool_type: type[redis.asyncio.ConnectionPool], fault: type[Exception]
) -> None:
    async def scene() -> None:
        provider = Provider()
        client = redis.asyncio.Redis(connection_pool=pool_type(**address, credential_provider=provider))
        manager = AsyncFlowStateManager(client)
        provider.fault = fault
        with pytest.raises(StoreUnavailable, match=fault.__name__):
            await manager.load("ann")
        assert (await client.client_info())["db"] == DATABASE
        await manager.close()
        await client.connection_pool.disconnect()

    asyncio.run(scene())


@pytest.mark.parametrize("pool_type", SYNC_POOLS[:-1])
def test_a_connection_that_another_thread_uses_stays_open(
    address: dict[str, Any], pool_type: type[redis.ConnectionPool]
) -> None:
    if "inuse_connections" not in inspect.signature(pool_type.disconnect).parameters:
        pytest.skip("this pool of an older redis-py closes all or none")
    provider = Provider()
    with redis.Redis(connection_pool=pool_type(**address, credential_provider=provider)) as client:
        used = client.connection_pool.get_connection()
        before = own_id(used)
        provider.fault = KeyError
        with pytest.raises(StoreUnavailable):
            FlowStateManager(client).load("ann")
        assert own_id(used) == before
        client.connection_pool.release(used)


@pytest.mark.parametrize("pool_type", ASYNC_POOLS)
def test_so_does_one_that_another_task_uses(
    address: dict[str, Any], pool_type: type[redis.asyncio.ConnectionPool]
) -> None:
    async def scene() -> None:
        provider = Provider()
        client = redis.asyncio.Redis(connection_pool=pool_type(**address, credential_provider=provider))
        pool: Any = client.connection_pool  # redis-py leaves a part of it untyped
        used = await pool.get_connection()
        before = await own_id_async(used)
        provider.fault = KeyError
        with pytest.raises(StoreUnavailable):
            await AsyncFlowStateManager(client).load("ann")
        assert await own_id_async(used) == before
        await pool.release(used)
        await pool.disconnect()

    asyncio.run(scene())


def test_the_one_connection_of_a_client_that_has_no_other_is_opened_anew(
    address: dict[str, Any], redis_client: redis.Redis
) -> None:
    provider = Provider()
    with redis.Redis(**address, credential_provider=provider, single_connection_client=True) as client:
        redis_client.client_kill_filter(_id=client.client_id())
        provider.fault = KeyError
        with pytest.raises(StoreUnavailable):
            FlowStateManager(client).load("ann")
        assert client.client_info()["db"] == DATABASE


def test_a_connection_that_cannot_be_closed_hides_no_fault(
    address: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(**_: object) -> None:
        raise OSError("cannot be closed")

    provider = Provider()
    with redis.Redis(**address, credential_provider=provider) as client:
        provider.fault = KeyError
        with monkeypatch.context() as patched:
            patched.setattr(client.connection_pool, "disconnect", stuck)
            with pytest.raises(StoreUnavailable, match="KeyError"):
                FlowStateManager(client).load("ann")

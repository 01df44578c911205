"""The synchronous and the asynchronous side: that they are one thing, and what only the latter can do."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, cast

import fakeredis
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.credentials import CredentialProvider

import fsmflow
from fsmflow import (
    AsyncFlowError,
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Flow,
    FlowAuditLogger,
    FlowRunner,
    FlowStateManager,
    Inbound,
    Option,
    Refused,
    Reply,
    Step,
    StepType,
    StoreUnavailable,
)
from tests.sides import on_side
from tests.talking import CONSOLE, Offer, Talk, in_memory, words

PAIRS = ((FlowStateManager, AsyncFlowStateManager), (FlowRunner, AsyncFlowRunner))
# What asks the client, waits and calls: there the sides differ, and nowhere else.
DRIVERS = frozenset({"_perform", "_batching", "_run", "_sheltered", "_finishing", "drive_many", "close"})


def methods_of(owner: type) -> dict[str, ast.AST]:
    """The methods of a class as they are written, without docstrings and without what makes them asynchronous."""
    tree = ast.parse(inspect.getsource(sys.modules[owner.__module__]))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__)
    methods = [node for node in found.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {method.name: WithoutAwait().visit(method) for method in methods}


class WithoutAwait(ast.NodeTransformer):
    """Takes ``async``, ``await``, the names of the asynchronous side and the docstring out of a method."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        parts: dict[str, Any] = {name: getattr(node, name, None) for name in ast.FunctionDef._fields}
        plain = ast.FunctionDef(**parts)
        return self.visit_FunctionDef(ast.copy_location(plain, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return cast("ast.AST", self.visit(node.value))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(re.sub(r"^Async|(?<=_)async_|^async_", "", node.id), node.ctx), node)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_two_sides_differ_by_an_await_and_by_how_they_ask_their_client(one: type, other: type) -> None:
    sync, awaited = methods_of(one), methods_of(other)
    assert sync.keys() - DRIVERS == awaited.keys() - DRIVERS
    for name in sync.keys() - DRIVERS:
        assert ast.unparse(sync[name]) == ast.unparse(awaited[name]).replace("drive_async(", "drive("), name


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_can_be_called_is_the_same_and_is_awaited_on_one_side(one: type, other: type) -> None:
    named = {name for name in dir(one) if not name.startswith("_") and callable(getattr(one, name))}
    assert named == {name for name in dir(other) if not name.startswith("_") and callable(getattr(other, name))}
    for name in sorted(named - {"from_url", "in_memory"}):
        parameters = [str(inspect.signature(getattr(each, name))).partition(" ->")[0] for each in (one, other)]
        assert parameters[0] == parameters[1], name
        asynchronous = [inspect.iscoroutinefunction(getattr(each, name)) for each in (one, other)]
        assert asynchronous == [False, True], name


# -- what must be awaited ---------------------------------------------------------------------------------------------


class Looked(Flow):
    """A flow whose every callable must be awaited."""

    flow_type = "looked"

    async def greeting(self) -> str:
        await asyncio.sleep(0)
        return f"How much, {self.member_id}?"

    async def valid_amount(self, value: str) -> bool:
        await asyncio.sleep(0)
        if value == "0":
            raise Refused("More than nothing, please.")
        if value == "fault":
            raise LookupError(value)
        return value.isdigit()

    async def parse_amount(self, value: str) -> Decimal:
        await asyncio.sleep(0)
        return Decimal(value)

    async def complete(self) -> str:
        await asyncio.sleep(0)
        return f"{self.data['amount']}, then."

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message=greeting,
            validator=valid_amount,
            transformer=parse_amount,
            refusal="Digits.",
        ),
        Step(id="sure", type=StepType.BUTTON, message="Sure?", options=(Option("yes", "Yes"),)),
    )


@pytest.fixture
def looked(any_redis: Any, prefix: str) -> Any:
    with on_side("async"):
        yield Talk(any_redis, prefix, [Looked])


def test_words_validators_transformers_and_closing_words_are_awaited(looked: Talk) -> None:
    assert words(looked.says("looked")) == "How much, console:ann?"
    assert words(looked.says("0")) == "More than nothing, please.\n\nHow much, console:ann?"
    assert words(looked.says("much")) == "Digits.\n\nHow much, console:ann?"
    assert looked.says("12").step_id == "sure"
    assert looked.data == {"amount": "12"}
    reply = looked.taps("Yes")
    assert (words(reply), reply.data) == ("12, then.", {"amount": Decimal(12), "sure": "yes"})


def test_what_is_raised_while_it_is_awaited_is_a_fault_and_the_state_stands(looked: Talk) -> None:
    looked.says("looked", "1", "back")
    before = looked.state.flow_data
    assert looked.says("fault").status == "error"
    assert looked.state.flow_data == before
    entry = looked.manager.history(looked.member_id)[-1]
    assert (entry.error, "valid_amount" in str(entry.place)) == ("LookupError", True)


def test_many_are_awaited_at_the_same_time() -> None:
    """Each waits for the others within its validator: one after the other they would wait for ever."""
    arrived: list[str] = []
    everybody = asyncio.Event()

    class Gathering(Flow):
        flow_type = "gathering"

        async def all_there(self, value: str) -> bool:
            arrived.append(value)
            if len(arrived) == 5:
                everybody.set()
            await everybody.wait()
            return True

        steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=all_there),)

    async def talk() -> list[Any]:
        manager = AsyncFlowStateManager.in_memory()
        answering = AsyncFlowRunner(manager, [Gathering])
        members = [fsmflow.Channel("console", str(number)) for number in range(5)]
        await answering.handle_many([Inbound(each, "1", "gathering") for each in members])
        replies = await answering.handle_many([Inbound(each, "2", each.identifier) for each in members])
        await manager.close()
        return replies

    assert [reply.status for reply in asyncio.run(talk())] == ["completed"] * 5
    assert sorted(arrived) == ["0", "1", "2", "3", "4"]


def test_a_manager_that_another_event_loop_has_used_says_so() -> None:
    """On a real Redis its connections would fail now and then, with an error that names no reason."""
    manager = AsyncFlowStateManager.in_memory()
    asyncio.run(manager.load("ann"))
    with pytest.raises(RuntimeError, match="belongs to one event loop: make one for each"):
        asyncio.run(manager.load("ann"))


# -- what is mixed up -------------------------------------------------------------------------------------------------


async def awaited_fault(_fault: Exception, _inbound: Inbound) -> None:
    await asyncio.sleep(0)


def test_a_client_or_a_manager_of_the_other_side_is_refused_where_it_is_handed_in() -> None:
    with pytest.raises(TypeError, match=r"a client of redis.asyncio is needed here: this one is for FlowStateManager"):
        AsyncFlowStateManager(cast("Any", fakeredis.FakeRedis()))
    with pytest.raises(TypeError, match="a client of redis is needed here: this one is for AsyncFlowStateManager"):
        FlowStateManager(cast("Any", fakeredis.FakeAsyncRedis()))
    with pytest.raises(TypeError, match="AsyncFlowRunner needs another manager than a FlowStateManager"):
        AsyncFlowRunner(cast("Any", FlowStateManager.in_memory()), [Offer])
    with pytest.raises(TypeError, match="FlowRunner needs another manager than a AsyncFlowStateManager"):
        FlowRunner(cast("Any", AsyncFlowStateManager.in_memory()), [Offer])
    with pytest.raises(TypeError, match="a client is needed, not a str"):
        AsyncFlowStateManager(cast("Any", "redis://localhost"))
    with pytest.raises(AsyncFlowError, match="on_fault must be awaited: use AsyncFlowRunner"):
        FlowRunner(FlowStateManager.in_memory(), [Offer], on_fault=awaited_fault)


def hidden(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """A plain function around an asynchronous one, of which no signature tells."""

    def plain(*arguments: Any) -> Any:
        return function(*arguments)

    return plain


async def accepts(_value: str) -> bool:
    await asyncio.sleep(0)
    return True


class Flat(Flow):
    flow_type = "flat"
    steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=hidden(accepts)),)


def test_what_turns_out_to_need_awaiting_is_a_fault_on_the_synchronous_side_and_awaited_on_the_other() -> None:
    faults: list[Exception] = []
    talk = in_memory([Flat], on_fault=lambda fault, _: faults.append(fault))
    talk.says("flat")
    assert (talk.says("x").status, talk.data) == ("error", {})
    assert [str(fault).partition(": ")[2] for fault in faults] == [
        "what it returns must be awaited: use AsyncFlowRunner"
    ]
    with pytest.raises(AsyncFlowError, match="must be awaited: use AsyncFlowRunner"):
        Flat().process_input("x")

    async def awaits() -> Reply:
        manager = AsyncFlowStateManager.in_memory()
        answering = AsyncFlowRunner(manager, [Flat])
        await answering.handle(Inbound(CONSOLE, "1", "flat"))
        reply = await answering.handle(Inbound(CONSOLE, "2", "x"))
        await manager.close()
        return reply

    assert asyncio.run(awaits()).status == "completed"


def test_a_fault_may_be_told_to_an_asynchronous_function() -> None:
    told: list[str] = []

    async def tells(fault: Exception, inbound: Inbound) -> None:
        await asyncio.sleep(0)
        told.append(f"{type(fault).__name__} at {inbound.message_id}")

    async def fails() -> None:
        manager = AsyncFlowStateManager.in_memory()
        answering = AsyncFlowRunner(manager, [Looked], on_fault=tells)
        await answering.handle(Inbound(CONSOLE, "1", "looked"))
        assert (await answering.handle(Inbound(CONSOLE, "2", "fault"))).status == "error"
        await manager.close()

    asyncio.run(fails())
    assert told == ["LookupError at 2"]


def test_the_audit_logger_takes_no_store_that_must_be_awaited() -> None:
    with pytest.raises(TypeError, match="it needs a FlowStateManager, not a AsyncFlowStateManager"):
        FlowAuditLogger(cast("Any", AsyncFlowStateManager.in_memory()))


class Abandoned(Flow):
    """Its validator awaits a task that somebody else has cancelled."""

    flow_type = "abandoned"

    async def looked_up(self, value: str) -> bool:
        other = asyncio.ensure_future(asyncio.sleep(60))
        if value == "cancelled":
            other.cancel()
            await other
        other.cancel()
        return True

    steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=looked_up),)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot tell whose cancellation it is")
def test_a_cancellation_that_a_flow_meets_is_its_fault_and_ends_no_message(any_redis: Any, prefix: str) -> None:
    with on_side("async"):
        talk = Talk(any_redis, prefix, [Abandoned])
        talk.says("abandoned")
        assert talk.says("cancelled").status == "error"
        assert talk.says("well").status == "completed"


def test_whatever_a_client_calls_may_fail_and_the_store_is_unavailable(redis_url: str) -> None:
    """A provider of credentials is code of the application; what it raises must come to members as nothing else."""

    class Provider(CredentialProvider):
        def get_credentials(self) -> Any:
            raise KeyError("no secret here")

    sync = FlowStateManager(Redis.from_url(redis_url, credential_provider=Provider()))
    with pytest.raises(StoreUnavailable, match="Redis did not do HGETALL: KeyError"):
        sync.load("ann")

    async def awaits() -> None:
        awaited = AsyncFlowStateManager(AsyncRedis.from_url(redis_url, credential_provider=Provider()))
        with pytest.raises(StoreUnavailable, match="Redis did not do HGETALL: KeyError"):
            await awaited.load("ann")
        await awaited.close()

    asyncio.run(awaits())


def test_a_message_that_is_cancelled_while_its_connection_is_made_leaves_none_to_another_database(
    prefix: str, redis_client: Redis
) -> None:
    """redis-py keeps a connection whose handshake was broken off, without the database that it was to select."""
    told = asyncio.Event()

    class Slow(CredentialProvider):
        def get_credentials(self) -> Any:
            return ()

        async def get_credentials_async(self) -> Any:
            await told.wait()
            return ()

    async def awaits() -> Reply:
        address = {name: redis_client.connection_pool.connection_kwargs[name] for name in ("host", "port")}
        client = AsyncRedis(**address, db=3, credential_provider=Slow())
        manager = AsyncFlowStateManager(client, prefix=prefix)
        answering = AsyncFlowRunner(manager, [Offer])
        first = asyncio.ensure_future(answering.handle(Inbound(CONSOLE, "1", "offer")))
        for _ in range(20):
            await asyncio.sleep(0)
        first.cancel()
        told.set()
        reply = await answering.handle(Inbound(CONSOLE, "2", "offer"))
        for key in [key async for key in client.scan_iter(match=f"{prefix}*")]:
            written.append(key)
            await client.delete(key)
        await manager.close()
        return reply

    written: list[bytes] = []
    assert asyncio.run(awaits()).status == "in_progress"
    assert len(written) == 4
    assert list(redis_client.scan_iter(match=f"{prefix}*")) == []

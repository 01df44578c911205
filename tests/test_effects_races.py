"""An effect whose worker is not alone: late outcomes, other messages, several who take it up, cut answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from fsmflow import (
    Action,
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Done,
    EffectRefused,
    Flow,
    FlowRunner,
    FlowStateManager,
    Inbound,
    Reply,
    Step,
    StepType,
    StoreUnavailable,
)
from fsmflow.store import read_hash
from tests.bank import ACCEPTS, FLOWS, PAYS_AND_DIES, REASON, Bank, open_effect, talk_to
from tests.proxy import WHAT_IS_CUT, CuttingProxy, cutting_proxy
from tests.sides import as_if_sync, async_client_like, gives_up_at_once, runner_on, wait_for
from tests.talking import BEGINNING, CONSOLE, Talk, words

WORKING = "One moment: this is being done."
DELIVERIES = 50  # how often a message is delivered before its channel gives up


def other_worker(talk: Talk, bank: Bank) -> FlowRunner:
    """Another worker of the same store, with connections of its own."""
    manager = FlowStateManager(talk.redis, prefix=talk.manager.layout.prefix)
    return FlowRunner(manager, FLOWS, services=bank, clock=lambda: talk.now)


# -- while it is run --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize(
    "outcome", [Done("receipt"), EffectRefused(REASON)], ids=lambda outcome: type(outcome).__name__
)
def test_an_outcome_is_applied_to_what_other_messages_have_left(any_redis: Redis, prefix: str, outcome: Any) -> None:
    heard: list[Reply] = []

    def meanwhile() -> Any:
        other = other_worker(talk, bank)
        heard.extend(other.handle(talk.message(text)) for text in ("and?", "cancel", "pay"))
        if isinstance(outcome, EffectRefused):
            raise outcome
        return outcome

    bank = Bank(meanwhile)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert [words(each) for each in heard] == [WORKING] * 3
    assert words(reply) == ("A note?" if isinstance(outcome, Done) else f"{REASON}\n\nPay 5?")
    assert (len(bank.calls), open_effect(talk)) == (1, [])
    assert len(talk.state.recent) == 4, "the messages that came meanwhile are known"


@pytest.mark.usefixtures("side")
def test_a_late_outcome_counts_as_long_as_nobody_has_taken_over(any_redis: Redis, prefix: str) -> None:
    def late() -> Any:
        talk.ages(hours=1)
        return Done("late")

    bank = Bank(late)
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("pay", "5", "yes")) == "A note?"
    assert talk.data["payment"] == "late"
    assert talk.runner.due() == []
    assert len(bank.calls) == 1


@pytest.mark.usefixtures("side")
def test_a_late_outcome_after_a_take_over_counts_no_more(any_redis: Redis, prefix: str) -> None:
    taken: list[str] = []

    def late() -> Any:
        bank.paid.append(bank.calls[-1])
        talk.ages(hours=1)
        taken.extend(words(due.reply) for due in other_worker(talk, bank).due())
        return Done("late")

    bank = Bank(late)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("payknown", "5", "yes")
    assert taken == ["A note?"]
    assert (reply.messages, reply.status, reply.step_id) == ((), "working", "note"), "the other has said it"
    assert talk.data["payment"] == "receipt found"
    assert (len(bank.paid), len(bank.calls)) == (1, 1)
    assert words(talk.says("thanks")) == "Paid: receipt found."


@pytest.mark.usefixtures("side")
def test_a_late_outcome_is_none_of_another_effect_that_is_open_by_then(any_redis: Redis, prefix: str) -> None:
    def late() -> Any:
        bank.paid.append(bank.calls[-1])
        talk.ages(hours=1)
        other_worker(talk, bank).due()
        return Done("late")

    bank = Bank(late, ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    assert talk.says("paytwice", "5").status == "working"
    assert (open_effect(talk)[0], open_effect(talk)[4]) == ("accepted", bank.calls[1])
    assert talk.data == {"amount": "5", "payment": "receipt found"}


@pytest.mark.usefixtures("side")
def test_a_service_may_tell_the_outcome_before_the_call_returns(any_redis: Redis, prefix: str) -> None:
    def told_before() -> Any:
        other_worker(talk, bank).resolve(talk.member_id, bank.calls[-1], Done("called back"))
        return Done("returned")

    bank = Bank(told_before)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    assert talk.data["payment"] == "called back"
    assert talk.says("thanks").status == "completed"
    assert len(bank.calls) == 1


def test_of_many_who_take_up_what_was_left_one_gets_it(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("payknown", "5")
    with pytest.raises(StoreUnavailable):
        talk.says("yes")
    bank.is_dead = False
    talk.ages(minutes=1)
    waiting = threading.Barrier(8)
    found: list[Any] = []

    def take() -> None:
        runner = other_worker(talk, bank)
        waiting.wait()
        found.append(runner.recover(talk.member_id))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([due for due in found if due is not None]) == 1
    assert (len(bank.asked), len(bank.paid)) == (1, 1)


def test_effects_of_several_members_run_side_by_side(any_redis: Redis, prefix: str) -> None:
    meeting = threading.Barrier(3, timeout=20)  # each waits in its effect for the others to have begun theirs

    def meets() -> Any:
        meeting.wait()
        return Done()

    bank = Bank(meets, meets, meets)
    runner = FlowRunner(FlowStateManager(any_redis, prefix=prefix), FLOWS, services=bank, clock=lambda: BEGINNING)
    members = [f"member-{number}" for number in range(3)]
    replies = runner.handle_many([Inbound(CONSOLE, name, "payfirst", member_id=name) for name in members])
    assert [words(reply) for reply in replies if isinstance(reply, Reply)] == ["A note?"] * 3


@pytest.mark.usefixtures("side")
def test_what_could_not_end_in_its_time_any_more_is_not_begun(
    any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsmflow.action.GRACE", timedelta(seconds=-1))  # as for a worker that stood still after it
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    assert talk.says("pay", "5", "yes").status == "unknown"
    assert bank.calls == []


# -- time -------------------------------------------------------------------------------------------------------------


class Slow(Flow):
    """An action that may not take long."""

    flow_type = "slow"
    steps = (
        Action("payment", lambda self: self.services(), timeout=timedelta(milliseconds=50)),
        Step(id="note", type=StepType.TEXT, message="A note?"),
    )


@pytest.mark.usefixtures("side")
def test_what_takes_too_long_is_unknown_and_what_comes_of_it_later_is_nobodys(any_redis: Redis, prefix: str) -> None:
    is_heard, has_ended = threading.Event(), threading.Event()

    def hangs() -> Any:
        is_heard.wait(20)
        has_ended.set()
        return Done("late")

    talk = Talk(any_redis, prefix, [Slow], services=hangs)
    assert talk.says("slow").status == "unknown"
    is_heard.set()
    assert has_ended.wait(20)
    assert "payment" not in talk.data
    assert open_effect(talk)[0] == "unknown"


class Awaited(Flow):
    """An action that must be awaited."""

    flow_type = "awaited"

    async def pays(self) -> Any:
        return await self.services(self.effect_id)

    steps = (
        Action("payment", pays, timeout=timedelta(seconds=20)),
        Step(id="note", type=StepType.TEXT, message="A note?"),
    )


def test_a_cancelled_task_does_not_stop_what_was_begun(any_redis: Redis, prefix: str) -> None:
    manager = AsyncFlowStateManager(async_client_like(any_redis), prefix=prefix)

    async def conversation() -> str:
        has_begun, may_end = asyncio.Event(), asyncio.Event()

        async def pays(_: str) -> Any:
            has_begun.set()
            await may_end.wait()
            return Done("paid")

        runner = AsyncFlowRunner(manager, [Awaited], services=pays, clock=lambda: BEGINNING)
        task = asyncio.ensure_future(runner.handle(Inbound(CONSOLE, "m1", "awaited")))
        await has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_end.set()
        await manager.close()  # which waits for what was begun
        return ""

    wait_for(conversation())
    keys = manager.layout.keys("console:ann")
    stored: Any = any_redis.hgetall(keys.state)
    state = read_hash("console:ann", CONSOLE, stored)
    assert state.flow_data is not None
    assert (state.flow_data.step_id, state.flow_data.data) == ("note", {"payment": "paid"})
    assert not stored.get(b"pending")


# -- answers that are cut ---------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(redis_url: str) -> Iterator[CuttingProxy]:
    with cutting_proxy(urlsplit(redis_url).port or 6379) as proxy:
        yield proxy


@pytest.mark.real_redis
@pytest.mark.parametrize("cuts", [1, 6])
@pytest.mark.parametrize("what", WHAT_IS_CUT)
@pytest.mark.parametrize("which", ["opening", "outcome", "taking over"])
def test_whatever_commit_is_cut_the_payment_is_made_once(
    side: str, proxy: CuttingProxy, redis_client: Redis, prefix: str, which: str, what: str, cuts: int
) -> None:
    proxy.lost = what

    def paid(then: Callable[[], None]) -> Callable[[], Any]:
        def pays() -> Any:
            bank.paid.append(bank.calls[-1])
            then()
            return Done("receipt")

        return pays

    def cut() -> None:
        proxy.cuts = cuts

    def die() -> None:
        bank.is_dead = True

    script = {"opening": paid(lambda: None), "outcome": paid(cut), "taking over": paid(die)}
    bank = Bank(script[which])
    talk = talk_to(redis_client, prefix, bank)
    talk.says("payknown", "5")
    message = talk.message("yes")
    if which == "taking over":
        with pytest.raises(StoreUnavailable):
            talk.sends(message)
        bank.is_dead = False
        talk.ages(minutes=1)
    manager = (
        FlowStateManager.from_url(proxy.url, prefix=prefix)
        if side == "sync"
        else as_if_sync(AsyncFlowStateManager.from_url(proxy.url, prefix=prefix))
    )
    runner = runner_on(gives_up_at_once(manager), FLOWS, services=bank, clock=lambda: talk.now)
    if which != "outcome":
        cut()
    said = []
    for _ in range(DELIVERIES):
        try:
            said.append(words(runner.handle(message)))
        except StoreUnavailable:
            continue
        if said[-1] == "A note?":
            break
        proxy.cuts = 0
        talk.ages(minutes=1)
    manager.close()
    assert said[-1] == "A note?"
    assert (len(bank.paid), len(bank.calls)) == (1, 1)
    assert open_effect(talk) == []
    events = [event for event, _, _ in talk.events]
    assert (events.count("effect_run"), events.count("effect_done")) == (1, 1)

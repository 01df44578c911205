"""What is known of an effect is not lost, whoever knows it, and nobody has to wait for another's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import (
    Action,
    Done,
    EffectRefused,
    Flow,
    FlowRunner,
    FlowStateManager,
    Inbound,
    Reply,
    Retry,
    Sentences,
    Step,
    StepType,
    StillUnknown,
    StoreUnavailable,
)
from fsmflow.calls import Call, drive
from fsmflow.effects import Perform
from fsmflow.exchange import Pause, Send
from fsmflow.outcomes import Unsure
from fsmflow.pending import Settled
from fsmflow.performing import perform, perform_async
from tests.bank import ACCEPTS, FLOWS, Bank, Lost, Pay, open_effect, talk_to
from tests.commits import MEMBER, FakeTime, commit_on, run_at, stored
from tests.talking import BEGINNING, CONSOLE, SECRET, WHATSAPP, Talk, records_of, words
from tests.test_effects_races import other_worker

SAID = Sentences()
SIDES = pytest.mark.usefixtures("side")


# -- late, and of an effect that nobody has ----------------------------------------------------------------------------


@SIDES
@pytest.mark.parametrize("late", [Done("late"), EffectRefused("no")], ids=lambda each: type(each).__name__)
def test_that_it_was_done_counts_also_late_where_nobody_knew_it_any_more(
    any_redis: Redis, prefix: str, late: Any
) -> None:
    def ends_late() -> Any:
        talk.ages(hours=1)
        assert [due.reply.status for due in other_worker(talk, bank).due()] == ["unknown"]
        if isinstance(late, EffectRefused):
            raise late
        return late

    bank = Bank(ends_late)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    if isinstance(late, Done):
        assert (words(reply), open_effect(talk), talk.data["payment"]) == ("A note?", [], "late")
    else:  # what another attempt has come to, this one does not know
        assert (words(reply), open_effect(talk)[0]) == (SAID.working, "unknown")
    assert len(bank.calls) == 1


# -- a Redis that is away for a while ----------------------------------------------------------------------------------


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """A clock that only pauses move."""
    found = FakeTime()
    monkeypatch.setattr("fsmflow.exchange.time", found)
    return found


def commits_outcome(manager: FlowStateManager, time: FakeTime, failures: int) -> tuple[Any, list[Any]]:
    """Commits an outcome with a Redis that is away for so many commands; and what was sent."""
    stored(manager, run_at("amount"))
    commit = commit_on(manager.load(MEMBER), run_at("handle", amount="5"))
    sent: list[Any] = []

    def performed(wish: Any) -> Any:
        if isinstance(wish, Pause):
            return time.sleep(wish.seconds)
        assert isinstance(wish, Send)
        sent.append(wish.command)
        if len(sent) <= failures:
            raise StoreUnavailable("Redis is away")
        return manager._perform(wish)

    outcome = evolve(commit, pending=Settled(), held_by=" ")  # as of an effect that nobody has opened
    return drive(manager.exchange.commit(outcome), performed), sent


def test_an_outcome_is_committed_again_by_the_same_token_while_redis_is_away(
    any_redis: Redis, prefix: str, time: FakeTime
) -> None:
    committed, sent = commits_outcome(FlowStateManager(any_redis, prefix=prefix), time, failures=4)
    assert committed.outcome.value == "applied"
    assert len(sent) == 5
    assert len(set(sent)) == 1, "the same commit each time, by its token"
    assert time.pauses == sorted(time.pauses)


def test_but_not_for_longer_than_it_is_this_workers(any_redis: Redis, prefix: str, time: FakeTime) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix)
    with pytest.raises(StoreUnavailable):
        commits_outcome(manager, time, failures=1000)
    assert manager.exchange.insistence <= sum(time.pauses) <= manager.exchange.insistence + 1
    grace = Action("a", lambda: None).lease - Action("a", lambda: None).limit
    assert manager.exchange.insistence + 1 < grace.total_seconds()


# -- beside others -----------------------------------------------------------------------------------------------------


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What lets go of a call that hangs."""
    event = threading.Event()
    yield event
    event.set()


def test_an_effect_that_hangs_keeps_no_other_members_outcome_waiting(
    any_redis: Redis, prefix: str, held: threading.Event
) -> None:
    def hangs() -> Any:
        assert held.wait(20)
        return Done("long")

    class Eager(Pay):
        flow_type = "eager"
        steps = (Action("payment", Pay.pays), Pay.note)

    manager = FlowStateManager(any_redis, prefix=prefix)
    runner = FlowRunner(manager, [Eager], services=Bank(hangs, lambda: Done("short")), clock=lambda: BEGINNING)
    answered: list[Any] = []
    inbounds = [Inbound(CONSOLE, name, "eager", member_id=name) for name in ("a", "b")]
    thread = threading.Thread(target=lambda: answered.extend(runner.handle_many(inbounds)))
    thread.start()
    short = _until(lambda: [name for name in "ab" if _step(manager, name) == "note"])
    assert len(short) == 1, "one has ended, while the other hangs"
    held.set()
    thread.join(20)
    assert [words(reply) for reply in answered if isinstance(reply, Reply)] == ["A note?"] * 2


def _step(manager: FlowStateManager, member_id: str) -> str | None:
    found = manager.load(member_id).flow_data
    return None if found is None else found.step_id


def _until(look: Any) -> Any:
    """Looks until there is something to be seen; what never comes fails by the time that the looking takes."""
    for _ in range(20_000):
        found = look()
        if found:
            return found
    raise AssertionError("it never came")


# -- calls that end otherwise ------------------------------------------------------------------------------------------


def performed(function: Any, *, limit: float = 5, retry: Retry | None = None, asynchronous: bool = False) -> Any:
    effect = Perform(Call(function, ()), timedelta(seconds=limit), timedelta(seconds=15), retry, asynchronous)
    return asyncio.run(perform_async(effect)) if asynchronous else perform(effect)


def test_no_call_is_made_again_once_its_time_is_over() -> None:
    calls = []

    def fails() -> Any:
        calls.append(1)
        raise Lost

    retry = Retry(on=Lost, attempts=50, wait=timedelta(days=1))
    came = performed(fails, limit=0.05, retry=retry)
    assert isinstance(came, Unsure)
    assert came.error in ("Lost", "TimeoutError"), "whoever of the two sees first that its time is over"
    for thread in [each for each in threading.enumerate() if each.daemon and each is not threading.main_thread()]:
        thread.join(0.3)
    assert len(calls) == 1


def test_what_ends_by_no_exception_is_unknown_and_printed_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    class Ends(BaseException):
        pass

    def ends() -> Any:
        raise Ends(SECRET)

    assert performed(ends) == Unsure("Ends")
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err


def test_a_coroutine_that_meets_a_cancellation_is_unknown() -> None:
    async def meets() -> Any:
        other = asyncio.ensure_future(asyncio.Event().wait())
        other.cancel()
        await other

    assert performed(meets, asynchronous=True) == Unsure("CancelledError")


def test_nobody_waits_for_a_coroutine_that_does_not_let_itself_be_cancelled() -> None:
    ended = []

    async def run() -> Any:
        go_on = asyncio.Event()

        async def stays() -> Any:
            while not go_on.is_set():
                try:
                    await go_on.wait()
                except asyncio.CancelledError:
                    ended.append("was asked to")

        call = Call(stays, ())
        came = await perform_async(Perform(call, timedelta(seconds=0.05), timedelta(seconds=15), None, True))
        go_on.set()
        return came

    assert asyncio.run(run()) == Unsure("TimeoutError")
    assert ended in ([], ["was asked to"])


@SIDES
@pytest.mark.parametrize(("given", "name"), [("receipt", "str"), (None, "NoneType"), (StillUnknown(), "StillUnknown")])
def test_what_no_action_may_return_is_told_by_its_name(any_redis: Redis, prefix: str, given: Any, name: str) -> None:
    faults: list[Exception] = []
    talk = talk_to(any_redis, prefix, Bank(lambda: given), on_fault=lambda fault, _: faults.append(fault))
    assert talk.says("pay", "5", "yes").status == "unknown"
    told = f"Pay, step 'payment': pays returned {name}; it returns Done or Accepted"
    assert [str(fault) for fault in faults] == [told]
    assert [entry.reason for entry in talk.manager.history(talk.member_id) if entry.event_type == "error"] == [told]


@SIDES
def test_who_hears_of_a_fault_may_raise_and_the_outcome_is_kept_all_the_same(any_redis: Redis, prefix: str) -> None:
    class Fails(Pay):
        flow_type = "fails"
        steps = (Pay.amount, Action("payment", Pay.pays))

        def complete(self) -> str:
            raise KeyError("words")

    def raises(fault: Exception, _: Inbound) -> None:
        raise RuntimeError("told") from fault

    talk = Talk(any_redis, prefix, [Fails], services=Bank(), on_fault=raises)
    with pytest.raises(RuntimeError, match="told"):
        talk.says("fails", "5")
    assert talk.data == {"amount": "5", "payment": "receipt 1"}
    assert open_effect(talk) == []


@SIDES
def test_a_value_that_cannot_be_kept_is_told_as_done(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(lambda: Done(object())))
    assert talk.says("pay", "5", "yes").status == "unknown"
    (entry,) = [entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "error"]
    assert entry.reason is not None
    assert entry.reason.startswith("it was done; ")
    assert "Action(returns=…)" in entry.reason


# -- as long as it is open ---------------------------------------------------------------------------------------------


@SIDES
def test_an_effect_that_is_open_is_found_for_as_long_as_it_is(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5")
    before: Any = any_redis.pttl(talk.manager.layout.keys(talk.member_id).due)
    talk.says("yes")
    after: Any = any_redis.pttl(talk.manager.layout.keys(talk.member_id).due)
    years = timedelta(days=365 * 30) / timedelta(milliseconds=1)
    assert before < years < after
    other = Talk(any_redis, prefix, FLOWS, services=Bank(), channel=WHATSAPP)
    other.says("pay", "5")
    assert any_redis.pttl(talk.manager.layout.keys(talk.member_id).due) > years


@SIDES
def test_a_workers_clock_makes_no_answer_late(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    talk.waits(seconds=40)  # a worker whose clock is ahead
    assert talk.runner.resolve(talk.member_id, open_effect(talk)[4], Done("receipt")) is not None
    talk.waits(seconds=-20)
    assert talk.says("thanks").status == "completed"


@SIDES
def test_a_reason_that_no_channel_takes_is_said_in_other_words(any_redis: Redis, prefix: str) -> None:
    def refuses() -> Any:
        raise EffectRefused("No. " * 2000)

    talk = talk_to(any_redis, prefix, Bank(refuses), channel=WHATSAPP)
    assert words(talk.says("pay", "5", "yes")) == SAID.not_done
    assert words(talk.says("and?")).endswith("Pay 5?")


@SIDES
def test_back_from_what_follows_on_an_effect_is_told_as_what_it_is(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank())
    talk.says("pay", "5", "yes")
    assert words(talk.says("back")) == f"{SAID.no_way_back}\n\nA note?"


def test_a_runner_without_services_warns_of_an_action_that_asks_for_them() -> None:
    class Needs(Flow):
        flow_type = "needs"

        def pays(self) -> Any:
            return self.services.pay(self.effect_id)

        steps = (Action("payment", pays),)

    class NeedsNone(Flow):
        flow_type = "needsnone"
        steps = (Action("payment", Done), Step(id="note", type=StepType.TEXT, message="?"))

    def warned(**named: Any) -> list[str]:
        with records_of() as records:
            FlowRunner(FlowStateManager.in_memory(), [Needs, NeedsNone], **named)
        return [record["message"] for record in records if record["level"].name == "WARNING"]

    assert warned(services=Bank()) == []
    (told,) = warned()
    assert told == "needs: pays, of the action 'payment', uses self.services, and this runner was given none"

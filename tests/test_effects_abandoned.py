"""Open effects that are given up: closed together with their run, by who knows no flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import (
    Action,
    Done,
    Flow,
    FlowRunner,
    FlowStateManager,
    NewerState,
    OutcomeNotTaken,
    Step,
    StepType,
    StoreUnavailable,
    SubFlow,
)
from fsmflow.audit import REDACTED, AuditEntry
from fsmflow.codec import CODEC, dump_flow_data
from tests.bank import ACCEPTS, DIES, FAILS, FLOWS, Bank, Pay, talk_to
from tests.proxy import cutting_proxy
from tests.sides import before_each_command
from tests.talking import SECRET, Talk, records_of, words
from tests.test_open_effects import all_that_is_stored, left_open, the_only

pytestmark = pytest.mark.usefixtures("side")


def resolved(talk: Talk) -> list[AuditEntry]:
    """What the trail says of effects that were closed by hand."""
    return [entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "effect_resolved"]


def held_open(any_redis: Redis, prefix: str, script: str = ACCEPTS, *texts: str) -> tuple[Talk, Bank]:
    """A member at whom an effect is open."""
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, *(texts or ("pay", "5", "yes")))
    return talk, bank


def another_runner(talk: Talk, bank: Bank) -> FlowRunner:
    """A runner in what might be another process."""
    manager = FlowStateManager(talk.redis, prefix=talk.manager.layout.prefix)
    return FlowRunner(manager, FLOWS, services=bank, clock=lambda: talk.now)


def meanwhile(talk: Talk, happens: Callable[[], object]) -> None:
    """Has something happen once, right before the next commit of the member's manager."""
    waiting = [happens]

    def look(command: tuple[Any, ...]) -> None:
        if command[0] == "EVALSHA" and waiting:
            waiting.pop()()

    before_each_command(talk.manager, look)


# -- what it does -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [DIES, ACCEPTS, FAILS])
def test_it_is_closed_its_run_is_forgotten_and_the_trail_says_why(any_redis: Redis, prefix: str, script: str) -> None:
    talk, bank = held_open(any_redis, prefix, script)
    before = talk.manager.history(talk.member_id)
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason=" gone, says the bank ")
    assert (talk.fields, talk.manager.open_effects()) == ({}, [])
    assert talk.manager.history(talk.member_id)[:-1] == before
    (entry,) = resolved(talk)
    assert (entry.status, entry.reason, entry.effect_id) == ("abandoned", "gone, says the bank", bank.calls[0])
    assert (entry.step_id, entry.flow_id) == (before[-1].step_id, before[-1].flow_id)
    assert entry.run_id == before[-1].run_id
    assert talk.manager.last_valid_state(talk.member_id) is None


def test_what_is_left_expires_and_nothing_is_due(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    assert all(expires for _, expires in all_that_is_stored(talk).values())
    assert any_redis.zcard(talk.manager.layout.keys(talk.member_id).due) == 0


def test_the_member_begins_anew_and_a_message_from_before_is_still_known(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    old, _ = talk.answered[-1]
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    again = talk.sends(old)
    assert (again.messages, again.duplicate) == ((), True)
    assert words(talk.says("pay")) == "How much?"
    talk.says("5", "yes")
    assert len(set(bank.calls)) == 2


def test_what_its_worker_says_later_does_not_count(any_redis: Redis, prefix: str) -> None:
    given_up: list[bool] = []

    def too_long() -> Any:
        given_up.append(other.abandon(talk.member_id, bank.calls[0], reason="gone"))
        return Done("too late")

    bank = Bank(too_long)
    talk = talk_to(any_redis, prefix, bank)
    other = FlowStateManager(any_redis, prefix=prefix)  # another process
    talk.says("pay", "5", "yes")
    assert given_up == [True]
    assert talk.fields == {}
    assert [entry.event_type for entry in talk.manager.history(talk.member_id)][-1] == "effect_resolved"


def test_a_worker_that_takes_it_up_meanwhile_keeps_nobody_from_it(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix, FAILS, "payknown", "5", "yes")
    bank.is_blind = True
    talk.ages(hours=1)
    meanwhile(talk, lambda: another_runner(talk, bank).due())
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    assert (bank.asked, talk.fields) == ([bank.calls[0]], {})


def test_of_two_who_give_it_up_at_once_one_has_done_it(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    other, first = FlowStateManager(any_redis, prefix=prefix), list[bool]()
    meanwhile(talk, lambda: first.append(other.abandon(talk.member_id, bank.calls[0], reason="gone")))
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone") is False
    assert first == [True]
    assert len(resolved(talk)) == 1


@pytest.mark.real_redis
def test_whose_answer_is_cut_has_done_it_all_the_same_and_once(redis_client: Redis, prefix: str) -> None:
    talk, bank = held_open(redis_client, prefix)
    with cutting_proxy(redis_client.connection_pool.connection_kwargs["port"]) as proxy:
        manager = FlowStateManager.from_url(proxy.url, prefix=prefix)
        proxy.cuts = 1
        assert manager.abandon(talk.member_id, bank.calls[0], reason="gone")
        manager.close()
    assert proxy.cuts == 0
    assert len(resolved(talk)) == 1


# -- what it leaves alone ---------------------------------------------------------------------------------------------


def test_what_is_not_open_or_not_any_more_is_left_alone(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    before = all_that_is_stored(talk)
    for member_id, effect_id in (
        (talk.member_id, "another"),
        (talk.member_id, ""),
        (talk.member_id, bank.calls[0] + "1"),
        ("nobody", bank.calls[0]),
        ("nobody", ""),
    ):
        assert talk.manager.abandon(member_id, effect_id, reason="gone") is False
    assert all_that_is_stored(talk) == before
    talk.runner.resolve(talk.member_id, bank.calls[0], Done("receipt"))
    before = all_that_is_stored(talk)
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone") is False
    assert talk.manager.abandon(talk.member_id, "", reason="gone") is False
    assert all_that_is_stored(talk) == before
    assert talk.data["payment"] == "receipt"


def test_an_effect_that_comes_after_it_is_another(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)

    def goes_on() -> None:
        runner = another_runner(talk, Bank(ACCEPTS))
        runner.resolve(talk.member_id, bank.calls[0], Done("receipt"))
        for text in ("thanks", "pay", "6", "yes"):
            runner.handle(talk.message(text))

    meanwhile(talk, goes_on)
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone") is False
    assert the_only(talk).effect_id != bank.calls[0]
    assert resolved(talk)[-1].status == "success"


def test_the_state_of_a_newer_release_is_left_alone(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    any_redis.hset(talk.key, "codec", str(CODEC + 1))
    before = all_that_is_stored(talk)
    with pytest.raises(NewerState):
        talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    assert all_that_is_stored(talk) == before


@pytest.mark.parametrize(
    ("reason", "error"), [("", ValueError), (" \n", ValueError), ("\ud800", ValueError), (None, TypeError)]
)
def test_who_gives_no_reason_gives_nothing_up(any_redis: Redis, prefix: str, reason: Any, error: type) -> None:
    talk, bank = held_open(any_redis, prefix)
    before = all_that_is_stored(talk)
    with pytest.raises(error):
        talk.manager.abandon(talk.member_id, bank.calls[0], reason=reason)
    assert all_that_is_stored(talk) == before


# -- what no release can close ----------------------------------------------------------------------------------------


class Renamed(Pay):
    """The same flow, whose action has another id."""

    flow_type = "pay"
    steps = (Pay.amount, Pay.confirm, Action("transfer", Pay.pays), Pay.note)


class Asking(Pay):
    """The same flow, whose action became a question."""

    flow_type = "pay"
    steps = (Pay.amount, Pay.confirm, Step(id="payment", type=StepType.TEXT, message="Your receipt?"), Pay.note)


class Elsewhere(Pay):
    """A flow beside which the other is gone."""

    flow_type = "elsewhere"
    keywords = ("pay",)


@pytest.mark.parametrize("later", [Renamed, Asking, Elsewhere])
def test_an_effect_of_an_action_that_is_gone_is_closed_by_it_alone_and_its_member_goes_on(
    any_redis: Redis, prefix: str, later: type[Flow]
) -> None:
    talk, bank = held_open(any_redis, prefix)
    talk.deploys([later], services=bank)
    with pytest.raises(OutcomeNotTaken):
        talk.runner.resolve(talk.member_id, bank.calls[0], Done("receipt"))
    if later is not Elsewhere:  # there the message waits for a release that knows the flow
        assert talk.says("hello?").status == "working"
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    assert words(talk.says("pay")) == "How much?"


@pytest.mark.parametrize(
    ("damage", "effect_id"),
    [
        (b"", ""),
        (b"running", ""),
        (b"\xff\xfe", ""),
        (b"nothing 1 - - the:id:2", "the:id:2"),
        (b"running 1 - - \xff", ""),
        (b"running 1 x 99999999999999999999 the id\n2", "the id\n2"),
        (b"nothing 1 - - a\x00b", "a\x00b"),
    ],
)
def test_a_line_that_cannot_be_read_is_closed_by_the_id_that_is_shown_of_it(
    any_redis: Redis, prefix: str, damage: bytes, effect_id: str
) -> None:
    talk, _ = held_open(any_redis, prefix)
    any_redis.hset(talk.key, "pending", damage)
    assert the_only(talk).effect_id == effect_id
    assert talk.manager.abandon(talk.member_id, "another", reason="gone") is False
    assert talk.manager.abandon(talk.member_id, effect_id, reason="gone")
    assert (talk.fields, talk.manager.open_effects()) == ({}, [])
    assert [(entry.status, entry.effect_id) for entry in resolved(talk)] == [("abandoned", effect_id or None)]


@pytest.mark.parametrize(
    ("field", "damage"),
    [
        ("member_id", b"another"),
        ("member_id", None),
        ("flow_data", b"{"),
        ("flow_data", None),
        ("version", b"x"),
        ("version", None),
        ("codec", b"x"),
        ("due", b"\xff"),
        ("due", None),
        ("channel", None),
        ("token", None),
    ],
)
def test_a_field_beside_it_that_cannot_be_read_keeps_nobody_from_it(
    any_redis: Redis, prefix: str, field: str, damage: bytes | None
) -> None:
    talk, _ = held_open(any_redis, prefix)
    if damage is None:
        any_redis.hdel(talk.key, field)
    else:
        any_redis.hset(talk.key, field, damage)
    assert talk.manager.abandon(talk.member_id, the_only(talk).effect_id, reason="gone")
    assert (talk.fields, talk.manager.open_effects()) == ({}, [])
    assert [entry.status for entry in resolved(talk)] == ["abandoned"]


def test_where_another_program_put_something_it_is_said_that_it_could_not_be_done(
    any_redis: Redis, prefix: str
) -> None:
    talk, bank = held_open(any_redis, prefix)
    audit = talk.manager.layout.keys(talk.member_id).audit
    any_redis.delete(audit)
    any_redis.set(audit, "of another program")
    with pytest.raises(StoreUnavailable):
        talk.manager.abandon(talk.member_id, bank.calls[0], reason="gone")
    assert the_only(talk).effect_id == bank.calls[0]


# -- the reason -------------------------------------------------------------------------------------------------------


class Guarded(Flow):
    """Asks for secrets, and acts within; whoever waits for it was asked for one too."""

    flow_type = "guarded"
    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Step(id="code", type=StepType.TEXT, message="Your code?", sensitive=True, transformer=lambda text: [int(text)]),
        SubFlow("paying", Pay),
    )


@pytest.mark.parametrize(
    ("reason", "is_kept"),
    [
        (f"they said {SECRET}", False),
        (f"theysaid{SECRET}then", False),
        ("their code is 731", False),
        ("code731", False),
        ("receipt 17310 of the bank", True),
        ("5 was not paid", False),
        ("receipt 55", True),
        ("yes, it was", False),
        ("of yesterday", True),
        ("seen by telephone", True),
    ],
)
def test_a_reason_that_quotes_an_answer_is_kept_nowhere_and_another_is_kept(
    any_redis: Redis, prefix: str, reason: str, is_kept: bool
) -> None:
    talk = Talk(any_redis, prefix, [Guarded], services=Bank(ACCEPTS))
    talk.says("guarded", SECRET, "731", "5", "yes")
    with records_of() as records:
        assert talk.manager.abandon(talk.member_id, the_only(talk).effect_id, reason=reason)
    (entry,) = resolved(talk)
    assert entry.reason == (reason if is_kept else REDACTED)
    assert entry.step_id == "payment"
    assert SECRET not in repr(all_that_is_stored(talk))
    assert not any(reason in repr(record) for record in records)


def test_the_answers_of_a_run_that_waits_beneath_are_looked_at_too(any_redis: Redis, prefix: str) -> None:
    talk, bank = held_open(any_redis, prefix)
    run = talk.state.flow_data
    assert run is not None
    any_redis.hset(talk.key, "flow_data", dump_flow_data(evolve(run, waiting=evolve(run, data={"pin": SECRET}))))
    assert talk.manager.abandon(talk.member_id, bank.calls[0], reason=f"they said {SECRET}")
    assert [entry.reason for entry in resolved(talk)] == [REDACTED]


def test_where_the_answers_cannot_be_read_no_reason_is_kept(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Guarded], services=Bank(ACCEPTS))
    talk.says("guarded", SECRET, "731", "5", "yes")
    any_redis.hset(talk.key, "flow_data", f'{{"pin": "{SECRET}"')
    assert talk.manager.abandon(talk.member_id, the_only(talk).effect_id, reason=f"they said {SECRET}")
    assert [entry.reason for entry in resolved(talk)] == [REDACTED]


def test_of_a_hash_that_names_another_the_answers_are_looked_at_too(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Guarded], services=Bank(ACCEPTS))
    talk.says("guarded", SECRET, "731", "5", "yes")
    any_redis.hset(talk.key, "member_id", "another")
    assert talk.manager.abandon(talk.member_id, "", reason=f"they said {SECRET}")
    assert [entry.reason for entry in resolved(talk)] == [REDACTED]


# -- one that is open -------------------------------------------------------------------------------------------------


def test_one_is_told_as_all_are(any_redis: Redis, prefix: str) -> None:
    talk, _ = held_open(any_redis, prefix)
    assert talk.manager.open_effect(talk.member_id) == the_only(talk)
    assert talk.manager.open_effect("nobody") is None
    any_redis.hset(talk.key, "member_id", "another")
    assert talk.manager.open_effect(talk.member_id) == the_only(talk)

"""An effect that is closed from outside: it counts once, whoever has it, and the trail says who said so and why."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from redis import Redis

from fsmflow import (
    Action,
    AuditEntry,
    Done,
    EffectRefused,
    Flow,
    OutcomeNotTaken,
    Step,
    StepType,
    StoreUnavailable,
    SubFlow,
)
from tests.bank import ACCEPTS, DIES, FAILS, FLOWS, PAYS_AND_DIES, REASON, Bank, Payment, open_effect, talk_to
from tests.sides import runner_on
from tests.talking import SECRET, Talk, records_of, stored_bytes, words
from tests.test_effects_races import other_worker

WORKING = "One moment: this is being done."
CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."
WHY = "ann: the bank says so on the telephone"
OUTCOMES = pytest.mark.parametrize(
    "outcome", [Done("found"), EffectRefused(REASON)], ids=lambda outcome: type(outcome).__name__
)


def resolved(talk: Talk) -> list[AuditEntry]:
    """What the trail says of effects that were closed from outside."""
    return [entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "effect_resolved"]


def left(talk: Talk, bank: Bank, *texts: str) -> str:
    """Has a member leave an effect open; gives its id."""
    try:
        talk.says(*texts)
    except StoreUnavailable:
        bank.is_dead = False
    return bank.calls[-1]


# -- the trail --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("side")
@OUTCOMES
def test_the_trail_says_that_it_was_said_from_outside_and_why_before_what_came_of_it(
    any_redis: Redis, prefix: str, outcome: Any
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    talk.runner.resolve(talk.member_id, effect_id, outcome, reason=WHY)
    (entry,) = resolved(talk)
    is_done = isinstance(outcome, Done)
    assert (entry.step_id, entry.reason, entry.status) == ("payment", WHY, "success" if is_done else "refused")
    assert (entry.flow_id, entry.run_id) == (talk.state.flow_data.id, talk.state.flow_data.run_id)  # type: ignore[union-attr]  # it is there
    events = [event for event, _, _ in talk.events if event.startswith("effect")]
    assert events[-2:] == ["effect_resolved", "effect_done" if is_done else "effect_refused"]


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_without_a_reason_the_trail_says_that_it_was_said_from_outside(
    any_redis: Redis, prefix: str, reason: str | None
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    talk.runner.resolve(talk.member_id, effect_id, Done(), reason=reason)
    assert [entry.reason for entry in resolved(talk)] == ["said from outside"]


@pytest.mark.usefixtures("side")
def test_what_its_own_worker_says_was_not_said_from_outside(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    left(talk, bank, "payknown", "5", "yes")
    talk.ages(minutes=1)
    talk.runner.due()
    talk.says("thanks", "pay", "5", "yes")
    assert [event for event, _, _ in talk.events].count("effect_done") == 2
    assert resolved(talk) == []


@pytest.mark.usefixtures("side")
def test_the_word_that_came_too_late_or_is_of_another_effect_is_in_no_trail(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    before = talk.events
    assert talk.runner.resolve(talk.member_id, "another", Done(), reason=WHY) is None
    assert talk.runner.resolve("nobody", effect_id, Done(), reason=WHY) is None
    assert talk.events == before
    talk.runner.resolve(talk.member_id, effect_id, Done(), reason=WHY)
    assert talk.runner.resolve(talk.member_id, effect_id, EffectRefused(REASON), reason="bob: no") is None
    assert [entry.reason for entry in resolved(talk)] == [WHY]


@pytest.mark.usefixtures("side")
def test_the_effect_that_it_leads_to_is_its_own_workers(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "paytwice", "5")
    due = talk.runner.resolve(talk.member_id, effect_id, Done("found"), reason=WHY)
    assert due is not None
    assert (due.reply.status, len(bank.calls)) == ("completed", 2)
    assert [entry.step_id for entry in resolved(talk)] == ["payment"]


@pytest.mark.usefixtures("side")
def test_an_outcome_that_cannot_be_taken_leaves_no_entry_and_the_effect_as_it_is(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    before = talk.fields
    with pytest.raises(OutcomeNotTaken):
        talk.runner.resolve(talk.member_id, effect_id, Done(object()), reason=WHY)
    assert (resolved(talk), talk.fields) == ([], before)
    assert talk.runner.resolve(talk.member_id, effect_id, Done("found")) is not None
    assert talk.data["payment"] == "found"


class Secretive(Flow):
    """A secret, and an action in a flow of its own after it."""

    flow_type = "secretive"
    steps = (Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True), SubFlow("paying", Payment))


class SecretAtOnce(Flow):
    """A secret, and an action after it."""

    flow_type = "secretatonce"
    steps = (Secretive.steps[0], Action("payment", Payment.pays))


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("texts", [("secretive", SECRET, "5"), ("secretatonce", SECRET)], ids=lambda texts: texts[0])
def test_a_reason_that_quotes_a_sensitive_answer_is_kept_nowhere(
    any_redis: Redis, prefix: str, texts: tuple[str, ...]
) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, [Secretive, SecretAtOnce], services=bank)
    effect_id = left(talk, bank, *texts)
    with records_of() as records:
        talk.runner.resolve(talk.member_id, effect_id, Done(), reason=f"ann: by {SECRET}, as they said")
    assert [entry.reason for entry in resolved(talk)] == ["[redacted]"]
    assert SECRET not in str(records)
    assert not any(SECRET.encode() in raw for raw in stored_bytes(any_redis, prefix).values())


@pytest.mark.usefixtures("side")
def test_a_reason_is_for_the_trail_and_neither_in_a_log_nor_told_to_the_member(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    with records_of() as records:
        due = talk.runner.resolve(talk.member_id, effect_id, Done(), reason=WHY)
    assert any("effect_resolved" in record["message"] for record in records)
    assert WHY not in str(records)
    assert due is not None
    assert WHY not in words(due.reply)
    assert WHY.encode() not in talk.fields["reply"]


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize(("reason", "raised"), [(7, TypeError), (b"why", TypeError), ("half \ud800", ValueError)])
def test_a_reason_that_is_no_text_closes_nothing(
    any_redis: Redis, prefix: str, reason: Any, raised: type[Exception]
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    with pytest.raises(raised):
        talk.runner.resolve(talk.member_id, effect_id, Done(), reason=reason)
    assert open_effect(talk)[4] == effect_id


# -- how it stood -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("side")
@OUTCOMES
@pytest.mark.parametrize("script", [ACCEPTS, FAILS, DIES])
@pytest.mark.parametrize("keyword", ["pay", "payknown"])
def test_however_it_stands_it_can_be_closed_and_counts_once(
    any_redis: Redis, prefix: str, outcome: Any, script: str, keyword: str
) -> None:
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, keyword, "5", "yes")
    due = talk.runner.resolve(talk.member_id, effect_id, outcome, reason=WHY)
    assert due is not None
    is_done = isinstance(outcome, Done)
    assert words(due.reply) == ("A note?" if is_done else f"{REASON}\n\nPay 5?")
    assert (open_effect(talk), talk.data.get("payment")) == ([], "found" if is_done else None)
    assert talk.runner.resolve(talk.member_id, effect_id, outcome, reason=WHY) is None
    talk.ages(minutes=2)
    assert (len(talk.runner.due()), len(bank.calls), bank.asked) == (0, 1, [])
    assert len(resolved(talk)) == 1


@pytest.mark.usefixtures("side")
@OUTCOMES
@pytest.mark.parametrize("late", [Done("late"), EffectRefused("late")], ids=lambda late: f"late {type(late).__name__}")
def test_what_the_worker_says_who_is_still_at_it_is_lost(
    any_redis: Redis, prefix: str, outcome: Any, late: Any
) -> None:
    def said_meanwhile() -> Any:
        other_worker(talk, bank).resolve(talk.member_id, bank.calls[-1], outcome, reason=WHY)
        stored.append(talk.fields)
        if isinstance(late, EffectRefused):
            raise late
        return late

    stored: list[dict[str, bytes]] = []
    bank = Bank(said_meanwhile)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert (reply.messages, reply.status) == ((), "working"), "who has said it meanwhile, has told the member"
    assert [talk.fields] == stored, "not a byte of what was stored is touched by it"
    assert len(resolved(talk)) == 1
    events = [event for event, _, _ in talk.events]
    assert events.count("effect_done") + events.count("effect_refused") == 1
    assert words(talk.says("help")).endswith("A note?" if isinstance(outcome, Done) else "Pay 5?")


@pytest.mark.usefixtures("side")
def test_what_a_member_says_at_the_same_moment_does_not_keep_it_from_being_closed(
    any_redis: Redis, prefix: str
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    is_said: list[bool] = []

    def asks_who(_channel: Any) -> None:
        if not is_said:
            is_said.append(True)
            other_worker(talk, bank).handle(talk.message("and?"))

    runner = runner_on(talk.manager, FLOWS, services=bank, clock=lambda: talk.now, authenticator=asks_who)
    due = runner.resolve(talk.member_id, effect_id, Done("found"), reason=WHY)
    assert is_said
    assert due is not None
    assert (talk.data["payment"], len(resolved(talk))) == ("found", 1)


def test_of_several_operators_at_once_one_closes_it(any_redis: Redis, prefix: str) -> None:
    bank = Bank(FAILS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left(talk, bank, "pay", "5", "yes")
    waiting = threading.Barrier(8)
    found: list[tuple[str, Any]] = []

    def says(who: str, outcome: Any) -> None:
        runner = other_worker(talk, bank)
        waiting.wait()
        found.append((who, runner.resolve(talk.member_id, effect_id, outcome, reason=who)))

    outcomes = [Done("found") if number % 2 else EffectRefused(REASON) for number in range(8)]
    threads = [threading.Thread(target=says, args=(f"operator {n}", each)) for n, each in enumerate(outcomes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (closed_by,) = [who for who, due in found if due is not None]
    assert len(found) == len(outcomes)
    assert [entry.reason for entry in resolved(talk)] == [closed_by]
    assert ("payment" in talk.data) == (int(closed_by.split()[1]) % 2 == 1)

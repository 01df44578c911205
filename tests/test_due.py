"""Who says nothing is looked after: reminded once, closed once, and left alone where nothing is due.

The store's clock cannot be moved, so `Talk.ages` brings nearer what is due; the member's clock moves with it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import (
    Due,
    Flow,
    FlowDefinitionError,
    FlowRunner,
    FlowStateManager,
    Inbound,
    NewerState,
    Option,
    Reply,
    Sentences,
    Step,
    StepType,
    StoreUnavailable,
)
from fsmflow.codec import CODEC
from tests.sides import before_each_command, manager_on, runner_on
from tests.talking import CONSOLE, WHATSAPP, Offer, Order, Talk, words

pytestmark = pytest.mark.usefixtures("side")


class Asked(Offer):
    """The offer, whose questions are asked once more after a minute."""

    flow_type = "asked"
    keywords: tuple[str, ...] = ("asked",)
    steps = tuple(evolve(step, reminder=timedelta(minutes=1)) for step in Offer.steps)


REMINDED = "Are you still there?\n\nTo which handle?"
PATIENT_STEP = Step(id="pin", type=StepType.TEXT, message="Your PIN?", timeout=timedelta(seconds=30))


def done(talk: Talk) -> list[tuple[str, str]]:
    """What is due, done: of each what it was, and its words."""
    return [(due.kind, words(due.reply)) for due in talk.runner.due()]


def due_set(talk: Talk) -> list[tuple[bytes, float]]:
    """The entries of the member's due set."""
    found: Any = talk.redis.zrange(talk.manager.layout.keys(talk.member_id).due, 0, -1, withscores=True)
    return list(found)


# -- reminding and closing --------------------------------------------------------------------------------------------


def test_a_member_is_reminded_of_the_question_once_and_may_answer_it(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    assert done(talk) == []
    talk.ages(seconds=59)
    assert done(talk) == []
    talk.ages(seconds=1)
    assert done(talk) == [("reminder", REMINDED)]
    assert done(talk) == []
    assert talk.events[-1] == ("reminder", "success", "handle")
    assert talk.says("bob").step_id == "confirm"


def test_a_button_works_whether_it_came_with_the_question_or_with_the_reminder(any_redis: Redis, prefix: str) -> None:
    for use_first in (True, False):
        talk = Talk(any_redis, f"{prefix}-{use_first}", [Asked])
        asked = talk.says("asked", "12", "bob")
        talk.ages(minutes=1)
        [due] = talk.runner.due()
        assert talk.taps("Confirm", of=asked if use_first else due.reply).status == "completed"


def test_a_refused_answer_is_no_new_question_and_brings_no_second_reminder(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    assert len(done(talk)) == 1
    talk.says("a lot")
    talk.ages(minutes=4)
    assert done(talk) == []
    talk.ages(minutes=1)
    assert done(talk) == [("expire", "")]


def test_a_run_is_closed_after_its_timeout_and_nobody_is_told(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.ages(minutes=5)
    [due] = talk.runner.due()
    assert (due.kind, due.reply.messages, due.reply.status, due.reply.step_id) == ("expire", (), "expired", "expired")
    assert talk.events[-1] == ("expire", "success", "expired")
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.step_id == "expired"
    assert due_set(talk) == []
    assert done(talk) == []


def test_the_end_comes_when_it_was_to_come_also_after_a_reminder_that_was_late(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=3)
    assert [kind for kind, _ in done(talk)] == ["reminder"]
    talk.ages(minutes=2)
    assert [kind for kind, _ in done(talk)] == ["expire"]


def test_a_member_is_not_reminded_of_what_is_over(any_redis: Redis, prefix: str) -> None:
    """Nobody looked for an hour: the reminder would ask for an answer that is not taken any more."""
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(hours=1)
    assert done(talk) == [("expire", "")]


def test_a_step_has_its_own_timeout_or_none(any_redis: Redis, prefix: str) -> None:
    class Locked(Flow):
        flow_type = "locked"
        steps = (PATIENT_STEP, Step(id="name", type=StepType.TEXT, message="Your name?", timeout=None))

    talk = Talk(any_redis, prefix, [Locked])
    talk.says("locked", "1234")
    talk.ages(days=7)
    assert done(talk) == []
    assert talk.says("restart").step_id == "pin"
    talk.ages(seconds=30)
    assert done(talk) == [("expire", "")]


def test_what_is_due_says_where_to_send_it_and_by_which_account(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked], channel=WHATSAPP)
    talk.says("asked", account="phone-1")
    talk.ages(minutes=1)
    [due] = talk.runner.due()
    assert isinstance(due, Due)
    assert (due.channel, due.account, due.reply.member_id) == (WHATSAPP, "phone-1", talk.member_id)


def test_a_reminder_speaks_the_runners_language(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked], sentences=Sentences(reminder="Noch da?"))
    talk.says("asked")
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", "Noch da?\n\nHow much?")]


def test_only_so_many_are_looked_at_and_the_longest_due_first(any_redis: Redis, prefix: str) -> None:
    talks = [Talk(any_redis, prefix, [Offer], channel=evolve(CONSOLE, identifier=f"m{place}")) for place in range(4)]
    for talk in talks:
        talk.says("offer")
        talk.ages(minutes=1)
    talks[0].ages(minutes=4)
    assert [due.reply.member_id for due in talks[0].runner.due(limit=3)] == [f"console:m{place}" for place in range(3)]
    assert [due.reply.member_id for due in talks[0].runner.due(limit=3)] == ["console:m3"]


def test_a_channel_that_has_stopped_taking_what_it_did_not_ask_for_is_sent_nothing(
    any_redis: Redis, prefix: str
) -> None:
    class Slow(Asked):
        flow_type = "slow"
        keywords = ("slow",)
        timeout = timedelta(days=3)
        steps = (evolve(Offer.steps[0], reminder=timedelta(hours=24)),)

    for channel, kinds in ((WHATSAPP, []), (CONSOLE, ["reminder"])):
        talk = Talk(any_redis, f"{prefix}-{channel.type}", [Slow], channel=channel)
        talk.says("slow")
        talk.ages(hours=24)
        assert [kind for kind, _ in done(talk)] == kinds
        talk.ages(days=2)
        assert [kind for kind, _ in done(talk)] == ["expire"]


# -- a stale timer does nothing ---------------------------------------------------------------------------------------


def test_a_timer_that_fires_after_the_answer_does_nothing(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(seconds=50)
    talk.says("12")
    talk.ages(seconds=20)
    before = talk.fields
    assert done(talk) == []
    assert talk.fields == before
    talk.ages(seconds=40)
    assert done(talk) == [("reminder", REMINDED)]


def test_a_member_who_answers_while_the_timer_is_at_it_has_answered(any_redis: Redis, prefix: str) -> None:
    """Between the timer's load and its commit: the commit is made for the version that was read."""
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    member = FlowRunner(FlowStateManager(any_redis, prefix=prefix), [Asked], clock=lambda: talk.now)
    waiting, answered = ["12"], list[Reply]()

    def answer(command: tuple[Any, ...]) -> None:
        if command[0] == "EVALSHA" and waiting:
            answered.append(member.handle(talk.message(waiting.pop())))

    slow = manager_on(any_redis, prefix=prefix)
    runner = runner_on(slow, [Asked], clock=lambda: talk.now)
    [looked_at] = runner._keeping_time(slow.overdue())
    before_each_command(slow, answer)
    assert slow.drive(looked_at) is None
    assert [reply.step_id for reply in answered] == ["handle"]
    assert talk.data == {"amount": "12"}
    assert [event for event, _, _ in talk.events].count("reminder") == 0


@pytest.mark.parametrize("workers", [2, 5])
def test_of_several_workers_one_reminds(any_redis: Redis, prefix: str, workers: int) -> None:
    """All have read the entry before the first of them commits."""
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    managers = [manager_on(any_redis, prefix=prefix) for _ in range(workers)]
    overdue = [manager.overdue() for manager in managers]
    assert [len(found) for found in overdue] == [1] * workers
    sent = []
    for manager, found in zip(managers, overdue, strict=True):
        runner = runner_on(manager, [Asked], clock=lambda: talk.now)
        sent += [due for due in manager.drive_many(runner._keeping_time(found)) if due is not None]
    assert len(sent) == 1
    assert [event for event, _, _ in talk.events].count("reminder") == 1


def test_a_restart_of_the_process_loses_no_timer(any_redis: Redis, prefix: str) -> None:
    Talk(any_redis, prefix, [Asked]).says("asked", "12")
    other = Talk(any_redis, prefix, [Asked])
    other.ages(minutes=1)
    assert done(other) == [("reminder", REMINDED)]


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_workers_clock_decides_nothing(any_redis: Redis, prefix: str, skew: timedelta) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.now += skew
    assert done(talk) == []
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]


@pytest.mark.parametrize("field", ["flow_data", "channel", "version", "sent_at"])
def test_a_hash_that_cannot_be_read_is_left_alone(any_redis: Redis, prefix: str, field: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    talk.redis.hset(talk.key, field, "?")
    before = talk.fields
    assert done(talk) == []
    assert talk.fields == before
    assert due_set(talk) == []
    assert talk.says("bob").status == "recovered"


@pytest.mark.parametrize("raw", ["?", "1 reminder", "x reminder 1 1", "-1 expire 1 1", ""])
def test_a_deadline_that_cannot_be_read_is_none_and_the_next_message_sets_one(
    any_redis: Redis, prefix: str, raw: str
) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    talk.redis.hset(talk.key, "due", raw)
    assert done(talk) == []
    talk.says("12")
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]


def test_a_run_of_a_newer_release_is_left_to_its_workers(any_redis: Redis, prefix: str) -> None:
    class Newer(Asked):
        revision = 1

    talk = Talk(any_redis, prefix, [Newer])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    before = talk.fields
    talk.deploys([Asked])
    assert done(talk) == []
    assert talk.fields == before
    talk.deploys([Newer])
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]


def test_a_state_of_a_newer_codec_is_left_to_its_workers(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    talk.redis.hset(talk.key, "codec", str(CODEC + 1))
    before = talk.fields
    assert done(talk) == []
    assert talk.fields == before
    assert len(due_set(talk)) == 1


def test_a_kind_that_is_not_known_here_is_left_to_who_knows_it(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    at, _, score, question = talk.fields["due"].decode().split(" ")
    talk.redis.hset(talk.key, "due", f"{at} unheard {score} {question}")
    assert done(talk) == []
    assert len(due_set(talk)) == 1


def test_a_run_of_a_flow_that_was_removed_is_left_as_it_is(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=10)
    talk.deploys([Order])
    before = talk.fields
    assert done(talk) == []
    assert talk.fields == before
    assert due_set(talk) == []
    assert talk.says("hello").status == "recovered"


def test_a_flow_that_may_be_a_newer_releases_is_looked_at_again_later(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    talk.deploys([Order])
    assert done(talk) == []
    with pytest.raises(NewerState):
        talk.says("bob")
    talk.deploys([Asked])
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]


def test_a_step_that_was_removed_is_for_the_next_message_to_recover_from(any_redis: Redis, prefix: str) -> None:
    class Shorter(Asked):
        steps = (Asked.steps[0], Asked.steps[2])

    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    talk.deploys([Shorter])
    before = talk.fields
    assert done(talk) == []
    assert talk.fields == before
    assert talk.says("bob").status == "recovered"


def test_after_a_deploy_was_taken_back_timers_are_set_again(any_redis: Redis, prefix: str) -> None:
    """The worker of the deploy took the entry away: its score, which the hash still has, is not relied upon."""

    class Shorter(Asked):
        steps = (Asked.steps[0], Asked.steps[2])

    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12")
    talk.ages(minutes=1)
    talk.deploys([Shorter])
    assert done(talk) == []
    talk.deploys([Asked])
    assert talk.says("bob").step_id == "confirm"
    talk.ages(minutes=1)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


def test_an_entry_that_is_set_while_it_is_taken_away_stays(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    member = FlowRunner(FlowStateManager(any_redis, prefix=prefix), [Asked], clock=lambda: talk.now)
    slow = manager_on(any_redis, prefix=prefix)
    runner = runner_on(slow, [Asked], clock=lambda: talk.now)
    [looked_at] = runner._keeping_time(slow.overdue())
    talk.redis.delete(talk.key)
    waiting = ["asked"]

    def start(command: tuple[Any, ...]) -> None:
        if command[0] == "EVALSHA" and waiting:
            member.handle(talk.message(waiting.pop()))

    before_each_command(slow, start)
    assert slow.drive(looked_at) is None
    assert len(due_set(talk)) == 1
    talk.ages(minutes=1)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


def test_a_member_who_was_cleared_is_in_no_due_set(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    assert len(due_set(talk)) == 1
    talk.manager.clear(talk.member_id)
    assert due_set(talk) == []


def test_who_could_not_be_cleared_is_in_the_due_set_still(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    audit = talk.manager.layout.keys(talk.member_id).audit
    any_redis.delete(audit)
    any_redis.set(audit, "of another program")
    with pytest.raises(StoreUnavailable):
        talk.manager.clear(talk.member_id)
    assert len(due_set(talk)) == 1


def test_an_entry_of_a_member_whose_hash_is_gone_is_taken_away(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    talk.redis.delete(talk.key)
    assert done(talk) == []
    assert due_set(talk) == []
    assert not talk.redis.exists(talk.key)


@pytest.mark.parametrize("ending", ["cancel", "complete"])
def test_a_run_that_has_ended_is_in_no_due_set(any_redis: Redis, prefix: str, ending: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", *(["12", "bob", "Confirm"] if ending == "complete" else ["cancel"]))
    assert due_set(talk) == []
    talk.ages(days=1)
    assert done(talk) == []


def test_a_worker_that_comes_too_late_takes_away_no_entry_that_was_set_since(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    stale = talk.manager.overdue()
    talk.says("cancel")
    talk.says("asked")
    assert talk.manager.drive_many(talk.runner._keeping_time(stale)) == [None]
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", "Are you still there?\n\nHow much?")]


def test_a_question_that_was_left_without_another_timer_is_waited_for_anew(any_redis: Redis, prefix: str) -> None:
    """By a worker of a release that knew of no timers: its commit left what was due to the question before."""
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    left = talk.fields["due"]
    talk.says("12")
    talk.redis.hset(talk.key, "due", left)
    talk.redis.zadd(talk.manager.layout.keys(talk.member_id).due, {talk.member_id: 1})
    assert done(talk) == []
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]


def test_after_a_rollback_the_question_is_reminded_of_and_closed(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked", "12", "bob", "Confirm")
    talk.manager.rollback(talk.member_id)
    talk.ages(seconds=1)
    assert done(talk) == []
    talk.ages(minutes=1)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


# -- what a flow's code does ------------------------------------------------------------------------------------------


def test_words_that_fail_remind_nobody_harm_no_other_and_do_not_come_again(any_redis: Redis, prefix: str) -> None:
    is_broken = [False]

    class Broken(Asked):
        flow_type = "broken"
        keywords = ("broken",)

        def ask(self) -> str:
            if is_broken[0]:
                raise RuntimeError("with an answer in it")
            return "What?"

        steps = (Step(id="what", type=StepType.TEXT, message=ask, reminder=timedelta(minutes=1)),)

    faults: list[Exception] = []
    talk = Talk(any_redis, prefix, [Broken, Asked], on_fault=lambda fault, _: faults.append(fault))
    other = Talk(any_redis, prefix, [Asked], channel=WHATSAPP)
    talk.says("broken")
    other.says("asked", "12")
    is_broken[0] = True
    talk.ages(minutes=1)
    assert done(talk) == [("reminder", REMINDED)]
    assert [type(fault) for fault in faults] == [RuntimeError]
    assert talk.events[-1] == ("error", "error", "what")
    assert "an answer" not in repr(talk.manager.history(talk.member_id))
    assert done(talk) == []
    talk.ages(minutes=4)
    assert len(done(talk)) == 2


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ({"timeout": timedelta()}, "timeout is a timedelta above zero"),
        ({"timeout": timedelta(seconds=-1)}, "timeout is a timedelta above zero"),
        ({"timeout": 30}, "timeout is a timedelta above zero"),
        ({"reminder": timedelta()}, "reminder is a timedelta above zero"),
        ({"reminder": 30}, "reminder is a timedelta above zero"),
        ({"reminder": timedelta(minutes=5)}, "reminder must be shorter than the timeout"),
        ({"reminder": timedelta(minutes=2), "timeout": timedelta(minutes=1)}, "reminder must be shorter"),
    ],
)
def test_a_silence_that_cannot_be_is_found_when_the_class_is_made(named: dict[str, Any], wanted: str) -> None:
    with pytest.raises(FlowDefinitionError, match=wanted):
        type("Bad", (Flow,), {"flow_type": "bad", "steps": (evolve(Offer.steps[1], **named),)})


def test_a_reminder_may_be_longer_than_the_flows_timeout_where_its_step_waits_for_ever() -> None:
    named: dict[str, Any] = {"reminder": timedelta(days=1), "timeout": None}
    type("Good", (Flow,), {"flow_type": "good", "steps": (evolve(Offer.steps[1], **named),)})


# -- the due sets -----------------------------------------------------------------------------------------------------


def test_an_entry_lives_at_least_as_long_as_its_member(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    for text in ("asked", "a lot", "12", "bob"):
        talk.says(text)
        talk.ages(seconds=20)
        keys = talk.manager.layout.keys(talk.member_id)
        assert talk.redis.pttl(keys.due) > talk.redis.pttl(keys.state)


def test_a_flow_that_waits_for_ever_costs_no_due_set(any_redis: Redis, prefix: str) -> None:
    class Patient(Offer):
        flow_type = "patient"
        timeout = None

    talk = Talk(any_redis, prefix, [Patient])
    talk.says("patient", "12")
    assert "due" not in talk.fields
    assert not talk.redis.exists(talk.manager.layout.keys(talk.member_id).due)


def test_what_another_program_put_where_a_due_set_is_fails_the_whole_commit(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.redis.set(talk.manager.layout.keys(talk.member_id).due, "x")
    with pytest.raises(Exception, match="Redis did not do EVAL"):
        talk.says("asked")
    assert not talk.redis.exists(talk.key, f"{talk.key}:audit")


def test_an_entry_that_is_no_name_is_passed_by(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(minutes=1)
    talk.redis.zadd(talk.manager.layout.keys(talk.member_id).due, {b"\xff\xfe": 1})
    assert [entry.member_id for entry in talk.manager.overdue()] == [talk.member_id]


def test_a_redelivered_message_does_not_end_the_silence(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    last: Inbound = talk.answered[-1][0]
    talk.ages(seconds=50)
    assert talk.sends(last).duplicate
    talk.ages(seconds=10)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


@pytest.mark.parametrize("kind", ["reaction", "system"])
def test_what_is_said_beside_the_conversation_moves_no_timer(any_redis: Redis, prefix: str, kind: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(seconds=50)
    talk.sends(talk.message(None, kind=kind))
    talk.ages(seconds=10)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


@pytest.mark.parametrize("text", ["a lot", "help", "back"])
def test_whatever_a_member_says_ends_the_silence(any_redis: Redis, prefix: str, text: str) -> None:
    talk = Talk(any_redis, prefix, [Asked])
    talk.says("asked")
    talk.ages(seconds=50)
    talk.says(text)
    talk.ages(seconds=50)
    assert done(talk) == []
    talk.ages(seconds=10)
    assert [kind for kind, _ in done(talk)] == ["reminder"]


def test_a_choice_is_numbered_in_a_reminder_as_in_the_question(any_redis: Redis, prefix: str) -> None:
    class Pick(Flow):
        flow_type = "pick"
        steps = (
            Step(
                id="one",
                type=StepType.LIST,
                message="Which?",
                options=(Option("a", "A"), Option("b", "B")),
                reminder=timedelta(minutes=1),
            ),
        )

    talk = Talk(any_redis, prefix, [Pick])
    talk.says("pick")
    talk.ages(minutes=1)
    [due] = talk.runner.due()
    assert talk.taps("B", of=due.reply).status == "completed"

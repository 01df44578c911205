"""What holds where two parts of a conversation meet: a silence and a flow within, a sign-in and what waits, a deploy.

Each of these was once got wrong by two parts that were each right. Time is moved, not waited for; what is due is due in
the past.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from fsmflow import Channel, Flow, FlowRunner, FlowStateManager, Inbound, Member, Option, Reply, Step, StepType, SubFlow
from fsmflow.errors import NewerState

SECRET = "SECRET99"
YES_OR_NO = (Option("yes", "Yes"), Option("no", "No"))
AT_ONCE = timedelta(milliseconds=1)
HERE = Channel("console", "me")


def text(step_id: str, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message=f"{step_id}?", **named)


def choice(step_id: str, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.BUTTON, message=f"{step_id}?", options=YES_OR_NO, **named)


def made(flow_type: str, *steps: Step, **named: Any) -> type[Flow]:
    return type(flow_type.title(), (Flow,), {"flow_type": flow_type, "steps": steps, **named})


class Conversation:
    """A conversation whose clock is moved by hand, and whose flows may be deployed anew."""

    def __init__(self, redis: Redis, prefix: str, *flows: type[Flow], **named: Any) -> None:
        self.redis, self.prefix, self.named = redis, prefix, named
        self.now = datetime.now(timezone.utc)
        self.numbers = count(1)
        self.deploys(*flows)

    def deploys(self, *flows: type[Flow]) -> None:
        manager = FlowStateManager(self.redis, prefix=self.prefix)
        self.runner = FlowRunner(manager, flows, clock=lambda: self.now, **self.named)

    def says(self, *texts: str, sent_at: datetime | None = None) -> Reply:
        for said in texts:
            self.now += timedelta(milliseconds=1)
            reply = self.runner.handle(Inbound(HERE, str(next(self.numbers)), said, sent_at=sent_at))
        return reply

    def is_due(self) -> list[Any]:
        """Does what is due, once the store's own clock has gone on to it."""
        while not (done := self.runner.due()):
            assert datetime.now(timezone.utc) - self.now < timedelta(seconds=5), "nothing ever came to be due"
        return done

    @property
    def stored(self) -> str:
        """All that stands in the trail."""
        [key] = self.redis.keys(f"{self.prefix}*:audit")
        return str(self.redis.xrange(key))


def words(reply: Reply) -> str:
    return "\n\n".join(str(getattr(message, "body", "")) for message in reply.messages)


PIN = made("pin", text("pin", sensitive=True), text("sure"))


@pytest.mark.parametrize("answers", [(SECRET,), (SECRET, "yes")])
@pytest.mark.parametrize("by_a_worker", [True, False])
def test_no_silence_writes_a_secret_of_a_flow_within_to_the_trail(
    any_redis: Redis, prefix: str, answers: tuple[str, ...], by_a_worker: bool
) -> None:
    outer = made("outer", text("name"), SubFlow("pin", PIN), text("last"), timeout=AT_ONCE if by_a_worker else None)
    talk = Conversation(any_redis, prefix, outer)
    talk.says("outer")
    if by_a_worker:
        outer.timeout = timedelta(minutes=5)
        talk.says("Ann", *answers[:-1])
        outer.timeout = AT_ONCE
        talk.says(answers[-1])
        talk.is_due()
    else:
        outer.timeout = timedelta(minutes=5)
        talk.says("Ann", *answers)
        talk.now += timedelta(minutes=6)
        assert talk.says("hello").status == "expired"
    assert "expired" in talk.stored
    assert SECRET not in talk.stored


def test_who_signs_in_where_another_member_was_is_not_shown_what_that_one_had_open(
    any_redis: Redis, prefix: str
) -> None:
    known: dict[str, Member] = {"who": Member("alice")}

    class SignIn(Flow):
        flow_type = "sign_in"
        steps = (text("phone"),)

        def complete(self) -> str:
            known["who"] = Member("bob")
            return "Signed in."

    class Offer(Flow):
        flow_type = "offer"
        requires_auth = True

        def confirmation(self) -> str:
            return f"Send {self.data['amount']} from {self.member_id}?"

        steps = (
            text("amount"),
            Step(id="confirm", type=StepType.BUTTON, message=confirmation, options=YES_OR_NO),
        )

    talk = Conversation(any_redis, prefix, SignIn, Offer, authenticator=lambda _: known["who"], sign_in=SignIn)
    assert words(talk.says("offer", "777")) == "Send 777 from alice?"
    known["who"] = Member("alice", signed_in_until=talk.now - timedelta(hours=1))
    talk.says("hello")
    reply = talk.says("bob's phone")
    assert (reply.status, "alice" in words(reply), "777" in words(reply)) == ("completed", False, False)


def test_nobody_is_reminded_of_what_another_member_has_open(any_redis: Redis, prefix: str) -> None:
    known = {"who": Member("alice")}
    flow = made("pay", text("amount"), choice("sure", reminder=AT_ONCE), timeout=timedelta(milliseconds=20))
    talk = Conversation(any_redis, prefix, flow, authenticator=lambda _: known["who"])
    talk.says("pay", "777")
    known["who"] = Member("bob")
    assert [due.reply.messages for due in talk.is_due()] == [()]


@pytest.mark.parametrize("after", [("passcode",), ()])
def test_a_secret_whose_step_has_gone_stays_out_of_the_trail(
    any_redis: Redis, prefix: str, after: tuple[str, ...]
) -> None:
    talk = Conversation(any_redis, prefix, made("f", text("name"), text("pin", sensitive=True), choice("sure")))
    talk.says("f", "Ann", SECRET, "back", "back")
    talk.deploys(made("f", text("name"), *(text(each, sensitive=True) for each in after), choice("sure")))
    talk.says("Bob")
    assert SECRET not in talk.stored


def test_a_newer_revision_of_a_flow_within_is_left_to_who_knows_it(any_redis: Redis, prefix: str) -> None:
    newer = made("address", text("street"), text("zip"), text("town"), revision=1)
    older = made("address", text("street"), text("town"))
    talk = Conversation(any_redis, prefix, made("order", SubFlow("address", newer), choice("sure")))
    talk.says("order", "Main")
    talk.deploys(made("order", SubFlow("address", older), choice("sure")))
    with pytest.raises(NewerState):
        talk.says("12345")
    talk.deploys(made("order", SubFlow("address", newer), choice("sure")))
    assert talk.says("12345").step_id == "address.town"


def test_what_waits_and_fails_keeps_no_answer_of_what_was_above_it(any_redis: Redis, prefix: str) -> None:
    fails: list[bool] = []

    def asks() -> str:
        if fails:
            raise LookupError("gone for a while")
        return "A?"

    waits = made("a", Step(id="sure", type=StepType.BUTTON, message=asks, options=YES_OR_NO))
    talk = Conversation(any_redis, prefix, waits, made("b", text("one")))
    talk.says("a", "b", "2")
    fails.append(True)
    reply = talk.says("an answer")
    assert (reply.status, reply.data) == ("completed", {"one": "an answer"})
    assert "went wrong" in words(reply)
    fails.clear()
    assert words(talk.says("hello")).endswith("A?")
    assert talk.says("Yes").status == "completed"


def test_a_reminder_does_not_ask_over_the_question_about_another_flow(any_redis: Redis, prefix: str) -> None:
    pay = made("pay", choice("sure", reminder=AT_ONCE), timeout=timedelta(milliseconds=20))
    talk = Conversation(any_redis, prefix, pay, made("other", text("one")))
    talk.says("pay", "other")
    assert [due.reply.messages for due in talk.is_due()] == [()]


def test_an_answer_in_time_to_the_question_about_another_flow_answers_that_one(any_redis: Redis, prefix: str) -> None:
    pay = made("pay", text("amount"), choice("sure"), timeout=timedelta(seconds=2))
    talk = Conversation(any_redis, prefix, pay, made("other", text("one")))
    talk.says("pay", "5", "other")
    in_time = talk.now + timedelta(seconds=1)
    talk.is_due()
    reply = talk.says("1", sent_at=in_time)
    assert words(reply) == "one?"


def test_going_back_is_no_way_past_a_limit_of_attempts(any_redis: Redis, prefix: str) -> None:
    guarded = text("code", validator=lambda value: value == "1234", max_attempts=3, on_exhausted="failed")
    talk = Conversation(any_redis, prefix, made("f", text("name"), guarded))
    talk.says("f", "Ann", "1", "2", "back", "Ann")
    assert talk.says("3").status == "failed"


def test_an_answer_that_is_accepted_starts_the_count_anew(any_redis: Redis, prefix: str) -> None:
    guarded = text("code", validator=lambda value: value == "1234", max_attempts=3, on_exhausted="failed")
    talk = Conversation(any_redis, prefix, made("f", text("name"), guarded, text("last")))
    assert talk.says("f", "Ann", "1", "2", "1234", "back", "1", "2").status == "refused"


@pytest.mark.parametrize("kept", [UUID(int=7), 4821377])
def test_an_id_that_a_transformer_makes_is_not_shown_as_what_was_answered(
    any_redis: Redis, prefix: str, kept: object
) -> None:
    def looked_up(_: str) -> Any:
        return kept

    looked_up.__annotations__["return"] = type(kept)
    talk = Conversation(any_redis, prefix, made("f", text("account", transformer=looked_up), choice("sure")))
    assert words(talk.says("f", "mine", "back")) == "account?"


def test_a_name_that_is_none_in_a_due_set_keeps_nobody_else_waiting(any_redis: Redis, prefix: str) -> None:
    talk = Conversation(any_redis, prefix, made("f", text("name", reminder=AT_ONCE), timeout=timedelta(minutes=1)))
    any_redis.zadd(f"{prefix}:{{b0000}}:due", {"no name": 1})
    talk.says("f")
    assert [due.kind for due in talk.is_due()] == ["reminder"]


@pytest.mark.parametrize("asked_again", [(), ("help",), ("nonsense",)])
def test_a_number_that_was_typed_means_no_place_of_a_list_that_has_changed(
    any_redis: Redis, prefix: str, asked_again: tuple[str, ...]
) -> None:
    offers = ["ama", "kofi", "eve"]

    def pending() -> list[Option]:
        return [Option(each, f"Of {each}") for each in offers]

    which = Step(id="which", type=StepType.LIST, message="which?", options=pending)
    talk = Conversation(any_redis, prefix, made("accept", which, text("last")))
    talk.says("accept")
    offers.remove("ama")
    assert talk.says("2").status == "refused"
    offers.remove("kofi")
    talk.says("help", *asked_again)
    assert talk.says("1").step_id == "last"
    after = talk.runner.flow_of("console:me")
    assert after is not None
    assert after.data["which"] == "eve"

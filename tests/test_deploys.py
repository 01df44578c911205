"""Two releases at once, and the one after: who may touch a run, and what becomes of one that does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, FlowStateManager, NewerState, Option, Reply, Step, StepType
from fsmflow.codec import CODEC
from tests.talking import Offer, Order, Talk, words

pytestmark = pytest.mark.usefixtures("side")

LOST_PLACE = "Sorry, we lost our place for a moment."
CLEAN_START = "Sorry, we lost our place and have to start over.\n\nYou can send: order."

Parser = Callable[[str], Any]


def as_text(value: str) -> str:
    return value


def as_number(value: str) -> int:
    return int(value)


def as_decimal(value: str) -> Decimal:
    return Decimal(value)


def survey(*step_ids: str, revision: int = 0, parser: Parser | None = None) -> type[Flow]:
    """One release of a flow."""
    release = revision

    class Survey(Flow):
        flow_type = "survey"
        revision = release
        steps = tuple(Step(id=name, type=StepType.TEXT, message=f"{name}?", transformer=parser) for name in step_ids)

    return Survey


def refuses_to_touch(talk: Talk, act: Callable[[], Reply]) -> None:
    before, events = talk.fields, talk.events
    with pytest.raises(NewerState):
        act()
    assert (talk.fields, talk.events) == (before, events)


def test_a_run_of_a_higher_revision_is_left_to_a_newer_worker(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", revision=2)])
    talk.says("survey")
    talk.deploys([survey("a", "b", revision=1), Order])
    inbound = talk.message("answer")
    refuses_to_touch(talk, lambda: talk.sends(inbound))
    refuses_to_touch(talk, lambda: talk.runner.start("order", talk.message("x")))
    talk.waits(days=1)
    refuses_to_touch(talk, lambda: talk.says("cancel"))
    talk.deploys([survey("a", "b", revision=2)])
    talk.now = talk.now.replace(day=1)
    assert words(talk.sends(inbound)) == "b?"


def test_a_run_of_a_higher_revision_that_has_ended_is_in_nobodys_way(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", revision=2)])
    talk.says("survey", "x")
    talk.deploys([survey("a", revision=1)])
    assert words(talk.says("survey")) == "a?"


def test_a_lower_revision_goes_on_and_is_raised(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", revision=1)])
    talk.says("survey")
    talk.deploys([survey("a", "b", revision=2)])
    assert words(talk.says("x")) == "b?"
    run = talk.state.flow_data
    assert run is not None
    assert run.revision == 2


@pytest.mark.parametrize("codec", [CODEC + 1, 2**53 - 1])
def test_a_state_of_a_newer_codec_is_left_to_a_newer_worker(any_redis: Redis, prefix: str, codec: int) -> None:
    """Whatever else of it can be read: its form may be another."""
    talk = Talk(any_redis, prefix, [Order])
    inbound = talk.message("order")
    talk.sends(inbound)
    talk.redis.hset(talk.key, mapping={"codec": codec, "flow_data": b"\x93a newer form"})
    refuses_to_touch(talk, lambda: talk.says("1"))
    refuses_to_touch(talk, lambda: talk.sends(inbound))
    refuses_to_touch(talk, lambda: talk.runner.start("order", talk.message("x")))


def test_a_flow_that_is_not_known_here_may_be_newer_and_is_left_while_it_is_fresh(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.deploys([Order])
    talk.waits(minutes=5)
    refuses_to_touch(talk, lambda: talk.says("bob"))
    refuses_to_touch(talk, lambda: talk.runner.start("order", talk.message("x")))


def test_a_flow_that_is_not_known_here_was_removed_if_the_member_was_silent(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    stored = talk.fields["flow_data"]
    talk.deploys([Order])
    talk.waits(minutes=5, seconds=1)
    reply = talk.says("bob")
    assert (words(reply), reply.status, reply.flow_id) == (CLEAN_START, "recovered", None)
    assert talk.quarantine == {"flow_data": stored}
    assert (talk.state.flow_data, talk.state.previous, talk.state.unreadable) == (None, None, ())
    assert words(talk.says("order")) == "Which size?"


def test_an_unknown_flow_is_left_although_something_beside_it_cannot_be_read(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.deploys([Order])
    talk.redis.hset(talk.key, "recent", b"?")
    refuses_to_touch(talk, lambda: talk.says("bob"))
    stored = talk.fields["flow_data"]
    talk.waits(minutes=6)
    assert talk.says("bob").status == "recovered"
    assert talk.quarantine == {"flow_data": stored, "recent": b"?"}


def test_a_removed_step_is_rewound_along_the_members_path(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", "c", "d")])
    talk.says("survey", "1", "2")
    stored = talk.fields["flow_data"]
    talk.deploys([survey("a", "b", "d")])
    reply = talk.says("3")
    assert (words(reply), reply.status, reply.step_id) == (f"{LOST_PLACE}\n\nd?", "recovered", "d")
    assert talk.data == {"a": "1", "b": "2"}
    assert talk.quarantine == {"flow_data": stored}
    assert ("recovery_result", "success", "d") in talk.events
    assert talk.says("4").status == "completed"
    assert talk.data == {"a": "1", "b": "2", "d": "4"}


def test_a_changed_type_of_answer_is_asked_again(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", "c", parser=as_text)])
    talk.says("survey", "1", "two")
    talk.deploys([survey("a", "b", "c", parser=as_number)])
    reply = talk.says("3")
    assert words(reply) == f"{LOST_PLACE}\n\nb?"
    assert talk.data == {"a": 1}
    assert "two" in talk.quarantine["flow_data"].decode()


def test_another_fingerprint_of_the_same_revision_goes_on_where_it_fits(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b")])
    talk.says("survey", "1")
    before = json.loads(talk.fields["flow_data"])["definition"]
    talk.deploys([survey("a", "b", "c")])
    assert words(talk.says("2")) == "c?"
    assert json.loads(talk.fields["flow_data"])["definition"] != before
    assert talk.quarantine == {}


def test_a_run_of_which_nothing_fits_begins_anew_in_the_same_flow(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b")])
    talk.says("survey", "1")
    talk.deploys([survey("x", "y")])
    assert words(talk.says("2")) == f"{LOST_PLACE}\n\nx?"
    assert talk.data == {}


def test_a_step_that_was_put_in_between_is_asked_and_not_skipped(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "c")])
    talk.says("survey", "1")
    talk.deploys([survey("a", "b", "c")])
    reply = talk.says("3")
    assert (words(reply), reply.step_id) == (f"{LOST_PLACE}\n\nb?", "b")
    assert talk.says("2", "3").status == "completed"
    assert talk.data == {"a": "1", "b": "2", "c": "3"}


def test_a_step_that_was_put_in_where_the_member_has_not_been_yet_disturbs_nobody(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", "d")])
    talk.says("survey", "1")
    talk.deploys([survey("a", "b", "c", "d")])
    assert words(talk.says("2")) == "c?"


def test_an_older_worker_does_not_roll_back_what_a_newer_codec_wrote(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b", parser=as_decimal)])
    talk.says("survey", "1")
    talk.redis.hset(talk.key, "codec", CODEC + 1)
    with pytest.raises(NewerState):
        FlowStateManager(any_redis, prefix=prefix).rollback(talk.member_id)


def choosing(*options: Option) -> type[Flow]:
    steps = (
        Step(id="a", type=StepType.BUTTON, message="a?", options=options),
        Step(id="b", type=StepType.TEXT, message="b?"),
        Step(id="c", type=StepType.TEXT, message="c?"),
    )
    return type("Choosing", (Flow,), {"flow_type": "choosing", "steps": steps})


def test_a_way_that_an_option_no_longer_leads_is_not_gone_on_with(any_redis: Redis, prefix: str) -> None:
    """The member chose what led over "b"; now the same option leads to it, and it is asked."""
    other = Option("y", "Why")
    talk = Talk(any_redis, prefix, [choosing(Option("x", "Ex", to="c"), other)])
    talk.says("choosing", "Ex")
    talk.deploys([choosing(Option("x", "Ex"), other)])
    reply = talk.says("3")
    assert (words(reply), talk.data) == (f"{LOST_PLACE}\n\nb?", {"a": "x"})


def test_a_step_that_was_put_in_front_is_asked_of_who_had_answered_nothing_yet(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [survey("a", "b")])
    talk.says("survey")
    talk.deploys([survey("consent", "a", "b")])
    assert words(talk.says("1")) == f"{LOST_PLACE}\n\nconsent?"
    assert talk.says("yes", "1", "2").status == "completed"
    assert talk.data == {"consent": "yes", "a": "1", "b": "2"}


@pytest.mark.parametrize("kind", ["reaction", "system"])
def test_beside_a_newer_releases_run_not_even_a_reaction_is_written(any_redis: Redis, prefix: str, kind: str) -> None:
    class Newer(Offer):
        revision = 2

    talk = Talk(any_redis, prefix, [Newer])
    talk.says("offer", "12")
    before = talk.fields
    talk.deploys([Offer])
    with pytest.raises(NewerState):
        talk.sends(talk.message(None, kind=kind))
    assert talk.fields == before

"""Where a state cannot be read, or does not fit, the member goes on from the best that is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis

from fsmflow import Flow, NewerState, Step, StepType
from fsmflow.codec import dump_flow_data
from fsmflow.state import FlowData
from tests.damage import LOST_PLACE, START_OVER, damage, half_way, reasons
from tests.sides import before_each_command
from tests.talking import WHATSAPP, Offer, Order, Talk, words

pytestmark = pytest.mark.usefixtures("side")

STALE = "That choice belongs to an earlier question."


@pytest.mark.parametrize(
    ("lost", "said", "result"),
    [
        (("flow_data",), "How much?", "restored from previous"),
        (("flow_data", "previous"), "To which handle?", "restored from the audit trail"),
        (("member_id", "previous"), "To which handle?", "restored from the audit trail"),
    ],
)
def test_the_state_is_restored_from_the_best_that_is_left(
    any_redis: Redis, prefix: str, lost: tuple[str, ...], said: str, result: str
) -> None:
    talk = half_way(any_redis, prefix)
    damage(talk, **dict.fromkeys(lost, b"\xff"))
    assert words(talk.says("bob")) == f"{LOST_PLACE}\n\n{said}"
    assert reasons(talk)[-1] == result
    assert {name: talk.quarantine[name] for name in lost} == dict.fromkeys(lost, b"\xff")


def test_where_nothing_is_left_the_member_starts_over(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    damage(talk, flow_data=b"\xff", previous=None)
    talk.redis.delete(f"{talk.key}:audit")
    reply = talk.says("bob")
    assert words(reply) == f"{START_OVER}\n\nYou can send: offer."
    assert (reply.status, reply.flow_id, reply.step_id) == ("recovered", None, None)
    assert talk.quarantine == {"flow_data": b"\xff"}
    assert talk.events == [("recovery_attempt", "in_progress", None), ("recovery_result", "failed", None)]
    assert words(talk.says("offer")) == "How much?"


def test_what_was_put_aside_before_stays_beside_what_is_put_aside_now(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    for raw in (b"first", b"second"):
        damage(talk, sent_at=raw)
        talk.says("x")
    kept = [value for name, value in talk.fields.items() if name.startswith("quarantine:")]
    assert sorted(kept) == [b"sent_at=first", b"sent_at=second"]


def test_a_readable_way_back_is_kept(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    previous = talk.fields["previous"]
    damage(talk, recent=b"?")
    talk.says("bob")
    assert talk.fields["previous"] == previous
    damage(talk, previous=b"?")
    talk.says("bob")
    assert talk.fields["previous"] == b"null"


def test_the_message_that_met_the_damage_is_decided_by_it(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    damage(talk, flow_data=b"?")
    inbound = talk.message("13")
    first = talk.sends(inbound)
    again = talk.sends(inbound)
    assert (again.duplicate, again.messages, talk.data) == (True, first.messages, {})


def test_a_message_known_before_the_damage_is_no_answer_after_it(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    inbound = talk.message("12")
    talk.sends(inbound)
    damage(talk, recent=b"?", flow_data=b"?")
    assert (talk.sends(inbound).messages, talk.quarantine) == ((), {})


# -- what has been shown, and what is over ----------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [("flow_data",), ("flow_data", "previous"), ("recent",)])
def test_a_button_shown_before_does_not_answer_what_is_asked_now(
    any_redis: Redis, prefix: str, lost: tuple[str, ...]
) -> None:
    """How far the lost run had come is not known, so no count of its questions may come again."""
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    shown = [talk.says("order"), talk.taps("Big"), talk.says("back"), talk.taps("Big"), talk.says("back")]
    damage(talk, **dict.fromkeys(lost, b"?"))
    asked = talk.says("x")
    for reply, title in zip(shown, ("Small", "No", "Small", "No", "Small"), strict=True):
        assert words(talk.taps(title, of=reply)).startswith(STALE)
    title = "Small" if "Which size?" in words(asked) else "No"
    assert talk.taps(title, of=asked).status in ("in_progress", "completed")


@pytest.mark.parametrize("lost", [("recent",), ("flow_data", "previous")])
def test_a_run_that_has_ended_stays_ended(any_redis: Redis, prefix: str, lost: tuple[str, ...]) -> None:
    """Also one with a sensitive answer, which the audit trail cannot give back whole."""

    class Secretive(Flow):
        flow_type = "secretive"
        steps = (
            Step(id="pin", type=StepType.TEXT, message="PIN?", sensitive=True),
            Step(id="amount", type=StepType.TEXT, message="How much?"),
        )

    talk = Talk(any_redis, prefix, [Secretive])
    assert talk.says("secretive", "1234", "12").status == "completed"
    damage(talk, **dict.fromkeys(lost, b"?"))
    reply = talk.says("5678")
    assert words(reply) == f"{LOST_PLACE}\n\nYou can send: secretive."
    assert words(talk.says("5678")) == "You can send: secretive."
    assert ("pin" in talk.data) is (lost == ("recent",))


def test_a_sensitive_answer_that_the_trail_does_not_hold_is_asked_again(any_redis: Redis, prefix: str) -> None:
    class Secretive(Flow):
        flow_type = "secretive"
        steps = (
            Step(id="amount", type=StepType.TEXT, message="How much?"),
            Step(id="pin", type=StepType.TEXT, message="PIN?", sensitive=True),
            Step(id="sure", type=StepType.TEXT, message="Sure?"),
        )

    talk = Talk(any_redis, prefix, [Secretive])
    talk.says("secretive", "12", "1234")
    damage(talk, flow_data=b"?", previous=b"?")
    assert words(talk.says("yes")) == f"{LOST_PLACE}\n\nPIN?"
    assert talk.data == {"amount": "12"}


def test_a_member_who_was_cleared_gets_nothing_back(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    talk.manager.clear(talk.member_id)
    damage(talk, flow_data=b"?")
    assert words(talk.says("bob")).startswith(START_OVER)


def test_a_newer_run_beside_the_damage_is_left_alone(any_redis: Redis, prefix: str) -> None:
    class Newer(Offer):
        revision = 2

    talk = Talk(any_redis, prefix, [Newer])
    talk.says("offer", "12")
    damage(talk, flow_data=b"?", recent=b"?")
    before = talk.fields
    talk.deploys([Offer])
    with pytest.raises(NewerState):
        talk.says("bob")
    assert talk.fields == before


def test_a_question_that_fails_once_costs_no_answer_of_a_run_that_could_be_read(any_redis: Redis, prefix: str) -> None:
    """The fault may pass: the run stays where it is, and the next message goes on from it."""
    down: list[bool] = []

    class Needing(Flow):
        flow_type = "needing"

        def asked(self) -> str:
            if down:
                raise ConnectionError
            return f"{self.data['amount']}?"

        steps = (
            Step(id="amount", type=StepType.TEXT, message="How much?"),
            Step(id="sure", type=StepType.TEXT, message=asked),
        )

    talk = Talk(any_redis, prefix, [Needing])
    talk.says("needing", "12")
    stored = talk.fields["flow_data"]
    damage(talk, recent=b"?")
    down.append(True)
    assert talk.says("x").status == "error"
    assert talk.fields["flow_data"] == stored
    down.clear()
    assert talk.says("yes").status == "completed"
    assert talk.data == {"amount": "12", "sure": "yes"}


def test_where_a_question_fails_at_a_point_that_does_not_fit_the_next_point_is_tried(
    any_redis: Redis, prefix: str
) -> None:
    class Needing(Flow):
        flow_type = "needing"

        def asked(self) -> str:
            return f"{self.data['amount']}?"

        steps = (
            Step(id="amount", type=StepType.TEXT, message=lambda: str({"found": 1}["lost"])),
            Step(id="sure", type=StepType.TEXT, message=asked),
            Step(id="end", type=StepType.TEXT, message="End?"),
        )

    talk = Talk(any_redis, prefix, [Needing])
    run = FlowData("needing", "needing", "end", 2, {"amount": "12", "sure": "yes"}, run_id="r", path=("amount", "sure"))
    talk.says("hi")
    damage(
        talk,
        flow_data=dump_flow_data(evolve(run, data={"sure": "yes"})),
        previous=dump_flow_data(evolve(run, step_id="sure", step=1, path=("amount",))),
        recent=b"?",
    )
    assert words(talk.says("x")) == f"{LOST_PLACE}\n\n12?"


def test_a_flow_whose_making_fails_does_not_strand_its_member(any_redis: Redis, prefix: str) -> None:
    closed: list[bool] = []

    class Built(Flow):
        def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
            if closed and state["flow_data"]["data"].get("amount"):
                raise LookupError("no such account")
            super().__init__(
                f"{flow_type}_{state['member_id']}",
                [Step("amount", StepType.TEXT, "?"), Step("b", StepType.TEXT, "b?")],
            )

    talk = Talk(any_redis, prefix, {"built": Built})
    talk.says("built", "12")
    closed.append(True)
    damage(talk, recent=b"?")
    reply = talk.says("x")
    assert (reply.status, reasons(talk)[-1]) == ("recovered", "restored from previous")
    assert talk.data == {}


# -- anything at all --------------------------------------------------------------------------------------------------


runs = st.builds(
    FlowData,
    id=st.just("offer_console:ann"),
    flow_type=st.sampled_from(["offer", "order", ""]),
    step_id=st.none() | st.sampled_from(["amount", "handle", "confirm", "gone", "completed", "cancelled", "failed"]),
    step=st.integers(0, 9),
    data=st.dictionaries(st.sampled_from(["amount", "handle", "gone"]), st.sampled_from(["1", 1, None, [], "x"])),
    path=st.lists(st.sampled_from(["amount", "handle", "gone"]), max_size=3, unique=True).map(tuple),
    visit=st.integers(0, 2**53 - 9),
    revision=st.just(0),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(runs, runs | st.none(), st.booleans())
@example(FlowData("offer_console:ann", "order", None, 0), FlowData("offer_console:ann", "offer", None, 2), False)
def test_whatever_run_is_found_its_member_can_go_on(run: FlowData, previous: FlowData | None, marred: bool) -> None:
    talk = half_way()
    fields = {"flow_data": dump_flow_data(run), "previous": dump_flow_data(previous)}
    damage(talk, **fields, **({"recent": b"?"} if marred else {}))
    talk.waits(minutes=4)
    unknown = [found for found in (run, previous) if found is not None and found.flow_type != "offer"]
    try:
        said = talk.says("bob")
    except NewerState:
        assert unknown  # it may be a newer release's, until the member has been silent for a while
        talk.waits(minutes=2)
        said = talk.says("bob")
    assert said.messages
    assert talk.says("cancel", "offer", "12", "bob", "confirm").status == "completed"


def test_a_run_without_its_steps_name_is_found_by_its_index(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    run = talk.state.flow_data
    assert run is not None
    damage(talk, flow_data=dump_flow_data(evolve(run, step_id=None)))
    assert talk.says("bob").step_id == "confirm"


def test_the_trail_is_read_only_where_the_stored_run_is_of_no_use(any_redis: Redis, prefix: str) -> None:
    talk = half_way(any_redis, prefix)
    read: list[str] = []
    before_each_command(talk.manager, lambda command: read.extend(word for word in command[:1] if word == "XREVRANGE"))
    damage(talk, recent=b"?")
    assert talk.says("x").status == "recovered"
    before = list(read)
    damage(talk, flow_data=b"?")
    assert talk.says("y").status == "recovered"
    assert (before, len(read)) == ([], 1)

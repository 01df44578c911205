"""The trail: what each kind of turn leaves in it, what it never holds, and the logger that people call themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from fsmflow import (
    AuditEntry,
    Channel,
    Flow,
    FlowAuditLogger,
    FlowStateManager,
    InvalidMemberId,
    InvalidState,
    MemberState,
    Option,
    Refused,
    Step,
    StepType,
)
from fsmflow.audit import emit, place_of
from tests.sides import before_each_command, on_side
from tests.talking import SECRET, WHATSAPP, Offer, Talk, in_memory, records_of, stored_bytes

pytestmark = pytest.mark.usefixtures("side")

STARTED = [("flow_start", "success", "amount"), ("step_start", "in_progress", "amount")]


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    """What loguru was given, at any level, whole."""
    with records_of() as kept:
        yield kept


# -- the entries of each kind of turn ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        ([], STARTED),
        (
            ["12"],
            [
                ("validation", "accepted", "amount"),
                ("transition", "success", "handle"),
                ("step_start", "in_progress", "handle"),
            ],
        ),
        (["a lot"], [("validation", "refused", "amount")]),
        (["12", "back"], [("back", "success", "amount"), ("step_start", "in_progress", "amount")]),
        (["back"], [("validation", "refused", "amount")]),
        (["help"], []),
        (["12", "cancel"], [("cancel", "success", "cancelled")]),
        (["12", "restart"], [("restart", "success", "amount"), ("step_start", "in_progress", "amount")]),
        (
            ["12", "bob", "confirm"],
            [
                ("validation", "accepted", "confirm"),
                ("transition", "success", "completed"),
                ("complete", "success", "completed"),
            ],
        ),
        (
            ["12", "bob", "decline"],
            [
                ("validation", "accepted", "confirm"),
                ("transition", "success", "cancelled"),
                ("cancel", "success", "cancelled"),
            ],
        ),
    ],
)
def test_each_turn_leaves_its_entries(any_redis: Redis, prefix: str, texts: list[str], left: list[Any]) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    if texts:
        talk.says("offer", *texts[:-1])
    before = len(talk.events)
    talk.says(texts[-1] if texts else "offer")
    assert talk.events[before:] == left


def test_silence_leaves_its_entry(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    talk.waits(minutes=6)
    talk.says("12")
    assert talk.events[2:] == [("expire", "success", "expired")]


def test_a_fault_leaves_its_entry_and_none_of_what_was_dropped(any_redis: Redis, prefix: str) -> None:
    class Mute(Flow):
        flow_type = "mute"

        def asked(self) -> str:
            raise LookupError

        steps = (Step("one", StepType.TEXT, "One?"), Step("two", StepType.TEXT, asked))

    talk = Talk(any_redis, prefix, [Mute])
    talk.says("mute", "1")
    assert talk.events[2:] == [("error", "error", "two")]


def test_a_message_that_is_decided_again_leaves_nothing(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    inbound = talk.message("offer")
    talk.sends(inbound)
    talk.sends(inbound)
    assert talk.events == STARTED


def test_each_entry_says_whom_where_what_and_when(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer", "12")
    state = talk.state
    assert state.flow_data is not None
    moved = next(entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "transition")
    assert isinstance(moved.time, datetime)
    assert moved == AuditEntry(
        event_type="transition",
        status="success",
        step_id="handle",
        from_state="amount",
        to_state="handle",
        flow_id=state.flow_data.id,
        run_id=state.flow_data.run_id,
        channel=WHATSAPP,
        message_id="m2",
        member_id=talk.member_id,
        version=state.version,
        time=moved.time,
    )


def test_the_trail_of_one_flow_can_be_read_alone(any_redis: Redis, prefix: str) -> None:
    class Other(Offer):
        flow_type = "other"
        keywords = ("other",)

    talk = Talk(any_redis, prefix, [Offer, Other])
    talk.says("offer", "cancel", "other")
    found = talk.manager.history(talk.member_id, "other_console:ann")
    assert [entry.event_type for entry in found] == ["flow_start", "step_start"]


def test_entries_are_written_with_the_state_or_not_at_all(
    any_redis: Redis, prefix: str, records: list[dict[str, Any]]
) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    records.clear()
    interrupted = iter([KeyboardInterrupt, None])

    def crash(command: tuple[Any, ...]) -> None:
        if command[0] == "EVALSHA" and next(interrupted) is not None:
            raise KeyboardInterrupt

    before_each_command(talk.manager, crash)
    inbound = talk.message("12")
    with pytest.raises(KeyboardInterrupt):
        talk.sends(inbound)
    assert (talk.events, talk.data, records) == (STARTED, {}, [])
    talk.sends(inbound)
    assert len(talk.events) == len(STARTED) + 3
    assert len(records) == 3


def test_entries_of_a_turn_that_lost_are_not_written(
    any_redis: Redis, prefix: str, records: list[dict[str, Any]]
) -> None:
    """Another worker commits between our load and our commit: what we would have said then never happened."""
    others: list[Talk] = []

    class Raced(Flow):
        flow_type = "raced"

        def judged(self, _value: str) -> bool:
            if others:
                others.pop().says("from another worker")
            return True

        steps = (Step("one", StepType.TEXT, "One?", validator=judged), Step("two", StepType.TEXT, "Two?"))

    talk = Talk(any_redis, prefix, [Raced])
    talk.says("raced")
    with on_side("sync"):  # the asynchronous side's event loop is busy with the turn that is raced
        other = Talk(any_redis, prefix, [Raced])
    other.count = 100
    others.append(other)
    records.clear()
    assert talk.says("mine").status == "completed"
    assert talk.data == {"one": "from another worker", "two": "mine"}
    accepted = [step_id for event, _, step_id in talk.events if event == "validation"]
    assert accepted == ["one", "two"]
    assert [record["extra"]["step_id"] for record in records if "validation" in record["message"]] == ["one", "two"]


# -- the logs ---------------------------------------------------------------------------------------------------------


def test_records_are_bound_with_what_they_concern(any_redis: Redis, prefix: str, records: list[dict[str, Any]]) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer")
    run = talk.state.flow_data
    assert run is not None
    assert [record["message"] for record in records] == ["flow_start success", "step_start in_progress"]
    for record, event_type in zip(records, ("flow_start", "step_start"), strict=True):
        bound = record["extra"]
        assert bound["member_id"] == talk.member_id
        assert (bound["channel"], bound["flow_id"], bound["run_id"]) == ("whatsapp", run.id, run.run_id)
        assert (bound["step_id"], bound["event_type"], bound["message_id"]) == ("amount", event_type, "m1")
        assert record["level"].name == "INFO"


def test_a_fault_is_logged_as_an_error_by_type_and_place(
    any_redis: Redis, prefix: str, records: list[dict[str, Any]]
) -> None:
    class Mute(Flow):
        flow_type = "mute"
        steps = (Step("one", StepType.TEXT, "One?", validator=lambda value: {}[value]),)

    Talk(any_redis, prefix, [Mute]).says("mute", "hunter2")
    assert records[-1]["level"].name == "ERROR"
    assert records[-1]["message"].startswith("error error: KeyError at tests.test_audit:<lambda>:")
    assert records[-1]["exception"] is None


def test_each_record_names_its_own_entry_where_one_turn_ends_a_run_and_begins_the_next(
    records: list[dict[str, Any]],
) -> None:
    def entry(event_type: str, step_id: str, run_id: str, to_state: str | None = None) -> AuditEntry:
        return AuditEntry(
            event_type, "success", step_id, "amount", to_state, flow_id="f", run_id=run_id, channel=WHATSAPP
        )

    left = [
        entry("expire", "expired", "r1", "expired"),
        entry("flow_start", "amount", "r2"),
        entry("x", "handle", "r2"),
    ]
    emit(left)
    bound = ("event_type", "step_id", "run_id", "flow_id", "channel", "status", "member_id", "message_id")
    assert [tuple(record["extra"][name] for name in bound) for record in records] == [
        (each.event_type, each.step_id, each.run_id, "f", "whatsapp", "success", None, None) for each in left
    ]


MARK = "\u2744"  # a snowflake: printable, so that it shows in every form in which a text can be written

unusual = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["{}{}{}", "{0.__class__}", "<red>x</red>", "%s%d", "\\u0041\n", "{extra[step_id]}", "a\x00\x1b[31m"]
    ),
).map(lambda text: f"{MARK}{text}{MARK}")


class Quoting(Flow):
    """A flow that does all it can to have its answers seen."""

    flow_type = "quoting"

    def judged(self, value: str) -> bool:
        if len(value) % 3 == 0:
            raise Refused(f"{value} will not do")
        if len(value) % 3 == 1:
            raise RuntimeError(value)
        return True

    steps = (
        Step("free", StepType.TEXT, "Say anything."),
        Step("judged", StepType.TEXT, "Again?", validator=judged),
        Step("last", StepType.BUTTON, "Sure?", options=(Option("y", "Yes"),)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(unusual)
def test_no_answer_is_ever_logged(records: list[dict[str, Any]], caplog: pytest.LogCaptureFixture, answer: str) -> None:
    talk = in_memory([Quoting])
    records.clear()
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        talk.says("quoting", answer, answer, answer, "back", answer, "cancel")
    assert len(records) >= 8
    assert MARK not in repr(records)
    assert MARK not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("transitions")
    )


# -- the logger that people call themselves ---------------------------------------------------------------------------

STATE = {
    "member_id": "ann",
    "channel": {"type": "whatsapp", "identifier": "15550001111"},
    "flow_data": {"id": "offer_ann", "step": 1, "step_id": "handle", "data": {"flow_type": "offer", "amount": "12"}},
}


def test_the_three_calls_write_to_the_members_stream(any_redis: Redis, prefix: str) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix)
    audit = FlowAuditLogger(manager)
    audit.log_flow_event(
        flow_id="offer_ann", event_type="step_start", step_id="amount", state=STATE, status="in_progress"
    )
    audit.log_validation_event(
        flow_id="offer_ann",
        step_id="amount",
        input_data={"member_id": "ann", "channel": STATE["channel"], "data": SECRET},
        validation_result=False,
    )
    before = {**STATE, "flow_data": {"id": "offer_ann", "step": 0, "data": {"flow_type": "offer"}}}
    audit.log_state_transition(flow_id="offer_ann", from_state=before, to_state=STATE, status="success")
    kept = [(e.event_type, e.status, e.step_id, e.from_state, e.to_state) for e in audit.history("ann", "offer_ann")]
    assert kept == [
        ("step_start", "in_progress", "amount", None, None),
        ("validation", "refused", "amount", None, None),
        ("transition", "success", "handle", "0", "handle"),
    ]
    assert {(e.member_id, e.channel, e.flow_id) for e in audit.history("ann")} == {("ann", WHATSAPP, "offer_ann")}
    assert SECRET not in repr(stored_bytes(any_redis, prefix))
    found = audit.last_valid_state("ann")
    assert found is not None
    assert found.to_dict()["flow_data"]["data"]["amount"] == "12"
    assert audit.last_valid_state("ann", "other_ann") is None


def test_without_a_store_the_logger_logs_and_knows_nothing(records: list[dict[str, Any]]) -> None:
    audit = FlowAuditLogger()
    audit.log_flow_event("offer_ann", "step_start", "amount", STATE, "in_progress")
    assert (records[-1]["message"], records[-1]["extra"]["member_id"]) == ("step_start in_progress", "ann")
    assert (list(audit.history("ann")), audit.last_valid_state("ann")) == ([], None)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ValueError(SECRET), "ValueError"),
        ("Timeout", "Timeout"),
        (f"{SECRET} is no amount", "[redacted]"),
        ("1234", "[redacted]"),
        (1234, "[redacted]"),
        (None, None),
    ],
)
def test_of_an_error_the_type_is_kept(
    any_redis: Redis, prefix: str, error: object, kept: str | None, records: list[dict[str, Any]]
) -> None:
    audit = FlowAuditLogger(FlowStateManager(any_redis, prefix=prefix))
    audit.log_flow_event("f", "x", "amount", STATE, "error", error=error)
    audit.log_validation_event("f", "amount", STATE, True, error=error)
    audit.log_state_transition("f", "amount", STATE, "error", error=error)
    assert [entry.error for entry in audit.history("ann")] == [kept] * 3
    assert SECRET not in repr(records) + repr(stored_bytes(any_redis, prefix))


@pytest.mark.parametrize("member_id", ["", "a b", "{ann}", "ann\n", "x" * 129, None, 7])
def test_a_member_id_that_can_be_no_key_is_refused(any_redis: Redis, prefix: str, member_id: Any) -> None:
    audit = FlowAuditLogger(FlowStateManager(any_redis, prefix=prefix))
    structure = {**STATE, "member_id": member_id}
    with pytest.raises(InvalidState):
        audit.log_flow_event("f", "x", None, structure, "success")
    with pytest.raises(InvalidState):
        audit.log_validation_event("f", "amount", structure, True)
    with pytest.raises(InvalidState):
        audit.log_state_transition("f", None, structure, "success")
    assert list(any_redis.scan_iter(match=f"{prefix}*")) == []


@pytest.mark.parametrize("member_id", ["", "a b", "{ann}"])
def test_a_member_id_is_looked_at_without_a_store_too(member_id: str, records: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidMemberId):
        FlowAuditLogger().log_validation_event("f", "amount", {**STATE, "member_id": member_id}, True)
    assert records == []


def test_a_state_value_with_an_id_that_can_be_no_key_is_refused() -> None:
    with pytest.raises(InvalidMemberId):
        FlowAuditLogger().log_flow_event("f", "x", None, MemberState("a b", Channel("console", "a")), "success")


@pytest.mark.parametrize("state", ["amount", None])
def test_what_names_no_member_cannot_be_kept_and_says_so(any_redis: Redis, prefix: str, state: str | None) -> None:
    audit = FlowAuditLogger(FlowStateManager(any_redis, prefix=prefix))
    with pytest.raises(InvalidState, match="names the member"):
        audit.log_state_transition("f", state, "handle", "success")
    with pytest.raises(InvalidState, match="names the member"):
        audit.log_flow_event("f", "x", None, state, "success")
    FlowAuditLogger().log_state_transition("f", state, "handle", "success")


def test_the_place_of_a_fault_is_its_innermost_frame() -> None:
    def inner() -> None:
        raise LookupError

    with pytest.raises(LookupError) as raised:
        inner()
    module, function, _ = place_of(raised.value).split(":")
    assert (module, function) == (__name__, "inner")
    assert place_of(LookupError()) == "unknown"

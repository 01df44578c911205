"""The framework's description, snippet by snippet, with its own names and arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Dict, Optional  # noqa: UP035 - as the description spells it

import pytest
import redis
from loguru import logger

from fsmflow import Flow, FlowAuditLogger, FlowRunner, FlowStateManager, Inbound, MemberState, Step, StepType
from fsmflow.errors import InvalidState
from fsmflow.messages import Channel, Option, Text

member_id = "member-7"
channel_id = "+15550001111"
flow_type = "credex_offer"
flow_id = "credex_offer_member-7"
channel_info = {"type": "whatsapp", "identifier": channel_id}


# -- "Flow Creation" and "Step Definition" ------------------------------------------------------------------------


class CredexFlow(Flow):
    def __init__(self, flow_type: str, state: Dict[str, Any] = None) -> None:  # type: ignore[assignment]  # noqa: RUF013, UP006 - as described
        # Get member ID and channel info
        member_id = state.get("member_id")
        channel_id = self._get_channel_identifier(state)

        steps = self._create_steps()
        super().__init__(f"{flow_type}_{member_id}", steps)
        self.channel_id = channel_id

    def _create_steps(self) -> list[Step]:
        return [
            Step(
                id="amount",
                type=StepType.TEXT,
                message=self._get_amount_prompt,
                validator=self._validate_amount,
                transformer=self._transform_amount,
            ),
            Step(
                id="confirm",
                type=StepType.BUTTON,
                message="Send it?",
                options=[Option("yes", "Yes"), Option("no", "No", to="cancelled")],
            ),
            Step(
                id="denomination",
                type=StepType.LIST,
                message="In which denomination?",
                options=[Option("usd", "USD"), Option("zig", "ZiG")],
            ),
        ]

    def _get_amount_prompt(self) -> str:
        return f"How much, {self.member_id}?"

    def _validate_amount(self, value: str) -> bool:
        return value.isdigit()

    def _transform_amount(self, value: str) -> Decimal:
        return Decimal(value)


def state_of(who: str = member_id) -> dict[str, Any]:
    return {"member_id": who, "channel": dict(channel_info)}


def test_a_flow_is_created_as_described_and_works_without_a_store() -> None:
    flow = CredexFlow("credex_offer", state_of())
    assert flow.id == "credex_offer_member-7"
    assert flow.flow_type == "credex_offer"
    assert flow.member_id == "member-7"
    assert flow.channel == Channel("whatsapp", channel_id)
    assert flow.channel_id == channel_id
    assert flow.question == Text("How much, member-7?")
    flow.process_input("five")
    assert (flow.refusal is None, flow.current_index) == (False, 0)
    flow.process_input("5")
    flow.process_input("Yes")
    flow.process_input("ZiG")
    assert (flow.state, flow.data) == ("completed", {"amount": Decimal(5), "confirm": "yes", "denomination": "zig"})


def test_the_channels_identifier_can_be_asked_for_before_the_flow_is_ready() -> None:
    bare = CredexFlow.__new__(CredexFlow)
    assert bare._get_channel_identifier(state_of()) == channel_id
    structures: tuple[Any, ...] = (None, {}, {"channel": {}})
    for wrong in structures:
        with pytest.raises(InvalidState, match=r"^channel"):
            bare._get_channel_identifier(wrong)


@pytest.fixture
def manager(any_redis: redis.Redis, prefix: str) -> FlowStateManager:
    return FlowStateManager(any_redis, prefix=prefix)


def say(runner: FlowRunner, message_id: str, text: str) -> str:
    inbound = Inbound(Channel("whatsapp", channel_id), message_id, text, member_id=member_id)
    return runner.handle(inbound).status


def test_a_runner_drives_such_flows_and_the_state_has_the_described_structure(manager: FlowStateManager) -> None:
    runner = FlowRunner(manager, flows={"credex_offer": CredexFlow, "credex_accept": CredexFlow})
    assert [say(runner, "1", "credex offer"), say(runner, "2", "five"), say(runner, "3", "5")] == [
        "in_progress",
        "refused",
        "in_progress",
    ]
    stored = manager.load(member_id).to_dict()
    assert json.loads(json.dumps(stored)) == {
        "member_id": member_id,
        "channel": {"type": "whatsapp", "identifier": channel_id},
        "flow_data": {
            "id": flow_id,
            "step": 1,
            "step_id": "confirm",
            "data": {
                "flow_type": "credex_offer",
                "channel": {"type": "whatsapp", "identifier": channel_id},
                "amount": "5",
            },
        },
    }
    flow = runner.flow_of(member_id)
    assert isinstance(flow, CredexFlow)
    assert (flow.member_id, flow.channel.identifier, flow.data) == (member_id, channel_id, {"amount": Decimal(5)})


# -- "State Structure" --------------------------------------------------------------------------------------------


def described(current_step: int = 1) -> dict[str, Any]:
    return {
        # Core identity - SINGLE SOURCE OF TRUTH
        "member_id": member_id,  # Primary identifier, ONLY AND ALWAYS at top level
        # Channel information
        "channel": {"type": "whatsapp", "identifier": channel_id},
        # Flow and state info
        "flow_data": {
            "id": flow_id,
            "step": current_step,
            "data": {
                "flow_type": flow_type,
                "channel": {"type": "whatsapp", "identifier": channel_id},
            },
        },
    }


def without_step_id(structure: dict[str, Any]) -> dict[str, Any]:
    flow_data = {name: value for name, value in structure["flow_data"].items() if name != "step_id"}
    return {**structure, "flow_data": flow_data}


def test_the_described_structure_is_taken_and_given_back_key_by_key() -> None:
    new_state = described()
    state = MemberState.from_dict(new_state)
    assert new_state == described()  # it is left as it was
    given = state.to_dict()
    assert without_step_id(given) == new_state
    assert list(given) == ["member_id", "channel", "flow_data"]
    assert list(given["flow_data"]) == ["id", "step", "step_id", "data"]
    assert list(given["flow_data"]["data"]) == ["flow_type", "channel"]
    assert given["flow_data"]["step_id"] is None
    assert MemberState.from_dict(given) == state


def test_a_structure_that_names_only_the_index_is_taken_up_by_it() -> None:
    state = MemberState.from_dict(described())
    assert state.flow_data is not None
    flow = CredexFlow("credex_offer", described())
    assert flow.resume(state.flow_data)
    assert (flow.state, flow.current_index) == ("confirm", 1)
    again = MemberState(member_id, flow.channel, flow.snapshot()).to_dict()
    assert again["flow_data"]["step_id"] == "confirm"
    assert without_step_id(again) == described()


def test_the_validation_state_stands_in_the_data_and_goes_when_an_answer_is_accepted() -> None:
    flow = CredexFlow("credex_offer", state_of())
    flow.process_input("five")
    data = MemberState(member_id, flow.channel, flow.snapshot()).to_dict()["flow_data"]["data"]
    assert data["validation"] == {"step": "amount", "attempts": 1, "refusal": flow.refusal}
    flow.process_input("5")
    data = MemberState(member_id, flow.channel, flow.snapshot()).to_dict()["flow_data"]["data"]
    assert data == {"flow_type": flow_type, "channel": channel_info, "amount": "5"}


def test_the_member_id_stands_at_the_top_level_only() -> None:
    nested, deeper = described(), described()
    nested["flow_data"]["member_id"] = member_id
    deeper["flow_data"]["data"]["member_id"] = member_id
    for wrong, field in ((nested, "flow_data.member_id"), (deeper, "flow_data.data.member_id")):
        with pytest.raises(InvalidState) as caught:
            MemberState.from_dict(wrong)
        assert caught.value.field == field


# -- "Audit Logging" ----------------------------------------------------------------------------------------------


@pytest.fixture
def records() -> Iterator[list[Any]]:
    """What goes to loguru while the test runs."""
    found: list[Any] = []
    sink = logger.add(lambda message: found.append(message.record), level="DEBUG")
    yield found
    logger.remove(sink)


def log_as_described(audit: FlowAuditLogger, result: object) -> None:
    current_state = described()
    old_state, new_state = described(0), described(1)
    input_data = "4711-sesame"

    # Log flow event with member context
    audit.log_flow_event(
        flow_id=f"credex_offer_{member_id}",
        event_type="step_start",
        step_id="amount",
        state={
            "member_id": member_id,
            "channel": {"type": "whatsapp", "identifier": channel_id},
            **current_state,
        },
        status="in_progress",
    )

    # Log validation with member context
    audit.log_validation_event(
        flow_id=f"credex_offer_{member_id}",
        step_id="amount",
        input_data={"member_id": member_id, "channel": channel_info, "data": input_data},
        validation_result=result,
    )

    # Log state transition with member context
    audit.log_state_transition(
        flow_id=f"credex_offer_{member_id}", from_state=old_state, to_state=new_state, status="success"
    )


def expected_entries(status: str) -> list[tuple[Optional[str], ...]]:  # noqa: UP045 - as above
    return [
        ("step_start", "in_progress", "amount", None, None, flow_id, member_id),
        ("validation", status, "amount", None, None, flow_id, member_id),
        ("transition", "success", "1", "0", "1", flow_id, member_id),
    ]


@pytest.mark.parametrize(("result", "status"), [(True, "accepted"), (False, "refused")])
def test_the_three_calls_go_to_the_logs_without_a_store(records: list[Any], result: bool, status: str) -> None:
    audit = FlowAuditLogger()
    log_as_described(audit, result)
    logged = [(record["extra"]["event_type"], record["extra"]["status"]) for record in records]
    assert logged == [entry[:2] for entry in expected_entries(status)]
    for record in records:
        assert record["extra"]["member_id"] == member_id
        assert record["extra"]["channel"] == "whatsapp"
        assert record["extra"]["flow_id"] == flow_id
        assert "sesame" not in str(record)
    assert audit.history(member_id) == []
    assert audit.last_valid_state(member_id) is None


@pytest.mark.parametrize(("result", "status"), [(True, "accepted"), (False, "refused")])
def test_the_three_calls_are_kept_with_a_store(
    manager: FlowStateManager, records: list[Any], result: bool, status: str
) -> None:
    audit = FlowAuditLogger(manager)
    log_as_described(audit, result)
    kept = audit.history(member_id, flow_id)
    assert [
        (
            entry.event_type,
            entry.status,
            entry.step_id,
            entry.from_state,
            entry.to_state,
            entry.flow_id,
            entry.member_id,
        )
        for entry in kept
    ] == expected_entries(status)
    assert {entry.channel for entry in kept} == {Channel("whatsapp", channel_id)}
    assert all(entry.time is not None for entry in kept)
    assert "sesame" not in repr(kept)
    assert len(records) == 3
    recovered = audit.last_valid_state(member_id, flow_id)
    assert recovered is not None
    assert without_step_id(recovered.to_dict()) == described()


def test_the_audit_takes_a_part_of_the_state_too(manager: FlowStateManager) -> None:
    audit = FlowAuditLogger(manager)
    current_state = described()["flow_data"]  # id, step and data, without the member
    audit.log_flow_event(
        flow_id=flow_id,
        event_type="step_start",
        step_id="amount",
        state={"member_id": member_id, "channel": channel_info, **current_state},
        status="in_progress",
    )
    (entry,) = audit.history(member_id)
    assert (entry.event_type, entry.step_id) == ("step_start", "amount")


# -- the interaction types ----------------------------------------------------------------------------------------


def test_the_three_step_types_ask_in_their_own_way() -> None:
    flow = CredexFlow("credex_offer", state_of())
    asked = []
    for answer in ("5", "yes", "usd"):
        asked.append(type(flow.question).__name__)
        flow.process_input(answer)
    assert asked == ["Text", "Buttons", "ListMenu"]


def test_a_structure_is_a_way_back_into_an_open_flow_whose_answers_all_count_at_the_end(
    manager: FlowStateManager,
) -> None:
    runner = FlowRunner(manager, flows={"credex_offer": CredexFlow})
    say(runner, "1", "credex offer")
    say(runner, "2", "5")
    structure = manager.load(member_id).to_dict()
    taken = MemberState.from_dict(structure).flow_data
    assert taken is not None
    flow = CredexFlow(flow_type, structure)
    assert flow.resume(taken)
    assert (flow.state, flow.path, bool(flow.run_id)) == ("confirm", ("amount",), True)
    flow.process_input("yes")
    flow.process_input("usd")
    assert (flow.state, flow.data) == ("completed", {"amount": Decimal(5), "confirm": "yes", "denomination": "usd"})


class SecretFlow(Flow):
    flow_type = "secret"
    steps = (
        Step(id="name", type=StepType.TEXT, message="Who?"),
        Step(id="pin", type=StepType.TEXT, message="PIN?", sensitive=True),
        Step(id="end", type=StepType.TEXT, message="End?"),
    )


def test_a_state_that_is_logged_by_hand_is_kept_without_its_sensitive_answers(manager: FlowStateManager) -> None:
    runner = FlowRunner(manager, [SecretFlow])
    for number, text in enumerate(("secret", "ada", "4711-sesame")):
        say(runner, str(number), text)
    state = manager.load(member_id)
    audit = FlowAuditLogger(manager)
    for each in (state, state.to_dict()):
        audit.log_flow_event("secret_member-7", "step_start", "end", each, "in_progress")
        audit.log_state_transition("secret_member-7", each, each, "success")
    records: Any = manager.redis.xrange(manager.layout.keys(member_id).audit)
    assert len(records) == 7
    assert "4711-sesame" not in repr(records)
    assert "ada" in repr(records[-1])


def test_a_state_that_is_logged_by_hand_does_not_stand_for_what_turns_recorded(manager: FlowStateManager) -> None:
    """A recovery goes on from the turn's own snapshot, and a run that has ended stays ended."""
    runner = FlowRunner(manager, [SecretFlow])
    for number, text in enumerate(("secret", "ada", "4711")):
        say(runner, str(number), text)
    before = manager.load(member_id).to_dict()
    say(runner, "9", "end")
    FlowAuditLogger(manager).log_flow_event("secret_member-7", "step_start", "end", before, "in_progress")
    key = manager.layout.keys(member_id).state
    manager.redis.hset(key, mapping={"flow_data": "?", "previous": "?"})
    assert say(runner, "10", "end") == "recovered"
    left = manager.load(member_id).flow_data
    assert left is None or left.ended
    assert say(runner, "11", "end") == "idle"

"""The state as a plain structure, and whose it may be."""

from __future__ import annotations

import json
import string
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import Channel, InvalidMemberId, InvalidState, MemberState
from fsmflow.state import (
    COUNT_LIMIT,
    RESERVED_DATA_KEYS,
    FlowData,
    UnreadableField,
    Validation,
    check_member_id,
    next_visit,
)
from tests.talking import SECRET

CHANNEL = {"type": "whatsapp", "identifier": "15550001111"}
STRUCTURE = {
    "member_id": "ann",
    "channel": CHANNEL,
    "flow_data": {
        "id": "offer_ann",
        "step": 1,
        "step_id": "handle",
        "data": {
            "flow_type": "offer",
            "channel": CHANNEL,
            "amount": "12",
            "validation": {"step": "handle", "attempts": 2, "refusal": "No such handle."},
        },
    },
}
STATE = MemberState(
    "ann",
    Channel("whatsapp", "15550001111"),
    FlowData(
        "offer_ann", "offer", "handle", 1, data={"amount": "12"}, validation=Validation("handle", 2, "No such handle.")
    ),
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The structure with one part replaced; `...` takes it away."""
    found: dict[str, Any] = deepcopy(STRUCTURE)
    *way, last = path.split(".")
    inner = found
    for name in way:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return found


def test_a_state_is_the_structure_and_the_structure_is_the_state() -> None:
    assert STATE.to_dict() == STRUCTURE
    assert MemberState.from_dict(STRUCTURE) == STATE


def test_the_structure_is_ready_for_json_and_belongs_to_its_caller() -> None:
    structure = STATE.to_dict()
    assert json.loads(json.dumps(structure)) == STRUCTURE
    structure["flow_data"]["data"]["amount"] = structure["channel"]["type"] = "changed"
    assert STATE.to_dict() == STRUCTURE


def test_the_member_id_stands_at_the_top_level_only() -> None:
    def keys(inner: Any) -> list[str]:
        return [*inner, *(key for value in inner.values() for key in keys(value))] if isinstance(inner, dict) else []

    assert keys(STATE.to_dict()).count("member_id") == 1


def test_without_a_flow_there_is_no_flow_data() -> None:
    state = MemberState("ann", Channel("console", "ann"))
    structure = state.to_dict()
    assert structure == {"member_id": "ann", "channel": {"type": "console", "identifier": "ann"}, "flow_data": None}
    assert MemberState.from_dict(structure) == state
    del structure["flow_data"]
    assert MemberState.from_dict(structure) == state


def test_without_a_refusal_there_is_no_validation() -> None:
    structure = changed("flow_data.data.validation", ...)
    assert MemberState.from_dict(structure).to_dict() == structure


@pytest.mark.parametrize("path", ["flow_data.step_id", "flow_data.data.channel", "flow_data.data.validation"])
def test_what_may_be_left_out_may_be_left_out(path: str) -> None:
    assert MemberState.from_dict(changed(path, ...)).flow_data is not None


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("member_id", ..., "member_id"),
        ("member_id", 7, "member_id"),
        ("member_id", "a b", "member_id"),
        ("channel", ..., "channel"),
        ("channel", "whatsapp", "channel"),
        ("channel.type", ..., "channel.type"),
        ("channel.identifier", 15550001111, "channel.identifier"),
        ("flow_data", [], "flow_data"),
        ("flow_data.id", ..., "flow_data.id"),
        ("flow_data.step", ..., "flow_data.step"),
        ("flow_data.step", -1, "flow_data.step"),
        ("flow_data.step", True, "flow_data.step"),
        ("flow_data.step", "1", "flow_data.step"),
        ("flow_data.step_id", 1, "flow_data.step_id"),
        ("flow_data.member_id", "ann", "flow_data.member_id"),
        ("flow_data.data", ..., "flow_data.data"),
        ("flow_data.data.member_id", "ann", "flow_data.data.member_id"),
        ("flow_data.data.member_id", "bob", "flow_data.data.member_id"),
        ("flow_data.data.flow_type", ..., "flow_data.data.flow_type"),
        ("flow_data.data.channel", {"type": "whatsapp", "identifier": "15550002222"}, "flow_data.data.channel"),
        ("flow_data.data.channel", {"type": "console", "identifier": "15550001111"}, "flow_data.data.channel"),
        ("flow_data.data.channel", {"type": "whatsapp"}, "flow_data.data.channel.identifier"),
        ("flow_data.data.channel", None, "flow_data.data.channel"),
        ("flow_data.data.validation", "no", "flow_data.data.validation"),
        ("flow_data.data.validation", {"step": "handle"}, "flow_data.data.validation.attempts"),
        (
            "flow_data.data.validation",
            {"step": "handle", "attempts": 1, "refusal": 5},
            "flow_data.data.validation.refusal",
        ),
    ],
)
def test_what_contradicts_itself_or_lacks_a_part_is_refused_by_name(path: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidState) as raised:
        MemberState.from_dict(changed(path, value))
    assert raised.value.field == field


@pytest.mark.parametrize("structure", [None, [], "ann", 7])
def test_what_is_no_structure_is_refused(structure: Any) -> None:
    with pytest.raises(InvalidState):
        MemberState.from_dict(structure)


@given(
    st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1).filter(lambda key: key not in RESERVED_DATA_KEYS),
        st.text() | st.integers() | st.none(),
    )
)
def test_answers_pass_through_the_structure_as_they_are(data: dict[str, Any]) -> None:
    state = MemberState("ann", Channel("console", "ann"), FlowData("offer_ann", "offer", "handle", 1, data=data))
    assert MemberState.from_dict(state.to_dict()) == state


@pytest.mark.parametrize(
    ("step_id", "ended"),
    [("handle", False), (None, False), ("completed", True), ("cancelled", True), ("failed", True), ("expired", True)],
)
def test_a_run_has_ended_in_a_terminal_state(step_id: str | None, ended: bool) -> None:
    assert FlowData("offer_ann", "offer", step_id, 1).ended is ended


@pytest.mark.parametrize(
    "member_id", ["a", "x" * 128, "console:ann", "whatsapp:+15550001111", "zoë", "日本", "a-b_c.d/e#f"]
)
def test_a_member_id_is_nearly_anything(member_id: str) -> None:
    assert check_member_id(member_id) == member_id


@pytest.mark.parametrize(
    "member_id",
    [
        "",
        "x" * 129,
        "a b",
        "a\tb",
        "a\n",
        "{a",
        "a}",
        "a\x00",
        "a\x7f",
        "a\u00a0b",
        "a\u200bb",
        "a\u2028",
        "\ud800",
        "\ue000",
    ],
)
def test_what_would_move_or_hide_in_a_key_is_refused(member_id: str) -> None:
    with pytest.raises(InvalidMemberId):
        check_member_id(member_id)


@pytest.mark.parametrize("member_id", [None, 7, b"ann", ["ann"]])
def test_what_is_no_text_is_no_member_id(member_id: Any) -> None:
    with pytest.raises(InvalidMemberId):
        check_member_id(member_id)


def test_no_answer_shows_when_a_state_is_shown() -> None:
    run = FlowData("login_ann", "login", "sure", 1, data={"pin": SECRET})
    state = MemberState(
        "ann",
        Channel("console", "ann"),
        run,
        run,
        unreadable=(UnreadableField("flow_data", SECRET.encode(), "ValueError"),),
        raw={"flow_data": SECRET.encode()},
    )
    assert SECRET not in repr(state) + str(state)


@given(st.integers(0, COUNT_LIMIT - 1) | st.integers(COUNT_LIMIT - 4, COUNT_LIMIT - 1))
def test_the_question_after_any_other_has_a_number_of_its_own_that_is_a_count_and_never_nought(visit: int) -> None:
    following = [visit]
    for _ in range(5):
        following.append(next_visit(following[-1]))
    assert len(set(following)) == 6
    assert all(0 < number < COUNT_LIMIT for number in following[1:])

"""Answers that are nobody's business: kept where the flow needs them, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, FlowAuditLogger, Option, Refused, Step, StepType, SubFlow
from fsmflow.audit import redacted
from fsmflow.state import FlowData
from tests.talking import CONSOLE, SECRET, Talk, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    """What loguru was given, at any level, whole."""
    with records_of() as kept:
        yield kept


class Login(Flow):
    """A flow whose second answer is nobody's business, and whose code is careless with it."""

    flow_type = "login"

    def right(self, value: str) -> bool:
        if "wrong" in value:
            raise Refused(f"{value} is not your PIN")
        if "fault" in value:
            raise RuntimeError(value)
        return "no" not in value

    steps = (
        Step("name", StepType.TEXT, "Who?"),
        Step("pin", StepType.TEXT, "PIN?", validator=right, sensitive=True),
        Step("sure", StepType.BUTTON, "Sure?", options=(Option("y", "Yes"), Option("n", "No", to="cancelled"))),
    )


@pytest.mark.parametrize(
    "texts",
    [
        [SECRET],
        [SECRET + " wrong", SECRET + " no", SECRET + " fault", SECRET],
        [SECRET, "back", SECRET],
        [SECRET, "yes"],
        [SECRET, "no"],
        [SECRET, "restart"],
    ],
)
def test_a_sensitive_answer_is_kept_where_the_flow_needs_it_and_nowhere_else(
    any_redis: Redis, prefix: str, texts: list[str], records: list[dict[str, Any]]
) -> None:
    talk = Talk(any_redis, prefix, [Login])
    talk.says("login", "ann", *texts)
    everything = stored_bytes(any_redis, prefix)
    assert any(key.endswith(":audit") for key in everything)
    assert [key for key, raw in everything.items() if SECRET.encode() in raw] == []
    assert SECRET not in repr(records)
    assert SECRET not in repr(talk.state)
    assert SECRET not in repr(talk.manager.history(talk.member_id))
    assert SECRET not in repr(talk.manager.last_valid_state(talk.member_id))


def test_what_is_remembered_of_a_sensitive_refusal_is_that_there_was_one(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Login])
    reply = talk.says("login", "ann", f"{SECRET} wrong")
    assert words(reply) == f"{SECRET} wrong is not your PIN\n\nPIN?"
    kept = talk.state.to_dict()["flow_data"]["data"]["validation"]
    assert kept == {"step": "pin", "attempts": 1, "refusal": "[redacted]"}
    assert SECRET.encode() not in talk.fields["flow_data"]
    assert talk.manager.history(talk.member_id)[-1].reason == "[redacted]"


def test_the_trail_gives_a_run_back_without_its_sensitive_answers(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Login])
    talk.says("login", "ann", SECRET)
    found = talk.manager.last_valid_state(talk.member_id)
    assert found is not None
    assert found.flow_data is not None
    assert (found.flow_data.data, found.flow_data.step_id) == ({"name": "ann"}, "sure")
    assert talk.data == {"name": "ann", "pin": SECRET}


def test_redaction_leaves_a_run_without_sensitive_answers_as_it_is() -> None:
    run = FlowData("login_ann", "login", "sure", 2, data={"name": "ann"})
    assert redacted(run, frozenset({"pin"})) is run


def test_a_stored_state_can_be_given_as_it_is(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Login])
    talk.says("login", "ann", SECRET)
    FlowAuditLogger(talk.manager, sensitive=("pin",)).log_flow_event("f", "looked", "sure", talk.state, "success")
    entry = talk.manager.history(talk.member_id)[-1]
    run = talk.state.flow_data
    assert run is not None
    assert (entry.event_type, entry.run_id, entry.channel) == ("looked", run.run_id, CONSOLE)
    assert SECRET not in repr(stored_bytes(any_redis, prefix))


def test_the_trail_follows_a_rollback_and_still_holds_no_sensitive_answer(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Login])
    talk.says("login", "ann", SECRET, "yes")
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.ended
    rolled_back = talk.manager.rollback(talk.member_id)
    kept = talk.manager.last_valid_state(talk.member_id)
    assert rolled_back.flow_data is not None
    assert kept is not None
    assert kept.flow_data is not None
    assert (kept.flow_data.step_id, kept.flow_data.data) == ("sure", {"name": "ann"})
    assert rolled_back.flow_data.data == {"name": "ann", "pin": SECRET}
    assert all(SECRET.encode() not in raw for key, raw in stored_bytes(any_redis, prefix).items() if "audit" in key)


def test_a_refusal_that_quotes_a_sensitive_answer_is_said_and_not_stored(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Login])
    talk.says("login", "ann")
    inbound = talk.message(f"{SECRET} wrong")
    assert SECRET in words(talk.sends(inbound))
    assert [name for name, raw in talk.fields.items() if SECRET.encode() in raw] == []
    again = talk.sends(inbound)
    assert (words(again), again.duplicate) == ("PIN?", True)


class Quoting(Flow):
    """Its second step quotes, in refusing, what was answered to the first."""

    flow_type = "quoting"

    def never(self, value: str) -> bool:
        raise Refused(f"{value} does not go with {self.data['pin']}.")

    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Step(id="next", type=StepType.TEXT, message="And?", validator=never),
    )


def test_a_refusal_that_quotes_an_earlier_sensitive_answer_is_kept_without_its_words(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Quoting])
    talk.says("quoting", SECRET)
    assert SECRET in words(talk.says("this"))
    kept = [entry.reason for entry in talk.manager.history(talk.member_id) if entry.status == "refused"]
    assert kept == ["[redacted]"]
    stored = talk.state.flow_data
    assert stored is not None
    assert stored.validation is not None
    assert stored.validation.refusal == "[redacted]"


class Within(Flow):
    """A sensitive answer, and two more after it."""

    flow_type = "within"
    steps = tuple(Step(each, StepType.TEXT, f"{each}?", sensitive=each == "pin") for each in ("pin", "more", "last"))


class Around(Flow):
    """The same, within another."""

    flow_type = "around"
    steps = (SubFlow("within", Within),)


def test_the_trail_follows_a_rollback_within_a_flow_and_still_holds_no_sensitive_answer(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Around])
    talk.says("around", SECRET, "x")
    rolled_back = talk.manager.rollback(talk.member_id).flow_data
    assert rolled_back is not None
    assert rolled_back.inner is not None
    assert (rolled_back.inner.step_id, rolled_back.inner.data) == ("more", {"pin": SECRET})
    assert all(SECRET.encode() not in raw for key, raw in stored_bytes(any_redis, prefix).items() if "audit" in key)

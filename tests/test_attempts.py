"""Refusals that end: what counts as an attempt, and what follows on the last one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from fsmflow import AsyncFlowError, Flow, FlowDefinitionError, FlowRunner, FlowStateManager, Refused, Step
from fsmflow.step import Route, SubFlow
from fsmflow.transcript import Transcript
from tests.branched import Account, choice, text
from tests.talking import SECRET, Talk, in_memory, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")

NO = "That answer cannot be used. Please try another."


def limited(end: str, **named: Any) -> type[Flow]:
    """A flow that lets three answers be refused at its second question."""

    class Limited(Flow):
        flow_type = "limited"

        def valid(self, value: str) -> bool:
            return value == "good"

        steps = (
            text("a"),
            text("b", validator=valid, max_attempts=3, on_exhausted=end, **named),
            choice("c"),
            text("d"),
        )

    return Limited


def at_the_limit(end: str = "failed", **named: Any) -> Talk:
    talk = in_memory([limited(end, **named)])
    talk.says("limited", "x")
    return talk


def attempts(talk: Talk) -> int:
    found = json.loads(talk.fields["flow_data"]).get("validation")
    return 0 if found is None else int(found["attempts"])


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("failed", "This could not be completed."),
        ("handover", "We could not settle this here. Somebody will get in touch with you."),
    ],
)
def test_the_last_refusal_ends_the_conversation_with_its_reason(end: str, said: str) -> None:
    talk = at_the_limit(end)
    assert words(talk.says("1")) == words(talk.says("2")) == f"{NO}\n\nb?"
    reply = talk.says("3")
    assert (words(reply), reply.status, reply.step_id) == (f"{NO}\n\n{said}", end, end)
    assert ("exhausted", "success", end) in talk.events
    assert talk.says("good").status == "idle"


def test_it_may_lead_to_another_step_and_what_was_not_answered_is_none() -> None:
    talk = at_the_limit("d")
    assert words(talk.says("1", "2", "3")) == f"{NO}\n\nd?"
    assert talk.data == {"a": "x", "b": None}
    assert words(talk.says("y")) == "Done. Thank you."
    assert talk.data == {"a": "x", "b": None, "d": "y"}


def test_one_may_not_go_back_for_more_attempts() -> None:
    talk = at_the_limit("d")
    assert talk.says("1", "2", "3", "back").status == "refused"
    assert json.loads(talk.fields["flow_data"])["step_id"] == "d"


def test_a_good_answer_after_some_refusals_goes_on_and_the_count_begins_anew() -> None:
    talk = at_the_limit()
    assert words(talk.says("1", "2", "good")) == "c?"
    talk.says("back")
    assert attempts(talk) == 0
    assert words(talk.says("1", "2")) == f"{NO}\n\nb?"


def test_they_are_counted_over_restarts_of_the_worker(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [limited("failed")])
    talk.says("limited", "x")
    for count in (1, 2):
        talk.says("bad")
        talk.deploys([limited("failed")])
        assert attempts(talk) == count
    assert talk.says("bad").status == "failed"


def test_a_picture_and_an_empty_answer_are_attempts_as_words_are() -> None:
    talk = at_the_limit()
    talk.sends(talk.message(kind="image"))
    talk.says("  ")
    assert attempts(talk) == 2
    assert talk.sends(talk.message(kind="image")).status == "failed"


def test_a_stale_tap_a_late_message_a_heart_and_a_global_word_are_none() -> None:
    talk = in_memory([limited("failed")])
    talk.says("limited", "x", "good")
    old = talk.last
    talk.says("back", "bad", "bad")
    assert attempts(talk) == 2
    talk.taps("Yes", of=old)
    talk.says("bad", sent_at=talk.now.replace(year=2029))
    talk.sends(talk.message(kind="reaction"))
    talk.says("help", "menu")
    assert attempts(talk) == 2
    assert talk.says("bad").status == "failed"


def test_a_duplicate_of_a_refused_answer_is_none_and_of_the_last_one_says_the_same_again() -> None:
    talk = at_the_limit("handover")
    refused = talk.message("bad")
    talk.sends(refused)
    talk.sends(refused)
    talk.sends(refused)
    assert attempts(talk) == 1
    talk.says("bad")
    last = talk.message("bad")
    first, again = talk.sends(last), talk.sends(last)
    assert (again.messages, again.duplicate, again.status) == (first.messages, True, "handover")
    assert sum(event[0] == "exhausted" for event in talk.events) == 1


def test_what_is_no_option_is_an_attempt_at_a_choice() -> None:
    class Choosing(Flow):
        flow_type = "choosing"
        steps = (choice("a", max_attempts=2, on_exhausted="handover"),)

    talk = in_memory([Choosing])
    assert talk.says("choosing", "what", "choosing").status == "handover"


class Handing(Flow):
    """Hands over what was answered, also what is sensitive, and in a flow within."""

    flow_type = "handing"

    def refuses(self, value: str) -> bool:
        raise Refused(f"{value} will not do.")

    steps: tuple[Step, ...] = (
        text("name"),
        text("pin", sensitive=True),
        text("skipped", optional=True),
        text("code", validator=refuses, max_attempts=2, on_exhausted="handover"),
    )

    def handed_over(self, transcript: Transcript) -> str:
        refused = transcript.refused
        assert refused is not None
        return f"{dict(transcript.answers)} {refused.step} {refused.attempts} {refused.refusal}"


def test_who_takes_over_is_told_what_was_answered_and_where_it_came_to_a_stand() -> None:
    talk = in_memory([Handing])
    reply = talk.says("handing", "Ann", SECRET, "skip", "one", "two")
    answers = {"name": "Ann", "pin": "[redacted]", "skipped": None}
    assert words(reply) == f"two will not do.\n\n{answers} code 2 two will not do."


def test_what_lies_ahead_after_going_back_is_not_told_as_answered() -> None:
    class Again(Handing):
        flow_type = "again"
        steps = (*Handing.steps[:3], text("free"), Handing.steps[3])

    talk = in_memory([Again])
    talk.says("again", "Ann", SECRET, "skip", "x", "back", "back")
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert dict(flow.transcript.answers) == {"name": "Ann", "pin": "[redacted]"}


def test_a_sensitive_step_that_is_used_up_tells_nobody_what_was_sent(any_redis: Redis, prefix: str) -> None:
    class Guarded(Handing):
        flow_type = "guarded"
        steps = (text("pin", sensitive=True, validator=Handing.refuses, max_attempts=2, on_exhausted="handover"),)

    with records_of() as records:
        talk = Talk(any_redis, prefix, [Guarded])
        reply = talk.says("guarded", SECRET, SECRET)
    assert words(reply) == "{} pin 2 [redacted]"
    assert SECRET not in repr(records)
    assert not [key for key, raw in stored_bytes(any_redis, prefix).items() if SECRET.encode() in raw]
    assert SECRET.encode() not in talk.fields["reply"]


def test_from_a_flow_within_a_person_is_told_of_that_too() -> None:
    talk = in_memory([Account])
    reply = talk.says("account", "Ann", SECRET, "1", "12", "123")
    told = {"wallet": {"owner": "Ann", "card": {"pin": "[redacted]"}}}
    assert reply.status == "handover"
    assert words(reply).startswith(f"123 has not four digits.\n\nA person reads {told} and ")
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert (dict(flow.transcript.answers), flow.transcript.refused.step) == (told, "wallet.card.code")  # type: ignore[union-attr] # None fails, too


def test_an_option_may_lead_to_a_person_as_well_and_from_a_flow_within() -> None:
    talk = in_memory([Account])
    reply = talk.says("account", "Ann", SECRET, "1234", "Person")
    assert reply.status == "handover"
    assert words(reply) == (
        "A person reads {'wallet': {'owner': 'Ann', 'card': {'pin': '[redacted]', 'code': '1234', 'keep': 'person'}}}"
        " and None."
    )


def test_closing_words_for_it_that_cannot_be_had_are_a_fault_and_the_attempt_is_not_used_up() -> None:
    class Broken(Flow):
        flow_type = "broken"
        steps = (text("a", validator=str.isdigit, max_attempts=2, on_exhausted="handover"),)

        def handed_over(self, transcript: Transcript) -> str:
            raise RuntimeError(str(transcript))

    talk = in_memory([Broken])
    talk.says("broken", "x")
    before = talk.fields["flow_data"]
    reply = talk.says("x")
    assert (reply.status, talk.fields["flow_data"]) == ("error", before)
    assert talk.says("5").status == "completed"


def test_used_up_attempts_may_lead_past_a_step_that_is_skipped() -> None:
    class Past(Flow):
        flow_type = "past"
        steps = (
            text("a", validator=str.isdigit, max_attempts=1, on_exhausted="b"),
            text("b", skip_when=lambda self: self.data["a"] is None),
            text("c"),
        )

    talk = in_memory([Past])
    assert words(talk.says("past", "x")) == f"{NO}\n\nc?"


def test_used_up_in_a_flow_within_it_may_go_on_in_there() -> None:
    class Inner(Flow):
        flow_type = "inner"
        steps = (text("a", validator=str.isdigit, max_attempts=1, on_exhausted="b"), text("b"))

    class Outer(Flow):
        flow_type = "outer"
        steps = (SubFlow("within", Inner), text("last"))

    talk = in_memory([Outer])
    assert words(talk.says("outer", "x")) == f"{NO}\n\nb?"
    assert words(talk.says("y")) == "last?"
    assert words(talk.says("back")) == "Your answer was: y\n\nb?"
    assert talk.data == {"within": {"a": None, "b": "y"}}


def test_used_up_attempts_may_lead_to_the_end_past_what_is_skipped_and_then_only_the_way_there_is_kept() -> None:
    class Short(Flow):
        flow_type = "short"
        steps = (
            text("a", routes=(Route("c", lambda value: value == "c"),)),
            text("b"),
            text("c", validator=str.isdigit, max_attempts=1, on_exhausted="d"),
            text("d", skip_when=lambda self: self.data["a"] == "c"),
        )

    talk = in_memory([Short])
    reply = talk.says("short", "x", "left", "back", "back", "c", "bad")
    assert (reply.status, reply.data) == ("completed", {"a": "c", "c": None})
    assert talk.state.flow_data.validation is None  # type: ignore[union-attr] # None fails, too


def test_attempts_that_were_used_up_within_are_none_of_the_next_question() -> None:
    class Inner(Flow):
        flow_type = "inner"
        steps = (
            text("a", validator=str.isdigit, max_attempts=2, on_exhausted="b"),
            text("b", skip_when=lambda: True),
        )

    class Outer(Flow):
        flow_type = "outer"
        steps = (SubFlow("within", Inner), text("c", validator=str.isdigit, max_attempts=2, on_exhausted="failed"))

    talk = in_memory([Outer])
    assert words(talk.says("outer", "x", "x")) == f"{NO}\n\nc?"
    assert talk.says("x").status == "refused"
    assert talk.says("5").data == {"within": {"a": None}, "c": "5"}


def test_words_for_a_person_that_must_be_awaited_or_take_no_transcript_are_found_beforehand() -> None:
    steps = (text("a", validator=str.isdigit, max_attempts=1, on_exhausted="handover"),)

    async def awaited(self: Flow, transcript: Transcript) -> str:
        return f"{self.id}{transcript}"

    flow: type[Flow] = type("Awaited", (Flow,), {"flow_type": "awaited", "steps": steps, "handed_over": awaited})
    with pytest.raises(AsyncFlowError, match="handed_over must be awaited"):
        FlowRunner(FlowStateManager.in_memory(), [flow])

    def alone(self: Flow) -> str:
        return self.id

    with pytest.raises(FlowDefinitionError, match="the handover"):
        type("Alone", (Flow,), {"flow_type": "alone", "steps": steps, "handed_over": alone})


def test_what_is_no_word_for_a_person_is_told_by_the_name_of_the_hook() -> None:
    steps = (text("a", validator=str.isdigit, max_attempts=1, on_exhausted="handover"),)
    flow: type[Flow] = type("Five", (Flow,), {"flow_type": "five", "steps": steps, "handed_over": lambda *_: 5})
    talk = in_memory([flow])
    assert talk.says("five", "x").status == "error"
    error = talk.manager.history(talk.member_id)[-1]
    assert "handed_over must give words" in (error.reason or "")

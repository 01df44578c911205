"""A channel delivers at least once, and not in order: each message is decided once, and none for a newer question."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from fsmflow import Inbound, Reply
from fsmflow.messages import Channel
from tests.talking import CONSOLE, WHATSAPP, Offer, Talk, words

pytestmark = pytest.mark.usefixtures("side")

LATE = "That message came late, after a newer one, and was not used."


def without_duplicate(reply: Reply) -> tuple[object, ...]:
    return (reply.messages, reply.member_id, reply.flow_id, reply.step_id, reply.status)


@pytest.mark.parametrize("texts", [["offer"], ["offer", "x"], ["offer", "12", "bob"], ["hello"], ["offer", "cancel"]])
def test_the_latest_message_again_gets_its_reply_again(any_redis: Redis, prefix: str, texts: list[str]) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    for text in texts[:-1]:
        talk.says(text)
    inbound = talk.message(texts[-1])
    first = talk.sends(inbound)
    before, events = talk.fields, talk.events
    again = talk.sends(inbound)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert without_duplicate(again) == without_duplicate(first)
    assert (talk.fields, talk.events) == (before, events)


@pytest.mark.parametrize("since", [1, 3, 4, 9])
def test_an_older_message_again_gets_nothing(any_redis: Redis, prefix: str, since: int) -> None:
    """The hash knows the last four, the sorted set all: both nets hold."""
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    inbound = talk.message("12")
    talk.sends(inbound)
    for _ in range(since):
        talk.says("help")
    before = talk.fields
    again = talk.sends(inbound)
    assert (again.messages, again.status, again.duplicate) == ((), "duplicate", True)
    assert (again.flow_id, again.step_id) == ("offer_console:ann", "handle")
    assert talk.fields == before


def test_the_latest_message_is_known_by_the_sorted_set_alone(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    inbound = talk.message("12")
    talk.sends(inbound)
    talk.redis.hset(talk.key, "recent", b"0123456789abcdef")
    assert (talk.sends(inbound).messages, talk.data["amount"]) == ((), "12")


def test_a_message_stays_known_when_the_state_is_cleared(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    inbound = talk.message("offer")
    talk.sends(inbound)
    talk.manager.clear(talk.member_id)
    again = talk.sends(inbound)
    assert (again.messages, again.duplicate, talk.fields) == ((), True, {})


def test_one_id_on_two_channels_is_two_messages(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], dated=False)
    for channel, text in ((CONSOLE, "offer"), (WHATSAPP, "12")):
        reply = talk.sends(Inbound(channel, "same", text, member_id="ann"))
        assert not reply.duplicate
    assert reply.step_id == "handle"


def test_the_same_words_in_another_message_are_another_answer(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert talk.says("offer", "12", "12").step_id == "confirm"


def test_a_message_older_than_the_last_is_refused_with_the_current_question(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer")
    talk.waits(seconds=5)
    late = talk.message("12", sent_at=talk.now - timedelta(seconds=1))
    talk.says("13")
    reply = talk.sends(late)
    assert (words(reply), reply.status) == (f"{LATE}\n\nTo which handle?", "refused")
    assert talk.data == {"amount": "13"}
    assert talk.sends(late).duplicate
    assert talk.says("bob").step_id == "confirm"


@pytest.mark.parametrize("text", ["cancel", "back", "restart"])
def test_an_older_global_word_is_refused_too(any_redis: Redis, prefix: str, text: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer", "12")
    reply = talk.says(text, sent_at=talk.now - timedelta(seconds=2))
    assert (reply.status, reply.step_id) == ("refused", "handle")


@pytest.mark.parametrize("opened", [True, False])
def test_an_answer_that_a_reaction_overtook_is_not_late(any_redis: Redis, prefix: str, opened: bool) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    if opened:
        talk.says("offer")
    overtaken = talk.message("12" if opened else "offer")
    talk.waits(seconds=5)
    talk.sends(talk.message(None, kind="reaction"))
    assert talk.sends(overtaken).step_id == ("handle" if opened else "amount")


def test_a_reaction_on_another_channel_leaves_the_clock_of_the_last_message(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", channel=WHATSAPP, member_id="ann")
    talk.sends(talk.message(None, kind="reaction", channel=CONSOLE, member_id="ann"))
    late = talk.says("12", channel=WHATSAPP, member_id="ann", sent_at=talk.now - timedelta(seconds=5))
    assert (late.status, late.step_id) == ("refused", "amount")


def test_messages_of_one_second_are_taken_in_the_order_in_which_they_come(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer", sent_at=talk.now + timedelta(milliseconds=900))
    assert talk.says("12", sent_at=talk.now + timedelta(milliseconds=100)).step_id == "handle"


def test_a_late_message_does_not_turn_the_clock_back(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer")
    talk.says("early", sent_at=talk.now - timedelta(seconds=10))
    assert talk.says("12", sent_at=talk.now - timedelta(seconds=5)).status == "refused"


def test_another_channels_clock_is_not_compared(any_redis: Redis, prefix: str) -> None:
    """Nor once the member is back on the first: its messages are compared with its own."""
    talk = Talk(any_redis, prefix, [Offer])

    def at(channel: Channel, text: str, seconds: int) -> Reply:
        return talk.says(text, channel=channel, member_id="ann", sent_at=talk.now + timedelta(seconds=seconds))

    at(WHATSAPP, "offer", 0)
    assert at(CONSOLE, "12", 30).step_id == "handle"
    assert at(WHATSAPP, "bob", 10).step_id == "confirm"
    assert at(WHATSAPP, "Confirm", 11).status == "completed"


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(days=400), timedelta(days=365 * 1000)])
def test_a_message_dated_in_the_future_does_not_strand_the_member(
    any_redis: Redis, prefix: str, ahead: timedelta
) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    assert talk.says("offer", sent_at=talk.now + ahead).step_id == "amount"
    assert talk.says("12").step_id == "handle"
    talk.waits(minutes=6)
    assert talk.says("bob").status == "expired"


def test_a_channels_clock_that_runs_ahead_is_as_good_as_any(any_redis: Redis, prefix: str) -> None:
    """Around the tolerance too, where one message's date is believed and the next one's is not."""
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    for text, seconds in (("offer", 59), ("12", 61), ("bob", 60)):
        reply = talk.says(text, sent_at=talk.now + timedelta(seconds=seconds))
        assert reply.status == "in_progress"
        talk.waits(seconds=1)


def test_a_date_before_all_time_is_late_and_nothing_worse(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer")
    assert talk.says("12", sent_at=-1e9).status == "refused"
    assert talk.says("12").step_id == "handle"

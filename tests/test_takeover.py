"""What was begun before it was known who the member is: taken along once, and nothing of it twice."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from fsmflow import (
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Flow,
    FlowRunner,
    Inbound,
    Sentences,
    Step,
    StepType,
    StoreUnavailable,
)
from fsmflow.codec import CODEC
from fsmflow.errors import NewerState
from fsmflow.messages import Reply
from fsmflow.takeover import TAKEN
from tests.sides import async_client_like, before_each_command, wait_for
from tests.signing_in import FLOWS, PIN, AtTheDoor, SignIn
from tests.talking import CONSOLE, WHATSAPP, Offer, words

pytestmark = pytest.mark.usefixtures("side")
SAID = Sentences()
ADDRESS = "console:ann"


@pytest.fixture
def talk(any_redis: Redis, prefix: str) -> AtTheDoor:
    """A member whom the application does not know until they sign in."""
    return AtTheDoor(any_redis, prefix)


def waiting_for_an_answer(talk: AtTheDoor) -> Reply:
    """The wanted flow's first question is asked, under the address; the member is signed in by now."""
    talk.says("transfer")
    return talk.signs_in()


def test_the_wanted_flow_is_taken_along_and_the_next_message_answers_it(talk: AtTheDoor) -> None:
    reply = waiting_for_an_answer(talk)
    assert (words(reply), reply.member_id) == ("Welcome.\n----\nHow much?", ADDRESS)
    wanted = talk.run_of(ADDRESS).waiting  # type: ignore[union-attr] # it was talked to
    reply = talk.says("12")
    assert (words(reply), reply.member_id, reply.flow_id) == ("To which handle?", "ann", "transfer_ann")
    assert wanted is not None
    assert reply.run_id == wanted.run_id
    reply = talk.says("bob", "confirm")
    assert (reply.status, reply.data) == ("completed", {"amount": 12, "handle": "bob", "confirm": "confirm"})


def test_a_button_that_was_shown_under_the_address_works(talk: AtTheDoor) -> None:
    talk.says("colour")
    asked = talk.last
    talk.door.lets_in()
    assert talk.taps("Green", of=asked).data == {"colour": "g"}


def test_what_was_open_for_everybody_is_taken_along_as_well(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, [*FLOWS, Offer])
    talk.says("offer", "12")
    talk.door.lets_in()
    reply = talk.says("bob")
    assert (words(reply), reply.flow_id) == ("Offer 12 to bob?", "offer_ann")


@pytest.mark.parametrize("text", ["help", "12 euros", "menu"])
def test_it_is_the_members_also_where_the_message_answers_nothing(talk: AtTheDoor, text: str) -> None:
    waiting_for_an_answer(talk)
    reply = talk.says(text)
    assert reply.flow_id == "transfer_ann"
    run = talk.run_of("ann")
    assert run is not None
    assert (run.flow_type, run.step_id) == ("transfer", "amount")
    assert talk.says("12").step_id == "handle"


def test_what_is_left_under_the_address_is_the_sign_in_alone(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.says("12")
    left = talk.run_of(ADDRESS)
    assert left is not None
    assert (left.flow_type, left.step_id, left.waiting) == ("sign_in", "completed", None)
    assert talk.manager.load(ADDRESS).previous is None
    assert talk.manager.history(ADDRESS)[-1].event_type == "takeover"
    taken = next(entry for entry in talk.manager.history("ann") if entry.event_type == "takeover")
    assert (taken.flow_id, taken.reason) == ("transfer_ann", f"from {ADDRESS}")


def test_the_trail_of_the_address_gives_no_run_back_that_was_taken_along(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, [*FLOWS, Offer])
    talk.says("offer", "12")
    talk.door.lets_in()
    talk.says("bob")
    assert talk.run_of(ADDRESS) is None
    assert talk.manager.last_valid_state(ADDRESS) is None


def test_a_rollback_after_it_takes_the_first_answer_back(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer", "1", "jim", "confirm")
    talk.door.sessions.clear()
    waiting_for_an_answer(talk)
    talk.says("12")
    talk.manager.rollback("ann")
    run = talk.run_of("ann")
    assert run is not None
    assert (run.flow_type, run.step_id, run.data) == ("transfer", "amount", {})
    assert talk.says("15").step_id == "handle"


def test_a_rollback_of_the_address_brings_nothing_of_it_back(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.says("12")
    talk.manager.rollback(ADDRESS)
    assert talk.says("bob").step_id == "confirm"


def test_what_was_open_elsewhere_waits_beneath_it(talk: AtTheDoor) -> None:
    """On another channel of the same member."""
    talk.door.lets_in(WHATSAPP)
    talk.says("colour", channel=WHATSAPP)
    waiting_for_an_answer(talk)
    assert talk.says("12").step_id == "handle"
    assert words(talk.says("bob", "confirm")).endswith("Which?")
    assert talk.says("red", channel=WHATSAPP).status == "completed"


def test_what_was_left_under_the_address_long_ago_is_in_nobodys_way(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, [*FLOWS, Offer])
    talk.says("offer")
    talk.waits(minutes=10)
    talk.door.lets_in(WHATSAPP)
    talk.door.lets_in(CONSOLE)
    talk.says("transfer", channel=WHATSAPP)
    assert talk.says("12").flow_id == "transfer_ann"


def test_and_is_closed_where_nothing_else_is_open(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.waits(minutes=10)
    assert talk.says("12").status == "expired"
    assert talk.says("12").status == "idle"


def test_starting_a_flow_leaves_it(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    assert talk.runner.start("colour", talk.message("x")).step_id == "colour"
    assert talk.says("red").status == "completed"
    assert talk.says("12").status == "idle"


# -- once --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [1, 2])
def test_a_worker_that_dies_of_it_costs_nothing_and_doubles_nothing(talk: AtTheDoor, before: int) -> None:
    waiting_for_an_answer(talk)
    answer = talk.message("12")
    talk.dies_of(answer, before=before)
    reply = talk.sends(answer)
    assert (words(reply), reply.duplicate) == ("To which handle?", before == 2)
    done = talk.says("bob", "confirm")
    assert done.data == {"amount": 12, "handle": "bob", "confirm": "confirm"}
    assert talk.run_of(ADDRESS).waiting is None  # type: ignore[union-attr] # the sign-in is kept
    assert talk.says("12").status == "idle"
    talk.door.sessions.clear()
    assert talk.says("12").status == "idle"


def test_what_could_not_be_released_is_not_taken_again_whoever_wrote_there_meanwhile(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    answer = talk.message("12")
    talk.dies_of(answer, before=2)
    talk.door.sessions.clear()
    assert words(talk.says("hello")) == f"{SAID.sign_in_again}\n\nYour PIN?"  # under the address it still waits
    talk.door.lets_in()
    assert talk.says("bob").step_id == "pin"  # the sign-in was asked last; it is on top now
    assert words(talk.says(PIN)).endswith("To which handle?")  # and beneath it is the run as far as it has come
    run = talk.says("bob", "confirm")
    assert run.status == "completed"
    talk.says("12")
    assert [entry.flow_id for entry in talk.manager.history("ann") if entry.event_type == "complete"] == [
        "sign_in_ann",
        "transfer_ann",
    ]


def test_what_was_asked_again_of_a_run_that_had_gone_on_is_not_answered_at_another_question(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.dies_of(talk.message("12"), before=2)
    talk.door.sessions.clear()
    talk.waits(seconds=2)
    talk.says("hello")
    assert words(talk.signs_in()).endswith("How much?")  # it has gone on to the next question; here nobody knows
    assert words(talk.says("15")) == f"{SAID.resumed}\n\nTo which handle?"
    assert talk.says("bob", "confirm").data == {"amount": 12, "handle": "bob", "confirm": "confirm"}


def test_a_store_that_fails_between_the_two_gives_the_reply_all_the_same(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    address = talk.manager.layout.keys(ADDRESS).state
    failing = [True]

    def look(command: tuple[Any, ...]) -> None:
        if failing[0] and command[0] == "EVALSHA" and command[3] == address:
            raise ConnectionError

    before_each_command(talk.manager, look)
    assert words(talk.says("12")) == "To which handle?"
    assert talk.run_of(ADDRESS).waiting is not None  # type: ignore[union-attr] # it could not be released
    failing.clear()
    failing.append(False)
    talk.says("bob")
    assert talk.run_of(ADDRESS).waiting is None  # type: ignore[union-attr] # the next message did


def test_who_signs_out_and_comes_back_begins_anew_and_ends_both(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    first = talk.says("12", "bob", "confirm")
    talk.door.sessions.clear()
    waiting_for_an_answer(talk)
    second = talk.says("5", "joe", "confirm")
    assert (first.status, second.status) == ("completed", "completed")
    assert first.run_id != second.run_id


def test_what_is_taken_is_known_for_long_enough_and_not_for_ever(talk: AtTheDoor) -> None:
    for _ in range(20):
        waiting_for_an_answer(talk)
        talk.says("cancel")
        talk.door.sessions.clear()
    kept = talk.redis.hget(talk.manager.layout.keys("ann").state, TAKEN)
    assert kept is not None
    assert len(kept.split()) == 16


def test_where_it_cannot_be_read_what_was_taken_nothing_is(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.says("12", "bob", "confirm")
    talk.redis.hset(talk.manager.layout.keys("ann").state, TAKEN, b"\xff")
    talk.door.sessions.clear()
    waiting_for_an_answer(talk)
    assert talk.says("12").status == "idle"


@pytest.mark.parametrize("whose", [ADDRESS, "ann"])
def test_of_a_damaged_hash_nothing_is_taken_and_nothing_is_lost(talk: AtTheDoor, whose: str) -> None:
    talk.door.lets_in()
    talk.says("colour", "red")
    talk.door.sessions.clear()
    waiting_for_an_answer(talk)
    key = talk.manager.layout.keys(whose).state
    kept = talk.redis.hget(key, "sent_at")
    talk.redis.hset(key, "sent_at", b"broken")
    reply = talk.says("12")
    assert reply.flow_id != "transfer_ann"
    if whose == ADDRESS:
        talk.redis.hset(key, "sent_at", kept)
    assert talk.says("12").step_id == "handle"


def test_what_a_newer_release_wrote_under_the_address_is_left_to_it(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    talk.redis.hset(talk.manager.layout.keys(ADDRESS).state, "codec", CODEC + 1)
    with pytest.raises(NewerState):
        talk.says("12")


@pytest.mark.parametrize("key", ["state", "seen"])
def test_where_the_address_cannot_be_read_nothing_is_decided(talk: AtTheDoor, key: str) -> None:
    waiting_for_an_answer(talk)
    name = getattr(talk.manager.layout.keys(ADDRESS), key)
    talk.redis.rename(name, f"{name}-kept")
    talk.redis.set(name, "something else")
    with pytest.raises(StoreUnavailable):
        talk.says("12")
    assert talk.run_of("ann") is None
    talk.redis.rename(f"{name}-kept", name)
    assert talk.says("12").step_id == "handle"


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_the_message_that_completed_the_sign_in_has_its_reply_again_though_it_is_known_now_who_it_is(
    talk: AtTheDoor,
) -> None:
    talk.says("transfer")
    proves = talk.message(PIN)
    done = talk.sends(proves)
    talk.door.lets_in()
    again = talk.sends(proves)
    assert (again.messages, again.duplicate, again.data) == (done.messages, True, {"pin": PIN})
    assert talk.run_of("ann") is None
    talk.says("12")
    again = talk.sends(proves)
    assert (again.messages, again.duplicate, again.data) == (done.messages, True, {"pin": PIN})
    assert talk.run_of("ann").step_id == "handle"  # type: ignore[union-attr] # it is not taken for a handle


@pytest.mark.parametrize("dated", [True, False])
def test_a_message_that_was_decided_long_before_the_sign_in_answers_nothing_after_it(
    any_redis: Redis, prefix: str, dated: bool
) -> None:
    talk = AtTheDoor(any_redis, prefix, dated=dated)
    old = talk.message("transfer")
    talk.sends(old)
    talk.says("0", "0", "0", "0", "0")
    talk.signs_in()
    talk.says("12")
    reply = talk.sends(old)
    assert (reply.messages, reply.duplicate) == ((), True)
    assert talk.run_of("ann").data == {"amount": "12"}  # type: ignore[union-attr] # as it was


def test_the_first_message_of_who_is_known_now_has_its_reply_again(talk: AtTheDoor) -> None:
    waiting_for_an_answer(talk)
    answer = talk.message("12")
    first = talk.sends(answer)
    again = talk.sends(answer)
    assert (again.messages, again.duplicate) == (first.messages, True)


# -- several at once ---------------------------------------------------------------------------------------------------


@pytest.mark.real_redis
def test_two_channels_of_one_member_that_write_at_once_lose_and_double_nothing(
    redis_client: Redis, prefix: str, side: str
) -> None:
    talk = AtTheDoor(redis_client, prefix, [SignIn, Long], dated=False)
    for channel in (CONSOLE, WHATSAPP):
        talk.door.lets_in(channel)
    talk.says("long")
    answers = [
        [talk.message(f"{channel.type}-{number}", channel=channel) for number in range(10)]
        for channel in (CONSOLE, WHATSAPP)
    ]
    replies = at_once(talk, side, answers)
    assert all(reply.member_id == "ann" and not reply.duplicate for reply in replies)
    run = talk.run_of("ann")
    assert run is not None
    kept = list(run.data.values())
    assert sorted(kept) == sorted(str(each.text) for several in answers for each in several)
    for channel in (CONSOLE, WHATSAPP):  # each channel's own order is kept
        assert [each for each in kept if each.startswith(channel.type)] == [f"{channel.type}-{n}" for n in range(10)]


@pytest.mark.real_redis
def test_deliveries_of_one_answer_at_once_take_the_run_over_once(redis_client: Redis, prefix: str, side: str) -> None:
    for number in range(10):
        talk = AtTheDoor(redis_client, f"{prefix}-{number}")
        waiting_for_an_answer(talk)
        answer = talk.message("12")
        replies = at_once(talk, side, [[answer]] * 4)
        assert [reply.duplicate for reply in replies].count(False) == 1
        assert {words(reply) for reply in replies} == {"To which handle?"}
        assert [each.event_type for each in talk.manager.history("ann")].count("takeover") == 1
        assert talk.says("bob", "confirm").status == "completed"
        assert talk.says("12").status == "idle"


@pytest.mark.real_redis
def test_two_answers_at_once_take_the_run_over_once_and_answer_two_questions(
    redis_client: Redis, prefix: str, side: str
) -> None:
    for number in range(10):
        talk = AtTheDoor(redis_client, f"{prefix}-{number}", dated=False)
        waiting_for_an_answer(talk)
        at_once(talk, side, [[talk.message("12")], [talk.message("13")]])
        run = talk.run_of("ann")
        assert run is not None
        assert (run.step_id, sorted(run.data.values())) == ("confirm", ["12", "13"])
        assert [each.event_type for each in talk.manager.history("ann")].count("takeover") == 1


class Long(Flow):
    """Twenty answers of which none is refused."""

    flow_type = "long"
    requires_auth = True
    steps = tuple(Step(f"s{number}", StepType.TEXT, f"Question {number}?") for number in range(21))


def at_once(talk: AtTheDoor, side: str, several: list[list[Inbound]]) -> list[Reply]:
    """Has each list of messages sent in its order, by a client of its own, all lists at the same time."""
    named: dict[str, Any] = {"authenticator": talk.door, "sign_in": "sign_in", "clock": lambda: talk.now}
    flows = [each.flow for each in talk.runner.conversation.registry.registrations.values()]
    prefix = talk.manager.layout.prefix
    if side == "async":
        return list(wait_for(_awaited(talk, prefix, flows, named, several)))
    begin = threading.Barrier(len(several))
    runner = FlowRunner(talk.manager, flows, **named)

    def send(inbounds: list[Inbound]) -> list[Reply]:
        begin.wait()
        return [_until_decided(runner, inbound) for inbound in inbounds]

    with ThreadPoolExecutor(len(several)) as pool:
        return [reply for replies in pool.map(send, several) for reply in replies]


def _until_decided(runner: FlowRunner, inbound: Inbound) -> Reply:
    while True:
        try:
            return runner.handle(inbound)
        except StoreUnavailable:
            continue


async def _awaited(
    talk: AtTheDoor, prefix: str, flows: Any, named: dict[str, Any], several: list[list[Inbound]]
) -> list[Reply]:
    manager = AsyncFlowStateManager(async_client_like(talk.redis), prefix=prefix)
    runner = AsyncFlowRunner(manager, flows, **named)

    async def send(inbounds: list[Inbound]) -> list[Reply]:
        return [await runner.handle(inbound) for inbound in inbounds]

    found = await asyncio.gather(*map(send, several))
    await manager.close()
    return [reply for replies in found for reply in replies]

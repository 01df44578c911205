"""A message as it arrived, and what of a decision is stored."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import Channel, Flow, Inbound, InvalidMemberId, MemberState
from fsmflow.codec import CODEC, RECENT_LIMIT, load_state
from fsmflow.decision import Arrival, Decision, member_id_of
from fsmflow.state import FlowData, UnreadableField, check_member_id
from tests.talking import BEGINNING, CONSOLE, WHATSAPP

MILLISECONDS = round(BEGINNING.timestamp() * 1000)


def arrival(sent_at: datetime | None = None, channel: Channel = WHATSAPP, message_id: str = "m") -> Arrival:
    return Arrival.of(Inbound(channel, message_id, "x", sent_at=sent_at), BEGINNING)


def stored(sent_at: int, channel: Channel = WHATSAPP) -> MemberState:
    return MemberState("ann", channel, sent_at=sent_at, raw={"version": b"1", "codec": str(CODEC).encode()})


def as_it_is(_: Arrival, __: Flow, run: FlowData) -> FlowData:
    return run


def test_a_message_is_of_the_moment_that_its_channel_tells() -> None:
    found = arrival(BEGINNING - timedelta(seconds=90))
    assert (found.at, found.dated) == (MILLISECONDS - 90_000, True)


def test_without_a_moment_of_its_own_it_is_of_the_one_in_which_it_was_received() -> None:
    found = arrival(None)
    assert (found.at, found.dated) == (MILLISECONDS, False)


@pytest.mark.parametrize(
    ("ahead", "at", "dated"),
    [(0, 0, True), (60, 60_000, True), (61, 0, False), (86_400, 0, False)],
)
def test_a_moment_beyond_the_tolerance_is_not_believed(ahead: int, at: int, dated: bool) -> None:
    found = arrival(BEGINNING + timedelta(seconds=ahead))
    assert (found.at - MILLISECONDS, found.dated) == (at, dated)


def test_no_moment_is_before_the_epoch() -> None:
    assert arrival(datetime(1903, 1, 1, tzinfo=timezone.utc)).at == 0


@pytest.mark.parametrize(
    ("behind", "late"),
    [(timedelta(0), False), (timedelta(milliseconds=999), True), (timedelta(seconds=1), True), (-timedelta(1), False)],
)
def test_late_is_older_by_the_count_of_seconds(behind: timedelta, late: bool) -> None:
    assert arrival(BEGINNING - behind).is_late(stored(MILLISECONDS)) is late


def test_within_a_second_nothing_is_late() -> None:
    assert not arrival(BEGINNING).is_late(stored(MILLISECONDS + 999))
    assert arrival(BEGINNING).is_late(stored(MILLISECONDS + 1000))


def test_what_is_not_dated_or_of_another_channel_is_never_late() -> None:
    later = MILLISECONDS + 10_000
    assert not arrival(None).is_late(stored(later))
    assert not arrival(BEGINNING).is_late(stored(later, CONSOLE))
    assert not arrival(BEGINNING + timedelta(days=1)).is_late(stored(later))
    assert arrival(BEGINNING, Channel("whatsapp", "15550002222")).is_late(stored(later))


@given(st.text(), st.text(max_size=300))
def test_a_members_id_by_the_channel_is_never_too_long(kind: str, identifier: str) -> None:
    channel = Channel(kind[:20], identifier)
    assert len(member_id_of(channel)) <= 128


def test_long_addresses_stay_apart() -> None:
    whole = "x" * 127
    ids = {member_id_of(Channel("whatsapp", whole + last)) for last in "ab"}
    assert len({check_member_id(member_id) for member_id in ids}) == 2
    assert member_id_of(Channel("whatsapp", "15550001111")) == "whatsapp:15550001111"


@pytest.mark.parametrize("identifier", ["", "a b", "{}", "a\n"])
def test_an_address_that_can_be_no_key_is_refused(identifier: str) -> None:
    """An empty one too: all who came without an address would be one member, and read each other's answers."""
    with pytest.raises(InvalidMemberId):
        arrival(channel=Channel("console", identifier))


def test_the_last_few_messages_are_remembered_the_latest_last() -> None:
    state = MemberState("ann", WHATSAPP, recent=tuple(f"{n:016x}" for n in range(RECENT_LIMIT)), raw={"version": b"1"})
    decision = Decision((), "idle")
    found = arrival()
    recent = decision.commit(found, state, decision.reply(found, state), as_it_is).fields["recent"].decode().split()
    assert recent == [*state.recent[1:], found.key]


@pytest.mark.parametrize(
    ("channel", "stored_at", "kept"),
    [(WHATSAPP, 5000, 5000), (WHATSAPP, -5000, 0), (CONSOLE, 5000, 0), (CONSOLE, -5000, 0)],
)
def test_the_time_of_the_last_message_only_grows_within_a_channel(channel: Channel, stored_at: int, kept: int) -> None:
    state = stored(MILLISECONDS + stored_at, channel)
    decision = Decision((), "idle")
    fields = decision.commit(arrival(BEGINNING), state, decision.reply(arrival(), state), as_it_is).fields
    assert int(fields["sent_at"]) - MILLISECONDS == kept


def test_what_is_put_aside_is_written_anew_whole() -> None:
    state = MemberState("ann", WHATSAPP, unreadable=(UnreadableField("codec", b"?", "x"),), raw={"version": b"1"})
    decision = Decision((), "recovered", forget=True, unreadable=state.unreadable, ended=True)
    found = Arrival.of(Inbound(WHATSAPP, "m", member_id="ann"), BEGINNING)
    commit = decision.commit(found, state, decision.reply(found, state), as_it_is)
    raw = {**commit.fields, "version": b"1", "token": b"t", "updated_at": b"1"}
    assert load_state("ann", WHATSAPP, raw).unreadable == ()
    assert (commit.unreadable, commit.snapshot) == (state.unreadable, b"null")


def test_another_codecs_state_is_written_as_this_ones() -> None:
    state = MemberState("ann", WHATSAPP, raw={"version": b"1", "codec": b"0"})
    decision = Decision((), "idle")
    assert (
        decision.commit(arrival(), state, decision.reply(arrival(), state), as_it_is).fields["codec"]
        == str(CODEC).encode()
    )


@pytest.mark.parametrize(
    ("step_id", "status", "named"),
    [
        ("handle", "refused", True),
        ("handle", "error", True),
        ("completed", "refused", True),
        ("completed", "idle", False),
    ],
)
def test_a_reply_names_the_run_that_it_is_about(step_id: str, status: str, named: bool) -> None:
    state = MemberState("ann", CONSOLE, flow_data=FlowData("offer_ann", "offer", step_id, 1), raw={"version": b"1"})
    reply = Decision((), status).reply(arrival(), state)
    assert (reply.flow_id, reply.step_id) == (("offer_ann", step_id) if named else (None, None))


def test_a_reply_names_nothing_where_nothing_could_be_restored() -> None:
    state = MemberState("ann", CONSOLE, flow_data=FlowData("offer_ann", "offer", "handle", 1), raw={"version": b"1"})
    reply = Decision((), "recovered", ended=True).reply(arrival(), state)
    assert (reply.flow_id, reply.step_id) == (None, None)

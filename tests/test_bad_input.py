"""What a member may send at its worst, row by row: it is taken or refused, and never a fault.

The tables say what is sent and what becomes of it; below each stands what is asked of every row. What a body of a
channel may hold is asked in ``channels/test_any_body.py``, what the store may hold in ``test_damaged_state.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from redis import Redis

from fsmflow import AuditEntry, Channel, Flow, InvalidMemberId, Option, Reply, Sentences, Step, StepType
from fsmflow.answers import ANSWER_LIMIT
from fsmflow.memory import embedded_redis
from fsmflow.messages import options_of
from tests.sides import before_each_command
from tests.talking import (
    CONSOLE,
    SECRET,
    WHATSAPP,
    Offer,
    Talk,
    body_of,
    in_memory,
    records_of,
    wire_id_of,
    words,
)

pytestmark = pytest.mark.usefixtures("side")

SAY = Sentences()
TOO_LONG = SAY.too_long.format(limit=ANSWER_LIMIT)


class Note(Flow):
    """Takes any text, and says it back."""

    flow_type = "note"

    def looked_at(self, value: str) -> bool:
        assert 0 < len(value) <= ANSWER_LIMIT
        assert value == value.strip() == value.encode().decode()
        return True

    def heard(self) -> str:
        return f"You said: {self.data['noted']}"

    steps = (
        Step(id="noted", type=StepType.TEXT, message="What is it?", validator=looked_at),
        Step(id="more", type=StepType.TEXT, message=heard),
    )


class Pick(Flow):
    """The same choice twice, by buttons and by a list."""

    flow_type = "pick"
    options = (Option("send", "Send Money"), Option("cafe", "Café"), Option("street", "Straße"))
    steps = (
        Step(id="which", type=StepType.BUTTON, message="Which one?", options=options),
        Step(id="then", type=StepType.LIST, message="And then?", options=options),
    )

    def complete(self) -> str:
        return "Picked."


class Hushed(Flow):
    """Takes what nobody may read, fails at a part of it, and says none of it."""

    flow_type = "hushed"

    def checked(self, value: str) -> str:
        if value.startswith("x"):
            raise ValueError(value)
        if not value.isascii():
            raise LookupError(value)
        return value

    steps = (
        Step(id="pin", type=StepType.TEXT, message="PIN?", transformer=checked, sensitive=True),
        Step(id="more", type=StepType.TEXT, message="And?"),
    )


# -- texts -------------------------------------------------------------------------------------------------------------

# What is typed and kept as it is.
KEPT: dict[str, str] = {
    "the longest that is taken": "x" * ANSWER_LIMIT,
    "control characters": "a\x01\x07\x08\x1b[31mred\x7f\x9b",
    "NUL alone": "\x00",
    "NUL within": "a\x00b",
    "emoji": "👍",
    "emoji of several characters": "👩‍👩‍👧‍👦👍🏽🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "right to left": "שלום עולם ١٢٣",
    "bidi marks": "\u202eevil\u202c\u200f\u2066x\u2069",
    "nothing that can be seen": "\u200b\u2060\ufeff",
    "an accent as a character of its own": "Zoe\u0308",
    "accents without end": "Z" + "\u0334\u0321\u0301" * 1000,
    "no character at all": "\ufffe\uffff\U0010ffff",
    "fields of a format": "{noted} {0} %s %(noted)s {self.data}",
    "markup": "<b>*_~`</b>\\n",
    "JSON": '{"step_id": "completed"}',
    "a command of Redis": "*1\r\n$8\r\nFLUSHALL",
    "another flow's keyword": "pick",
}
# What is typed, and what is kept of it.
TIDIED: dict[str, tuple[str, str]] = {
    "white space around it": (" \n\t\u2003a  b\u00a0\u2028", "a  b"),
    "half a surrogate pair": ("a\ud83d", "a\ufffd"),
    "the halves in the wrong order": ("\ude00\ud83d", "\ufffd\ufffd"),
    "the halves of one character": ("\ud83d\ude00", "\U0001f600"),
}
# What is typed, and why it is no answer.
UNUSED: dict[str, tuple[str, str]] = {
    "empty": ("", SAY.empty),
    "blank": (" \t\n\r\v\f\x1c\x1f\x85\u00a0\u2003\u2028\u3000", SAY.empty),
    "one character too many": ("x" * (ANSWER_LIMIT + 1), TOO_LONG),
    "100,000 characters": ("x" * 100_000, TOO_LONG),
    "100,000 emoji": ("👍🏽" * 50_000, TOO_LONG),
    "100,000 accents": ("a" + "\u0301\u0316" * 50_000, TOO_LONG),
    "100,000 blanks": (" " * 100_000, TOO_LONG),
    "a number of 100,000 digits": ("9" * 100_000, TOO_LONG),
}
TAKEN = {**{name: (typed, typed) for name, typed in KEPT.items()}, **TIDIED}
ALL_TEXTS = {name: typed for name, (typed, _) in {**TAKEN, **UNUSED}.items()}


def rows(table: dict[str, Any]) -> Any:
    return [pytest.param(*row, id=name) for name, row in table.items()]


def texts(table: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("typed", table.values(), ids=table.keys())


def is_undisturbed(talk: Talk) -> bool:
    """True if nothing failed and nothing was recovered so far."""
    return not {event for event, _, _ in talk.events} & {"error", "recovery_attempt", "recovery_result"}


@pytest.mark.parametrize(("typed", "kept"), rows(TAKEN))
def test_a_text_is_kept_and_given_back_as_it_was_sent(any_redis: Redis, prefix: str, typed: str, kept: str) -> None:
    talk = Talk(any_redis, prefix, [Note, Pick])
    talk.says("note")
    inbound = talk.message(typed)
    asked = talk.sends(inbound)
    assert (words(asked), asked.status) == (f"You said: {kept}", "in_progress")
    again = talk.sends(inbound)
    assert (again.messages, again.duplicate) == (asked.messages, True)
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert flow.data == talk.data == {"noted": kept}
    assert talk.says("done").data == {"noted": kept, "more": "done"}
    assert is_undisturbed(talk)


@pytest.mark.parametrize(("typed", "kept"), rows(TAKEN))
def test_a_flow_without_a_store_keeps_the_same(typed: str, kept: str) -> None:
    flow = Note()
    assert body_of(flow.process_input(typed)) == f"You said: {kept}"
    assert flow.data == {"noted": kept}


@pytest.mark.parametrize(("typed", "reason"), rows(UNUSED))
def test_a_text_that_is_no_answer_is_refused_with_the_question(typed: str, reason: str) -> None:
    talk = in_memory([Note, Pick])
    talk.says("note")
    reply = talk.says(typed)
    assert (words(reply), reply.status, talk.data) == (f"{reason}\n\nWhat is it?", "refused", {})
    assert is_undisturbed(talk)
    assert talk.says("a note").step_id == "more"


@texts({**ALL_TEXTS, "a digit of no number": "²", "digits of another script": "१२"})
def test_whatever_is_typed_at_a_question_that_is_checked_is_judged(typed: str) -> None:
    talk = in_memory([Offer])
    talk.says("offer")
    reply = talk.says(typed)
    assert (reply.status, reply.step_id) in (("refused", "amount"), ("in_progress", "handle"))
    assert (talk.data == {}) is (reply.status == "refused")
    assert is_undisturbed(talk)


@texts(ALL_TEXTS)
def test_nothing_that_is_typed_where_nothing_is_open_is_taken_for_an_answer(typed: str) -> None:
    talk = in_memory([Note, Offer])
    reply = talk.says(typed)
    assert (words(reply), reply.status) == ("You can send: note, offer.", "idle")
    assert talk.state.flow_data is None
    talk = in_memory([Note], default=Note)
    assert words(talk.says(typed)) == "What is it?"
    assert (talk.data, is_undisturbed(talk)) == ({}, True)


@texts(ALL_TEXTS)
def test_whatever_is_typed_at_a_sensitive_question_is_in_no_log_and_no_trail(typed: str) -> None:
    talk = in_memory([Hushed])
    talk.says("hushed")
    with records_of() as records:
        reply = talk.says(typed + SECRET)
        assert reply.messages
        talk.says("more")
    stored = talk.fields
    run = stored.pop("flow_data") + stored.pop("previous")
    assert SECRET not in repr((records, stored, reply, talk.redis.xrange(f"{talk.key}:audit")))
    assert (SECRET.encode() in run) is (reply.status == "in_progress")


# -- choices -----------------------------------------------------------------------------------------------------------

# What is typed at the choice of Pick, and what it chooses where the channel shows numbers, and where it shows buttons.
TYPED: dict[str, tuple[str, str | None, str | None]] = {
    "the title": ("Send Money", "send", "send"),
    "the title in small letters": ("send money", "send", "send"),
    "the title in capitals": ("SEND MONEY", "send", "send"),
    "the title with other spaces": (" send \n\u00a0 MONEY\t", "send", "send"),
    "an accent in capitals": ("CAFÉ", "cafe", "cafe"),
    "an accent as a character of its own": ("Cafe\u0301", "cafe", "cafe"),
    "the same in capitals": ("CAFE\u0301", "cafe", "cafe"),
    "a sharp s in capitals": ("STRASSE", "street", "street"),
    "the first number": ("1", "send", None),
    "the last number": (" 3\n", "street", None),
    "a number that was not shown": ("4", None, None),
    "nought": ("0", None, None),
    "a negative number": ("-1", None, None),
    "a number with a sign": ("+1", None, None),
    "a number with a dot": ("1.", None, None),
    "two numbers": ("1 2", None, None),
    "a number in words": ("one", None, None),
    "a superscript": ("\u00b9", None, None),
    "an Arabic digit": ("\u0661", None, None),
    "a wide digit": ("\uff11", None, None),
    "a number of 5,000 digits": ("1" * 5000, None, None),
    "an option's id": ("send", None, None),
    "a part of a title": ("Send", None, None),
    "a title and more": ("Send Money!", None, None),
    "a title without its accent": ("Cafe", None, None),
    "a title turned round": ("\u202eSend Money", None, None),
    "a title with what cannot be seen": ("Send\u200b Money", None, None),
    "a title in quotes": ('"Send Money"', None, None),
    "a title of 100,000 blanks": ("Send" + " " * 100_000 + "Money", None, None),
}


def refuses(talk: Talk, reply: Reply, asked: Reply, reason: str) -> bool:
    """True if a message was refused, for this reason, and what was asked before is asked again as it was."""
    question = words(asked)
    return (
        (reply.status, reply.step_id, words(reply)) == ("refused", asked.step_id, f"{reason}\n\n{question}")
        and options_of(reply.messages[-1]) == options_of(asked.messages[-1])
        and asked.step_id not in talk.data
    )


@pytest.mark.parametrize("channel", [CONSOLE, WHATSAPP], ids=lambda channel: channel.type)
@pytest.mark.parametrize(("typed", "numbered", "tapped"), rows(TYPED))
def test_a_choice_is_typed_by_its_title_and_where_numbers_are_shown_by_its_number(
    channel: Channel, typed: str, numbered: str | None, tapped: str | None
) -> None:
    chosen = numbered if channel is CONSOLE else tapped
    talk = in_memory([Pick], channel=channel)
    talk.says("pick")
    for choice in ("which", "then"):
        asked = talk.last
        assert asked is not None
        reply = talk.says(typed)
        if chosen is None:
            assert refuses(talk, reply, asked, SAY.choose)
            talk.taps("Café", of=asked)
        assert talk.data[choice] == (chosen or "cafe")
    assert is_undisturbed(talk)


@texts(ALL_TEXTS)
def test_at_a_choice_any_other_text_is_refused_and_the_choices_are_shown_again(typed: str) -> None:
    talk = in_memory([Pick, Note], channel=WHATSAPP)
    buttons = talk.says("pick")
    assert refuses(talk, talk.says(typed), buttons, SAY.choose)
    menu = talk.taps("Café", of=buttons)
    assert refuses(talk, talk.says(typed), menu, SAY.choose)
    assert talk.taps("Café", of=menu).status == "completed"
    assert is_undisturbed(talk)


# -- taps --------------------------------------------------------------------------------------------------------------


@frozen
class Shown:
    """The ids that buttons "Café" carry: of the question at hand, and of others."""

    now: str
    earlier_question: str
    earlier_run: str
    others: str

    @property
    def nonce(self) -> str:
        """What all ids of the question at hand begin with."""
        return self.now.partition(".")[0]


# Ids that no button of the question at hand carries, and what is said to them.
TAPS: dict[str, tuple[Callable[[Shown], str], str]] = {
    "of an earlier question of this run": (lambda shown: shown.earlier_question, SAY.stale),
    "of an earlier run": (lambda shown: shown.earlier_run, SAY.stale),
    "of another member's question": (lambda shown: shown.others, SAY.stale),
    "of no question": (lambda _: "00000000.cafe", SAY.stale),
    "empty": (lambda _: "", SAY.stale),
    "an option's own id": (lambda _: "cafe", SAY.stale),
    "an option's title": (lambda _: "Café", SAY.stale),
    "the number of an option": (lambda _: "1", SAY.stale),
    "a step's id": (lambda _: "then", SAY.stale),
    "a terminal state": (lambda _: "completed", SAY.stale),
    "the right nonce alone": (lambda shown: shown.nonce, SAY.stale),
    "the right nonce in capitals": (lambda shown: shown.nonce.upper() + "!.cafe", SAY.stale),
    "the right id after a blank": (lambda shown: " " + shown.now, SAY.stale),
    "the right id after a newline": (lambda shown: "\n" + shown.now, SAY.stale),
    "dots": (lambda _: "....", SAY.stale),
    "braces": (lambda _: "{0}.{cafe}", SAY.stale),
    "newlines": (lambda _: "\n\r\n", SAY.stale),
    "NUL": (lambda _: "\x00", SAY.stale),
    "half a surrogate pair": (lambda _: "\ud83d", SAY.stale),
    "10,000 characters": (lambda _: "x" * 10_000, SAY.stale),
    "10,000 characters like an id": (lambda _: "0" * 8 + "." + "x" * 10_000, SAY.stale),
    "the right nonce and an unknown option": (lambda shown: shown.nonce + ".gone", SAY.choose),
    "the right nonce and no option": (lambda shown: shown.nonce + ".", SAY.choose),
    "the right nonce and in capitals": (lambda shown: shown.nonce + ".CAFE", SAY.choose),
    "the right nonce and a title": (lambda shown: shown.nonce + ".Café", SAY.choose),
    "the right id with a dot": (lambda shown: shown.now + ".", SAY.choose),
    "the right id twice": (lambda shown: f"{shown.now}.{shown.now}", SAY.choose),
    "the right nonce and braces": (lambda shown: shown.nonce + ".{cafe}", SAY.choose),
    "the right id with a newline": (lambda shown: shown.now + "\n", SAY.choose),
    "the right id with a blank": (lambda shown: shown.now + " ", SAY.choose),
    "the right id with NUL": (lambda shown: shown.now + "\x00", SAY.choose),
    "the right nonce and a step's id": (lambda shown: shown.nonce + ".then", SAY.choose),
    "the right nonce and a terminal state": (lambda shown: shown.nonce + ".completed", SAY.choose),
    "the right nonce and a global word": (lambda shown: shown.nonce + ".cancel", SAY.choose),
    "the right nonce and 10,000 characters": (lambda shown: shown.nonce + "." + "x" * 10_000, SAY.choose),
}


def shown_to(talk: Talk) -> tuple[Reply, Shown]:
    """Brings a member to a question, after others that had the same choices; what is shown now, and all the ids."""
    other = Talk(talk.redis, talk.manager.layout.prefix, [Pick, Note], channel=Channel("whatsapp", "15550002222"))
    asked = [other.says("pick", "Café"), talk.says("pick", "Café"), talk.says("cancel", "pick"), talk.says("Café")]
    others, earlier_run, earlier_question, now = (wire_id_of(reply, "Café") for reply in asked)
    return asked[-1], Shown(now, earlier_question, earlier_run, others)


def the_right_id(shown: Shown) -> str:
    return shown.now


def tap(talk: Talk, option_id: str) -> Reply:
    return talk.sends(talk.message("Café", option_id=option_id, kind="option"))


@pytest.mark.parametrize(("id_of", "reason"), rows(TAPS))
def test_a_tap_on_no_button_of_this_question_is_refused_with_its_choices(
    id_of: Callable[[Shown], str], reason: str
) -> None:
    talk = in_memory([Pick, Note], channel=WHATSAPP)
    asked, shown = shown_to(talk)
    assert refuses(talk, tap(talk, id_of(shown)), asked, reason)
    assert tap(talk, shown.now).status == "completed"


def test_no_button_answers_a_question_without_buttons() -> None:
    talk = in_memory([Pick, Note], channel=WHATSAPP)
    _, shown = shown_to(talk)
    asked = talk.says("cancel", "note")
    for id_of in (*(id_of for id_of, _ in TAPS.values()), the_right_id):
        assert refuses(talk, tap(talk, id_of(shown)), asked, SAY.stale)


def test_no_button_of_a_question_opens_anything_where_nothing_is_open() -> None:
    talk = in_memory([Pick, Note], channel=WHATSAPP)
    _, shown = shown_to(talk)
    talk.says("cancel")
    ended = talk.state.flow_data
    for id_of in (*(id_of for id_of, _ in TAPS.values()), the_right_id):
        assert tap(talk, id_of(shown)).status in ("refused", "idle")
        assert talk.state.flow_data == ended
    assert is_undisturbed(talk)


# -- what is neither text nor tap --------------------------------------------------------------------------------------

KINDS = (
    *("image", "audio", "video", "document", "sticker", "location", "contacts", "order", "nfm_reply"),
    *("unsupported", "ephemeral", "request_welcome", "", "{kind}", "TEXT", "x" * 10_000),
)
CAPTIONS = (None, "Café", "1", "cancel")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[:20] or "none")
def test_what_is_neither_text_nor_tap_answers_nothing_whatever_stands_below_it(kind: str) -> None:
    talk = in_memory([Note, Pick])
    assert talk.sends(talk.message("a caption", kind=kind)).status == "idle"
    for flow, reason in (("note", SAY.text_wanted), ("pick", SAY.choose)):
        asked = talk.says(flow)
        for caption in CAPTIONS:
            assert refuses(talk, talk.sends(talk.message(caption, kind=kind)), asked, reason)
        talk.says("cancel")
    assert is_undisturbed(talk)


# -- who it is ---------------------------------------------------------------------------------------------------------

# Ids that cannot be part of a key: given by the application, or made of the channel's address.
BAD_IDS: dict[str, str] = {
    "empty": "",
    "blank": " ",
    "two words": "a b",
    "braces": "{ann}",
    "one brace": "a}",
    "a newline at its end": "ann\n",
    "newlines": "a\r\nb",
    "NUL": "a\x00",
    "a control character": "a\x1bb",
    "a bidi mark": "\u202eann",
    "an isolate": "\u2066ann\u2069",
    "what cannot be seen": "a\u200bb",
    "half a surrogate pair": "\ud83d",
    "129 characters": "x" * 129,
    "10,000 characters": "x" * 10_000,
    "the name of another key": "ann:seen",
    "the name of the trail": "ann:audit",
    "the name of the index": "due",
}
# What an address stands in the id as: the others are taken by themselves, and long ones as a hash.
GOOD_ADDRESSES = {"129 characters", "10,000 characters", "the name of the index", "half a surrogate pair"}


@pytest.mark.parametrize("member_id", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_a_member_id_that_cannot_be_part_of_a_key_is_refused_before_there_is_a_key(member_id: str) -> None:
    talk = Talk(embedded_redis(), "own", [Note])
    sent: list[tuple[Any, ...]] = []
    before_each_command(talk.manager, sent.append)
    acts: list[Callable[[str], object]] = [
        talk.runner.flow_of,
        talk.manager.load,
        talk.manager.rollback,
        talk.manager.clear,
        talk.manager.open_effect,
        lambda bad: talk.manager.abandon(bad, "", reason="gone"),
        talk.manager.history,
        talk.manager.last_valid_state,
        talk.manager.quarantined,
        lambda bad: talk.manager.append(bad, [AuditEntry("flow_start", "success")]),
    ]
    if member_id:
        acts.append(lambda bad: talk.says("note", member_id=bad))
        acts.append(lambda bad: talk.runner.start("note", talk.message("x", member_id=bad)))
    else:  # the message itself refuses it
        with pytest.raises(ValueError, match="member_id must not be empty"):
            talk.message("note", member_id=member_id)
    for act in acts:
        with pytest.raises(InvalidMemberId):
            act(member_id)
    assert sent == []
    assert keys_of(talk) == []


@pytest.mark.parametrize(("name", "address"), BAD_IDS.items(), ids=BAD_IDS.keys())
def test_an_address_that_cannot_be_part_of_a_key_costs_nobody_else_an_answer(name: str, address: str) -> None:
    talk = Talk(embedded_redis(), "own", [Note])
    good = [talk.message("note", channel=Channel("console", each)) for each in ("ann", "bob")]
    bad = talk.message("note", channel=Channel("console", address))
    first, handled, last = talk.runner.handle_many([good[0], bad, good[1]])
    for reply in (first, last):
        assert isinstance(reply, Reply)
        assert words(reply) == "What is it?"
    assert isinstance(handled, Reply if name in GOOD_ADDRESSES else InvalidMemberId)
    assert len(keys_of(talk)) == (12 if name in GOOD_ADDRESSES else 8)
    assert all(len(key) < 200 for key in keys_of(talk))


def keys_of(talk: Talk) -> list[bytes]:
    """All keys of a conversation's store."""
    return list(talk.redis.scan_iter())

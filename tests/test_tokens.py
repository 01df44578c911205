"""A token is for the code of a flow, and for nobody and nothing else."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs
import pytest
from loguru import logger
from redis import Redis

from fsmflow import (
    AuthenticatorFailed,
    Channel,
    Flow,
    Inbound,
    Member,
    Option,
    Refused,
    Step,
    StepType,
    SubFlow,
)
from fsmflow.calls import Call
from fsmflow.diagrams import dot, mermaid
from tests.signing_in import TOKEN, AtTheDoor, Door, SignIn
from tests.talking import CONSOLE, records_of

pytestmark = pytest.mark.usefixtures("side")


class Careless(Flow):
    """Uses the token wherever it can, and fails with it in hand."""

    flow_type = "careless"
    requires_auth = True

    def asks(self) -> str:
        return "What?" if self.member is None or self.member.token in (None, TOKEN) else "Who?"

    def looks(self, value: str) -> bool:
        assert self.member is not None
        token = self.member.token
        if value == "fault":
            raise RuntimeError(token)
        if value == "limit":
            raise Refused("x" * 5000)
        return token == TOKEN

    def ends(self, value: str) -> bool:  # noqa: ARG002 - whatever it is
        return self.member is not None and self.member.token == TOKEN

    steps = (
        Step("what", StepType.TEXT, asks, validator=looks),
        Step("sure", StepType.BUTTON, "Sure?", options=(Option("y", "Yes"), Option("n", "No", to="cancelled"))),
        Step("last", StepType.TEXT, "Last?", validator=ends),
    )


class Around(Flow):
    """The same, within another."""

    flow_type = "around"
    steps = (SubFlow("inner", Careless),)


FLOWS = (SignIn, Careless, Around)


@pytest.fixture
def shown() -> Iterator[list[str]]:
    """All that loguru says, at every level, with the variables on the way where it shows a traceback."""
    kept: list[str] = []
    with records_of() as records:
        sink = logger.add(kept.append, level=0, backtrace=True, diagnose=True)
        try:
            yield kept
        finally:
            logger.remove(sink)
            kept.append(repr(records))


def dump(redis: Redis, prefix: str) -> str:
    """Every byte of every key."""
    found = []
    for key in redis.scan_iter(match=f"{prefix}*"):
        kind = redis.type(key)
        found.append(repr((key, redis.dump(key))))
        found.append(repr(redis.hgetall(key) if kind == b"hash" else ""))
        found.append(repr(redis.xrange(key) if kind == b"stream" else ""))
    return "".join(found)


@pytest.mark.parametrize("known", [{CONSOLE: "ann"}, {}])
@pytest.mark.parametrize("start", ["careless", "around"])
def test_a_token_is_in_nothing_that_is_stored_logged_said_or_shown(
    any_redis: Redis, prefix: str, shown: list[str], known: dict[Channel, str], start: str
) -> None:
    faults: list[str] = []
    talk = AtTheDoor(
        any_redis, prefix, FLOWS, door=Door(known), on_fault=lambda fault, _: faults.append(type(fault).__name__)
    )
    talk.says(start)
    talk.signs_in()
    talk.says("fault", "limit", "ok", "what", "back", "ok", "help", "yes", "ok")
    talk.door.sessions.clear()
    talk.says(start)
    talk.signs_in()
    talk.says("ok")
    talk.door.sessions.clear()
    talk.says("again", "cancel")
    assert "RuntimeError" in faults
    held = [reply for _, reply in talk.answered]
    seen = [repr(held), dump(any_redis, prefix), *shown, repr(talk.manager.history("ann"))]
    for member_id in ("ann", talk.member_id):
        state = talk.manager.load(member_id)
        seen += [repr(state), repr(state.to_dict()), repr(talk.runner.flow_of(member_id))]
        flow = talk.runner.flow_of(member_id)
        seen.append("" if flow is None else repr(vars(flow)))
    seen += [repr(talk.runner), repr(talk.runner.conversation), repr(vars(talk.runner))]
    seen += [dot(Careless), mermaid(Careless)]
    assert any("completed" in each for each in seen)
    assert [each[:200] for each in seen if TOKEN in each] == []


def test_what_a_turn_wants_done_shows_no_token(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, FLOWS)
    talk.door.lets_in()
    seen: list[str] = []
    for text in ("careless", "fault", "ok", "yes", "ok"):
        effects = talk.runner.conversation.turn(talk.message(text), talk.now)

        def watched(effects: Any = effects) -> Any:
            wish = next(effects)
            while True:
                seen.append(repr(wish))
                seen.append(repr([str(each.f_locals) for each in _frames(effects)]))
                try:
                    result = yield wish
                except Exception as fault:  # noqa: BLE001 - handed on
                    wish = effects.throw(fault)
                    continue
                try:
                    wish = effects.send(result)
                except StopIteration as stop:
                    seen.append(repr(stop.value))
                    return stop.value

        talk.manager.drive(watched())
    assert any("Commit(" in each for each in seen)
    assert any("Call(" in each for each in seen)
    assert [each for each in seen if TOKEN in each] == []


def _frames(generator: Any) -> Iterator[Any]:
    while generator is not None:
        yield generator.gi_frame
        generator = generator.gi_yieldfrom


def fails(channel: Channel, secret: str = TOKEN) -> Member:
    """An authenticator that fails with a token in its words."""
    raise RuntimeError(secret, channel)


@pytest.mark.parametrize(
    "authenticator",
    [
        fails,
        partial(fails, secret=TOKEN),
        lambda _: {"id": "ann", "token": TOKEN},
        lambda _: Member("ann", token=[TOKEN]),  # type: ignore[arg-type] # which is the point
        lambda _: Member("ann", "now", TOKEN),  # type: ignore[arg-type] # likewise
    ],
)
@pytest.mark.parametrize("watched", [True, False])
def test_what_an_authenticator_fails_with_is_told_to_on_fault_alone(
    any_redis: Redis, prefix: str, shown: list[str], authenticator: Any, watched: bool
) -> None:
    given: list[Exception] = []

    def on_fault(fault: Exception, _: Inbound) -> None:
        given.append(fault)

    talk = AtTheDoor(any_redis, prefix, FLOWS)
    talk.deploys(FLOWS, authenticator=authenticator, sign_in=SignIn, on_fault=on_fault if watched else None)
    with pytest.raises(AuthenticatorFailed) as failed:
        talk.says("careless")
    told = failed.value
    assert (told.__cause__, told.__context__) == (None, None)
    assert TOKEN not in repr(told) + str(told) + repr(attrs.asdict(told))
    way = traceback.TracebackException.from_exception(told, capture_locals=True)
    within = [frame for frame in way.stack if "fsmflow/" in frame.filename and "/tests/" not in frame.filename]
    assert within
    assert TOKEN not in "".join(repr(frame.locals) for frame in within)
    assert TOKEN not in "".join(way.format_exception_only())
    assert TOKEN not in repr(talk.runner) + repr(talk.runner.conversation)
    assert bool(given) is (watched and "raised" in str(told))
    assert not [each for each in shown if TOKEN in each]
    assert not list(any_redis.scan_iter(match=f"{prefix}*"))


def test_a_call_shows_what_is_called_and_not_what_that_holds() -> None:
    assert repr(Call(partial(fails, secret=TOKEN), (TOKEN,))) == "Call(function=partial)"
    assert repr(Call(fails)) == "Call(function=fails)"


def test_a_pin_is_in_the_trail_neither_while_it_waits_nor_after(any_redis: Redis, prefix: str) -> None:
    class Secret(Flow):
        flow_type = "secret"
        requires_auth = True
        steps = (
            Step("pin", StepType.TEXT, "Which?", sensitive=True),
            Step("more", StepType.TEXT, "More?"),
        )

    talk = AtTheDoor(any_redis, prefix, [SignIn, Secret], door=Door({CONSOLE: "ann"}))
    talk.door.lets_in()
    talk.says("secret", TOKEN)
    talk.door.sessions.clear()
    talk.says("x")
    talk.signs_in()
    talk.manager.rollback("ann")
    assert TOKEN not in repr(any_redis.xrange(talk.manager.layout.keys("ann").audit))
    assert TOKEN not in repr(talk.manager.last_valid_state("ann"))
    assert words_of(talk) == "More?"


def words_of(talk: AtTheDoor) -> str:
    """What is asked after one more sign-in."""
    return str(talk.signs_in().messages[-1].body).split("\n\n")[-1]  # type: ignore[union-attr] # it is a text

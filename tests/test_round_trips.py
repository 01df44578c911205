"""What a message costs: one HGETALL and one EVALSHA, counted by the server itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis

from fsmflow.identity import Member
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Inbound
from fsmflow.runner import FlowRunner
from fsmflow.store import SCRIPT
from tests.bank import ACCEPTS, PAYS, Bank, PayFirst, PayTwice
from tests.branched import Account, Order, Parcel, Register
from tests.commits import CHANNEL, MOMENT, runner_on, say
from tests.on_offer import Shelf, accepting, offers
from tests.redis_server import running_server
from tests.signing_in import FLOWS, PIN, Door

pytestmark = pytest.mark.real_redis

WITHIN_THE_SCRIPT = {name.lower() for name in re.findall(r"redis\.call\('(\w+)'", SCRIPT)}
TURN = {"hgetall": 1, "evalsha": 1}


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server of its own: nobody else's commands are counted."""
    with running_server() as server:
        yield server.url


@pytest.fixture
def runner(server_url: str) -> Iterator[FlowRunner]:
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
        runner = runner_on(FlowStateManager(client))
        say(runner, "warming up", "hello")  # the connection is made, and the script is known
        yield runner


def cost(server_url: str, runner: FlowRunner, *inbounds: Inbound) -> dict[str, int]:
    """The commands that the messages sent; what the script does within the server is no round trip."""
    with redis.Redis.from_url(server_url) as observer:
        observer.config_resetstat()
        for inbound in inbounds:
            runner.handle(inbound)
        stats = {name[len("cmdstat_") :]: found["calls"] for name, found in observer.info("commandstats").items()}
    observers = {"config", "config|resetstat", "info"}
    inner = WITHIN_THE_SCRIPT - {"hgetall", "zscore"}
    counted = {name: calls for name, calls in stats.items() if name not in observers | inner}
    looked = counted.pop("zscore", 0) - counted.get("evalsha", 0)  # the script looks for a known message, too
    return counted | ({"zscore": looked} if looked > 0 else {})


def test_an_answer_and_a_refusal_and_a_step_back_and_the_end_cost_two_round_trips_each(
    server_url: str, runner: FlowRunner
) -> None:
    texts = (
        "offer",
        "a lot",
        "12",
        "back",
        "help",
        "13",
        "joe",
        "what?",
        "restart",
        "1",
        "2",
        "yes",
        "again",
        "cancel",
    )
    for number, text in enumerate(texts):
        assert cost(server_url, runner, Inbound(CHANNEL, str(number), text)) == TURN, text


def test_a_cancellation_and_the_words_after_it_cost_two_round_trips_each(server_url: str, runner: FlowRunner) -> None:
    for number, text in enumerate(("offer", "cancel", "hello", "offer")):
        assert cost(server_url, runner, Inbound(CHANNEL, str(number), text)) == TURN, text


def test_a_late_message_and_a_stale_tap_cost_two_round_trips_each(server_url: str, runner: FlowRunner) -> None:
    runner.handle(Inbound(CHANNEL, "1", "offer", sent_at=MOMENT))
    late = Inbound(CHANNEL, "2", "12", sent_at=MOMENT - timedelta(minutes=1))
    assert cost(server_url, runner, late) == TURN
    assert cost(server_url, runner, Inbound(CHANNEL, "3", "Yes", "00000000.yes", "option")) == TURN


def test_a_plain_duplicate_costs_one_round_trip(server_url: str, runner: FlowRunner) -> None:
    for number, text in enumerate(("offer", "12", "joe")):
        say(runner, str(number), text)
    for number in range(3):
        assert cost(server_url, runner, Inbound(CHANNEL, str(number), "x")) == {"hgetall": 1}


def test_an_older_duplicate_costs_two_round_trips_and_brings_the_state_along(
    server_url: str, runner: FlowRunner
) -> None:
    for number, text in enumerate(("offer", "1", "back", "2", "back", "3")):
        say(runner, str(number), text)
    counted = cost(server_url, runner, Inbound(CHANNEL, "0", "offer"))
    assert counted == {"hgetall": 2, "evalsha": 1}  # the second one within the script


# -- with an authenticator ---------------------------------------------------------------------------------------------


def trips(runner: FlowRunner, *inbounds: Inbound) -> int:
    """How often the messages went to the server and back: what is written before anything is read is one."""
    kept: list[str] = []
    client = runner.manager.redis
    with pytest.MonkeyPatch.context() as patch:
        for connection in client.connection_pool._available_connections:  # type: ignore[union-attr] # no cluster here
            patch.setattr(connection, "send_packed_command", _noting(connection.send_packed_command, kept, "out"))
            patch.setattr(connection, "read_response", _noting(connection.read_response, kept, "in"))
        for inbound in inbounds:
            runner.handle(inbound)
    return sum(pair == ("in", "out") for pair in pairwise(["in", *kept]))


def _noting(method: Callable[..., Any], kept: list[str], what: str) -> Callable[..., Any]:
    def noted(*arguments: Any, **named: Any) -> Any:
        kept.append(what)
        return method(*arguments, **named)

    return noted


def at_the_door(runner: FlowRunner, door: Door) -> FlowRunner:
    return FlowRunner(runner.manager, FLOWS, clock=lambda: MOMENT, authenticator=door, sign_in="sign_in")


def test_who_has_one_id_costs_no_command_more_for_it(server_url: str, runner: FlowRunner) -> None:
    door = Door()
    door.sessions[CHANNEL] = Member(f"{CHANNEL.type}:{CHANNEL.identifier}")
    signed_in = at_the_door(runner, door)
    for number, text in enumerate(("transfer", "12", "joe", "confirm", "colour")):
        inbound = Inbound(CHANNEL, str(number), text)
        assert cost(server_url, signed_in, inbound) == TURN, text


def test_each_message_of_who_is_known_costs_two_round_trips_and_the_taking_over_three(
    server_url: str, runner: FlowRunner
) -> None:
    door = Door()
    signed_in = at_the_door(runner, door)
    counted = []
    for number, text in enumerate(("transfer", "0", PIN, "12", "what?", "joe", "confirm", "colour", "red")):
        counted.append(trips(signed_in, Inbound(CHANNEL, str(number), text)))
        if text == PIN:
            door.lets_in(CHANNEL)
    assert counted == [2, 2, 2, 3, 2, 2, 2, 2, 2]
    asked = cost(server_url, signed_in, Inbound(CHANNEL, "next", "colour"))
    assert asked == {"hgetall": 2, "zscore": 1, "evalsha": 1}


def test_a_duplicate_of_who_is_known_costs_one_round_trip_whoever_it_was_decided_for(runner: FlowRunner) -> None:
    door = Door()
    signed_in = at_the_door(runner, door)
    before, after = Inbound(CHANNEL, "1", "colour"), Inbound(CHANNEL, "2", "colour")
    signed_in.handle(before)
    door.lets_in(CHANNEL)
    signed_in.handle(after)
    assert [trips(signed_in, before), trips(signed_in, after)] == [1, 1]


@pytest.mark.parametrize(
    ("texts", "last"),
    [
        (("parcel", "5", "2 kg", "skip", "back", "back", "back", "20", "because", "Later", "Yes"), "completed"),
        (("parcel", "20", "because", "Never"), "failed"),
        (
            ("account", "Ann", "9999", "1234", "Yes", "back", "No", "skip", "back", "back", "back", "restart"),
            "in_progress",
        ),
        (("account", "Ann", "9999", "1", "12", "123"), "handover"),
        (("order", "5", "x", "Main", "skip", "register", "menu", "register", "3", "Yes"), "completed"),
        (("order", "5", "Main", "Rome", "register", "1", "Joe", "Of course"), "completed"),
        (
            ("order", "5", "Main", "Rome", "register", "2", "Joe", "Of course", "help", "back", "Rome", "Yes"),
            "completed",
        ),
        (("order", "5", "Main", "Rome", "register", "2", "Joe", "cancel", "cancel"), "cancelled"),
    ],
)
def test_branches_and_flows_within_and_in_between_cost_no_more(
    server_url: str, texts: tuple[str, ...], last: str
) -> None:
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
        runner = FlowRunner(FlowStateManager(client), [Parcel, Account, Order, Register])
        runner.handle(Inbound(CHANNEL, "warming up", "hello"))
        for number, text in enumerate(texts):
            assert cost(server_url, runner, Inbound(CHANNEL, str(number), text)) == TURN, text
        again = runner.handle(Inbound(CHANNEL, str(len(texts) - 1), texts[-1]))
    assert (again.duplicate, again.status) == (True, last)


def test_two_hundred_options_in_pages_cost_two_round_trips_a_message(server_url: str) -> None:
    shelf = Shelf(offers(200))
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
        runner = FlowRunner(FlowStateManager(client), [accepting(shelf, when_empty="sure", empty_message="None left.")])
        say(runner, "warming up", "hello")
        texts = ("accept", "more", "more", "Back", "nonsense", "help", "Offer 187", "back", "more", "restart", "more")
        for number, text in enumerate(texts):
            assert cost(server_url, runner, Inbound(CHANNEL, str(number), text)) == TURN, text
        assert cost(server_url, runner, Inbound(CHANNEL, "gone", "Offer 1", "00000000+1", "option")) == TURN
        shelf.on_offer = []
        assert cost(server_url, runner, Inbound(CHANNEL, "none", "Offer 1")) == TURN


def test_a_message_that_runs_an_effect_costs_one_commit_more_and_one_that_runs_none_costs_what_it_did(
    server_url: str,
) -> None:
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
        bank = Bank(PAYS, ACCEPTS)
        runner = FlowRunner(FlowStateManager(client), [PayTwice, PayFirst], services=bank, clock=lambda: MOMENT)
        say(runner, "warming up", "hello")
        # the script gives the hash back after each commit that makes something of an effect: no load is needed
        effect, two = {"evalsha": 2, "hgetall": 1 + 2}, {"evalsha": 3, "hgetall": 1 + 3}
        spent = [cost(server_url, runner, Inbound(CHANNEL, text, text)) for text in ("payfirst", "note", "paytwice")]
        assert spent == [effect, TURN, TURN]
        bank.script[:] = [PAYS, ACCEPTS]
        assert cost(server_url, runner, Inbound(CHANNEL, "5", "5")) == two
        assert cost(server_url, runner, Inbound(CHANNEL, "6", "and?")) == TURN, "while one is open, as any message"

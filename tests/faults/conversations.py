"""The members of a fault run and the crew that answers them: what they say, who goes on, and how it ends.

What is done to the workers stands in the tests. How a conversation should end is found by having it without a fault:
nothing of it is written down.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import redis
from attrs import evolve, frozen

from examples.services.bookkeeping import NOT_COVERED, Behaviour
from examples.services.offers import Receipt
from fsmflow import Channel, Done, EffectRefused, FlowStateManager, Inbound, Reply
from fsmflow.calls import drive
from fsmflow.messages import options_of
from fsmflow.pending import Pending
from fsmflow.testing.ageing import ageing
from tests.crew import DONE
from tests.faults.crew import Worker
from tests.faults.outside import Outside
from tests.faults.stages import Stage
from tests.faults.workers import TOLD, World
from tests.sides import SIDES
from tests.talking import wire_id_of, words

REDELIVERY, TAKE_UP, BOTH = "redelivery", "take-up", "both at once"
WAYS = (REDELIVERY, TAKE_UP, BOTH)
"""Who goes on from what a worker has left: whom its message is given to again, who looks for what is due, or both."""

ROUNDS = 8  # how often somebody goes on before a test gives up: a channel and a worker do so for as long as it takes

IN_DOUBT = frozenset({"effect_unknown", "effect_accepted", "effect_resolved", "error"})
"""What a trail says besides, where it was not known for a while what came of an effect, or a service told it later."""


@frozen
class Ending:
    """How a conversation ended: with names in place of what differs from one member to the next.

    Args:
        told: What the member was told after each message, in the end.
        stands: Where they stand, and with which answers.
        done: What was done for them, outside.
        trail: What is recorded of it.
    """

    told: tuple[str, ...]
    stands: str
    done: tuple[str, ...]
    trail: tuple[str, ...]


class Crew:
    """The workers of one test, on one side, and on the other where there are several.

    Args:
        side: The side.
        world: What they work with.
        outside: What outlives them.
        client: A client of the Redis.
    """

    def __init__(self, side: str, world: World, outside: Outside, client: redis.Redis) -> None:
        self.side = side
        [self.other_side] = (each for each in SIDES if each != side)
        self.world = world
        self.outside = outside
        self.ledger = outside.ledger
        self.client = client
        self.manager = FlowStateManager(client, prefix=world.prefix)
        self._workers: list[Worker] = []
        self._names = count(1)
        self.heir = self.worker()
        self.other = self.worker(self.other_side)

    def worker(self, side: str = "", **world: Any) -> Worker:
        """One more worker; on another side, or in another world."""
        self._workers.append(Worker(side or self.side, evolve(self.world, **world)))
        return self._workers[-1]

    def member(self, stage: Stage) -> Member:
        """Somebody who has said nothing yet."""
        return Member(self, stage, f"{stage.name}-{self.world.prefix[-6:]}-{next(self._names)}")

    def ending_of(self, stage: Stage, *behaviours: Behaviour) -> Ending:
        """How a conversation ends where no worker fails.

        Args:
            stage: Which.
            behaviours: What the ledger does at its payment.
        """
        member = self.member(stage)
        member.talks(0, stage.paying)
        message = member.says(stage.paying)
        self.ledger.will(*behaviours)
        member.goes_on(message, REDELIVERY)
        member.talks(stage.paying + 1)
        return member.ending()

    def ends(self) -> None:
        """Ends all of them."""
        for worker in self._workers:
            worker.ends()


class Member:
    """A member, and what they were told.

    Args:
        crew: Who answers them.
        stage: What they are at.
        name: Who they are.
    """

    def __init__(self, crew: Crew, stage: Stage, name: str) -> None:
        self.crew = crew
        self.stage = stage
        self.channel = Channel("console", name)
        self.id = f"console:{name}"
        self.told: list[Reply] = []
        self.key = crew.manager.layout.keys(self.id).state
        self.messages = count(1)
        self._before = (0, 0, 0)

    # -- what they say -------------------------------------------------------------------------------------------------

    def says(self, place: int) -> Inbound:
        """The message at a place of the conversation, not sent yet."""
        said = self.stage.conversation[place]
        if isinstance(said, str):
            return self.message(said)
        return self.message(said.title, option_id=wire_id_of(self.told[-1], said.title), kind="option")

    def message(self, text: str, **named: Any) -> Inbound:
        """A message that was never sent."""
        return Inbound(self.channel, f"m{next(self.messages)}", text, **named)

    def talks(self, first: int = 0, last: int | None = None) -> list[Inbound]:
        """Says all that stands between two places, to the heir; those messages."""
        said = []
        for place in range(len(self.stage.conversation))[first:last]:
            said.append(self.says(place))
            self.is_told(self.crew.heir.does("handle", said[-1]))
        return said

    def is_told(self, reply: Any) -> None:
        """Takes note of what they are told."""
        assert isinstance(reply, Reply), reply
        self.told.append(reply)

    # -- what becomes of them ------------------------------------------------------------------------------------------

    def open_effect(self) -> Pending | None:
        """The effect that is open at them."""
        raw: Any = self.crew.client.hget(self.key, "pending")
        return Pending.of(raw)

    def lapses(self) -> None:
        """Lets the time of whoever has the effect run out, and no more time than that."""
        pending = self.open_effect()
        if pending is None or pending.until is None:
            return
        seconds, micros = self.crew.client.time()
        execute: Any = self.crew.client.execute_command  # redis-py leaves it untyped
        left = pending.until - (int(seconds) * 1000 + int(micros) // 1000)
        drive(ageing(self.crew.world.prefix, max(0, left) + 1), lambda command: execute(*command))

    def goes_on(self, message: Inbound, way: str) -> None:
        """Has others go on from what was left of a message, until it is answered."""
        crew = self.crew
        for _ in range(ROUNDS):
            self.lapses()
            at_it = [crew.heir] * (way != TAKE_UP) + [crew.other] * (way != REDELIVERY)
            for worker in at_it:
                worker.begins(*(("handle", message) if worker is crew.heir else ("due",)))
            heard = [worker.hears() for worker in at_it]
            assert all(kind == TOLD for kind, _ in heard), heard
            crew.ledger.releases()
            self.hears_the_service()
            if self.open_effect() is None:
                reply = crew.heir.does("handle", message)  # which the channel delivers until it is answered
                if self.open_effect() is None:
                    self.is_told(reply)
                    return
        raise AssertionError(f"nobody came to an end of it: {self.open_effect()}")

    def hears_the_service(self) -> None:
        """Has the service say what came of what it accepted, and say it twice."""
        pending = self.open_effect()
        if pending is None or pending.effect_id not in self._told_of():
            return
        made = [each for each in self.crew.ledger.made if each["key"] == pending.effect_id]
        came = Done(Receipt(made[0]["reference"])) if made else EffectRefused(NOT_COVERED)
        for worker in (self.crew.heir, self.crew.other):
            worker.does("resolve", self.id, pending.effect_id, came)

    def _told_of(self) -> set[str]:
        """The keys of which the service tells what came of them: all that it accepted once."""
        return {each["key"] for each in self.crew.ledger.http.post("/callbacks").json()}

    def starts_over(self) -> None:
        """Has all that happened before be no part of the ending."""
        self._before = (len(self.told), len(self.done), len(self.crew.manager.history(self.id)))

    @property
    def done(self) -> list[dict[str, Any]]:
        """What was done for them, in order."""
        return self.crew.outside.done_for(self.id)

    def naming(self) -> Callable[[str], str]:
        """What puts names into a text in place of what differs from one member to the next."""
        names = {self.channel.identifier: "<member>"}
        for number, each in enumerate(self.done[self._before[1] :]):
            names |= {each["reference"]: f"<reference {number}>", each["key"]: f"<key {number}>"}

        def named(text: str) -> str:
            for found, name in names.items():
                text = text.replace(found, name)
            return text

        return named

    def ending(self) -> Ending:
        """How it ended, seen to be whole: nothing is open, and nothing is kept for ever."""
        client = self.crew.client
        keys = self.crew.manager.layout.keys(self.id)
        assert self.open_effect() is None
        assert all(int(client.pttl(key)) > 0 for key in (keys.state, keys.seen, keys.audit)), "kept for ever"
        done, named = self.done, self.naming()
        assert len({each["key"] for each in done}) == len(done), "paid twice"
        told, paid, entries = self._before
        DONE["payments"] += len(done[paid:])
        run = self.crew.manager.load(self.id).to_dict()["flow_data"]
        trail = [entry for entry in self.crew.manager.history(self.id)[entries:] if not _is_of_doubt(entry)]
        return Ending(
            tuple(named(words_of(reply)) for reply in self.told[told:]),
            named(json.dumps({**run, "run_id": "", "visit": 0}, default=str, sort_keys=True)),
            tuple(named(json.dumps(each)) for each in done[paid:]),
            tuple(f"{each.event_type} {each.status} {each.step_id} {each.to_state}" for each in trail),
        )

    def is_kept_for_ever(self) -> bool:
        """True if nothing of them expires."""
        keys = self.crew.manager.layout.keys(self.id)
        return all(self.crew.client.pttl(key) == -1 for key in (keys.state, keys.seen, keys.audit))

    def is_gone(self) -> None:
        """Has all that is stored of them forgotten."""
        keys = self.crew.manager.layout.keys(self.id)
        self.crew.client.delete(keys.state, keys.seen, keys.audit)
        self.crew.client.zrem(keys.due, self.id)


def words_of(reply: Reply) -> str:
    """All that a reply says, its buttons too."""
    offered = [option.title for message in reply.messages for option in options_of(message)]
    return "\n".join([words(reply), *offered])


def _is_of_doubt(entry: Any) -> bool:
    is_waiting = entry.event_type == "validation" and entry.reason == "an effect is open"
    return is_waiting or entry.event_type in IN_DOUBT


@contextmanager
def crew_on(side: str, world: World, outside: Outside, client: redis.Redis) -> Iterator[Crew]:
    """A crew whose workers are ended afterwards, whatever happened."""
    crew = Crew(side, world, outside, client)
    try:
        yield crew
    finally:
        crew.ends()

"""What clients were told of their messages, held against what the trail knows of them.

Here belongs the judging of one message and all its replies. What the trail says by itself belongs to `trail_walk`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from fsmflow import audit
from fsmflow.messages import Inbound, Reply
from fsmflow.state import TERMINAL_STATES
from fsmflow.step import StepType
from fsmflow.wording import Words
from tests.evidence import Evidence, Record
from tests.kept_runs import Place
from tests.trail_walk import Walk

Answered = tuple[Inbound, Reply]
"""A message and what a client was told of it; one that was delivered again stands there as often as it was told."""


class Told:
    """What clients were told, held against what the trail knows of it.

    Args:
        evidence: What is stored.
        walk: The walk over its trail.
        words: The runner's global words.
    """

    def __init__(self, evidence: Evidence, walk: Walk, words: Words) -> None:
        self.evidence = evidence
        self.walk = walk
        self.words = words
        self.records = {(e.channel.type, e.message_id): r for r in evidence.records for e in r.entries if e.channel}

    def complaints(self, key: str, answered: Sequence[Answered]) -> Iterator[str]:
        """What is wrong with the replies to one message, by the hash that it is known by."""
        inbound = answered[0][0]
        record = self.records.get((inbound.channel.type, inbound.message_id))
        replies = [reply for _, reply in answered]
        found: list[str] = []
        if key not in self.evidence.seen:
            found.append("it was acknowledged and is not known: delivered again, it would be decided again")
        if sum(not reply.duplicate for reply in replies) > 1:
            found.append("it was acknowledged as a new message more than once")
        if record is None:
            if not self.evidence.begins_midway and any(self._leaves_an_entry(inbound, reply) for reply in replies):
                found.append("it was acknowledged and nothing in the trail came of it")
        else:
            found += self._against_the_trail(inbound, replies, record)
        found += self._said_again(replies)
        yield from (f"message {inbound.message_id}: {what}" for what in found)

    def _leaves_an_entry(self, inbound: Inbound, reply: Reply) -> bool:
        if reply.status in ("idle", "ignored", "duplicate"):
            return False
        if reply.status == "refused":
            return reply.step_id is not None and reply.step_id not in TERMINAL_STATES  # else nothing was open
        asks_for_help = "help" in (self.words.meaning(inbound.text or ""), self.words.meaning(inbound.option_id or ""))
        return not (reply.status == "in_progress" and asks_for_help)

    def _against_the_trail(self, inbound: Inbound, replies: Sequence[Reply], record: Record) -> Iterator[str]:
        place = self.walk.after.get(record.version)
        if place is None:
            return
        for reply in replies:
            if reply.status != "duplicate" and reply.step_id != place.state:
                yield f"the reply says {reply.step_id}, and the trail {place.state}"
            if reply.status != "duplicate" and place.state is not None and reply.run_id != place.run_id:
                yield "the reply tells of another run than the trail"
        yield from self._kept_as_said(inbound, record, place)

    def _kept_as_said(self, inbound: Inbound, record: Record, place: Place) -> Iterator[str]:
        """An answer that no transformer has changed is kept as it was typed."""
        flow, snapshot = self.walk.flows.get(place.flow_type or ""), record.snapshot
        if flow is None or snapshot is None:
            return
        for entry in record.entries:
            if entry.event_type != audit.VALIDATION or entry.status != "accepted":
                continue
            step = next(step for step in flow.steps if step.id == entry.step_id)
            plain = step.type is StepType.TEXT and step.transformer is None and not step.sensitive
            if plain and snapshot.data.get(step.id) != (inbound.text or "").strip():
                yield f"what is kept as the answer to {step.id} is not what it said"

    def _said_again(self, replies: Sequence[Reply]) -> Iterator[str]:
        """A reply is given again as it was; but what may quote a sensitive answer is not kept."""
        said = [reply for reply in replies if reply.messages]
        sensitive = {step_id for flow in self.walk.flows.values() for step_id in flow.definition.sensitive}
        for first, other in pairwise(said):
            quotes = first.status == "refused" and first.step_id in sensitive
            if first.messages != other.messages and not quotes:
                yield "it was answered with other messages when it was delivered again"

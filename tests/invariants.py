"""What must be true of a member's store whatever happened to it, and of what clients were told meanwhile.

`assert_holds` (for many members `assert_all_hold`) is for the end of any test: of races, of cuts, of random
conversations. It reads what is stored and complains unless

- each message that a client has a reply to was decided exactly once, and is known, should it come again;
- versions rise, and no more was committed than messages are known;
- each thing that happened is legal after the one before, by the flow's own machine (see `trail_walk`);
- an answer was accepted only while its question was asked, and what is kept of it is what the message said;
- what is stored is what the last transition left, with the answers that were accepted and no others;
- a reply says what its message did, and a message that was delivered again got the same messages, or none;
- no run completed twice.

Most messages leave an entry in the trail. Those that ask for nothing (help), that start nothing or that nobody answers
leave none: of them is known that they were decided, by the sorted set, and that they moved nothing, because what moves
leaves an entry; not in which order.

What is trusted: that the flows given here are those that decided. A trail that was shortened, or that an older release
of a flow has written, can be judged only from where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from fsmflow import audit
from fsmflow.codec import message_key
from fsmflow.manager import FlowStateManager
from fsmflow.registry import Flows, Registry, sample_flow
from fsmflow.state import FlowData
from fsmflow.wording import Words
from tests.evidence import Evidence, Record, evidence_of, evidence_of_all
from tests.told import Answered, Told
from tests.trail_walk import Walk


def assert_holds(
    manager: FlowStateManager,
    member_id: str,
    answered: Iterable[Answered],
    flows: Flows,
    *,
    words: Words | None = None,
) -> None:
    """Reads what is stored of a member, and fails with all that is wrong with it.

    Args:
        manager: A manager of the store, whichever side wrote it.
        member_id: Whose conversation.
        answered: What clients were told; messages of other members are passed over.
        flows: The flows that decided.
        words: The runner's global words.

    Raises:
        AssertionError: A rule is broken. Its text is one sentence for each time that it is.
    """
    of_this_member = [each for each in answered if each[1].member_id == member_id]
    found = complaints(evidence_of(manager, member_id), of_this_member, flows, words=words)
    assert not found, "\n".join([f"{member_id}:", *found])


def assert_all_hold(
    manager: FlowStateManager, answered: Iterable[Answered], flows: Flows, *, words: Words | None = None
) -> None:
    """As `assert_holds`, for every member of whom a client was told anything.

    Args:
        manager: A synchronous manager of the store, whichever side wrote it.
        answered: What clients were told.
        flows: The flows that decided.
        words: The runner's global words.

    Raises:
        AssertionError: A rule is broken. Its text is one sentence for each time that it is.
    """
    by_member: dict[str, list[Answered]] = {}
    for each in answered:
        by_member.setdefault(each[1].member_id, []).append(each)
    found: list[str] = []
    for evidence in evidence_of_all(manager, list(by_member)):
        told = by_member[evidence.member_id]
        found += (f"{evidence.member_id}: {what}" for what in complaints(evidence, told, flows, words=words))
    assert not found, "\n".join(found)


def complaints(
    evidence: Evidence, answered: Iterable[Answered], flows: Flows, *, words: Words | None = None
) -> list[str]:
    """What is wrong with what is stored of a member, and with what clients were told.

    Args:
        evidence: What is stored.
        answered: What clients were told, in the order in which they were told it.
        flows: The flows that decided.
        words: The runner's global words.

    Returns:
        A sentence for each time that a rule is broken; none if all hold.
    """
    registry = Registry.of(flows, asynchronous=True)
    samples = {name: sample_flow(each.flow, name) for name, each in registry.registrations.items()}
    walk = Walk(samples, known=not evidence.begins_midway)
    for record in evidence.records:
        walk.take(record)
    by_message: dict[str, list[Answered]] = {}
    for each in answered:
        by_message.setdefault(message_key(each[0]), []).append(each)
    told = Told(evidence, walk, words or Words())
    return [
        *walk.complaints,
        *_versions(evidence),
        *_decided_once(evidence.records),
        *_stored(evidence, walk),
        *(what for key, replies in by_message.items() for what in told.complaints(key, replies)),
    ]


def _versions(evidence: Evidence) -> Iterator[str]:
    """Versions rise by one with each commit, whether or not it leaves a record."""
    records, state = evidence.records, evidence.state
    for before, after in pairwise(records):
        if after.version <= before.version:
            yield f"version {after.version} comes after version {before.version}"
    if not records:
        return
    cleared = audit.CLEAR in records[-1].events and not state.raw
    if state.version < records[-1].version and not cleared:
        yield f"version {state.version} is stored, and the trail knows version {records[-1].version}"
    # the count begins anew where the hash does, and is not known where it could not be read
    counted = not any(record.events & {audit.CLEAR, audit.RECOVERY_ATTEMPT} for record in records)
    # what is due is done without a message
    done = [record for record in records if record.events & {audit.REMINDER, audit.EXPIRE}]
    unasked = sum(all(entry.message_id is None for entry in record.entries) for record in done)
    commits = state.version - records[0].version + 1 - unasked
    if counted and commits > len(evidence.seen):
        yield f"{commits} commits were made, and only {len(evidence.seen)} messages are known"


def _decided_once(records: Sequence[Record]) -> Iterator[str]:
    """One message makes one record, whoever was told of it."""
    decided: dict[tuple[str, str], int] = {}
    for record in records:
        named = {(each.channel.type, each.message_id) for each in record.entries if each.channel and each.message_id}
        if len(named) > 1:
            yield f"version {record.version}: one commit decides {len(named)} messages"
        for channel_type, message_id in named:
            first = decided.setdefault((channel_type, message_id), record.version)
            if first != record.version:
                yield f"message {message_id}: it was decided at version {first} and again at version {record.version}"


def _stored(evidence: Evidence, walk: Walk) -> Iterator[str]:
    """What is stored is what the last transition left: nothing is lost, and nothing came by another way."""
    for found in evidence.state.unreadable:
        yield f"stored: {found.name} cannot be read ({found.why})"
    if evidence.state.unreadable or not walk.known:
        return
    stored, place, kept = evidence.state.flow_data, walk.place, walk.kept.run
    if stored is None or kept is None:
        if stored is not None:
            yield f"stored: a run at {stored.step_id}, of which the trail knows nothing"
        elif place.state is not None:
            yield f"stored: no run, and the trail knows one at {place.state}"
        return
    if (stored.run_id, stored.step_id) != (place.run_id, place.state):
        yield f"stored: a run at {stored.step_id}, and the last transition left {place.state}"
    if (stored.path, stored.visit, stored.flow_type) != (kept.path, kept.visit, kept.flow_type):
        yield "stored: the run went another way than the trail knows"
    yield from _stored_answers(stored, kept, walk)


def _stored_answers(stored: FlowData, kept: FlowData, walk: Walk) -> Iterator[str]:
    sensitive = frozenset() if walk.definition is None else walk.definition.sensitive
    for step_id in sorted(stored.data.keys() | kept.data.keys()):
        if step_id in sensitive or (step_id not in kept.data and not walk.kept.is_whole):
            if walk.accepted is not None and step_id not in walk.accepted:
                yield f"stored: an answer to {step_id}, of which none was accepted"
        elif step_id not in kept.data or step_id not in stored.data or stored.data[step_id] != kept.data[step_id]:
            yield f"stored: the answer to {step_id} is not the one that was accepted"

"""Forged histories: a true one with one thing changed, as if a defect had done it, and the complaint that must come.

Here belong the true history and the forgeries of it, one at least for every rule of `invariants`. What is stored is
forged as it is read, so that nothing of the store has to be talked into writing it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from attrs import evolve

from fsmflow import Flow, FlowData, Option, Step, StepType, Text, audit
from fsmflow.audit import AuditEntry
from fsmflow.codec import message_key
from fsmflow.state import UnreadableField
from tests.evidence import Evidence, Record
from tests.talking import SECRET, Offer
from tests.told import Answered


class Account(Flow):
    """A step of each kind that matters: kept as typed, kept secret, a choice with a way of its own."""

    flow_type = "account"
    steps = (
        Step(id="name", type=StepType.TEXT, message="Your name?", reminder=timedelta(minutes=1)),
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True, validator=lambda value: len(value) > 3),
        Step(
            id="kind",
            type=StepType.BUTTON,
            message="Which kind?",
            options=(
                Option("basic", "Basic"),
                Option("none", "None", to="cancelled"),
                Option("late", "Too late", to="expired"),
                Option("broken", "Broken", to="failed"),
            ),
        ),
    )


FLOWS = (Account, Offer)

History = tuple[Evidence, list[Answered]]
Forgery = Callable[[History], History]
# Message by message; each is a commit, and all but the fourth and the ninth leave a record.
TEXTS = ("account", "ann", "1234", "help", "back", "4321", "?", "basic", "hello", "account", "bob", SECRET)
START, NAMED, PIN, RETURNED, PIN_AGAIN, REFUSED, DONE, NEXT_START, NEXT_NAMED, NEXT_PIN = range(10)


def record(place: int, **changes: Any) -> Forgery:
    """Changes one record."""

    def forge(given: History) -> History:
        records = list(given[0].records)
        records[place] = evolve(records[place], **changes)
        return evolve(given[0], records=tuple(records)), given[1]

    return forge


def entry(place: int, changed: str, **changes: Any) -> Forgery:
    """Changes one entry of a record."""

    def forge(given: History) -> History:
        found = given[0].records[place]
        entries = tuple(evolve(each, **changes) if each.event_type == changed else each for each in found.entries)
        assert entries != found.entries
        return record(place, entries=entries)(given)

    return forge


def entries(place: int, choose: Callable[[Record], tuple[AuditEntry, ...]]) -> Forgery:
    """Puts other entries into a record."""
    return lambda given: record(place, entries=choose(given[0].records[place]))(given)


def snapshot(place: int, change: Callable[[FlowData], FlowData]) -> Forgery:
    """Changes what a record keeps of the run."""

    def forge(given: History) -> History:
        kept = given[0].records[place].snapshot
        assert kept is not None
        return record(place, snapshot=change(kept))(given)

    return forge


def answers(**changes: Any) -> Callable[[FlowData], FlowData]:
    """Other answers: a new value for each, or None to drop it."""

    def change(run: FlowData) -> FlowData:
        data = {step_id: answer for step_id, answer in {**run.data, **changes}.items() if answer is not None}
        return evolve(run, data=data)

    return change


def records(choose: Callable[[tuple[Record, ...]], tuple[Record, ...]]) -> Forgery:
    """Other records."""
    return lambda given: (evolve(given[0], records=choose(given[0].records)), given[1])


def stored(**changes: Any) -> Forgery:
    """Changes the stored state."""
    return lambda given: (evolve(given[0], state=evolve(given[0].state, **changes)), given[1])


def stored_run(change: Callable[[FlowData], FlowData]) -> Forgery:
    """Changes the stored run."""

    def forge(given: History) -> History:
        found = given[0].state.flow_data
        assert found is not None
        return stored(flow_data=change(found))(given)

    return forge


def told(number: int, **changes: Any) -> Forgery:
    """Tells a client of one message something else besides."""

    def forge(given: History) -> History:
        inbound, reply = given[1][number]
        return given[0], [*given[1], (inbound, evolve(reply, **{"duplicate": True, **changes}))]

    return forge


def acknowledged(text: str, **changes: Any) -> Forgery:
    """Tells a client of a message that was never decided."""

    def forge(given: History) -> History:
        inbound, reply = given[1][-1]
        return given[0], [*given[1], (evolve(inbound, message_id="lost", text=text), evolve(reply, **changes))]

    return forge


def known(forgery: Forgery) -> Forgery:
    """The same, with the message that was never decided among those that are known."""

    def forge(given: History) -> History:
        evidence, answered = forgery(given)
        return evolve(evidence, seen=evidence.seen | {message_key(answered[-1][0])}), answered

    return forge


def after_all(*more: AuditEntry, **named: Any) -> Forgery:
    """One more commit at the end, by a message of its own."""

    def forge(given: History) -> History:
        last = given[0].records[-1]
        ours = [evolve(last.entries[0], message_id="forged", from_state=None, to_state=None)]
        made = tuple(
            evolve(ours[0], **{name: value for name, value in _own(each).items() if value is not None}) for each in more
        )
        version = given[0].state.version + 1
        added = Record(version, made, **named)
        evidence = evolve(given[0], records=(*given[0].records, added), seen=given[0].seen | {"forged"})
        return evolve(evidence, state=evolve(evidence.state, version=version)), given[1]

    return forge


def _own(given: AuditEntry) -> dict[str, Any]:
    names = ("event_type", "status", "step_id", "from_state", "to_state", "run_id")
    return {name: getattr(given, name) for name in names}


FORGERIES: dict[str, tuple[Forgery, str]] = {
    # each acknowledged message was decided once
    "an acknowledged answer that left nothing": (
        records(lambda found: (*found[:NAMED], *found[PIN:])),
        "message m2: it was acknowledged and nothing in the trail came of it",
    ),
    "an acknowledged answer that nobody decided": (
        known(acknowledged("1234")),
        "message lost: it was acknowledged and nothing in the trail came of it",
    ),
    "an acknowledged refusal that nobody decided": (
        known(acknowledged("1", status="refused")),
        "message lost: it was acknowledged and nothing in the trail came of it",
    ),
    "an acknowledged cry for help that nobody decided": (acknowledged("help"), "message lost: it was acknowledged and"),
    "an acknowledged end that nobody decided": (
        known(acknowledged("help", status="completed")),
        "message lost: it was acknowledged and nothing in the trail came of it",
    ),
    "an idle message that nobody decided": (
        acknowledged("hello", status="idle", step_id=None),
        "message lost: it was acknowledged and is not known",
    ),
    "a message that was decided and is not known": (
        lambda given: (evolve(given[0], seen=given[0].seen - {message_key(given[1][1][0])}), given[1]),
        "message m2: it was acknowledged and is not known: delivered again, it would be decided again",
    ),
    "one message that was decided in two commits": (
        entry(REFUSED, audit.VALIDATION, message_id="m6"),
        "message m6: it was decided at version",
    ),
    "one commit that decided two messages": (entry(PIN, audit.TRANSITION, message_id="m9"), "one commit decides 2"),
    "one message that was twice acknowledged as new": (
        told(1, duplicate=False),
        "message m2: it was acknowledged as a new message more than once",
    ),
    "a commit more than there are messages": (
        lambda given: stored(version=given[0].state.version + 1)(given),
        "commits were made, and only 12 messages are known",
    ),
    # versions rise
    "a version that comes twice": (
        lambda given: record(PIN, version=given[0].records[NAMED].version)(given),
        "comes after version",
    ),
    "two records the wrong way round": (
        records(lambda found: (*found[:REFUSED], found[DONE], found[REFUSED], *found[NEXT_START:])),
        "comes after version",
    ),
    "a stored version that is behind the trail": (
        lambda given: stored(version=given[0].records[NEXT_NAMED].version)(given),
        "is stored, and the trail knows version",
    ),
    "a hash that is gone": (
        stored(version=0, raw={}, flow_data=None),
        "version 0 is stored, and the trail knows version",
    ),
    # what happens is legal after what happened before
    "a transition that starts elsewhere than the last one ended": (
        entry(PIN, audit.TRANSITION, from_state="kind", to_state="completed"),
        "submit from kind, but the last transition left pin",
    ),
    "a transition that the machine does not have": (
        entry(PIN, audit.TRANSITION, to_state="completed"),
        "the flow has no way from pin to completed by submit",
    ),
    "a way back that the machine does not have": (
        entry(RETURNED, audit.BACK, to_state="name"),
        "the flow has no way from kind to name by back",
    ),
    "a way back that the member did not come": (
        entry(RETURNED, audit.BACK, to_state="name"),
        "it goes back to name, by which the member did not come",
    ),
    "an expiry from elsewhere": (
        after_all(AuditEntry(audit.EXPIRE, "success", from_state="completed", to_state="expired")),
        "expire from completed, but the last transition left kind",
    ),
    "a question that is asked elsewhere": (
        entry(PIN, audit.STEP_START, step_id="name"),
        "name is asked, but the last transition left kind",
    ),
    "a run that starts in the middle": (
        entry(START, audit.FLOW_START, step_id="kind"),
        "a run starts at kind, which is not the first step",
    ),
    "a run of a flow that is not there": (
        snapshot(START, lambda run: evolve(run, flow_type="unknown")),
        "it starts a flow that nobody knows",
    ),
    "a run that starts and is not kept": (record(START, snapshot=None), "it moves the run and keeps nothing of it"),
    "a flow that starts over another": (
        records(lambda found: (*found[:DONE], *found[NEXT_START:])),
        "a flow starts although kind is asked",
    ),
    "a flow that starts over another after a refusal": (
        after_all(
            AuditEntry(audit.VALIDATION, "refused", "kind"),
            AuditEntry(audit.FLOW_START, "success", "name", run_id="another"),
        ),
        "a flow starts although kind is asked",
    ),
    "a last run of a flow that is not there": (
        snapshot(NEXT_START, lambda run: evolve(run, flow_type="unknown")),
        "it starts a flow that nobody knows",
    ),
    "a restart that goes on with the same run": (
        after_all(AuditEntry(audit.RESTART, "success", from_state="kind", to_state="name")),
        "a restart goes on with the same run",
    ),
    "an entry about another run": (
        entry(NEXT_NAMED, audit.TRANSITION, run_id="another"),
        "transition concerns another run than the one that is open",
    ),
    "a cancellation of what goes on": (
        after_all(AuditEntry(audit.CANCEL, "success")),
        "a cancellation is noted at kind",
    ),
    "an expiry of what goes on": (after_all(AuditEntry(audit.EXPIRE, "success")), "an expiry is noted at kind"),
    "a rollback from elsewhere": (
        after_all(AuditEntry(audit.ROLLBACK, "success", from_state="completed", to_state="kind")),
        "rollback from completed, but the last transition left kind",
    ),
    "a rollback to a question that was never asked": (
        after_all(AuditEntry(audit.ROLLBACK, "success", from_state="kind", to_state="nowhere")),
        "rollback to nowhere, which this run never asked",
    ),
    "a recovery of a run that had ended": (
        lambda given: after_all(
            AuditEntry(audit.RECOVERY_RESULT, "success", "kind", run_id=given[0].records[0].entries[0].run_id)
        )(given),
        "a recovery goes on with a run that had ended",
    ),
    "an event that nobody knows": (entry(REFUSED, audit.VALIDATION, event_type="miracle"), "nobody knows what a mir"),
    "a record that cannot be read": (record(PIN, is_readable=False), "its record cannot be read"),
    # answers are accepted while they are asked for, and kept as they were given
    "an answer to a question that was not asked": (
        entry(NEXT_NAMED, audit.VALIDATION, step_id="pin"),
        "an answer to pin is accepted while name is asked",
    ),
    "an answer that leads nowhere": (
        entries(NAMED, lambda found: found.entries[:1]),
        "an answer to name is accepted and leads nowhere",
    ),
    "an answer that leads on from elsewhere": (
        entry(NEXT_NAMED, audit.TRANSITION, from_state="pin"),
        "an answer to name is accepted and leads nowhere",
    ),
    "an answer that leads back": (
        entry(NEXT_NAMED, audit.TRANSITION, event_type=audit.BACK),
        "an answer to name is accepted and leads nowhere",
    ),
    "a transition by the answer to another question": (
        entry(NEXT_NAMED, audit.VALIDATION, step_id="pin"),
        "a transition from name without an accepted answer to it",
    ),
    "a transition without an answer": (
        entries(NAMED, lambda found: found.entries[1:]),
        "a transition from name without an accepted answer to it",
    ),
    "a transition for a refused answer": (
        entry(NAMED, audit.VALIDATION, status="refused"),
        "a transition from name without an accepted answer to it",
    ),
    "an accepted answer that is not kept": (
        snapshot(NAMED, answers(name=None)),
        "the accepted answer to name is not kept",
    ),
    "an answer that is kept as something else": (
        snapshot(NAMED, answers(name="eve")),
        "message m2: what is kept as the answer to name is not what it said",
    ),
    "an answer that another step's commit changes": (
        snapshot(PIN, answers(name="eve")),
        "the answer to name changes, and nobody was asked for it",
    ),
    "an answer out of nowhere": (
        snapshot(NEXT_NAMED, answers(kind="basic")),
        "the answer to kind changes, and nobody was asked for it",
    ),
    "an answer of the run before": (
        snapshot(NEXT_START, answers(name="ann")),
        "the answer to name changes, and nobody was asked for it",
    ),
    "an answer that is lost on the way": (
        snapshot(PIN, answers(name=None)),
        "the answer to name is lost on the way",
    ),
    "a path that skips a question": (
        snapshot(PIN, lambda run: evolve(run, path=("pin",))),
        "the path that is kept is not the one that was gone",
    ),
    "a path on which a way back was not gone": (
        snapshot(RETURNED, lambda run: evolve(run, path=("name", "pin"))),
        "the path that is kept is not the one that was gone",
    ),
    "a run that is kept at another question": (
        snapshot(PIN, lambda run: evolve(run, step_id="pin")),
        "what is kept stands at pin, what happened led to kind",
    ),
    "a move of which nothing is kept": (record(NAMED, snapshot=None), "it moves the run and keeps nothing of it"),
    "a run that is dropped without a word": (
        record(REFUSED, empties=True),
        "the run is dropped, and nothing says why",
    ),
    # what is stored is what the last transition left
    "a field that cannot be read": (
        stored(unreadable=(UnreadableField("previous", b"{", "JSONDecodeError"),)),
        "stored: previous cannot be read (JSONDecodeError)",
    ),
    "a stored run at another question": (
        stored_run(lambda run: evolve(run, step_id="name")),
        "stored: a run at name, and the last transition left kind",
    ),
    "another stored run": (
        stored_run(lambda run: evolve(run, run_id="another")),
        "stored: a run at kind, and the last transition left kind",
    ),
    "a stored run that went another way": (
        stored_run(lambda run: evolve(run, path=("pin",))),
        "stored: the run went another way than the trail knows",
    ),
    "a stored run whose buttons have other names": (
        stored_run(lambda run: evolve(run, visit=run.visit + 1)),
        "stored: the run went another way than the trail knows",
    ),
    "a stored run that is gone": (stored(flow_data=None), "stored: no run, and the trail knows one at kind"),
    "a stored run that nobody started": (
        records(lambda found: found[:0]),
        "stored: a run at kind, of which the trail knows nothing",
    ),
    "a stored answer that was never given": (
        stored_run(answers(kind="basic")),
        "stored: the answer to kind is not the one that was accepted",
    ),
    "a stored answer that is another": (
        stored_run(answers(name="eve")),
        "stored: the answer to name is not the one that was accepted",
    ),
    "a stored answer that is gone": (
        stored_run(answers(name=None)),
        "stored: the answer to name is not the one that was accepted",
    ),
    "a stored secret that was never given": (
        lambda given: stored_run(answers(pin="0"))(
            stored_run(lambda run: evolve(run, step_id="pin", path=("name",)))(
                records(lambda found: found[:NEXT_PIN])(given)
            )
        ),
        "stored: an answer to pin, of which none was accepted",
    ),
    # what clients were told
    "a reply that tells of another step": (
        told(1, step_id="kind"),
        "message m2: the reply says kind, and the trail pin",
    ),
    "a reply that tells of another run": (
        told(1, run_id="another"),
        "message m2: the reply tells of another run than the trail",
    ),
    "another message when it is delivered again": (
        told(1, messages=(Text("Your name?"),)),
        "message m2: it was answered with other messages when it was delivered again",
    ),
    # no run completes twice
    "a run that completes twice": (
        records(lambda found: (*found[: DONE + 1], found[DONE], *found[NEXT_START:])),
        "a run completes that had completed before",
    ),
    "a completion of what goes on": (after_all(AuditEntry(audit.COMPLETE, "success")), "a completion is noted at kind"),
}

"""A flow that answers a step of another, in a conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from fsmflow import Channel, Flow, Refused
from fsmflow.audit import sensitive_steps
from fsmflow.step import Route, SubFlow
from tests.branched import Account, Address, Card, Order, Wallet, choice, text
from tests.damage import damage, reasons
from tests.talking import SECRET, Talk, in_memory, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")


class Quoting(Flow):
    """Refuses in words that quote the answer."""

    flow_type = "quoting"

    def refuses(self, value: str) -> bool:
        raise Refused(f"{value} will not do.")

    steps = (text("code", validator=refuses),)


class Middle(Flow):
    """Between that and a flow with a secret."""

    flow_type = "middle"
    steps = (SubFlow("quoting", Quoting),)


def order(*said: str, flows: Any = (Order,)) -> Talk:
    talk = in_memory(flows)
    talk.says("order", *said)
    return talk


def run_of(talk: Talk) -> Any:
    return json.loads(talk.fields["flow_data"])


def test_its_questions_are_asked_in_place_and_what_it_collected_is_the_answer() -> None:
    talk = order()
    assert words(talk.says("5")) == "street?"
    reply = talk.says("Main")
    assert (words(reply), reply.step_id) == ("town?", "address.town")
    assert words(talk.says("Rome")) == "sure?"
    assert talk.data == {"amount": "5", "address": {"street": "Main", "town": "Rome"}}
    reply = talk.says("Yes")
    assert words(reply) == "Sent to {'street': 'Main', 'town': 'Rome'}."
    assert reply.data == {"amount": "5", "address": {"street": "Main", "town": "Rome"}, "sure": "yes"}


def test_on_a_real_store_too_it_survives_the_restart_of_the_worker_at_each_message(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Account])
    for said, asked in (
        ("account", "owner?"),
        ("Ann", "pin?"),
        (SECRET, "code?"),
        ("12", "12 has not four digits.\n\ncode?"),
        ("1234", "keep?"),
        ("Yes", "label?"),
        ("back", "Your answer was: Yes\n\nkeep?"),
        ("No", "label?"),
        ("skip", "sure?"),
        ("Yes", "Opened for Ann."),
    ):
        assert words(talk.says(said)) == asked
        talk.deploys([Account])
    card = {"pin": SECRET, "code": "1234", "keep": "no"}
    assert talk.data == {"wallet": {"owner": "Ann", "card": card, "label": None}, "sure": "yes"}


def test_back_leads_out_at_its_first_question_and_into_its_last_and_shows_what_was_answered() -> None:
    talk = order("5", "Main", "Rome")
    for asked in ("Rome\n\ntown?", "Main\n\nstreet?", "5\n\namount?"):
        assert words(talk.says("back")) == f"Your answer was: {asked}"
    assert words(talk.says("6")) == "Your answer was: Main\n\nstreet?"
    assert words(talk.says("High Street")) == "Your answer was: Rome\n\ntown?"
    assert words(talk.says("Paris")) == "sure?"
    assert talk.data == {"amount": "6", "address": {"street": "High Street", "town": "Paris"}}


def test_what_was_answered_in_it_before_it_was_left_is_shown_when_it_is_entered_again() -> None:
    talk = order("5", "Main")
    talk.says("back", "back")
    assert words(talk.says("5")) == "Your answer was: Main\n\nstreet?"


def test_three_deep_back_walks_the_whole_way_and_stops_at_the_first_question() -> None:
    talk = in_memory([Account])
    talk.says("account", "Ann", SECRET, "1234", "Yes", "skip")
    said = [words(talk.says("back")) for _ in range(7)]
    assert said == [
        "label?",
        "Your answer was: Yes\n\nkeep?",
        "Your answer was: 1234\n\ncode?",
        "pin?",
        "Your answer was: Ann\n\nowner?",
        *["This is the first question: there is nothing to go back to.\n\nowner?"] * 2,
    ]
    assert words(talk.says("Bob", SECRET, "1234")) == "Your answer was: Yes\n\nkeep?"


def test_rollback_goes_over_its_border_both_ways(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order])
    talk.says("order", "5", "Main", "Rome")
    talk.manager.rollback(talk.member_id)
    assert words(talk.says("help")).endswith("town?")
    talk.says("back", "back", "6")
    talk.manager.rollback(talk.member_id)
    assert words(talk.says("help")).endswith("amount?")


@pytest.mark.parametrize("word", ["restart", "cancel"])
def test_a_global_word_in_it_means_the_whole_conversation(word: str) -> None:
    talk = order("5", "Main")
    assert words(talk.says(word)) == {"restart": "amount?", "cancel": "Cancelled."}[word]
    assert "inner" not in run_of(talk)


def test_a_silence_in_it_closes_the_whole_conversation_which_can_be_gone_on_with_where_it_stood() -> None:
    talk = order("5", "Main", "Rome", "back")
    talk.waits(minutes=5, seconds=1)
    reply = talk.says("Paris")
    assert (reply.status, reply.step_id) == ("expired", "expired")
    assert words(reply) == "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    assert words(talk.says("Continue")).endswith("town?")
    assert words(talk.says("Paris")) == "sure?"
    assert talk.data == {"amount": "5", "address": {"street": "Main", "town": "Paris"}}


@pytest.mark.parametrize(
    ("title", "end", "said"),
    [
        ("Leave", "cancelled", "Cancelled."),
        ("Break", "failed", "This could not be completed."),
        ("Stop", "expired", "There was no answer for 5 minutes, so this was closed. Send account to start again."),
    ],
)
def test_where_it_ends_otherwise_the_conversation_ends_so_too(title: str, end: str, said: str) -> None:
    talk = in_memory([Account])
    reply = talk.says("account", "Ann", SECRET, "1234", title)
    assert (reply.status, reply.step_id, words(reply)) == (end, end, said)
    assert "inner" not in run_of(talk)
    assert talk.says("Yes").status == "idle"


def test_a_validator_in_it_refuses_as_anywhere_and_counts_its_attempts() -> None:
    talk = order("5")
    assert words(talk.says("nowhere")) == "There is no such street.\n\nstreet?"
    assert words(talk.says("x")) == "That answer cannot be used. Please try another.\n\nstreet?"
    assert run_of(talk)["inner"]["validation"]["attempts"] == 2
    talk.says("Main")
    assert "validation" not in run_of(talk)["inner"]


def test_its_buttons_answer_its_own_question_only() -> None:
    talk = in_memory([Account])
    keep = talk.says("account", "Ann", SECRET, "1234")
    talk.taps("Yes", of=keep)
    sure = talk.says("label")
    stale = "That choice belongs to an earlier question.\n\n"
    assert words(talk.taps("Yes", of=keep)) == stale + "sure?"
    keep_again = talk.says("back", "back")
    assert words(talk.taps("Yes", of=sure)) == stale + "keep?"
    assert words(talk.taps("Yes", of=keep)) == stale + "keep?"
    assert words(talk.taps("Yes", of=keep_again)) == "Your answer was: label\n\nlabel?"


def test_a_button_of_one_question_in_it_does_not_answer_the_next_one() -> None:
    class Twice(Flow):
        flow_type = "twice"
        steps = (choice("first"), choice("second"))

    class Around(Flow):
        flow_type = "around"
        steps = (SubFlow("twice", Twice), text("last"))

    talk = in_memory([Around])
    first = talk.says("around")
    assert words(talk.taps("Yes", of=first)) == "second?"
    assert words(talk.taps("Yes", of=first)) == "That choice belongs to an earlier question.\n\nsecond?"
    assert words(talk.taps("Yes")) == "last?"


def test_each_entering_of_it_is_a_run_of_its_own() -> None:
    talk = order("5")
    runs = [run_of(talk)["inner"]["run_id"]]
    for said in ("back", "5"), ("Main", "Rome", "back"), ("restart", "5"):
        talk.says(*said)
        runs.append(run_of(talk)["inner"]["run_id"])
    assert len({*runs, run_of(talk)["run_id"]}) == 5


def test_the_trail_tells_of_it_under_an_id_of_its_own() -> None:
    talk = order("5", "Main", "back", "High")
    told = {(each.flow_id, each.event_type, each.step_id) for each in talk.manager.history(talk.member_id)}
    around = f"order_{talk.member_id}"
    assert {
        (around, "push", "address"),
        (f"{around}.address", "transition", "town"),
        (f"{around}.address", "back", "street"),
    } <= told
    assert not {each for each in told if each[0] == around and each[2] in ("street", "town")}


def test_what_is_looked_at_from_outside_is_the_run_with_the_one_within_it() -> None:
    talk = order("5", "Main")
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert (flow.data, flow.place, flow.innermost.answers) == ({"amount": "5"}, "address.town", {"street": "Main"})


def test_a_route_takes_what_was_collected_for_its_value() -> None:
    class Routed(Flow):
        flow_type = "routed"

        def is_far(self, value: dict[str, Any]) -> bool:
            return bool(value["town"] == "Sydney") and value == self.data["address"]

        steps = (SubFlow("address", Address, routes=(Route("fee", is_far), Route("sure"))), text("fee"), choice("sure"))

    far, near = in_memory([Routed]), in_memory([Routed])
    assert words(far.says("routed", "Main", "Sydney")) == "fee?"
    assert words(near.says("routed", "Main", "Rome")) == "sure?"


def test_a_step_that_may_be_skipped_may_be_a_flow() -> None:
    class Skipping(Flow):
        flow_type = "skipping"
        steps = (
            text("a"),
            SubFlow("address", Address, skip_when=lambda self: self.data["a"] == "x"),
            choice("sure"),
        )

    talk = in_memory([Skipping])
    assert words(talk.says("skipping", "x")) == "sure?"
    assert words(talk.says("back", "y")) == "street?"
    assert words(talk.says("Main", "skip", "back", "back", "back", "x", "Yes")) == "Done. Thank you."
    assert talk.data == {"a": "x", "sure": "yes"}


def test_the_reason_is_told_where_used_up_attempts_lead_into_it() -> None:
    class Falling(Flow):
        flow_type = "falling"
        steps = (text("a", validator=str.isdigit, max_attempts=1, on_exhausted="address"), SubFlow("address", Address))

    talk = in_memory([Falling])
    reply = talk.says("falling", "x")
    assert words(reply) == "That answer cannot be used. Please try another.\n\nstreet?"


# -- what is sensitive -------------------------------------------------------------------------------------------------


def test_what_is_sensitive_in_it_is_nowhere_but_in_the_run(any_redis: Redis, prefix: str) -> None:
    with records_of() as records:
        talk = Talk(any_redis, prefix, [Account])
        talk.says("account", "Ann", SECRET, SECRET, "1234", "Yes")
        flow = talk.runner.flow_of(talk.member_id)
        talk.says("home", "back", "back", "back", "back", SECRET, "1234", "Yes", "skip", "Yes")
    assert SECRET not in repr((records, flow, talk.state))
    kept = stored_bytes(any_redis, prefix)
    assert not [key for key, raw in kept.items() if SECRET.encode() in raw]
    assert any(b"Ann" in raw for raw in kept.values())


def test_a_reason_in_it_that_quotes_a_sensitive_answer_of_the_flow_around_it_is_not_kept() -> None:
    class Around(Flow):
        flow_type = "around"
        steps = (text("secret", sensitive=True), SubFlow("middle", Middle))

    with records_of() as records:
        talk = in_memory([Around])
        assert words(talk.says("around", SECRET, SECRET)) == f"{SECRET} will not do.\n\ncode?"
        trail = talk.manager.history(talk.member_id)
    assert run_of(talk)["inner"]["inner"]["validation"]["refusal"] == "[redacted]"
    assert SECRET not in repr((trail, records))


def test_recovered_from_the_trail_it_asks_again_what_the_trail_left_out() -> None:
    talk = in_memory([Account])
    talk.says("account", "Ann", SECRET, "1234", "Yes")
    damage(talk, flow_data=b"{", previous=b"{")
    assert words(talk.says("home")).endswith("pin?")
    assert reasons(talk)[1] == "restored from the audit trail"
    assert words(talk.says(SECRET, "1234", "Yes", "home")) == "sure?"
    damage(talk, flow_data=b"{", previous=b"{")
    assert words(talk.says("Yes")).endswith("owner?")


HOLDS = {"account": "wallet", "wallet": "card", "card": "pin"}


def test_a_structure_that_is_logged_by_hand_hides_what_holds_a_sensitive_answer() -> None:
    found = {flow_type: set(sensitive_steps(flow_type)) for flow_type in ("account", "wallet", "card", "address")}
    # other flows of these types may have been made in this process, and have added theirs
    assert all(found[flow_type] >= {step_id} for flow_type, step_id in HOLDS.items())
    assert found["address"].isdisjoint({"street", "town"})


# -- deploys and damage ------------------------------------------------------------------------------------------------


def released(*steps: Any, flow_type: str = "order") -> type[Flow]:
    return type("Released", (Flow,), {"flow_type": flow_type, "steps": steps})


SURE = choice("sure")
PLAIN = text("address")
ZIP = released(text("street"), text("zip"), text("town", optional=True), flow_type="address")
SHORT = released(text("street"), flow_type="address")
OTHER = released(text("street"), text("town", optional=True), flow_type="other")


@pytest.mark.parametrize(
    ("release", "within", "after"),
    [
        (released(text("amount"), SURE), "sure?", "sure?"),
        (released(text("amount"), PLAIN, SURE), "address?", "sure?"),
        (released(text("amount"), SubFlow("address", ZIP), SURE), "zip?", "street?"),
        (released(text("amount"), SubFlow("address", SHORT), SURE), "street?", "street?"),
        (released(text("amount"), SubFlow("address", OTHER), SURE), "street?", "sure?"),
        (released(text("amount"), text("colour"), SubFlow("address", Address), SURE), "colour?", "colour?"),
    ],
)
def test_a_release_that_changes_it_asks_again_from_where_it_does_not_fit(
    release: type[Flow], within: str, after: str
) -> None:
    for asked, said in ((within, ("5", "Main")), (after, ("5", "Main", "Rome"))):
        talk = order(*said)
        talk.deploys([release])
        reply = talk.says("hello")
        found = words(reply).splitlines()[-1]
        if asked == "sure?" and reply.status == "refused":
            found = "sure?"  # the run fits as it is
        assert found == asked, said


def test_a_question_that_becomes_a_flow_is_asked_as_one() -> None:
    plain = released(text("amount"), PLAIN, SURE)
    for said in (("5",), ("5", "Main Street")):
        talk = order(*said, flows=[plain])
        talk.deploys([Order])
        reply = talk.says("hello")
        assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "street?")
        assert words(talk.says("Main", "Rome")) == "sure?"


WAYS: dict[str, Any] = {
    "no object": 5,
    "an id of no text": {"id": 5},
    "a flow type of no text": {"flow_type": None},
    "a step of no text": {"step_id": 5},
    "an index of no number": {"step": "1"},
    "no data": {"data": []},
    "a run of no text": {"run_id": 5},
    "a visit below nought": {"visit": -1},
    "a path of no list": {"path": "street"},
    "a path of numbers": {"path": [1]},
    "a revision of no number": {"revision": "x"},
    "a definition of no text": {"definition": 5},
    "no account of refusals": {"validation": 5},
    "one within it that is none": {"inner": 5},
    "one beneath it that is none": {"waiting": 5},
    "a flow of no text in between": {"interrupted_by": 5},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_within_that_cannot_be_read_is_put_aside_and_the_member_goes_on(way: str) -> None:
    talk = order("5", "Main")
    found = run_of(talk)
    found["inner"] = {**found["inner"], **WAYS[way]} if isinstance(WAYS[way], dict) else WAYS[way]
    damaged = json.dumps(found).encode()
    damage(talk, flow_data=damaged)
    reply = talk.says("Rome")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "street?")
    assert talk.quarantine == {"flow_data": damaged}
    assert reasons(talk)[1] == "restored from previous"
    assert words(talk.says("Main", "Rome")) == "sure?"


MISFITS: dict[str, Any] = {
    "it is missing": None,
    "it has ended": {"step_id": "completed"},
    "it is of another flow": {"flow_type": "card"},
    "its step is gone": {"step_id": "gone"},
    "it names no step": {"step_id": None, "step": 7},
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_run_within_that_does_not_fit_is_asked_anew_as_far_as_it_must_be(misfit: str) -> None:
    talk = order("5", "Main")
    found = run_of(talk)
    found["inner"] = None if MISFITS[misfit] is None else {**found["inner"], **MISFITS[misfit]}
    damage(talk, flow_data=json.dumps(found).encode())
    reply = talk.says("Rome")
    assert reply.status == "recovered"
    assert words(reply).splitlines()[-1] in ("street?", "town?")
    assert talk.data == {"amount": "5"}
    assert "flow_data" in talk.quarantine


def test_a_run_within_a_step_that_is_no_flow_is_no_run_of_this_flow() -> None:
    talk = order("5", "Main", "Rome")
    found = run_of(talk)
    found["inner"] = {"id": "x", "flow_type": "address", "step_id": "street", "step": 0}
    damage(talk, flow_data=json.dumps(found).encode())
    reply = talk.says("Yes")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "sure?")
    assert words(talk.says("Yes")).startswith("Sent to")


def test_runs_a_thousand_deep_are_put_aside() -> None:
    talk = order("5", "Main")
    inner = talk.fields["flow_data"]
    for _ in range(1000):
        inner = b'{"id":"x","flow_type":"order","step_id":"address","step":1,"inner":%s}' % inner
    damage(talk, flow_data=inner)
    assert talk.says("Rome").status == "recovered"


# -- flows as they are written -----------------------------------------------------------------------------------------


def test_two_flows_that_build_their_steps_with_other_flows_within_are_not_mistaken_for_each_other(
    any_redis: Redis, prefix: str
) -> None:
    class Built(Flow):
        def __init__(self, flow_type: str, state: dict[str, Any]) -> None:
            within = Card if state["member_id"] == "console:ann" else Address
            super().__init__(f"{flow_type}_{state['member_id']}", (SubFlow("within", within), text("last")))

    talk = Talk(any_redis, prefix, {"built": Built})
    other = Channel("console", "bob")
    assert words(talk.says("built", "Main", "Rome", channel=other)) == "last?"
    assert words(talk.says("built")) == "pin?"
    assert words(talk.says(SECRET, "1234", "Yes")) == "last?"
    assert not [key for key, raw in stored_bytes(any_redis, prefix).items() if SECRET.encode() in raw]


def test_a_flow_may_be_within_several_others_and_on_its_own() -> None:
    class Alone(Wallet):
        flow_type = "alone"
        keywords = ("alone",)

    talk = in_memory([Account, Alone])
    assert words(talk.says("alone", "Ann")) == "pin?"
    assert words(talk.says("cancel", "account", "Ann")) == "pin?"

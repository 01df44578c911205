"""Another flow that is named in the middle of one, at a choice: left, put aside, or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, NewerState, Option, Step, StepType
from fsmflow.interruption import WAITING_LIMIT
from fsmflow.step import SubFlow
from tests.branched import YES_NO, Address, Order, Register, choice, text
from tests.damage import damage
from tests.talking import SECRET, Talk, in_memory, records_of, stored_bytes, wire_id_of, words

pytestmark = pytest.mark.usefixtures("side")

ASKED = "You asked for register, and something else is still open. What shall be done with it?"
BACK_TO = "Back to what was open:\n\nsure?"
STALE = "That choice belongs to an earlier question.\n\n"
FLOWS = (Order, Register)


def at_the_choice(flows: Any = FLOWS) -> Talk:
    talk = in_memory(flows)
    talk.says("order", "5", "Main", "Rome")
    return talk


def interrupted(flows: Any = FLOWS) -> Talk:
    talk = at_the_choice(flows)
    talk.says("register")
    return talk


def put_aside(flows: Any = FLOWS) -> Talk:
    talk = interrupted(flows)
    talk.says("Come back later")
    return talk


def run_of(talk: Talk) -> Any:
    return json.loads(talk.fields["flow_data"])


def completions(talk: Talk) -> int:
    """How often the flow that came in between was completed."""
    found = talk.manager.history(talk.member_id)
    return sum((each.event_type, each.flow_id) == ("complete", f"register_{talk.member_id}") for each in found)


@pytest.mark.parametrize("keyword", ["register", " REGISTER "])
def test_another_flows_keyword_at_a_choice_is_asked_about(keyword: str) -> None:
    talk = at_the_choice()
    reply = talk.says(keyword)
    assert (words(reply), reply.status, reply.step_id) == (ASKED, "in_progress", "sure")


def test_at_a_question_for_text_a_keyword_is_an_answer() -> None:
    talk = in_memory(FLOWS)
    assert words(talk.says("order", "register")) == "street?"
    assert words(talk.says("register")) == "town?"
    assert talk.data == {"amount": "register"}


def test_its_own_keyword_is_no_answer_to_a_choice() -> None:
    assert words(at_the_choice().says("order")) == "Please choose one of the options.\n\nsure?"


WAYS = ("tap", "title", "number")


def chooses(talk: Talk, title: str, by: str) -> str:
    number = {"Leave it": "1", "Come back later": "2", "Stay here": "3"}[title]
    return words(talk.taps(title) if by == "tap" else talk.says(title.upper() if by == "title" else number))


@pytest.mark.parametrize("by", WAYS)
def test_what_is_open_can_be_left_for_it(by: str) -> None:
    talk = interrupted()
    assert chooses(talk, "Leave it", by) == "name?"
    assert ("cancel", "success", "cancelled") in talk.events
    assert words(talk.says("Joe", "Of course")) == "Welcome Joe."
    assert talk.says("Yes").status == "idle"


@pytest.mark.parametrize("by", WAYS)
def test_what_is_open_can_be_come_back_to(by: str) -> None:
    talk = interrupted()
    assert chooses(talk, "Come back later", by) == "name?"
    talk.says("Joe")
    reply = talk.says("Of course")
    assert (words(reply), reply.status) == (f"Welcome Joe.\n----\n{BACK_TO}", "completed")
    assert reply.data == {"name": "Joe", "really": "leave"}
    assert run_of(talk)["waiting"]["flow_type"] == "order"
    reply = talk.says("Yes")
    assert (words(reply), reply.status) == ("Sent to {'street': 'Main', 'town': 'Rome'}.", "completed")


@pytest.mark.parametrize("by", WAYS)
def test_a_member_can_stay(by: str) -> None:
    talk = interrupted()
    assert chooses(talk, "Stay here", by) == "sure?"
    assert words(talk.says("1")) == "Sent to {'street': 'Main', 'town': 'Rome'}."


def test_meanwhile_the_steps_own_button_still_answers() -> None:
    talk = at_the_choice()
    sure = talk.last
    talk.says("register")
    assert words(talk.taps("Yes", of=sure)) == "Sent to {'street': 'Main', 'town': 'Rome'}."


def test_meanwhile_a_title_of_the_step_still_answers() -> None:
    assert words(interrupted().says("yes")) == "Sent to {'street': 'Main', 'town': 'Rome'}."


def test_a_slip_is_met_with_that_question_again_and_the_next_number_is_of_its_choices() -> None:
    talk = interrupted()
    for slip in ("whatever", "9", "\N{GRINNING FACE}"):
        reply = talk.says(slip)
        assert (reply.status, "something else is still open" in words(reply)) == ("refused", True)
    assert words(talk.says("3")) == "sure?"


@pytest.mark.parametrize("said", ["menu", "help", "back and forth", "a stale tap", "a late message"])
def test_where_the_steps_own_question_was_shown_again_a_number_is_of_its_choices(said: str) -> None:
    talk = at_the_choice()
    sure = talk.last
    talk.says("register")
    if said == "back and forth":
        talk.says("back", "skip")
    elif said == "a stale tap":
        talk.sends(talk.message("Yes", option_id="00000000.yes", kind="option"))
    elif said == "a late message":
        talk.says("hello", sent_at=talk.now.replace(year=2029))
    else:
        talk.says(said)
    assert "sure?" in words(talk.last)  # type: ignore[arg-type] # None fails, too
    assert words(talk.says("1")).startswith("Sent to")
    assert sure is not None


@pytest.mark.parametrize("said", ["menu", "help"])
def test_menu_and_help_never_lose_the_place(said: str) -> None:
    for place, asked in ((("order",), "amount?"), (("order", "5"), "street?"), (("order", "5", "Main"), "town?")):
        talk = in_memory(FLOWS)
        talk.says(*place)
        before = talk.fields["flow_data"]
        reply = talk.says(said)
        assert words(reply).endswith(f"\n\n{asked}")
        assert (reply.status, talk.fields["flow_data"]) == ("in_progress", before)


def test_the_menu_says_what_can_be_started() -> None:
    assert words(at_the_choice().says("menu")) == "You can send: order, register.\n\nsure?"


def test_a_button_of_the_question_is_stale_once_it_was_answered() -> None:
    talk = interrupted()
    asked = talk.last
    assert words(talk.taps("Stay here", of=asked)) == "sure?"
    assert words(talk.taps("Leave it", of=asked)) == f"{STALE}sure?"
    talk.says("register")
    talk.taps("Come back later")
    assert words(talk.taps("Leave it", of=asked)) == f"{STALE}name?"


def test_its_buttons_are_told_from_the_steps_own_that_have_the_same_ids() -> None:
    talk = in_memory(FLOWS)
    really = talk.says("register", "Joe")
    asked = talk.says("order")
    assert wire_id_of(really, "Of course").split(".")[1] == wire_id_of(asked, "Leave it").split(".")[1] == "leave"
    assert words(talk.taps("Leave it", of=asked)) == "amount?"


def test_the_keyword_again_is_asked_about_again_and_another_one_instead() -> None:
    class Third(Flow):
        flow_type = "third"
        steps = (text("more"),)

    talk = interrupted((Order, Register, Third))
    asked = talk.last
    assert words(talk.says("register")) == ASKED
    assert words(talk.says("third")) == ASKED.replace("register", "third")
    assert words(talk.taps("Leave it", of=asked)) == f"{STALE}sure?"  # that was about the other
    talk.says("third")
    assert words(talk.says("Leave it")) == "more?"


def test_so_many_may_wait_and_one_more_is_refused_plainly() -> None:
    flows: list[type[Flow]] = []
    for number in range(WAITING_LIMIT + 2):
        flows.append(type("Many", (Flow,), {"flow_type": f"many{number}", "steps": (choice(f"c{number}"),)}))
    talk = in_memory(flows)
    talk.says("many0")
    for number in range(1, WAITING_LIMIT + 1):
        assert words(talk.says(f"many{number}", "2")) == f"c{number}?"
    reply = talk.says(f"many{WAITING_LIMIT + 1}", "2")
    assert (reply.status, words(reply)) == (
        "refused",
        f"Too much is open already: please finish this first.\n\nc{WAITING_LIMIT}?",
    )
    for number in range(WAITING_LIMIT, 0, -1):
        assert words(talk.says("1")) == f"Done. Thank you.\n----\nBack to what was open:\n\nc{number - 1}?"
    assert words(talk.says("1")) == "Done. Thank you."


@pytest.mark.parametrize("end", ["cancel", "Never"])
def test_what_waits_is_gone_on_with_however_the_other_ends(end: str) -> None:
    talk = put_aside()
    talk.says("Joe")
    assert words(talk.says(end)) == f"Cancelled.\n----\n{BACK_TO}"
    assert words(talk.says("Yes")).startswith("Sent to")


def test_what_waits_still_does_where_the_other_is_left_for_a_third() -> None:
    class Third(Flow):
        flow_type = "third"
        steps = (text("more"),)

    talk = put_aside((*FLOWS, Third))
    talk.says("Joe", "third")
    assert words(talk.says("Leave it")) == "more?"
    assert words(talk.says("x")) == f"Done. Thank you.\n----\n{BACK_TO}"


def test_restart_of_the_other_leaves_what_waits_where_it_is() -> None:
    talk = put_aside()
    talk.says("Joe", "restart", "Ann")
    assert words(talk.says("Of course")) == f"Welcome Ann.\n----\n{BACK_TO}"


def test_the_completing_messages_duplicate_still_has_its_data_and_says_the_same() -> None:
    talk = put_aside()
    talk.says("Joe")
    completing = talk.message("Of course")
    first, again = talk.sends(completing), talk.sends(completing)
    assert (again.messages, again.data, again.duplicate) == (first.messages, {"name": "Joe", "really": "leave"}, True)
    talk.says("help")
    assert talk.sends(completing).messages == ()


def test_its_buttons_answer_it_after_it_waited_and_those_of_before_as_well() -> None:
    talk = at_the_choice()
    sure = talk.last
    talk.says("register", "2", "Joe")
    assert words(talk.taps("Yes", of=sure)) == f"{STALE}really?"
    talk.says("Of course")
    assert words(talk.taps("Yes", of=sure)).startswith("Sent to")


def test_while_it_is_gone_on_with_a_reply_is_of_it_not_of_the_one_that_has_ended() -> None:
    talk = put_aside()
    talk.says("Joe", "Of course")
    reply = talk.says("help")
    assert (reply.flow_id, reply.step_id, reply.status) == (f"order_{talk.member_id}", "sure", "in_progress")
    assert words(reply).endswith("\n\nsure?")
    assert words(talk.says("nonsense")) == "Please choose one of the options.\n\nsure?"
    assert talk.state.previous is None


def test_what_waits_can_be_left_by_its_own_cancel_and_gone_back_in() -> None:
    talk = put_aside()
    talk.says("Joe", "Of course")
    assert words(talk.says("back")) == "Your answer was: Rome\n\ntown?"
    assert words(talk.says("cancel")) == "Cancelled."
    assert talk.says("Yes").status == "idle"


# -- silence -----------------------------------------------------------------------------------------------------------


def patient(flow: type[Flow], timeout: Any) -> type[Flow]:
    return type(flow.__name__, (flow,), {"timeout": timeout})


def test_where_the_silence_was_too_long_for_both_both_are_over() -> None:
    talk = put_aside()
    talk.waits(minutes=6)
    reply = talk.says("Joe")
    assert words(reply) == "There was no answer for 5 minutes, so this was closed. Send register to start again."
    assert talk.says("Yes").status == "idle"
    assert [event for event in talk.events if event[0] == "expire"] == [
        ("expire", "success", "expired"),
        ("expire", "success", "sure"),
    ]


def test_where_it_was_too_long_for_the_other_only_what_waits_is_gone_on_with_and_asked() -> None:
    talk = put_aside((patient(Order, None), Register))
    talk.waits(minutes=6)
    reply = talk.says("Joe")
    assert words(reply).endswith(f"Send register to start again.\n----\n{BACK_TO}")
    assert words(talk.says("Yes")).startswith("Sent to")


def test_what_was_answered_within_the_one_that_is_over_is_not_said_beside_what_waits() -> None:
    class Within(Flow):
        flow_type = "within"
        steps = (text("street"), choice("here"))

    class Other(Flow):
        flow_type = "register"
        steps = (SubFlow("place", Within), text("last"))

    talk = put_aside((patient(Order, None), Other))
    talk.says("Elm", "Yes", "back")
    talk.waits(minutes=6)
    assert "Your answer was" not in words(talk.says("x"))


def test_a_keyword_after_the_silence_starts_anew_and_what_waits_still_does() -> None:
    talk = put_aside((patient(Order, None), Register))
    talk.waits(minutes=6)
    assert words(talk.says("register")) == "name?"
    assert words(talk.says("Joe", "Of course")) == f"Welcome Joe.\n----\n{BACK_TO}"


def test_what_waits_may_be_over_by_the_time_it_is_answered() -> None:
    talk = put_aside()
    talk.says("Joe", "Of course")
    talk.waits(minutes=6)
    assert words(talk.says("Yes")).startswith("There was no answer for 5 minutes")
    assert words(talk.says("Continue")) == "sure?"
    assert words(talk.says("Yes")).startswith("Sent to")


# -- what cannot be gone on with ---------------------------------------------------------------------------------------


def test_a_flow_that_is_not_known_any_more_is_waited_for_and_then_left_and_the_other_is_not_completed_twice() -> None:
    lasting = patient(Register, None)
    talk = put_aside((Order, lasting))
    talk.deploys([lasting])
    talk.says("Joe")
    assert words(talk.says("Of course")) == "Welcome Joe."
    with pytest.raises(NewerState):
        talk.says("hello")
    talk.waits(minutes=10)
    reply = talk.says("hello")
    assert (reply.status, "really?" in words(reply)) == ("recovered", False)
    assert talk.says("Of course").status == "idle"
    assert completions(talk) == 1


def test_a_newer_revision_of_what_waits_is_left_to_its_own_workers() -> None:
    talk = put_aside((type("Order", (Order,), {"revision": 2}), Register))
    talk.deploys([Order, Register])
    talk.says("Joe")
    assert words(talk.says("Of course")) == "Welcome Joe."
    with pytest.raises(NewerState):
        talk.says("Yes")
    talk.deploys([type("Order", (Order,), {"revision": 2}), Register])
    assert words(talk.says("Yes")).startswith("Sent to")


def test_what_fits_no_more_is_asked_again_from_where_it_fits() -> None:
    talk = put_aside()
    steps = (text("amount"), text("colour"), *Order.steps[1:])
    changed = type("Order", (Flow,), {"flow_type": "order", "steps": steps})
    talk.deploys([changed, Register])
    talk.says("Joe")
    assert words(talk.says("Of course")) == "Welcome Joe."
    reply = talk.says("Yes")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "colour?")


def test_a_flow_that_was_named_and_is_gone_since_changes_nothing() -> None:
    talk = interrupted()
    talk.deploys([Order])
    assert words(talk.says("1")) == "sure?"
    assert words(talk.says("1")).startswith("Sent to")


@pytest.mark.parametrize("damaged", [b'"x"', b"[]", b'{"id": "x"}'])
def test_what_waits_and_cannot_be_read_is_put_aside_with_all_of_the_run(damaged: bytes) -> None:
    talk = put_aside()
    talk.says("Joe")
    found = {**run_of(talk), "waiting": json.loads(damaged)}
    damage(talk, flow_data=json.dumps(found).encode())
    assert words(talk.says("Of course")).splitlines()[-1] == "name?"  # as it was before the last answer
    assert words(talk.says("Joe", "Of course")) == f"Welcome Joe.\n----\n{BACK_TO}"


@pytest.mark.parametrize("lost", [{"flow_data": b"{"}, {"previous": b"{"}, {"flow_data": b"{", "previous": b"{"}])
@pytest.mark.parametrize("then", [(), ("help",), ("nonsense",), ("back",)])
def test_whatever_is_lost_a_flow_that_has_ended_is_not_asked_again(
    lost: dict[str, bytes], then: tuple[str, ...]
) -> None:
    talk = put_aside()
    talk.says("Joe", "Of course", *then)
    damage(talk, **lost)
    reply = talk.says("Yes")
    asked = "town?" if then == ("back",) else "sure?"
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", asked)
    assert completions(talk) == 1


def test_recovered_after_a_silence_that_was_too_long_for_the_other_only_what_waits_is_asked() -> None:
    talk = put_aside((patient(Order, None), Register))
    talk.says("Joe")
    talk.waits(minutes=6)
    damage(talk, recent=b"?")
    assert words(talk.says("Of course")).splitlines()[-1] == "sure?"
    assert talk.state.previous is None
    assert words(talk.says("Yes")).startswith("Sent to")


def test_a_question_that_is_asked_after_a_recovery_is_the_steps_own() -> None:
    talk = interrupted()
    damage(talk, previous=b"{")
    assert words(talk.says("hello")).endswith("sure?")
    assert words(talk.says("1")).startswith("Sent to")


def test_where_the_question_that_waits_cannot_be_asked_the_other_has_ended_all_the_same() -> None:
    def fails() -> str:
        raise RuntimeError

    asked = Step("sure", StepType.BUTTON, fails, options=YES_NO)
    broken = type("Order", (Flow,), {"flow_type": "order", "steps": (*Order.steps[:-1], asked)})
    talk = put_aside()
    talk.says("Joe")
    talk.deploys([broken, Register])
    reply = talk.says("Of course")
    assert (reply.status, "went wrong" in words(reply)) == ("completed", True)
    talk.deploys(FLOWS)
    assert words(talk.says("hello")).endswith("sure?")
    assert completions(talk) == 1


def test_what_an_application_starts_leaves_what_is_open_and_all_that_waits() -> None:
    talk = put_aside()
    talk.last = talk.runner.start("register", talk.message("hello"))
    assert words(talk.last) == "name?"
    left = [each for each in talk.manager.history(talk.member_id) if each.status == "left"]
    assert [each.flow_id for each in left] == [f"register_{talk.member_id}", f"order_{talk.member_id}"]
    assert words(talk.says("Joe", "Of course")) == "Welcome Joe."


# -- what is sensitive -------------------------------------------------------------------------------------------------


class Vault(Flow):
    """Holds a secret, also in a flow within it, when it is put aside."""

    flow_type = "vault"
    steps = (
        text("pin", sensitive=True),
        SubFlow("box", type("Box", (Flow,), {"flow_type": "box", "steps": (text("key", sensitive=True),)})),
        SubFlow(
            "other", type("Lid", (Flow,), {"flow_type": "lid", "steps": (text("code", sensitive=True), choice("shut"))})
        ),
        choice("sure", Option("yes", "Yes")),
    )


@pytest.mark.parametrize("built", [False, True])
def test_what_is_sensitive_in_a_run_that_waits_is_nowhere_but_in_the_state(
    any_redis: Redis, prefix: str, built: bool
) -> None:
    def vault_of(self: Flow, flow_type: str, state: dict[str, Any]) -> None:
        Flow.__init__(self, f"{flow_type}_{state['member_id']}", Vault.steps)

    flows: Any = (
        {"vault": type("Built", (Flow,), {"__init__": vault_of}), "register": Register} if built else [Vault, Register]
    )
    with records_of() as records:
        talk = Talk(any_redis, prefix, flows)
        talk.says("vault", SECRET, SECRET, SECRET, "register", "2", "Joe")
        assert SECRET not in repr(talk.state)
        talk.says("back", "Joe", "Of course")
    assert words(talk.says("Yes")) == "sure?"
    assert SECRET not in repr(records)
    kept = stored_bytes(any_redis, prefix)
    assert any(b"waiting" in raw for raw in kept.values())
    assert not [key for key, raw in kept.items() if SECRET.encode() in raw]


def test_recovered_from_the_trail_what_waits_is_asked_for_what_the_trail_left_out() -> None:
    talk = in_memory([Vault, Register])
    talk.says("vault", SECRET, SECRET, SECRET, "register", "2", "Joe")
    damage(talk, flow_data=b"{", previous=b"{")
    assert words(talk.says("Of course")).endswith("really?")
    assert words(talk.says("Of course")) == "Welcome Joe."
    reply = talk.says("Yes")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "pin?")


def test_in_a_flow_within_a_flow_it_is_asked_as_well() -> None:
    talk = in_memory([Vault, Register])
    talk.says("vault", SECRET, SECRET, SECRET)
    assert words(talk.says("register")) == ASKED
    talk.says("2", "Joe")
    assert words(talk.says("Of course")) == "Welcome Joe.\n----\nBack to what was open:\n\nshut?"
    assert words(talk.says("Yes")) == "sure?"


def test_the_trail_tells_that_a_run_was_put_aside_and_gone_on_with() -> None:
    talk = put_aside()
    talk.says("Joe", "Of course")
    told = [(each.event_type, each.flow_id) for each in talk.manager.history(talk.member_id)]
    order, register = f"order_{talk.member_id}", f"register_{talk.member_id}"
    places = [
        told.index(each)
        for each in (
            ("interrupted", order),
            ("suspend", order),
            ("flow_start", register),
            ("complete", register),
            ("taken_up", order),
        )
    ]
    assert places == sorted(places)


def test_no_flow_that_is_within_another_is_named_by_its_type() -> None:
    assert words(at_the_choice().says("address")) == "Please choose one of the options.\n\nsure?"
    assert Address.flow_type == "address"

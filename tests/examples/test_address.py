"""The address keeps its promises: every transition, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from examples.address import Address, AddressFlow, flows
from fsmflow.channels import console
from fsmflow.testing import Chat, TransitionCase, transitions_of

STREET = {"street": "12 Ring Road"}
TOWN = {**STREET, "town": "Accra"}
WHOLE = {**TOWN, "hint": "Blue gate behind the mosque"}
ASKED = {
    "street": "Which street, and which number?",
    "town": "And in which town?",
    "hint": "How do we find the door? Send skip if that is easy.",
}
EXPIRED = "There was no answer for 5 minutes, so this was closed. Send address to start again."
OFFERED = (
    "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
    "\n\n1. Continue\n2. Start over"
)
THANKS = "Thank you\n\nYour address: 12 Ring Road, Accra"

# For each transition: the state after it, the answers, and what the member reads.
EXPECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "street-submit-town": ("town", STREET, ASKED["town"]),
    "street-refused": (
        "street",
        {},
        f"Please send at least 3 characters, such as 12 Ring Road.\n\n{ASKED['street']}",
    ),
    "street-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "street-restart-street": ("street", {}, ASKED["street"]),
    "street-expire-expired": ("expired", {}, EXPIRED),
    "town-submit-hint": ("hint", TOWN, ASKED["hint"]),
    "town-refused": ("town", STREET, f"Please use letters only, such as Cape Coast.\n\n{ASKED['town']}"),
    "town-back-street": ("street", STREET, ASKED["street"]),
    "town-cancel-cancelled": ("cancelled", STREET, "Cancelled."),
    "town-restart-street": ("street", {}, ASKED["street"]),
    "town-expire-expired": ("expired", STREET, OFFERED),
    "hint-submit-completed": ("completed", WHOLE, f"{THANKS}, Blue gate behind the mosque"),
    "hint-skip-completed": ("completed", {**TOWN, "hint": None}, THANKS),
    "hint-refused": (
        "hint",
        TOWN,
        f"Please send at least 2 characters, such as Blue gate behind the mosque.\n\n{ASKED['hint']}",
    ),
    "hint-back-town": ("town", TOWN, ASKED["town"]),
    "hint-cancel-cancelled": ("cancelled", TOWN, "Cancelled."),
    "hint-restart-street": ("street", {}, ASKED["street"]),
    "hint-expire-expired": ("expired", TOWN, OFFERED),
    "expired-cancel-cancelled": ("cancelled", {}, "Cancelled."),
    "expired-restart-street": ("street", {}, ASKED["street"]),
    "expired-resume-street": ("street", {}, ASKED["street"]),
    "expired-resume-town": ("town", STREET, ASKED["town"]),
    "expired-resume-hint": ("hint", TOWN, ASKED["hint"]),
}
CASES = transitions_of(AddressFlow)


def test_the_table_has_a_row_for_each_transition_and_no_other() -> None:
    assert sorted(map(str, CASES)) == sorted(EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_transition_leads_where_it_should_with_the_right_answers_and_words(case: TransitionCase) -> None:
    result = case.fire()
    [shown] = console.render(result.message, to=result.flow.channel)
    assert (result.flow.state, result.flow.answers, shown["text"]) == EXPECTED[str(case)]


def test_a_member_tells_their_address_and_it_is_of_the_type_that_the_flow_says() -> None:
    chat = Chat(flows)
    chat.say("address").say("Rua José Macamo 4").say("N'Djamena").say("skip")
    chat.expect(status="completed", data=Address("Rua José Macamo 4", "N'Djamena"))

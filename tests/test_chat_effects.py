"""A simulated conversation shows what becomes of an action as it would be in service, whatever its code does."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from fsmflow import Action, EffectRefused, Flow, Route
from fsmflow.errors import OutcomeNotTaken
from fsmflow.outcomes import Accepted, Done
from fsmflow.testing import Chat
from tests.bank import ACCEPTS, FAILS, PAYS_AND_FAILS, REFUSES, Bank, Lost, Pay, PayAgain, PayKnown

CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."

both_sides = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


class PayAwaited(Pay):
    """A payment whose code is awaited."""

    flow_type = "payawaited"

    async def pays_awaited(self) -> Any:
        await asyncio.sleep(0)
        return self.services.pay(self.effect_id)

    steps = (Pay.amount, Pay.confirm, Action("payment", pays_awaited), Pay.note)


class Choosy(Pay):
    """A payment after which the flow's own code fails, where the bank says so."""

    flow_type = "choosy"

    def is_odd(self, value: str) -> bool:
        if value == "odd":
            raise LookupError("no such receipt")
        return False

    payment = Action("payment", Pay.pays, routes=(Route("cancelled", when=is_odd),))
    steps = (Pay.amount, Pay.confirm, payment, Pay.note)


def confirmed(flow: type[Flow], *script: Any, **named: Any) -> Chat:
    """A member who has confirmed a payment."""
    chat = Chat(flow, services=Bank(*script), **named).say("5")
    return chat if flow is PayAgain else chat.tap("yes")


@both_sides
@pytest.mark.parametrize("script", [FAILS, PAYS_AND_FAILS])
@pytest.mark.parametrize("apologises", [False, True])
def test_what_an_action_raises_leaves_it_unknown_and_is_noted(
    asynchronous: bool, script: str, apologises: bool
) -> None:
    chat = confirmed(Pay, script, asynchronous=asynchronous, apologises=apologises)
    chat.expect(status="unknown", step="payment.unknown", heard=CHECKING)
    assert "(the action raises Lost: nobody can say what came of it)" in chat.transcript


def test_so_does_what_an_awaited_action_raises_and_what_was_raised_the_last_time_that_it_was_tried() -> None:
    confirmed(PayAwaited, FAILS).expect(status="unknown")
    chat = confirmed(PayAgain, FAILS, FAILS, FAILS).expect(status="unknown")
    assert chat.transcript.count("raises Lost") == 1


@both_sides
def test_what_a_reconciliation_raises_leaves_it_unknown_too(asynchronous: bool) -> None:
    class Deaf(Bank):
        def knows(self, effect_id: str) -> Any:
            if not self.asked:
                self.asked.append(effect_id)
                raise Lost
            return super().knows(effect_id)

    chat = Chat(PayKnown, services=Deaf(PAYS_AND_FAILS), asynchronous=asynchronous).say("5").tap("yes")
    chat.wait(minutes=1).expect(status="unknown")
    assert re.search(r"\(the action raises Lost: [^)]*\)", chat.transcript)
    chat.wait(minutes=2).expect(step="note", data={"amount": "5", "confirm": "yes", "payment": "receipt found"})


@both_sides
def test_what_a_flow_raises_at_an_outcome_is_its_fault_and_comes_out(asynchronous: bool) -> None:
    with pytest.raises(LookupError, match="no such receipt"):
        confirmed(Choosy, lambda: Done("odd"), asynchronous=asynchronous)


def test_who_asks_for_faults_is_told_of_an_actions_too() -> None:
    told: list[Exception] = []
    confirmed(Pay, FAILS, on_fault=lambda fault, _: told.append(fault)).expect(status="unknown")
    assert list(map(type, told)) == [Lost]


@both_sides
@pytest.mark.parametrize("script", [ACCEPTS, FAILS])
def test_what_came_of_an_open_effect_is_said_and_the_member_hears_it(asynchronous: bool, script: str) -> None:
    chat = confirmed(Pay, script, asynchronous=asynchronous)
    chat.resolve(Done("R-1"), reason="the bank called").expect(step="note", heard="A note?")
    assert chat.data["payment"] == "R-1"
    assert "(it is said from outside what came of ama’s action: done)" in chat.transcript
    assert [entry.reason for entry in chat.history if entry.event_type == "effect_resolved"] == ["the bank called"]
    chat.say("thanks").expect(status="completed", heard="Paid: R-1.")


@both_sides
def test_an_open_effect_that_is_refused_asks_again_and_the_member_reads_why(asynchronous: bool) -> None:
    chat = confirmed(Pay, ACCEPTS, asynchronous=asynchronous)
    chat.resolve(EffectRefused("The account is closed.")).expect(
        step="confirm", heard="The account is closed.\n\nPay 5?"
    )
    assert "action: refused)" in chat.transcript


def test_what_is_said_of_one_members_effect_is_heard_by_that_member_where_they_wrote_last() -> None:
    chat = confirmed(Pay, ACCEPTS, member_id="m1")
    other = chat.member("kofi", member_id="m2").say("7").tap("yes")
    elsewhere = chat.on("web")
    elsewhere.say("and?").expect(status="working")
    before = (chat.replies[:], other.replies[:])
    chat.resolve(Done("R-1"))
    assert (chat.replies, other.replies) == before
    elsewhere.expect(heard="A note?")


@both_sides
@pytest.mark.parametrize("script", [(), (REFUSES,)])
def test_nothing_can_be_said_of_an_effect_where_none_is_open(asynchronous: bool, script: tuple[str, ...]) -> None:
    for chat in (Chat(Pay, services=Bank(), asynchronous=asynchronous), confirmed(Pay, *script)):
        with pytest.raises(ValueError, match="no effect of ama is open"):
            chat.resolve(Done("R-1"))


@both_sides
def test_what_a_flow_raises_at_what_is_said_comes_out_and_the_effect_is_open_still(asynchronous: bool) -> None:
    chat = confirmed(Choosy, ACCEPTS, asynchronous=asynchronous)
    with pytest.raises(LookupError, match="no such receipt"):
        chat.resolve(Done("odd"))
    chat.resolve(Done("even")).expect(step="note")
    chat = confirmed(Choosy, ACCEPTS, asynchronous=asynchronous, apologises=True)
    with pytest.raises(OutcomeNotTaken):
        chat.resolve(Done("odd"))


def test_what_is_no_outcome_is_not_taken() -> None:
    with pytest.raises(TypeError):
        confirmed(Pay, ACCEPTS).resolve(Accepted())  # type: ignore[arg-type]  # what is wrong is the test

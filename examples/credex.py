"""Four flows of one class that builds its steps in ``__init__``, with bound methods.

It shows the other way of writing a flow: where the steps depend on the flow type, or on what an application knows of
the member, ``steps`` cannot stand in the class. Such a class is constructed as ``(flow_type, state)`` for every
message, so what it does in ``__init__`` should be cheap; instances whose steps have the same shape share a machine.

It is registered once for each flow type, and started by the flow type with spaces: "credex offer".

What can be accepted, declined or cancelled is what stands open for this member at this moment: the step's options are
a callable that asks the book. Until the member has confirmed it the flows only look; then the `Action` acts. The book
does nothing twice for one effect id, so a worker that takes over runs it again (``idempotent``); and where the credex
was gone by then, it refuses (`EffectRefused`), and the member is asked again.
"""

from __future__ import annotations

from typing import Any, ClassVar

from examples.credex_book import GONE, Book, Credex
from examples.offer import Money, is_handle, money_from
from fsmflow import Action, Buttons, Done, Flow, ListMenu, Option, Refused, Step, StepType, Text, templates

# What is done to a credex, and what it is when it was done, by flow type.
ACTIONS = {
    "credex_accept": ("accept", "Credex accepted"),
    "credex_decline": ("decline", "Credex declined"),
    "credex_cancel": ("cancel", "Credex cancelled"),
}


class CredexFlow(Flow):
    """A member offers credex; or accepts, declines or cancels one that stands open."""

    book: ClassVar[Book] = Book.sample()  # an application puts its own here when it starts

    def __init__(self, flow_type: str, state: dict[str, Any] | None = None) -> None:
        state = state or {}
        member_id = state.get("member_id")
        self.channel_id = self._get_channel_identifier(state)

        steps = self._create_steps()
        super().__init__(f"{flow_type}_{member_id}", steps)

    def _create_steps(self) -> tuple[Step, ...]:
        if self.flow_type == "credex_offer":
            return (self._amount_step(), self._handle_step(), self._confirm_step(), self._action())
        return (self._credex_step(), self._confirm_step(), self._action())

    # -- the steps -----------------------------------------------------------------------------------------------------

    def _amount_step(self) -> Step:
        return Step(
            id="amount",
            type=StepType.TEXT,
            message=self._get_amount_prompt,
            validator=self._validate_amount,
            transformer=self._transform_amount,
            examples=("USD 100", "2500.50 zwg"),
            counterexamples=("a lot", "USD 0"),
        )

    def _handle_step(self) -> Step:
        form = "A handle has 3 to 30 letters, digits and underscores, and begins with a letter."
        return Step(
            id="handle",
            type=StepType.TEXT,
            message="To which handle?",
            validator=is_handle,
            refusal=templates.error(self, "Nobody can have that handle.", way_on=form).body,
            examples=("ama_k",),
            counterexamples=("ab",),
        )

    def _credex_step(self) -> Step:
        return Step(
            id="credex",
            type=StepType.LIST,
            message=self._get_credex_menu,
            options=self._get_options,
            when_empty="cancelled",
            empty_message=self._get_nothing_open,
            transformer=self._transform_credex,
        )

    def _confirm_step(self) -> Step:
        return Step(
            id="confirm",
            type=StepType.BUTTON,
            message=self._get_confirmation,
            # not "Decline": in a flow that declines a credex nobody would know what that does
            options=templates.confirm_or_decline("Yes", "No"),
            validator=self._validate_confirmation if self.flow_type in ACTIONS else None,
        )

    def _action(self) -> Action:
        return Action("carry_out", self._carry_out, idempotent=True)

    # -- what they say, take and do ------------------------------------------------------------------------------------

    def _get_amount_prompt(self) -> Text:
        return templates.prompt(self, "How much do you offer?", examples=("100", "USD 100"))

    def _validate_amount(self, value: str) -> bool:
        money_from(value)  # refuses in its own words
        return True

    def _transform_amount(self, value: str) -> Money:
        return money_from(value)

    def _get_credex_menu(self) -> ListMenu:
        action, _ = ACTIONS[self.flow_type]
        return templates.menu(self, f"Which credex do you want to {action}?", button="Show credex")

    def _get_options(self) -> list[Option]:
        return [Option(each.id, str(each.money), each.whose) for each in self._get_credex()]

    def _get_nothing_open(self) -> str:
        action, _ = ACTIONS[self.flow_type]
        return f"There is no credex that you could {action}."

    def _transform_credex(self, value: str) -> Credex:
        return {each.id: each for each in self._get_credex()}[value]  # kept whole: it is shown also when it is gone

    def _get_confirmation(self) -> Buttons:
        if self.flow_type == "credex_offer":
            return templates.confirmation(self, "Your offer", self._get_lines(), question="Send this offer?")
        action, _ = ACTIONS[self.flow_type]
        return templates.confirmation(self, "Your choice", self._get_lines(), question=f"Really {action} this credex?")

    def _validate_confirmation(self, value: str) -> bool:
        if value == "confirm" and self.data["credex"] not in self._get_credex():
            raise Refused(f"{GONE} Send back to choose another one.")
        return True

    def _carry_out(self) -> Done:
        self.book.carry_out(self.flow_type.removeprefix("credex_"), str(self.effect_id), self.member_id, self.data)
        return Done()

    def complete(self) -> Text:
        title = "Credex offered" if self.flow_type == "credex_offer" else ACTIONS[self.flow_type][1]
        return templates.receipt(self, title, self._get_lines())

    def _get_lines(self) -> list[tuple[str, str]]:
        if self.flow_type == "credex_offer":
            return [("Amount", str(self.data["amount"])), ("To", self.data["handle"])]
        chosen: Credex = self.data["credex"]
        return [("Credex", f"{chosen.money} {chosen.whose}")]

    def _get_credex(self) -> list[Credex]:
        return self.book.open_to(self.member_id, ACTIONS[self.flow_type][0])


flows = {
    "credex_offer": CredexFlow,
    "credex_accept": CredexFlow,
    "credex_decline": CredexFlow,
    "credex_cancel": CredexFlow,
}

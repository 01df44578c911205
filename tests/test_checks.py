"""The rules of `fsmflow check`: each is seen to fire, at its step, and to be silent over a flow that is good."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from typing import Any

import pytest

from fsmflow.action import Action
from fsmflow.channels import whatsapp
from fsmflow.checks.catalogue import RULES
from fsmflow.checks.findings import Finding, Severity
from fsmflow.checks.review import review_flows
from fsmflow.checks.rules import Rule
from fsmflow.discovery import FoundFlow
from fsmflow.errors import FlowDefinitionError, Refused
from fsmflow.flow import Flow
from fsmflow.messages import Buttons, ListMenu, Option, Text
from fsmflow.registry import Registry
from fsmflow.step import Route, Step, StepType, SubFlow
from tests.branching_flows import FLOWS

TEXT, BUTTON, LIST = StepType.TEXT, StepType.BUTTON, StepType.LIST
SECRET = "hunter2"


class GoodFlow(Flow):
    """Nothing is wrong with it: a branch, a secret that is kept as one, an answer that is parsed, words of its own."""

    flow_type = "good"
    keywords = ("good", "fine")

    def valid_amount(self, value: str) -> bool:
        if value.startswith("-"):
            raise Refused("Less than nothing?")
        return value.replace(".", "").isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    def confirmation(self) -> Buttons:
        return Buttons(f"{self.data['amount']:f} {self.data['currency']}?", header="Check")

    def complete(self) -> str:
        return f"Done: {self.data['amount']:f}."

    steps = (
        Step(
            id="amount",
            type=TEXT,
            message="How much? We never ask for your PIN.",
            validator=valid_amount,
            transformer=parse_amount,
            examples=("1.5", "20"),
            counterexamples=("-1", "much"),
        ),
        Step(
            id="currency",
            type=LIST,
            message=ListMenu("In what?", "Show", header="Currency"),
            options=(Option("usd", "US dollar", "of the United States"), Option("xau", "Gold", to="pin")),
        ),
        Step(id="name", type=TEXT, message="Your name?", examples=("Ama",)),
        Step(id="pin", type=TEXT, message="Your PIN?", examples=(SECRET,), sensitive=True),
        Step(
            id="sure",
            type=BUTTON,
            message=confirmation,
            options=(Option("yes", "Yes"), Option("no", "No", to="cancelled")),
        ),
    )


def found_in(*flows: type[Flow]) -> list[Finding]:
    return list(review_flows([FoundFlow(flow.flow_type, flow, flow.__module__, None) for flow in flows]).findings)


def made(*steps: Step, **attributes: Any) -> type[Flow]:
    """A flow of some steps; what else its class has is named."""
    return type("MadeFlow", (Flow,), {"flow_type": "made", "steps": steps, **attributes})


def text(**named: Any) -> Step:
    """A TEXT step with which nothing is wrong but what is named."""
    return Step(**{"id": "first", "type": TEXT, "message": "Well?", "examples": ("so",), **named})


def buttons(*titles: str, **named: Any) -> Step:
    options = tuple(Option(f"o{number}", title) for number, title in enumerate(titles))
    return Step(**{"id": "first", "type": BUTTON, "message": "Which?", "options": options, **named})


def rows(*titles: str, **named: Any) -> Step:
    return buttons(*titles, type=LIST, **named)


def broken(self: Flow) -> str:
    raise LookupError(SECRET, self.id)


def says(words: Any) -> Any:
    return lambda self: words if self.flow_type else None


def last_name(self: Flow) -> str:
    return f"Thank you, {self.data['middle_name']}."


def broken_handover(self: Flow, transcript: Any) -> str:
    raise LookupError(SECRET, self.id, transcript)


def shouted(self: Flow) -> str:
    return str(self.data["first"].upper())


async def awaited(value: str) -> bool:
    await asyncio.sleep(0)
    raise LookupError(value)


def hidden_coroutine(value: str) -> Any:
    return awaited(value)


async def awaited_words() -> str:
    await asyncio.sleep(0)
    return LONG


def as_set(value: str) -> Any:
    return {value}


def unannotated(value: str):  # type: ignore[no-untyped-def]  # the missing annotation is what is tested
    return Decimal(value)


def as_money(value: str) -> Decimal:
    return Decimal(value)


def refuse(value: str) -> bool:
    raise Refused(f"Not {value}.")


def accept(value: str) -> bool:
    return bool(value)


def fault_of_its_own(value: str) -> bool:
    raise LookupError(value)


def maybe(value: str) -> Any:
    return re.match(".", value)


LONG = "x" * 4097
Y21 = "y" * 21
_NOTHING: Any = None
A, B = "Pay from savings account one", "Pay from savings account two"

ROUTE = Route("second", when=fault_of_its_own)
ROUTED = [ROUTE]
NEXT = text(id="second")
BROKEN = text(id="second", message=broken)
LOUD = text(id="second", message=shouted)
OVER = text(validator=str.isalpha, counterexamples=("1",), max_attempts=2, on_exhausted="handover")

BAD: list[tuple[str, str | None, str, list[type[Flow]]]] = [
    # rule, step, words, flows
    ("title-limit", "first", f"whatsapp: the title {Y21!r} is 21 long, the limit is 20", [made(buttons(Y21))]),
    ("title-limit", "first", "is 25 long, the limit is 24", [made(rows("y" * 25))]),
    ("title-limit", "first", "is 22 long, the limit is 20", [made(buttons("\N{GRINNING FACE}" * 11))]),
    ("titles-alike", "first", f"whatsapp: the titles {A!r} and {B!r} are alike in their", [made(buttons(A, B))]),
    ("titles-alike", "first", "are alike in their first 24 characters", [made(rows(A, B.upper()))]),
    ("message-limit", "first", "the question: whatsapp: body is 4097 long, the lim", [made(text(message=LONG))]),
    ("message-limit", "first", "the question: whatsapp: body is 4097 long", [made(text(message=says(LONG)))]),
    ("message-limit", "second", "body is 1025", [made(text(), buttons("Yes", id="second", message=says("x" * 1025)))]),
    ("message-limit", "first", "whatsapp: rows is 11 long, the limit is 10", [made(buttons(*map(str, range(11))))]),
    ("message-limit", "first", "rows is 11 long", [made(rows(*map(str, range(11)), message=broken))]),
    ("message-limit", "first", "the refusal: whatsapp: body is 4097", [made(text(refusal=LONG))]),
    ("message-limit", "first", "footer is 61", [made(buttons("Yes", message=Buttons("?", footer="x" * 61)))]),
    ("message-limit", None, "the closing words (completed): whatsapp: body", [made(text(), complete=says(LONG))]),
    ("message-limit", "first", "cannot be sent to whatsapp: Attri", [made(text(message=says(Text(_NOTHING))))]),
    ("not-sensitive", "pin", "it seems to ask for a secret ('pin')", [made(text(id="pin"))]),
    ("not-sensitive", "first", "a secret ('password')", [made(text(message="What is your password?"))]),
    ("not-sensitive", "first", "a secret ('card number')", [made(text(message=says("Your card number?")))]),
    ("examples-missing", "first", "it has no examples", [made(text(examples=()))]),
    ("counterexamples-missing", "first", "a validator and no counterexamples", [made(text(validator=accept))]),
    ("example-refused", "first", "the example 'so' is refused: Not so.", [made(text(validator=refuse))]),
    ("example-refused", "first", "the example 'green' is refused", [made(buttons("Red", examples=("green",)))]),
    ("example-refused", "first", "the example 'abc' is refused", [made(text(transformer=as_money, examples=("abc",)))]),
    ("counterexample-accepted", "first", "'no' is accepted", [made(text(validator=accept, counterexamples=("no",)))]),
    ("answer-unstorable", "first", "example '1', a Decimal,", [made(text(transformer=unannotated, examples=("1",)))]),
    ("answer-unstorable", "first", "made of the option 'o0', a set,", [made(buttons("Yes", transformer=as_set))]),
    ("raises", "first", r"the question raises LookupError at tests.test_checks:broken:", [made(text(message=broken))]),
    ("raises", None, "the closing words (completed) raises LookupError at", [made(text(), complete=broken)]),
    ("raises", "first", "the example 'so' raises LookupError at", [made(text(validator=fault_of_its_own))]),
    ("raises", "first", "maybe returned Match", [made(text(validator=maybe))]),
    ("raises", "second", ", after any text at 'first'", [made(text(examples=()), text(id="second", message=broken))]),
    ("raises", "second", ", after the option 'o0'", [made(buttons("Yes"), text(id="second", message=last_name))]),
    ("raises", "first", "message must give words or a message, not int", [made(text(message=says(5)))]),
    ("raises", "first", "raises LookupError at tests.test_checks:awaited", [made(text(validator=awaited))]),
    ("raises", "first", "raises LookupError at tests.test_checks:awaited", [made(text(validator=hidden_coroutine))]),
    ("message-limit", "first", "body is 4097 long", [made(text(message=awaited_words))]),
    ("raises", "first", "the example 'so' raises LookupError at", [made(text(routes=ROUTE), text(id="second"))]),
    ("raises", "first", "maybe returned Match", [made(text(routes=Route("second", when=maybe)), text(id="second"))]),
    ("raises", "first", "'so' raises LookupError at", [made(text(), text(id="second", skip_when=broken))]),
    ("raises", "first", "through its flow raises LookupError", [made(SubFlow("first", GoodFlow, routes=ROUTED), NEXT)]),
    ("raises", "second", "after going through its flow at 'first'", [made(SubFlow("first", GoodFlow), BROKEN)]),
    ("raises", "second", ", after leaving it out at 'first'", [made(text(optional=True, examples=()), LOUD)]),
    ("raises", None, "the closing words (handover) raises LookupError", [made(OVER, handed_over=broken_handover)]),
    ("raises", None, "after the last attempt at it at 'first'", [made(OVER, handed_over=broken_handover)]),
    ("keyword-taken", None, "the keyword 'fine' also starts 'good'", [GoodFlow, made(text(), keywords=("FINE",))]),
    ("keyword-taken", None, "also starts 'made'", [made(text()), made(text(), flow_type="b", keywords=("made",))]),
    ("keyword-global", None, "'cancel' is also the global word for 'cancel'", [made(text(), keywords=("Cancel",))]),
    ("timeout-none", None, "its timeout is None", [made(text(), timeout=None)]),
]  # fmt: skip


def test_a_good_flow_has_no_findings() -> None:
    assert found_in(GoodFlow) == []


@pytest.mark.parametrize(("rule", "step", "words", "flows"), BAD)
def test_each_rule_finds_what_it_is_for_at_its_step(
    rule: str, step: str | None, words: str, flows: list[type[Flow]]
) -> None:
    told = [(found.step, found.words) for found in found_in(*flows) if found.rule == rule]
    assert len(told) == len(set(told))
    assert any(step == place and words in said for place, said in told), found_in(*flows)


def test_flows_that_branch_and_hold_others_are_gone_through_to_their_ends() -> None:
    found = [(each.class_name, each.step, each.rule) for each in found_in(*FLOWS)]
    assert found == [("Posted", "street", "examples-missing")]


def test_every_rule_has_been_seen_to_fire() -> None:
    assert {rule for rule, *_ in BAD} == {rule.name for rule in RULES}


def test_a_title_that_is_too_long_hides_nothing_else_of_its_question() -> None:
    options = (Option("y", "y" * 25), Option("z", "z" * 30, "d" * 73))
    step = rows(options=options)
    assert [found.words for found in found_in(made(step))] == [
        f"whatsapp: the title {'y' * 25!r} is 25 long, the limit is 24",
        f"whatsapp: the title {'z' * 30!r} is 30 long, the limit is 24",
        "the question: whatsapp: sections[0].rows[1].description is 73 long, the limit is 72",
    ]


def test_titles_of_just_the_limit_are_good() -> None:
    limits = whatsapp.limits
    assert limits.button_title is not None
    assert limits.row_title is not None
    assert found_in(made(buttons("y" * limits.button_title))) == []
    assert found_in(made(rows("y" * limits.row_title))) == []


def test_findings_are_the_same_where_an_event_loop_runs_already() -> None:
    async def within() -> list[Finding]:
        return found_in(made(text(validator=awaited)), GoodFlow)

    assert asyncio.run(within()) == found_in(made(text(validator=awaited)), GoodFlow)


def test_one_mistake_is_told_once_however_many_answers_lead_to_it() -> None:
    flow = made(text(examples=("one", "two")), buttons("A", "B", id="second", message=broken), complete=broken)
    assert [(found.rule, found.step, found.words.partition(", after ")[2]) for found in found_in(flow)] == [
        ("raises", "second", "the example 'one' at 'first'"),
        ("raises", None, "the option 'o0' at 'second'"),
    ]


def test_fixed_words_are_looked_at_where_no_example_leads() -> None:
    flow = made(text(validator=accept, examples=(), counterexamples=("",)), text(id="second", message=LONG))
    assert [(found.rule, found.step) for found in found_in(flow)] == [
        ("message-limit", "second"),
        ("examples-missing", "first"),
    ]


def test_each_option_is_tried_and_each_way_is_gone() -> None:
    def question(self: Flow) -> str:
        return {"o0": "Red?", "o2": "Blue?"}[self.data["first"]]

    flow = made(buttons("Red", "Green", "Blue"), text(id="second", message=question))
    (found,) = found_in(flow)
    assert found.words.endswith("after the option 'o1' at 'first'")


def test_words_are_looked_at_as_each_channel_is_told_them() -> None:
    def question(self: Flow) -> str:
        return "Well?" if self.channel.type == "whatsapp" else LONG

    def other_way_round(self: Flow) -> str:
        return LONG if self.channel.type == "whatsapp" else "Well?"

    assert found_in(made(text(message=question))) == []
    assert [found.rule for found in found_in(made(text(message=other_way_round)))] == ["message-limit"]


def test_the_answers_of_a_sensitive_step_are_in_no_finding_nor_are_the_words_of_what_was_raised() -> None:
    secret = text(sensitive=True, validator=refuse, examples=(SECRET, "other"), counterexamples=("",))
    told = found_in(made(secret, text(id="second", message=broken)), made(text(message=broken), flow_type="other"))
    assert [found.words for found in told if found.rule == "example-refused"] == [
        "the example 1 is refused",
        "the example 2 is refused",
    ]
    assert any(found.rule == "raises" for found in told)
    assert SECRET not in str(told)
    unstorable = found_in(made(text(sensitive=True, transformer=as_set, examples=(SECRET,)), flow_type="third"))
    assert [found.rule for found in unstorable] == ["answer-unstorable"]
    assert SECRET not in str(unstorable)


def test_a_choice_and_a_sensitive_step_are_not_taken_for_an_open_secret() -> None:
    asked = "Forgot your PIN?"
    assert found_in(made(buttons("Yes", id="pin", message=asked), text(id="code", message=asked, sensitive=True))) == []


def test_an_answer_that_comes_back_needs_no_annotation() -> None:
    assert found_in(made(text(transformer=lambda value: value.upper()))) == []
    assert found_in(made(text(transformer=as_money, examples=("1.5",)))) == []


def test_what_leaves_the_process_is_a_finding_and_not_the_end_of_the_check() -> None:
    def leave(value: str) -> bool:
        raise SystemExit(len(value) - 2)

    assert [found.rule for found in found_in(made(text(validator=leave, counterexamples=("no",))))] == ["raises"]


def test_keywords_are_compared_as_they_are_typed_and_each_flow_is_told_of_those_before_it() -> None:
    first, second = made(text(), keywords=("Send  Money",)), made(text(), flow_type="b", keywords=("send money",))
    (found,) = found_in(first, second)
    assert (found.flow_type, found.words) == ("b", "the keyword 'send money' also starts 'made'")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_says_in_a_sentence_what_it_finds(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z].+\.", rule.summary)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)


def test_what_a_runner_refuses_is_an_error() -> None:
    graves = {rule.name: rule.severity for rule in RULES}
    assert graves["keyword-taken"] is Severity.ERROR
    with pytest.raises(FlowDefinitionError):
        Registry.of([GoodFlow, made(text(), keywords=("good",))])


class Paying(Flow):
    """What an action gives is said at the end."""

    flow_type = "paying"

    def pay(self) -> Any:
        raise AssertionError("no effect is run by who only looks")

    def complete(self) -> str:
        return f"Paid: {self.data['pay'] + 1}."

    steps = (Step(id="amount", type=TEXT, message="How much?", examples=("1",)), Action("pay", pay, example=4))


def test_what_comes_after_an_action_is_looked_at_with_its_example_and_no_effect_is_run() -> None:
    assert found_in(Paying) == []
    lacking = type("Lacking", (Paying,), {"steps": (Paying.steps[0], Action("pay", Paying.pay))})
    [finding] = found_in(lacking)
    assert (finding.rule, finding.step) == ("raises", None)
    assert "the closing words (completed) raises TypeError" in finding.words

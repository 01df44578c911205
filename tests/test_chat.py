"""The simulator: what members do, what happens to their messages, what is expected, and what a failure shows."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings

from examples.credex import flows as credex_flows
from examples.offer import OfferFlow
from fsmflow import ApprovedTemplate, Channel, Flow, Location, Media, NewerState, Option, Step, StepType, Text, Words
from fsmflow.testing import Chat, Path, paths_of
from tests.branching_flows import Posted
from tests.signing_in import PIN, Door, SignIn, Transfer
from tests.talking import SECRET, Offer, Order

JUDGED: list[str] = []


class Judging(Offer):
    """Tells what it was asked to judge."""

    def valid_amount(self, value: str) -> bool:
        JUDGED.append(value)
        return value.isdigit()


class Awaited(Flow):
    """The offer again, every callable of it awaited."""

    flow_type = "offer"

    async def valid_amount(self, value: str) -> bool:
        await asyncio.sleep(0)
        JUDGED.append(value)
        return value.isdigit()

    async def parse_amount(self, value: str) -> Decimal:
        await asyncio.sleep(0)
        return Decimal(value)

    async def confirmation(self) -> str:
        await asyncio.sleep(0)
        return f"Offer {self.data['amount']} to {self.data['handle']}?"

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How much?",
            validator=valid_amount,
            transformer=parse_amount,
            refusal="An amount has digits only.",
            examples="100",
            counterexamples="much",
        ),
        Step(id="handle", type=StepType.TEXT, message="To which handle?"),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled")),
        ),
    )

    async def complete(self) -> str:
        await asyncio.sleep(0)
        return "The offer is made."


class Locked(Flow):
    """Asks for a PIN, and quotes it."""

    flow_type = "locked"

    def valid_pin(self, value: str) -> bool:
        return value == SECRET

    def quoted(self) -> str:
        return f"Your PIN was {self.data['pin']}, wasn't it?"

    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", validator=valid_pin, sensitive=True),
        Step(id="sure", type=StepType.TEXT, message=quoted),
    )


class Broken(Flow):
    """Fails at some answers."""

    flow_type = "broken"

    def known(self, value: str) -> bool:
        raise LookupError(f"no {value}")

    steps = (Step(id="name", type=StepType.TEXT, message="Who?", validator=known),)


@pytest.fixture(params=[Judging, Awaited], ids=["called", "awaited"])
def flow(request: pytest.FixtureRequest) -> type[Flow]:
    JUDGED.clear()
    chosen: type[Flow] = request.param
    return chosen


DONE = {"amount": Decimal(100), "handle": "kofi", "confirm": "confirm"}


# -- what a member does -----------------------------------------------------------------------------------------------


def test_a_conversation_goes_the_whole_way_called_or_awaited(flow: type[Flow]) -> None:
    chat = Chat(flow)
    chat.expect(step="amount", status="in_progress", data={}, question="How much?", options=())
    chat.say("much").expect(status="refused", heard="An amount has digits only.\n\nHow much?", question="How much?")
    chat.say("100").expect(step="handle", data={"amount": Decimal(100)})
    chat.say("kofi").expect(question="Offer 100 to kofi?", options=("confirm", "decline"))
    chat.tap("confirm").expect(status="completed", step="completed", heard="The offer is made.", data=DONE)
    chat.expect(question=None, options=(), duplicate=False)
    assert chat.reply.data == DONE
    assert [entry.event_type for entry in chat.history][-1] == "complete"
    assert chat.state.flow_data is not None
    assert isinstance(chat.flow, flow)


def test_a_single_flow_is_begun_and_of_several_none_is_until_it_is_named() -> None:
    assert Chat(Offer).step == "amount"
    chat = Chat([Offer, Order])
    chat.expect(step=None, data={}, question=None, options=())
    chat.say("hello").expect(status="idle").say("offer").expect(step="amount")
    assert Chat([Offer, Order]).start(Order).step == "size"
    assert Chat([Offer, Order]).start("order").step == "size"
    assert Chat([Offer]).start().step == "amount"
    with pytest.raises(ValueError, match="name the flow to start: offer, order"):
        chat.start()


def test_a_mapping_of_flow_types_is_taken_as_a_runner_takes_it() -> None:
    chat = Chat(credex_flows).start("credex_accept")
    chat.tap("cx1002").expect(question=re.compile("USD 250 from kofi"), options=["Yes", "No"])


def test_a_tap_is_by_id_or_by_title_of_the_last_question_or_of_an_earlier_one() -> None:
    chat = Chat(Order).tap("yes")
    asked = chat.reply
    chat.expect(step="sure", data={"size": "yes"})
    chat.tap("Small").expect(status="refused", step="sure", heard=re.compile("belongs to an earlier question"))
    chat.tap("yes", of=chat.replies[0]).expect(status="refused", step="sure")
    chat.tap("no", of=asked).expect(status="completed", data={"size": "yes", "sure": "no"})
    assert "[Small] of an earlier question" in chat.transcript


def test_what_was_never_offered_cannot_be_tapped_and_it_is_said_what_was() -> None:
    chat = Chat(Order)
    with pytest.raises(AssertionError, match=r"(?s)no 'maybe' to tap: the last question offers yes, no.*Which size"):
        chat.tap("maybe")
    with pytest.raises(AssertionError, match="the last question offers nothing"):
        Chat(Offer).tap("yes")
    assert chat.expect(status="in_progress").step == "size"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (Media("image", link="https://example.org/a.png", caption="100"), "image"),
        (Media("sticker", id="s1"), "sticker"),
        (Location(6.5, -0.2, name="Accra"), "location"),
        ("contacts", "contacts"),
    ],
)
def test_something_else_than_words_is_sent_as_what_it_is(content: Any, kind: str) -> None:
    chat = Chat(Offer).send(content)
    chat.expect(status="refused", step="amount", heard=re.compile("answer with a text message"))
    assert f"<{kind}>" in chat.transcript


def test_words_may_be_sent_too_and_what_only_a_bot_sends_may_not() -> None:
    assert Chat(Offer).send(Text("100")).step == "handle"
    with pytest.raises(TypeError, match="a member cannot send a ApprovedTemplate"):
        Chat(Offer).send(ApprovedTemplate("hello", "en"))
    Chat(Offer).send("reaction").expect(status="ignored", heard="", step="amount")


def test_a_message_that_was_long_on_its_way_is_told_by_its_date() -> None:
    chat = Chat(Offer).wait(minutes=1).say("100")
    chat.say("200", sent_at=chat.now - timedelta(seconds=30))
    chat.expect(status="refused", step="handle", data={"amount": Decimal(100)})


# -- what happens -----------------------------------------------------------------------------------------------------


def test_time_passes_by_the_word_only() -> None:
    chat = Chat(Offer).wait(minutes=5).say("100").expect(step="handle")
    chat.wait(minutes=5, seconds=1).say("kofi").expect(step="expired", status="expired")
    chat.expect(options=("continue", "restart")).tap("continue").expect(step="handle", data={"amount": Decimal(100)})
    with pytest.raises(ValueError, match="forwards only"):
        chat.wait(minutes=-1)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_becomes_due_while_time_passes_is_done_at_its_moment(asynchronous: bool) -> None:
    class Reminding(Offer):
        steps = (evolve(Offer.steps[0], reminder=timedelta(minutes=1)), *Offer.steps[1:])

    chat = Chat(Reminding, asynchronous=asynchronous)
    chat.wait(seconds=59)
    assert len(chat.replies) == 1
    chat.wait(seconds=1).expect(heard=re.compile("^Are you still there"), step="amount")
    chat.wait(minutes=3, seconds=59).expect(step="amount")
    chat.wait(seconds=1).expect(step="expired")
    assert len(chat.replies) == 2
    assert "(the silence closes the conversation of console:ama)" in chat.transcript


def test_a_message_that_is_delivered_again_gets_the_same_answer_and_counts_once(flow: type[Flow]) -> None:
    chat = Chat(flow).say("100")
    first = chat.reply
    chat.redeliver().expect(duplicate=True, step="handle", data={"amount": Decimal(100)})
    assert chat.reply.messages == first.messages
    assert JUDGED == ["100"]
    with pytest.raises(AssertionError, match="no message to deliver again"):
        Chat([flow]).redeliver()


def test_a_worker_that_dies_before_its_commit_has_decided_nothing(flow: type[Flow]) -> None:
    chat = Chat(flow).crash().say("100")
    chat.expect(status="in_progress", step="handle", data={"amount": Decimal(100)}, duplicate=False)
    assert JUDGED == ["100", "100"]
    assert [entry.event_type for entry in chat.history].count("transition") == 1


def test_a_worker_that_dies_after_its_commit_has_decided_all(flow: type[Flow]) -> None:
    chat = Chat(flow).crash(committed=True).say("100")
    chat.expect(status="in_progress", step="handle", data={"amount": Decimal(100)}, duplicate=True)
    assert chat.heard == "To which handle?"
    assert JUDGED == ["100"]


@pytest.mark.parametrize("committed", [False, True])
def test_a_worker_dies_of_one_message_of_the_member_and_its_successor_is_another(*, committed: bool) -> None:
    chat = Chat(Offer)
    bob = chat.member("bob")
    worker = chat._world.worker.runner
    chat.crash(committed=committed)
    bob.say("7").expect(step="handle", duplicate=False)
    assert chat._world.worker.runner is worker
    chat.say("100").expect(step="handle")
    assert chat._world.worker.runner is not worker
    assert chat._world.worker.runner.manager is not worker.manager
    chat.say("kofi").expect(step="confirm", duplicate=False)


def test_a_worker_can_die_of_a_duplicate_and_of_a_flow_that_is_started() -> None:
    chat = Chat(Offer).say("100").crash().redeliver().expect(duplicate=True, step="handle")
    chat.crash().start().expect(step="amount", data={})
    assert chat.transcript.count("the worker dies before its commit") == 2


def test_other_code_is_deployed_on_the_same_store() -> None:
    class Newer(Offer):
        revision = 1

        def confirmation(self) -> str:
            return "Really?"

    chat = Chat(Offer).say("100").deploy(Newer).say("kofi").expect(question="Really?", data={
        "amount": Decimal(100), "handle": "kofi",
    })  # fmt: skip
    with pytest.raises(NewerState):
        chat.deploy(Offer).tap("confirm")
    assert "nothing is decided: NewerState" in chat.transcript
    chat.deploy([Newer]).tap("confirm").expect(status="completed")


# -- who is there -----------------------------------------------------------------------------------------------------


def test_members_share_the_store_the_time_and_the_transcript_and_nothing_else() -> None:
    chat = Chat(Offer).say("100")
    bob = chat.member("bob").expect(step="amount", data={})
    bob.say("7")
    chat.expect(data={"amount": Decimal(100)})
    chat.wait(minutes=6)
    bob.say("8").expect(status="expired")
    assert (chat.member_id, bob.member_id) == ("console:ama", "console:bob")
    assert chat.transcript == bob.transcript
    told = r"(?s)ama  100.*bob  7\n.*5 minutes later.*the silence closes.*1 minute later.*bob  8"
    assert re.search(told, chat.transcript)


def test_what_is_delivered_again_is_the_members_own_last_message() -> None:
    chat = Chat([Offer]).say("offer").say("100")
    bob = chat.member("bob").say("order")
    chat.redeliver().expect(duplicate=True, heard="To which handle?")
    with pytest.raises(AssertionError, match="bob: status"):
        bob.redeliver().expect(status="completed", duplicate=False)
    with pytest.raises(AssertionError, match="no message to deliver again"):
        chat.member("kofi").redeliver()


def test_the_same_member_may_go_on_by_another_channel() -> None:
    chat = Chat(Offer, channel=Channel("whatsapp", "15550001111"), member_id="m1").say("100")
    chat.on("console").expect(step="handle").say("kofi").tap("confirm").expect(status="completed", data=DONE)
    assert chat.step == "completed"
    assert chat.state.channel == Channel("console", "ama")


def test_a_channel_has_its_own_rules() -> None:
    options = tuple(Option(f"o{number}", f"O{number}") for number in range(11))
    step = Step(id="which", type=StepType.BUTTON, message="Which?", options=options)
    wide = type("Wide", (Flow,), {"flow_type": "wide", "steps": (step,)})
    assert Chat(wide).say("2").data == {"which": "o1"}  # the console numbers them, and has no limits
    with pytest.raises(Exception, match="rows"):
        Chat(wide, channel="whatsapp")


def test_what_a_runner_takes_besides_is_handed_on() -> None:
    chat = Chat([Offer], words=Words(cancel="leave"), default=Offer).say("anything").expect(step="amount")
    chat.say("leave").expect(status="cancelled")


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_fault_of_a_flow_comes_out_and_nothing_is_decided() -> None:
    chat = Chat(Broken)
    with pytest.raises(LookupError, match="no kofi"):
        chat.say("kofi")
    chat.expect(step="name")
    assert "(the flow fails: LookupError)" in chat.transcript


def test_a_fault_of_a_flow_gets_an_apology_where_that_is_asked_for() -> None:
    Chat(Broken, apologises=True).say("kofi").expect(status="error", step="name", heard=re.compile("^Sorry"))
    told: list[Exception] = []
    Chat(Broken, on_fault=lambda fault, _: told.append(fault)).say("kofi").expect(status="error")
    assert [str(fault) for fault in told] == ["no kofi"]


# -- what is expected -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"step": "amount"}, "ama: step is 'confirm', not 'amount'"),
        ({"status": "completed"}, "ama: status is 'in_progress', not 'completed'"),
        ({"question": "Sure?"}, "ama: question is 'Offer 100 to kofi?', not 'Sure?'"),
        ({"question": re.compile("^Sure")}, "ama: question is 'Offer 100 to kofi?', in which '^Sure' is not found"),
        ({"question": None}, "ama: question is 'Offer 100 to kofi?', not None"),
        ({"heard": "Sure?"}, "ama: heard is 'Offer 100 to kofi?', not 'Sure?'"),
        ({"options": ["confirm"]}, "ama: options are ['confirm', 'decline'], not ['confirm']"),
        ({"options": ["Decline", "Confirm"]}, "ama: options are ['confirm', 'decline'], not ['Decline', 'Confirm']"),
        ({"data": {"amount": Decimal(100)}}, "'handle': 'kofi'}, not {'amount': Decimal('100')}"),
        ({"duplicate": True}, "ama: duplicate is False, not True"),
    ],
)
def test_what_is_otherwise_is_said_with_the_whole_conversation(expected: dict[str, Any], told: str) -> None:
    chat = Chat(Offer).say("much").say("100").say("kofi")
    with pytest.raises(AssertionError) as caught:
        chat.expect(**expected)
    assert told in str(caught.value)
    assert chat.transcript in str(caught.value)


def test_all_that_is_otherwise_is_said_at_once() -> None:
    with pytest.raises(AssertionError, match=r"(?s)step is 'amount'.*status is 'in_progress'.*How much"):
        Chat(Offer).expect(step="handle", status="completed", question="How much?")


def test_a_pattern_is_not_found_in_a_question_that_is_not_there() -> None:
    with pytest.raises(AssertionError, match="question is None"):
        Chat([Offer]).expect(question=re.compile("x*"))


def test_nothing_came_yet_is_said_where_something_is_asked_of_it() -> None:
    for look in ("reply", "status", "heard"):
        with pytest.raises(AssertionError, match="nothing was said yet"):
            getattr(Chat([Offer]), look)


def test_a_transcript_reads_as_the_conversation_did() -> None:
    chat = Chat(Offer).say("much").wait(minutes=2).say("100").crash().say("kofi").tap("Decline").redeliver()
    assert chat.transcript == (
        "12:00:00       (offer is started for ama)\n"
        "          bot  How much?\n"
        "               [in_progress, at amount]\n"
        "          ama  much\n"
        "          bot  An amount has digits only.\n"
        "\n"
        "               How much?\n"
        "               [refused, at amount]\n"
        "12:02:00       (2 minutes later)\n"
        "          ama  100\n"
        "          bot  To which handle?\n"
        "               [in_progress, at handle]\n"
        "          ama  kofi\n"
        "               (the worker dies before its commit; a new one gets the message again)\n"
        "          bot  Offer 100 to kofi?\n"
        "\n"
        "               1. Confirm\n"
        "               2. Decline\n"
        "               [in_progress, at confirm]\n"
        "          ama  [Decline]\n"
        "          bot  Cancelled.\n"
        "               [cancelled]\n"
        "               (ama’s last message is delivered again)\n"
        "          bot  Cancelled.\n"
        "               [cancelled, again]"
    )


def test_what_answers_a_sensitive_step_is_shown_nowhere() -> None:
    chat = Chat(Locked).say(f" {SECRET} ")
    chat.expect(heard=re.compile(SECRET), step="sure")  # the flow quotes it; that is its own affair
    refused = Chat(Locked).say("4321").say("cancel")
    for wrong in ({"data": {"pin": "4321"}}, {"heard": "4321"}, {"question": re.compile("4321")}):
        with pytest.raises(AssertionError) as caught:
            chat.expect(**wrong)
        assert SECRET not in str(caught.value)
        assert "[redacted]" in str(caught.value)
    assert SECRET not in chat.transcript
    assert "4321" not in refused.transcript
    assert "cancel\n" in refused.transcript
    assert "Your PIN was [redacted], wasn't it?" in chat.transcript


def test_what_was_made_of_a_sensitive_answer_is_not_shown_either() -> None:
    class Kept(Locked):
        def reversed_pin(self, value: str) -> str:
            return value[::-1]

        steps = (evolve(Locked.steps[0], transformer=reversed_pin), Locked.steps[1])

    with pytest.raises(AssertionError, match=r"data is {'pin': '\[redacted\]'}, not {}") as caught:
        Chat(Kept).say(SECRET).expect(data={})
    assert SECRET not in str(caught.value)


# -- paths ------------------------------------------------------------------------------------------------------------


# The questions of the offer, without the action after them, which is no member's doing.
Asking: type[OfferFlow] = type(
    "Asking", (OfferFlow,), {"steps": OfferFlow.steps[:3], "complete": OfferFlow.confirmation}
)


@pytest.mark.parametrize("path", [*paths_of(Asking).tour(), *paths_of(Awaited).tour()], ids=str)
def test_a_member_can_follow_every_path_of_a_tour(path: Path) -> None:
    assert Chat(path.flow).follow(path).step == path.moves[-1].dest


@settings(max_examples=25)
@given(paths_of(Asking).walks(longest=10))
def test_a_member_can_follow_a_random_walk(walk: Path) -> None:
    Chat(Asking).follow(walk).expect(step=walk.moves[-1].dest)


def test_a_path_that_leads_elsewhere_or_cannot_be_followed_is_told() -> None:
    path = paths_of(Asking).to("handle")
    with pytest.raises(AssertionError, match="step is 'amount', not 'handle'"):
        Chat(Offer).follow(path)
    lacking = Path(Offer, "offer", path.moves, "an example")
    with pytest.raises(AssertionError, match="cannot be tried: an example"):
        Chat(Offer).follow(lacking)
    cancel = next(each for each in paths_of(Asking).tour() if "cancel" in str(each.moves[-1]))
    with pytest.raises(AssertionError, match="nothing that a member does is called 'cancel'"):
        Chat(Asking, words=Words(cancel=())).follow(cancel)


# -- the event loop ---------------------------------------------------------------------------------------------------


def test_a_flow_that_is_called_can_be_awaited_and_what_is_awaited_is_so_on_one_loop() -> None:
    loops: list[Any] = []

    class Looking(Offer):
        def valid_amount(self, value: str) -> bool:
            loops.append(asyncio.get_running_loop())
            return value.isdigit()

    chat = Chat(Looking, asynchronous=True).say("much").crash().say("100")
    assert len(loops) == 3
    assert len(set(loops)) == 1
    chat.close()
    assert loops[0].is_closed()


def test_within_an_event_loop_it_is_said_that_a_conversation_has_its_own() -> None:
    async def talks(begin: Callable[[], Chat]) -> None:
        begin()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match="an event loop of its own"):
            asyncio.run(talks(lambda: Chat(Awaited)))
        gc.collect()
    asyncio.run(talks(lambda: Chat(Offer).say("100").expect(step="handle")))


@pytest.mark.filterwarnings("error")
def test_a_conversation_that_is_forgotten_leaves_nothing_open() -> None:
    loops: list[Any] = []

    class Looking(Awaited):
        async def valid_amount(self, value: str) -> bool:
            loops.append(asyncio.get_running_loop())
            return value.isdigit()

    Chat(Looking).say("100")
    gc.collect()
    assert loops[0].is_closed()


def test_what_is_sensitive_in_a_flow_within_is_in_no_transcript_and_no_failure() -> None:
    chat = Chat(Posted).tap("zw").say("skip").tap("zw").say("Ama").say("Boateng")
    assert "Boateng" not in chat.transcript
    with pytest.raises(AssertionError) as failed:
        chat.expect(data={})
    assert "Boateng" not in str(failed.value)
    assert chat.data["name"] == {"first": "Ama", "last": "Boateng"}
    chat.close()


def test_a_member_whom_the_authenticator_knows_by_another_id_is_seen_under_that_one() -> None:
    door = Door()
    chat = Chat((SignIn, Transfer), authenticator=door, sign_in=SignIn).say("transfer").expect(step="pin").say(PIN)
    door.lets_in(chat.channel)
    chat.say("5").expect(step="handle", data={"amount": Decimal(5)})
    assert (chat.member_id, chat.state.member_id) == ("ann", "ann")


def test_what_is_sensitive_is_in_no_transcript_also_of_a_member_with_another_id() -> None:
    door = Door()
    chat = Chat((SignIn, Transfer), authenticator=door, sign_in=SignIn).say("sign in")
    door.lets_in(chat.channel)
    chat.say("cancel").say("sign in").say("9753").expect(step="pin", status="refused")
    assert "9753" not in chat.transcript

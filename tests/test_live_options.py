"""Options that live: given by a callable of the flow when they are shown, and again when the answer is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger
from redis import Redis

from fsmflow import (
    BadOptions,
    Channel,
    Flow,
    FlowDefinitionError,
    FlowFault,
    NoOptions,
    Option,
    Section,
    Sentences,
    Step,
    StepType,
    SubFlow,
)
from fsmflow.choices import OPTIONS_LIMIT
from fsmflow.messages import Buttons, ListMenu, Text
from fsmflow.wording import folded
from tests.on_offer import Shelf, accepting, asked, fits, in_two, offers, own_ids, titles, turns
from tests.talking import CONSOLE, WHATSAPP, Talk, in_memory, words

pytestmark = pytest.mark.usefixtures("side")

CHOOSE, GONE = "Please choose one of the options.", "That is not on offer any more."
SORRY = Sentences().apology
BOTH = pytest.mark.parametrize("channel", [CONSOLE, WHATSAPP], ids=lambda channel: channel.type)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The logs of hundreds of turns would bury the one conversation that a failure shows."""
    logger.disable("fsmflow")
    yield
    logger.enable("fsmflow")


# -- shown and judged -------------------------------------------------------------------------------------------------


def test_what_the_callable_gives_is_shown_and_what_is_chosen_of_it_is_kept(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [accepting(Shelf(offers(3)))], channel=WHATSAPP)
    assert titles(talk.says("accept")) == ["Offer 1", "Offer 2", "Offer 3"]
    assert talk.taps("Offer 2").step_id == "sure"
    assert talk.data == {"offer": "id2"}


def test_an_async_callable_is_awaited(any_redis: Redis, prefix: str, side: str) -> None:
    if side == "sync":
        with pytest.raises(FlowDefinitionError, match="pending_offers_later must be awaited"):
            in_memory([accepting(Shelf(offers(3)), awaited=True)])
        return
    talk = Talk(any_redis, prefix, [accepting(Shelf(offers(3)), awaited=True)])
    assert titles(talk.says("accept")) == ["Offer 1", "Offer 2", "Offer 3"]
    assert talk.says("3").step_id == "sure"


@BOTH
def test_an_answer_is_judged_by_what_is_on_offer_when_it_comes(channel: Channel) -> None:
    shelf = Shelf(offers(3))
    talk = in_memory([accepting(shelf)], channel=channel)
    first = talk.says("accept")
    shelf.on_offer = [Option("new", "Newest"), *offers(1)]
    reply = talk.taps("Offer 2", of=first)
    assert (words(reply), reply.status) == (f"{GONE}\n\nWhich offer?", "refused")
    assert titles(reply) == ["Newest", "Offer 1"]
    assert talk.taps("Offer 1", of=first).step_id == "sure"  # its id is what it was, wherever it stands
    assert talk.data == {"offer": "id1"}


def test_what_came_since_can_be_typed_although_it_was_not_shown() -> None:
    shelf = Shelf(offers(1))
    talk = in_memory([accepting(shelf)], channel=WHATSAPP)
    talk.says("accept")
    shelf.on_offer = offers(2)
    assert talk.says("offer 2").step_id == "sure"


def test_the_callable_is_asked_once_a_message(any_redis: Redis, prefix: str) -> None:
    shelf = Shelf(offers(30))
    talk = Talk(any_redis, prefix, [accepting(shelf)], channel=WHATSAPP)
    for message in ("accept", "nonsense", "help", "more", "Back", "offer 7", "back", "cancel"):
        before = shelf.looked
        talk.says(message)
        assert shelf.looked == before + 1, message  # also of "cancel": an option might be called that
    talk.says("accept")
    before = shelf.looked
    talk.says("restart")
    assert shelf.looked == before + 2  # is an option called that; and what does the new run offer


def test_at_another_question_nobody_looks() -> None:
    shelf = Shelf(offers(3))
    talk = in_memory([accepting(shelf)])
    talk.says("accept", "1")
    before = shelf.looked
    talk.says("eh", "yes")
    assert shelf.looked == before


def test_a_validator_and_a_transformer_get_the_id_and_a_refusal_asks_again() -> None:
    def valid(value: str) -> bool:
        return value != "id1"

    flow = accepting(Shelf(offers(3)), validator=valid, transformer=str.upper, refusal="Not that one.")
    talk = in_memory([flow])
    talk.says("accept")
    assert words(talk.says("1")) == "Not that one.\n\nWhich offer?"
    talk.says("2")
    assert talk.data == {"offer": "ID2"}


def test_a_flow_in_memory_takes_an_id_or_a_title_and_looks_anew_each_time() -> None:
    shelf = Shelf(offers(2))
    flow = accepting(shelf)()
    shelf.on_offer = offers(3)
    assert flow.question == ListMenu("Which offer?", sections=(Section("", tuple(offers(3))),))
    shelf.on_offer = offers(4)
    assert flow.may("submit", "id4")
    assert not flow.may("submit", "id5")
    refused = flow.process_input("id5")
    assert isinstance(refused, ListMenu)
    assert (refused.body, len(refused.sections[0].options)) == (f"{CHOOSE}\n\nWhich offer?", 4)
    flow.process_input("id4")
    assert (flow.state, flow.data) == ("sure", {"offer": "id4"})


# -- pages ------------------------------------------------------------------------------------------------------------


@BOTH
def test_ten_are_one_page_and_eleven_are_two(channel: Channel) -> None:
    for count, shown in ((10, 10), (11, 9)):
        talk = in_memory([accepting(Shelf(offers(count)))], channel=channel)
        reply = talk.says("accept")
        assert len(own_ids(reply)) == shown
        assert list(turns(reply)) == (["More"] if count == 11 else [])


def test_pages_are_turned_by_taps_and_by_words_and_numbers_stay_the_same(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [accepting(Shelf(offers(25)))])
    talk.says("accept")
    second = talk.says("MORE")
    message = asked(second)
    assert isinstance(message, ListMenu)
    assert (message.first, own_ids(second)[0], list(turns(second))) == (10, "id10", ["Back", "More"])
    assert own_ids(talk.taps("More"))[-1] == "id25"
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.page == 2
    assert words(talk.says("more")) == f"{CHOOSE}\n\nWhich offer?"  # on the last page it names nothing
    assert own_ids(talk.says("back"))[0] == "id10"  # what is on the screen means what it says there
    talk.taps("Back")
    assert words(talk.says("back")).startswith("This is the first question")
    assert talk.says("25").step_id == "sure"  # a number of another page
    assert talk.data == {"offer": "id25"}


def test_turning_a_page_is_no_answer_and_keeps_the_rows_of_the_page_before() -> None:
    talk = in_memory([accepting(Shelf(offers(25)))], channel=WHATSAPP)
    first = talk.says("accept")
    entries = talk.events
    assert talk.taps("More").status == "in_progress"
    assert talk.events == entries
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.validation is None
    assert talk.taps("Offer 1", of=first).step_id == "sure"


def test_a_page_that_is_delivered_again_is_the_same_page(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [accepting(Shelf(in_two(offers(12), [Option("old", "Oldest")])))], channel=WHATSAPP)
    talk.says("accept")
    inbound = talk.message("More", option_id=turns(talk.answered[-1][1])["More"], kind="option")
    first, again = talk.sends(inbound), talk.sends(inbound)
    assert again.duplicate
    assert again.messages == first.messages
    assert fits(again, WHATSAPP)


def test_a_refusal_stays_on_its_page_and_another_question_begins_at_the_first() -> None:
    talk = in_memory([accepting(Shelf(offers(25)))])
    talk.says("accept", "more")
    assert own_ids(talk.says("nonsense"))[0] == "id10"
    talk.says("10")
    assert own_ids(talk.says("back"))[0] == "id1"
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.page == 0


def test_a_page_that_is_not_there_any_more_is_the_last_one() -> None:
    shelf = Shelf(offers(40))
    talk = in_memory([accepting(shelf)], channel=WHATSAPP)
    talk.says("accept", "more", "more", "more")
    shelf.on_offer = offers(12)
    reply = talk.says("nonsense")
    assert (own_ids(reply), list(turns(reply))) == (["id10", "id11", "id12"], ["Back"])
    assert own_ids(talk.says("back"))[0] == "id1"


def test_a_row_that_turns_the_page_of_an_earlier_question_is_stale() -> None:
    talk = in_memory([accepting(Shelf(offers(25)))], channel=WHATSAPP)
    first = talk.says("accept")
    talk.says("offer 1")
    assert words(talk.taps("More", of=first)).startswith("That choice belongs to an earlier question.")


@pytest.mark.parametrize("page", ["99999", "-1", "", "1e3", "٣", "0x1"])
def test_a_forged_page_is_stale(page: str) -> None:
    talk = in_memory([accepting(Shelf(offers(25)))], channel=WHATSAPP)
    nonce = turns(talk.says("accept"))["More"].partition("+")[0]
    reply = talk.sends(talk.message("More", option_id=f"{nonce}+{page}", kind="option"))
    assert words(reply).startswith("That choice belongs to an earlier question.")


def test_no_id_of_an_application_can_be_that_of_a_row_that_turns_the_page() -> None:
    odd = [Option(name, f"Title {name}") for name in ("+1", "1", "0", "page", "more")]
    talk = in_memory([accepting(Shelf([*odd, *offers(10)]))], channel=WHATSAPP)
    for option in odd:
        talk.says("accept")
        talk.taps(option.title)
        assert talk.data == {"offer": option.id}
        talk.says("cancel")


def test_an_option_that_is_called_like_a_row_that_turns_wins_where_it_is_typed() -> None:
    talk = in_memory([accepting(Shelf([*offers(20), Option("most", "More")]))])
    talk.says("accept", "more")
    assert talk.data == {"offer": "most"}


def test_the_rows_that_turn_speak_the_bots_language() -> None:
    sentences = Sentences(more="Zaidi", fewer="Rudi")
    talk = in_memory([accepting(Shelf(offers(25)))], sentences=sentences)
    assert list(turns(talk.says("accept"))) == ["Zaidi"]
    assert list(turns(talk.says("zaidi"))) == ["Rudi", "Zaidi"]
    with pytest.raises(ValueError, match="'more' is a title"):
        Sentences(more="x" * 25)


def test_a_section_goes_on_under_its_title_on_the_next_page() -> None:
    talk = in_memory([accepting(Shelf(in_two(offers(12), [Option("old", "Oldest")])))], channel=WHATSAPP)
    message = asked(talk.says("accept"))
    assert isinstance(message, ListMenu)
    assert [(each.title, len(each.options)) for each in message.sections] == [("New", 9)]
    message = asked(talk.says("more"))
    assert isinstance(message, ListMenu)
    assert [(each.title, len(each.options)) for each in message.sections] == [("New", 3), ("Old", 1)]


# -- by channel -------------------------------------------------------------------------------------------------------


def test_three_are_buttons_and_four_are_a_list_on_whatsapp_and_a_menu_of_numbers_on_the_console() -> None:
    shelf = Shelf(offers(3))
    flow = accepting(shelf, kind=StepType.BUTTON)
    for channel, four in ((WHATSAPP, ListMenu), (CONSOLE, Buttons)):
        shelf.on_offer = offers(3)
        talk = in_memory([flow], channel=channel)
        assert isinstance(asked(talk.says("accept")), Buttons)
        shelf.on_offer = offers(4)
        reply = talk.says("restart")
        assert isinstance(asked(reply), four)
        assert fits(reply, channel)
        talk.taps("Offer 4")
        assert talk.data == {"offer": "id4"}


@pytest.mark.parametrize(
    "options",
    [
        [Option("a", "A title of 21 letters"), Option("b", "B")],
        [Option("a", "A", "and what it is"), Option("b", "B")],
        [Option("a", "Ann"), Option("b", "ANN")],
    ],
)
def test_what_buttons_would_not_show_whole_is_a_list(options: list[Option]) -> None:
    talk = in_memory([accepting(Shelf(options), kind=StepType.BUTTON)], channel=WHATSAPP)
    reply = talk.says("accept")
    assert isinstance(asked(reply), ListMenu)
    assert fits(reply, WHATSAPP)


def test_fixed_buttons_past_three_are_a_list_too() -> None:
    class Fixed(Flow):
        flow_type = "fixed"
        steps = (Step("which", StepType.BUTTON, Buttons("Which?", header="H", footer="F"), options=tuple(offers(4))),)

    talk = in_memory([Fixed], channel=WHATSAPP)
    message = asked(talk.says("fixed"))
    assert isinstance(message, ListMenu)
    assert (message.body, message.button, message.header, message.footer) == ("Which?", "Choose", "H", "F")
    assert talk.taps("Offer 4").status == "completed"


def test_fixed_options_may_stand_in_sections() -> None:
    class Fixed(Flow):
        flow_type = "fixed"
        steps = (Step("which", StepType.LIST, "Which?", options=in_two(offers(2), [Option("o", "Old", to="failed")])),)

    talk = in_memory([Fixed])
    message = asked(talk.says("fixed"))
    assert isinstance(message, ListMenu)
    assert [section.title for section in message.sections] == ["New", "Old"]
    assert talk.says("3").status == "failed"


LONG = "Accept the offer of two hundred credex from Ama"


def test_a_long_title_is_cut_and_stands_whole_in_the_description() -> None:
    given = [Option("a", LONG), Option("b", "Short", "its own"), Option("c", f"Other: {LONG}", "its own")]
    talk = in_memory([accepting(Shelf(given))], channel=WHATSAPP)
    reply = talk.says("accept")
    message = asked(reply)
    assert isinstance(message, ListMenu)
    shown = message.sections[0].options
    assert [(option.title, option.description) for option in shown] == [
        ("Accept the offer of two…", LONG),
        ("Short", "its own"),
        ("Other: Accept the offer…", f"Other: {LONG} – its own"),
    ]
    assert talk.says("accept the offer of two…").step_id == "sure"
    talk.says("back")
    assert talk.says(LONG.upper()).step_id == "sure"


def test_on_the_console_nothing_is_cut() -> None:
    talk = in_memory([accepting(Shelf([Option("a", LONG)]))])
    assert titles(talk.says("accept")) == [LONG]


def test_titles_that_look_alike_once_they_are_cut_number_the_whole_set() -> None:
    given = [Option("a", f"{LONG} and one"), Option("b", "Short"), Option("c", f"{LONG} and two")]
    talk = in_memory([accepting(Shelf(given))], channel=WHATSAPP)
    assert titles(talk.says("accept")) == ["1. Accept the offer of…", "2. Short", "3. Accept the offer of…"]
    for typed, chosen in (("3", "c"), ("2. short", "b"), ("short", "b"), (f"{LONG} and one", "a")):
        talk.says(typed)
        assert talk.data == {"offer": chosen}, typed
        talk.says("back")


@BOTH
def test_two_of_one_title_are_numbered_and_a_title_that_names_both_is_refused(channel: Channel) -> None:
    talk = in_memory(
        [accepting(Shelf([Option("a", "Ann"), Option("b", "Bob"), Option("c", " ANN ")]))], channel=channel
    )
    talk.says("accept")
    reply = talk.says("ann")
    assert words(reply).startswith("Several options are called that.")
    assert reply.status == "refused"
    assert (titles(reply) == ["1. Ann", "2. Bob", "3. ANN"]) is (channel is WHATSAPP)
    assert talk.says("3").step_id == "sure"
    assert talk.data == {"offer": "c"}


word = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())
title = word | st.sampled_from(["Ann", "ann", "1", "2. Ann", "More", "Back", "cancel", LONG, f"{LONG} too"])


@st.composite
def any_set(draw: st.DrawFn) -> Any:
    size = draw(st.integers(1, 5) | st.integers(8, 45))
    named = [Option(f"o{number}", draw(title), draw(st.just("") | st.text(max_size=90))) for number in range(size)]
    if not draw(st.booleans()):
        return named
    cut_at = draw(st.integers(0, size))
    return [Section(draw(word), named[:cut_at]), Section(draw(word), named[cut_at:])]


@pytest.mark.parametrize("kind", [StepType.BUTTON, StepType.LIST])
@BOTH
@given(on_offer=any_set(), pick=st.integers(0, 10**6))
def test_every_option_is_reached_through_pages_that_the_channel_takes_and_what_was_shown_is_what_is_chosen(
    channel: Channel, kind: StepType, on_offer: Any, pick: int
) -> None:
    everything = [each for item in on_offer for each in (item.options if isinstance(item, Section) else [item])]
    talk = in_memory([accepting(Shelf(on_offer), kind=kind)], channel=channel)
    reply = talk.says("accept")
    reached, shown = own_ids(reply), titles(reply)
    pages = [reply]
    while "More" in turns(reply):
        assert len(titles(reply)) <= 10
        more = turns(reply)["More"]
        reply = talk.sends(talk.message("More", option_id=more, kind="option"))
        reached += own_ids(reply)
        shown += titles(reply)
        pages.append(reply)
    assert all(fits(each, channel) for each in pages)
    assert reached == [option.id for option in everything]
    wanted = everything[pick % len(everything)]
    page = next(each for each in pages if wanted.id in own_ids(each))
    wire = dict(zip(own_ids(page), [o for s in _rows(page) for o in s], strict=False))[wanted.id]
    talk.sends(talk.message(wire.title, option_id=wire.id, kind="option"))
    assert talk.data == {"offer": wanted.id}
    talk.says("back")
    _types(talk, everything, wanted, wire.title, channel)


def _rows(reply: Any) -> list[tuple[Option, ...]]:
    message = asked(reply)
    return [message.options] if isinstance(message, Buttons) else [section.options for section in message.sections]  # type: ignore[union-attr]  # a question with options is one of the two


def _types(talk: Talk, everything: list[Option], wanted: Option, shown: str, channel: Channel) -> None:
    """Types what stands on the screen: it chooses what it names, or is refused where it names several."""
    typed = folded(shown)
    alike = [option for option in everything if folded(option.title) == typed]
    is_number = typed.isascii() and typed.isdigit() and int(typed) <= len(everything)
    if is_number and channel is CONSOLE:
        return  # a number means a place, whatever the titles are
    reply = talk.says(shown)
    if len(alike) > 1 and channel is CONSOLE:  # on WhatsApp what is shown is numbered then
        assert (reply.status, reply.step_id) == ("refused", "offer")
    else:
        assert talk.data == {"offer": wanted.id}


# -- nothing to choose from -------------------------------------------------------------------------------------------


def test_an_empty_set_is_a_fault_that_names_its_step_and_nothing_is_begun(any_redis: Redis, prefix: str) -> None:
    met: list[Exception] = []
    flow = accepting(Shelf([]))
    talk = Talk(any_redis, prefix, [flow], on_fault=lambda fault, _inbound: met.append(fault))
    reply = talk.says("accept")
    assert (words(reply), reply.status) == (SORRY, "error")
    assert talk.state.flow_data is None
    assert [type(fault) for fault in met] == [NoOptions]
    assert (met[0].flow, met[0].step) == ("Accept", "offer")  # type: ignore[attr-defined]  # it is a NoOptions
    with pytest.raises(NoOptions):
        _ = flow().question


def test_a_set_that_is_empty_later_leaves_the_run_as_it_was_and_comes_back() -> None:
    shelf = Shelf(offers(2))
    talk = in_memory([accepting(shelf)])
    talk.says("accept")
    before = talk.state.flow_data
    shelf.on_offer = []
    assert words(talk.says("1")) == SORRY
    assert talk.state.flow_data == before
    assert talk.says("cancel").status == "cancelled"
    shelf.on_offer = offers(2)
    assert talk.says("accept", "2").step_id == "sure"


def nothing_pending(self: Flow) -> str:
    return f"Nothing is pending for {self.member_id}."


@pytest.mark.parametrize("end", ["completed", "cancelled", "failed"])
def test_an_empty_set_ends_the_run_where_its_step_says_so_and_in_its_words(
    any_redis: Redis, prefix: str, end: str
) -> None:
    shelf = Shelf([])
    talk = Talk(any_redis, prefix, [accepting(shelf, when_empty=end, empty_message=nothing_pending)])
    reply = talk.says("accept")
    assert (words(reply), reply.status, reply.step_id) == ("Nothing is pending for console:ann.", end, end)
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.step_id == end
    assert ("transition", "success", end) in talk.events
    shelf.on_offer = offers(2)
    assert talk.says("accept").step_id == "offer"


def test_without_words_of_its_own_the_end_says_what_it_always_says() -> None:
    talk = in_memory([accepting(Shelf([]), when_empty="cancelled")])
    assert words(talk.says("accept")) == "Cancelled."


@BOTH
def test_where_the_last_row_is_gone_when_it_is_tapped_the_run_goes_on_as_its_step_says(channel: Channel) -> None:
    shelf = Shelf(offers(1))
    talk = in_memory([accepting(shelf, when_empty="sure", empty_message="All are taken.")], channel=channel)
    talk.says("accept")
    shelf.on_offer = []
    reply = talk.taps("Offer 1")
    assert (words(reply), reply.step_id) == ("All are taken.\n\nSure?", "sure")
    assert talk.data == {}
    assert talk.taps("Yes").status == "completed"


@pytest.mark.parametrize("said", ["help", "what?", "1", "more"])
def test_whatever_is_said_at_a_question_that_has_nothing_left_it_is_left(said: str) -> None:
    shelf = Shelf(offers(1))
    talk = in_memory([accepting(shelf, when_empty="sure")])
    talk.says("accept")
    shelf.on_offer = []
    assert words(talk.says(said)) == f"{GONE}\n\nSure?"


class Found(Flow):
    """A search between two questions: what is found lives, and there may be nothing."""

    flow_type = "found"
    shelf = Shelf()

    def found(self) -> Any:
        return self.shelf.give()

    steps = (
        Step("name", StepType.TEXT, "Which name?"),
        Step("which", StepType.LIST, "Which of these?", options=found, when_empty="other", empty_message="None found."),
        Step("other", StepType.TEXT, "What else?"),
    )


def test_back_from_behind_an_empty_question_leads_to_the_one_before_it_and_on_again(
    any_redis: Redis, prefix: str
) -> None:
    Found.shelf.on_offer = []
    talk = Talk(any_redis, prefix, [Found])
    talk.says("found")
    assert words(talk.says("Ann")) == "None found.\n\nWhat else?"
    assert talk.says("back").step_id == "name"
    assert words(talk.says("Bob")) == "None found.\n\nWhat else?"
    Found.shelf.on_offer = offers(2)
    talk.says("back")
    assert talk.says("Cid").step_id == "which"
    assert words(talk.says("2")) == "What else?"
    assert words(talk.says("back")) == "Your answer was: Offer 2\n\nWhich of these?"  # its title, not its id
    talk.says("2")
    Found.shelf.on_offer = []
    assert words(talk.says("back")) == "None found.\n\nWhat else?"
    assert talk.data == {"name": "Cid"}  # what was chosen once is no answer to what is on offer now
    assert talk.says("back").step_id == "name"


def test_a_run_behind_an_empty_question_goes_on_after_a_deploy(any_redis: Redis, prefix: str) -> None:
    longer = (*Found.steps, Step("last", StepType.TEXT, "And last?"))
    newer = type("Newer", (Found,), {"flow_type": "found", "steps": longer})
    Found.shelf.on_offer = []
    talk = Talk(any_redis, prefix, [Found])
    talk.says("found", "Ann")
    talk.deploys([newer])
    assert words(talk.says("something")) == "And last?"
    assert talk.says("back").step_id == "other"


class Within(Flow):
    """Holds the search as a step of its own."""

    flow_type = "within"
    steps = (Step("why", StepType.TEXT, "Why?"), SubFlow("search", Found), Step("sure", StepType.TEXT, "Sure?"))


def test_pages_and_choices_are_those_of_the_flow_within(any_redis: Redis, prefix: str) -> None:
    Found.shelf.on_offer = offers(25)
    talk = Talk(any_redis, prefix, [Within], channel=WHATSAPP)
    talk.says("within", "because", "Ann")
    second = talk.taps("More")
    assert own_ids(second)[0] == "id10"
    assert own_ids(talk.says("nonsense"))[0] == "id10"
    talk.taps("Offer 12", of=second)
    assert words(talk.says("x")) == "Sure?"
    assert talk.data["search"] == {"name": "Ann", "which": "id12", "other": "x"}


def test_a_flow_within_that_has_nothing_to_choose_from_goes_on_or_ends_as_its_step_says(
    any_redis: Redis, prefix: str
) -> None:
    Found.shelf.on_offer = []
    talk = Talk(any_redis, prefix, [Within])
    assert words(talk.says("within", "because", "Ann")) == "None found.\n\nWhat else?"
    assert talk.says("back").step_id == "search.name"
    for end, last in (("completed", "sure"), ("cancelled", "cancelled"), ("failed", "failed")):
        shelf = Shelf([])
        inner = accepting(shelf, when_empty=end, empty_message="None left.")
        steps = (Step("why", StepType.TEXT, "Why?"), SubFlow("search", inner), Step("sure", StepType.TEXT, "Sure?"))
        talk = Talk(any_redis, f"{prefix}-{end}", [type("Outer", (Flow,), {"flow_type": "outer", "steps": steps})])
        talk.says("outer")
        reply = talk.says("because")
        assert (words(reply), reply.step_id) == (
            "None left.\n\nSure?" if end == "completed" else "None left.",
            last,
        )


def test_a_run_that_waits_where_there_is_nothing_left_keeps_the_other_from_nothing() -> None:
    shelf = Shelf(offers(2))
    other = type("Other", (Flow,), {"flow_type": "other", "steps": (Step("a", StepType.TEXT, "A?"),)})
    talk = in_memory([accepting(shelf, when_empty="sure"), other])
    talk.says("accept", "other", "2")
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.flow_type == "other"
    shelf.on_offer = []
    assert talk.says("x").status == "completed"
    assert words(talk.says("hm")) == f"{GONE}\n\nSure?"


# -- what a callable may not give -------------------------------------------------------------------------------------

WRONG: list[tuple[Any, str]] = [
    (None, "options must give Option or Section objects, not NoneType"),
    ("abc", "options must give Option or Section objects, not str"),
    ({"a": "b"}, "options must give Option or Section objects, not dict"),
    ([("a", "A")], "options must give Option or Section objects, not tuple"),
    ([*offers(1), Section("S", ())], "options must give Option objects or Section objects, not both"),
    ([Option("", "A")], "option 1: an option id has 1 to 55 bytes"),
    ([Option("a" * 56, "A")], "option 1: an option id has 1 to 55 bytes"),
    ([Option("a\n", "A")], "option 1: an option id is a str without control characters"),
    ([Option(7, "A")], "option 1: an option id is a str without control characters"),  # type: ignore[arg-type]  # wrong on purpose
    ([Option("a", " ")], "option 1: an option needs a title"),
    ([Option("a", "A", None)], "option 1: a description is a str"),  # type: ignore[arg-type]  # wrong on purpose
    ([Option("a", "A"), Option("a", "B")], "option 2: its id is that of an option before it"),
    ([Option("a", "A", to="sure")], "option 1: an option that lives has no `to`: use the step's own ways on"),
    ([Section("", offers(1)), Section("S", [Option("x", "X")])], "a section needs a title where"),
    (offers(OPTIONS_LIMIT + 1), "at most 1000 options can be offered at once"),
]


@pytest.mark.parametrize(("given_options", "expected"), WRONG, ids=lambda value: value if type(value) is str else "")
def test_a_wrong_set_is_a_fault_of_the_flow_and_the_run_stands(given_options: Any, expected: str) -> None:
    met: list[Exception] = []
    shelf = Shelf(offers(2))
    talk = in_memory([accepting(shelf)], on_fault=lambda fault, _inbound: met.append(fault))
    talk.says("accept")
    before = talk.state.flow_data
    shelf.on_offer = given_options
    reply = talk.says("1")
    assert (words(reply), reply.status) == (SORRY, "error")
    assert talk.state.flow_data == before
    [fault] = met
    assert isinstance(fault, BadOptions)
    assert isinstance(fault, FlowFault)
    assert str(fault).startswith(f"Accept, step 'offer': {expected}")
    shelf.on_offer = offers(2)
    assert talk.says("2").step_id == "sure"


def test_what_is_wrong_with_a_set_is_told_without_its_ids_and_titles() -> None:
    shelf = Shelf([Option("S3CRET", "Hush"), Option("S3CRET", "Hush")])
    talk = in_memory([accepting(shelf)])
    talk.says("accept")
    [entry] = [entry for entry in talk.manager.history(talk.member_id) if entry.event_type == "error"]
    assert entry.reason == "Accept, step 'offer': option 2: its id is that of an option before it"


def test_a_member_can_leave_where_the_callable_raises() -> None:
    shelf = Shelf(offers(2))
    talk = in_memory([accepting(shelf)])
    talk.says("accept")
    shelf.on_offer = OSError("the bank is closed")
    assert words(talk.says("1")) == SORRY
    assert words(talk.taps("Offer 1", of=talk.answered[0][1])) == SORRY
    assert talk.says("cancel").status == "cancelled"


def test_a_generator_may_give_them_and_one_that_never_ends_is_stopped() -> None:
    def endless() -> Any:
        number = 0
        while True:
            number += 1
            yield Option(f"n{number}", f"N{number}")

    shelf = Shelf(iter(offers(2)))
    talk = in_memory([accepting(shelf)])
    assert titles(talk.says("accept")) == ["Offer 1", "Offer 2"]
    shelf.on_offer = endless()
    assert words(talk.says("1")) == SORRY


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"type": StepType.TEXT}, "a TEXT step has no options: use BUTTON or LIST"),
        ({"when_empty": "nowhere"}, "when_empty is 'nowhere', which is no step and no end of this flow"),
        ({"when_empty": "offer"}, "when_empty leads back to this step: nobody would ever be asked"),
        ({"empty_message": "None."}, "empty_message needs when_empty: where to go then"),
        ({"when_empty": "sure", "empty_message": " "}, "empty_message must not be empty"),
        ({"when_empty": "sure", "empty_message": 5}, "empty_message must be words, or a callable that gives them"),
        ({"options": str.replace}, "the options replace must take"),
        ({"options": offers(2), "when_empty": "sure"}, "when_empty and empty_message are for options that a callable"),
        ({"options": in_two(offers(1), [])}, "a section needs options"),
        ({"options": [*offers(1), Section("S", ())]}, "options holds Option objects or Section objects, not both"),
    ],
)
def test_a_step_that_is_written_wrongly_is_told_when_its_class_is_made(named: Mapping[str, Any], expected: str) -> None:
    written = {"id": "offer", "type": StepType.LIST, "message": "?", "options": lambda: offers(1), **named}
    with pytest.raises(FlowDefinitionError) as caught:
        type("Bad", (Flow,), {"flow_type": "bad", "steps": (Step(**written), Step("sure", StepType.TEXT, "Sure?"))})
    assert (caught.value.flow, caught.value.step) == ("Bad", "offer")
    assert caught.value.expected.startswith(expected)


def test_an_async_generator_is_told_when_its_class_is_made() -> None:
    async def each() -> Any:
        yield offers(1)[0]

    with pytest.raises(FlowDefinitionError, match="let it return a list, not yield"):
        type("Bad", (Flow,), {"flow_type": "bad", "steps": (Step("offer", StepType.LIST, "?", options=each),)})


# -- other ways of writing them ---------------------------------------------------------------------------------------


class Accounts(Flow):
    """Builds its steps itself; its options are a bound method, and another member's are others."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.bank = self._get_channel_identifier(state)
        steps = [
            Step("account", StepType.LIST, "Which account?", options=self.accounts),
            Step("sum", StepType.TEXT, "How much?"),
        ]
        super().__init__(f"{flow_type}_{state['member_id']}", steps)

    def accounts(self) -> list[Option]:
        return [Option(f"{self.bank}-{each}", f"Account {each} of {self.bank}") for each in "XY"]


def test_a_bound_method_of_a_flow_that_builds_its_steps_gives_its_own_members_options(
    any_redis: Redis, prefix: str
) -> None:
    for name in ("ann", "bob"):
        talk = Talk(any_redis, prefix, {"accounts": Accounts}, channel=Channel("console", name))
        assert titles(talk.says("accounts")) == [f"Account X of {name}", f"Account Y of {name}"]
        talk.says("2")
        assert talk.data == {"account": f"{name}-Y"}
    assert len(Accounts._shapes.definitions) == 1


def test_the_options_may_hang_on_the_answers_before_them() -> None:
    class Branches(Flow):
        flow_type = "branches"

        def branches(self) -> list[Option]:
            return [Option(f"{self.data['bank']}-{each}", f"{self.data['bank']} {each}") for each in ("North", "South")]

        steps = (
            Step("bank", StepType.TEXT, "Which bank?"),
            Step("branch", StepType.LIST, "Which branch?", options=branches),
        )

    talk = in_memory([Branches])
    talk.says("branches")
    assert titles(talk.says("First")) == ["First North", "First South"]
    assert talk.says("first south").status == "completed"
    assert talk.data["branch"] == "First-South"


def test_an_end_says_no_words_of_an_earlier_run() -> None:
    shelf = Shelf([])
    flow = accepting(shelf, when_empty="cancelled", empty_message="None.")()
    flow.process_input("x")
    assert flow.question == Text("None.")


@pytest.mark.parametrize(
    ("left", "asked"),
    [(2, "Your answer was: Offer 2\n\nWhich of these?"), (0, "None found.\n\nWhat else?")],
)
def test_who_goes_on_after_a_silence_meets_what_is_on_offer_now(
    any_redis: Redis, prefix: str, left: int, asked: str
) -> None:
    Found.shelf.on_offer = offers(2)
    talk = Talk(any_redis, prefix, [Found])
    talk.says("found", "Ann", "2", "back")
    talk.waits(minutes=6)
    talk.says("hello?")
    Found.shelf.on_offer = offers(left)
    assert words(talk.taps("Continue")) == asked

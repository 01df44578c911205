"""Options that live are made to fit whatever room a channel has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.channels.limits import Limits
from fsmflow.choices import OPTIONS_LIMIT, Offer
from fsmflow.menus import ALL_ROOM, Menu, menu_of, with_room
from fsmflow.messages import Buttons, ListMenu, Message, Option, Section, options_of
from fsmflow.wording import Sentences, folded

QUESTIONS: tuple[Buttons | ListMenu, ...] = (Buttons("?"), ListMenu("?"))
SENTENCES = Sentences(more="›", fewer="‹")  # noqa: RUF001 - short enough for the narrowest room

words = st.text(min_size=1, max_size=40).filter(lambda text: text.strip())
titles = words | st.sampled_from(["Ann", "ANN", "Ann Mensah of Accra", "Ann Mensah of Tema", "1", "3. Ann", "›"])  # noqa: RUF001 - as above


@st.composite
def any_offer(draw: st.DrawFn) -> Offer:
    named = [
        Option(f"o{number}", title, draw(st.just("") | st.text(max_size=60)))
        for number, title in enumerate(draw(st.lists(titles, min_size=1, max_size=40)))
    ]
    cut_at = draw(st.integers(0, len(named)))
    if cut_at in (0, len(named)):
        return Offer((Section("", named),))
    return Offer((Section(draw(words), named[:cut_at]), Section(draw(words), named[cut_at:])))


def any_limits() -> st.SearchStrategy[Limits]:
    limit = st.none() | st.integers(8, 40)

    def made(rows: int | None, **named: int | None) -> Limits:
        return Limits("odd", refuses_faulty=True, list_rows=rows, page_rows=rows, **named)  # type: ignore[arg-type]  # no limit of this name is a flag

    named = dict.fromkeys(("button_title", "row_title", "row_description", "section_title"), limit)
    return st.builds(made, st.none() | st.integers(3, 12), buttons=st.none() | st.integers(1, 4), **named)


def pages_of(menu: Menu, question: Buttons | ListMenu) -> list[Message]:
    return [menu.message(question, page) for page in range(len(menu.pages))]


def rows_of(message: Message) -> list[Option]:
    turns = message.turns if isinstance(message, ListMenu) else ()
    return [option for option in options_of(message) if option not in turns]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
@given(offer=any_offer(), limits=any_limits())
def test_the_channel_takes_every_page_and_the_pages_are_the_whole_set_in_order(
    question: Buttons | ListMenu, offer: Offer, limits: Limits
) -> None:
    menu = menu_of(offer, limits, SENTENCES, as_buttons=isinstance(question, Buttons))
    pages = pages_of(menu, question)
    for page in pages:
        limits.check(page)
    if any(isinstance(page, Buttons) for page in pages):
        pages = pages[:1]
    assert [option.id for page in pages for option in rows_of(page)] == [option.id for option in offer.options]


@given(offer=any_offer(), limits=any_limits(), as_buttons=st.booleans())
def test_what_is_shown_names_what_it_stands_for_and_no_two_look_alike(
    offer: Offer, limits: Limits, as_buttons: bool
) -> None:
    menu = menu_of(offer, limits, SENTENCES, as_buttons=as_buttons)
    shown = [folded(option.title) for option in menu.shown]
    assert len(set(shown)) == len(shown)
    for option, seen in zip(offer.options, menu.shown, strict=True):
        assert menu.named(seen.title, 0, by_number=False) == (option,)


@given(
    offer=any_offer(), limits=any_limits(), as_buttons=st.booleans(), by_number=st.booleans(), typed=st.text() | titles
)
def test_a_title_that_was_typed_names_every_option_that_is_called_so(
    offer: Offer, limits: Limits, as_buttons: bool, by_number: bool, typed: str
) -> None:
    menu = menu_of(offer, limits, SENTENCES, as_buttons=as_buttons)
    alike = offer.titled(folded(typed))
    named = menu.named(typed, 0, by_number=by_number)
    placed = offer.at(folded(typed)) if by_number or menu.numbered else None
    if placed is not None:
        assert named == (placed,)
    elif alike and folded(typed) not in {folded(option.title) for option in menu.shown}:
        assert named == alike


def test_where_nothing_is_known_of_a_channel_all_is_shown_at_once() -> None:
    offer = Offer((Section("", tuple(Option(f"o{number}", f"Title {number}") for number in range(OPTIONS_LIMIT))),))
    menu = menu_of(offer, ALL_ROOM, SENTENCES, as_buttons=False)
    assert menu.pages == ((0, OPTIONS_LIMIT),)
    assert menu.shown == offer.options


def test_numbers_and_cuts_are_counted_in_the_units_of_the_channel() -> None:
    smile = "\N{GRINNING FACE}"
    offer = Offer((Section("", (Option("a", smile * 20), Option("b", smile * 21))),))
    menu = menu_of(offer, Limits("odd", row_title=24), SENTENCES, as_buttons=False)
    assert [option.title for option in menu.shown] == [f"1. {smile * 10}…", f"2. {smile * 10}…"]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fixed_buttons_stay_what_they_are_as_far_as_there_is_room(count: int) -> None:
    question = Buttons("?", tuple(Option(str(number), "x" * 30) for number in range(count)), "H", "F")
    shown = with_room(question, Limits("odd", buttons=3), SENTENCES)
    if count <= 3:
        assert shown is question
    else:
        assert shown == ListMenu("?", "Choose", (Section("", question.options),), "H", "F")
    assert with_room(question, ALL_ROOM, SENTENCES) is question

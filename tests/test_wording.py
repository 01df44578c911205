from __future__ import annotations

import inspect
import re
import unicodedata
from datetime import timedelta
from string import Formatter
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.refusals import Refusals
from fsmflow.wording import Sentences, Words, folded, spoken

FILLED_IN = {
    "interrupted": {"keyword"},
    "earlier": {"answer"},
    "too_long": {"limit"},
    "help": {"words"},
    "expired": {"silence", "keyword"},
    "sign_in_left": {"keyword"},
    "offer": {"silence"},
    "idle": {"keywords"},
}


def own_sentences() -> dict[str, str]:
    """Those of `Sentences` itself; those of the ready validators are a value of their own."""
    return {name: said for name, said in attrs.asdict(Sentences(), recurse=False).items() if name != "refusals"}


def test_the_ready_validators_sentences_are_a_value_of_their_own() -> None:
    assert Sentences().refusals == Refusals()
    wrong: Any = "No."
    with pytest.raises(ValueError, match="'refusals' must be Refusals"):
        Sentences(refusals=wrong)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(st.characters(codec="ascii")), st.sampled_from([" ", "\n", "\t ", "\u00a0"]))
def test_case_and_white_space_do_not_tell_words_apart(text: str, space: str) -> None:
    spaced = space + text.replace(" ", space) + space
    assert folded(spaced.upper()) == folded(text.lower())


def test_sharp_s_is_the_same_in_both_cases() -> None:
    assert folded("STRASSE") == folded("straße")


@given(st.text(max_size=60))
def test_words_that_look_the_same_are_the_same_however_their_accents_were_typed(text: str) -> None:
    apart, composed = unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text)
    assert folded(apart) == folded(composed) == folded(text)


def test_accents_without_end_are_not_put_in_order() -> None:
    """That takes time by the square of their number, at a text that anybody may send."""
    assert folded("A" + "\u0301\u0316" * 300).startswith("a\u0301\u0316\u0301")


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        ("cancel", "cancel"),
        ("  CANCEL ", "cancel"),
        ("Back", "back"),
        ("restart", "restart"),
        ("help", "help"),
        ("Skip", "skip"),
        ("stop", None),  # on some channels it means "never write to me again"
        ("cancel it", None),
        ("", None),
    ],
)
def test_global_words_are_known_in_any_case(typed: str, meaning: str | None) -> None:
    assert Words().meaning(typed) == meaning


def test_words_can_be_others_and_be_switched_off() -> None:
    words = Words(cancel=("Ende", "Schluss  jetzt"), back=())
    assert words.meaning("ENDE") == "cancel"
    assert words.meaning("schluss jetzt") == "cancel"
    assert words.meaning("cancel") is None
    assert words.meaning("back") is None
    assert words.shown() == "ende, restart"


def test_a_lone_string_is_one_word_not_its_letters() -> None:
    words = Words(cancel="stop")
    assert words.meaning("stop") == "cancel"
    assert words.meaning("s") is None


def test_an_empty_word_does_not_make_every_picture_mean_it() -> None:
    assert Words(cancel=("", "  ", "leave")).meaning("") is None


def test_members_are_told_the_words_in_the_order_in_which_they_go_back() -> None:
    assert Words().shown() == "back, cancel, restart"


def test_each_sentence_has_the_fields_that_its_docstring_names_and_no_others() -> None:
    documented = str(inspect.getdoc(Sentences))
    for name, sentence in own_sentences().items():
        assert {found for _, found, _, _ in Formatter().parse(sentence) if found} == FILLED_IN.get(name, set())
        told = re.search(rf"^    {name}: (.*?)(?=^    \w+: |^$)", documented, re.DOTALL | re.MULTILINE)
        assert told is not None
        assert set(re.findall(r"``{(\w+)}``", told[1])) == FILLED_IN.get(name, set())


def test_no_sentence_is_empty_or_speaks_of_the_inside() -> None:
    for sentence in own_sentences().values():
        assert sentence.strip() == sentence
        assert sentence
        for word in ("step", "state", "exception", "error", "None", "flow"):
            assert word not in sentence.casefold().split()


@pytest.mark.parametrize("name", list(own_sentences()))
def test_a_sentence_that_says_nothing_or_has_fields_of_its_own_is_refused_by_name(name: str) -> None:
    wrong: list[Any] = ["", " \n", None, 7, b"Done.", "{unknown}", "{}", "{0}", "an open {brace", "a closed } brace"]
    wrong += [f"{{{known}{odd}}}" for known in FILLED_IN.get(name, ()) for odd in (".real", "[0]", ":{x}", "!z", ":%q")]
    for sentence in wrong:
        with pytest.raises(ValueError, match=f"the sentence {name!r} must"):
            Sentences(**{name: sentence})


def test_a_sentence_has_the_fields_of_no_other() -> None:
    for name, known in FILLED_IN.items():
        for other in set().union(*FILLED_IN.values()) - known:
            with pytest.raises(ValueError, match=name):
                Sentences(**{name: f"So: {{{other}}}"})  # type: ignore[arg-type] # a sentence that is a str


def test_a_sentence_may_format_its_fields_or_leave_them_out() -> None:
    sentences = Sentences(
        too_long="Höchstens {limit:,}.", expired="Zu spät.", help="{{{words}}}", choose="Bitte wählen."
    )
    assert sentences.too_long.format(limit=4096) == "Höchstens 4,096."
    assert sentences.help.format(words="back") == "{back}"


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(milliseconds=500), "0.5 seconds"),
        (timedelta(microseconds=1), "0.000001 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=10), "10 seconds"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=25), "25 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(weeks=2), "14 days"),
        (timedelta(days=20, seconds=1), "1728001 seconds"),
        (timedelta(seconds=1_728_001.5), "1728001.5 seconds"),
    ],
)
def test_a_duration_is_said_in_the_largest_unit_that_divides_it(duration: timedelta, words: str) -> None:
    assert spoken(duration) == words


@given(st.timedeltas(min_value=timedelta()))
def test_a_duration_is_said_without_rounding_it(duration: timedelta) -> None:
    count, unit = spoken(duration).split()
    one = timedelta(**{f"{unit.removesuffix('s')}s": 1})
    whole, _, part = count.partition(".")
    assert int(whole) * one + timedelta(microseconds=int(part.ljust(6, "0"))) == duration
    assert unit.endswith("s") == (count != "1")

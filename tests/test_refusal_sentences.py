from __future__ import annotations

import inspect
import re
from string import Formatter
from typing import Any

import attrs
import pytest

from fsmflow.errors import Unsuitable
from fsmflow.refusals import _FILLED_IN, Refusals, unsuitable

NAMES = [each.name for each in attrs.fields(Refusals)]


def test_each_sentence_has_the_fields_that_its_docstring_names_and_an_example() -> None:
    documented = str(inspect.getdoc(Refusals))
    for name, sentence in attrs.asdict(Refusals()).items():
        told = re.search(rf"^    {name}: (.*?)(?=^    \w+: |^$)", documented, re.DOTALL | re.MULTILINE)
        assert told is not None, name
        fields = {found for _, found, _, _ in Formatter().parse(sentence) if found}
        assert fields - {"example"} == set(re.findall(r"``{(\w+)}``", told[1])) == set(_FILLED_IN.get(name, ()))
        assert "example" in fields or name in ("choice", "yes_or_no"), "these name all that is accepted"


def test_every_sentence_is_said_by_some_ready_validator() -> None:
    import fsmflow.validators as package

    modules = (module for _, module in inspect.getmembers(package, inspect.ismodule))
    # a module may hold the builtins, too, as some ways to run its code leave them there
    sources = "".join(inspect.getsource(module) for module in modules if module.__name__.startswith(package.__name__))
    assert [name for name in NAMES if f'"{name}"' not in sources] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_that_says_nothing_or_has_fields_of_its_own_is_refused_by_name(name: str) -> None:
    wrong: list[Any] = [
        "",
        " \n",
        None,
        7,
        b"No.",
        "{unknown}",
        "{}",
        "{0}",
        "an open {brace",
        "{example.real}",
        "{example!z}",
    ]
    for sentence in wrong:
        with pytest.raises(ValueError, match=f"the sentence {name!r} must"):
            Refusals(**{name: sentence})


def test_a_refusal_is_said_in_another_language_by_its_name_and_its_values() -> None:
    refused = unsuitable("larger", least="5", example="7")
    assert str(refused) == refused.reason == "Please send 5 or more, such as 7."
    assert Refusals(larger="Mindestens {least}.").said(refused) == "Mindestens 5."


@pytest.mark.parametrize("name", ["gone", "said", "__class__", "", "larger"])
def test_one_that_no_sentence_fits_is_said_as_it_is(name: str) -> None:
    assert Refusals().said(Unsuitable("Not that.", name, {})) == "Not that."

"""The embedded default."""

from __future__ import annotations

import sys

import pytest

from fsmflow.errors import MissingExtra
from fsmflow.manager import FlowStateManager
from tests.commits import CHANNEL, MEMBER, run_at, runner_on, say, stored, words


@pytest.mark.parametrize("absent", ["fakeredis", "lupa"])
def test_without_its_packages_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MissingExtra, match=r"fsmflow\[memory\]") as caught:
        FlowStateManager.in_memory()
    assert caught.value.extra == "memory"


def test_each_store_in_memory_is_new_and_empty() -> None:
    first, second = FlowStateManager.in_memory(), FlowStateManager.in_memory()
    stored(first, run_at("amount"))
    assert first.load(MEMBER).flow_data == run_at("amount")
    assert second.load(MEMBER, CHANNEL).raw == {}


def test_a_conversation_runs_in_memory_with_what_the_constructor_takes() -> None:
    manager = FlowStateManager.in_memory(prefix="bot")
    runner = runner_on(manager)
    assert "How much?" in words(say(runner, "1", "offer"))
    assert "To whom?" in words(say(runner, "2", "12"))
    assert manager.layout.keys(MEMBER).state.startswith("bot:{b")

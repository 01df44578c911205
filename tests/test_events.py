"""The quiet classes against those of `transitions`: on any machine the same callbacks, states, results and errors."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import EventData, Machine, MachineError, State

from fsmflow.events import QuietMachine

STATES = ("a", "b", "c")
TRIGGERS = ("go", "turn")
AFTER_GO = 4  # how many events one event may fire by its callbacks


class Model:
    """What is fired at: it keeps what each callback saw."""

    def __init__(self) -> None:
        self.state = "a"
        self.seen: list[Any] = []
        self.fires: dict[str, Any] = {}
        self.left = AFTER_GO

    def by_name(self, *given: Any) -> bool:
        """A callback that is looked up on the model."""
        self.seen.append(("by_name", self.state, len(given)))
        return True


class Callback:
    """Notes what it sees; then answers, raises, or fires another event, as it was told."""

    def __init__(self, number: int, does: Any) -> None:
        self.number, self.does = number, does

    def __call__(self, *given: Any) -> Any:
        event = given[0] if given and isinstance(given[0], EventData) else None
        model = given[1] if event is None else event.model
        assert isinstance(model, Model)
        told: Any = None
        if event is not None:
            way, held = event.transition, len(list(event.args))
            on = None if way is None else (way.source, way.dest)
            told = (event.event.name, event.state.name, on, held, event.result, type(event.error))
        model.seen.append((self.number, model.state, told))
        if isinstance(self.does, type):
            raise self.does(self.number)
        if self.does in TRIGGERS and model.left > 0:
            model.left -= 1
            return model.fires[self.does](model, "again", model)
        return self.does


does = st.sampled_from((True, True, True, True, False, None, 1, 2, "yes", "go", ValueError, KeyboardInterrupt))
callbacks = st.lists(st.just("by_name") | st.builds(Callback, st.integers(0, 99), does), max_size=2)
mostly_none: st.SearchStrategy[list[Any]] = st.just([]) | st.just([]) | callbacks
ways = st.fixed_dictionaries(
    {
        "trigger": st.sampled_from(TRIGGERS),
        "source": st.sampled_from((*STATES, "*")),
        "dest": st.sampled_from((*STATES, *STATES, None, "=", "nowhere")),
        **dict.fromkeys(("prepare", "conditions", "unless", "before", "after"), mostly_none),
    }
)
states = st.tuples(mostly_none, mostly_none, st.booleans(), st.sampled_from((None, None, True, False)))
machines = st.fixed_dictionaries(
    {
        **dict.fromkeys(("before_state_change", "after_state_change", "on_final"), mostly_none),
        **{name: st.just([]) | mostly_none for name in ("prepare_event", "finalize_event", "on_exception")},
        "send_event": st.booleans() | st.just(True),
        "ignore_invalid_triggers": st.sampled_from((False, False, True)),
        "queued": st.sampled_from((False, False, False, True)),
    }
)


def happened(kind: type[Machine], named: dict[str, Any], inner: Any, edges: Any, fired: list[str]) -> list[Any]:
    """What came of each event on a machine of a kind, and all that its callbacks saw meanwhile."""
    settings_of: dict[str, Any] = {
        name: list(value) if isinstance(value, list) else value for name, value in named.items()
    }
    machine = kind(
        model=None,
        states=[
            State(name, on_enter=list(enter), on_exit=list(leave), final=final, ignore_invalid_triggers=ignore)
            for name, (enter, leave, final, ignore) in zip(STATES, inner, strict=True)
        ],
        transitions=[
            {name: list(part) if isinstance(part, list) else part for name, part in edge.items()} for edge in edges
        ],
        initial="a",
        auto_transitions=False,
        **settings_of,
    )
    model = Model()
    model.fires = {name: machine.events[name].trigger for name in machine.events}
    found: list[Any] = []
    for name in fired:
        if name not in machine.events:
            continue
        model.left = AFTER_GO
        try:
            came: Any = machine.events[name].trigger(model, "value", model)
        except BaseException as fault:  # noqa: BLE001 - a callback may raise any
            came = (type(fault), str(fault))
        found.append((name, came, model.state, len(model.seen)))
    return [*found, *model.seen]


@given(
    machines,
    st.tuples(*[states] * len(STATES)),
    st.lists(ways, min_size=1, max_size=6),
    st.lists(st.sampled_from(TRIGGERS), min_size=1, max_size=5),
)
@settings(max_examples=400, deadline=None)
def test_on_any_machine_the_quiet_classes_do_what_the_stock_classes_do(
    named: dict[str, Any], inner: Any, edges: Any, fired: list[str]
) -> None:
    quiet = happened(QuietMachine, named, inner, edges, fired)
    assert quiet == happened(Machine, named, inner, edges, fired)


def test_an_event_makes_no_log_call(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    machine = QuietMachine(
        model=None,
        states=["a", State("b", final=True)],
        transitions=[{"trigger": "go", "source": "a", "dest": "b", "conditions": [lambda _: True]}],
        initial="a",
        auto_transitions=False,
        send_event=True,
        after_state_change=[lambda event: seen.append(event.state.name)],
        name="m",
    )
    model = Model()
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        assert machine.events["go"].trigger(model)
        assert seen == ["b"]
        assert caplog.records == []
        with pytest.raises(MachineError):
            machine.events["go"].trigger(model)

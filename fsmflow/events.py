"""What `transitions` does at an event, without saying so: the same callbacks in the same order, and no log calls.

Here belong the classes by which a Machine is told to fire its events so. Stock `transitions` makes eleven log calls an
event, which is most of what an event costs, and four times as much again where the root logger is at INFO; what
happened is in the audit trail. What our machines do not use (a queue, callbacks around every event) is left to the
stock classes; a test holds both against each other on random machines. They are for plain `State`s, and for Machines
that do not override `set_state`: the state is set on the model directly.

Rejected: firing from a table of our own, which would be another machine than the one that is drawn and tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from transitions import Event, EventData, Machine, State, Transition


class QuietTransition(Transition):
    """A transition that is tried and made in silence."""

    def execute(self, event_data: EventData) -> bool:
        """Makes the transition if all its conditions hold; False if one does not."""
        machine = event_data.machine
        if self.prepare:
            machine.callbacks(self.prepare, event_data)
        for condition in self.conditions:
            if not condition.check(event_data):
                return False
        for callbacks in (machine.before_state_change, self.before):
            if callbacks:
                machine.callbacks(callbacks, event_data)
        if self.dest:
            self._go(event_data, machine.get_state(self.source), self.dest)
        for callbacks in (self.after, machine.after_state_change):
            if callbacks:
                machine.callbacks(callbacks, event_data)
        return True

    def _go(self, event_data: EventData, source: State, dest: str) -> None:
        machine = event_data.machine
        if source.on_exit:
            source.exit(event_data)
        state = machine.get_state(dest)
        setattr(event_data.model, machine.model_attribute, state.value)
        event_data.state = state
        if state.on_enter:
            state.enter(event_data)
        if state.final and machine.on_final:
            machine.callbacks(machine.on_final, event_data)


class QuietEvent(Event):
    """An event that is processed at once, where nothing is to be run around it."""

    def trigger(self, model: object, *args: Any, **kwargs: Any) -> bool:
        """Tries the transitions from the model's state in turn; True if one was made.

        Raises:
            MachineError: There are none from this state.
        """
        machine = self.machine
        if machine.has_queue or machine.prepare_event or machine.finalize_event or machine.on_exception:
            return super().trigger(model, *args, **kwargs)
        state = machine.get_model_state(model)
        if state.name not in self.transitions:
            return super().trigger(model, *args, **kwargs)  # which raises, or warns
        event_data = EventData(state, self, machine, model, args, kwargs)
        for transition in self.transitions[state.name]:
            event_data.transition = transition
            if transition.execute(event_data):
                event_data.result = True
                return True
        return False


class QuietMachine(Machine):
    """A Machine of these."""

    transition_cls = QuietTransition
    event_cls = QuietEvent

    def callbacks(self, funcs: Iterable[str | Callable[..., bool | None]], event_data: EventData) -> None:
        """Runs callbacks."""
        for function in funcs:
            if self.send_event and not isinstance(function, str):
                function(event_data)
            else:
                self.callback(function, event_data)

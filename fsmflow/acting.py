"""The rest of a turn that has come to an action: it is run, and what came of it is committed.

Here belongs the order by which an effect happens once, or is known not to be known: as a generator of effects, like
every turn. The commit that came before this has said that it is under way, and that it is this worker's. What comes of
it is committed by `settling`.

Whoever takes over an effect that another worker left does not know how far that one came. So it is asked first, where
the action can be (``reconcile``); run again under the same id only where the action says that this does nothing twice
(``idempotent``); and else left to an operator.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from fsmflow.action import Action
from fsmflow.callbacks import callable_of
from fsmflow.effects import Committed, Effects, Perform
from fsmflow.effects import Outcome as Committing
from fsmflow.errors import EffectRefused, UnexpectedOutcome
from fsmflow.flow import Flow
from fsmflow.holding import is_held, taking
from fsmflow.messages import Reply
from fsmflow.outcomes import Accepted, Done, NotDone, Outcome, StillUnknown, Unsure
from fsmflow.pending import Pending
from fsmflow.settling import Settling
from fsmflow.state import MemberState


@frozen
class Acting(Settling):
    """How effects are run."""

    def act(self, reply: Reply, state: MemberState, *, taken_over: bool) -> Effects[Reply]:
        """Runs what this worker has taken up, and whatever it leads to, until a member is asked something.

        Args:
            reply: What is said if the effect is somebody else's by the time that its outcome is known.
            state: What is stored since it was taken up.
            taken_over: True if somebody else had it before.

        Returns:
            What the member is told in the end.
        """
        while True:
            pending = Pending.of(state.raw.get("pending"))
            flow = self.flow_at(state)
            action = None if flow is None else flow.innermost.current_step
            if pending is None or flow is None or not isinstance(action, Action):
                return reply  # this release has no such action: it stays open, for one that has, or for an operator
            outcome = yield from self._outcome(flow, action, pending, taken_over=taken_over)
            settled = yield from self.settle(state, pending, outcome, why=None)
            if settled is None:
                return reply
            reply, state, goes_on = settled
            if not goes_on:
                return reply
            taken_over = False

    def take(self, reply: Reply, state: MemberState) -> Effects[Reply | None]:
        """Takes over an effect that is open, if it is to be had, and runs it; None where nothing was done."""
        commit = taking(self.dialogue, self.arrival, state) if is_held(state) else None
        if commit is None:
            return None
        committed: Committed = yield commit
        if committed.outcome is not Committing.TAKEN or committed.state is None:
            return None
        return (yield from self.act(reply, committed.state, taken_over=True))

    def _outcome(self, flow: Flow, action: Action, pending: Pending, *, taken_over: bool) -> Effects[Outcome]:
        """What comes of an effect: asked, where somebody may have run it before; else run."""
        asking = flow.innermost
        asking.effect_id, asking.effect_attempt = pending.effect_id, pending.attempt
        callbacks = asking.definition.actions[action.id]
        if taken_over and callbacks.reconcile is not None:
            call = callbacks.reconcile.call(asking, callable_of(action.reconcile))
            asked = yield Perform(call, action.limit, action.lease, None, callbacks.reconcile.is_async)
            found = self._understood(flow, asked, (Done, NotDone, StillUnknown, Accepted), callbacks.reconcile.name)
            if not isinstance(found, NotDone):
                return found
        elif taken_over and not action.idempotent:
            return StillUnknown()
        call = callbacks.run.call(asking, callable_of(action.run))
        lease = action.lease_taken_over if taken_over else action.lease
        came = yield Perform(call, action.limit, lease, action.retry, callbacks.run.is_async)
        return self._understood(flow, came, (Done, Accepted, EffectRefused), callbacks.run.name)

    def _understood(self, flow: Flow, came: Any, meant: tuple[type, ...], called: str) -> Outcome:
        """What a call gave, as an outcome: what it is not meant to give says nothing of the effect."""
        if isinstance(came, (*meant, Unsure)):
            outcome: Any = came
            return outcome  # type: ignore[no-any-return]  # one of those that are meant
        asking = flow.innermost
        wanted = " or ".join(each.__name__ for each in meant if each is not EffectRefused)
        given = type(came).__name__
        return Unsure(given, UnexpectedOutcome(type(asking).__name__, asking.place, called, given, wanted))

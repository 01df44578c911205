"""`FlowRunner` and `AsyncFlowRunner`: what a webhook server calls.

Here belongs the putting together: the flows, the store, the words, the channels' limits. What is done with a message
stands in `conversation`, as a generator; a runner hands it to its manager, which drives it. What the two runners have
in common is one class, so that there is nothing to keep alike but the handing over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar, Generic, TypeVar, Union

from loguru import logger

from fsmflow.async_manager import AsyncFlowStateManager
from fsmflow.channels import console, whatsapp
from fsmflow.channels.base import ChannelModule
from fsmflow.conversation import Conversation
from fsmflow.decision import member_id_of
from fsmflow.dialogue import ChannelRules
from fsmflow.effects import Effects, Load
from fsmflow.errors import (
    AsyncFlowError,
    EffectRefused,
    FlowDefinitionError,
    FsmflowError,
    InvalidMemberId,
    StoreUnavailable,
)
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Inbound, Reply
from fsmflow.outcomes import Done
from fsmflow.registry import Flows, Registry, make_flow
from fsmflow.resolving import recovering, resolving
from fsmflow.sign_in import Authenticator, check_sign_in
from fsmflow.state import MemberState
from fsmflow.store import UNKNOWN_CHANNEL
from fsmflow.timekeeping import Timekeeping
from fsmflow.timers import Due, Overdue
from fsmflow.wording import Sentences, Words

CHANNELS: tuple[ChannelModule, ...] = (whatsapp, console)

Handled = Union[Reply, FsmflowError]
"""What became of one message of several: its reply, or why there is none."""

ManagerT = TypeVar("ManagerT", bound=Union[FlowStateManager, AsyncFlowStateManager])


def now() -> datetime:
    """The moment, by this worker's clock."""
    return datetime.now(timezone.utc)


class Runner(Generic[ManagerT]):
    """What the two runners are made of: all that they do, up to the driving.

    Args:
        manager: Where the members' state is.
        flows: Flow classes; or flow classes by flow type, as a class needs that builds its steps in ``__init__``.
        default: The flow (or its flow type) that is started by a message which starts no other; None answers with
            what can be started.
        words: The global words.
        sentences: What is said by the library itself.
        channels: The channels whose limits messages are checked against. A question with fixed words that one of them
            will refuse is logged as a warning when the runner is made.
        clock: Tells the moment, for channels whose messages do not say when they were sent.
        on_fault: Is called with what a flow's code raised, and the message that met it: the place for a traceback,
            which may hold answers and is therefore nowhere else. What it raises comes out of `handle`, with nothing
            decided: a test may raise the fault itself.
        authenticator: Says who is at an address: takes a `Channel` and gives a `Member` or None, or something to await
            of it for the other runner. It is called for each message, and once more when a sign-in was completed. The
            id that it gives is the key of the state, so a member has one on all channels; ``Inbound.member_id`` wins,
            and where it names another, nobody is signed in. Who is no longer signed in is best still named, with the
            time that has passed: for None their state is that of the address, and what they were at is not in it.
        sign_in: The flow (or its flow type) that a member goes through who wants one that `requires_auth` and is not
            signed in, or is no longer.
        services: What actions work with, as ``self.services``: clients of the services that they call.

    Raises:
        FlowDefinitionError: A flow type or a keyword is used twice, a keyword is one of the words, or a flow is written
            wrongly; a flow requires a sign-in and there is none, or the sign-in itself requires it.
        AsyncFlowError: A flow (`on_fault`, `authenticator`) must be awaited, and the runner is synchronous.
        TypeError: The manager is one for the other runner.
    """

    asynchronous: ClassVar[bool]

    def __init__(  # noqa: PLR0913 - what a bot is made of; all but the first two have names and defaults
        self,
        manager: ManagerT,
        flows: Flows,
        *,
        default: str | type[Flow[Any]] | None = None,
        words: Words | None = None,
        sentences: Sentences | None = None,
        channels: tuple[ChannelModule, ...] = CHANNELS,
        clock: Callable[[], datetime] = now,
        on_fault: Callable[[Exception, Inbound], object] | None = None,
        authenticator: Authenticator | None = None,
        sign_in: str | type[Flow[Any]] | None = None,
        services: object = None,
    ) -> None:
        if inspect.iscoroutinefunction(manager.load) is not self.asynchronous:
            raise TypeError(f"{type(self).__name__} needs another manager than a {type(manager).__name__}")
        if inspect.iscoroutinefunction(on_fault) and not self.asynchronous:
            raise AsyncFlowError(type(self).__name__, None, "on_fault must be awaited: use AsyncFlowRunner")
        rules: Mapping[str, ChannelRules] = {module.limits.channel: module.limits for module in channels}
        self.manager: ManagerT = manager
        self.clock = clock
        registry = Registry.of(flows, default=default, sign_in=sign_in, asynchronous=self.asynchronous)
        check_sign_in(registry, authenticator, asynchronous=self.asynchronous)
        spoken = (words or Words(), sentences or Sentences())
        self.conversation = Conversation(registry, *spoken, rules, services, on_fault, authenticator)
        for keyword, flow_type in registry.starts.items():
            if spoken[0].meaning(keyword) is not None:
                wanted = f"the keyword {keyword!r} is a word that means something else at every question"
                raise FlowDefinitionError(registry.registrations[flow_type].flow.__name__, None, wanted)
        for misfit in self.conversation.misfits():
            # No error: a runner knows more channels than a bot may use. On that channel the member gets an apology.
            logger.warning("{}", misfit)

    def _handling(self, inbound: Inbound) -> Effects[Reply]:
        return self.conversation.turn(inbound, self.clock())

    def _starting(self, flow_type: str, inbound: Inbound, run_id: str | None) -> Effects[Reply]:
        if flow_type not in self.conversation.registry.registrations:
            raise FlowDefinitionError(flow_type, None, "this runner has no such flow")
        if run_id is not None and not (
            isinstance(run_id, str) and run_id.isascii() and run_id.isprintable() and run_id
        ):
            raise ValueError("a run_id is printable ASCII")
        return self.conversation.turn(inbound, self.clock(), start=flow_type, run_id=run_id)

    def _handling_in_order(self, places: Sequence[int], inbounds: Sequence[Inbound]) -> Effects[dict[int, Handled]]:
        """Answers one member's messages, one after the other.

        After one that could not be decided the later ones wait too: the order in which they are answered is the
        member's to rely on.
        """
        handled: dict[int, Handled] = {}
        waits: StoreUnavailable | None = None
        for place in places:
            try:
                handled[place] = waits or (yield from self._handling(inbounds[place]))
            except InvalidMemberId as fault:
                handled[place] = fault
            except StoreUnavailable as fault:
                handled[place] = waits = fault
        return handled

    def _handling_many(self, inbounds: Sequence[Inbound]) -> list[Effects[dict[int, Handled]]]:
        """For each member of some messages what answers them, by their place.

        Who is one member on several addresses is known only when a message is looked at: each address counts for one,
        and where two of them meet, one commit gives way to the other.
        """
        places: dict[str, list[int]] = {}
        for place, inbound in enumerate(inbounds):
            places.setdefault(inbound.member_id or member_id_of(inbound.channel), []).append(place)
        return [self._handling_in_order(each, inbounds) for each in places.values()]

    def _keeping_time(self, entries: Sequence[Overdue]) -> list[Effects[Due | None]]:
        """For each member who is to be looked at what does what is due."""
        timekeeping = Timekeeping(self.conversation, self.clock(), self.conversation.on_fault)
        return [_unharmed(timekeeping.look(entry)) for entry in entries]

    def _resolving(
        self, member_id: str, effect_id: str, outcome: Done | EffectRefused, reason: str | None
    ) -> Effects[Due | None]:
        if not isinstance(outcome, (Done, EffectRefused)):
            raise TypeError("an effect is resolved with Done or EffectRefused")
        if reason is not None and not isinstance(reason, str):
            raise TypeError("a reason is a text")
        (reason or "").encode()  # half a surrogate pair could not be kept
        return resolving(self.conversation, member_id, effect_id, outcome, self.clock(), reason)

    def _recovering(self, member_id: str) -> Effects[Due | None]:
        return recovering(self.conversation, member_id, self.clock())

    def _looking(self, member_id: str) -> Effects[Flow[Any] | None]:
        state: MemberState = yield Load(member_id, UNKNOWN_CHANNEL)
        stored = state.flow_data
        registration = None if stored is None else self.conversation.registry.registrations.get(stored.flow_type)
        if stored is None or registration is None:
            return None
        structure = None if registration.has_steps else state.to_dict()
        try:
            flow = make_flow(registration.flow, registration.flow_type, member_id, state.channel, structure)
        except FlowDefinitionError:
            return None
        flow.sentences = self.conversation.sentences
        flow.previous = state.previous
        return flow if flow.resume(stored) else None


class FlowRunner(Runner[FlowStateManager]):
    """Answers inbound messages by the flows that it knows.

    It holds no state of a member and may be shared between threads and made in every worker. Its arguments are those of
    `Runner`.
    """

    asynchronous = False

    def handle(self, inbound: Inbound) -> Reply:
        """Answers one message.

        Args:
            inbound: The message, from a channel's ``parse``.

        Returns:
            The reply; its messages go out by the channel's ``render``.

        Raises:
            InvalidMemberId: The member's id cannot be part of a key; delivering it again will not help.
            StoreUnavailable: Nothing was decided; have it delivered again (answer the webhook with a 5xx).
        """
        return self.manager.drive(self._handling(inbound))

    def handle_many(self, inbounds: Iterable[Inbound]) -> list[Handled]:
        """Answers several messages, of different members together: one member's in their order.

        Args:
            inbounds: The messages.

        Returns:
            For each, in their order, its reply; or the `InvalidMemberId` or `StoreUnavailable` that `handle` would
            have raised. The messages of one member after one that must be delivered again must be delivered again too.

        Raises:
            Exception: What `on_fault` raised, after all the others were answered: delivered again, they are duplicates
                and get their replies.
        """
        return _in_place(self.manager.drive_many(self._handling_many(list(inbounds))))

    def start(self, flow_type: str, inbound: Inbound, *, run_id: str | None = None) -> Reply:
        """Starts a flow on behalf of a message, whatever it says; what was open is left.

        Call it instead of `handle`, not after it: a message is decided once, and one that was handled is a duplicate.

        Args:
            flow_type: Which flow.
            inbound: The message that is answered by it.
            run_id: The id of the run, if the application has one; else it is derived from the message.

        Returns:
            The reply, with the flow's first question.

        Raises:
            FlowDefinitionError: There is no such flow.
            ValueError: The run id is not printable ASCII.
            InvalidMemberId: The member's id cannot be part of a key.
            StoreUnavailable: Nothing was decided; have it delivered again.
        """
        return self.manager.drive(self._starting(flow_type, inbound, run_id))

    def due(self, limit: int = 100) -> list[Due]:
        """Does what is due at members who say nothing.

        It reminds them, closes runs that were silent for too long, and takes up what a crash has left of an effect.
        Call it every few seconds, in as many workers as there are (``fsmflow worker`` does): whatever is due is done by
        one of them. By the store's clock, so it matters little what theirs say.

        Args:
            limit: At how many members at most; those at whom it is due for longest come first.

        Returns:
            What was done, with what is to be sent. It is sent at most once: who dies before sending it has reminded
            nobody, and nothing else is lost.

        Raises:
            StoreUnavailable: Redis did not answer; what was not done is done the next time.
            Exception: What `on_fault` raised, after all the others were done; what they were to be sent is lost then.
        """
        return _done(self.manager.drive_many(self._keeping_time(self.manager.overdue(limit))))

    def recover(self, member_id: str) -> Due | None:
        """Takes up what a crash has left of a member's effect, at once; `due` does so for all members.

        Args:
            member_id: Who.

        Returns:
            What came of it, with what is to be sent; None where nothing is open, or where somebody has it still.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self.manager.drive(self._recovering(member_id))

    def resolve(
        self, member_id: str, effect_id: str, outcome: Done | EffectRefused, *, reason: str | None = None
    ) -> Due | None:
        """Says what came of an effect that is open: for a service that tells it later, or for an operator.

        It may be said again, and by several: it counts once, and what its own worker says later does not. The audit
        trail has it as ``effect_resolved``.

        Args:
            member_id: Whose effect.
            effect_id: Which, as ``self.effect_id`` gave it to the action.
            outcome: `Done`, or an `EffectRefused` where it is known not to have happened.
            reason: Who says so, and why, for the audit trail; the member is not told.

        Returns:
            What is to be sent; None where that effect is not open any more.

        Raises:
            TypeError: It is no such outcome.
            OutcomeNotTaken: The flow failed at it, or is none that this release knows; say it again.
            ValueError: The reason is no text that can be kept.
            InvalidMemberId: The member's id cannot be part of a key.
            StoreUnavailable: Redis did not answer; say it again.
        """
        return self.manager.drive(self._resolving(member_id, effect_id, outcome, reason))

    def flow_of(self, member_id: str) -> Flow[Any] | None:
        """The flow that a member is in or ended last, to look at: its ``data`` holds the answers, structured.

        Args:
            member_id: Who.

        Returns:
            The flow; None where there was none, or where it does not fit the code any more.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self.manager.drive(self._looking(member_id))


class AsyncFlowRunner(Runner[AsyncFlowStateManager]):
    """`FlowRunner` for an event loop: the same methods, awaited, and flows with ``async def`` callables.

    Plain callables of a flow are called on the event loop, since they only look at an answer; one that waits for
    something should be an ``async def``. Its arguments are those of `Runner`.
    """

    asynchronous = True

    async def handle(self, inbound: Inbound) -> Reply:
        """As `FlowRunner.handle`. Cancelled at any point, it leaves the stored state whole: have it delivered again."""
        return await self.manager.drive(self._handling(inbound))

    async def handle_many(self, inbounds: Iterable[Inbound]) -> list[Handled]:
        """As `FlowRunner.handle_many`."""
        return _in_place(await self.manager.drive_many(self._handling_many(list(inbounds))))

    async def start(self, flow_type: str, inbound: Inbound, *, run_id: str | None = None) -> Reply:
        """As `FlowRunner.start`."""
        return await self.manager.drive(self._starting(flow_type, inbound, run_id))

    async def due(self, limit: int = 100) -> list[Due]:
        """As `FlowRunner.due`."""
        return _done(await self.manager.drive_many(self._keeping_time(await self.manager.overdue(limit))))

    async def recover(self, member_id: str) -> Due | None:
        """As `FlowRunner.recover`."""
        return await self.manager.drive(self._recovering(member_id))

    async def resolve(
        self, member_id: str, effect_id: str, outcome: Done | EffectRefused, *, reason: str | None = None
    ) -> Due | None:
        """As `FlowRunner.resolve`."""
        return await self.manager.drive(self._resolving(member_id, effect_id, outcome, reason))

    async def flow_of(self, member_id: str) -> Flow[Any] | None:
        """As `FlowRunner.flow_of`."""
        return await self.manager.drive(self._looking(member_id))


def _in_place(handled: Sequence[Mapping[int, Handled]]) -> list[Handled]:
    together = {place: result for each in handled for place, result in each.items()}
    return [together[place] for place in sorted(together)]


def _unharmed(keeping: Effects[Due | None]) -> Effects[Due | None]:
    """The same, with nothing done where Redis did not answer: the others' reminders were committed, and must go out."""
    try:
        return (yield from keeping)
    except StoreUnavailable as fault:
        logger.warning("what is due at a member has to wait: {}", fault)
        return None


def _done(found: Sequence[Due | None]) -> list[Due]:
    return [due for due in found if due is not None]

"""`FlowRunner`: what a webhook server calls.

Here belongs the putting together: the flows, the store, the words, the channels' limits. What is done with a message
stands in `conversation`; this drives it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from loguru import logger

from fsmflow.channels import console, whatsapp
from fsmflow.channels.base import ChannelModule
from fsmflow.conversation import Conversation
from fsmflow.dialogue import ChannelRules
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Inbound, Reply
from fsmflow.registry import Flows, Registry, make_flow
from fsmflow.wording import Sentences, Words

CHANNELS: tuple[ChannelModule, ...] = (whatsapp, console)


def now() -> datetime:
    """The moment, by this worker's clock."""
    return datetime.now(timezone.utc)


class FlowRunner:
    """Answers inbound messages by the flows that it knows.

    It holds no state of a member and may be shared between threads and made in every worker.

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

    Raises:
        FlowDefinitionError: A flow type or a keyword is used twice, or a flow is written wrongly.
        AsyncFlowError: A flow must be awaited.
    """

    def __init__(
        self,
        manager: FlowStateManager,
        flows: Flows,
        *,
        default: str | type[Flow] | None = None,
        words: Words | None = None,
        sentences: Sentences | None = None,
        channels: tuple[ChannelModule, ...] = CHANNELS,
        clock: Callable[[], datetime] = now,
        on_fault: Callable[[Exception, Inbound], object] | None = None,
    ) -> None:
        rules: Mapping[str, ChannelRules] = {module.limits.channel: module.limits for module in channels}
        self.manager = manager
        self.clock = clock
        self.conversation = Conversation(
            Registry.of(flows, default=default), words or Words(), sentences or Sentences(), rules, on_fault
        )

        for misfit in self.conversation.misfits():
            # No error: a runner knows more channels than a bot may use. On that channel the member gets an apology.
            logger.warning("{}", misfit)

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
        return self.manager.drive(self.conversation.turn(inbound, self.clock()))

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
        if flow_type not in self.conversation.registry.registrations:
            raise FlowDefinitionError(flow_type, None, "this runner has no such flow")
        if run_id is not None and not (
            isinstance(run_id, str) and run_id.isascii() and run_id.isprintable() and run_id
        ):
            raise ValueError("a run_id is printable ASCII")
        turn = self.conversation.turn(inbound, self.clock(), start=flow_type, run_id=run_id)
        return self.manager.drive(turn)

    def flow_of(self, member_id: str) -> Flow | None:
        """The flow that a member is in or ended last, to look at: its ``data`` holds the answers, structured.

        Args:
            member_id: Who.

        Returns:
            The flow; None where there was none, or where it does not fit the code any more.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        state = self.manager.load(member_id)
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

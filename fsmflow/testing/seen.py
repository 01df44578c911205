"""What a test sees of a simulated conversation, and what it expects.

Here belongs what can be asked of one member's side: what came, what is stored, what is open now; and `Seen.expect`,
whose failures show the whole conversation. What members do belongs to `fsmflow.testing.chat`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Union

from typing_extensions import Self

from fsmflow.audit import AuditEntry
from fsmflow.decision import member_id_of
from fsmflow.flow import Flow
from fsmflow.messages import Channel, Message, Option, Reply, options_of
from fsmflow.state import MemberState
from fsmflow.testing.world import World
from fsmflow.timers import Due

Wanted = Union[str, re.Pattern[str]]
"""What is expected of a text: the whole of it, or a pattern that is found in it."""

_UNSAID: Final[Any] = object()


class Seen:
    """One member's side of a conversation, to look at.

    Args:
        world: What the members share.
        name: What the member is called.
        channel: The type of the channel, or the member's address on it.
        member_id: Who it is, where the application knows.
    """

    def __init__(self, world: World, name: str, channel: str | Channel, member_id: str | None) -> None:
        self._world = world
        self._given_id = member_id
        self.name = name
        self.channel = Channel(channel, name) if isinstance(channel, str) else channel
        self.replies: list[Reply] = []
        world.hearing.append(self._hear)

    def _hear(self, due: Due) -> None:
        """Takes what came without being asked for, where it came to this address."""
        if (due.reply.member_id, due.channel) == (self.member_id, self.channel):
            self.replies.append(due.reply)

    # -- what is known of it -------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self._world.now

    @property
    def member_id(self) -> str:
        """Who the member is, by the last reply: an authenticator may know them by another id than their address."""
        if self._given_id is not None:
            return self._given_id
        return self.replies[-1].member_id if self.replies else member_id_of(self.channel)

    @property
    def reply(self) -> Reply:
        """What came last."""
        if not self.replies:
            raise AssertionError(self._told(["nothing was said yet"]))
        return self.replies[-1]

    @property
    def status(self) -> str:
        """How the last message was taken."""
        return self.reply.status

    @property
    def heard(self) -> str:
        """The words that came last, without the options."""
        return "\n\n".join(filter(None, map(_words_of, self.reply.messages)))

    @property
    def flow(self) -> Flow[Any] | None:
        """The flow that the member is in or ended last, from the store."""
        return self._world.worker.flow_of(self.member_id)

    @property
    def step(self) -> str | None:
        """The step that is asked, or the state in which the flow ended; None where there was none."""
        flow = self.flow
        return None if flow is None else flow.state

    @property
    def data(self) -> Mapping[str, Any]:
        """The answers that are stored, structured."""
        flow = self.flow
        return {} if flow is None else flow.answers

    @property
    def question(self) -> str | None:
        """The words of the question that is open; None where none is."""
        asked = self._asked()
        return None if asked is None else _words_of(asked)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of the question that is open."""
        asked = self._asked()
        return () if asked is None else options_of(asked)

    @property
    def state(self) -> MemberState:
        """What is stored of the member."""
        return self._world.worker.load(self.member_id)

    @property
    def history(self) -> Sequence[AuditEntry]:
        """The member's audit trail."""
        return self._world.worker.history(self.member_id)

    @property
    def transcript(self) -> str:
        """The whole conversation, of all members. What was answered at a sensitive step is not in it."""
        return str(self._world.transcript)

    # -- what is expected ----------------------------------------------------------------------------------------------

    def expect(
        self,
        *,
        step: str | None = _UNSAID,
        status: str = _UNSAID,
        data: Any = _UNSAID,
        question: Wanted | None = _UNSAID,
        options: Iterable[str] = _UNSAID,
        heard: Wanted = _UNSAID,
        duplicate: bool = _UNSAID,
    ) -> Self:
        """Checks what is named.

        Args:
            step: The step, or the state in which the flow ended.
            status: How the last message was taken.
            data: The answers that are stored, all of them, structured: by step id; or an object of the data class of
                a typed flow, where nothing of it is missing any more.
            question: The words of the open question, or a pattern in them; None for no question.
            options: The ids of its options, or their titles, in order.
            heard: The words that came last, or a pattern in them.
            duplicate: Whether the last message was known.

        Raises:
            AssertionError: Something is otherwise; it says what, and shows the whole conversation.
        """
        wrong = [
            *self._unlike("step", step, lambda: self.step),
            *self._unlike("status", status, lambda: self.status),
            *self._unlike("duplicate", duplicate, lambda: self.reply.duplicate),
            *self._unlike("question", question, lambda: self.question),
            *self._unlike("heard", heard, lambda: self.heard),
            *self._unlike("data", data, lambda: self.data),
        ]
        if options is not _UNSAID:
            wanted, there = list(options), self.options
            if wanted not in ([option.id for option in there], [option.title for option in there]):
                wrong.append(f"options are {[option.id for option in there]!r}, not {wanted!r}")
        if wrong:
            raise AssertionError(self._told(wrong))
        return self

    def _unlike(self, name: str, wanted: Any, look: Callable[[], Any]) -> list[str]:
        if wanted is _UNSAID:
            return []
        found = look()
        shown = (
            self._world.transcript.redacted(found) if isinstance(found, str) else found
        )  # before repr spells it anew
        if isinstance(wanted, re.Pattern):
            if found is not None and wanted.search(found):
                return []
            return [f"{name} is {shown!r}, in which {wanted.pattern!r} is not found"]
        if name == "data" and not isinstance(wanted, Mapping):
            flow = self.flow
            collected = None if flow is None else flow.data
            return [] if collected == wanted else [f"data is {collected!r}, not {wanted!r}"]
        if name == "data":
            found, wanted = dict(found), dict(wanted)
            return [] if found == wanted else [f"data is {self._shown(found)}, not {self._shown(wanted)}"]
        return [] if found == wanted else [f"{name} is {shown!r}, not {wanted!r}"]

    def _shown(self, data: Mapping[str, Any]) -> str:
        flow = self.flow
        return repr(dict(data) if flow is None else flow.definition.without_secrets(data))

    def _told(self, wrong: list[str]) -> str:
        transcript = self._world.transcript
        told = transcript.redacted("\n".join(f"{self.name}: {each}" for each in wrong))
        return f"{told}\n\nThe conversation:\n{transcript}"

    def _asked(self) -> Message | None:
        flow = self.flow
        if flow is None:
            return None
        is_offered = flow.can_be_resumed and flow.halt is not None and flow.halt.offers > 0
        return self._world.worker.question_of(flow) if flow.current_step is not None or is_offered else None


def _words_of(message: Message) -> str:
    return str(getattr(message, "body", "") or getattr(message, "caption", "") or "")

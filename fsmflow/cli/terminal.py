"""A conversation in a terminal, or through a pipe.

Here belongs the reading of lines, the printing of replies, and what is said around a conversation: what can be typed,
how to start again. What is answered is the runner's, on the same store and through the same channel protocol as
anywhere else; so what is seen here is what a member would be told.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from attrs import field, frozen

from fsmflow.channels import console
from fsmflow.holding import UNKNOWN
from fsmflow.messages import Channel, Inbound, Reply
from fsmflow.runner import FlowRunner
from fsmflow.state import TERMINAL_STATES

LEAVE: Final = "/quit"  # with a slash, because "quit" may well be an answer
PROMPT: Final = "> "
_GLOBAL_WORDS: Final = ("back", "cancel", "restart", "help")


@frozen
class Console:
    """Where lines come from and where they go.

    Args:
        read: Gives the next line; raises `EOFError` when there is none, `KeyboardInterrupt` at Ctrl-C.
        write: Prints some lines.
    """

    read: Callable[[], str]
    write: Callable[[str], None]

    @classmethod
    def of_this_process(cls, suggestions: Sequence[str] = ()) -> Console:
        """A prompt with history and completion in a terminal; through a pipe plain lines, which are echoed.

        Args:
            suggestions: What is completed beside the global words.
        """
        if sys.stdin.isatty() and sys.stdout.isatty():
            return cls(_prompt(suggestions), _print)
        return cls(_read_and_echo, _print)


def _print(text: str) -> None:
    print(text, flush=True)


def _read_and_echo() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    _print(f"{PROMPT}{line.rstrip()}")  # so that what comes out reads as the conversation that it was
    return line


def _prompt(suggestions: Sequence[str]) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter

    words = WordCompleter([*suggestions, *_GLOBAL_WORDS, LEAVE], sentence=True)
    session: PromptSession[str] = PromptSession(PROMPT, completer=words, complete_while_typing=False)
    return session.prompt


@frozen
class Talk:
    """One member talking to the flows of a runner.

    Args:
        runner: What answers.
        console: Where the lines come from and go.
        member: Who is talking; None for ``console:me``.
        raised: What the flows have raised since the last message.
    """

    runner: FlowRunner
    console: Console
    member: str | None = None
    raised: list[Exception] = field(factory=list)

    def hold(self) -> None:
        """Holds the conversation until the lines end.

        Raises:
            InvalidMemberId: The member's id cannot be part of a key.
            StoreUnavailable: Redis did not answer.
        """
        write = self.console.write
        write(f"Type your answers; at any question also {', '.join(_GLOBAL_WORDS)}. {LEAVE} or Ctrl-D leaves.\n")
        self._open()
        while True:
            try:
                line = self.console.read()
            except (EOFError, KeyboardInterrupt):
                return
            if line.strip() == LEAVE:
                return
            if line.strip():
                self._show(self.runner.handle(self._inbound(line.rstrip("\r\n"))))

    def _open(self) -> None:
        """Begins with a question where there is one to ask: the open one, or that of the only flow."""
        registrations = self.runner.conversation.registry.registrations
        hello = self._inbound("help")
        stored = self.runner.manager.load(hello.member_id or f"{hello.channel.type}:{hello.channel.identifier}")
        if stored.flow_data is not None and not stored.flow_data.ended:
            self._show(self.runner.handle(hello))
        elif len(registrations) == 1:
            self._show(self.runner.start(next(iter(registrations)), hello))
        else:
            self.console.write(f"{self._starters()}\n")

    def _inbound(self, text: str) -> Inbound:
        channel = Channel(console.limits.channel, self.member or "me")
        return Inbound(channel, uuid.uuid4().hex, text, member_id=self.member)

    def _show(self, reply: Reply) -> None:
        to = Channel(console.limits.channel, self.member or "me")
        for message in reply.messages:
            for line in console.render(message, to=to):
                self.console.write(f"{line['text']}\n")
        if reply.status in TERMINAL_STATES and not self._is_open(reply.member_id):
            self.console.write(f"[{reply.status}] {self._starters()} {LEAVE} leaves.\n")
        elif reply.status == "error":
            self.console.write("[error] A fault of the flow, or of a limit: --log shows where.\n")
        elif reply.status == UNKNOWN:
            self.console.write(f"[unknown] Nobody can say what came of an action: --log shows why.{self._lacking()}\n")
        self.raised.clear()

    def _is_open(self, member_id: str) -> bool:
        """True if something is: what waited for a flow that has ended goes on."""
        stored = self.runner.manager.load(member_id).flow_data
        return stored is not None and (not stored.ended or stored.waiting is not None)

    def _lacking(self) -> str:
        """What is missing, if what was raised says that: an attribute of services that are None."""
        told = [str(each) for each in self.raised if isinstance(each, AttributeError)]
        if self.runner.conversation.services is not None or not any(each.startswith("'NoneType'") for each in told):
            return ""
        return " It has no services: put services = ... beside the flows, or say --services MODULE:NAME."

    def _starters(self) -> str:
        words = ", ".join(self.runner.conversation.registry.keywords())
        return f"To start, type: {words}."

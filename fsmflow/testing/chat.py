"""A conversation with flows, simulated: for tests and for documentation, without a network.

    chat = Chat(OfferFlow)
    chat.say("100").say("ama").expect(step="confirm", options=("confirm", "decline"))
    chat.crash().tap("confirm").expect(status="completed", heard="Your offer is on its way.")
    chat.redeliver().expect(status="completed", duplicate=True)

Here belongs what members do, and what can be asked and expected of it. It is the real thing from the message to the
store: a runner, its commit, a Redis in this process. What stands in for the world is the clock, which only `Chat.wait`
moves, and the channel, which delivers what it is told. Whatever is due meanwhile is done, as ``fsmflow worker`` does.
The store's own clock is not moved: what Redis itself forgets, after the retention of eight days, is not forgotten here.

Whatever a member does gives the chat, so that a conversation can be written as one; what came is in `reply`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from typing_extensions import Self

from fsmflow.alphabet import EXHAUSTED, EXPIRE, PAGE, PUSH, RESTART, RESUME, SUBMIT
from fsmflow.errors import EffectRefused
from fsmflow.flow import Flow
from fsmflow.messages import Channel, Inbound, ListMenu, Location, Media, Message, Option, Reply, Text, options_of
from fsmflow.outcomes import Done
from fsmflow.registry import Flows
from fsmflow.silence import GO_ON, START_OVER
from fsmflow.state import EXPIRED
from fsmflow.taps import is_wire_id
from fsmflow.testing.cases import BY_ITSELF, Path
from fsmflow.testing.moves import Move
from fsmflow.testing.seen import Seen
from fsmflow.testing.worker import Death
from fsmflow.testing.world import World, several_of
from fsmflow.wording import folded


class Chat(Seen):
    """One member's side of a conversation with flows.

    A single flow class is begun at once; of a list (or of a mapping by flow type) none is, until it is named by a
    keyword or by `start`.

    Args:
        flows: A flow class, or what a runner takes: several of them, or a mapping of flow types to them.
        member: What the member is called in the transcript; the address on the channel, if none is given.
        channel: The type of the channel, or the member's address on it.
        member_id: Who it is, where the application knows; else it follows from the channel.
        asynchronous: True awaits all on an event loop of its own, as is done for a flow that must be awaited; None
            finds out whether one must.
        apologises: True gives a member the apology where a flow's code raises, as it would be in service; else what
            was raised comes out, and nothing is decided. What the code of an `Action` raises never does: it leaves the
            effect unknown, and the transcript says so.
        named: What the runner takes besides: ``default``, ``words``, ``sentences``, ``channels``, ``services``.

    Raises:
        FlowDefinitionError: A flow is written wrongly.
        MissingExtra: The extra ``memory`` is not installed.
    """

    def __init__(
        self,
        flows: type[Flow[Any]] | Flows,
        *,
        member: str = "ama",
        channel: str | Channel = "console",
        member_id: str | None = None,
        asynchronous: bool | None = None,
        apologises: bool = False,
        **named: Any,
    ) -> None:
        world = World(flows, asynchronous=asynchronous, apologises=apologises, **named)
        super().__init__(world, member, channel, member_id)
        self._begins = isinstance(flows, type)
        self._sent: list[tuple[Inbound, str | None]] = []
        self._death: Death | None = None
        if self._begins:
            self.start()

    # -- who is there --------------------------------------------------------------------------------------------------

    def member(self, name: str, *, channel: str | Channel | None = None, member_id: str | None = None) -> Chat:
        """Another member, of the same store, at the same time, in the same transcript.

        Args:
            name: What the member is called.
            channel: The type of the channel, or the address on it; by default a channel of this one's type.
            member_id: Who it is, where the application knows.
        """
        other = self._beside(name, self.channel.type if channel is None else channel, member_id)
        return other.start() if self._begins else other

    def on(self, channel: str | Channel) -> Chat:
        """The same member on another channel, which the application knows to be the same."""
        return self._beside(self.name, channel, self.member_id)

    def _beside(self, name: str, channel: str | Channel, member_id: str | None) -> Chat:
        other = object.__new__(type(self))
        Seen.__init__(other, self._world, name, channel, member_id)
        other._begins, other._sent, other._death = self._begins, [], None
        return other

    # -- what a member does --------------------------------------------------------------------------------------------

    def say(self, text: str, **fields: Any) -> Self:
        """Types a text.

        Args:
            text: What is typed.
            fields: Other fields of the `Inbound`: ``sent_at`` for a message that was on its way for long.
        """
        return self._send(self._message(text=text, **fields), text)

    def tap(self, option: str, *, of: Reply | None = None) -> Self:
        """Taps a button or a row: of the last question, else of the latest that offered it.

        Args:
            option: The option's id, or its title.
            of: The reply whose button it is.

        Raises:
            AssertionError: It was never offered.
        """
        offering = [reply for reply in reversed(self.replies) if _offered(reply)]
        for reply in offering if of is None else [of]:
            for each in _offered(reply):
                if option in (each.id, _own_id(each)) or folded(each.title) == folded(option):
                    earlier = "" if reply is offering[0] else " of an earlier question"
                    message = self._message(text=each.title, option_id=each.id, kind="option")
                    return self._send(message, f"[{each.title}]{earlier}")
        there = ", ".join(_own_id(each) for reply in offering[:1] for each in _offered(reply)) or "nothing"
        raise AssertionError(self._told([f"there is no {option!r} to tap: the last question offers {there}"]))

    def send(self, content: Message | str, **fields: Any) -> Self:
        """Sends something else than words.

        Args:
            content: A `Media` or a `Location`; or the channel's word for what it is: ``"sticker"``, ``"contacts"``.
            fields: Other fields of the `Inbound`.

        Raises:
            TypeError: It is what only a bot sends.
        """
        if isinstance(content, Text):
            return self.say(content.body, **fields)
        if isinstance(content, str):
            return self._send(self._message(kind=content, **fields), f"<{content}>")
        if isinstance(content, Media):
            caption = "" if content.caption is None else f" {content.caption}"
            return self._send(
                self._message(kind=content.kind, text=content.caption, **fields), f"<{content.kind}>{caption}"
            )
        if isinstance(content, Location):
            return self._send(self._message(kind="location", **fields), f"<location> {content.name or ''}".rstrip())
        raise TypeError(f"a member cannot send a {type(content).__name__}")

    def start(self, flow: str | type[Flow[Any]] | None = None) -> Self:
        """Has the application start a flow, as `FlowRunner.start` does.

        Args:
            flow: The flow, or its flow type; None where there is but one.

        Raises:
            ValueError: There are several, and none is named.
        """
        known = self._world.worker.runner.conversation.registry.registrations
        if flow is None and len(known) != 1:
            raise ValueError(f"name the flow to start: {', '.join(known)}")
        if isinstance(flow, type):
            flow = next((kind for kind, each in known.items() if each.flow is flow), flow.flow_type)
        flow_type = next(iter(known)) if flow is None else flow
        self._world.transcript.notes(self.now, f"{flow_type} is started for {self.name}")
        self._sent.append((self._message(), flow_type))
        return self._deliver(*self._sent[-1])

    def follow(self, path: Path) -> Self:
        """Does what a path does, as a member would: types, taps, goes back, cancels, starts over, stays silent.

        Pages are turned where there are several. That a question has nothing to choose from is no member's doing, nor
        is what comes of an action: the conversation has gone on already as the callables and the `services` say, and is
        looked at where it asks again.

        Args:
            path: A path from the first question, where this member must be: of `paths_of`, a random walk as well.

        Raises:
            AssertionError: A move led elsewhere than it says; or no member can make it.
        """
        if path.lacks is not None:
            raise AssertionError(f"{path} cannot be tried: {path.lacks}")
        ahead = [[leaf for leaf, _ in move.leaves()] for move in path.moves]
        for number, move in enumerate(path.moves, 1):
            for leaf in ahead[number - 1]:
                self._do(leaf)
            next_by_itself = any(
                leaf.trigger in BY_ITSELF for leaves in ahead[number : number + 1] for leaf in leaves[:1]
            )
            flow = self.flow
            acts = flow is not None and move.dest in flow.definition.actions
            if not next_by_itself and not acts:
                self.expect(step=move.dest)
        return self

    def _do(self, move: Move) -> None:
        spelled = getattr(self._world.worker.runner.conversation.words, move.trigger, ())
        if move.trigger == PUSH or move.trigger in BY_ITSELF:
            return  # this happens by itself, if it does: where it has led is seen to
        if move.trigger in (SUBMIT, EXHAUSTED):
            for _ in range(move.times):
                if move.value in [option.id for option in self.options]:
                    self.tap(str(move.value))
                else:
                    self.say(move.value or "")
                if move.trigger == EXHAUSTED and self.status != "refused":
                    break
        elif move.trigger == EXPIRE:
            silence = None if self.flow is None else self.flow.current_timeout
            self.wait(seconds=1 + (silence or timedelta()).total_seconds()).send("location")
        elif move.trigger in (RESUME, RESTART) and move.source == EXPIRED:
            self.tap(GO_ON if move.trigger == RESUME else START_OVER)
        elif move.trigger == PAGE:
            self._turn_the_page()
        elif spelled:
            while folded(spelled[0]) in map(folded, self._page_turns()):  # there the word says another page
                self.say(spelled[0])
            self.say(spelled[0])
        else:
            raise AssertionError(self._told([f"nothing that a member does is called {move.trigger!r}"]))

    def _turn_the_page(self) -> None:
        """Taps what shows more of the options; on the last page, what shows those before."""
        for turn in self._page_turns()[:1]:
            self.tap(turn)

    def _page_turns(self) -> list[str]:
        """What turns the page, where a page of several is shown: more options first."""
        sentences = self._world.worker.runner.conversation.sentences
        menus = [each for reply in self.replies[-1:] for each in reply.messages if isinstance(each, ListMenu)]
        shown = [turn.title for menu in menus for turn in menu.turns]
        return [each for each in (sentences.more, sentences.fewer) if each in shown]

    # -- what happens --------------------------------------------------------------------------------------------------

    def wait(self, **duration: float) -> Self:
        """Lets time pass, for all members. Who is reminded meanwhile hears it, and runs are closed in silence.

        Args:
            duration: What `timedelta` takes: ``minutes=6``.

        Raises:
            ValueError: It would pass backwards.
        """
        passed = timedelta(**duration)
        if passed < timedelta():
            raise ValueError("time passes forwards only")
        self._world.wait(passed)
        return self

    def resolve(self, outcome: Done | EffectRefused, *, reason: str | None = None) -> Self:
        """Says what came of this member's open effect, as a service does that calls back, or an operator.

        Args:
            outcome: As of `FlowRunner.resolve`.
            reason: Who says so, and why, for the audit trail.

        Raises:
            ValueError: No effect of this member is open.
            Exception: Whatever the flow's code raised at it, unless it apologises: then `OutcomeNotTaken`.
        """
        self._world.resolve(self.name, self.member_id, outcome, reason)
        return self

    def redeliver(self) -> Self:
        """Has the channel deliver this member's last message once more."""
        if not self._sent:
            raise AssertionError(self._told(["there is no message to deliver again"]))
        inbound, start = self._sent[-1]
        self._world.transcript.notes(self.now, f"{self.name}’s last message is delivered again")
        return self._deliver(inbound, start)

    def crash(self, *, committed: bool = False, acted: bool = False) -> Self:
        """Has the worker die of this member's next message. The channel delivers that again, to a new worker.

        So the next action gives what the new worker answers, and all should be as if nothing had been. Where an effect
        was left open it says so until the time of the dead worker is over, which passes with `wait`.

        Args:
            committed: False dies between load and commit, with nothing decided; True dies after the commit, before the
                reply goes out.
            acted: True dies when the code of an action has run, before what came of it is committed.
        """
        otherwise = Death.AFTER_COMMIT if committed else Death.BEFORE_COMMIT
        self._death = Death.AFTER_EFFECT if acted else otherwise
        return self

    def deploy(self, flows: type[Flow[Any]] | Flows) -> Self:
        """Puts a worker with other code in place of this one; the store stays."""
        self._world.worker.replace(several_of(flows))
        self._world.transcript.notes(self.now, "a new release is deployed")
        return self

    def close(self) -> None:
        """Closes the store, and the event loop where there is one; else that is done when the chat is forgotten."""
        self._world.worker.close()

    # -- how it is done ------------------------------------------------------------------------------------------------

    def _message(self, **fields: Any) -> Inbound:
        number = next(self._world.numbers)
        given: dict[str, Any] = {
            "message_id": f"m{number}",
            "sent_at": self.now.replace(microsecond=0),
            "member_id": self._given_id,
        }
        return Inbound(self.channel, **(given | fields))

    def _send(self, inbound: Inbound, told: str) -> Self:
        self._world.keep_secret(self.member_id, inbound)
        self._world.transcript.says(self.now, self.name, told)
        self._sent.append((inbound, None))
        return self._deliver(inbound, None)

    def _deliver(self, inbound: Inbound, start: str | None) -> Self:
        death, self._death = self._death, None
        self.replies.append(self._world.deliver(inbound, start, death))
        return self


def _offered(reply: Reply) -> list[Option]:
    return [option for message in reply.messages for option in options_of(message)]


def _own_id(option: Option) -> str:
    """An option's id as the flow has it; what is sent names the question too."""
    return option.id.partition(".")[2] or option.id if is_wire_id(option.id) else option.id

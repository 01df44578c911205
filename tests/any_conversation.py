"""Any conversation: members, a channel, workers and a clock that do whatever hypothesis thinks of.

Here belongs what can happen; what must come of it is seen to by `tests.witness`. Nobody sleeps: the clock is moved.
Each message takes 0.4 seconds, so that some of them fall into one second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from redis import Redis

from fsmflow import Channel, Inbound
from tests.reference_model import Member
from tests.talking import BEGINNING
from tests.trips import QUESTIONS
from tests.witness import Letter, Shown, Witness


@frozen
class Address:
    """Where a member writes from.

    Args:
        member: Who.
        channel: The address.
        exact: How exactly its messages say when they were sent; None if they do not.
    """

    member: str
    channel: Channel
    exact: timedelta | None


ADDRESSES = {
    "ann": Address("ann", Channel("whatsapp", "15550001111"), timedelta(seconds=1)),
    "bob": Address("bob", Channel("console", "bob"), None),
    "cid": Address("cid", Channel("whatsapp", "15550003333"), timedelta(seconds=1)),
    "cid at the console": Address("cid", Channel("console", "cid"), timedelta(milliseconds=1)),
}
WORDS = ("back", "back", "Back", "restart", "Cancel", " HELP ")
TEXTS = ("9", "3", "²", "-1", "1", "", " \n", "x" * 4097, "\x00", "land", "Sea", "done", "trip", "New  Trip", "tip")
FORGERIES = ("land", "00000000.land", "ffffffff.cancel", "{nonce}.nowhere", "{nonce}", "", "trip", "cancel", "back")
WAITS = (*(timedelta(seconds=each) for each in (1, 30, 240, 299, 300, 301)), timedelta(hours=1))

CASTS = (("ann",), ("bob",), ("cid", "cid at the console"), tuple(ADDRESSES))
senders = st.integers(0, len(ADDRESSES) - 1)  # of those who take part: the fewer they are, the farther they come
places = st.sampled_from((0, 1, 0, 1, 2, 3))  # what is chosen third ends the trip
times = st.sampled_from((1, 1, 2, 3))
is_held = st.sampled_from((False, False, False, True))


Step = tuple[Callable[..., None], dict[str, Any]]
"""What happened, to be done again: a rule and what it was given."""

RuleT = TypeVar("RuleT", bound=Callable[..., None])


def happens(kind: Callable[..., Any] = rule, /, **given: Any) -> Callable[[RuleT], RuleT]:
    """A rule that is written down as it happens.

    Args:
        kind: ``rule`` or ``initialize``.
        given: What it takes: hypothesis' strategies, by name.
    """

    def as_rule(happening: RuleT) -> RuleT:
        @wraps(happening)
        def noted(conversation: AnyConversation, **arguments: Any) -> None:
            conversation.steps.append((happening, arguments))
            happening(conversation, **arguments)

        return cast("RuleT", kind(**given)(noted))

    return as_rule


class AnyConversation(RuleBasedStateMachine):
    """What can happen. Where there is no occasion for it, as when what happened before is left out, nothing does.

    Args:
        redis: Where the state is; the runner is of the side at hand.
    """

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self.redis = redis
        self.witness = Witness(redis, "")
        self.cast: tuple[str, ...] = CASTS[0]
        self.steps: list[Step] = []
        self.sent: list[Letter] = []
        self.held: list[Letter] = []

    @happens(initialize, default=st.sampled_from(("", "tip", "trip")), cast=st.sampled_from(CASTS))
    def opens(self, default: str, cast: tuple[str, ...]) -> None:
        """The bot is set up, with a flow that any message starts or without, for some members."""
        self.witness, self.cast = Witness(self.redis, default), cast

    @happens(sender=senders, place=places, held=is_held)
    def types_an_answer(self, sender: int, place: int, held: bool) -> None:
        """A member types an answer that is right, as far as the member knows; where nothing is asked, a keyword."""
        asked = QUESTIONS.get(self._member(sender).step)
        good = ("trip", "trip", "tip") if asked is None else (*asked.options, *asked.good)
        self._writes(sender, good[place % len(good)], held)

    @happens(sender=senders, place=places, times=times, held=is_held)
    def answers(self, sender: int, place: int, times: int, held: bool) -> None:
        """A member taps a button of the question that is asked, as far as the member knows; without one, types."""
        for _ in range(times):
            own, member = self._shown_to(sender), self._member(sender)
            asked = QUESTIONS.get(member.step)
            if own and own[-1].question == member.question:
                self._taps(sender, own[-1], place, held)
            else:
                self._writes(sender, asked.good[place % len(asked.good)] if asked else "trip", held)

    @happens(sender=senders, text=st.sampled_from(TEXTS), held=is_held)
    def types(self, sender: int, text: str, held: bool) -> None:
        """A member types anything."""
        self._writes(sender, text, held)

    @happens(sender=senders, word=st.sampled_from(WORDS), times=times, held=is_held)
    def types_a_word(self, sender: int, word: str, times: int, held: bool) -> None:
        """A member types what means something at any question, and may do so again at the next one."""
        for _ in range(times):
            self._writes(sender, word, held)

    @precondition(lambda self: bool(self.witness.shown))
    @happens(sender=senders, which=st.integers(0, 9), place=places)
    def taps_any(self, sender: int, which: int, place: int) -> None:
        """A button is tapped that is still on the screen, or that somebody else was shown."""
        shown = self.witness.shown
        if shown:
            self._taps(sender, shown[-1 - which % len(shown)], place)

    @happens(sender=senders, forged=st.sampled_from(FORGERIES))
    def forges(self, sender: int, forged: str) -> None:
        """An id comes that was on no button: forged, or of an approved template."""
        own = self._shown_to(sender)
        option_id = forged.format(nonce=next(iter(own[-1].buttons))[:8] if own else "00000000")
        tapped = None if "." not in option_id else own[-1].question if own and "nonce" in forged else 0
        self._writes(sender, "A button", option_id=option_id, kind="option", tapped=tapped)

    @happens(sender=senders, kind=st.sampled_from(("image", "reaction")), caption=st.sampled_from((None, "12")))
    def shows(self, sender: int, kind: str, caption: str | None) -> None:
        """A member sends what is no text."""
        self._writes(sender, caption if kind == "image" else None, kind=kind)

    @happens(sender=senders, text=st.sampled_from(TEXTS), ahead=st.sampled_from((59, 61, 35_000_000)))
    def types_with_a_wrong_clock(self, sender: int, text: str, ahead: int) -> None:
        """A message says that it was sent in the future."""
        self._writes(sender, text, ahead=timedelta(seconds=ahead))

    @precondition(lambda self: self.sent)
    @happens(since=st.sampled_from((0, 0, 0, 1, 2, 3, 4, 5, 9, 17)))
    def is_delivered_again(self, since: int) -> None:
        """The channel delivers a message again: the last one, or one of before."""
        if self.sent:
            self._delivers(self.sent[max(0, len(self.sent) - 1 - since)])

    @precondition(lambda self: self.held)
    @happens(which=places)
    def arrives(self, which: int) -> None:
        """A message arrives that was held up on its way."""
        if self.held:
            self._delivers(self.held.pop(which % len(self.held)))

    @precondition(lambda self: len(self.held) > 1)
    @happens(backwards=st.booleans(), twice=st.booleans())
    def all_arrive(self, backwards: bool, twice: bool) -> None:
        """All that was held up arrives in one delivery."""
        letters = [*self.held, *self.held[:1]] if twice else [*self.held]
        self.held.clear()
        if letters:
            self._delivers(*(reversed(letters) if backwards else letters))

    @happens(duration=st.sampled_from(WAITS))
    def waits(self, duration: timedelta) -> None:
        """Nobody says anything for a while."""
        self.witness.now += duration
        self.witness.notes(f"{duration} pass")

    @happens()
    def is_restarted(self) -> None:
        """The worker is gone, and another one is there."""
        self.witness.notes("the worker is restarted")
        self.witness.manager.close()
        self.witness.employs()

    def goes_through(self, steps: Sequence[Step]) -> None:
        """Does again what happened.

        Raises:
            AssertionError: It goes otherwise than its members may expect.
        """
        for happening, arguments in steps:
            happening(self, **arguments)
        self.teardown()

    def teardown(self) -> None:
        """Whoever was not heard of any more is still where they were."""
        self.witness.compares_all()

    def _address(self, sender: int) -> Address:
        return ADDRESSES[self.cast[sender % len(self.cast)]]

    def _member(self, sender: int) -> Member:
        return self.witness.member(self._address(sender).member)

    def _shown_to(self, sender: int) -> list[Shown]:
        return [shown for shown in self.witness.shown if shown.member == self._address(sender).member]

    def _taps(self, sender: int, shown: Shown, place: int, held: bool = False) -> None:
        option_id, title = list(shown.buttons.items())[place % len(shown.buttons)]
        tapped = shown.question if shown.member == self._address(sender).member else 0
        self._writes(sender, title, held, option_id=option_id, kind="option", tapped=tapped)

    def _writes(
        self,
        sender: int,
        text: str | None,
        held: bool = False,
        *,
        tapped: int | None = None,
        ahead: timedelta = timedelta(),
        **fields: Any,
    ) -> None:
        self.witness.now += timedelta(milliseconds=400)
        address = self._address(sender)
        sent_at = None
        if address.exact is not None:
            sent_at = BEGINNING + (self.witness.now + ahead - BEGINNING) // address.exact * address.exact
        known = (*self.sent, *self.held)
        number = sum(letter.inbound.channel == address.channel for letter in known) + 1
        inbound = Inbound(address.channel, f"m{number}", text, sent_at=sent_at, member_id=address.member, **fields)
        letter = Letter(self.cast[sender % len(self.cast)], inbound, tapped)
        if held:
            self.held.append(letter)
        else:
            self._delivers(letter)

    def _delivers(self, *letters: Letter) -> None:
        self.sent += [letter for letter in letters if letter not in self.sent]
        self.witness.delivers(*letters)

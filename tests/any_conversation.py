"""Any conversation: members, a channel, workers and a clock that do whatever hypothesis thinks of.

Here belongs what can happen; what must come of it is seen to by `tests.witness`. Nobody sleeps: the clock is moved.
Each message takes 0.4 seconds, so that some of them fall into one second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from redis import Redis

from fsmflow import Channel, Inbound
from tests.reference_model import Member
from tests.shortening import Step, happens
from tests.talking import BEGINNING
from tests.witness import Letter, Shown, Witness


@frozen
class Address:
    """Where a member writes from.

    Args:
        member: Who.
        channel: The address.
        exact: How exactly its messages say when they were sent; None if they do not.
        ahead: How many seconds the channel's clock runs ahead.
    """

    member: str
    channel: Channel
    exact: timedelta | None
    ahead: int = 0


ADDRESSES = {
    "ann": Address("ann", Channel("whatsapp", "15550001111"), timedelta(milliseconds=1)),
    "bob": Address("bob", Channel("console", "bob"), None),
    "cid": Address("cid", Channel("whatsapp", "15550003333"), timedelta(seconds=1)),
    "cid at the console": Address("cid", Channel("console", "cid"), timedelta(seconds=1), ahead=40),
}


@frozen
class Odd:
    """What is no answer, or may be none.

    Args:
        text: What is typed.
        option_id: An id that was on no button. ``{nonce}`` is that of the buttons which the member was shown last.
        kind: What kind of message it is.
    """

    text: str | None = None
    option_id: str | None = None
    kind: str = "text"


HEART = Odd(kind="reaction")
_TYPED = ("9", "3", "²", "-1", "1", "", " \n", "x" * 4097, "\x00", "land", "Sea", "no other", "done", "please cancel")
_FORGED = ("land", "00000000.land", "ffffffff.cancel", "{nonce}.nowhere", "{nonce}", "")
ODDITIES = (
    *(Odd(text) for text in _TYPED),
    *(Odd("A button", option_id, "option") for option_id in _FORGED),
    *(Odd(caption, kind="image") for caption in (None, "12")),
    *(HEART,) * 4,
)
# "tip" is not among them: another flow's keyword at a choice is asked about, which has tests of its own
WORDS = ("trip", "back", " HELP ", "restart", "Cancel", "New  Trip")
WAITS = tuple(timedelta(seconds=seconds) for seconds in (0, 1, 30, 240, 299, 300, 300, 301, 3600))
FIRST = (None, None, None, HEART, Odd("trip"))
CASTS = (("ann",), ("bob",), ("cid", "cid at the console"), tuple(ADDRESSES))

senders = st.integers(0, len(ADDRESSES) - 1)  # of those who take part: the fewer they are, the farther they come
places = st.sampled_from((0, 1, 0, 1, 2, 3))  # what is chosen third ends the trip
deliveries = st.sampled_from(("again", "again", "held up", "held up", "all", "all backwards", "all and one again"))
aheads = st.sampled_from((0, 0, 0, 0, 59, 61, 35_000_000))  # by how many seconds a clock runs ahead
times = st.sampled_from((1, 1, 2, 3))
is_held = st.sampled_from((False, False, False, True))


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

    @happens(sender=senders, word=st.sampled_from(WORDS), of_a_template=st.booleans(), ahead=aheads, held=is_held)
    def says(self, sender: int, word: str, of_a_template: bool, ahead: int, held: bool) -> None:
        """A member types a keyword or a global word, or taps it on an approved template; some clocks run ahead."""
        if of_a_template:
            self._writes(sender, "A button", held, option_id=word, kind="option", ahead=ahead)
        else:
            self._writes(sender, word, held, ahead=ahead)

    @happens(sender=senders, odd=st.sampled_from(ODDITIES), held=is_held)
    def writes(self, sender: int, odd: Odd, held: bool) -> None:
        """A member writes what is no answer, or may be none."""
        self._writes_oddly(sender, odd, held)

    @happens(sender=senders, place=places, times=times, held=is_held)
    def answers(self, sender: int, place: int, times: int, held: bool) -> None:
        """A member answers the questions as far as they are known to this member: taps where there are buttons."""
        for _ in range(times):
            self._answers(sender, place, held)

    @happens(sender=senders, which=st.integers(0, 5), held=is_held)
    def types(self, sender: int, which: int, held: bool) -> None:
        """A member types the answer: a text, a title, or the number of a choice, which not every channel shows."""
        asked = self._member(sender).asked
        good = ("trip",) if asked is None else asked.good or (*asked.options, "1", "2", "3")
        self._writes(sender, good[which % len(good)], held)

    @happens(sender=senders, times=times, place=places)
    def goes_back(self, sender: int, times: int, place: int) -> None:
        """A member goes back, and answers otherwise."""
        for _ in range(times):
            self._writes(sender, "back")
        self._answers(sender, place)

    @happens(sender=senders, which=st.integers(0, 9), place=places)
    def taps_any(self, sender: int, which: int, place: int) -> None:
        """A button is tapped that is still on the screen, or that somebody else was shown."""
        shown = self.witness.shown
        if shown:
            self._taps(sender, shown[-1 - which % len(shown)], place)

    @happens(what=deliveries, which=st.sampled_from((0, 0, 0, 1, 2, 3, 4, 5, 9, 17)))
    def is_delivered(self, what: str, which: int) -> None:
        """The channel delivers what was delivered before, or what it held up; where it holds nothing, the former."""
        if what != "again" and self.held:
            letters = list(self.held) if "all" in what else [self.held[which % len(self.held)]]
            self.held = [letter for letter in self.held if letter not in letters]
            letters += letters[:1] if "one again" in what else []
            self._delivers(*(letters[::-1] if "backwards" in what else letters))
        elif self.sent:
            self._delivers(self.sent[max(0, len(self.sent) - 1 - which)])

    @happens(duration=st.sampled_from(WAITS), restarted=st.booleans(), sender=senders, first=st.sampled_from(FIRST))
    def waits(self, duration: timedelta, restarted: bool, sender: int, first: Odd | None) -> None:
        """Nobody says anything for a while; the worker may be another one then, and what comes first no answer."""
        self.witness.now += duration
        self.witness.notes(f"{duration} pass")
        if restarted:
            self.witness.notes("the worker is restarted")
            self.witness.manager.close()
            self.witness.employs()
        if first is not None:
            self._writes_oddly(sender, first)

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

    def _answers(self, sender: int, place: int, held: bool = False) -> None:
        own, member = self._shown_to(sender), self._member(sender)
        asked = member.asked
        if own and own[-1].question == member.question:
            self._taps(sender, own[-1], place, held)
        else:
            self._writes(sender, asked.good[place % len(asked.good)] if asked else "trip", held)

    def _taps(self, sender: int, shown: Shown, place: int, held: bool = False) -> None:
        option_id, title = list(shown.buttons.items())[place % len(shown.buttons)]
        tapped = shown.question if shown.member == self._address(sender).member else 0
        self._writes(sender, title, held, option_id=option_id, kind="option", tapped=tapped)

    def _writes_oddly(self, sender: int, odd: Odd, held: bool = False) -> None:
        own, option_id, tapped = self._shown_to(sender), odd.option_id, None
        if option_id is not None:
            tapped = None if "." not in option_id else own[-1].question if own and "nonce" in option_id else 0
            option_id = option_id.format(nonce=next(iter(own[-1].buttons))[:8] if own else "00000000")
        self._writes(sender, odd.text, held, option_id=option_id, kind=odd.kind, tapped=tapped)

    def _writes(
        self,
        sender: int,
        text: str | None,
        held: bool = False,
        *,
        option_id: str | None = None,
        kind: str = "text",
        tapped: int | None = None,
        ahead: int = 0,
    ) -> None:
        self.witness.now += timedelta(milliseconds=400)
        address, sent_at = self._address(sender), None
        if address.exact is not None:
            told = self.witness.now + timedelta(seconds=address.ahead + ahead) - BEGINNING
            sent_at = BEGINNING + told // address.exact * address.exact
        number = sum(letter.inbound.channel == address.channel for letter in (*self.sent, *self.held)) + 1
        inbound = Inbound(address.channel, f"m{number}", text, option_id, kind, sent_at, member_id=address.member)
        letter = Letter(self.cast[sender % len(self.cast)], inbound, tapped)
        if held:
            self.held.append(letter)
        else:
            self._delivers(letter)

    def _delivers(self, *letters: Letter) -> None:
        self.sent += [letter for letter in letters if letter not in self.sent]
        self.witness.delivers(*letters)

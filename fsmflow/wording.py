"""The words that fsmflow itself says and understands.

Here belong the global words a member may type at any question (`Words`) and the sentences that are the library's own,
not a flow's (`Sentences`). Both are values that a runner is given, so that a bot can speak another language or leave
"cancel" to mean something else: what "0" or "stop" means differs from bot to bot. ``stop`` is on purpose no default
word: on some channels it means "never write to me again", which is not the same as leaving one conversation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from attrs import field, fields, frozen

from fsmflow.refusals import Refusals, check_sentence

# What is filled into a sentence, with a value of its kind to try it with.
_FILLED_IN: Final[Mapping[str, Mapping[str, object]]] = {
    "too_long": {"limit": 4096},
    "help": {"words": "back, cancel"},
    "interrupted": {"keyword": "offer"},
    "earlier": {"answer": "100"},
    "sign_in_left": {"keyword": "offer"},
    "expired": {"silence": "5 minutes", "keyword": "offer"},
    "offer": {"silence": "5 minutes"},
    "idle": {"keywords": "offer, register"},
}


# The titles that are the library's own, and how long the narrowest channel takes them.
_TITLES: Final = {"open_list": 20, "more": 24, "fewer": 24}
_REFUSALS: Final = Refusals()  # one for all: what a runner does not say otherwise is known by being this very object

# Putting accents in order takes time by the square of how many a text has. No title or keyword comes near this.
_COMPOSED_UP_TO: Final = 256


def folded(text: str) -> str:
    """How typed words are compared: without regard to case, with runs of white space as one space.

    An accent that was typed as a character of its own is the same as one that was not: they look alike, and which of
    the two a keyboard sends, its owner cannot know.
    """
    words = " ".join(text.split())
    if words.isascii() or len(words) > _COMPOSED_UP_TO:
        return words.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", words).casefold())


def spoken(duration: timedelta) -> str:
    """A duration in words, in the largest unit that divides it: ``1 minute``, ``90 seconds``, ``2 hours``."""
    seconds, part = divmod(duration, timedelta(seconds=1))
    if part:
        return f"{seconds}.{part.microseconds:06d}".rstrip("0") + " seconds"
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def starters(keywords: Sequence[str], flow_type: str) -> tuple[str, ...]:
    """What a member may send to start a flow: its keywords, else its type in words. Members are told the first."""
    return tuple(keywords) or (flow_type.replace("_", " "),)


def _as_words(words: str | Iterable[str]) -> tuple[str, ...]:
    # a lone string would be taken for its letters, and an empty word for every message without a text
    spelled = (words,) if isinstance(words, str) else words
    return tuple(filter(None, map(folded, spelled)))


@frozen
class Words:
    """What a member may type at any question; an empty tuple switches a word off.

    An option's own title wins over a global word: what is on the screen means what it says there.

    Args:
        cancel: Leaves the conversation.
        back: Goes to the question before.
        restart: Starts the same flow over.
        help: Says what can be done here, and asks again.
        menu: Says what can be started, and asks again.
        skip: Leaves out a question that need not be answered; at any other it is an answer.
    """

    cancel: tuple[str, ...] = field(default=("cancel",), converter=_as_words)
    back: tuple[str, ...] = field(default=("back",), converter=_as_words)
    restart: tuple[str, ...] = field(default=("restart",), converter=_as_words)
    help: tuple[str, ...] = field(default=("help",), converter=_as_words)
    menu: tuple[str, ...] = field(default=("menu",), converter=_as_words)
    skip: tuple[str, ...] = field(default=("skip",), converter=_as_words)

    _meanings: Mapping[str, str] = field(init=False, repr=False, eq=False)

    @_meanings.default
    def _by_word(self) -> Mapping[str, str]:
        # of a word that is there twice the first meaning counts, so it is written last
        names = ("skip", "menu", "help", "restart", "back", "cancel")
        return {word: name for name in names for word in getattr(self, name)}

    def meaning(self, text: str) -> str | None:
        """What a typed text means as a global word, by the name of its field; None where it is none."""
        return self._meanings.get(folded(text))

    def shown(self) -> str:
        """The first spelling of each word, as a member is told them: ``back, cancel, restart``."""
        return ", ".join(words[0] for words in (self.back, self.cancel, self.restart) if words)


@frozen
class Sentences:
    """What is said by the library itself. Fields in braces are filled in; a sentence may leave its fields out.

    Args:
        choose: Something else than one of the options was sent.
        which_one: A title was typed that several options have.
        gone: What was tapped is not among the options any more.
        open_list: The label that opens a list, where buttons became one. At most 20 characters on WhatsApp.
        more: The title of the row that shows the next options of a long list; it can be typed too. At most 24.
        fewer: The title of the row that shows the options before.
        text_wanted: Something else than text was sent where text is asked.
        empty: An empty answer was sent.
        too_long: A text over the limit was sent. ``{limit}``: characters.
        not_accepted: A validator refused and gave no reason.
        stale: A button of an earlier question was tapped.
        late: A message came that is older than the last one.
        first_question: Back was asked for where there is nothing before.
        help: What can be typed. ``{words}``: the global words.
        cancelled: The conversation was left.
        completed: The flow has no closing words of its own.
        failed: The flow ended without success.
        handover: The flow ended because a person takes over, and has no closing words of its own for that.
        earlier: Stands before a question that was answered before. ``{answer}``: what was answered.
        expired: The member was silent for too long. ``{silence}``: the timeout in English words, such as "5 minutes".
            ``{keyword}``: what starts it again.
        interrupted: Another flow was named in the middle of one. ``{keyword}``: what was sent.
        leave: The title of the option to leave what is open for it.
        later: The title of the option to come back to what is open later.
        stay: The title of the option to go on.
        too_many: What is open cannot be put aside, as too much is.
        working: An action is under way.
        checking: Nobody can say yet whether an action was done.
        done: An action was done, and the flow's own words for what comes next failed.
        settled: It is known what came of an action, and the member is not signed in to be told.
        no_way_back: Before the question that is asked there is an action that was done.
        still_done: The state was lost after an action was done, and all begins anew.
        not_done: An action is known not to have been done, and there is no reason to be told.
        resumed: What was put aside is gone on with.
        sign_in_first: What was asked for is only for who is signed in.
        sign_in_expired: A message came to what is only for who is signed in, from somebody who is not any more.
        sign_in_again: The sign-in was gone through, and the member is still not signed in.
        sign_in_awaits: What waits is only for who is signed in, and the member is not.
        sign_in_left: The sign-in was not gone through, so what waited for it is closed. ``{keyword}``: what starts it.
        signed_in: The sign-in was gone through, and what waits cannot be asked yet.
        offer: The member comes back after such a silence, and something was answered before: it may be gone on with.
            ``{silence}``: as above.
        go_on: The choice to go on; a button's title, so at most 20 characters on WhatsApp.
        start_over: The choice to start the same flow over, likewise.
        reminder: A step's ``reminder`` is due. The question follows.
        idle: Nothing is open. ``{keywords}``: what can be started.
        nothing: Nothing is open, and nothing can be started by a word.
        apology: The flow failed. It promises only what is true: the state stands.
        recovered: The stored state could not be read and was restored.
        lost: The stored state could not be read and there was nothing to restore.
        refusals: What the ready validators of `fsmflow.validators` say.

    Raises:
        ValueError: A sentence says nothing, or has braces that are none of its fields; it names the sentence.
    """

    choose: str = "Please choose one of the options."
    which_one: str = "Several options are called that. Please choose one of them by its number."
    gone: str = "That is not on offer any more."
    open_list: str = "Choose"
    more: str = "More"
    fewer: str = "Back"
    text_wanted: str = "Please answer with a text message."
    empty: str = "Please send an answer."
    too_long: str = "That is too long: please use at most {limit} characters."
    not_accepted: str = "That answer cannot be used. Please try another."
    stale: str = "That choice belongs to an earlier question."
    late: str = "That message came late, after a newer one, and was not used."
    first_question: str = "This is the first question: there is nothing to go back to."
    help: str = "Please answer the question, or send one of: {words}."
    cancelled: str = "Cancelled."
    completed: str = "Done. Thank you."
    failed: str = "This could not be completed."
    handover: str = "We could not settle this here. Somebody will get in touch with you."
    earlier: str = "Your answer was: {answer}"
    expired: str = "There was no answer for {silence}, so this was closed. Send {keyword} to start again."
    interrupted: str = "You asked for {keyword}, and something else is still open. What shall be done with it?"
    leave: str = "Leave it"
    later: str = "Come back later"
    stay: str = "Stay here"
    too_many: str = "Too much is open already: please finish this first."
    working: str = "One moment: this is being done."
    checking: str = "We are checking whether this went through. Nothing is done twice; please wait."
    done: str = "This is done."
    settled: str = "What was being done has come to its end. Send any message to sign in and go on."
    no_way_back: str = "What was done before this cannot be taken back."
    still_done: str = "What was done already stays done: please do not do it again before you have checked."
    not_done: str = "This was not done."
    resumed: str = "Back to what was open:"
    sign_in_first: str = "Please sign in first."
    sign_in_expired: str = "You are no longer signed in, so that message was not used. Sign in to go on where you were."
    sign_in_again: str = "You are still not signed in, so that message was not used. Please sign in again."
    sign_in_awaits: str = "Something else is still open. Send any message to sign in and go on with it."
    sign_in_left: str = "Without signing in this could not go on, so it was closed. Send {keyword} to start again."
    signed_in: str = "Thank you. Send any message to go on with what you wanted."
    offer: str = "There was no answer for {silence}. Your answers are kept: would you like to continue?"
    go_on: str = "Continue"
    start_over: str = "Start over"
    reminder: str = "Are you still there?"
    idle: str = "You can send: {keywords}."
    nothing: str = "There is nothing to answer just now."
    apology: str = "Sorry, something went wrong on our side. Your answers are kept; please try again in a moment."
    recovered: str = "Sorry, we lost our place for a moment."
    lost: str = "Sorry, we lost our place and have to start over."
    refusals: Refusals = _REFUSALS

    def __attrs_post_init__(self) -> None:
        for each in fields(Sentences):
            sentence = getattr(self, each.name)
            if sentence is each.default:  # every flow is made with the library's own, which a test holds to this
                continue
            if each.name != "refusals":
                check_sentence(each.name, sentence, _FILLED_IN.get(each.name))
                if len(sentence) > _TITLES.get(each.name, len(sentence)):
                    wanted = f"is a title: it must have at most {_TITLES[each.name]} characters"
                    raise ValueError(f"the sentence {each.name!r} {wanted}")
            elif not isinstance(sentence, Refusals):
                raise ValueError("the sentence 'refusals' must be Refusals")
        if folded(self.go_on) == folded(self.start_over):
            raise ValueError("the sentences 'go_on' and 'start_over' must not be the same: they are two choices")

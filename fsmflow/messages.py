"""What is said and what comes in, as values that know no channel.

Here belong the words of a conversation: who it is with (`Channel`), what a member sent (`Inbound`), what is said
(`Text`, `Buttons`, `ListMenu`, …) and what the runner hands back (`Reply`). How a channel spells them, and how long
they may be, belongs to `fsmflow.channels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, Union

from attrs import field, frozen

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def as_text(value: str | None) -> str | None:
    """Text that UTF-8 can hold: JSON may carry half a surrogate pair, which nothing that is stored can."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_identifier(value: str) -> str:
    return as_text(value) or ""


def _as_moment(value: Any) -> datetime | None:
    """An aware datetime, from one or from seconds since the epoch; anything else is the caller's mistake."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("sent_at must be an aware datetime: a naive one says a different moment on each machine")
        return value
    try:
        if not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value):
            return _EPOCH + timedelta(seconds=value)
    except OverflowError:
        pass  # seconds that no calendar reaches: milliseconds, most likely
    raise ValueError("sent_at must be an aware datetime or seconds since the epoch")


@frozen
class Channel:
    """One address of a member.

    Args:
        type: The kind of channel: ``"whatsapp"``, ``"console"``, …
        identifier: The member's address on it. On WhatsApp the business-scoped user id where there is one, else the
            phone number: Meta omits the number of a member who has a username.
    """

    type: str = field(converter=_as_identifier)
    identifier: str = field(converter=_as_identifier)


@frozen
class Inbound:
    """One message from a member.

    Args:
        channel: Where it came from, and where the reply goes.
        message_id: The channel's own id of the message; with the channel type it is what duplicates are known by. Never
            empty: of two messages without an id the second would be taken for a duplicate.
        text: What was typed, or the title of what was tapped.
        option_id: The id that a tapped button or row carried.
        kind: ``"text"``, ``"option"``, or the channel's own word for anything else (``"image"``, ``"location"``, …).
        sent_at: When the member sent it: an aware datetime, or seconds since the epoch. None if the channel says not.
        account: The bot's own account that received it (on WhatsApp the phone number id), which the reply goes out by.
        sender_name: The name that the member gave to the channel.
        phone: The member's phone number, where the channel tells it.
        member_id: Who it is, where the application already knows; None has the runner derive it from the channel.

    Raises:
        ValueError: There is no message id, or an empty member id, or `sent_at` is no moment.
    """

    channel: Channel
    message_id: str
    text: str | None = field(default=None, repr=False)
    option_id: str | None = field(default=None, repr=False)
    kind: str = "text"
    sent_at: datetime | None = field(default=None, converter=_as_moment)
    account: str | None = None
    sender_name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    member_id: str | None = None

    def __attrs_post_init__(self) -> None:
        if not self.message_id:
            raise ValueError("message_id must not be empty")
        if self.member_id == "":
            raise ValueError("member_id must not be empty")
        # in one go: a converter for each is called for each, and nearly all of what is typed is ASCII or absent
        for name in ("message_id", "text", "option_id", "sender_name", "phone"):
            said = getattr(self, name)
            if said is not None and not said.isascii():
                object.__setattr__(self, name, as_text(said))


@frozen
class Option:
    """A button, or a row of a list.

    Args:
        id: What comes back when it is chosen; unique within its step. 1–55 bytes in UTF-8.
        title: What the member reads.
        description: A second line, where the channel shows one.
        to: The step or the terminal state that choosing it leads to; None goes where the step goes.
    """

    id: str
    title: str
    description: str = ""
    to: str | None = None


def _as_options(options: Iterable[Option]) -> tuple[Option, ...]:
    return tuple(options)


@frozen
class Section:
    """A titled group of a list's rows.

    Args:
        title: Its heading; may be empty where it is the only one.
        options: Its rows.
    """

    title: str
    options: tuple[Option, ...] = field(converter=_as_options)


def _as_sections(sections: Iterable[Section]) -> tuple[Section, ...]:
    return tuple(sections)


@frozen
class Text:
    """Plain text.

    Args:
        body: What is said.
    """

    body: str


@frozen
class Buttons:
    """A text with a few choices below it.

    Args:
        body: What is said.
        options: The choices. A step's message leaves them out: they belong to the step, and the turn puts them in.
        header: A line above.
        footer: A line below.
    """

    body: str
    options: tuple[Option, ...] = field(default=(), converter=_as_options)
    header: str | None = None
    footer: str | None = None


@frozen
class ListMenu:
    """A text with a menu that opens on a tap.

    Args:
        body: What is said.
        button: The label that opens the menu.
        sections: The rows, in groups. A step's message leaves them out.
        header: A line above.
        footer: A line below.
        first: Where rows are numbered, the number of the first one: of a page that is not the first, a later one.
        turns: The rows that turn the page, after all the others; they have no numbers.
    """

    body: str
    button: str = "Choose"
    sections: tuple[Section, ...] = field(default=(), converter=_as_sections)
    header: str | None = None
    footer: str | None = None
    first: int = 1
    turns: tuple[Option, ...] = field(default=(), converter=_as_options)


def _as_components(components: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(components)


@frozen
class ApprovedTemplate:
    """A message that the channel has approved beforehand, e.g. for writing outside WhatsApp's 24-hour window.

    Args:
        name: Its name at the channel.
        language: Its language code, e.g. ``"en_US"``.
        components: Its parameters in the channel's own shape: WhatsApp's ``components`` array.
    """

    name: str
    language: str
    components: tuple[Mapping[str, Any], ...] = field(default=(), converter=_as_components)


@frozen
class Media:
    """A picture, a document, a recording: by link or by the channel's id of an upload, one of the two.

    Args:
        kind: What it is.
        link: Where the channel can fetch it.
        id: The channel's id of it.
        caption: A text below it.
        filename: What a document is called.
    """

    kind: Literal["image", "document", "audio", "video", "sticker"]
    link: str | None = None
    id: str | None = None
    caption: str | None = None
    filename: str | None = None


@frozen
class Location:
    """A place.

    Args:
        latitude: Degrees north.
        longitude: Degrees east.
        name: What it is called.
        address: Where it is, in words.
    """

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


Message = Union[Text, Buttons, ListMenu, ApprovedTemplate, Media, Location]


@frozen
class Reply:
    """What the runner answers to one inbound message.

    Args:
        messages: What to send, in order. Empty for a duplicate whose reply is no longer the latest.
        member_id: Whom it concerns.
        flow_id: The flow that spoke, or whose stored run the message was about, ended or not; None where it is about
            none.
        step_id: The step (or terminal state) that the member is at now.
        status: ``in_progress``, ``refused``, ``completed``, ``cancelled``, ``failed``, ``expired``, ``recovered``,
            ``error``, ``idle``, ``ignored`` for what wants no
            answer (a reaction), or ``duplicate`` for one whose reply is not kept any more.
        duplicate: True if this message was decided before. `messages` then holds the stored reply, if it was the
            latest: send it again only if you do not know that it was sent.
        run_id: The run of the flow that spoke: what to do once for it is done under this key.
        data: What was collected, structured, where the status is ``completed``; a duplicate of that message has it
            too, so that who died before acting on it can act. A dict by step id; of a flow that is typed, an object
            of its data class. None where nothing was completed.
    """

    messages: tuple[Message, ...]
    member_id: str
    flow_id: str | None
    step_id: str | None
    status: str
    duplicate: bool = False
    run_id: str | None = None
    data: Any = field(default=None, repr=False)


def options_of(message: Message) -> tuple[Option, ...]:
    """The choices that a message offers, whatever it is; empty for one that offers none."""
    if isinstance(message, Buttons):
        return message.options
    if isinstance(message, ListMenu):
        return (*(option for section in message.sections for option in section.options), *message.turns)
    return ()

"""A message as WhatsApp Cloud API request bodies, and the limits that Meta refuses them over.

Each message is one body: since October 2026 every one is charged, so nothing is split into several. The bodies are for
``POST /{phone number id}/messages``; the phone number id is `Inbound.account`, and posting is the application's.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from fsmflow.channels.limits import Limits
from fsmflow.channels.numbered import as_text
from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    Channel,
    ListMenu,
    Location,
    Media,
    Message,
    Option,
    Section,
    Text,
)

# Meta's pages under developers.facebook.com/documentation/business-messaging/whatsapp are cited by their path.
limits = Limits(
    channel="whatsapp",
    refuses_faulty=True,
    text_body=4096,  # messages/text-messages
    # A conflict: messages/interactive-list-messages says 4096 for a list's body, and 1024 for buttons. In production
    # longer list bodies were refused with code 131009, "Max length: 1024", and nyaruka/courier caps both at 1024.
    interactive_body=1024,
    header=60,  # messages/interactive-list-messages
    footer=60,  # messages/interactive-reply-buttons-messages
    buttons=3,  # messages/interactive-reply-buttons-messages, as are the next two
    button_title=20,
    button_id=256,
    list_button=20,  # messages/interactive-list-messages, as is the rest of the list
    list_sections=10,
    list_rows=10,
    section_title=24,
    row_title=24,
    row_description=72,
    row_id=200,
    page_rows=10,
    media_caption=1024,  # messages/image-messages
    captioned_media=("image", "document", "video"),
    template_header=60,  # templates/components, as are the next two
    template_body=1024,  # older pages told 32768 for a template of a body alone
    template_buttons=10,
    window=timedelta(hours=24),  # messages/send-messages: after it only an approved template is taken
)

# A business-scoped user id: a country, for a parent business "ENT", and up to 128 letters and digits.
_BUSINESS_SCOPED_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


def render(message: Message, *, to: Channel) -> list[dict[str, Any]]:
    """Spell a message as Cloud API request bodies.

    Buttons without options become a text. Headers, footers and descriptions that are blank are left out, and so is the
    blank title of an only section. A filename is sent with a document only: no other medium has one.

    Args:
        message: What is said.
        to: To whom: a business-scoped user id is sent as ``recipient``, anything else, a phone number, as ``to``
            (where both are given Meta takes ``to``).

    Returns:
        The bodies, in the order to send them; today always one.

    Raises:
        LimitExceeded: A part of the message is over its limit.
        UnsendableMessage: WhatsApp refuses the message for another reason, e.g. an empty body.
    """
    limits.check(message)
    address = "recipient" if _BUSINESS_SCOPED_ID.fullmatch(to.identifier) else "to"
    kind, content = _content(message)
    return [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            address: to.identifier,
            "type": kind,
            kind: content,
        }
    ]


def _content(message: Message) -> tuple[str, dict[str, Any]]:
    """The body's type, and what stands under its name."""
    if isinstance(message, Text) or (isinstance(message, Buttons) and not message.options):
        return "text", {"body": as_text(message), "preview_url": False}
    if isinstance(message, Buttons):
        return "interactive", _interactive(message, "button", {"buttons": [_button(one) for one in message.options]})
    if isinstance(message, ListMenu):
        sections = [_section(section) for section in message.sections]
        if message.turns:
            sections[-1]["rows"] += [{"id": option.id, "title": option.title} for option in message.turns]
        return "interactive", _interactive(message, "list", {"button": message.button, "sections": sections})
    if isinstance(message, ApprovedTemplate):
        return "template", _template(message)
    if isinstance(message, Media):
        return message.kind, _media(message)
    return "location", _location(message)


def _interactive(message: Buttons | ListMenu, kind: str, action: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"type": kind, "body": {"text": message.body}, "action": action}
    if _has_words(message.header):
        content["header"] = {"type": "text", "text": message.header}
    if _has_words(message.footer):
        content["footer"] = {"text": message.footer}
    return content


def _button(option: Option) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": option.id, "title": option.title}}


def _section(section: Section) -> dict[str, Any]:
    rows = []
    for option in section.options:
        row = {"id": option.id, "title": option.title}
        if _has_words(option.description):
            row["description"] = option.description
        rows.append(row)
    return {"title": section.title, "rows": rows} if _has_words(section.title) else {"rows": rows}


def _template(message: ApprovedTemplate) -> dict[str, Any]:
    content: dict[str, Any] = {"name": message.name, "language": {"code": message.language}}
    if message.components:
        content["components"] = [dict(component) for component in message.components]
    return content


def _media(message: Media) -> dict[str, Any]:
    content: dict[str, Any] = {"link": message.link} if message.link else {"id": message.id}
    if _has_words(message.caption):
        content["caption"] = message.caption
    if message.kind == "document" and _has_words(message.filename):
        content["filename"] = message.filename
    return content


def _location(message: Location) -> dict[str, Any]:
    # seven decimals are a centimetre; the general format would write a small number as 1e-05
    content: dict[str, Any] = {"latitude": f"{message.latitude:.7f}", "longitude": f"{message.longitude:.7f}"}
    if _has_words(message.name):
        content["name"] = message.name
    if _has_words(message.address):
        content["address"] = message.address
    return content


def _has_words(words: str | None) -> bool:
    return words is not None and bool(words.strip())

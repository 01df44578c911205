"""Who a WhatsApp message is from: the contacts of one change, and the message's own words, put together.

A change may hold the contacts of several members, each with a business-scoped user id, a phone number (``wa_id``) or
both; a message names its sender by either. A contact is never guessed by its position.
"""

from __future__ import annotations

from attrs import field, frozen

from fsmflow.channels.fields import as_array, as_identifier, as_object, as_words


@frozen
class Sender:
    """One member, as far as a change tells.

    Args:
        identifier: The business-scoped user id where there is one, else the phone number.
        phone: The phone number, if it is told.
        name: What the member is called in WhatsApp.
    """

    identifier: str
    phone: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)


@frozen
class _Contact:
    user_id: str | None
    phone: str | None
    name: str | None


@frozen
class Contacts:
    """The contacts of one change, found by user id and by phone number.

    Args:
        by_user_id: Those with a business-scoped user id.
        by_phone: Those with a phone number.
        only: The one contact, if there is no other.
    """

    by_user_id: dict[str, _Contact]
    by_phone: dict[str, _Contact]
    only: _Contact | None

    @classmethod
    def of(cls, items: object) -> Contacts:
        """Read a change's ``contacts``; what is unusable in them is left out, as the messages may do without."""
        contacts = [_contact(item) for item in as_array(items) or ()]
        return cls(
            by_user_id={contact.user_id: contact for contact in reversed(contacts) if contact.user_id is not None},
            by_phone={contact.phone: contact for contact in reversed(contacts) if contact.phone is not None},
            only=contacts[0] if len(contacts) == 1 else None,
        )

    def sender(self, user_id: object, phone: object, *, is_alone: bool) -> Sender | None:
        """Who it is, by the ids that a message (or a status) gives.

        Args:
            user_id: Its ``from_user_id``, as it stands in the body.
            phone: Its ``from``, as it stands in the body.
            is_alone: True if it is the change's only message. Then the only contact is the sender's, by definition.

        Returns:
            The sender; None if no usable id is told.
        """
        own_user_id, own_phone = as_identifier(user_id), as_identifier(phone)
        contact = self._find(own_user_id, own_phone, is_alone)
        user_id_told = own_user_id or contact.user_id
        phone_told = own_phone or contact.phone
        identifier = user_id_told or phone_told
        return Sender(identifier, phone_told, contact.name) if identifier is not None else None

    def _find(self, user_id: str | None, phone: str | None, is_alone: bool) -> _Contact:
        nobody = _Contact(None, None, None)
        if user_id is None and phone is None:
            return self.only if self.only is not None and is_alone else nobody
        if user_id is not None and user_id in self.by_user_id:
            return self.by_user_id[user_id]
        contact = self.by_phone.get(phone, nobody) if phone is not None else nobody
        # numbers change hands: of another user id than the message's, it is somebody else
        return nobody if user_id is not None and contact.user_id is not None else contact


def _contact(item: object) -> _Contact:
    contact = as_object(item) or {}
    profile = as_object(contact.get("profile")) or {}
    return _Contact(
        as_identifier(contact.get("user_id")), as_identifier(contact.get("wa_id")), as_words(profile.get("name"))
    )

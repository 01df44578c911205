"""Several words for one step: one for each kind of channel, where one form does not suit them all.

Here belongs the value and how it is read. Words that are said only on one channel are for what that channel can do
(a header, bold print) or cannot; a flow that asks different questions on two channels is two flows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen(init=False)
class PerChannel:
    """What a step says, by the type of the channel.

    ::

        message=PerChannel("Which offer? Type its number.", whatsapp=ListMenu("Which offer?", "Offers"))

    Args:
        default: What is said on every channel that is not named: words, a message, or a callable ``(self)`` or ``()``
            that gives one, as ``message`` itself takes.
        channels: What is said on a channel of that type instead, likewise.
    """

    default: Any
    channels: Mapping[str, Any] = field(hash=False)

    def __init__(self, default: Any, /, **channels: Any) -> None:
        self.__attrs_init__(default, channels)

    def on(self, channel_type: str) -> Any:
        """What is said on a channel of a type."""
        return self.channels.get(channel_type, self.default)

    @property
    def forms(self) -> tuple[Any, ...]:
        """All that is said somewhere, the default first."""
        return (self.default, *self.channels.values())

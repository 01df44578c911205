"""WhatsApp, by Meta's Cloud API: what this channel offers, gathered from the modules beside it.

``parse`` reads a webhook body, ``render`` writes request bodies within ``limits``, ``verify_signature`` and
``verify_challenge`` are for the webhook's endpoint. No logic here.
"""

from __future__ import annotations

from fsmflow.channels.whatsapp_endpoint import verify_challenge, verify_signature
from fsmflow.channels.whatsapp_inbound import parse
from fsmflow.channels.whatsapp_outbound import limits, render

__all__ = ["limits", "parse", "render", "verify_challenge", "verify_signature"]

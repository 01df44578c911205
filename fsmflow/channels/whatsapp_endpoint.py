"""What a WhatsApp webhook's endpoint must verify: Meta's signature under a body, and Meta's challenge at setup.

Both fail closed: whatever is missing, odd or empty is a no, never an exception. An empty secret verifies nothing, as
everybody can sign with it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

_LARGEST_BODY = 3 * 1024 * 1024  # bytes; Meta's own limit for a webhook's payload (webhooks/overview)
_SCHEME = "sha256="


def verify_signature(app_secret: str | bytes, raw_body: bytes, header: str | None) -> bool:
    """Whether Meta signed a webhook body. Takes the same time wherever a wrong signature differs.

    Args:
        app_secret: The app's secret, from Meta's app dashboard.
        raw_body: The body's bytes as they were received. Parsed and serialised again, they would not verify.
        header: The request's ``X-Hub-Signature-256``: ``sha256=`` and the HMAC-SHA256 in hexadecimal.

    Returns:
        True if the signature is right; False if it is not, is missing, malformed or no str, if the body is over 3 MB,
        or if the secret is empty.
    """
    secret = app_secret.encode("utf-8") if isinstance(app_secret, str) else app_secret
    if not secret or not isinstance(header, str) or len(raw_body) > _LARGEST_BODY:
        return False
    # compare_digest raises for a str that is not ASCII, and answers at once for another length
    if not header.isascii() or not header.startswith(_SCHEME):
        return False
    expected = hmac.new(secret, raw_body, "sha256").hexdigest()
    return hmac.compare_digest(expected, header[len(_SCHEME) :].lower())


def verify_challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """Answer the GET request by which Meta verifies that an endpoint is the application's.

    Args:
        query: The request's query parameters: ``hub.mode``, ``hub.verify_token``, ``hub.challenge``.
        verify_token: The token that was typed into Meta's app dashboard.

    Returns:
        The text to answer with, with status 200; None if the request is not Meta's: answer with status 403.
    """
    token, challenge = query.get("hub.verify_token"), query.get("hub.challenge")
    if query.get("hub.mode") != "subscribe" or not isinstance(token, str) or not isinstance(challenge, str):
        return None
    if not verify_token or not challenge:
        return None
    is_right = hmac.compare_digest(token.encode("utf-8", "surrogatepass"), verify_token.encode("utf-8"))
    return challenge if is_right else None

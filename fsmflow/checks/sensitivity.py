"""Whether a step looks as if its answer were a secret: by its id, and by the words of its question.

Here belong the names that secrets go by, and nothing else: it is a guess, for a reviewer to judge. A choice is never
taken for one, as its answers stand in the source. Of the words only the sentences count that do not deny it before they
name it: "We never ask for your PIN" asks for none. Rejected: taking "pin" or "secret" anywhere in the words for one,
which would report the pin on a map and the secret of a good stew; an id names what is kept, so there a lone word will
do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ALONE: Final = frozenset(
    {
        *("pin", "pincode", "password", "passwd", "passcode", "passphrase", "secret", "otp", "totp", "mpin"),
        *("cvv", "cvv2", "cvc", "cvc2", "csc", "ssn", "nrc", "nin", "passport", "iban"),
    }
)
"""Words of an id, each of which names a secret by itself."""

_TOGETHER: Final = frozenset(
    {
        *("idnumber", "idno", "nationalid", "identitynumber", "identitycard", "passportnumber", "socialsecurity"),
        *("cardnumber", "cardno", "accountnumber", "securitycode", "verificationcode", "onetimecode", "accesscode"),
        *("securityanswer", "mothersmaiden", "taxnumber", "taxid", "licencenumber", "licensenumber"),
    }
)
"""Words of an id that name one together, written as one."""

_IN_WORDS: Final = re.compile(
    r"""
    \bPIN\b
    | (?i: \b (?:your|new|old|current|digit|secret|transaction) [ ] m?pin \b | ^ [^\w]* m?pin (?:[ ]code)? [^\w]* $
    | \b pin [ -]? (?:code|number) \b
    | \b pass (?:word|code|phrase) s? \b
    | \b your [ ] secret \b | \b secret [ ] (?:word|code|key|answer|phrase|number) \b
    | \b one [ -]? time [ -] (?:code|pin|password) \b | \b (?:security|verification|access) [ ] (?:code|answer) \b
    | \b (?:national|tax) [ -] id \b | \b id (?:entity|entification)? [ -] (?:card[ ])? (?:number|no) \b
    | \b social [ ] security \b
    | \b (?:card|passport|licen[cs]e|account) [ ] number \b | \b (?:otp|cvv2?|cvc2?|ssn|iban) \b )
    """,
    re.VERBOSE,
)
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_DENIED: Final = re.compile(r"\b(?:never|not|no|without|don['’]t|do not|won['’]t)\b", re.IGNORECASE)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST: Final = 3  # words of an id that are read as one


def secret_in_id(step_id: str) -> str | None:
    """The words of a step's id that name a secret: ``"card_number"`` of ``new_card_number``.

    Args:
        step_id: The id.

    Returns:
        The words as they stand there, or None.
    """
    words = [word for part in step_id.split("_") for word in _CAMEL.split(part) if word]
    lowered = [word.lower() for word in words]
    for count in range(_LONGEST, 0, -1):
        for start in range(len(words) - count + 1):
            together = "".join(lowered[start : start + count])
            if together in _TOGETHER or (count == 1 and together in _ALONE):
                return "_".join(words[start : start + count])
    return None


def secret_in_words(texts: Iterable[str]) -> str | None:
    """What a question asks for that is a secret: ``"your PIN"``.

    Args:
        texts: The question's words.

    Returns:
        The words as they stand there, or None.
    """
    for text in texts:
        for sentence in _SENTENCES.split(text):
            found = _IN_WORDS.search(sentence)
            if found is not None and not _DENIED.search(sentence, 0, found.start()):
                return found[0].strip()
    return None

"""Email addresses, by the package `email-validator` (the extra ``email``).

What is kept is the address in that package's normal form: the domain in small letters, characters composed. Whether
somebody reads what is sent there is not found out: that takes a look into the DNS, which a validator has no time for,
and says little; send a code. Not read are names beside the address (``Ama <ama@example.com>``).
"""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from fsmflow.errors import MissingExtra
from fsmflow.validators.base import Validator, check_example
from fsmflow.validators.typed import DROPPED, NARROW

_TABLE: Final = {**DROPPED, **NARROW}  # more is not changed: another address is another person's
_LIMIT: Final = 254  # RFC 5321: what fits into the path of a mail


@frozen
class EmailAddress(Validator[str]):
    """An email address; what is kept is a str.

    Args:
        given: An answer that is accepted, for the refusals.

    Raises:
        MissingExtra: The package `email-validator` is not installed.
        ValueError: The example is no address.
    """

    given: str = field(default="ama@example.com", alias="example")

    def __attrs_post_init__(self) -> None:
        _email_validator()
        check_example(self)

    def parse(self, value: str) -> str:
        """The address in its normal form."""
        library = _email_validator()
        typed = value.translate(_TABLE).strip()
        if len(typed) > _LIMIT:
            raise self.refused("email")
        try:
            found = library.validate_email(typed, check_deliverability=False)
        except ValueError:  # its own EmailNotValidError, and what the codec of domains raises
            raise self.refused("email") from None
        return str(found.normalized)

    @property
    def example(self) -> str:
        """An address that is nobody's."""
        return self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No address, half of one, and two."""
        return "ama", "ama@", "ama@example.com, kofi@example.com"

    @property
    def __name__(self) -> str:
        return "email address"

    def good_answers(self, strategies: Any) -> Any:
        """Addresses of many people at a few domains."""
        people = strategies.from_regex(r"[a-z0-9]([a-z0-9._+-]{0,20}[a-z0-9])?", fullmatch=True)
        domains = strategies.sampled_from(("example.com", "EXAMPLE.org", "mail.example.net", "bücher.example.com"))
        made = strategies.builds("{}@{}".format, people, domains)
        return strategies.one_of(strategies.just(self.example), made.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no address."""
        badly = (
            "ama",
            "@example.com",
            "ama@",
            "a@b@c.com",
            "ama example.com",
            "ama@localhost",
            "Ama <ama@example.com>",
        )
        return strategies.one_of(
            strategies.sampled_from((*badly, "a" * 300 + "@example.com", "ama@example..com", "ama@\x00.com")),
            strategies.text(max_size=20),
        ).filter(lambda text: not self.accepts(text))


def _email_validator() -> Any:
    try:
        import email_validator
    except ImportError as missing:
        raise MissingExtra("email", "EmailAddress") from missing
    return email_validator

"""Phone numbers and email addresses: what real members type."""

# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

import socket
from typing import Any

import email_validator
import pytest

from fsmflow.validators import EmailAddress, PhoneNumber
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("0771234567", "+263771234567"),
        ("077 123 4567", "+263771234567"),
        ("077-123-4567", "+263771234567"),
        ("(077) 123.4567", "+263771234567"),
        ("+263 77 123 4567", "+263771234567"),
        ("00263 77 123 4567", "+263771234567"),
        ("\u202a+263 77 123 4567\u202c", "+263771234567"),  # as contacts copy it
        ("+263\u00a077\u2011123\u20114567", "+263771234567"),
        ("٠٧٧١٢٣٤٥٦٧", "+263771234567"),
        ("＋２６３７７１２３４５６７", "+263771234567"),
        ("+44 7400 123456", "+447400123456"),
        ("12345", "<phone>"),
        ("077123", "<phone>"),
        ("+999 123 456 789", "<phone>"),
        ("1-800-FLOWERS", "<phone>"),
        ("0771234567 ext 5", "<phone>"),
        ("0771234567 / 0771234568", "<phone>"),
        ("tel:+263771234567", "<phone>"),
        ("+", "<phone>"),
        ("", "<phone>"),
        ("0771234567\x00", "<phone>"),
        ("9" * 4000, "<phone>"),
    ],
    ids=ascii,
)
def test_a_phone_number_is_one_text_however_it_was_typed(answer: str, kept: str) -> None:
    assert outcome(PhoneNumber("ZW"), answer) == kept


def test_without_a_region_only_an_international_number_is_taken() -> None:
    assert outcome(PhoneNumber(), "+263771234567") == "+263771234567"
    assert outcome(PhoneNumber(), "0771234567") == "<phone>"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("ama@example.com", "ama@example.com"),
        (" Ama.K+news@EXAMPLE.com ", "Ama.K+news@example.com"),
        ("\u202aama@example.com\u202c", "ama@example.com"),
        ("ama＠example．com", "ama@example.com"),
        ("ama@bücher.example.com", "ama@bücher.example.com"),
        ("ama@xn--bcher-kva.example.com", "ama@bücher.example.com"),
        ("ama", "<email>"),
        ("ama@", "<email>"),
        ("@example.com", "<email>"),
        ("ama@localhost", "<email>"),
        ("ama@[127.0.0.1]", "<email>"),
        ("ama@example..com", "<email>"),
        ("ama@exam ple.com", "<email>"),
        ("Ama <ama@example.com>", "<email>"),
        ("ama@example.com, kofi@example.com", "<email>"),
        ("mailto:ama@example.com", "<email>"),
        ("ama@\x00.com", "<email>"),
        ("a" * 255 + "@example.com", "<email>"),
        ("a@" + "b" * 4000 + ".com", "<email>"),
        ("", "<email>"),
    ],
    ids=ascii,
)
def test_an_email_address_is_kept_in_its_normal_form(answer: str, kept: str) -> None:
    assert outcome(EmailAddress(), answer) == kept


def test_what_is_longer_than_an_address_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    email = EmailAddress()
    read: list[str] = []
    monkeypatch.setattr(email_validator, "validate_email", lambda text, **_: read.append(text))
    assert outcome(email, "a@" + "b" * 250 + ".com") == "<email>"
    assert read == []


def test_nobody_is_asked_whether_an_address_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    for name in ("socket", "getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, asked)
    assert outcome(EmailAddress(), "ama@no-such-domain-at-all.com") == "ama@no-such-domain-at-all.com"


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    for made in (lambda: PhoneNumber("zw"), lambda: PhoneNumber("XX"), lambda: PhoneNumber("ZW", example="5"),
                 lambda: EmailAddress("ama")):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            made()

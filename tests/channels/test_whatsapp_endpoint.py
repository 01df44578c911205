from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from fsmflow.channels import whatsapp
from tests.channels.payloads import FIXTURES, NAMES

SIGNATURES = json.loads((FIXTURES / "signatures.json").read_text(encoding="utf-8"))
SECRET: str = SIGNATURES["app_secret"]


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_metas_signature_verifies_over_the_raw_bytes_and_over_no_others(name: str) -> None:
    raw = (FIXTURES / "whatsapp" / f"{name}.json").read_bytes()
    header = SIGNATURES["x_hub_signature_256"][f"whatsapp/{name}.json"]
    assert whatsapp.verify_signature(SECRET, raw, header)
    assert whatsapp.verify_signature(SECRET.encode(), raw, header)
    assert not whatsapp.verify_signature(SECRET, raw + b"\n", header)
    assert not whatsapp.verify_signature(SECRET, json.dumps(json.loads(raw)).encode(), header)
    assert not whatsapp.verify_signature("another-secret", raw, header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        signed(b"{}").removeprefix("sha256="),
        "sha1=" + signed(b"{}").removeprefix("sha256="),
        signed(b"{}")[:-1],
        signed(b"{}") + "0",
        signed(b"{}") + " ",
        "sha256=" + "é" * 64,
        "sha256=" + "\ud83d" * 64,
        "sha256=" + "٣" * 64,
        signed(b"{}").encode(),  # as an ASGI server has it
        7,
    ],
)
def test_a_missing_or_odd_header_is_a_no_and_never_an_exception(header: Any) -> None:
    assert whatsapp.verify_signature(SECRET, b"{}", header) is False


def test_an_empty_secret_verifies_nothing_as_everybody_could_sign_with_it() -> None:
    assert whatsapp.verify_signature("", b"{}", signed(b"{}", secret="")) is False


def test_a_body_over_three_megabytes_is_refused_although_it_is_signed() -> None:
    largest = b"x" * (3 * 1024 * 1024)
    assert whatsapp.verify_signature(SECRET, largest, signed(largest)) is True
    assert whatsapp.verify_signature(SECRET, largest + b"x", signed(largest + b"x")) is False


def test_the_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(one: str, other: str) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    assert whatsapp.verify_signature(SECRET, b"{}", signed(b"{}")) is False
    assert len(compared) == 1


CHALLENGE = {"hub.mode": "subscribe", "hub.verify_token": "a-token", "hub.challenge": "1158201444"}


def test_metas_challenge_is_given_back_to_who_knows_the_token() -> None:
    assert whatsapp.verify_challenge(CHALLENGE, "a-token") == "1158201444"


@pytest.mark.parametrize(
    ("changed", "token"),
    [
        ({"hub.mode": "unsubscribe"}, "a-token"),
        ({"hub.verify_token": "another"}, "a-token"),
        ({"hub.verify_token": "ä-token"}, "a-token"),
        ({"hub.verify_token": "\ud83d"}, "a-token"),
        ({"hub.verify_token": ""}, ""),
        ({"hub.challenge": ""}, "a-token"),
    ],
)
def test_anything_else_gets_no_answer(changed: dict[str, str], token: str) -> None:
    assert whatsapp.verify_challenge({**CHALLENGE, **changed}, token) is None


@pytest.mark.parametrize("missing", sorted(CHALLENGE))
def test_a_query_that_lacks_a_parameter_gets_no_answer(missing: str) -> None:
    query = {name: value for name, value in CHALLENGE.items() if name != missing}
    assert whatsapp.verify_challenge(query, "a-token") is None

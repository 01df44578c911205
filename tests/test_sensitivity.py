"""What is taken for a secret by its name, and what is not."""

from __future__ import annotations

import pytest

from fsmflow.checks.sensitivity import secret_in_id, secret_in_words


@pytest.mark.parametrize(
    ("step_id", "found"),
    [
        ("pin", "pin"),
        ("new_pin", "pin"),
        ("newPin", "Pin"),
        ("PIN", "PIN"),
        ("password", "password"),
        ("passcode_again", "passcode"),
        ("secret", "secret"),
        ("otp", "otp"),
        ("cvv2", "cvv2"),
        ("ssn", "ssn"),
        ("id_number", "id_number"),
        ("national_id", "national_id"),
        ("your_card_number", "card_number"),
        ("cardNumber", "card_Number"),
        ("cardnumber", "cardnumber"),
        ("one_time_code", "one_time_code"),
        ("shipping", None),
        ("pinned", None),
        ("opinion", None),
        ("secretary", None),
        ("number", None),
        ("id", None),
        ("card", None),
        ("amount", None),
    ],
)
def test_an_id_names_a_secret_by_whole_words(step_id: str, found: str | None) -> None:
    assert secret_in_id(step_id) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Your PIN?", "Your PIN"),
        ("What is your pin?", "your pin"),
        ("Pin?", "Pin?"),
        ("The secret phrase?", "secret phrase"),
        ("Please send the PIN code, without spaces.", "PIN"),
        ("Choose a four-digit pin code", "digit pin"),
        ("A new password, please.", "password"),
        ("Your card number (no spaces)", "card number"),
        ("What is your ID number?", "ID number"),
        ("Identity card number?", "Identity card number"),
        ("Your national ID?", "national ID"),
        ("The one-time code that we sent you?", "one-time code"),
        ("The CVV on the back?", "CVV"),
        ("Social security number?", "Social security"),
        ("Your secret word?", "Your secret"),
        ("We never ask for your PIN. How much?", None),
        ("Do not send us your password!\nHow much?", None),
        ("We never ask for it. Your PIN?", "Your PIN"),
        ("Drop a pin on the map.", None),
        ("What is the secret of a good stew?", None),
        ("How much?", None),
        ("Your opinion?", None),
        ("Which number shall we call?", None),
    ],
)
def test_words_ask_for_a_secret_where_they_name_it_and_do_not_deny_it(words: str, found: str | None) -> None:
    assert secret_in_words([words]) == found


def test_the_first_of_several_texts_that_asks_for_one_is_told() -> None:
    assert secret_in_words(["How much?", "Your PIN?"]) == "Your PIN"
    assert secret_in_words([]) is None

"""Ready validators, each of which is a transformer too: it refuses with an example, and gives the typed value.

    Step(id="nights", type=StepType.TEXT, message="How many nights?", validator=Integer(1, 30))

The name is the one that forms and data classes have for it everywhere (Django, WTForms, attrs): a `validator` is what a
`Step` has. `base` says what one is, how two are composed (``a & b``) and how one is narrowed (``.where(…)``). The rest:

- `text`: `Length`, `Letters`, `Pattern`, on what `fsmflow.graphemes` counts;
- `numbers`: `Integer`, `DecimalNumber`; `money`: `Amount`, `Denomination`, `Money`, on the grammar of `numerals`;
- `dates`: `Date`; `times`: `Time`, `DateTime` (the extra ``dates``, of which `Time` has no need), on `bounds` and
  `clocks`;
- `phone`: `PhoneNumber` (the extra ``phone``); `email`: `EmailAddress` (the extra ``email``);
- `choice`: `Choice`, `YesNo`;
- `typed`: what members really type, made plain.

What an extra brings is imported when a validator that needs it is made. What they say is in `fsmflow.refusals`, and a
runner may say it in another language; a step's own ``refusal`` goes before it.
"""

from fsmflow.validators.base import Both, Narrowed, Validator
from fsmflow.validators.choice import Choice, YesNo
from fsmflow.validators.dates import Date
from fsmflow.validators.email import EmailAddress
from fsmflow.validators.money import Amount, Denomination, Money
from fsmflow.validators.numbers import DecimalNumber, Integer
from fsmflow.validators.phone import PhoneNumber
from fsmflow.validators.text import Length, Letters, Pattern, TextValidator
from fsmflow.validators.times import DateTime, Time

__all__ = [
    "Amount",
    "Both",
    "Choice",
    "Date",
    "DateTime",
    "DecimalNumber",
    "Denomination",
    "EmailAddress",
    "Integer",
    "Length",
    "Letters",
    "Money",
    "Narrowed",
    "Pattern",
    "PhoneNumber",
    "TextValidator",
    "Time",
    "Validator",
    "YesNo",
]

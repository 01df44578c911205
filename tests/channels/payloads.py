"""WhatsApp webhook bodies for the tests: the fixtures, small ones built by hand, and ones that were damaged."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.stem for path in (FIXTURES / "whatsapp").glob("*.json"))

ACCOUNT = "100000000000001"
PHONE = "15550001111"
USER_ID = "US.10000000000000001111"

Json = Any
Path_ = tuple[Any, ...]


def fixture(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FIXTURES / "whatsapp" / f"{name}.json").read_bytes())
    return body


def body_of(*values: dict[str, Any]) -> dict[str, Any]:
    """A body with one change for each value."""
    changes = [{"value": {"metadata": {"phone_number_id": ACCOUNT}, **value}, "field": "messages"} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


def text(message_id: str, **fields: Any) -> dict[str, Any]:
    """A text message from PHONE; a field of None leaves it out."""
    message = {
        "from": PHONE,
        "id": message_id,
        "timestamp": "1795000000",
        "type": "text",
        "text": {"body": "hi"},
        **fields,
    }
    return {key: value for key, value in message.items() if value is not None}


def nested(depth: int) -> Json:
    value: Json = []
    for _ in range(depth):
        value = [value]
    return value


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 10**400, -(10**400), 1e308, 99999999999999999999]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "9" * 5000, "-5", "1e9", "²", "\ud83d", "group_id", "text", "option", "interactive", "nfm_reply"]
    ),
    st.builds(nested, st.sampled_from([1, 50, 3000])),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def places_of(value: Json, place: Path_ = ()) -> list[Path_]:
    """The path of everything in a JSON value, the value itself excepted, as deep as a webhook's body goes."""
    found: list[Path_] = []
    if len(place) > 12:
        return found
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += [(*place, key), *places_of(inner, (*place, key))]
    return found


@st.composite
def damaged(draw: st.DrawFn, value: Json, most: int = 4) -> Json:
    """The value with a few of its parts dropped or replaced by something odd."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, most))):
        places = places_of(value)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = value
        for key in way:
            holder = holder[key]
        if draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = draw(ODD)
    return value

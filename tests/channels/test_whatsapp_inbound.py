from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from fsmflow.channels import whatsapp
from fsmflow.channels.base import ChannelError, Status, Unreadable
from fsmflow.errors import PayloadError
from fsmflow.messages import Channel, Inbound
from tests.channels.payloads import ACCOUNT, NAMES, PHONE, USER_ID, body_of, fixture, text

MEMBER = Channel("whatsapp", USER_ID)
MESSAGES = "entry[0].changes[0].value.messages"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)


def only_inbound(body: dict[str, Any]) -> Inbound:
    delivery = whatsapp.parse(body)
    assert delivery.errors == ()
    (inbound,) = delivery.inbounds
    return inbound


def test_a_text_comes_with_everything_that_is_known_of_it() -> None:
    assert only_inbound(fixture("text")) == Inbound(
        channel=MEMBER,
        message_id="wamid.TESTtext0001",
        text="Hi, I would like to register for the clinic",
        kind="text",
        sent_at=at(1795000000),
        account=ACCOUNT,
        sender_name="Ama Tester",
        phone=PHONE,
    )


@pytest.mark.parametrize(
    ("name", "kind", "words", "option_id"),
    [
        ("text_duplicate", "text", "Hi, I would like to register for the clinic", None),
        ("text_reply_to", "text", "that one please", None),
        ("button_reply", "option", "Yes, I agree", "consent:yes"),
        ("list_reply", "option", "Tue 09:00", "slot:2026-11-24T09"),
        ("nfm_reply", "nfm_reply", None, None),
        ("image", "image", "my clinic card", None),
        ("document", "document", "referral letter", None),
        ("audio_voice", "audio", None, None),
        ("location", "location", None, None),
        ("reaction", "reaction", None, None),
        ("unsupported", "unsupported", None, None),
    ],
)
def test_each_kind_of_message_is_read(name: str, kind: str, words: str | None, option_id: str | None) -> None:
    inbound = only_inbound(fixture(name))
    assert (inbound.kind, inbound.text, inbound.option_id) == (kind, words, option_id)
    assert (inbound.channel, inbound.account, inbound.phone) == (MEMBER, ACCOUNT, PHONE)


def test_every_fixture_is_read_without_an_error() -> None:
    deliveries = {name: whatsapp.parse(fixture(name)) for name in NAMES}
    assert len(deliveries) == 15
    assert {name for name, delivery in deliveries.items() if delivery.errors} == set()
    assert {name for name, delivery in deliveries.items() if delivery.statuses} == {
        "status_delivered",
        "status_read",
        "status_sent",
    }


@pytest.mark.parametrize(
    ("button", "option_id"),
    [({"payload": "ok:1", "text": "OK"}, "ok:1"), ({"text": "OK"}, "OK"), ({"payload": "", "text": "OK"}, "OK")],
)
def test_a_templates_button_is_a_tap_and_its_label_stands_in_for_a_missing_payload(
    button: dict[str, str], option_id: str
) -> None:
    inbound = only_inbound(body_of({"messages": [text("m1", type="button", text=None, button=button)]}))
    assert (inbound.kind, inbound.text, inbound.option_id) == ("option", "OK", option_id)


def test_a_system_message_is_read_without_its_text_which_the_member_did_not_type() -> None:
    system = {"body": "User A changed from 15550001111 to 15550002222", "type": "user_changed_number"}
    inbound = only_inbound(body_of({"messages": [text("m1", type="system", text=None, system=system)]}))
    assert (inbound.kind, inbound.text) == ("system", None)


def test_every_message_of_every_entry_and_change_is_read_in_order() -> None:
    first = body_of({"messages": [text("m1"), text("m2"), text("m3")]}, {"messages": [text("m4")]})
    second = body_of({"statuses": [{"id": "s1", "status": "sent"}], "messages": [text("m5")]})
    delivery = whatsapp.parse({"entry": first["entry"] + second["entry"]})
    assert [inbound.message_id for inbound in delivery.inbounds] == ["m1", "m2", "m3", "m4", "m5"]
    assert [status.message_id for status in delivery.statuses] == ["s1"]


def test_each_message_of_several_members_gets_its_own_contact() -> None:
    contacts = [
        {"profile": {"name": "Ben"}, "wa_id": "15550002222", "user_id": "US.2"},
        {"profile": {"name": "Ama"}, "wa_id": PHONE, "user_id": "US.1"},
        {"profile": {"name": "Cleo"}, "user_id": "US.3"},
    ]
    messages = [
        text("by phone"),
        text("m2", **{"from": None}, from_user_id="US.3"),
        text("m3", **{"from": "15550002222"}),
        text("m4", **{"from": "15550009876"}),
    ]
    messages[0]["id"] = "m1"
    inbounds = whatsapp.parse(body_of({"contacts": contacts, "messages": messages})).inbounds
    assert [(one.message_id, one.channel.identifier, one.phone, one.sender_name) for one in inbounds] == [
        ("m1", "US.1", PHONE, "Ama"),
        ("m2", "US.3", None, "Cleo"),
        ("m3", "US.2", "15550002222", "Ben"),
        ("m4", "15550009876", "15550009876", None),
    ]


def test_a_member_without_a_phone_number_is_a_member() -> None:
    inbound = only_inbound(body_of({"messages": [text("m1", **{"from": None}, from_user_id=USER_ID)]}))
    assert (inbound.channel, inbound.phone) == (MEMBER, None)


def test_without_contacts_and_user_id_the_phone_number_is_the_member() -> None:
    inbound = only_inbound(body_of({"messages": [text("m1")]}))
    assert (inbound.channel, inbound.phone) == (Channel("whatsapp", PHONE), PHONE)


def test_a_phone_number_that_now_belongs_to_another_user_id_names_nobody_else() -> None:
    contacts = [{"profile": {"name": "Ben"}, "wa_id": PHONE, "user_id": "US.2"}]
    inbound = only_inbound(body_of({"contacts": contacts, "messages": [text("m1", from_user_id="US.1")]}))
    assert (inbound.channel.identifier, inbound.sender_name) == ("US.1", None)


def test_the_only_contact_is_the_sender_of_the_only_message_and_of_no_other() -> None:
    contacts = [{"profile": {"name": "Ama"}, "user_id": USER_ID}]
    anonymous = [text("m1", **{"from": None}), text("m2", **{"from": None})]
    assert only_inbound(body_of({"contacts": contacts, "messages": anonymous[:1]})).channel == MEMBER
    delivery = whatsapp.parse(body_of({"contacts": contacts, "messages": anonymous}))
    assert delivery.inbounds == ()
    assert [error.reason for error in delivery.errors] == ["has no usable sender"] * 2


def test_a_group_message_is_not_mixed_up_with_the_members_private_conversation() -> None:
    delivery = whatsapp.parse(body_of({"messages": [text("m1", group_id="Y2FwaV9ncm91cDox"), text("m2")]}))
    assert [inbound.message_id for inbound in delivery.inbounds] == ["m2"]
    assert delivery.errors == (
        Unreadable(f"{MESSAGES}[0]", "was sent to a group; only private conversations are read"),
    )


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("1795000000", at(1795000000)),
        (1795000000, at(1795000000)),
        ("1795000000000", at(1795000000)),
        (1795000000000, at(1795000000)),
        ("0", None),
        ("-1", None),
        ("soon", None),
        ("99999999999999999999", None),
        ("9" * 5000, None),
        (10**400, None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_a_timestamp_is_seconds_or_milliseconds_and_an_absurd_one_costs_only_itself(
    timestamp: object, moment: datetime | None
) -> None:
    assert only_inbound(body_of({"messages": [text("m1", timestamp=timestamp)]})).sent_at == moment


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (text("m1", id=None), "has no usable id"),
        (text("m1", id=5), "has no usable id"),
        (text("m1", **{"from": None}), "has no usable sender"),
        (text("m1", **{"from": 15550001111}), "has no usable sender"),
        (text("m1", type=None), "has no usable type"),
        (text("m1", type="option"), "has a type that WhatsApp does not have"),
        (text("m1", text=None), "has no usable text.body"),
        (text("m1", text={"body": 5}), "has no usable text.body"),
        (text("m1", type="button"), "has no usable button.text"),
        (text("m1", type="interactive"), "has no usable interactive.type"),
        (text("m1", type="interactive", interactive={"type": "text"}), "has no usable interactive.type"),
        (
            text("m1", type="interactive", interactive={"type": "list_reply", "list_reply": {"title": "A"}}),
            "has no usable interactive.list_reply.id",
        ),
        ("no object", "must be an object"),
    ],
)
def test_a_broken_message_is_told_with_its_place_and_the_ones_beside_it_are_read(broken: object, reason: str) -> None:
    delivery = whatsapp.parse(body_of({"messages": [text("good1"), broken, text("good2")]}))
    assert [inbound.message_id for inbound in delivery.inbounds] == ["good1", "good2"]
    assert delivery.errors == (Unreadable(f"{MESSAGES}[1]", reason),)


def test_a_status_is_read_with_whom_it_concerns_and_what_was_sent_with_it() -> None:
    delivery = whatsapp.parse(fixture("status_sent"))
    assert delivery.statuses == (
        Status("wamid.TESTout0002", "sent", MEMBER, at(1795000002), ACCOUNT, (), "flow=clinic;step=consent"),
    )


def test_a_failed_status_has_no_contacts_and_tells_the_codes() -> None:
    errors = [
        {"code": 131026, "title": "Undeliverable"},
        {"code": "131047"},
        {"code": 10**400, "title": 5},
        {"code": True},
        "odd",
    ]
    failed = {"id": "s1", "status": "failed", "recipient_id": PHONE, "errors": errors}
    delivery = whatsapp.parse(body_of({"statuses": [failed, {"id": "s2"}, {"status": "sent"}]}))
    assert delivery.statuses == (
        Status(
            "s1",
            "failed",
            Channel("whatsapp", PHONE),
            account=ACCOUNT,
            errors=(
                ChannelError(131026, "Undeliverable"),
                ChannelError(131047),
                ChannelError(None),
                ChannelError(None),
            ),
        ),
    )
    assert [error.reason for error in delivery.errors] == ["has no usable status", "has no usable id"]


def test_a_status_of_a_group_names_no_member() -> None:
    status = {"id": "s1", "status": "sent", "recipient_id": "Y2FwaV9ncm91cDox", "recipient_type": "group"}
    assert whatsapp.parse(body_of({"statuses": [status]})).statuses[0].recipient is None


def test_errors_of_the_account_are_told_by_their_code() -> None:
    delivery = whatsapp.parse(body_of({"errors": [{"code": 130429, "title": "Rate"}, {"code": 10**400}]}))
    assert delivery.errors == (
        Unreadable("entry[0].changes[0].value.errors[0]", "the channel reports an error of the account: 130429"),
        Unreadable(
            "entry[0].changes[0].value.errors[1]", "the channel reports an error of the account: without a code"
        ),
    )


def test_a_change_of_another_field_is_not_taken_for_messages_and_not_passed_over() -> None:
    body = body_of({"messages": [text("m1")]}, {"messages": [text("m2")]})
    body["entry"][0]["changes"][0]["field"] = "standby"
    delivery = whatsapp.parse(body)
    assert [inbound.message_id for inbound in delivery.inbounds] == ["m2"]
    assert [error.place for error in delivery.errors] == ["entry[0].changes[0]"]


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (["odd"], "entry[0]"),
        ([{}], "entry[0].changes"),
        ([{"changes": {}}], "entry[0].changes"),
        ([{"changes": [None]}], "entry[0].changes[0]"),
        ([{"changes": [{}]}], "entry[0].changes[0].value"),
        ([{"changes": [{"value": {}}]}], "entry[0].changes[0].value"),
        ([{"changes": [{"value": {"messages": {}}}]}], MESSAGES),
    ],
)
def test_what_has_not_the_shape_of_a_webhook_is_told_with_its_place(entry: object, place: str) -> None:
    good = body_of({"messages": [text("m1")]})["entry"]
    delivery = whatsapp.parse({"entry": [*entry, *good]})  # type: ignore[misc]  # every case is a list
    assert [error.place for error in delivery.errors] == [place]
    assert [inbound.message_id for inbound in delivery.inbounds] == ["m1"]


@pytest.mark.parametrize(("body", "place"), [([], "body"), (None, "body"), ({}, "entry"), ({"entry": {}}, "entry")])
def test_a_body_without_any_usable_shape_is_an_error(body: Any, place: str) -> None:
    with pytest.raises(PayloadError) as caught:
        whatsapp.parse(body)
    assert caught.value.place == place


def test_half_of_a_surrogate_pair_does_not_reach_the_store() -> None:
    inbound = only_inbound(body_of({"messages": [text("m1", text={"body": "a\ud83d\U0001f600b"})]}))
    assert inbound.text == "a\ufffd\U0001f600b"
    status = {"id": "s1", "status": "failed", "errors": [{"title": "\ud83d"}], "biz_opaque_callback_data": "\ude00"}
    (read,) = whatsapp.parse(body_of({"statuses": [status]})).statuses
    assert (read.errors[0].title, read.callback_data) == ("\ufffd", "\ufffd")


def test_no_error_repeats_what_the_body_says() -> None:
    secret = "1234-secret"
    messages = [text("m1", type=[secret]), text("m2", text=[secret]), text("m3", id=f"{secret} x")]
    value = {"messages": messages, "statuses": [{"id": f"{secret} x"}], "errors": [{"code": secret, "title": secret}]}
    delivery = whatsapp.parse(body_of(value))
    assert len(delivery.errors) == 5
    assert secret not in repr(delivery.errors)

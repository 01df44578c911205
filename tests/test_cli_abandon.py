"""``fsmflow effects abandon``: how an operator gives an effect up, and what is said of a store out of reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from redis import Redis

from fsmflow.cli.stores import asked_of
from fsmflow.errors import StoreUnavailable
from tests.bank import ACCEPTS, DIES, FAILS, Bank, open_effect, talk_to
from tests.test_cli_effects import PASSWORD, URL, left_open, plainly, resolved, run
from tests.test_open_effects import all_that_is_stored

NOTHING_DONE = "is not open, or not any more: nothing was done"


@pytest.fixture
def abandon(any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, on the store at hand."""
    monkeypatch.setattr("fsmflow.manager.client_of", lambda _: any_redis)
    said = ("--reason", "gone with the release", "--by", "ann")
    return lambda *given: run("effects", "abandon", "--redis", URL, "--prefix", prefix, *given, *said)


@pytest.mark.parametrize("script", [ACCEPTS, FAILS])
def test_it_is_closed_without_any_flow_and_the_trail_says_who_and_why(
    any_redis: Redis, prefix: str, abandon: Callable[..., Result], script: str
) -> None:
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    plainly(abandon(talk.member_id, effect_id), 0, "closed", "The member was told nothing.")
    assert talk.fields == {}
    assert resolved(talk) == [("abandoned", "ann: gone with the release")]


def test_who_says_it_is_whoever_is_logged_in_unless_it_is_said(
    any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsmflow.manager.client_of", lambda _: any_redis)
    monkeypatch.setattr("getpass.getuser", lambda: "bob")
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    command = ("effects", "abandon", "--redis", URL, "--prefix", prefix, talk.member_id, effect_id)
    plainly(run(*command, "--reason", "gone"), 0)
    assert resolved(talk) == [("abandoned", "bob: gone")]


def test_what_is_not_open_is_said_plainly_and_nothing_is_done(
    any_redis: Redis, prefix: str, abandon: Callable[..., Result]
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    before = all_that_is_stored(talk)
    for member_id, named in ((talk.member_id, "another"), (talk.member_id, ""), ("nobody", effect_id)):
        plainly(abandon(member_id, named), 1, NOTHING_DONE)
    assert all_that_is_stored(talk) == before


def test_one_whose_worker_may_be_at_it_is_given_up_only_by_force(
    any_redis: Redis, prefix: str, abandon: Callable[..., Result]
) -> None:
    bank = Bank(DIES)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    plainly(abandon(talk.member_id, effect_id), 1, "is still held until", "--force")
    assert open_effect(talk)[4] == effect_id
    plainly(abandon(talk.member_id, effect_id, "--force"), 0)
    assert talk.fields == {}


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"running 1 - - \xff"])
def test_what_cannot_be_read_is_named_by_the_empty_id_of_the_list(
    any_redis: Redis, prefix: str, abandon: Callable[..., Result], damage: bytes
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    effect_id = left_open(talk, bank, "pay", "5", "yes")
    any_redis.hset(talk.key, "pending", damage)
    plainly(abandon(talk.member_id, effect_id), 1, NOTHING_DONE)
    plainly(abandon(talk.member_id, ""), 0)
    assert talk.fields == {}


# -- where the store is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://{password}@localhost:1/0", "localhost:1"),
        ("redis://:{password}@localhost:1/0?socket_timeout=1", "localhost:1"),
        ("rediss://ann:{password}@LOCALHOST:1", "localhost:1"),
        ("unix://ann:{password}@/nowhere/at/all.sock", "/nowhere/at/all.sock"),
    ],
)
def test_a_store_that_does_not_answer_is_named_without_a_password(url: str, where: str) -> None:
    result = run("effects", "--redis", url.format(password=PASSWORD))
    plainly(result, 1, f"Redis did not do EVAL: ConnectionError, at {where}\n")
    assert PASSWORD not in result.output


def refuses(_: object) -> None:
    """Asks a store that does not answer."""
    raise StoreUnavailable("Redis did not do EVAL")


@pytest.mark.parametrize("url", ["redis://:12/34@localhost:1", "redis://ann:12#34@localhost:1", "redis://a/b?c@d"])
def test_nothing_is_named_where_a_part_of_a_password_may_stand_in_its_place(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        asked_of(url, "fsmflow", refuses)
    assert str(caught.value) == "Redis did not do EVAL"

"""What each answer of a service means for an effect, and that the ledger does nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from loguru import logger

from examples.services import memory
from examples.services.bookkeeping import NOT_COVERED, TOO_LATE, Behaviour
from examples.services.faults import Unavailable, Unclear
from examples.services.http_offers import KEY_REUSED, HttpOffers
from examples.services.http_service import FENCE, KEY, HttpService, as_header, key_of
from examples.services.offers import Offers, OffersInMemory, Receipt
from fsmflow import Accepted, Done, EffectRefused, NotDone, StillUnknown
from tests.examples.serving import TOKEN, Served, served_ledger
from tests.test_cli import ROOT, run

ID = "run-1:make:3"
PROBLEM = "application/problem+json"
SECRET_WORDS = "a-secret-of-the-service"
OFFER = {"by": "m1", "amount": "USD 5", "to": "kofi"}

Handler = Callable[[httpx.Request], httpx.Response]


def service(*handlers: Handler) -> HttpService:
    """A service that answers each request as the next handler does."""
    left = iter(handlers)

    def answer(request: httpx.Request) -> httpx.Response:
        return next(left)(request)

    transport = httpx.MockTransport(answer)
    headers = {"Authorization": "Bearer test-token"}
    return HttpService("it", httpx.Client(transport=transport, base_url="https://it.test", headers=headers), KEY_REUSED)


def answers(status: int, body: Any = None, kind: str = "application/json", **headers: str) -> Handler:
    return lambda _: httpx.Response(status, json=body, headers={"Content-Type": kind, **headers})


def problems(status: int, type: str = "https://it.test/problems/no", **members: Any) -> Handler:
    return answers(status, {"type": type, **members}, PROBLEM)


def raises(kind: type[httpx.TransportError]) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"{SECRET_WORDS} at {request.url}", request=request)

    return fail


def post(service: HttpService, returns: Any = Receipt, *, again: bool = False) -> Any:
    return service.post("offers", OFFER, ID, returns, again=again)


@pytest.fixture
def logs() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), format="{message} {extra} {exception}")
    yield lines
    logger.remove(sink)


# -- what an answer means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_is_done_with_what_the_service_said(status: int) -> None:
    assert post(service(answers(status, {"reference": "R1", "more": 1}))) == Done(Receipt("R1"))


def test_what_is_accepted_waits() -> None:
    assert post(service(answers(202, {}))) == Accepted()


@pytest.mark.parametrize(
    "strange",
    [
        answers(200, {"reference": 5}),
        answers(200, {"reference": None}),
        answers(200, {"other": SECRET_WORDS}),
        answers(200, [SECRET_WORDS]),
        answers(204),
        lambda _: httpx.Response(200, content=f"<html>{SECRET_WORDS}".encode()),
        lambda _: httpx.Response(200, content=b"\xff" + SECRET_WORDS.encode()),
        answers(302, Location="https://elsewhere.test"),
        answers(422, {"detail": SECRET_WORDS}),
        problems(422, KEY_REUSED, detail=SECRET_WORDS),
        problems(422, "about:blank", detail=SECRET_WORDS),
        answers(422, {"detail": SECRET_WORDS}, PROBLEM),
        *map(raises, (httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError)),
        *map(raises, (httpx.RemoteProtocolError, httpx.CloseError, httpx.ProxyError)),
    ],
)
def test_what_says_nothing_clear_is_never_a_refusal_and_tells_no_body(strange: Handler, logs: list[str]) -> None:
    with pytest.raises(Unclear) as raised:
        post(service(strange))
    told = f"{raised.value!r} {''.join(logs)}"
    assert SECRET_WORDS not in told
    assert "it.test" not in told


@pytest.mark.parametrize(
    "not_yet",
    [
        *map(answers, (408, 409, 425, 429, 500, 502, 503, 504, 599)),
        problems(409, detail="busy"),
        *map(raises, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)),
    ],
)
def test_what_may_be_called_again_has_an_error_of_its_own(not_yet: Handler) -> None:
    with pytest.raises(Unavailable) as raised:
        post(service(not_yet))
    assert SECRET_WORDS not in repr(raised.value)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (problems(400, detail="No."), "No."),
        (problems(404), ""),
        (problems(402, detail=5), ""),
        (problems(410, detail="  Too\nlate,\tand\x00 over. "), "Too late, and over."),
        (problems(422, detail=NOT_COVERED), NOT_COVERED),
        (answers(400, {"detail": SECRET_WORDS}), ""),
        (lambda _: httpx.Response(404, content=SECRET_WORDS.encode()), ""),
        (lambda _: httpx.Response(400, content=b"{", headers={"Content-Type": PROBLEM}), ""),
        (answers(400, [SECRET_WORDS], PROBLEM), ""),
        (problems(401, detail=SECRET_WORDS), ""),
        (problems(403, detail=SECRET_WORDS), ""),
    ],
)
def test_a_refusal_is_told_in_the_services_own_sentence_where_there_is_one(refusal: Handler, reason: str) -> None:
    with pytest.raises(EffectRefused) as raised:
        post(service(refusal))
    assert raised.value.reason == reason


def test_a_long_sentence_is_shortened() -> None:
    with pytest.raises(EffectRefused) as raised:
        post(service(problems(400, detail="word " * 1000)))
    assert len(raised.value.reason) <= 200
    assert raised.value.reason.endswith("word…")


def test_that_our_credentials_are_wrong_is_logged_without_them(logs: list[str]) -> None:
    with pytest.raises(EffectRefused):
        post(service(problems(401, detail=SECRET_WORDS)))
    assert "credentials" in "".join(logs)
    assert "test-token" not in "".join(logs)
    assert SECRET_WORDS not in "".join(logs)


# -- in doubt ----------------------------------------------------------------------------------------------------------

IN_DOUBT = [answers(503), answers(409), raises(httpx.ReadTimeout), answers(200, [])]
BY_SOMETHING_IN_FRONT = [problems(401), problems(403), answers(404), answers(400, {"detail": "no"})]


@pytest.mark.parametrize("doubt", IN_DOUBT)
@pytest.mark.parametrize("refusal", BY_SOMETHING_IN_FRONT)
def test_after_an_answer_that_leaves_doubt_only_who_knows_the_key_can_refuse(doubt: Handler, refusal: Handler) -> None:
    asked = service(doubt, refusal, problems(422, detail=NOT_COVERED), refusal)
    with pytest.raises((Unavailable, Unclear)):
        post(asked)
    with pytest.raises(Unclear):
        post(asked)
    with pytest.raises(EffectRefused, match=NOT_COVERED):
        post(asked)
    with pytest.raises(EffectRefused):  # which has settled it
        post(asked)


def test_nothing_is_in_doubt_that_was_not_sent() -> None:
    asked = service(raises(httpx.ConnectError), problems(401))
    with pytest.raises(Unavailable):
        post(asked)
    with pytest.raises(EffectRefused):
        post(asked)


def test_after_the_attempt_was_voided_nothing_is_in_doubt() -> None:
    asked = service(answers(503), answers(404, {}, **{FENCE: "1"}), problems(401))
    with pytest.raises(Unavailable):
        post(asked)
    assert asked.came_of("offers", ID, Receipt) == NotDone()
    with pytest.raises(EffectRefused):
        post(asked)


@pytest.mark.parametrize("refusal", BY_SOMETHING_IN_FRONT)
def test_who_takes_an_effect_up_again_is_in_doubt_about_what_another_process_has_sent(refusal: Handler) -> None:
    with pytest.raises(Unclear):
        post(service(raises(httpx.ReadTimeout)))
    taking_over = service(refusal, refusal, problems(422, detail=NOT_COVERED))
    for _ in range(2):
        with pytest.raises(Unclear):
            post(taking_over, again=True)
    with pytest.raises(EffectRefused, match=NOT_COVERED):
        post(taking_over, again=True)


def test_who_takes_an_effect_up_again_and_was_told_that_what_came_before_is_void_is_in_no_doubt() -> None:
    taking_over = service(answers(404, {}, **{FENCE: "1"}), problems(401))
    assert taking_over.came_of("offers", ID, Receipt) == NotDone()
    with pytest.raises(EffectRefused):
        post(taking_over, again=True)


def test_no_more_is_remembered_than_so_many_effects_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EFFECTS", 3)
    remembers = memory.Memory()
    for effect_id in ("1", "2", "3", "1", "4"):
        remembers.void(effect_id, "7")
        remembers.doubt(effect_id)
    assert [effect_id for effect_id in "1234" if remembers.of(effect_id) == memory.Known("7", is_doubted=True)] == [
        *("1", "3", "4")
    ]
    assert len(remembers.effects) == 3
    assert remembers.of("2") == memory.Known()
    assert remembers.of("2", again=True).is_doubted


# -- what came of it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (answers(200, {"reference": "R1"}), Done(Receipt("R1"))),
        (answers(404, {}, **{FENCE: "1"}), NotDone()),
        (problems(404), StillUnknown()),
        (answers(202, {}), Accepted()),
        *[(answers(status, {}), StillUnknown()) for status in (302, 401, 409, 410, 500, 503)],
    ],
)
def test_each_answer_to_the_question_what_came_of_it_has_its_meaning(answer: Handler, outcome: Any) -> None:
    assert service(answer).came_of("offers", ID, Receipt) == outcome


@pytest.mark.parametrize(
    "unanswered", [answers(200, {}), raises(httpx.ReadTimeout), raises(httpx.ConnectError), answers(200, [])]
)
def test_a_question_that_is_not_answered_says_nothing(unanswered: Handler) -> None:
    with pytest.raises((Unclear, Unavailable)):
        service(unanswered).came_of("offers", ID, Receipt)


def test_the_key_is_a_string_of_a_structured_header_and_a_segment_of_the_path() -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"reference": "R1"})

    odd = 'a "run" of/../\\ours?:make:1'
    keeps = service(note, note)
    keeps.post("offers", OFFER, odd, Receipt, again=False)
    keeps.came_of("offers", odd, Receipt)
    assert asked[0].headers[KEY] == '"a \\"run\\" of/../\\\\ours?:make:1"'
    assert key_of(asked[0].headers[KEY]) == odd
    assert asked[1].url.raw_path == b"/offers/a%20%22run%22%20of%2F..%2F%5Cours%3F%3Amake%3A1"


@pytest.mark.parametrize("effect_id", [ID, '"', "\\", '\\"', "", '"a"', "a\\\\"])
def test_a_key_is_read_as_it_was_written(effect_id: str) -> None:
    assert key_of(as_header(effect_id)) == effect_id


# -- with the ledger ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_ledger() -> Iterator[Served]:
    with served_ledger() as served:
        yield served


@pytest.fixture
def offers(one_ledger: Served) -> Iterator[HttpOffers]:
    yield one_ledger.offers()
    one_ledger.releases()
    one_ledger.will()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name}:make:1"


def times(ledger: Served, key: str) -> int:
    """How often an offer was made under a key."""
    return [each["key"] for each in ledger.made].count(key)


def make(offers: Offers, key: str, to: str = "kofi", *, again: bool = False) -> Any:
    return offers.make(key, by="m1", amount="USD 5", to=to, again=again)


def test_the_same_key_gets_the_same_answer_and_one_offer(one_ledger: Served, offers: HttpOffers, key: str) -> None:
    first = make(offers, key)
    assert [make(offers, key), make(one_ledger.offers(), key), offers.came_of(key)] == [first] * 3
    [offer] = [each for each in one_ledger.made if each["key"] == key]
    assert (offer["reference"], offer["by"], offer["amount"], offer["to"]) == (
        first.value.reference,
        *("m1", "USD 5", "kofi"),
    )


def test_the_same_key_for_another_offer_is_unclear_and_makes_none(
    one_ledger: Served, offers: HttpOffers, key: str
) -> None:
    make(offers, key)
    with pytest.raises(Unclear):
        make(offers, key, to="ama_k")
    assert times(one_ledger, key) == 1


def test_a_refusal_is_kept_too(one_ledger: Served, offers: HttpOffers, key: str) -> None:
    one_ledger.will(Behaviour.REFUSE)
    for _ in range(2):
        with pytest.raises(EffectRefused, match=NOT_COVERED):
            make(offers, key)
    assert offers.came_of(key) == NotDone()
    with pytest.raises(EffectRefused, match=NOT_COVERED):
        make(offers, key)
    assert times(one_ledger, key) == 0


def test_who_fails_before_has_made_nothing_and_makes_it_when_called_again(
    one_ledger: Served, offers: HttpOffers, key: str
) -> None:
    one_ledger.will(Behaviour.FAIL_BEFORE)
    with pytest.raises(Unavailable):
        make(offers, key)
    assert times(one_ledger, key) == 0
    assert isinstance(make(offers, key), Done)
    assert times(one_ledger, key) == 1


@pytest.mark.parametrize(("behaviour", "raised"), [(Behaviour.FAIL_AFTER, Unavailable), (Behaviour.BREAK_OFF, Unclear)])
def test_who_fails_after_has_made_it_and_says_so_when_asked_or_called_again(
    one_ledger: Served, offers: HttpOffers, key: str, behaviour: Behaviour, raised: type[Exception]
) -> None:
    one_ledger.will(behaviour)
    with pytest.raises(raised):
        make(offers, key)
    assert offers.came_of(key) == make(offers, key)
    assert times(one_ledger, key) == 1


def test_who_answers_late_has_made_it(one_ledger: Served, offers: HttpOffers, key: str) -> None:
    one_ledger.will(Behaviour.ANSWER_LATE)
    with pytest.raises(Unclear):
        make(one_ledger.offers(timeout=0.5), key)
    assert isinstance(offers.came_of(key), Done)
    assert one_ledger.releases() == 1
    assert times(one_ledger, key) == 1


def test_while_it_hangs_nobody_can_say_and_once_it_is_let_go_it_is_made(
    one_ledger: Served, offers: HttpOffers, key: str
) -> None:
    one_ledger.will(Behaviour.HANG)
    with pytest.raises(Unclear):
        make(one_ledger.offers(timeout=0.5), key)
    with pytest.raises(Unavailable):
        make(offers, key)
    assert offers.came_of(key) == StillUnknown()
    assert times(one_ledger, key) == 0
    assert one_ledger.releases() == 1
    assert isinstance(offers.came_of(key), Done)
    assert times(one_ledger, key) == 1


def test_a_request_that_arrives_after_the_question_does_nothing_but_who_has_asked_may_go_on(
    one_ledger: Served, offers: HttpOffers, key: str
) -> None:
    one_ledger.will(Behaviour.ARRIVE_LATE)
    with pytest.raises(Unclear):
        make(one_ledger.offers(timeout=0.5), key)
    assert offers.came_of(key) == NotDone()
    assert one_ledger.releases() == 1
    assert times(one_ledger, key) == 0
    with pytest.raises(EffectRefused, match=TOO_LATE):
        make(one_ledger.offers(), key)  # who has not asked
    assert isinstance(make(offers, key), Done)
    assert times(one_ledger, key) == 1


def test_who_asked_before_somebody_else_did_may_not_go_on(one_ledger: Served, offers: HttpOffers, key: str) -> None:
    later = one_ledger.offers()
    assert [offers.came_of(key), later.came_of(key)] == [NotDone()] * 2
    with pytest.raises(EffectRefused, match=TOO_LATE):
        make(offers, key)
    assert isinstance(make(later, key), Done)
    assert times(one_ledger, key) == 1


def test_what_was_accepted_is_made_when_it_is_told_and_the_key_says_so(
    one_ledger: Served, offers: HttpOffers, key: str
) -> None:
    one_ledger.will(Behaviour.ACCEPT)
    assert [make(offers, key), make(offers, key), offers.came_of(key)] == [Accepted()] * 3
    assert times(one_ledger, key) == 0
    one_ledger.calls_back()
    assert offers.came_of(key) == make(offers, key)
    assert times(one_ledger, key) == 1


def test_who_shows_no_token_is_told_and_given_nothing(one_ledger: Served, key: str) -> None:
    stranger = one_ledger.offers("another-token")
    with pytest.raises(EffectRefused) as refused:
        make(stranger, key)
    assert refused.value.reason == ""
    assert stranger.came_of(key) == StillUnknown()
    assert times(one_ledger, key) == 0
    assert one_ledger.http.post("/offers", json={}).status_code == 401


@pytest.mark.parametrize("wrong", [{"headers": {}}, {"content": b"{"}, {"content": b"[]"}, {"headers": {FENCE: "x"}}])
def test_what_is_no_request_for_an_offer_is_a_bad_one(one_ledger: Served, wrong: dict[str, Any]) -> None:
    headers = {"Authorization": "Bearer test-ledger-token", **wrong.get("headers", {KEY: '"k"'})}
    asked = one_ledger.http.post("/offers", content=wrong.get("content", b"{}"), headers=headers)
    assert (asked.status_code, asked.headers["content-type"]) == (400, PROBLEM)


@pytest.mark.parametrize("wrong", [b"", b"{", b"{}", b"5", b'["sleep"]', b'"hang"', b"[[]]", b"[5]", b"[" * 100_000])
def test_what_is_no_list_of_behaviours_is_a_bad_request_and_changes_nothing(one_ledger: Served, wrong: bytes) -> None:
    one_ledger.will(Behaviour.REFUSE)
    told = one_ledger.http.put("/behaviour", content=wrong)
    assert (told.status_code, told.headers["content-type"]) == (400, PROBLEM)
    assert Behaviour.BREAK_OFF.value in told.json()["detail"]
    with pytest.raises(EffectRefused, match=NOT_COVERED):
        make(one_ledger.offers(), "of-no-list:make:1")


def test_an_offer_is_made_in_a_terminal_over_http(one_ledger: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_URL", one_ledger.url)
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    named = "examples/services/over_http.py:services"
    before = len(one_ledger.made)
    ran = run("chat", "examples/offer.py", "--services", named, typed="5 cad\nkofi\nconfirm\n", cwd=ROOT)
    assert ran.stderr == ""
    [made] = one_ledger.made[before:]
    assert f"Reference: {made['reference']}" in ran.stdout


def test_in_memory_an_offer_is_made_once_too() -> None:
    offers = OffersInMemory()
    assert offers.came_of(ID) == NotDone()
    first = make(offers, ID)
    assert make(offers, ID) == first == offers.came_of(ID)
    assert make(offers, "another") != first

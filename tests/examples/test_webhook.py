"""The webhook keeps its promises to Meta (which answer to what) and to members (no reply lost, few doubled)."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
import redis.asyncio
from loguru import logger
from redis import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.requests import Request

from examples import credex, sign_in, webhook
from examples.credex_book import Book
from examples.services.bookkeeping import NOT_COVERED, Behaviour
from examples.services.callbacks import SIGNATURE, signature_of
from examples.services.http_offers import HttpOffers
from examples.services.ledger import Ledger
from examples.services.offers import Made, Offers, OffersInMemory, Services
from examples.webhook import create_app
from examples.webhook_outcomes import LARGEST_BODY
from examples.webhook_settings import Settings
from fsmflow import Accepted, AsyncFlowRunner, AsyncFlowStateManager, NewerState, StoreUnavailable
from tests.channels.payloads import ACCOUNT, FIXTURES, USER_ID, body_of, text
from tests.examples.phone import START, Json, choices_of, message, typed, words_of
from tests.sides import async_client_like, on_side, wait_for

SIGNATURES = json.loads((FIXTURES / "signatures.json").read_bytes())
SETTINGS = Settings(
    app_secret=SIGNATURES["app_secret"],
    verify_token="test-verify-token",
    access_token="test-access-token",
    redis_url="redis://:test-redis-password@localhost",
    ledger_url="https://ledger.example.test",
    ledger_token="test-ledger-token",
    callback_secret="test-callback-secret",
    graph_url="https://graph.example.test/v23.0",
)
OTHER = "US.10000000000000002222"

SECONDS_TO_ANSWER = 30  # for what never comes: nothing waits so long that passes

Answer = Callable[[httpx.Request], Any]


class Graph:
    """Meta's Graph API as far as the webhook sees it: it notes what is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[Answer] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)(request)
            told: httpx.Response = (await answer) if inspect.isawaitable(answer) else answer
            return told
        return httpx.Response(200, json={"messages": [{"id": "wamid.out"}]})

    @property
    def bodies(self) -> list[Json]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def words(self) -> list[str]:
        return [words_of(body) for body in self.bodies]


def fails(status: int, code: int | None = None) -> Answer:
    body = {} if code is None else {"error": {"code": code, "message": "as Meta words it"}}
    return lambda _: httpx.Response(status, json=body)


def breaks(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("timed out at https://graph.example.test", request=request)


AN_HOUR_LATER = datetime.fromtimestamp(START, timezone.utc) + timedelta(hours=1)


class Site:
    """The application as Meta sees it."""

    def __init__(self, manager: AsyncFlowStateManager, graph: Graph) -> None:
        self.manager = manager
        self.graph = graph
        self.offers: Offers = OffersInMemory()
        self.restart()

    def restart(self) -> None:
        """Another process: the store is the same, the memory is not."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.graph))
        self.app = create_app(SETTINGS, self.manager, http, Services(self.offers), clock=lambda: AN_HOUR_LATER)

    def request(self, method: str = "POST", **named: Any) -> httpx.Response:
        answered: httpx.Response = wait_for(self.requested(method, **named))
        return answered

    async def requested(self, method: str = "POST", path: str = "/webhook", **named: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://bot.example.test") as client:
            return await client.request(method, path, **named)

    def is_told(self, raw: bytes, signature: str | None = None) -> int:
        """Posts what a ledger tells; the status that it sees."""
        signature = signature_of(SETTINGS.callback_secret, raw) if signature is None else signature
        return self.request(path="/outcomes", content=raw, headers={SIGNATURE: signature.encode()}).status_code

    def delivers(self, *messages: Json) -> int:
        """Posts messages in one body, signed; the status that Meta sees."""
        return self.posts(raw_body(*messages))

    def posts(self, raw: bytes) -> int:
        return self.request(content=raw, headers=signed(raw)).status_code


def raw_body(*messages: Json) -> bytes:
    return json.dumps(body_of({"messages": list(messages)})).encode()


def signed(raw: bytes) -> dict[str, str]:
    digest = hmac.new(SETTINGS.app_secret.encode(), raw, "sha256").hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def site(any_redis: Redis, prefix: str, graph: Graph) -> Iterator[Site]:
    with on_side("async"):
        yield Site(AsyncFlowStateManager(async_client_like(any_redis), prefix=prefix), graph)


@pytest.fixture
def logs() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{message} {extra} {exception}")
    yield lines
    logger.remove(sink)


def says(number: int, words: str, user_id: str = USER_ID) -> Json:
    return message(number, typed(words), user_id)


# -- what Meta is answered ---------------------------------------------------------------------------------------------


def test_meta_is_given_its_challenge_for_the_right_token(site: Site) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": SETTINGS.verify_token, "hub.challenge": "1158201444"}
    answer = site.request("GET", params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert site.request("GET", params={**query, "hub.verify_token": "another"}).status_code == 403
    assert site.request("GET").status_code == 403


@pytest.mark.parametrize("name", [name for name in SIGNATURES["x_hub_signature_256"] if name.startswith("whatsapp/")])
def test_every_delivery_that_meta_signed_is_taken(site: Site, name: str) -> None:
    headers = {"X-Hub-Signature-256": SIGNATURES["x_hub_signature_256"][name]}
    assert site.request(content=(FIXTURES / name).read_bytes(), headers=headers).status_code == 200


def test_a_text_is_answered_from_the_number_that_it_was_sent_to(site: Site, graph: Graph) -> None:
    headers = {"X-Hub-Signature-256": SIGNATURES["x_hub_signature_256"]["whatsapp/text.json"]}
    site.request(content=(FIXTURES / "whatsapp" / "text.json").read_bytes(), headers=headers)
    [request] = graph.requests
    assert str(request.url) == f"https://graph.example.test/v23.0/{ACCOUNT}/messages"
    assert request.headers["authorization"] == "Bearer test-access-token"
    [body] = graph.bodies
    assert body["recipient"] == USER_ID
    assert words_of(body).startswith(
        "You can send: offer, register, order, address, sign in, change name, credex offer"
    )


@pytest.mark.parametrize("signature", [None, "", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "ü"])
def test_a_delivery_that_meta_did_not_sign_is_not_looked_at(
    site: Site, graph: Graph, any_redis: Redis, prefix: str, signature: str | None
) -> None:
    headers = {} if signature is None else {"X-Hub-Signature-256": signature.encode()}
    raw = json.dumps(body_of({"messages": [says(1, "offer")]})).encode()
    assert site.request(content=raw, headers=headers).status_code == 401
    assert graph.requests == []
    assert list(any_redis.scan_iter(match=f"{prefix}*")) == []


def test_a_signature_is_of_the_bytes_as_they_came(site: Site) -> None:
    name = "whatsapp/text.json"
    headers = {"X-Hub-Signature-256": SIGNATURES["x_hub_signature_256"][name]}
    same_but_for_spaces = json.dumps(json.loads((FIXTURES / name).read_bytes())).encode()
    assert site.request(content=same_but_for_spaces, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}", b'{"entry": 1}', b"[" * 100_000, b"1" * 5000],
    ids=lambda raw: repr(raw[:10]),
)
def test_a_signed_body_that_is_no_delivery_is_a_bad_request(site: Site, graph: Graph, raw: bytes) -> None:
    assert site.posts(raw) == 400
    assert graph.requests == []


def test_a_body_over_the_limit_is_not_read_to_its_end(site: Site) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while read < 10 * LARGEST_BODY:
            read += 64 * 1024
            yield b" " * (64 * 1024)

    assert site.request(content=endless()).status_code == 413
    assert read <= LARGEST_BODY + 2 * 64 * 1024
    assert site.posts(b" " * (LARGEST_BODY + 1)) == 413
    assert site.posts(b" " * LARGEST_BODY) == 400


# -- conversations ----------------------------------------------------------------------------------------------------


def test_an_offer_is_made_through_the_webhook(site: Site, graph: Graph) -> None:
    assert [site.delivers(says(1, "offer")), site.delivers(says(2, "5 cad")), site.delivers(says(3, "ama_k"))] == [
        200
    ] * 3
    assert site.delivers(message(4, choices_of(graph.bodies[-1])["Confirm"])) == 200
    assert graph.words[1:] == [
        "To which handle?",
        "*Your offer*\n\n*Amount:* CAD 5\n*To:* ama_k\n\nIs this right?",
        "*Offer made*\n\n*Amount:* CAD 5\n*To:* ama_k\n*Reference:* OF-0001",
    ]


def test_the_members_of_a_batch_are_each_answered_in_their_order(site: Site, graph: Graph) -> None:
    batch = [says(1, "offer"), says(1, "register", OTHER), says(2, "5"), says(2, "Ama", OTHER), says(3, "ama_k")]
    assert site.delivers(*batch) == 200
    assert heard_by(USER_ID, graph) == ["How much do you offer?", "To which handle?", "*Your offer*"]
    assert heard_by(OTHER, graph) == ["What is your first name?", "Thank you, Ama. And what is your last name?"]


def heard_by(member: str, graph: Graph) -> list[str]:
    return [words_of(body).split("\n")[0] for body in graph.bodies if body["recipient"] == member]


def test_what_is_done_for_one_member_holds_up_no_other(site: Site, graph: Graph) -> None:
    others_heard = threading.Event()

    class Slow(OffersInMemory):
        def make(self, effect_id: str, **asked: Any) -> Made:
            assert others_heard.wait(SECONDS_TO_ANSWER)
            return super().make(effect_id, **asked)

    def notes(_: httpx.Request) -> httpx.Response:
        others_heard.set()
        return httpx.Response(200)

    site.offers = Slow()
    site.restart()
    for number, words in enumerate(("offer", "5 cad", "ama_k"), 1):
        site.delivers(says(number, words))
    graph.answers = [notes]
    assert site.delivers(says(4, "confirm"), says(1, "register", OTHER), says(5, "help")) == 200
    assert heard_by(OTHER, graph) == ["What is your first name?"]
    assert heard_by(USER_ID, graph)[3] == "*Offer made*"
    assert len(heard_by(USER_ID, graph)) == 5


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_fault_at_one_member_costs_the_others_nothing(
    site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(webhook, "AT_ONCE", at_once)
    Trouble(monkeypatch, ZeroDivisionError(), [USER_ID])
    with pytest.raises(ZeroDivisionError):  # which the server answers with a 500
        site.delivers(says(1, "offer"), says(1, "offer", OTHER), says(2, "5"))
    assert [body["recipient"] for body in graph.bodies] == [OTHER]


def test_a_broken_message_costs_the_good_one_beside_it_nothing_and_is_logged_by_its_place(
    site: Site, graph: Graph, logs: list[str]
) -> None:
    broken = text("wamid.broken", type=None, text={"body": "a secret of a member"})
    assert site.delivers(broken, says(1, "offer")) == 200
    assert [words.split("\n")[0] for words in graph.words] == ["How much do you offer?"]
    assert "entry[0].changes[0].value.messages[0]" in "".join(logs)
    assert "secret" not in "".join(logs)


def test_an_address_that_cannot_be_a_members_is_passed_over(site: Site, graph: Graph) -> None:
    assert site.delivers(says(1, "offer", "US.{1}"), says(1, "offer")) == 200
    assert [body["recipient"] for body in graph.bodies] == [USER_ID]


def test_a_reply_that_did_not_arrive_is_logged_by_its_codes(site: Site, logs: list[str]) -> None:
    failed = {"id": "wamid.out", "status": "failed", "errors": [{"code": 131026, "title": "Message undeliverable"}]}
    assert site.posts(json.dumps(body_of({"statuses": [failed]})).encode()) == 200
    assert "131026" in "".join(logs)


# -- what comes again -------------------------------------------------------------------------------------------------


def test_a_duplicate_is_not_answered_again_by_the_process_that_sent_the_reply(site: Site, graph: Graph) -> None:
    assert [site.delivers(says(1, "offer")), site.delivers(says(1, "offer"))] == [200, 200]
    assert len(graph.requests) == 1


def test_a_duplicate_is_answered_again_where_nobody_knows_that_the_reply_was_sent(site: Site, graph: Graph) -> None:
    site.delivers(says(1, "offer"))
    site.restart()
    assert site.delivers(says(1, "offer")) == 200
    assert len(graph.requests) == 2
    assert graph.bodies[0] == graph.bodies[1]


def test_a_duplicate_of_an_earlier_message_gets_no_reply_after_a_later_one(site: Site, graph: Graph) -> None:
    site.delivers(says(1, "offer"))
    site.delivers(says(2, "5"))
    site.restart()
    assert site.delivers(says(1, "offer")) == 200
    assert len(graph.requests) == 2


def test_only_so_many_sent_replies_are_remembered(site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SENT_REMEMBERED", 1)
    site.delivers(says(1, "offer"))
    site.delivers(says(1, "offer", OTHER))
    site.delivers(says(1, "offer", OTHER))
    assert len(graph.requests) == 2
    site.delivers(says(1, "offer"))
    assert len(graph.requests) == 3


@pytest.mark.parametrize("trouble", [breaks, fails(503), fails(401, 190), fails(429), fails(400, 131056)])
def test_a_reply_that_could_not_be_sent_is_sent_when_its_message_comes_again(
    site: Site, graph: Graph, trouble: Answer
) -> None:
    graph.answers = [trouble]
    assert [site.delivers(says(1, "offer")), site.delivers(says(1, "offer"))] == [500, 200]
    assert graph.bodies[0] == graph.bodies[1]
    assert site.delivers(says(1, "offer")) == 200
    assert len(graph.requests) == 2


@pytest.mark.parametrize("trouble", [fails(400, 131047), fails(404), lambda _: httpx.Response(400, content=b"<html>")])
def test_a_reply_that_is_refused_for_good_is_logged_and_does_not_come_again(
    site: Site, graph: Graph, logs: list[str], trouble: Answer
) -> None:
    graph.answers = [trouble]
    assert [site.delivers(says(1, "offer")), site.delivers(says(1, "offer"))] == [200, 200]
    assert len(graph.requests) == 1
    assert "did not take a reply" in "".join(logs)


def test_a_reply_that_fails_holds_back_its_members_next_message_and_nobody_elses(site: Site, graph: Graph) -> None:
    def busy(request: httpx.Request) -> httpx.Response:
        failing = json.loads(request.content)["recipient"] == USER_ID
        return httpx.Response(503 if failing else 200, json={"messages": [{"id": "wamid.out"}]})

    graph.answers = [busy, busy]  # in whatever order the two are answered
    batch = (says(1, "offer"), says(1, "register", OTHER), says(2, "5"))
    assert site.delivers(*batch) == 500
    assert sorted(body["recipient"] for body in graph.bodies) == sorted([USER_ID, OTHER])
    assert site.delivers(*batch) == 200
    assert [words.split("\n")[0] for words in graph.words[2:]] == ["How much do you offer?", "To which handle?"]


def test_a_duplicate_that_comes_while_its_reply_is_being_sent_is_put_off(site: Site, graph: Graph) -> None:
    during: list[int] = []

    async def slow(_: httpx.Request) -> httpx.Response:
        raw = raw_body(says(1, "offer"))
        during.append((await site.requested(content=raw, headers=signed(raw))).status_code)
        return httpx.Response(503)

    graph.answers = [slow]
    assert site.delivers(says(1, "offer")) == 500
    assert during == [500]
    assert site.delivers(says(1, "offer")) == 200
    assert len(graph.requests) == 2


@pytest.mark.parametrize("account", ["../me", "1?a=b", None])
def test_a_reply_goes_to_no_other_address_than_a_phone_numbers(
    site: Site, graph: Graph, logs: list[str], account: str | None
) -> None:
    body = body_of({"metadata": {"phone_number_id": account}, "messages": [says(1, "offer")]})
    assert site.posts(json.dumps(body).encode()) == 200
    assert graph.requests == []
    assert "no number" in "".join(logs)


# -- what is done -----------------------------------------------------------------------------------------------------


def test_what_was_confirmed_is_done_once_also_if_its_reply_could_not_be_sent(
    site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book()
    monkeypatch.setattr(credex.CredexFlow, "book", book)
    for number, words in enumerate(("credex offer", "5", "kofi")):
        site.delivers(says(number, words))
    member_id = f"whatsapp:{USER_ID}"
    assert book.open_to(member_id, "cancel") == []
    graph.answers = [fails(503)]
    assert [site.delivers(says(4, "yes")), site.delivers(says(4, "yes"))] == [500, 200]
    assert [(str(each.money), each.other) for each in book.open_to(member_id, "cancel")] == [("USD 5", "kofi")]


def test_an_order_is_made_with_an_address_in_it(site: Site, graph: Graph) -> None:
    said = ("order", "Wedding cake", "1", "Deliver it", "12 Ring Road", "Accra", "skip", "Order it")
    assert {site.delivers(says(number, words)) for number, words in enumerate(said)} == {200}
    assert graph.words[-1].endswith("*Where:* 12 Ring Road, Accra")


def test_who_is_signed_in_goes_on_with_what_they_wanted(
    site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = sign_in.Accounts({"+15550001111": "m1"}, "246810")
    monkeypatch.setattr(sign_in.SignInFlow, "accounts", accounts)
    site.restart()
    said = ("change name", "+15550001111", "246810", "Ama Mensah")
    assert {site.delivers(says(number, words)) for number, words in enumerate(said)} == {200}
    assert graph.words[-3:] == ["You are signed in.", "What shall we call you?", "*Done*\n\n*Your name:* Ama Mensah"]
    assert accounts.names == {"m1": "Ama Mensah"}


# -- what the ledger tells later --------------------------------------------------------------------------------------


class Accepting(OffersInMemory):
    """Offers that a ledger accepts, and tells later what came of."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__()
        self.ledger = Ledger("", "https://bot.example.test/outcomes", SETTINGS.callback_secret)
        self.behaviour = behaviour
        self.keys: list[str] = []

    def make(self, effect_id: str, *, by: str, amount: str, to: str, again: bool) -> Made:
        self.keys.append(effect_id)
        assert not again
        assert self.ledger.books.answer_to(effect_id, 0, {"by": by, "amount": amount, "to": to}) is None
        self.ledger.books.work(effect_id, self.behaviour)
        return Accepted()

    def tells(self) -> list[int]:
        """Has the ledger tell what came of each offer; what it is answered."""
        self.ledger.outbox = list(self.keys)
        answered = wait_for(self.ledger.call_back(Request({"type": "http"})))
        return [each["status"] for each in json.loads(bytes(answered.body))]


@pytest.fixture
def accepting(site: Site) -> Callable[..., Accepting]:
    """A member confirms an offer, which the ledger accepts, for now."""

    def begin(behaviour: Behaviour = Behaviour.ACCEPT) -> Accepting:
        site.offers = offers = Accepting(behaviour)
        site.restart()
        offers.ledger.http = httpx.AsyncClient(transport=httpx.ASGITransport(site.app))
        for number, words in enumerate(("offer", "5 cad", "ama_k", "confirm"), 1):
            assert site.delivers(says(number, words)) == 200
        return offers

    return begin


def test_what_was_accepted_is_told_to_the_member_once_it_is_known_and_once(
    graph: Graph, accepting: Callable[..., Accepting]
) -> None:
    offers = accepting()
    assert graph.words[-1] == "One moment: this is being done."
    assert [offers.tells(), offers.tells()] == [[200], [200]]
    [made] = offers.ledger.books.made
    assert graph.words[4:] == [f"*Offer made*\n\n*Amount:* CAD 5\n*To:* ama_k\n*Reference:* {made['reference']}"]
    assert graph.bodies[-1]["recipient"] == USER_ID


def test_what_was_accepted_and_then_refused_is_asked_to_be_confirmed_again(
    graph: Graph, accepting: Callable[..., Accepting]
) -> None:
    offers = accepting(Behaviour.ACCEPT_AND_REFUSE)
    assert [offers.tells(), offers.tells()] == [[200], [200]]
    assert offers.ledger.books.made == []
    assert len(graph.words) == 5
    assert graph.words[-1].startswith(f"{NOT_COVERED}\n\n*Your offer*")


def test_while_it_is_not_known_nothing_else_is_done(
    site: Site, graph: Graph, accepting: Callable[..., Accepting]
) -> None:
    accepting()
    assert site.delivers(says(5, "cancel")) == 200
    assert graph.words[-1] == "One moment: this is being done."


def test_an_outcome_of_nothing_that_is_open_is_taken_so_that_it_is_not_told_for_ever(
    site: Site, graph: Graph, logs: list[str]
) -> None:
    told = {"member_id": f"whatsapp:{USER_ID}", "effect_id": "x:make:1", "receipt": {"reference": "CX-1"}}
    assert site.is_told(json.dumps(told).encode()) == 200
    assert graph.requests == []
    assert "".join(logs) == ""


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "ü"])
def test_an_outcome_that_the_ledger_did_not_sign_settles_nothing(
    site: Site, graph: Graph, accepting: Callable[..., Accepting], signature: str
) -> None:
    offers = accepting()
    told = {"member_id": f"whatsapp:{USER_ID}", "effect_id": offers.keys[0], "receipt": {"reference": "CX-1"}}
    assert site.is_told(json.dumps(told).encode(), signature) == 401
    assert site.is_told(json.dumps(told).encode(), signature_of("another", json.dumps(told).encode())) == 401
    assert len(graph.words) == 4


TOLD: list[Json] = [
    {},
    {"receipt": None},
    {"receipt": {}},
    {"receipt": {"reference": 5}},
    {"refused": ""},
    {"refused": None},
    {"refused": "no", "member_id": "{x}"},
    {"refused": "no", "effect_id": None},
    {"receipt": {"reference": "CX-\ud800"}},
    {"refused": "\udfff"},
    {"refused": "no", "effect_id": "\ud800"},
    {"refused": "no", "member_id": "\ud800"},
]
NO_OUTCOMES = [
    *(b"", b"{", b"[]", b"{}", b"null", b"[" * 100_000),
    *(json.dumps({"member_id": "m", "effect_id": "e", **more}).encode() for more in TOLD),
]


@pytest.mark.parametrize("told", NO_OUTCOMES, ids=lambda told: repr(told[-40:]))
def test_what_the_ledger_signed_and_is_no_outcome_is_a_bad_request(site: Site, told: bytes, logs: list[str]) -> None:
    assert site.is_told(told) == 400
    assert "no outcome" in "".join(logs)


def test_a_callback_that_is_too_large_is_not_read(site: Site) -> None:
    assert site.is_told(b" " * (LARGEST_BODY + 1)) == 413
    assert site.is_told(b" ", "of somebody else") == 401, "and the next one is: the stream is let go of by then"


def test_an_outcome_that_could_not_be_committed_is_told_again_and_counts_then(
    graph: Graph, accepting: Callable[..., Accepting], monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = accepting()

    async def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(AsyncFlowRunner, "resolve", away)
        assert offers.tells() == [503]
    assert len(graph.words) == 4
    assert offers.tells() == [200]
    assert len(graph.words) == 5


def test_an_outcome_at_which_the_flow_fails_is_told_again_and_counts_in_a_release_that_does_not(
    graph: Graph, accepting: Callable[..., Accepting], monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = accepting()

    def fails_at(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("fsmflow.settling.check_storable", fails_at)
        assert offers.tells() == [503]
    assert len(graph.words) == 4
    assert offers.tells() == [200]
    assert len(graph.words) == 5


def test_an_outcome_whose_reply_could_not_be_sent_is_not_told_again_and_counts(
    site: Site, graph: Graph, accepting: Callable[..., Accepting], logs: list[str]
) -> None:
    offers = accepting()
    graph.answers = [fails(503)]
    assert offers.tells() == [200]
    assert "a member was not told" in "".join(logs)
    flow = wait_for(site.manager.load(f"whatsapp:{USER_ID}")).flow_data
    assert flow.step_id == "completed"


# -- when the store is away -------------------------------------------------------------------------------------------


class Trouble:
    """Replaces `AsyncFlowRunner.handle`: raises for one member, or for all, until it is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception, members: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        handle = AsyncFlowRunner.handle

        async def troubled(runner: AsyncFlowRunner, inbound: Any) -> Any:
            self.asked.append(inbound.channel.identifier)
            if not members or inbound.channel.identifier in members:
                raise error
            return await handle(runner, inbound)

        self._patch = monkeypatch
        monkeypatch.setattr(AsyncFlowRunner, "handle", troubled)

    def ends(self) -> None:
        self._patch.undo()


def test_without_a_store_nothing_is_sent_and_all_comes_again(graph: Graph) -> None:
    nowhere = redis.asyncio.Redis(host="localhost", port=1, socket_connect_timeout=0.1, retry=Retry(NoBackoff(), 0))
    with on_side("async"):
        site = Site(AsyncFlowStateManager(nowhere), graph)
        assert site.delivers(says(1, "offer"), says(1, "offer", OTHER)) == 500
    assert graph.requests == []


def test_after_the_store_was_away_in_the_middle_of_a_batch_each_message_is_answered_once(
    site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = "US.10000000000000003333"
    batch = (says(1, "offer"), says(1, "offer", OTHER), says(1, "offer", third))
    trouble = Trouble(monkeypatch, StoreUnavailable("away"), [OTHER])
    assert site.delivers(*batch) == 500
    assert trouble.asked == [USER_ID, OTHER, third]
    trouble.ends()
    assert site.delivers(*batch) == 200
    assert sorted(body["recipient"] for body in graph.bodies) == sorted([USER_ID, OTHER, third])


def test_one_members_newer_state_holds_up_nobody_else(
    site: Site, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble(monkeypatch, NewerState("newer"), [OTHER])
    assert site.delivers(says(1, "offer", OTHER), says(2, "5", OTHER), says(1, "offer")) == 500
    assert trouble.asked == [OTHER, USER_ID]
    assert [body["recipient"] for body in graph.bodies] == [USER_ID]


def test_a_key_that_another_program_put_in_one_members_place_holds_up_nobody_else(
    site: Site, graph: Graph, any_redis: Redis
) -> None:
    key = site.manager.layout.keys(f"whatsapp:{OTHER}").state
    any_redis.set(key, "another program's")
    batch = (says(1, "offer", OTHER), says(2, "5", OTHER), says(1, "offer"))
    assert [site.delivers(*batch), site.delivers(*batch)] == [500, 500]
    assert [body["recipient"] for body in graph.bodies] == [USER_ID]
    assert any_redis.get(key) == b"another program's"
    any_redis.delete(key)
    assert site.delivers(*batch) == 200
    assert [(body["recipient"], words_of(body).split("\n")[0]) for body in graph.bodies[1:]] == [
        (OTHER, "How much do you offer?"),
        (OTHER, "To which handle?"),
    ]


# -- what it is told ---------------------------------------------------------------------------------------------------


def test_settings_come_from_the_environment_and_are_told_to_nobody() -> None:
    environment = {
        "WHATSAPP_APP_SECRET": "s-1",
        "WHATSAPP_VERIFY_TOKEN": "s-2",
        "WHATSAPP_ACCESS_TOKEN": "s-3",
        "REDIS_URL": "redis://:s-4@localhost",
        "LEDGER_URL": "https://ledger.example.test",
        "LEDGER_TOKEN": "s-5",
        "LEDGER_CALLBACK_SECRET": "s-6",
    }
    settings = Settings.from_environment(environment)
    assert (settings.app_secret, settings.verify_token, settings.access_token) == ("s-1", "s-2", "s-3")
    assert (settings.ledger_token, settings.callback_secret) == ("s-5", "s-6")
    assert "s-" not in repr(settings)
    del environment["WHATSAPP_ACCESS_TOKEN"]
    with pytest.raises(RuntimeError, match=r"must be set: WHATSAPP_ACCESS_TOKEN, REDIS_URL$"):
        Settings.from_environment({**environment, "REDIS_URL": ""})


def test_no_secret_is_logged_whatever_fails(site: Site, graph: Graph, logs: list[str]) -> None:
    graph.answers = [breaks, fails(401, 190), fails(503)]
    for _ in range(3):
        assert site.delivers(says(1, "offer")) == 500
    assert logs
    secrets = (SETTINGS.ledger_token, SETTINGS.callback_secret)
    for secret in (*secrets, SETTINGS.app_secret, SETTINGS.verify_token, SETTINGS.access_token, "test-redis-password"):
        assert secret not in "".join(logs)


def test_what_is_served_is_not_taken_for_flows_of_the_webhook_itself() -> None:
    assert not hasattr(webhook, "flows")
    assert list(webhook.served) == [
        *("offer", "registration", "order", "address", "sign_in", "rename"),
        *credex.flows,
    ]


def test_an_app_closes_what_it_opened_and_leaves_open_what_it_was_handed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    def noting(owner: type, name: str) -> None:
        close = getattr(owner, name)

        async def noted(self: Any) -> None:
            closed.append(owner.__name__)
            await close(self)

        monkeypatch.setattr(owner, name, noted)

    async def lives(app: Any) -> None:
        async with app.router.lifespan_context(app):
            assert closed == []

    noting(httpx.AsyncClient, "aclose")
    noting(HttpOffers, "aclose")
    noting(AsyncFlowStateManager, "close")
    handed = httpx.AsyncClient(transport=httpx.MockTransport(Graph()))
    services = Services(OffersInMemory())
    asyncio.run(lives(create_app(SETTINGS, AsyncFlowStateManager.in_memory(), handed, services)))
    assert closed == []
    asyncio.run(lives(create_app(SETTINGS)))
    assert sorted(closed) == ["AsyncClient", "AsyncFlowStateManager", "HttpOffers"]

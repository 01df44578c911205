"""A typed way to have a service over HTTP do something once.

Here belongs what every such service has in common: the key by which it knows a repetition, and what each of its answers
means for an effect. What is sent to which service stands beside this module (`examples.services.http_offers`). An
`httpx.Client` serves both runners, since what an action calls is run in a thread.

The effect id goes out as ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): the service gives the answer
that it gave before to the same key with the same body, and does nothing twice. What its answers are taken for:

==============================  ========================================================================================
What came                       What it means
==============================  ========================================================================================
2xx, with what was expected     `Done`
202                             `Accepted`: the service says later what came of it
2xx, with anything else         `Unclear`. It may well have happened, so it is never a refusal
4xx, but for the following      `EffectRefused`, in the service's own sentence where it gives one: the ``detail`` of an
                                ``application/problem+json`` (RFC 9457), on one line and not too long
401, 403                        `EffectRefused` in the library's words: that our credentials are wrong is for our log
408, 409, 425, 429              `Unavailable`: not yet; a 409 says that the same key is still being worked on
422                             `EffectRefused` only where the problem's type says that it is about something else than
                                the key. The draft has 422 say that the key was used with another body: then something
                                was done under it, and nobody here knows what
5xx                             `Unavailable`
no connection                   `Unavailable`: nothing was sent
a timeout, a broken connection  `Unclear`: something was sent, and may be done while we ask again
3xx, anything else              `Unclear`
==============================  ========================================================================================

`Unavailable` is what the ``Retry`` of an action names: the same call, under the same key, a moment later. `Unclear` is
not: the effect is unknown, and it is asked first what came of it.

A refusal counts only from who would know. After an answer that leaves doubt, the second call may be refused by
something in front of the service (the token ran out meanwhile, a gateway has no such path), which never looked at the
key; the first call may have done it all the same. So in doubt it takes a problem of the service's own to refuse, and a
401 or 403 never does. Which calls left doubt a process remembers for the calls of one attempt alone. An effect that is
taken up again is in doubt from the start (``again``), since the call before may have been another process's, which took
what it knew along; unless this one has asked since, and was told that what came before is void.

Asking (`HttpService.came_of`): 200 is `Done`, 202 is `Accepted`, 404 is `NotDone`, anything else `StillUnknown`. **What
NotDone has to mean:** it has not happened, *and will not by the attempt that was made*. A 404 alone does not say so:
the request may still be under way, and arrive after the question. So the service that says it voids the attempt: its
404 has an ``Idempotency-Fence``, the number of times that it was asked for this key. Whoever runs the effect again
sends that number along, and a request with a lower one (the late one has none) is refused. A 404 without it may come
from anywhere, and is `StillUnknown`. That header is this example's own; an action on a service that has nothing like it
is better off with ``idempotent=True`` and without ``reconcile``.

No body, no address and no secret is in a log or in the text of an exception.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from attrs import field, frozen
from cattrs import Converter
from loguru import logger

from examples.services.faults import Unavailable, Unclear
from examples.services.memory import Memory
from fsmflow import Accepted, Done, EffectRefused, NotDone, StillUnknown

KEY: Final = "Idempotency-Key"
FENCE: Final = "Idempotency-Fence"

LONGEST_SENTENCE: Final = 200  # characters: what a member reads, in a message that has more to say
NOT_YET: Final = frozenset({408, 409, 425, 429})
OUR_CREDENTIALS: Final = frozenset({401, 403})
SAYS_NOTHING: Final = frozenset({"", "about:blank"})  # problem types that say no more than the status (RFC 9457, 4.2.1)

ResultT = TypeVar("ResultT")


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


_converter = Converter()
_converter.register_structure_hook(str, _text)  # cattrs would make a reference of a number, or of null


@frozen
class HttpService:
    """A service that does things once, by the key that it is given.

    Args:
        name: What it is called in a log.
        http: The client, with the service's address, our credentials, and timeouts below that of the actions.
        key_reused: The problem type by which it says that a key was used with another body.
        memory: What the calls of one attempt know of each other.
    """

    name: str
    http: httpx.Client = field(repr=False)
    key_reused: str = ""
    memory: Memory = field(factory=Memory, repr=False)

    def post(
        self, path: str, body: dict[str, Any], effect_id: str, returns: type[ResultT], *, again: bool
    ) -> Done | Accepted:
        """Has something done.

        Args:
            path: Where, below the client's address.
            body: What, as JSON. It must be the same for the same effect.
            effect_id: The key.
            returns: What the service's answer is structured to.
            again: True if the effect was taken up before, by whomever: ``self.effect_attempt > 1``.

        Returns:
            `Done` with the answer, or `Accepted`.

        Raises:
            EffectRefused: It is known not to have happened.
            Unavailable: The service did not take the call.
            Unclear: Nobody can say.
        """
        headers = {KEY: as_header(effect_id)}
        known = self.memory.of(effect_id, again=again)
        if known.is_doubted:
            self.memory.doubt(effect_id)
        if known.fence is not None:
            headers[FENCE] = known.fence
        response = self._sent(effect_id, "POST", path, json=body, headers=headers)
        status = response.status_code
        if status in NOT_YET or response.is_server_error:
            self.memory.doubt(effect_id)
            raise Unavailable(f"{self.name} answered {status}")
        if response.is_success:
            came = Accepted() if status == 202 else Done(self._structured(effect_id, response, returns))
            self.memory.forget(effect_id)
            return came
        reason = self._refusal(effect_id, response)
        if reason is None:
            self.memory.doubt(effect_id)
            raise Unclear(f"{self.name} answered {status}")
        self.memory.forget(effect_id)
        raise EffectRefused(reason)

    def came_of(self, path: str, effect_id: str, returns: type[ResultT]) -> Done | NotDone | StillUnknown | Accepted:
        """Asks what came of it.

        Args:
            path: Where it was posted to.
            effect_id: The key.
            returns: What the service's answer is structured to.

        Returns:
            `Done` with the answer; `Accepted`, where it is still under way; `NotDone`, where the attempt that was made
            is void; else `StillUnknown`.

        Raises:
            Unavailable: The service did not take the question.
            Unclear: It did not answer it.
        """
        response = self._sent(effect_id, "GET", f"{path}/{quote(effect_id, safe='')}")
        if response.status_code == 200:
            came = Done(self._structured(effect_id, response, returns))
            self.memory.forget(effect_id)
            return came
        if response.status_code == 202:
            return Accepted()
        fence = response.headers.get(FENCE)
        if response.status_code == 404 and fence is not None:
            self.memory.void(effect_id, fence)
            return NotDone()
        logger.warning("{} could not say what came of an effect: status {}", self.name, response.status_code)
        return StillUnknown()

    def _sent(self, effect_id: str, method: str, path: str, **named: Any) -> httpx.Response:
        try:
            return self.http.request(method, path, **named)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as trouble:
            raise Unavailable(f"{self.name}: {type(trouble).__name__}") from None
        except httpx.HTTPError as trouble:
            self.memory.doubt(effect_id)
            # its type alone: its text may hold the address that was called
            raise Unclear(f"{self.name}: {type(trouble).__name__}") from None

    def _structured(self, effect_id: str, response: httpx.Response, returns: type[ResultT]) -> ResultT:
        try:
            return _converter.structure(response.json(), returns)
        except Exception:  # noqa: BLE001 - however it does not fit, what it says is not known
            self.memory.doubt(effect_id)
            # not from the fault: its text quotes the body
            raise Unclear(f"{self.name} answered {response.status_code}, and no {returns.__name__}") from None

    def _refusal(self, effect_id: str, response: httpx.Response) -> str | None:
        """Why it is known not to have happened, for the member; None where it is not known."""
        status = response.status_code
        if status in OUR_CREDENTIALS:
            logger.error("{} does not take our credentials: status {}", self.name, status)
            return None if self.memory.of(effect_id).is_doubted else ""
        if not response.is_client_error:
            return None
        problem = problem_of(response)
        if problem is None and self.memory.of(effect_id).is_doubted:
            return None
        kind = "" if problem is None else str(problem.get("type", ""))
        if status == 422 and (kind in SAYS_NOTHING or kind == self.key_reused):
            return None
        return "" if problem is None else sentence_of(problem)


def as_header(effect_id: str) -> str:
    """An effect id as the draft wants it: a string of RFC 8941, in quotes."""
    return '"' + effect_id.replace("\\", "\\\\").replace('"', '\\"') + '"'


def key_of(header: str) -> str:
    """The effect id that such a header says; its bare text where it has no quotes."""
    quoted = len(header) >= 2 and header[0] == header[-1] == '"'
    return re.sub(r"\\(.)", r"\1", header[1:-1]) if quoted else header


def problem_of(response: httpx.Response) -> dict[str, Any] | None:
    """The problem that a response describes; None where it describes none."""
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = response.json()
    except ValueError:
        return None
    return problem if isinstance(problem, dict) else None


def sentence_of(problem: dict[str, Any]) -> str:
    """A problem's own sentence for members, on one line and not too long; empty where it has none."""
    detail = problem.get("detail")
    if not isinstance(detail, str):
        return ""
    words = " ".join("".join(each if each.isprintable() else " " for each in detail).split())
    return words if len(words) <= LONGEST_SENTENCE else f"{words[: LONGEST_SENTENCE - 1].rstrip()}…"

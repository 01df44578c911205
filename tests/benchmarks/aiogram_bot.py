"""The conversation of `offer` as a bot of aiogram 3, as its documentation writes one.

States in a ``StatesGroup``, a handler for each, chosen by its state, which looks at the answer, keeps it by
``state.update_data``, moves on by ``state.set_state`` and answers; ``RedisStorage`` behind it. Where its documentation
leaves a choice, the faster one is taken: the keyboard is made once, the answers are read with ``get_data`` and cleared
at the end instead of being written once more before, orjson reads and writes what is stored, updates come with their
bot (else ``feed_update`` makes each anew), and no handler for /cancel is asked before the others.

What it keeps is the state and the data, in two keys, by two writes after one another. `KeepsMore` adds, by what aiogram
offers, what fsmflow keeps besides: one message of a member at a time, by a lock in Redis; a message that is delivered
again is not taken again; a record of what happened in a stream; and a time to live. Even so a crash between two of its
commands leaves one written and not the other, and a message that was marked is lost if the bot dies before it has
answered: what this is compared with is its speed, not its promises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
from aiogram import BaseMiddleware, Bot, Dispatcher, F, Router
from aiogram.client.session.base import BaseSession
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import DefaultKeyBuilder
from aiogram.fsm.storage.redis import RedisEventIsolation, RedisStorage
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup, TelegramObject, Update
from redis.asyncio import Redis

RETENTION = timedelta(days=8)
AUDIT_LENGTH = 1000
SENT = datetime(2031, 5, 6, tzinfo=timezone.utc)


class Offer(StatesGroup):
    """The questions."""

    amount = State()
    handle = State()
    confirm = State()


CHOICES = ReplyKeyboardMarkup(
    keyboard=[[KeyboardButton(text="Confirm"), KeyboardButton(text="Decline")]], resize_keyboard=True
)


def offer_router() -> Router:
    """The handlers; a new one for each dispatcher, which they belong to."""
    router = Router()

    @router.message(StateFilter(None), F.text == "offer")
    async def start(message: Message, state: FSMContext) -> None:
        await state.set_state(Offer.amount)
        await message.answer("How much?")

    @router.message(Offer.amount)
    async def amount(message: Message, state: FSMContext) -> None:
        text = (message.text or "").strip()
        if not text.isdigit():
            await message.answer("An amount has digits only.\n\nHow much?")
            return
        await state.update_data(amount=str(Decimal(text)))
        await state.set_state(Offer.handle)
        await message.answer("To which handle?")

    @router.message(Offer.handle)
    async def handle(message: Message, state: FSMContext) -> None:
        data = await state.update_data(handle=(message.text or "").strip())
        await state.set_state(Offer.confirm)
        await message.answer(f"Offer {Decimal(data['amount'])} to {data['handle']}?", reply_markup=CHOICES)

    @router.message(Offer.confirm, F.text == "Confirm")
    async def confirm(message: Message, state: FSMContext) -> None:
        data = await state.get_data()
        await state.clear()
        await message.answer(f"The offer of {Decimal(data['amount'])} is made.")

    return router


class Silence(BaseSession):
    """A session that reaches no network: what the bot says last to each member is kept, and nothing comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[int, str] = {}

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> None:  # noqa: ARG002 - as aiogram calls it
        """Takes note of what is said."""
        self.said[method.chat_id] = method.text

    async def close(self) -> None:
        """Has nothing to close."""

    async def stream_content(self, *_: Any, **__: Any) -> Any:
        """Is never asked for."""
        raise NotImplementedError


class KeepsMore(BaseMiddleware):
    """Keeps what fsmflow keeps besides state and data; it runs within the member's lock.

    Args:
        redis: Where the state is.
        prefix: What the keys begin with.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis = redis
        self.prefix = prefix

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: Any, data: dict[str, Any]
    ) -> Any:
        """Takes an update unless it is known, and records what became of it."""
        context: FSMContext = data["state"]
        member = context.key.user_id
        if not await self.redis.set(f"{self.prefix}:seen:{member}:{event.update_id}", b"1", nx=True, ex=RETENTION):
            return None
        result = await handler(event, data)
        happened = {"event": "transition", "from": data["raw_state"], "message": event.update_id}
        record = orjson.dumps({**happened, "at": datetime.now(timezone.utc)})
        stream = f"{self.prefix}:audit:{member}"
        await self.redis.xadd(stream, {b"entry": record}, maxlen=AUDIT_LENGTH, approximate=True)
        return result


def dumps(data: Any) -> str:
    """JSON as text, which is what the storage takes."""
    return orjson.dumps(data).decode()


class OfferBot:
    """A bot and its dispatcher.

    Args:
        redis: Where the state is.
        prefix: What the keys begin with.
        keeps_more: True adds the lock, the known messages, the trail and the time to live.
    """

    def __init__(self, redis: Redis, prefix: str, *, keeps_more: bool) -> None:
        ttl = RETENTION if keeps_more else None
        keys = DefaultKeyBuilder(prefix=prefix)
        storage = RedisStorage(
            redis, key_builder=keys, state_ttl=ttl, data_ttl=ttl, json_loads=orjson.loads, json_dumps=dumps
        )
        isolation = RedisEventIsolation(redis, key_builder=keys) if keeps_more else None
        self.session = Silence()
        self.bot = Bot(token="42:benchmark", session=self.session)
        self.dispatcher = Dispatcher(storage=storage, events_isolation=isolation)
        self.dispatcher.include_router(offer_router())
        if keeps_more:
            self.dispatcher.update.outer_middleware(KeepsMore(redis, prefix))
        self._numbers = 0

    def update(self, member: int, text: str) -> Update:
        """An update as it comes from Telegram: a text of a member in a private chat."""
        self._numbers += 1
        person = {"id": member, "is_bot": False, "first_name": "Ama"}
        chat = {"id": member, "type": "private", "first_name": "Ama"}
        message = {"message_id": self._numbers, "date": SENT, "chat": chat, "from": person, "text": text}
        told = {"update_id": self._numbers, "message": message}
        update: Update = Update.model_validate(told, context={"bot": self.bot})
        return update

    async def handle(self, update: Update) -> str:
        """Answers one update.

        Returns:
            What was said to its member last.
        """
        await self.dispatcher.feed_update(self.bot, update)
        return self.session.said[update.message.chat.id]

"""A member's state in the store, damaged: for tests of what is done then. It asserts nothing."""

from __future__ import annotations

from redis import Redis

from tests.talking import Offer, Talk, in_memory

LOST_PLACE = "Sorry, we lost our place for a moment."
START_OVER = "Sorry, we lost our place and have to start over."


def half_way(redis: Redis | None = None, prefix: str = "") -> Talk:
    """A member who has answered the first question of three; in a store of this process, if none is named."""
    talk = in_memory([Offer]) if redis is None else Talk(redis, prefix, [Offer])
    talk.says("offer", "12")
    return talk


def damage(talk: Talk, **fields: bytes | None) -> None:
    """Puts bytes into the fields of a member's hash; None takes a field away."""
    for name, raw in fields.items():
        if raw is None:
            talk.redis.hdel(talk.key, name)
        else:
            talk.redis.hset(talk.key, name, raw)


def reasons(talk: Talk) -> list[str | None]:
    """What the trail says of recoveries, in pairs: what could not be used, and what came of it."""
    return [each.reason for each in talk.manager.history(talk.member_id) if each.event_type.startswith("recovery")]

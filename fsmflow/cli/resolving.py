"""``fsmflow effects resolve``: says what came of an effect that is open, by hand.

Here belong the options of the command, and what is said where it could not be done. That it counts once, whoever else
says it too, is the runner's affair; so is the trail, which keeps who said it and why. The runner is the application's:
what is to be said and done next, only its flows know, and what comes next may be another effect.

What is kept of an effect is given as JSON, and held against the type that the action says before anything is written.
"""

from __future__ import annotations

import asyncio
from typing import Any

import click
import orjson

from fsmflow.action import Action
from fsmflow.cli.applications import RUNNER, SEND, AnyRunner, Send, awaited, runner_and_sender, sent
from fsmflow.cli.closing import BY, EFFECT, EXIT, FORCE, MEMBER, REASON, as_text, check_nobody_is_at_it, why_of
from fsmflow.cli.plainly import fail, told_plainly
from fsmflow.cli.stores import DiscreetCommand
from fsmflow.errors import EffectRefused, OutcomeNotTaken
from fsmflow.outcomes import Done
from fsmflow.storable import check_storable, restore_answer

_NOTHING: Any = object()


def _as_json(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    try:
        return _NOTHING if value is None else orjson.loads(value)
    except ValueError:
        raise click.BadParameter("is no JSON") from None


@click.command(cls=DiscreetCommand, epilog=EXIT)
@RUNNER
@MEMBER
@EFFECT
@click.argument("outcome", metavar="done|refused", type=click.Choice(["done", "refused"]))
@REASON
@BY
@FORCE
@click.option("--value", metavar="JSON", callback=_as_json, help="Of done: what is kept of it; nothing by default.")
@click.option("--told", callback=as_text, help="Of refused: what the member reads; words of the library by default.")
@SEND
def resolve(target: str, sender: str | None, **asked: Any) -> None:
    """Close the EFFECT of a MEMBER by hand: it was done, or refused, whatever its worker says later.

    It takes the application's runner, MODULE:RUNNER, since the conversation goes on from there. Without --send what is
    to be sent to the member is printed as a line of JSON.
    """
    if asked["outcome"] == "done" and asked["told"] is not None:
        raise click.UsageError("--told goes with refused: what is said of what was done, the flow says")
    if asked["outcome"] == "refused" and asked["value"] is not _NOTHING:
        raise click.UsageError("--value goes with done: nothing is kept of what was refused")
    why = why_of(asked["reason"], asked["by"])
    with told_plainly():
        runner, send = runner_and_sender(target, sender)
        asyncio.run(_resolve(runner, send, asked, why))


async def _resolve(runner: AnyRunner, send: Send, asked: dict[str, Any], why: str) -> None:
    member, effect_id = asked["member"], asked["effect_id"]
    try:
        if not asked["force"]:
            check_nobody_is_at_it(await awaited(runner.manager.open_effect(member)), effect_id)
        outcome: Any = EffectRefused(asked["told"] or "")
        if asked["outcome"] == "done":
            outcome = Done(await _kept(runner, member, asked["value"]))
        due = await awaited(runner.resolve(member, effect_id, outcome, reason=why))
        is_sent = due is None or await sent(due, send)
    except OutcomeNotTaken as error:
        fail(f"{error}; if no release takes it any more, give the run up: fsmflow effects abandon", 1)
    finally:
        await awaited(runner.manager.close())
    if due is None:
        fail("this effect of this member is not open, or not any more: nothing was done", 1)
    if not is_sent:
        fail("the effect is closed, but what the member is to be told was not sent", 1)


async def _kept(runner: AnyRunner, member: str, value: Any) -> Any:
    """What is kept of what was done, of the type that its action says."""
    flow = await awaited(runner.flow_of(member))
    step = None if flow is None else flow.innermost.current_step
    if not isinstance(step, Action):
        return None  # there is nothing to resolve: the runner says so
    if value is _NOTHING:
        value = None
    try:
        kept = restore_answer(value, step.returns)
        check_storable(type(flow).__name__, step.id, kept, step.returns)
    except Exception:  # noqa: BLE001 - whatever cattrs raises for what does not fit; its words hold the value
        wanted = getattr(step.returns, "__name__", step.returns)
        fail(f"--value: what {step.id} keeps is of the type {wanted}, and that is not what was given", 2)
    return kept

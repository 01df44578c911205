"""``fsmflow effects abandon``: gives an open effect up, together with the run that waits for it.

Here belong the options of the command, and what is said of it. It is for what `resolving` cannot close, because no
release at hand knows the run: so it takes the address of the store and no runner, and knows no flow.
"""

from __future__ import annotations

import click

from fsmflow.cli.closing import BY, EFFECT, EXIT, FORCE, MEMBER, REASON, check_nobody_is_at_it, why_of
from fsmflow.cli.plainly import fail, told_plainly
from fsmflow.cli.stores import DiscreetCommand, asked_of
from fsmflow.manager import FlowStateManager


@click.command(cls=DiscreetCommand, epilog=EXIT)
@click.option("--redis", "url", metavar="URL", required=True, help="The store in which it is open.")
@click.option("--prefix", default="fsmflow", show_default=True, help="What the keys begin with.")
@MEMBER
@EFFECT
@REASON
@BY
@FORCE
def abandon(url: str, prefix: str, member: str, effect_id: str, reason: str, by: str | None, force: bool) -> None:
    """Give the EFFECT of a MEMBER up, with the run that waits for it, where resolve cannot close it.

    The conversation is forgotten, the audit trail is not. The member is told nothing, begins anew with their next
    message, and may then act again: so find out first what came of the effect, and put that right. Of what cannot be
    read the EFFECT is "", as the list shows it.
    """
    why = why_of(reason, by)

    def give_up(manager: FlowStateManager) -> bool:
        if not force:
            check_nobody_is_at_it(manager.open_effect(member), effect_id)
        return manager.abandon(member, effect_id, reason=why)

    with told_plainly():
        is_closed = asked_of(url, prefix, give_up)
    if not is_closed:
        fail("this effect of this member is not open, or not any more: nothing was done", 1)
    click.echo("The effect is closed, and its run is forgotten. The member was told nothing.")

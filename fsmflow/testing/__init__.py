"""Tests of flows: one case for each transition, paths of several, conversations.

    @pytest.mark.parametrize("case", transitions_of(OfferFlow), ids=str)
    def test_each_transition_leads_where_it_should(case):
        assert case.fire().flow.state == case.dest

    def test_an_offer_is_made():
        Chat(OfferFlow).say("100").say("ama").tap("confirm").expect(status="completed")

Here are the names that tests are written with, and no logic:

- `inputs`: what a step brings along to be answered with;
- `moves`: a transition, and what it takes to take it;
- `firing`: taking a move in memory;
- `trying`: which way an answer really takes, where predicates decide;
- `paths`: the ways through a machine;
- `cases`: `transitions_of`, a case for each transition;
- `walks`: `paths_of`, shortest and simple paths, a tour, random walks;
- `chat`: `Chat`, a conversation with runner, store and clock, on what `worker`, `world`, `transcript` and `seen` hold.

The input comes from the steps' own `examples` and `counterexamples`, or from what their validators offer, so that what
documents a step also tests it; where both are missing a case says what it `lacks`, and nothing is made up. Nothing here
needs pytest, and hypothesis is imported only where something is drawn with it.
"""

from fsmflow.testing.cases import Path, TransitionCase, transitions_of
from fsmflow.testing.chat import Chat
from fsmflow.testing.firing import Fired
from fsmflow.testing.moves import Move
from fsmflow.testing.walks import Paths, paths_of

__all__ = ["Chat", "Fired", "Move", "Path", "Paths", "TransitionCase", "paths_of", "transitions_of"]

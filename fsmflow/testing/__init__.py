"""Tests of flows: one case for each transition, paths of several.

    @pytest.mark.parametrize("case", transitions_of(OfferFlow), ids=str)
    def test_each_transition_leads_where_it_should(case):
        assert case.fire().flow.state == case.dest

Here are the names that tests are written with, and no logic:

- `inputs`: what a step brings along to be answered with;
- `paths`: the ways through a machine;
- `firing`: taking a move in memory;
- `cases`: `transitions_of`, a case for each transition;
- `walks`: `paths_of`, shortest and simple paths, a tour, random walks.

The input comes from the steps' own `examples` and `counterexamples`, or from what their validators offer, so that what
documents a step also tests it; where both are missing a case says what it `lacks`, and nothing is made up. Nothing here
needs pytest, and hypothesis is imported only where something is drawn with it.
"""

from fsmflow.testing.cases import Path, TransitionCase, transitions_of
from fsmflow.testing.firing import Fired
from fsmflow.testing.paths import Move
from fsmflow.testing.walks import Paths, paths_of

__all__ = ["Fired", "Move", "Path", "Paths", "TransitionCase", "paths_of", "transitions_of"]

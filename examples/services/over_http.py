"""What the examples' actions work with in service: the ledger over HTTP, for a try in a terminal.

Run the ledger in one terminal, and talk to a flow that uses it in another (``pip install '.[cli,web]'``)::

    LEDGER_TOKEN=t uvicorn --factory examples.services.ledger:create_app --port 8010

    LEDGER_TOKEN=t fsmflow chat examples/offer.py --services examples/services/over_http.py:services

To see an offer that nobody knows of, tell the ledger first to make the next one and break off its answer::

    curl -X PUT localhost:8010/behaviour -d '["break off"]'

It is found out with a message a minute later. A ledger elsewhere is named by ``LEDGER_URL``.
"""

from __future__ import annotations

import atexit
import os

from examples.services.http_offers import HttpOffers
from examples.services.offers import Services

# without a token it is imported all the same, by who looks for flows; the ledger takes nothing then
offers = HttpOffers.at(os.environ.get("LEDGER_URL", "http://localhost:8010"), os.environ.get("LEDGER_TOKEN", "none"))
services = Services(offers)
atexit.register(offers.close)

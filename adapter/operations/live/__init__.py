"""`adapter check --live`: the whole set-up, from the variables to the first order, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.operations.live import configured, database, destinations, orders, service
from adapter.operations.live.finding import Finding, Setup
from adapter.operations.live.service import Ask


def look(setup: Setup, url: str | None, ask: Ask, tested: str | None = None) -> Iterator[Finding]:
    """Yield what is found, in the order in which it is to be put right; the service at `url` is asked over `ask`.

    Nothing is stored, and nothing is sent to the Conversion API; `tested` is the shop whose test event is sent anyhow.
    """
    yield from configured.look(setup.settings, setup.shops)
    found = database.look(setup)
    yield from found
    yield from service.look(setup.shops, url, ask)
    if all(finding.is_right for finding in found):
        yield from destinations.look(setup, tested)
        yield from orders.look(setup, url)

"""Whether anybody sends events, and whether Axon takes them, as far as what was sent shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from adapter.operations.health import DEAD_AFTER
from adapter.operations.live.finding import Finding, Setup, wrong
from adapter.shops.shop import Destination
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.vitals import Vitals

_STEPS = {
    Condition.PAUSED: "compare the pixel id and the key with those that Axon gave you, correct and restart; new ones"
    " start at once, `adapter resume` asks again with the same",
    Condition.DOUBTFUL: "look at `adapter orders --state pending` and at the last answer in `adapter status`: Axon"
    " refuses every event; correct the mapping, then `adapter retry`",
    Condition.DOWN: "Axon doesn't answer: it is tried again by itself; can this machine reach the address?",
}

_START_EMBEDDED = "start the web process (`adapter serve`): it delivers by itself"
_START_WORKER = "start a worker (`adapter deliver`), or set EMBEDDED_DELIVERY=true for the web process"


def look(setup: Setup, tested: str | None = None) -> Iterator[Finding]:
    """Yield whether a worker runs, and the condition of each destination.

    `tested` is a shop of which a test event is sent anyhow.
    """
    stores, now = setup.stores(), setup.clock()
    yield _worker(Vitals(stores.engine).beat_at(), now, embedded=setup.settings.embedded_delivery)
    for id_, (destination, shops) in setup.shops.destinations().items():
        state = stores.destinations.state(id_, now)
        yield _condition(destination, shops, state, tested)


def _condition(destination: Destination, shops: Sequence[str], state: DestinationState, tested: str | None) -> Finding:
    name = f"Axon, pixel id {destination.pixel_id}"
    if state.condition is not Condition.OPEN:
        since = f"{state.condition.value} since {state.since:%Y-%m-%d %H:%M} UTC"
        return wrong(f"{name}: {since}: {state.reason}", _STEPS[state.condition])
    if state.accepted_at is not None:
        return Finding(f"{name}: accepted events, last at {state.accepted_at:%Y-%m-%d %H:%M} UTC")
    command = f"`adapter check --live --send-test-event {shops[0]}`"
    step = f"to learn at once whether Axon takes key and pixel id, {command} sends one page_view, no purchase"
    return Finding(f"{name}: no event was accepted yet", "" if tested in shops else step)


def _worker(beat_at: datetime | None, now: datetime, *, embedded: bool) -> Finding:
    if beat_at is not None and abs(now - beat_at) <= DEAD_AFTER:
        return Finding("a worker looks for orders to deliver")
    since = "has ever looked" if beat_at is None else f"has looked since {beat_at:%Y-%m-%d %H:%M} UTC"
    return wrong(f"no worker {since} for orders to deliver: they wait", _START_EMBEDDED if embedded else _START_WORKER)

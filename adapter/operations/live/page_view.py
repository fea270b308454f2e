"""One page_view to the Conversion API, when it is asked for: the only way to learn whether key and pixel id are right.

Axon's page knows no test event and no sandbox. A page_view is no conversion, and this one belongs to nobody: its
address is one of those kept for documentation (RFC 5737), and its identifier is new each time.
"""

from __future__ import annotations

import json
from datetime import datetime

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery.sending import Client
from adapter.operations.live.finding import Finding, wrong
from adapter.shops.shop import Destination, Shop

_NOBODY = "192.0.2.1"
_BROWSER = "Mozilla/5.0 (compatible; order-adapter check)"


def page_view(shop: Shop, now: datetime, token: str) -> bytes:
    """Return the event: a look at the shop's own address, by nobody, now. `token` is its identifier."""
    event = {
        "name": "page_view",
        "event_time": int(now.timestamp() * 1000),
        "event_source_url": shop.rules.site_url,
        "dedupe_id": f"order-adapter-check-{token}",
        "user_data": {
            "client_id": f"order-adapter-check-{token}",
            "client_ip_address": _NOBODY,
            "client_user_agent": _BROWSER,
            "esi": "web",
        },
        "data": None,
    }
    return json.dumps(event).encode()


def announcement(destination: Destination, event: bytes) -> str:
    """Return what is about to be sent, whole."""
    return f"sending one event to {destination.api_url}, pixel id {destination.pixel_id}: {event.decode()}"


def send(shop: Shop, event: bytes, client: Client) -> Finding:
    """Send the event to the shop's destination, and return what the answer shows."""
    to = shop.destination
    if to is None:
        return wrong(f"no event was sent: {shop.name} has no pixel id or no key", f"set both for {shop.name} first")
    return _judged(shop, client.send(to.api_url, to.pixel_id, to.api_key, [event], to.envelope))


def _judged(shop: Shop, outcome: Outcome) -> Finding:
    answer = f"Axon about the test event of {shop.name}: {outcome}"
    if outcome.verdict is Verdict.ACCEPTED:
        return Finding(f"{answer}: key and pixel id are right")
    if outcome.verdict is Verdict.UNAUTHORIZED:
        step = f"compare the pixel id and the key of {shop.name} with those that Axon gave you"
        return wrong(f"{answer}: key or pixel id is wrong", step)
    if outcome.verdict is Verdict.REFUSED:
        return wrong(f"{answer}: the event was refused, not the key", "ask your Axon representative, with this answer")
    return wrong(f"{answer}: nothing is known by that", "run it again; can this machine reach the address?")

"""`adapter retry` and `adapter resume`: what a person makes due again, and why something can't be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import structlog

from adapter.errors import NothingToResume, OrderNotGivenUp, OrderNotRetried
from adapter.shops.shop import Shop, Shops
from adapter.storage.destinations import Condition, Destinations
from adapter.storage.retries import Retried, Retries
from adapter.storage.search import Mark
from adapter.storage.tables import State

_log = structlog.get_logger()


def retry_order(
    retries: Retries, shop: Shop, order_id: str, now: datetime, by: str = "adapter retry"
) -> Iterator[str]:
    """Make one order due again, and yield what will happen; raise `OrderNotRetried`. `by` says in the log who did."""
    retried = retries.retry(shop.name, order_id, now)
    if retried is None:
        raise OrderNotRetried(why_not(shop.name, order_id, retries.find(shop.name, order_id)))
    _tell(retried, by)
    yield f"order {order_id} of {shop.name} is due again; {_manner(retried)}"
    yield from _obstacles(shop)


def retry_quarantined(retries: Retries, shops: Shops, shop: Shop | None, now: datetime) -> Iterator[str]:
    """Make every quarantined order due again, of one shop or of all, in small batches; yield how many."""
    names = [shop.name] if shop else retries.shops()
    numbers = {name: _retry_quarantined_of(retries, name, now) for name in names}
    for name, number in numbers.items():
        if number:
            yield f"{name}: {_orders(number)} due again"
            yield from _obstacles(shops.get(name))
    if not any(numbers.values()):
        yield "no quarantined order can be made due again"
    left = [retries.left_aside(name) for name in names]
    yield from _left_aside(sum(bodiless for bodiless, _ in left), sum(conflicting for _, conflicting in left))


def _retry_quarantined_of(retries: Retries, shop: str, now: datetime) -> int:
    number = 0
    last: Mark | None = None
    while batch := retries.retry_quarantined(shop, now, last):
        for retried in batch:
            _tell(retried, "adapter retry")
        number, last = number + len(batch), batch[-1].mark
    return number


def resume(destinations: Destinations, shops: Shops, shop: Shop, now: datetime) -> Iterator[str]:
    """End the pause of a shop's destination at once; yield what was done; raise `NothingToResume`."""
    target = shop.destination
    if target is None:
        raise NothingToResume(f"{shop.name} has no destination: set pixel_id and api_key under [axon] in {shop.label}")
    names = ", ".join(shops.destinations()[target.id][1])
    known = destinations.state(target.id, now)
    if known.condition is Condition.OPEN and known.rest_until is None:
        yield f"the destination of {names} (pixel id {target.pixel_id}) is open: there is nothing to resume"
        return
    destinations.resume(target.id, now)
    _log.info("destination resumed", destination=target.id, was=known.condition.value, by="adapter resume")
    yield f"the destination of {names} (pixel id {target.pixel_id}) was {known.condition} and is open again"
    yield "orders that wait are sent within seconds, if a worker runs; `adapter status` shows the next answer"


def give_up(retries: Retries, shop: str, order_id: str, now: datetime, by: str) -> str:
    """End an order that waits or was quarantined, for good; return what was done; raise `OrderNotGivenUp`."""
    if not retries.give_up(shop, order_id, now):
        row = retries.find(shop, order_id)
        state = "isn't there" if row is None else f"is {row['state']}: only what waits or is quarantined is given up"
        raise OrderNotGivenUp(f"order {order_id} of {shop} {state}; load its page again")
    _log.warning("order given up", shop=shop, order=order_id, by=by)
    return f"order {order_id} of {shop} is given up: it isn't sent, unless someone retries it"


def _tell(retried: Retried, by: str) -> None:
    _log.info("order retried", shop=retried.shop, order=retried.order_id, same_bytes=retried.frozen, by=by)


def _manner(retried: Retried) -> str:
    if retried.frozen:
        return "an earlier try may have been accepted, so the same bytes are sent"
    return "its event is made anew by the present mapping"


def _obstacles(shop: Shop | None) -> Iterator[str]:
    """Yield what keeps the orders of a shop from being sent."""
    if shop is None:
        yield "  no mapping file has that name: they wait until there is one"
    elif shop.destination is None:
        yield f"  {shop.name} has no destination: set pixel_id and api_key under [axon] in {shop.label}"


def _left_aside(bodiless: int, conflicting: int) -> Iterator[str]:
    if bodiless:
        yield f"{_orders(bodiless)} left, without a body: save in the shop's admin, then retry"
    if conflicting:
        yield f"{_orders(conflicting)} left, conflicting: look at both, then `adapter retry ORDER --shop NAME`"


def _orders(number: int) -> str:
    return "1 order is" if number == 1 else f"{number} orders are"


def why_not(shop: str, order_id: str, row: Mapping[str, Any] | None) -> str:
    """Say why an order can't be retried, and what to do."""
    name = f"order {order_id} of {shop}"
    if row is None:
        return f"there is no {name}; `adapter orders --shop {shop}` lists them"
    state, reason = row["state"], row["reason"] or ""
    if state == State.DELIVERED:
        return f"{name} was delivered on {row['settled_at']:%Y-%m-%d %H:%M:%S}: it is never sent again"
    if state in {State.PENDING, State.DELIVERING}:
        return f"{name} waits already, and is tried again by itself; `adapter status` says what it waits for"
    if state == State.SKIPPED and reason.startswith("consent denied"):
        return f"the buyer of {name} refused: its body is deleted, and nothing may be sent"
    if row["fixed"]:
        return (
            f"the event of {name} is purged, and may have been accepted: it can't be sent again; look for it in Axon"
        )
    return f"the body of {name} is purged; save the order in the shop's admin, which sends it anew, and retry then"

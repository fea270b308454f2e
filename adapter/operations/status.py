"""`adapter status`: how many orders are in each state, and how each destination is, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapter.operations.facts import Facts
from adapter.operations.health import causes
from adapter.operations.showing import wrapped
from adapter.shops.shop import Shops
from adapter.storage.alerts import Cause
from adapter.storage.destinations import Condition, Destinations
from adapter.storage.purchases import Purchases

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (timedelta(seconds=1), "s"))


def health_for_programs(facts: Facts) -> dict[str, Any]:
    """Return whether all is well, and every cause for which it isn't; as GET /status answers."""
    found = causes(facts)
    return {
        "healthy": not found,
        "at": facts.at.isoformat(),
        "causes": [_cause_for_programs(cause) for cause in found],
    }


def _cause_for_programs(cause: Cause) -> dict[str, str | None]:
    return {
        "cause": cause.name,
        "shop": cause.shop,
        "destination": cause.destination,
        "since": None if cause.since is None else cause.since.isoformat(),
        "what": cause.what,
        "remedy": cause.remedy,
    }


def health_lines(health: Mapping[str, Any]) -> Iterator[str]:
    """Yield for people what is wrong and what to do, in lines of at most 80 columns."""
    now = datetime.fromisoformat(health["at"])
    if health["healthy"]:
        yield "all is well"
    for cause in health["causes"]:
        since = f" since {_moment(cause['since'], now)}" if cause["since"] else ""
        yield from wrapped(f"{cause['cause']}{since}: {cause['what']}", "WRONG ", "  ")
        yield from _fact("what to do", cause["remedy"])


def status_for_programs(
    shops: Shops, purchases: Purchases, destinations: Destinations, now: datetime
) -> dict[str, Any]:
    """Return by shop the number of orders in each state, and by destination its condition and its rates.

    `oldest_due` is the order that has waited longest to be sent. Times are in ISO 8601, ages in seconds.
    """
    counts = purchases.counts()
    return {
        "at": now.isoformat(),
        "shops": {
            shop.name: {
                "on": shop.is_on,
                "off_because": shop.off,
                "has_destination": shop.destination is not None,
                "orders": counts.get(shop.name, {}),
            }
            for shop in shops
        },
        "destinations": [
            {
                "id": id_,
                "pixel_id": destination.pixel_id,
                "shops": names,
                **_condition(destinations, id_, now),
                **_traffic(purchases, names, now),
            }
            for id_, (destination, names) in shops.destinations().items()
        ],
    }


def _condition(destinations: Destinations, id_: str, now: datetime) -> dict[str, Any]:
    state = destinations.state(id_, now)
    return {
        "condition": state.condition.value,
        "since": state.since.isoformat() if state.answered_at or state.condition is not Condition.OPEN else None,
        "reason": state.reason,
        "rest_until": state.rest_until and state.rest_until.isoformat(),
        "last_success": state.accepted_at and state.accepted_at.isoformat(),
        "answered_at": state.answered_at and state.answered_at.isoformat(),
        "last_answer": json.loads(state.answer) if state.answer else None,
    }


def _traffic(purchases: Purchases, shops: Sequence[str], now: datetime) -> dict[str, Any]:
    oldest = purchases.oldest_waiting(shops)
    return {
        "oldest_due": oldest
        and {
            "shop": oldest["shop"],
            "order": oldest["order_id"],
            "received_at": oldest["received_at"].isoformat(),
            "age_seconds": int((now - oldest["received_at"]).total_seconds()),
        },
        "delivered": {
            "last_hour": purchases.delivered_since(shops, now - _HOUR),
            "last_day": purchases.delivered_since(shops, now - _DAY),
        },
    }


def status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the status for people, in lines of at most 80 columns."""
    now = datetime.fromisoformat(status["at"])
    for name, shop in status["shops"].items():
        yield from _shop_lines(name, shop)
    for destination in status["destinations"]:
        yield from _destination_lines(destination, now)


def _shop_lines(name: str, shop: Mapping[str, Any]) -> Iterator[str]:
    orders = ", ".join(f"{number} {state}" for state, number in sorted(shop["orders"].items()))
    is_on = "on" if shop["on"] else f"off: {shop['off_because']}"
    yield from wrapped(f"shop {name}: {is_on}; {orders or 'no orders yet'}", "", "  ")
    if shop["on"] and not shop["has_destination"]:
        yield from wrapped("its orders wait: it has no destination; `adapter check` says what is missing", "  ", "  ")


def _destination_lines(destination: Mapping[str, Any], now: datetime) -> Iterator[str]:
    since = f" since {_moment(destination['since'], now)}" if destination["since"] else ""
    words = f"destination {destination['pixel_id']} ({', '.join(destination['shops'])}): {destination['condition']}"
    yield from wrapped(words + since, "", "  ")
    if destination["reason"]:
        yield from _fact("reason", destination["reason"])
    if destination["condition"] != Condition.OPEN or destination["rest_until"]:
        yield from _fact(
            "next try", _moment(destination["rest_until"], now) if destination["rest_until"] else "at once"
        )
    oldest, delivered = destination["oldest_due"], destination["delivered"]
    if oldest:
        since = _moment(oldest["received_at"], now)
        yield from _fact("oldest due", f"order {oldest['order']} of {oldest['shop']}, received {since}")
    yield from _fact(
        "delivered", f"{delivered['last_hour']} in the last hour, {delivered['last_day']} in the last day"
    )
    yield from _fact(
        "last success", _moment(destination["last_success"], now) if destination["last_success"] else "never"
    )
    if destination["last_answer"]:
        yield from _fact("last answer", _answer(destination, now))


def _fact(name: str, words: str) -> Iterator[str]:
    return wrapped(words, f"  {name:<14}", " " * 16)


def _answer(destination: Mapping[str, Any], now: datetime) -> str:
    answer = destination["last_answer"]
    names = ("status", "problem", "error_code", "error_message", "body")
    words = ": ".join(str(answer[name]) for name in names if answer.get(name)) or "none"
    at = destination["answered_at"]
    return f"{words}; {_moment(at, now)}" if at else words


def _moment(text: str, now: datetime) -> str:
    """Return a moment, and how long ago it was or how soon it will be."""
    moment = datetime.fromisoformat(text)
    distance = _distance(abs(now - moment))
    near = f"{distance} ago" if moment <= now else f"in {distance}"
    return f"{moment:%Y-%m-%d %H:%M:%S} ({near})"


def _distance(span: timedelta) -> str:
    for unit, name in _UNITS:
        if span >= unit:
            return f"{span // unit} {name}"
    return "0 s"

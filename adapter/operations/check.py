"""`adapter check`: what is configured, shop by shop, once nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.operations.trial import fruitless_lines
from adapter.settings import Settings
from adapter.shops.shop import Shop, Shops


def describe(settings: Settings, shops: Shops) -> Iterator[str]:
    """Yield the lines that say what would run: the database, the notices, every shop, what its mapping never finds."""
    database = f"SQLite, {settings.sqlite_path}" if settings.sqlite_path else "PostgreSQL"
    yield f"database: {database}"
    yield f"Conversion API: {settings.axon_api_url}"
    yield from (f"note: {notice}" for notice in settings.notices)
    for shop in shops:
        yield from describe_shop(shop)
    yield from (f"note: {problem}" for problem in fruitless_lines(shops))
    if not shops.on():
        yield "no shop is on: `adapter serve` would refuse to start"


def describe_shop(shop: Shop) -> Iterator[str]:
    """Yield the lines about one shop: its file, whether it is on, what it counts, its consent policy, what is odd."""
    if shop.off is not None:
        yield f"{shop.label}: off: {shop.off}"
        return
    policy = shop.rules.policy
    yield f"{shop.label}: on: {shop.platform}, webhook URL /webhooks/{shop.name}"
    yield f"  counts orders once {policy.count}, amounts in {policy.side} money"
    yield f"  consent: {_consent(shop)}"
    yield from (f"  note: {notice}" for notice in shop.notices)


def _consent(shop: Shop) -> str:
    if not shop.rules.policy.consent_required:
        return "not required: every order is sent unless the buyer refused"
    granted_if = shop.rules.mapping.granted_if
    return f"required: sent only when {granted_if.text}" if granted_if else "required: sent only when recorded"

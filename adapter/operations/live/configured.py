"""Whether the variables and the mapping files, which are valid here, are enough."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.operations.live.finding import Finding, wrong
from adapter.platforms.registry import PLATFORMS
from adapter.settings import Settings
from adapter.shops.shop import Shop, Shops


def look(settings: Settings, shops: Shops) -> Iterator[Finding]:
    """Yield what is remarked on in the settings, and each shop's state."""
    yield Finding(f"settings and mapping files are valid; shops: {', '.join(shop.name for shop in shops)}")
    yield from (Finding(notice, notice) for notice in settings.notices)
    if not shops.on():
        yield from (wrong(f"shop {shop.name} is off: {shop.off}", _step_to_switch_on(shop)) for shop in shops)
        return
    for shop in shops:
        yield from _look_at(shop)


def _step_to_switch_on(shop: Shop) -> str:
    found_at = PLATFORMS[shop.platform].secret_is_found_at
    return f"switch at least one shop on; for {shop.name} ({shop.off}) the secret is found at {found_at}"


def _look_at(shop: Shop) -> Iterator[Finding]:
    if not shop.is_on:
        yield Finding(f"shop {shop.name} is off: {shop.off}")
    elif shop.destination is None:
        fact = f"shop {shop.name} is on; {'; '.join(shop.notices)}"
        yield wrong(fact, f"set the pixel id and the Conversion API key of {shop.name}; Axon gives you both")
    else:
        yield Finding(f"shop {shop.name} is on: {shop.platform}, pixel id {shop.destination.pixel_id}")
        yield from (Finding(notice, f"{shop.name}: {notice}") for notice in shop.notices)

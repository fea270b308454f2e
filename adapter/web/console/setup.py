"""The set-up: what to copy and paste where, what the mapping files are found to say, what was seen of each shop."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request

from adapter.operations.check import describe_shop
from adapter.operations.trial import fruitless_lines
from adapter.shops.shop import Shop
from adapter.web.console.house import House
from adapter.web.console.pages import page, problem
from adapter.web.storefront.snippets import PLACEHOLDER, Snippet, notes, snippets

_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+")
"""As `adapter snippets` takes it: it becomes a part of programs."""

_WEBHOOKS_ARE_MADE_AT: Mapping[str, tuple[str, ...]] = {
    "shopify": (
        "Settings › Notifications › Webhooks › Create webhook, format JSON, once for each of these events",
        "Order creation",
        "Order payment",
        "Order cancellation",
    ),
    "woocommerce": (
        "WooCommerce › Settings › Advanced › Webhooks › Add webhook, API version WP REST API Integration v3",
        "Order created",
        "Order updated",
    ),
}


def add_setup(routes: Blueprint, house: House) -> None:
    """Add the page, and the plugin as a file."""
    started_at, as_read = house.clock(), _files(house.settings.mappings_dir)

    @cache  # The mapping files are read at start; trying them on the sample orders takes a moment.
    def remarks(name: str) -> tuple[str, ...]:
        shop = house.shops.by_name[name]
        return tuple(map(str, fruitless_lines([shop])))

    @routes.get("/setup")
    def setup() -> Response:
        address = _address()
        return page(
            "setup.html",
            shops=list(house.shops),
            address=address,
            is_known=address != PLACEHOLDER,
            steps=_WEBHOOKS_ARE_MADE_AT,
            described={shop.name: [line.strip() for line in describe_shop(shop)][1:] for shop in house.shops},
            remarks={shop.name: remarks(shop.name) for shop in house.shops.on()},
            pasted={shop.name: _pasted(shop, address) for shop in house.shops.on()},
            notes={shop.name: tuple(notes(shop, address)) for shop in house.shops.on()},
            seen={shop.name: house.overlooking.seen(shop.name) for shop in house.shops},
            now=house.clock(),
            variables=house.settings.notices,
            started_at=started_at,
            changed=_changed(as_read, _files(house.settings.mappings_dir)),
        )

    @routes.get("/setup/<shop_name>/plugin")
    def plugin(shop_name: str) -> Response:
        shop = house.shops.get(shop_name)
        found = None if shop is None or not shop.is_on else snippets(shop, _address()).get("plugin")
        if found is None:
            return problem(404, "No such plugin", "Only a WooCommerce shop that is on has one.")
        response = Response(found.text, mimetype="application/octet-stream")
        response.headers["Content-Disposition"] = f'attachment; filename="{found.file}"'
        return response


def _files(folder: Path) -> dict[str, bytes]:
    """Return what the mapping files hold, in a few bytes each; none of what can't be read."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.toml")):
        with suppress(OSError):
            found[path.name] = hashlib.sha256(path.read_bytes()).digest()
    return found


def _changed(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> list[str]:
    """Return the names of files that are new, gone or changed."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _pasted(shop: Shop, address: str) -> Sequence[Snippet]:
    return list(snippets(shop, address).values())


def _address() -> str:
    """Return the address under which the operator reaches the adapter, when a shop can reach it there as well."""
    address = request.host_url.rstrip("/")
    return address if _PLAIN_ADDRESS.fullmatch(address) else PLACEHOLDER

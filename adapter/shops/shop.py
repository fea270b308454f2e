"""One merchant's shop, ready to use: secrets, destination, policy and compiled mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from adapter.purchase.decision import ShopRules

SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Destination:
    """Where events go: one pixel id with one key at one address. Its pause is its own."""

    api_url: str
    pixel_id: str
    api_key: str = field(repr=False)
    envelope: Literal["events", "list"] = "events"

    @property
    def id(self) -> str:
        """A name for logs and the database that changes with the credentials and doesn't show the key."""
        text = f"{self.api_url}\0{self.pixel_id}\0{self.api_key}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A mapping file that passed its check.

    `off` says in words why the shop takes no orders, None when it does. `destination` is None while the pixel id or
    the key is missing: orders are taken and wait.
    """

    name: str
    label: str
    platform: str
    rules: ShopRules
    secrets: tuple[str, ...] = field(repr=False)
    off: str | None
    destination: Destination | None
    origins: tuple[str, ...]
    cookie_domain: str | None
    notices: tuple[str, ...]

    @property
    def is_on(self) -> bool:
        """Whether webhooks for this shop are taken."""
        return self.off is None


@dataclass(frozen=True, slots=True)
class Shops:
    """Every shop of the mappings directory, by name."""

    by_name: Mapping[str, Shop]

    def __iter__(self) -> Iterator[Shop]:
        """Iterate over the shops in the order of their names."""
        return iter(self.by_name.values())

    def on(self) -> list[Shop]:
        """Return the shops that take orders."""
        return [shop for shop in self if shop.is_on]

    def get(self, name: str) -> Shop | None:
        """Return the shop of this name, on or off."""
        return self.by_name.get(name)

    def destinations(self) -> dict[str, tuple[Destination, list[str]]]:
        """Return by destination id the destination and the names of the shops that send to it."""
        found: dict[str, tuple[Destination, list[str]]] = {}
        for shop in self:
            if shop.destination is not None:
                found.setdefault(shop.destination.id, (shop.destination, []))[1].append(shop.name)
        return found

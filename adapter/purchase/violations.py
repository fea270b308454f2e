"""Every way in which a finished event breaks the contract: what the Conversion API would refuse stops here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from adapter.purchase.contract import IDENTIFIERS, SECTIONS, parts_of
from adapter.purchase.currency import DECIMALS


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an event breaks the contract: the path of the field and what is wrong with it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def violations(event: Mapping[str, Any]) -> list[Violation]:
    """Return every way in which this event breaks the documented contract; empty when the API will take it."""
    found = list(_wrong_fields(event))
    found += _event_rules(event)
    return found


_REQUIRED = {
    section: tuple(name for name, field in fields.items() if field.required) for section, fields in SECTIONS.items()
}
_RULES = {
    section: tuple((name, field.rule) for name, field in fields.items() if field.rule)
    for section, fields in SECTIONS.items()
}


def _wrong_fields(event: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is missing, then what breaks the rule of its field."""
    parts = [(section, path, part) for section in SECTIONS for path, part in parts_of(event, section)]
    for section, path, part in parts:
        for name in _REQUIRED[section]:
            if part.get(name) is None:
                yield Violation(f"{path}.{name}", "is required and missing")
    for section, path, part in parts:
        for name, rule in _RULES[section]:
            if (value := part.get(name)) is not None and not rule.holds(value):
                yield Violation(f"{path}.{name}", rule.words)


_MILLISECONDS = range(10**12, 10**13)
"""September 2001 to November 2286; the same moments in seconds lie outside. Seconds are the classic error."""


def _event_rules(event: Mapping[str, Any]) -> Iterator[Violation]:
    user, purchase = event["user_data"], event["data"]
    if not any(user.get(name) for name in IDENTIFIERS):
        yield Violation("event.user_data", f"needs at least one of {', '.join(IDENTIFIERS)}")
    if (address := user.get("client_ip_address")) and not _is_ip(address):
        yield Violation("event.user_data.client_ip_address", "must be an IPv4 or IPv6 address without spaces")
    if (currency := purchase.get("currency")) and currency not in DECIMALS:
        yield Violation("event.data.currency", "is no ISO 4217 currency code")
    if (time := event.get("event_time")) is not None and time not in _MILLISECONDS:
        yield Violation("event.event_time", "must be in milliseconds since 1970, not in seconds")
    if (url := event.get("event_source_url")) and not _is_complete_url(url):
        yield Violation("event.event_source_url", "must be a complete http or https address")
    yield from _amount_rules(purchase)


def _amount_rules(purchase: Mapping[str, Any]) -> Iterator[Violation]:
    if not purchase["items"]:
        yield Violation("event.data.items", "needs at least one item")
    for name in ("value", "tax", "shipping"):
        if (amount := purchase.get(name)) is not None and amount < 0:
            yield Violation(f"event.data.{name}", "must not be negative")
    for index, item in enumerate(purchase["items"]):
        if (quantity := item.get("quantity")) is not None and quantity <= 0:
            yield Violation(f"event.data.items[{index}].quantity", "must be more than 0")
        if (price := item.get("price")) is not None and price < 0:
            yield Violation(f"event.data.items[{index}].price", "must not be negative")


@lru_cache(maxsize=1024)
def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.replace("%", " "))  # A zone (fe80::1%eth0) is no part of an address.
    except ValueError:
        return False
    return True


_BLANK = re.compile(r"[\s\x00-\x1f]")


def _is_complete_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not _BLANK.search(text)

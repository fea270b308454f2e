"""Lenient reading of the fields that aren't money: odd types, null and "" all mean that there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

LONGEST_ID = 64
"""How many characters an id may have; Shopify's have 13 or 14 digits, its canned samples 18."""

_TOO_LARGE = 10**LONGEST_ID


def text(value: object) -> str | None:
    """Return the text without surrounding blanks, or None when there is none.

    >>> text("  web "), text(""), text(None), text(["web"])
    ('web', None, None, None)
    """
    return (value.strip() or None) if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """Return the JSON object, or an empty one when it's anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def identifier(value: object) -> str | None:
    """Return an id as text (a whole number or a text of up to 64 characters), or None.

    >>> identifier(9007199254740993), identifier("SKU-1"), identifier(True), identifier(None)
    ('9007199254740993', 'SKU-1', None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE:
        return str(value)
    found = text(value)
    return found if found and len(found) <= LONGEST_ID else None


def order_id(value: object) -> str | None:
    """Return the id of an order, which has only digits, or None when this is no such id."""
    found = identifier(value)
    return found if found and found.isascii() and found.isdigit() else None


def token(value: object) -> str | None:
    """Return an opaque token: printable ASCII of up to 255 characters, or None."""
    found = text(value)
    return found if found and len(found) <= 255 and found.isascii() and found.isprintable() else None  # noqa: PLR2004  # Said in the docstring.


def moment(value: object) -> datetime | None:
    """Return the time in UTC, or None for anything that isn't an ISO 8601 time with its offset.

    Shopify writes the shop's own offset; a time without one could be any of 26 hours.
    Source: shopify.dev/docs/api/admin-rest/latest/resources/order.
    """
    return _moment_in(value) if isinstance(value, str) else None


@lru_cache(maxsize=64)
def _moment_in(text: str) -> datetime | None:
    # Several rules ask for the same two times of an order.
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None

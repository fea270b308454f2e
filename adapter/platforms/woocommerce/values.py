"""WooCommerce's loosely typed JSON values, read one at a time and never guessed.

PHP decides the types: numbers may be text, empty objects are `[]`, absent text is `""` or null. Readers that end
in `_of` return None (or nothing) for what they can't read; the others raise `OrderUnreadable` with the path.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from adapter.errors import OrderUnreadable

LONGEST_TEXT = 1000
"""How many characters of a name are read. `html.unescape` can raise on entities of thousands of digits."""

# At most 24 digits, so that sums of many lines stay exact in Decimal's 28. PHP writes more than 15 for no float.
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_LONGEST_AMOUNT = 26
_MOST_DIGITS = 20
_TOO_LARGE = 10**_MOST_DIGITS
_IDENTIFIER = re.compile(r"[0-9]{1,20}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}Z?")


def amount_of(value: object) -> Decimal | None:
    """Return the exact amount that a decimal text or a number gives, or None when it is neither."""
    text = value.strip() if isinstance(value, str) else _plain(value)
    if len(text) > _LONGEST_AMOUNT or not _AMOUNT.fullmatch(text):
        return None
    found = Decimal(text)
    return found or abs(found)  # Refunds really carry "-0.00".


def amount_else(value: object, otherwise: Decimal) -> Decimal:
    """Return the amount, or another one where it can't be read; only for what no price depends on."""
    found = amount_of(value)
    return otherwise if found is None else found


def amount(owner: Mapping[str, Any], key: str, path: str = "") -> Decimal:
    """Return the amount at this key; raise `OrderUnreadable` when it is missing, blank or no amount."""
    if _is_blank(owner.get(key)):
        raise OrderUnreadable(f"{path}{key} is missing or blank: the order can't be priced without it")
    return amount_or_zero(owner, key, path)


def amount_or_zero(owner: Mapping[str, Any], key: str, path: str = "") -> Decimal:
    """Return the amount at this key, 0 when it is missing or blank; raise `OrderUnreadable` when it is no amount."""
    value = owner.get(key)
    if _is_blank(value):
        return Decimal(0)
    found = amount_of(value)
    if found is None:
        raise OrderUnreadable(f"{path}{key} isn't a decimal amount: the order can't be priced without it")
    return found


def identifier_of(value: object) -> str | None:
    """Return a WordPress id as text, or None for 0 (which means "none"), null and everything else."""
    if type(value) is int:  # Nearly all of them; True is no id.
        return str(value) if 0 < value < _TOO_LARGE else None
    text = _plain(value)
    if not _IDENTIFIER.fullmatch(text):
        return None
    return text.lstrip("0") or None


def text_of(value: object) -> str | None:
    """Return the trimmed text (or whole number, as text), or None when nothing is in it."""
    if isinstance(value, str):
        return value.strip() or None
    return _plain(value) or None


def name_of(value: object) -> str:
    """Return a name for people: WooCommerce escapes it for HTML, so entities are decoded, once."""
    text = value[:LONGEST_TEXT] if isinstance(value, str) else _plain(value)
    return html.unescape(text).strip()


def moment_of(value: object) -> datetime | None:
    """Return the moment of a `*_gmt` field (UTC, mostly without Z), or None when it is blank or odd."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:  # MySQL's zero date, the 30th of February, …
        return None


def object_of(value: object) -> Mapping[str, Any]:
    """Return the object; PHP writes an empty one as `[]`, so anything else counts as empty."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def list_of(value: object) -> list[object] | None:
    """Return the list, or None; PHP writes a list from which a plugin took something as `{"0": …, "2": …}`."""
    if isinstance(value, list):
        return cast("list[object]", value)
    numbered = object_of(value)
    return list(numbered.values()) if numbered and all(map(str.isdigit, numbered)) else None


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """Return the objects in a list that say something; none when it is no list."""
    return [entry for entry in list_of(value) or () if isinstance(entry, dict) and entry]


def _plain(value: object) -> str:
    """Return a number as digits, text trimmed; "" for what is neither or far too large to be meant."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE:
        return str(value)
    if isinstance(value, Decimal) and abs(value.adjusted()) < _MOST_DIGITS:
        return format(value, "f")
    return ""


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())

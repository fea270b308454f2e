"""What is kept of an event for good: which identifiers it carried, its value and currency. Nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

IDENTIFIERS: Mapping[str, str] = {
    "aleid": "aleid",
    "axwrt": "axwrt",
    "alart": "alart",
    "client_id": "client_id",
    "email": "email",
    "phone": "phone",
    "client_ip_address": "ip",
    "client_user_agent": "user_agent",
}
"""The fields of `user_data` by which Axon may tell who bought, and how they are named here."""

CARRIED = tuple(IDENTIFIERS.values())

_LONGEST_VALUE = 40
_CURRENCY_LETTERS = 3


class Facts(Struct, frozen=True):
    """The facts of one event: the identifiers with a blank between each, the value in plain digits, the currency."""

    carries: str
    value: str
    currency: str


def facts_of(event: Mapping[str, Any]) -> Facts:
    """Return the facts of an event; what is no amount or no currency code is left empty."""
    user, purchase = event["user_data"], event["data"]
    carries = " ".join(name for field, name in IDENTIFIERS.items() if user.get(field))
    value, currency = purchase.get("value"), str(purchase.get("currency") or "")
    return Facts(carries, _digits(value), currency if len(currency) == _CURRENCY_LETTERS else "")


def _digits(value: object) -> str:
    if not isinstance(value, int | Decimal):
        return ""
    digits = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return digits if len(digits) <= _LONGEST_VALUE else ""

"""What is kept of an event for good."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapter.purchase.facts import CARRIED, Facts, facts_of

USER = {
    "aleid": "a",
    "axwrt": "b",
    "alart": "c",
    "client_id": "d",
    "email": "e",
    "phone": "f",
    "client_ip_address": "203.0.113.1",
    "client_user_agent": "Mozilla",
    "user_id": "customer",
    "zip": "97205",
}


def event(user: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """Return as much of an event as its facts need."""
    return {"user_data": USER if user is None else user, "data": {"value": Decimal("10.50"), "currency": "EUR"} | data}


def test_everything_is_carried() -> None:
    """Each identifier is named once, and nothing else of the buyer; no value is kept."""
    assert Facts("aleid axwrt alart client_id email phone ip user_agent", "10.50", "EUR") == facts_of(event())
    assert set(CARRIED) == set(facts_of(event()).carries.split())


def test_what_is_empty_is_not_carried() -> None:
    """A field without a value is no identifier."""
    assert "axwrt" == facts_of(event({"aleid": "", "axwrt": "x", "email": None})).carries
    assert "" == facts_of(event({})).carries


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
        (None, ""),
        ("12.00", ""),
        (Decimal(10) ** 60, ""),
    ],
)
def test_the_value(value: object, expected: str) -> None:
    """It stands in plain digits; what is no amount, or absurdly long, is left out."""
    assert expected == facts_of(event(value=value)).value


@pytest.mark.parametrize(("currency", "expected"), [("JPY", "JPY"), ("x" * 9000, ""), (None, ""), ("<b>", "<b>")])
def test_the_currency(currency: object, expected: str) -> None:
    """Three letters are one; anything else is left out."""
    assert expected == facts_of(event(currency=currency)).currency

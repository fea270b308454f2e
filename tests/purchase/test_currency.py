"""ISO 4217: which codes there are and how many decimals they have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapter.purchase.currency import DECIMALS, round_to_currency


@pytest.mark.parametrize(
    ("code", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("CLF", 4)]
)
def test_decimals(code: str, decimals: int) -> None:
    """Each currency has the decimals of ISO 4217."""
    assert decimals == DECIMALS[code]


def test_no_currency_is_made_up() -> None:
    """Codes that aren't ISO 4217 currencies aren't known."""
    assert not {"EURO", "XXX", "eur", "", "BTC"} & DECIMALS.keys()


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("19.805", "EUR", "19.81"),
        ("19.804", "EUR", "19.80"),
        ("-19.805", "EUR", "-19.81"),
        ("1800.5", "JPY", "1801"),
        ("1.0005", "KWD", "1.001"),
        ("1.005", "???", "1.01"),
    ],
)
def test_amounts_are_rounded_half_up(amount: str, currency: str, rounded: str) -> None:
    """Half a minor unit goes away from zero; an unknown currency has two decimals."""
    assert Decimal(rounded) == round_to_currency(Decimal(amount), currency)
    assert rounded == str(round_to_currency(Decimal(amount), currency))

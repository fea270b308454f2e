"""What may stand on a page without being asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapter.operations.veil import is_plain, veiled_answer, veiled_reason
from adapter.purchase.contract import USER_DATA


@pytest.mark.parametrize("name", sorted(set(USER_DATA) - {"esi", "os", "country_code"}))
def test_the_buyer_is_personal(name: str) -> None:
    """No field about the buyer is shown, whatever fills it, but the kind of device and the country."""
    assert not is_plain(f"event.user_data.{name}", "x", [])
    assert not is_plain(f"event.user_data.{name}", Decimal(5), ["purchase.id"])


@pytest.mark.parametrize(
    ("target", "value", "paths", "expected"),
    [
        ("event.data.value", Decimal("1.00"), ["order.total_price"], True),
        ("event.data.transaction_id", "1001", ["order.id"], True),
        ("event.data.transaction_id", "ada@example.com", ["order.email"], False),
        ("event.data.items[3].item_name", "Fern pot", ["item.title"], True),
        ("event.data.items[0].item_brand", "For Ada", ["line.properties"], False),
        ("event.data.items[0].item_brand", "Ada", ["order.customer.first_name"], False),
        ("event.dedupe_id", "x", ["purchase.email_plain"], False),
        ("event.dedupe_id", "1", ["purchase.id", "shop.name"], True),
        ("event.event_source_url", "https://shop.example/", ["purchase.source_url"], False),
        ("event.data.user_id", "customer", ["purchase.user_id"], False),
        ("event.a_new_field", "x", [], False),
    ],
)
def test_fields(target: str, value: object, paths: list[str], expected: bool) -> None:
    """A field is shown by its name; text only when what its expression reads is harmless as well."""
    assert expected is is_plain(target, value, paths)


def test_an_answer() -> None:
    """The event's own values are taken out in any case, and what looks personal besides."""
    text = 'invalid "ADA Rowan": ada@example.com, 203.0.113.1, +1 (503) 555-0142, ' + "ab" * 32 + ", item 0"
    assert 'invalid "▪▪▪": ▪▪▪, ▪▪▪, ▪▪▪, ▪▪▪, item 0' == veiled_answer(text, ["ada rowan", "x", ""])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, None),
        ("refused by Axon: answer 400: invalid ada@example.com", "refused by Axon: answer 400"),
        ("refused by Axon", "refused by Axon:"),
        (
            "conflicting order: 5001234567 is stored",
            "conflicting order: 5001234567 is stored",
        ),
        ("unreadable: ada@example.com", "unreadable: ▪▪▪"),
    ],
)
def test_a_reason(reason: str | None, expected: str | None) -> None:
    """Of Axon's words only the status stays; our own are shown."""
    assert expected == veiled_reason(reason)

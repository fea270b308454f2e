"""What valid events are remarked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapter.axon.sandbox.remarks import event_remarks

Make = Callable[..., dict[str, Any]]
Read = Callable[[object], object]

HASH = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"


def item(price: object, quantity: object) -> dict[str, object]:
    """Return an item of a purchase."""
    return {"item_id": "1", "price": price, "quantity": quantity}


@pytest.mark.parametrize(
    ("currency", "value", "items"),
    [
        ("USD", 30, [item(15, 2)]),
        ("USD", 0.3, [item(0.1, 3)]),
        ("USD", 10, [item(3.333333, 3)]),
        ("USD", 10.005, [item(10, 1)]),
        ("EUR", 25.5, [item(10, 2), item(11, 0.5)]),
        ("JPY", 1000, [item(333.5, 3)]),
        ("KWD", 1.2345, [item(1.234, 1)]),
    ],
)
def test_a_value_that_its_items_make(
    purchase: Make, as_read: Read, currency: str, value: float, items: list[object]
) -> None:
    """A value within half a minor unit of the items' sum is not remarked."""
    event = purchase({"data.currency": currency, "data.value": value, "data.items": items})
    assert list(event_remarks(as_read(event))) == []


@pytest.mark.parametrize(
    ("currency", "value", "items", "total"),
    [
        ("USD", 41.99, [item(15, 2)], "30"),
        ("USD", 10.0051, [item(10, 1)], "10"),
        ("USD", 20, [item(15, 2)], "30"),
        ("JPY", 1000, [item(333, 3), item(0.4, 1)], "999.4"),
        ("KWD", 1.2346, [item(1.234, 1)], "1.234"),
        ("CLF", 1.0001, [item(1, 1)], "1"),
    ],
)
def test_a_value_that_its_items_do_not_make(
    purchase: Make, as_read: Read, currency: str, value: float, items: list[object], total: str
) -> None:
    """A value that is off by more than half a minor unit is remarked with both figures."""
    event = purchase({"data.currency": currency, "data.value": value, "data.items": items})
    expected = f"data.value is {value}, and the sum of price x quantity is {total}"
    assert [expected] == list(event_remarks(as_read(event)))


ZIP = "user_data.zip isn't the first five digits of a U.S. zip code"
EMAIL = "user_data.email is neither an address nor a SHA-256 hash in lower-case hex"
PHONE = "user_data.phone is neither a phone number nor a SHA-256 hash in lower-case hex"
CLICK = "event_source_url carries aleid, and user_data.aleid is missing"
UNPRICED = "an item has no price: data.value can't be compared with the items"


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"dedupe_id": ...}, "dedupe_id is missing: the pixel's event for the same purchase will count a second time"),
        ({"event_source_url": "https://shop.example/?aleid=a"}, CLICK),
        ({"user_data.email": "someone"}, EMAIL),
        ({"user_data.email": HASH.upper()}, EMAIL),
        ({"user_data.phone": "call me"}, PHONE),
        ({"user_data.country_code": "US", "user_data.zip": "12345-6789"}, ZIP),
        ({"data.items.0.price": ...}, UNPRICED),
        ({"data.tax": -1}, "data.tax is negative"),
    ],
)
def test_oddities(purchase: Make, as_read: Read, changes: dict[str, object], remark: str) -> None:
    """What the page warns of without naming a refusal is one remark."""
    assert [remark] == list(event_remarks(as_read(purchase(changes))))


@pytest.mark.parametrize(
    "changes",
    [
        {"event_source_url": "https://shop.example/?aleid=a", "user_data.aleid": "a"},
        {"user_data.email": "someone@example.com", "user_data.phone": "+1 (123) 456-7890"},
        {"user_data.email": HASH, "user_data.phone": HASH},
        {"user_data.country_code": "US", "user_data.zip": "12345"},
        {"user_data.country_code": "GB", "user_data.zip": "SW1A 1AA"},
        {"name": "login", "data": {}},
        {"name": "page_view", "data": None},
    ],
)
def test_ordinary_events(purchase: Make, as_read: Read, changes: dict[str, object]) -> None:
    """An ordinary event isn't remarked."""
    assert list(event_remarks(as_read(purchase(changes)))) == []

"""The documented rules: each field, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapter.axon.sandbox.kinds import Violation
from adapter.axon.sandbox.rules import event_violations

Make = Callable[..., dict[str, Any]]
Read = Callable[[object], object]

MEASUREMENT = {
    "is_claimable": True,
    "attribution_model": "LAST_CLICK",
    "attribution_lookback_window_hours": 24,
    "attribution_share": 0.5,
    "accounting_mode": "ACCRUAL",
    "last_purchase_ts": None,
}

# The example of the Conversion API page, in its own structure, with the os of its table.
PAGE_EXAMPLE = {
    "event_time": 1741784485001,
    "event_source_url": "https://shop.example",
    "name": "purchase",
    "user_data": {
        "client_ip_address": "203.0.113.8",
        "client_user_agent": "chrome/123.456 android mobile",
        "aleid": "click",
        "axwrt": "cookie",
        "email": "user@example.com",
        "phone": "+11234567890",
        "user_id": "customer_12345",
        "client_id": "first-party",
        "sid": "sid",
        "ifa": "idfa",
        "idfv": "idfv",
        "os": "desktop_os",
        "esi": "web",
        "zip": "12345",
        "country_code": "US",
    },
    "measurement_partner_data": MEASUREMENT
    | {
        "campaign_id": "456",
        "creative_set_id": "789",
        "is_new_customer": False,
        "is_new_visitor": True,
        "last_visit_ts": 1,
    },
    "data": {
        "user_id": "customer_12345",
        "currency": "USD",
        "value": 30,
        "transaction_id": "txn_1",
        "shipping": 5.99,
        "tax": 6,
        "items": [
            {
                "item_variant_id": "SKU-123-M",
                "item_id": "PROD-456",
                "item_name": "T-Shirt",
                "affiliation": "shop",
                "item_brand": "Acme",
                "item_category": "clothes",
                "item_category_id": 604,
                "item_category2": "shirts",
                "image_url": "https://shop.example/a.png",
                "price": 15,
                "discount": 10,
                "quantity": 2,
            }
        ],
    },
}


def test_the_pages_example_is_valid(as_read: Read) -> None:
    """An event with every field of the page's example breaks no rule."""
    assert list(event_violations(as_read(PAGE_EXAMPLE))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("dedupe_id", ...),
        ("event_time", 1e12),
        ("event_time", 1741784485001.5),
        ("event_source_url", "http://shop.example:8080/a?b=%20#c"),
        ("event_source_url", "https://[2001:db8::1]/"),
        ("user_data.client_ip_address", "2001:db8::9"),
        ("user_data.client_id", ""),
        ("user_data.esi", "app"),
        ("user_data.country_code", "de"),
        ("user_data.os", "ios"),
        ("user_data.zip", ""),
        ("data.value", 0),
        ("data.tax", -1),
        ("data.items.0.quantity", 0.5),
        ("data.items.0.price", ...),
        ("data.items.0.item_category_id", 604.0),
        ("data.valeu", 30),
        ("unknown", {"a": 1}),
    ],
)
def test_values_that_the_page_allows(purchase: Make, as_read: Read, path: str, value: object) -> None:
    """A value inside the documented limits breaks no rule, and a field that the page doesn't name is let through."""
    event = purchase({"user_data.axwrt": "cookie", path: value})
    assert list(event_violations(as_read(event))) == []


NUMBER, TEXT, FILLED = "must be a number", "must be a string", "must be a non-empty string"
MISSING = "is required and missing"
MILLISECONDS = "must be a Unix time in milliseconds, not in seconds or microseconds"
URL = "must be a complete http or https URL"
IP = "must be an IPv4 or IPv6 address without spaces"
SIX = "must be a string of at least 6 characters"
CURRENCY = "must be three capital letters (ISO 4217)"
COUNTRY = "must be two letters (ISO 3166)"
ABOVE_0 = "must be a number above 0"
ITEMS = "must be a list with at least one item"
OBJECT = "must be an object"


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("event_time", ..., MISSING),
        ("event_time", 1741784485, MILLISECONDS),
        ("event_time", 1741784485001000, MILLISECONDS),
        ("event_time", 10**13, MILLISECONDS),
        ("event_time", 10**12 - 1, MILLISECONDS),
        ("event_time", "1741784485001", NUMBER),
        ("event_time", True, NUMBER),
        ("event_source_url", ..., MISSING),
        ("event_source_url", None, URL),
        ("event_source_url", "shop.example/thanks", URL),
        ("event_source_url", "/thanks", URL),
        ("event_source_url", "ftp://shop.example/", URL),
        ("event_source_url", "https://", URL),
        ("event_source_url", "https://:443/", URL),
        ("event_source_url", "https://shop.example/a b", URL),
        ("event_source_url", "https://[shop.example/", URL),
        ("user_data", ..., MISSING),
        ("user_data", [], OBJECT),
        ("user_data.client_ip_address", ..., MISSING),
        ("user_data.client_ip_address", "203.0.113.9 ", IP),
        ("user_data.client_ip_address", "203.0.113.256", IP),
        ("user_data.client_ip_address", "203.0.113.9, 203.0.113.10", IP),
        ("user_data.client_ip_address", "fe80::1%eth0", IP),
        ("user_data.client_ip_address", 3405803785, IP),
        ("user_data.client_user_agent", ..., MISSING),
        ("user_data.client_user_agent", " ", FILLED),
        ("user_data.esi", ..., MISSING),
        ("user_data.esi", "WEB", "must be one of web, app"),
        ("user_data.email", None, TEXT),
        ("user_data.phone", 11234567890, TEXT),
        ("user_data.client_id", 1, TEXT),
        ("user_data.aleid", None, TEXT),
        ("user_data.user_id", "12345", SIX),
        ("user_data.user_id", 1234567, SIX),
        ("user_data.country_code", "DEU", COUNTRY),
        ("user_data.country_code", "D1", COUNTRY),
        ("user_data.os", "macos", "must be one of ios, android, desktop_os"),
        ("user_data.zip", 12345, TEXT),
        ("measurement_partner_data", None, OBJECT),
        ("dedupe_id", 1001, FILLED),
        ("dedupe_id", "", FILLED),
        ("data", ..., MISSING),
        ("data", None, OBJECT),
        ("data.currency", ..., MISSING),
        ("data.currency", "usd", CURRENCY),
        ("data.currency", "US", CURRENCY),
        ("data.currency", "USD\n", CURRENCY),
        ("data.value", ..., MISSING),
        ("data.value", "30", NUMBER),
        ("data.value", None, NUMBER),
        ("data.tax", ..., MISSING),
        ("data.tax", False, NUMBER),
        ("data.shipping", ..., MISSING),
        ("data.shipping", "0", NUMBER),
        ("data.transaction_id", ..., MISSING),
        ("data.transaction_id", 1001, FILLED),
        ("data.user_id", "42", SIX),
        ("data.items", ..., MISSING),
        ("data.items", [], ITEMS),
        ("data.items", {"item_id": "1"}, ITEMS),
        ("data.items.0.item_id", ..., MISSING),
        ("data.items.0.item_id", 456, FILLED),
        ("data.items.0.quantity", ..., MISSING),
        ("data.items.0.quantity", 0, ABOVE_0),
        ("data.items.0.quantity", -1, ABOVE_0),
        ("data.items.0.quantity", "2", ABOVE_0),
        ("data.items.0.price", "15", NUMBER),
        ("data.items.0.discount", None, NUMBER),
        ("data.items.0.item_variant_id", 9, TEXT),
        ("data.items.0.item_name", None, TEXT),
        ("data.items.0.image_url", None, TEXT),
        ("data.items.0.item_category_id", 604.5, "must be an integer"),
        ("data.items.0.item_category_id", "604", "must be an integer"),
        ("data.items.0", "PROD-456", OBJECT),
    ],
)
def test_values_that_the_page_forbids(purchase: Make, as_read: Read, path: str, value: object, wrong: str) -> None:
    """One wrong value is one violation, at its path, in words that don't repeat it."""
    event = purchase({"user_data.axwrt": "cookie", path: value})
    shown = path.replace("items.0", "items[0]")
    assert [Violation(shown, wrong)] == list(event_violations(as_read(event)))


@pytest.mark.parametrize("name", ["client_id", "axwrt", "alart", "user_id", "email", "phone"])
def test_one_identifier_is_enough(purchase: Make, as_read: Read, name: str) -> None:
    """Any single one of the six identifiers makes the user data complete."""
    event = purchase({"user_data.client_id": ..., f"user_data.{name}": "abcdef"})
    assert list(event_violations(as_read(event))) == []


@pytest.mark.parametrize("changes", [{}, {"user_data.aleid": "click"}, {"user_data.axwrt": ""}])
def test_without_an_identifier_the_event_is_invalid(purchase: Make, as_read: Read, changes: dict[str, object]) -> None:
    """Without an identifier the event is invalid; aleid isn't one, and an empty one counts for nothing."""
    event = purchase({"user_data.client_id": ...} | changes)
    wrong = "must have at least one of client_id, axwrt, alart, user_id, email, phone"
    assert [Violation("user_data", wrong)] == list(event_violations(as_read(event)))


@pytest.mark.parametrize("event", [None, [], "purchase", 1])
def test_an_event_is_an_object(event: object) -> None:
    """Anything but an object is one violation of the event as a whole."""
    assert [Violation("", "must be an object")] == list(event_violations(event))


@pytest.mark.parametrize("name", ["Purchase", "refund", "", None, 1])
def test_only_documented_names(purchase: Make, as_read: Read, name: object) -> None:
    """A name that Events and objects doesn't list makes the event invalid."""
    paths = [violation.path for violation in event_violations(as_read(purchase({"name": name})))]
    assert paths == ["name"]


@pytest.mark.parametrize(
    ("name", "content", "paths"),
    [
        ("page_view", None, []),
        ("page_view", {}, []),
        ("app_open", ..., []),
        ("login", {}, []),
        ("add_to_cart", {"value": "not looked at"}, []),
        ("login", None, ["data"]),
        ("view_item", ..., ["data"]),
        ("page_view", [], ["data"]),
    ],
)
def test_the_data_of_other_events(purchase: Make, as_read: Read, name: str, content: object, paths: list[str]) -> None:
    """Every event but page_view and app_open needs a data object; only that of a purchase is looked into."""
    event = purchase({"name": name, "data": content})
    assert paths == [violation.path for violation in event_violations(as_read(event))]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        *(({name: ...}, name) for name in MEASUREMENT if name != "last_purchase_ts"),
        ({"accounting_mode": "cash"}, "accounting_mode"),
        ({"attribution_model": "BEST_CLICK"}, "attribution_model"),
        ({"attribution_share": 1.01}, "attribution_share"),
        ({"attribution_share": -0.1}, "attribution_share"),
        ({"is_claimable": "true"}, "is_claimable"),
        ({"is_new_customer": None}, "is_new_customer"),
        ({"campaign_id": 456}, "campaign_id"),
        ({"first_visit_ts": "1"}, "first_visit_ts"),
        ({"attribution_lookback_window_hours": "24"}, "attribution_lookback_window_hours"),
    ],
)
def test_measurement_data_comes_whole_or_not_at_all(
    purchase: Make, as_read: Read, changes: dict[str, object], path: str
) -> None:
    """Of the attribution partner's verdict all five required fields must be there, in the documented words."""
    given = {name: value for name, value in (MEASUREMENT | changes).items() if value is not ...}
    event = purchase({"measurement_partner_data": given})
    paths = [violation.path for violation in event_violations(as_read(event))]
    assert [f"measurement_partner_data.{path}"] == paths


def test_an_infinite_lookback_is_empty(purchase: Make, as_read: Read) -> None:
    """The page leaves the lookback window empty for infinite, so null is valid."""
    given = MEASUREMENT | {"attribution_lookback_window_hours": None}
    assert list(event_violations(as_read(purchase({"measurement_partner_data": given})))) == []

"""What the Conversion API accepts, by its page, and every way of breaking it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from adapter.purchase.contract import Field, Kind, suggestion, to_wire, violations

GOOD: dict[str, Any] = {
    "name": "purchase",
    "dedupe_id": "5001",
    "event_time": 1777636800123,
    "event_source_url": "https://shop.example/",
    "user_data": {
        "esi": "web",
        "client_ip_address": "203.0.113.9",
        "client_user_agent": "Mozilla/5.0",
        "email": "x",
    },
    "data": {
        "currency": "EUR",
        "value": Decimal("18.00"),
        "tax": Decimal("3.42"),
        "shipping": Decimal(0),
        "transaction_id": "5001",
        "items": [{"item_id": "77", "price": Decimal("9.00"), "quantity": Decimal(2)}],
    },
}
PARTNER = {
    "accounting_mode": "CASH",
    "attribution_lookback_window_hours": 24,
    "attribution_model": "LAST_CLICK",
    "attribution_share": Decimal("0.5"),
    "is_claimable": True,
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the good event with one change; None takes the field away."""
    event = copy.deepcopy(GOOD)
    *steps, last = path.split(".")
    place: Any = event
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return event


def test_the_good_event_passes() -> None:
    """An event with every required field has no violation; neither has one with partner data."""
    assert [] == violations(GOOD)
    assert [] == violations({**GOOD, "measurement_partner_data": PARTNER})


@pytest.mark.parametrize(
    "path",
    [
        "dedupe_id",
        "event_time",
        "event_source_url",
        "user_data.esi",
        "user_data.client_ip_address",
        "user_data.client_user_agent",
        "data.currency",
        "data.value",
        "data.tax",
        "data.shipping",
        "data.transaction_id",
        "data.items.0.item_id",
        "data.items.0.price",
        "data.items.0.quantity",
    ],
)
def test_each_required_field(path: str) -> None:
    """Without a required field the event is stopped, and the message names it."""
    (violation,) = violations(changed(path, None))
    assert f"event.{path}".replace(".0.", "[0].") == violation.path.replace(".items.0", ".items[0]")
    assert "is required and missing" == violation.message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("event_time", 1777636800, "event.event_time: must be in milliseconds since 1970, not in seconds"),
        ("event_source_url", "shop.example", "event.event_source_url: must be a complete http or https address"),
        ("event_source_url", "https://a b", "event.event_source_url: must be a complete http or https address"),
        ("event_source_url", "http://[", "event.event_source_url: must be a complete http or https address"),
        ("user_data.esi", "shop", "event.user_data.esi: must be one of web, app"),
        ("user_data.os", "macos", "event.user_data.os: must be one of ios, android, desktop_os"),
        ("user_data.user_id", "12345", "event.user_data.user_id: must have at least 6 characters"),
        (
            "user_data.country_code",
            "de",
            "event.user_data.country_code: must be an ISO 3166 code of two capital letters",
        ),
        (
            "user_data.client_ip_address",
            "203.0.113",
            "event.user_data.client_ip_address: must be an IPv4 or IPv6 address without spaces",
        ),
        ("data.currency", "EURO", "event.data.currency: is no ISO 4217 currency code"),
        ("data.items", [], "event.data.items: needs at least one item"),
        ("data.value", Decimal(-1), "event.data.value: must not be negative"),
        ("data.tax", Decimal(-1), "event.data.tax: must not be negative"),
        ("data.shipping", Decimal(-1), "event.data.shipping: must not be negative"),
        ("data.items.0.quantity", 0, "event.data.items[0].quantity: must be more than 0"),
        ("data.items.0.price", Decimal(-1), "event.data.items[0].price: must not be negative"),
        (
            "measurement_partner_data",
            {**PARTNER, "attribution_share": 2},
            "event.measurement_partner_data.attribution_share: must be a number between 0 and 1",
        ),
        (
            "measurement_partner_data",
            {**PARTNER, "accounting_mode": "cash"},
            "event.measurement_partner_data.accounting_mode: must be one of CASH, ACCRUAL",
        ),
    ],
)
def test_each_rule(path: str, value: object, message: str) -> None:
    """What the API would refuse is stopped with a readable reason; no value is shown."""
    assert [message] == [str(violation) for violation in violations(changed(path, value))]


def test_one_identifier_is_needed() -> None:
    """Without any of the six identifiers the event is stopped, even with an aleid."""
    event = changed("user_data.email", None)
    event["user_data"]["aleid"] = "click"
    expected = "event.user_data: needs at least one of client_id, axwrt, alart, user_id, email, phone"
    assert [expected] == [str(violation) for violation in violations(event)]


@pytest.mark.parametrize(
    ("kind", "value", "wire"),
    [
        (Kind.TEXT, 5001, "5001"),
        (Kind.TEXT, Decimal("1E+2"), "100"),
        (Kind.TEXT, "x", "x"),
        (Kind.TEXT, "", None),
        (Kind.TEXT, None, None),
        (Kind.NUMBER, "19.90", Decimal("19.90")),
        (Kind.NUMBER, Decimal("19.90"), Decimal("19.90")),
        (Kind.NUMBER, 0, 0),
        (Kind.INTEGER, "187", 187),
        (Kind.INTEGER, Decimal("187.0"), 187),
        (Kind.BOOLEAN, False, False),
        (Kind.TIME, datetime(2026, 5, 1, 12, 0, 0, 123999, tzinfo=UTC), 1777636800123),
        (Kind.TIME, datetime(2026, 5, 1, 14, 0, 0, tzinfo=timezone(timedelta(hours=2))), 1777636800000),
        (Kind.TIME, 1777636800123, 1777636800123),
        (Kind.TEXT, [], None),
    ],
)
def test_values_take_the_fields_form(kind: Kind, value: object, wire: object) -> None:
    """Numbers become text where text is wanted, and text that is a number becomes one."""
    found = to_wire(Field(kind), value)
    assert wire == found
    assert type(wire) is type(found)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.TEXT, ["secret"], "text is wanted, this is a list"),
        (Kind.TEXT, True, "text is wanted, this is true or false"),
        (Kind.NUMBER, "secret", "a number is wanted, this is text"),
        (Kind.NUMBER, "1_000", "a number is wanted, this is text"),
        (Kind.NUMBER, "٣", "a number is wanted, this is text"),
        (Kind.NUMBER, Decimal("NaN"), "a number is wanted, this is infinite or none"),
        (Kind.NUMBER, {"a": 1}, "a number is wanted, this is an object"),
        (Kind.INTEGER, Decimal("1.5"), "a whole number is wanted, this has a fraction"),
        (Kind.BOOLEAN, "true", "true or false is wanted, this is text"),
        (Kind.TIME, "2026-05-01", "a time or epoch milliseconds are wanted, this is text"),
        (Kind.TIME, datetime(2026, 5, 1), "a time with its offset from UTC is wanted, this one has none"),  # noqa: DTZ001
    ],
)
def test_misfits_are_named_without_their_value(kind: Kind, value: object, reason: str) -> None:
    """A value of the wrong kind raises with the kinds; the value may be personal and isn't shown."""
    with pytest.raises(ValueError, match=reason) as caught:
        to_wire(Field(kind), value)
    assert "secret" not in str(caught.value)


def test_suggestions() -> None:
    """A name close to a known one gets a suggestion, any other none."""
    assert 'did you mean "value"?' == suggestion("valeu", ("value", "tax"))
    assert "" == suggestion("completely else", ("value", "tax"))

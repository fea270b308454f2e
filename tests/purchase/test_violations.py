"""Every way of breaking the contract is stopped, and what keeps to it passes."""

from __future__ import annotations

import copy
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.axon.sandbox.reading import read_events
from adapter.axon.sandbox.rules import event_violations
from adapter.purchase.contract import SECTIONS, Kind, to_wire
from adapter.purchase.event import encode
from adapter.purchase.violations import violations

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
MODELS = (
    *("LAST_CLICK", "FIRST_CLICK", "LINEAR", "TIME_DECAY", "CUSTOM_MULTI_TOUCH", "LAST_NON_DIRECT_TOUCH"),
    *("CLICKS_AND_VIEWS_ENHANCED", "ANY_CLICK"),
)
"""The eight of the Conversion API's page."""


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


@pytest.mark.parametrize("name", PARTNER)
def test_each_required_partner_field(name: str) -> None:
    """Partner data without one of its five required fields is stopped."""
    event = {**GOOD, "measurement_partner_data": {key: PARTNER[key] for key in PARTNER if key != name}}
    expected = f"event.measurement_partner_data.{name}: is required and missing"
    assert [expected] == [str(violation) for violation in violations(event)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("user_data.esi", value) for value in ("web", "app")),
        *(("user_data.os", value) for value in ("ios", "android", "desktop_os")),
        *(("user_data.client_ip_address", value) for value in ("2001:db8::1", "::ffff:203.0.113.9")),
        *(("user_data.user_id", value) for value in ("123456", "x" * 100)),
        *(("data.user_id", value) for value in ("123456", "x" * 100)),
        *(("data.currency", value) for value in ("JPY", "KWD", "XOF")),
        *(("data.value", value) for value in (0, Decimal(0), Decimal("0.001"))),
        *(("data.items.0.quantity", value) for value in (Decimal("0.5"), 1)),
        *(("data.items.0.price", value) for value in (0, Decimal("0.000001"))),
        *(("event_time", value) for value in (10**12, 10**13 - 1)),
        *(("event_source_url", value) for value in ("http://shop.example", "https://shop.example/a?b=c#d")),
        *(("measurement_partner_data", {**PARTNER, "attribution_share": share}) for share in (0, 1, Decimal("0.25"))),
        *(("measurement_partner_data", {**PARTNER, "accounting_mode": mode}) for mode in ("CASH", "ACCRUAL")),
        *(("measurement_partner_data", {**PARTNER, "attribution_model": model}) for model in MODELS),
    ],
)
def test_what_the_page_allows_passes(path: str, value: object) -> None:
    """Every value of every enumeration passes, and so do both ends of every range."""
    assert [] == violations(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("user_data.client_ip_address", "203.0.113.9 "),
        ("user_data.client_ip_address", "fe80::1%eth0"),
        ("user_data.client_ip_address", "203.0.113.9,203.0.113.8"),
        ("user_data.country_code", "DEU"),
        ("user_data.country_code", "D1"),
        ("user_data.country_code", "DE\n"),
        ("data.user_id", "12345"),
        ("data.currency", "eur"),
        ("data.currency", "XXX"),
        ("data.items.0.quantity", Decimal(-1)),
        ("data.items.0.quantity", Decimal(0)),
        ("event_time", 10**12 - 1),
        ("event_time", 10**13),
        ("event_time", 0),
        ("event_source_url", "//shop.example"),
        ("event_source_url", "ftp://shop.example"),
        ("event_source_url", "https://"),
        ("event_source_url", "https:///path"),
        ("event_source_url", "https://shop.example/\x01"),
        ("event_source_url", "https://shop.example/\n"),
        ("measurement_partner_data", {**PARTNER, "attribution_share": Decimal("1.01")}),
        ("measurement_partner_data", {**PARTNER, "attribution_share": Decimal("-0.01")}),
        ("measurement_partner_data", {**PARTNER, "attribution_model": "last_click"}),
    ],
)
def test_just_outside_of_the_page(path: str, value: object) -> None:
    """One step beyond what is allowed is stopped, once, at the right field."""
    (violation,) = violations(changed(path, value))
    ending = {"measurement_partner_data": "attribution_"}.get(path, path.rpartition(".")[2])
    assert ending in violation.path


def test_no_violation_shows_a_value() -> None:
    """A mapping that puts the wrong thing into a field puts it into no message: it may be personal."""
    event = changed("data.currency", "ada@example.com")
    event["user_data"].update(dict.fromkeys(("esi", "os", "client_ip_address", "country_code"), "ada@example.com"))
    event["user_data"]["user_id"], event["event_source_url"] = "ada", "ada@example.com"
    found = violations(event)
    assert 7 == len(found)
    assert "ada" not in "".join(map(str, found))


def test_everything_wrong_is_said_at_once() -> None:
    """All violations come together, of every item, so that one look suffices."""
    event = changed("data.items", [{"quantity": 0}, {"item_id": "1", "price": Decimal(-1)}])
    assert [
        "event.data.items[0].item_id: is required and missing",
        "event.data.items[0].price: is required and missing",
        "event.data.items[1].quantity: is required and missing",
        "event.data.items[0].quantity: must be more than 0",
        "event.data.items[1].price: must not be negative",
    ] == [str(violation) for violation in violations(event)]


TEXTS = st.sampled_from(
    ["", " ", "x", "123456", "EUR", "US", "web", "ios", "203.0.113.9", "https://shop.example/", "CASH"]
)
NUMBERS = st.one_of(st.integers(-2, 10**13), st.decimals(-2, 2, places=2))
VALUES = {
    Kind.TEXT: TEXTS,
    Kind.NUMBER: NUMBERS,
    Kind.INTEGER: NUMBERS,
    Kind.TIME: NUMBERS,
    Kind.BOOLEAN: st.booleans(),
    Kind.IP: TEXTS,
    Kind.PAGE: TEXTS,
}


@given(st.data())
def test_what_passes_here_passes_the_documented_rules(drawn: st.DataObject) -> None:
    """The sandbox reads the same pages on its own: an event that we let through breaks no rule of its."""
    event = copy.deepcopy({**GOOD, "measurement_partner_data": PARTNER})
    parts = {"event.data.items": event["data"]["items"][0], "event.user_data": event["user_data"]}
    parts |= {"event": event, "event.data": event["data"]}
    parts["event.measurement_partner_data"] = event["measurement_partner_data"]
    for _ in range(drawn.draw(st.integers(1, 3))):
        section = drawn.draw(st.sampled_from(sorted(SECTIONS)))
        name = drawn.draw(st.sampled_from(sorted(SECTIONS[section])))
        field = SECTIONS[section][name]
        with suppress(ValueError):
            parts[section][name] = to_wire(field, drawn.draw(VALUES[field.kind]))
    event = {name: value for name, value in _without_nothing(event).items() if value is not None}
    if not violations(event):
        (submitted,) = read_events(encode([event]))
        assert [] == list(event_violations(submitted.document))


def _without_nothing(value: Any) -> Any:  # Any JSON.
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list) else value

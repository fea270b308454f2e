"""The fields that the Conversion API knows, and the form that each one's values take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from adapter.purchase.contract import SECTIONS, Field, Kind, suggestion, to_wire


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
        (Kind.TEXT, "\0*\0Mug", "*Mug"),
        (Kind.TEXT, "\0", None),
        (Kind.TEXT, 10**40 - 1, "9" * 40),
        (Kind.NUMBER, "1\x000", Decimal(10)),
        (Kind.NUMBER, 10**40 - 1, 10**40 - 1),
    ],
)
def test_values_take_the_fields_form(kind: Kind, value: object, wire: object) -> None:
    """Numbers become text where text is wanted, text that is a number becomes one, and NUL characters go."""
    found = to_wire(Field(kind), value)
    assert wire == found
    assert type(wire) is type(found)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.TEXT, ["secret"], "text is wanted, this is a list"),
        (Kind.TEXT, True, "text is wanted, this is true or false"),
        (Kind.TEXT, 10**40, "a number of at most 40 digits is wanted, this has more"),
        (Kind.NUMBER, -(10**40), "a number of at most 40 digits is wanted, this has more"),
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


@pytest.mark.parametrize(
    ("kind", "value", "wire"),
    [
        (Kind.TEXT, " ", None),
        (Kind.TEXT, {}, None),
        (Kind.TEXT, 0, "0"),
        (Kind.TEXT, Decimal("0.00"), "0.00"),
        (Kind.TEXT, Decimal("1E-7"), "0.0000001"),
        (Kind.TEXT, 10**30, "1" + "0" * 30),
        (Kind.TEXT, " x ", " x "),
        (Kind.NUMBER, " 12.50 ", Decimal("12.50")),
        (Kind.NUMBER, "-3", Decimal(-3)),
        (Kind.NUMBER, "", None),
        (Kind.NUMBER, "\t", None),
        (Kind.NUMBER, Decimal("0E-8"), 0),
        (Kind.NUMBER, Decimal("1E+3"), 1000),
        (Kind.NUMBER, Decimal("0.0000007"), Decimal("0.000001")),
        (Kind.NUMBER, Decimal("12.00000001"), Decimal("12.00000001")),
        (Kind.INTEGER, 604, 604),
        (Kind.INTEGER, "604.00", 604),
        (Kind.INTEGER, Decimal("-1E+2"), -100),
        (Kind.BOOLEAN, True, True),
        (Kind.BOOLEAN, None, None),
        (Kind.TIME, "1777636800123", 1777636800123),
        (Kind.TIME, Decimal(1777636800123), 1777636800123),
        (Kind.TIME, datetime(1970, 1, 1, tzinfo=UTC), 0),
        (Kind.TIME, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), -1),
        (Kind.TIME, datetime(2026, 5, 1, 12, 0, 0, 1000, tzinfo=UTC), 1777636800001),
        (Kind.TIME, datetime(2026, 5, 1, 12, 0, 0, 999, tzinfo=UTC), 1777636800000),
        (Kind.TIME, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), 253402300799999),
    ],
)
def test_values_at_the_edges(kind: Kind, value: object, wire: object) -> None:
    """0 and false are values, blanks are none, and a millisecond is never rounded up or through a float."""
    found = to_wire(Field(kind), value)
    assert wire == found
    assert type(wire) is type(found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Kind.TEXT, value) for value in (1.5, datetime(2026, 5, 1, tzinfo=UTC), {"a": 1}, False)),
        *((Kind.NUMBER, value) for value in (True, "+5", "1e3", "1,5", ".5", "5.", "0x1", "9" * 31, [1], 1.5)),
        *((Kind.NUMBER, Decimal(text)) for text in ("Infinity", "-Infinity", "NaN")),
        *((Kind.INTEGER, value) for value in ("1.5", True, Decimal("Infinity"), "x")),
        *((Kind.BOOLEAN, value) for value in (1, 0, "false", Decimal(1))),
        *((Kind.TIME, value) for value in (True, "noon", Decimal("0.5"), [1])),
    ],
)
def test_every_misfit_is_one_error(kind: Kind, value: object) -> None:
    """Whatever doesn't fit raises ValueError and nothing else, so that an optional field can be left out."""
    with pytest.raises(ValueError, match=r"(is|are) wanted, this"):
        to_wire(Field(kind), value)


@pytest.mark.parametrize(
    ("section", "name", "value", "wire"),
    [
        ("event.user_data", "client_ip_address", " ::ffff:203.0.113.9 ", "203.0.113.9"),
        ("event.user_data", "client_ip_address", "unknown", None),
        ("event.user_data", "country_code", "PR", "PR"),
        ("event.user_data", "user_id", 123456, "123456"),
        ("event", "event_source_url", "https://shop.example/?key=wc_order_1", "https://shop.example/"),
        ("event.measurement_partner_data", "attribution_share", "0.5", Decimal("0.5")),
    ],
)
def test_fields_with_a_form_of_their_own(section: str, name: str, value: object, wire: object) -> None:
    """An IP address is written as usual, an address of a page loses its keys, whatever expression they come from."""
    assert wire == to_wire(SECTIONS[section][name], value)


@pytest.mark.parametrize(
    ("section", "name", "value", "reason"),
    [
        ("event.user_data", "user_id", 42, "must have at least 6 characters"),
        ("event.data", "user_id", "12345", "must have at least 6 characters"),
        ("event.user_data", "country_code", "XX", "must be an ISO 3166 code of two capital letters"),
        ("event.user_data", "country_code", "Germany", "must be an ISO 3166 code of two capital letters"),
        ("event.user_data", "os", "macos", "must be one of ios, android, desktop_os"),
        ("event.user_data", "esi", "shop", "must be one of web, app"),
        ("event.measurement_partner_data", "attribution_share", 2, "must be a number between 0 and 1"),
        ("event", "event_source_url", "https://[", "a web address is wanted, this one can't be read"),
    ],
)
def test_values_that_the_page_rules_out(section: str, name: str, value: object, reason: str) -> None:
    """They raise like any misfit, so that an optional field is left out and costs no purchase."""
    with pytest.raises(ValueError, match=reason):
        to_wire(SECTIONS[section][name], value)

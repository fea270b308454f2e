"""WooCommerce's loosely typed values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import OrderUnreadable
from adapter.platforms.woocommerce.values import (
    amount,
    amount_of,
    amount_or_zero,
    identifier_of,
    list_of,
    moment_of,
    name_of,
    object_of,
    objects_of,
    text_of,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("14.70", "14.70"),
        ("-2.5", "-2.5"),
        (" 4.90 ", "4.90"),
        ("0", "0"),
        ("-0.00", "0.00"),
        (12, "12"),
        (Decimal("70.81"), "70.81"),
        (Decimal("1E+2"), "100"),
        ("999999999999999.99", "999999999999999.99"),
    ],
)
def test_amount_is_exact(value: object, expected: str) -> None:
    """Decimal texts and numbers are read digit by digit; nothing becomes minus zero."""
    assert expected == str(amount_of(value))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1,50",
        "1.234,50",
        "1e3",
        "NaN",
        "Infinity",
        "+1",
        ".5",
        "5.",
        "1_000",
        "١٢",
        "--1",
        "1\n2",
        None,
        True,
        [],
        {},
        10**15,
        10**400,
        "9" * 16,
        "1." + "1" * 16,
        "9" * 15 + "." + "1" * 12,
        Decimal("1E+30"),
        Decimal("1E-30"),
    ],
)
def test_what_is_no_amount_is_none(value: object) -> None:
    """Other notations, other scripts, other types and absurd sizes are no amounts."""
    assert amount_of(value) is None


@pytest.mark.parametrize("blank", [{}, {"total": None}, {"total": ""}, {"total": "  "}])
def test_blank_amount_is_zero_only_where_it_may_be(blank: dict[str, object]) -> None:
    """A blank amount is 0 where it is optional, and makes the order unreadable where it isn't."""
    assert Decimal(0) == amount_or_zero(blank, "total")
    with pytest.raises(OrderUnreadable, match=r"^line_items\[0\]\.total is missing or blank"):
        amount(blank, "total", "line_items[0].")


@pytest.mark.parametrize("value", ["abc", [], True])
def test_odd_amount_is_never_zero(value: object) -> None:
    """Something that isn't an amount isn't counted as 0, and its path is named."""
    with pytest.raises(OrderUnreadable, match=r"^shipping_total isn't a decimal amount"):
        amount_or_zero({"shipping_total": value}, "shipping_total")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (11, "11"),
        ("11", "11"),
        ("0011", "11"),
        (0, None),
        ("0", None),
        ("", None),
        (None, None),
        (-1, None),
        (False, None),
        ("1.0", None),
        ("²", None),
        ([], None),
        ("9" * 21, None),
    ],
)
def test_identifier_is_text_and_zero_is_none(value: object, expected: str | None) -> None:
    """WordPress writes 0 for "none"; everything that is no positive whole number is none, too."""
    assert expected == identifier_of(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(" a ", "a"), ("", None), (" ", None), (5, "5"), (None, None), ([], None), (True, None)]
)
def test_text_is_trimmed_or_none(value: object, expected: str | None) -> None:
    """Blank text is no text; whole numbers are text."""
    assert expected == text_of(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("T-Shirt &amp; <b>Bold</b>", "T-Shirt & <b>Bold</b>"),
        ("Lamp &#8211; &quot;Moon&quot;", 'Lamp \N{EN DASH} "Moon"'),
        ("&amp;amp;", "&amp;"),
        (None, ""),
        (7, "7"),
        ([], ""),
        ("&#" + "9" * 999, "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_name_is_decoded_once(value: object, expected: str) -> None:
    """Entities of a name are decoded once, and tags are left as they are."""
    assert expected == name_of(value)


def test_name_of_thousands_of_digits_doesnt_raise() -> None:
    """Python's own unescape raises ValueError for a number of more than 4,300 digits; a name can hold one."""
    assert name_of("&#" + "9" * 5000 + ";")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23T07:41:49", datetime(2026, 11, 23, 7, 41, 49, tzinfo=UTC)),
        ("2026-11-23T07:41:49Z", datetime(2026, 11, 23, 7, 41, 49, tzinfo=UTC)),
        ("2026-11-23 07:41:49", datetime(2026, 11, 23, 7, 41, 49, tzinfo=UTC)),
        ("2026-02-30T00:00:00", None),
        ("0000-00-00T00:00:00", None),
        ("-0001-11-30T00:00:00", None),
        ("2026-11-23", None),
        ("2026-11-23T07:41:49+01:00", None),
        ("", None),
        (None, None),
        (1795419715, None),
        ([], None),
    ],
)
def test_moment_is_utc_or_none(value: object, expected: datetime | None) -> None:
    """A *_gmt field is UTC with or without Z; anything else is no moment."""
    assert expected == moment_of(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1], [1]),
        ([], []),
        ({"0": 1, "2": 3}, [1, 3]),
        ({}, None),
        ({"a": 1}, None),
        (None, None),
        ("", None),
    ],
)
def test_list_with_a_hole_is_a_list(value: object, expected: list[object] | None) -> None:
    """PHP writes a list with a hole as an object with numbers for names; other objects are no lists."""
    assert expected == list_of(value)


def test_objects_are_what_says_something() -> None:
    """Nulls, texts and empty objects in a list of objects are left out."""
    said = {"a": 1}
    assert [said] == objects_of([None, "", [], {}, said])


@pytest.mark.parametrize("value", [[], None, "", 5])
def test_anything_but_an_object_is_an_empty_one(value: object) -> None:
    """PHP writes an empty object as a list."""
    assert not object_of(value)


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.integers() | st.text())
def test_amount_never_raises(value: object) -> None:
    """Whatever the value, it is a finite amount or none."""
    found = amount_of(value)
    assert found is None or found.is_finite()

"""Strict reading of a JSON body."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document


def test_decimals_stay_exact() -> None:
    """Fractions become Decimal with their own digits, whole numbers stay whole, of any size an id may have."""
    document = parse_document(b'{"a": 19.90, "b": 820982911946154508, "c": [1.0], "d": {"e": -0.1}, "f": 1e2}')
    assert {
        "a": Decimal("19.90"),
        "b": 820982911946154508,
        "c": [Decimal("1.0")],
        "d": {"e": Decimal("-0.1")},
        "f": Decimal(100),
    } == document
    assert "19.90" == str(document["a"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "isn't JSON"),
        (b"{", "isn't JSON"),
        (b"[]", "the body is a list, not a JSON object"),
        (b'"text"', "the body is text, not a JSON object"),
        (b"null", "the body is nothing, not a JSON object"),
        (b'{"a": NaN}', "isn't JSON"),
        (b'{"a": Infinity}', "isn't JSON"),
        (b'{"a": 1e999999}', "isn't JSON"),
        (b'{"a": 0.' + b"1" * 50 + b"}", "isn't JSON"),
        (b'{"a": ' + b"9" * 41 + b"}", "has more than 40 digits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "isn't JSON"),
        (b'{"a": "\\u0000"}', "contains a NUL character"),
        (b'{"a\\u0000": 1}', "contains a NUL character"),
        (b'{"a": "\\ud800"}', "isn't JSON"),
        (b'{"a": "\\udc00x"}', "JSON"),
        (b'{"a": "\xed\xa0\x80"}', "isn't JSON"),
        (b"\xff\xfe{}", "isn't JSON"),
        (b"\xef\xbb\xbf{}", "isn't JSON"),
        (b"[" * 100_000, "nested deeper than 64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64 levels"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "nested deeper than 64 levels"),
    ],
)
def test_hostile_bodies(body: bytes, reason: str) -> None:
    """Whatever a database or the API would choke on is refused with a reason."""
    with pytest.raises(OrderUnreadable, match=reason):
        parse_document(body)


def test_depth_that_is_allowed() -> None:
    """Sixty-four levels pass."""
    assert parse_document(b'{"a":' * 64 + b"1" + b"}" * 64)

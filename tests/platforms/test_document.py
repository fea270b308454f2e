"""Strict reading of a JSON body."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (b'{"a": ' + b"9" * 5000 + b"}", "isn't JSON"),
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


TEXT = st.text().filter(lambda text: "\x00" not in text and text.isprintable())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**39), 10**39) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, JSON, max_size=3), st.booleans())
def test_it_reads_what_the_standard_library_writes(document: dict[str, Any], ascii_only: bool) -> None:
    """Any JSON object without NUL comes back as it was, escaped or not."""
    assert document == parse_document(json.dumps(document, ensure_ascii=ascii_only).encode())


@given(st.decimals(-(10**15), 10**15, places=9, allow_nan=False))
def test_no_digit_of_an_amount_is_lost(amount: Decimal) -> None:
    """A fraction is read with exactly the digits that were written, and is never a float on the way."""
    read = parse_document(f'{{"a": {amount:f}}}'.encode())["a"]
    assert f"{amount:f}" == f"{read:f}"
    assert type(read) is Decimal


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    """Whatever bytes come, there is an object or the one error."""
    with suppress(OrderUnreadable):
        assert isinstance(parse_document(body), dict)


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        (b"9" * 40, True),
        (b"-" + b"9" * 40, True),
        (b"9" * 4000, True),
        (b"9" * 5000, False),
        (b"1e40", True),
        (b"1e41", False),
        (b"1e-40", True),
        (b"1e-41", False),
        (b"0e99", False),
        (b"1e999999999999999999", False),
        (b"1e99999999999999999999", False),
        (b"1." + b"1" * 38, True),
        (b"1." + b"1" * 39, False),
        (b"01", False),
        (b"+1", False),
        (b".5", False),
        (b"0x1", False),
    ],
)
def test_the_limits_of_numbers(number: bytes, passes: bool) -> None:
    """Fractions of forty digits and exponents of forty pass; more, and what JSON knows as no number, are refused."""
    if passes:
        assert Decimal(number.decode()) == parse_document(b'{"a": ' + number + b"}")["a"]
        return
    with pytest.raises(OrderUnreadable):
        parse_document(b'{"a": ' + number + b"}")


@pytest.mark.parametrize(
    "body", [b'{"email": "ada@example.com', b'{"email": "ada@example.com\\ud800"}', b'"ada@example.com"']
)
def test_no_refusal_shows_a_value(body: bytes) -> None:
    """A refusal is logged and shown: it holds no text of the body."""
    with pytest.raises(OrderUnreadable) as caught:
        parse_document(body)
    assert "ada" not in str(caught.value)


def test_text_passes_as_it_is() -> None:
    """Texts of every script pass, pairs of surrogates become one character, and the last of two equal keys counts.

    A NUL passes too: a plugin may leave one in a text that nobody sends.
    """
    body = '{"a": "Jörg 茶", "b": "\\ud83d\\uded2", "c": 1, "c": "", "d": "\\u0000*\\u0000x"}'.encode()
    assert {"a": "Jörg 茶", "b": "🛒", "c": "", "d": "\0*\0x"} == parse_document(body)

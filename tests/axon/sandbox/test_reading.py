"""Bodies: what is a list of events, and what stays of each event."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from adapter.axon.sandbox.reading import BodyRefused, event_sha256, read_events


@pytest.mark.parametrize("body", [b'{"events": [{"a": 1.50}, 2]}', b' [{"a": 1.50} ,2] '])
def test_both_envelopes(body: bytes) -> None:
    """The object with `events` and the bare list give the same events, each with its own bytes."""
    first, second = read_events(body)
    assert ({"a": Decimal("1.50")}, Decimal(2)) == (first.document, second.document)
    assert (bytes(first.source), bytes(second.source)) == (b'{"a": 1.50}', b"2")


def test_numbers_stay_decimal() -> None:
    """No digit of a number is lost, and its trailing zeros stay."""
    (event,) = read_events(b"[[19.90, 1e2, 12345678901234567890123, 0.1000000000000000055]]")
    assert (
        str(
            [str(number) for number in event.document]  # type: ignore[attr-defined]
        )
        == "['19.90', '1E+2', '12345678901234567890123', '0.1000000000000000055']"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"event",
        b'{"events": [1]',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e41]",
        b"[1e99999999999999999999]",
        b"[" + b"1" * 41 + b"]",
        b"\xff\xfe[\x001\x00]\x00",
        b"\xef\xbb\xbf[1]",
        b'["\\ud800"]',
        b'["\xff"]',
    ],
)
def test_what_is_not_json(body: bytes) -> None:
    """A body that isn't strict JSON in UTF-8, or has a number of absurd size, is refused without being repeated."""
    with pytest.raises(BodyRefused) as refusal:
        read_events(body)
    assert str(refusal.value) == "the body isn't JSON in UTF-8 with numbers of an ordinary size"


def test_deep_nesting_is_refused() -> None:
    """A body nested deeper than the parser can go is refused like any other."""
    with pytest.raises(BodyRefused, match="nested too deeply"):
        read_events(b"[" * 100_000)


@pytest.mark.parametrize("body", [b"1", b"null", b'"events"', b"{}", b'{"events": {}}', b'{"event": []}'])
def test_what_is_no_list_of_events(body: bytes) -> None:
    """JSON without a list of events is refused."""
    with pytest.raises(BodyRefused, match="neither"):
        read_events(body)


def test_an_empty_list_is_read() -> None:
    """An empty list is a list: that it isn't allowed is no matter of reading."""
    assert read_events(b"[]") == ()


def test_the_hash_is_that_of_the_canonical_form() -> None:
    """White space, key order and escapes don't change an event's hash."""
    canonical = '{"a":"ü","b":[1.50,true,null]}'.encode()
    expected = hashlib.sha256(canonical).hexdigest()
    written = b' {"b" : [1.50, true, null], "a": "\\u00fc"} '
    assert expected == event_sha256(written) == read_events(b"[" + written + b"]")[0].sha256


def test_the_hash_sees_how_a_number_is_written() -> None:
    """30 and 30.0 are equal amounts and different bytes."""
    assert event_sha256(b'{"value":30}') != event_sha256(b'{"value":30.0}')

"""How values stand on a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapter.web.console.words import amount, lines, moment, number, percent, plain, span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fern pot", "Fern pot"),
        ("a\x00\x1b[31m\u202e\u200b\n", "a\ufffd\ufffd[31m\ufffd\ufffd\ufffd"),
        ("äöü 日本", "äöü 日本"),
        ("x" * 11, "xxxxxxxxxx… (11 characters)"),
        (None, "None"),
        (12, "12"),
    ],
)
def test_plain_text(text: object, expected: str) -> None:
    """What can't be seen, or would turn the text round, is a visible sign; what is too long is cut."""
    assert expected == plain(text, 10)


def test_several_lines() -> None:
    """Lines stay lines, each of them plain."""
    assert "a\n\ufffdb" == lines("a\n\x07b")


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, "–"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 3, "33.3 %"), (9999, 10000, "> 99.9 %"), (1, 10**6, "0.0 %")],
)
def test_shares(part: int, whole: int, expected: str) -> None:
    """What isn't all is never shown as all."""
    assert expected == percent(part, whole)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0.00"),
        ("1234567.5", "1\u202f234\u202f567.50"),
        ("0.005", "0.005"),
        ("1E+3", "1\u202f000.00"),
        ("-5", "-5.00"),
    ],
)
def test_amounts(value: str, expected: str) -> None:
    """Two digits after the point at least, and as many as there are."""
    assert expected == amount(Decimal(value))


def test_times_and_numbers() -> None:
    """To the second; a length by its largest unit."""
    assert ("–", "2026-05-01 12:00:00") == (moment(None), moment(datetime(2026, 5, 1, 12, tzinfo=UTC)))
    assert ["0 s", "59 s", "2 min", "3 h", "4 d"] == [
        span(timedelta(seconds=seconds)) for seconds in (0.5, 59, 125, 10_900, 345_600)
    ]
    assert "1\u202f000\u202f000" == number(1_000_000)

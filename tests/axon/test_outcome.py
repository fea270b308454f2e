"""What an answer means, what is kept of it, and how long it asks to wait."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.axon.outcome import Outcome, Verdict, clock_ahead, parse_retry_after, plain, verdict_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200,), Verdict.ACCEPTED),
        ((400, 402, 405, 410, 422), Verdict.REFUSED),
        ((401, 403, 404), Verdict.UNAUTHORIZED),
        ((413,), Verdict.TOO_LARGE),
        ((408, 429, 500, 502, 503, 504, 599, 100, 103, 406, 418, 999), Verdict.UNKNOWN),
        ((201, 202, 204, 299, 300, 301, 302, 304, 307, 308, 399), Verdict.UNEXPECTED),
    ],
)
def test_every_status_has_the_meaning_of_the_table(statuses: tuple[int, ...], verdict: Verdict) -> None:
    """Only 200 delivers; what the API's page doesn't know is never taken for a refusal."""
    assert {verdict} == {verdict_of(status) for status in statuses}


def test_what_is_kept_of_an_answer_is_small_json() -> None:
    """Empty parts are left out, and text stays readable."""
    outcome = Outcome(verdict=Verdict.REFUSED, status=400, error_code="17", body_start="größer")
    assert {"verdict": "refused", "status": 400, "error_code": "17", "body": "größer"} == json.loads(outcome.to_json())
    assert "größer" in outcome.to_json()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(verdict=Verdict.REFUSED, status=400), "answer 400"),
        (Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time"), "no answer in time"),
        (Outcome(verdict=Verdict.UNKNOWN), "no answer"),
        (
            Outcome(verdict=Verdict.REFUSED, status=400, error_code="17", error_message="bad", body_start="x" * 300),
            f"answer 400: 17: bad: {'x' * 200}",
        ),
    ],
)
def test_an_outcome_in_words(outcome: Outcome, words: str) -> None:
    """The words name the status or the problem first, and are bounded."""
    assert words == str(outcome)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("3600", 3600),
        ("1000000000", 3600),
        ("9" * 5000, 3600),
        ("0" * 30 + "5", 5),
        ("Fri, 01 May 2026 12:00:30 GMT", 30),
        ("Fri, 01 May 2026 14:00:30 +0200", 30),
        ("Sat, 02 May 2026 12:00:00 GMT", 3600),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(text: str, seconds: int) -> None:
    """Both forms of RFC 9110 are understood, and capped at an hour."""
    assert timedelta(seconds=seconds) == parse_retry_after(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "   ", "-5", "+5", "1.5", "soon", "NaN", "٣", "²", "Fri, 01 May 2026", "1,2,3", "\0"),
        "Fri, 01 May 2026 11:59:59 GMT",
        "Fri, 01 May 2026 12:00:30 -0000",
        "Fri, 99 May 99999999 12:00:30 GMT",
    ],
)
def test_a_retry_after_that_says_nothing_is_passed_over(text: str | None) -> None:
    """Junk, negative numbers and past or zoneless dates leave the wait to our own backoff."""
    assert parse_retry_after(text, NOW) is None


@given(st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{2}, ?[0-9]{0,3} [A-Z][a-z]{2} [0-9:+ -]{0,20}")))
def test_no_retry_after_breaks_the_reading(text: str) -> None:
    """Whatever stands there, the wait is between nothing and an hour."""
    assert timedelta(0) <= (parse_retry_after(text, NOW) or timedelta(0)) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("", None),
        ("\r\n\t", None),
        ("bad\0 event\r\n forged=line", "bad  event   forged=line"),
        ("\x1b[31mred", "[31mred"),
        ("x" * 1000, "x" * 500),
        ("größer", "größer"),
    ],
)
def test_text_of_the_other_side_is_made_plain(text: str | None, kept: str | None) -> None:
    """NUL would make PostgreSQL refuse the row for ever, and line breaks forge log lines."""
    assert kept == plain(text)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Fri, 01 May 2026 12:00:00 GMT", 0),
        ("Fri, 01 May 2026 11:58:00 GMT", 120),
        ("Fri, 01 May 2026 14:00:30 +0200", -30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1_000_000_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", -1_000_000_000),
        ("Fri, 01 May 2026 12:00:00 -0000", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_how_far_our_clock_is_ahead(date: str | None, seconds: int | None) -> None:
    """The answer's Date tells, as far as a database can keep it; one without a zone or without sense tells nothing."""
    assert seconds == clock_ahead(date, NOW)

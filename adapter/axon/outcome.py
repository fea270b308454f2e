"""What an answer of the Conversion API means for the events that were sent.

Its page documents 200, 400 and 401. What the other codes mean is this house's policy, in one table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

LONGEST_RETRY_AFTER = timedelta(hours=1)

_LONGEST_TEXT = 500

_LONGEST_AHEAD = 1_000_000_000
"""Seconds, some thirty years: a Date of the year 1 must not be more than a database can keep."""


class Verdict(StrEnum):
    """What became of a batch."""

    ACCEPTED = "accepted"
    """Every event was processed."""
    REFUSED = "refused"
    """The whole batch was dropped, because of at least one event, or because of all of them."""
    TOO_LARGE = "too large"
    """The whole batch was dropped because of its size."""
    UNAUTHORIZED = "unauthorized"
    """The whole batch was dropped because of our key or pixel id."""
    UNKNOWN = "unknown"
    """It may have been processed: busy, broken, or no answer."""
    UNEXPECTED = "unexpected"
    """It may have been processed: an answer that the page doesn't know."""


_VERDICTS = {
    200: Verdict.ACCEPTED,
    **dict.fromkeys((400, 402, 405, 410, 422), Verdict.REFUSED),
    **dict.fromkeys((401, 403, 404), Verdict.UNAUTHORIZED),
    413: Verdict.TOO_LARGE,
}


def verdict_of(status: int) -> Verdict:
    """Return what a status code means. No redirect is followed: it would carry the key elsewhere."""
    if status in _VERDICTS:
        return _VERDICTS[status]
    return Verdict.UNEXPECTED if 200 <= status < 400 else Verdict.UNKNOWN  # noqa: PLR2004  # Status classes.


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one request ended. `status` is None when no answer came; `problem` says then why not.

    `clock_ahead` says by how many seconds our clock is ahead of the answer's Date, None without one.

    The `x-al-error-…` headers and the trace id are documented for a sister API only: shown when they come.
    """

    verdict: Verdict
    status: int | None = None
    problem: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    trace_id: str | None = None
    body_start: str = ""
    retry_after: timedelta | None = None
    clock_ahead: int | None = field(default=None, compare=False)  # It says nothing of how the request ended.

    def to_json(self) -> str:
        """Return what is worth keeping of the answer, as JSON."""
        kept = {
            "verdict": self.verdict.value,
            "status": self.status,
            "problem": self.problem,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "trace_id": self.trace_id,
            "body": self.body_start,
        }
        return json.dumps({name: value for name, value in kept.items() if value}, ensure_ascii=False)

    def __str__(self) -> str:
        words = [f"answer {self.status}" if self.status else self.problem or "no answer"]
        words += [text for text in (self.error_code, self.error_message, self.body_start[:200]) if text]
        return ": ".join(words)


def plain(text: str | None) -> str | None:
    """Return the text for a log line and a database: at most 500 characters, the unprintable ones as blanks."""
    if not text:
        return None
    return "".join(character if character.isprintable() else " " for character in text[:_LONGEST_TEXT]).strip() or None


def parse_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Return how long the header asks to wait (seconds or a date), at most an hour; None when it says nothing."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text.lstrip("0")[:9] or "0")), LONGEST_RETRY_AFTER)
    try:
        wait = parsedate_to_datetime(text) - now
    except (TypeError, ValueError, OverflowError):
        return None
    return min(wait, LONGEST_RETRY_AFTER) if wait > timedelta(0) else None


def clock_ahead(date: str | None, now: datetime) -> int | None:
    """Return by how many seconds `now` is ahead of an answer's Date; None when it has none that can be read."""
    try:
        ahead = round((now - parsedate_to_datetime(date or "")).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
    return max(-_LONGEST_AHEAD, min(ahead, _LONGEST_AHEAD))

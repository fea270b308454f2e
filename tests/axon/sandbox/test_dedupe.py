"""Deduplication by dedupe_id and five minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapter.axon.sandbox.dedupe import Deduplication, Outcome, Sighting

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIRST = Sighting(NOON, "purchase", "aa")


def later(span: timedelta, name: str = "purchase", sha256: str = "aa") -> Sighting:
    """Return a second event that comes so much later."""
    return Sighting(NOON + span, name, sha256)


@pytest.mark.parametrize(
    ("span", "outcome"),
    [
        (timedelta(0), "merged"),
        (timedelta(minutes=5), "merged"),
        (timedelta(minutes=5, milliseconds=1), "ignored"),
        (timedelta(days=400), "ignored"),
        (timedelta(hours=-1), "merged"),
    ],
)
def test_the_five_minutes(span: timedelta, outcome: Outcome) -> None:
    """A second event merges up to five minutes after the first, also when the clock was set back, and never counts."""
    deduplication = Deduplication()
    assert deduplication.judge("p", "1", FIRST) == ("accepted", ())
    assert (outcome, ()) == deduplication.judge("p", "1", later(span))


def test_the_five_minutes_run_from_the_first_event() -> None:
    """A merged event doesn't prolong the five minutes."""
    deduplication = Deduplication()
    deduplication.judge("p", "1", FIRST)
    deduplication.judge("p", "1", later(timedelta(minutes=4)))
    assert deduplication.judge("p", "1", later(timedelta(minutes=6)))[0] == "ignored"


def test_another_pixel_is_another_event() -> None:
    """The same id at another pixel is accepted."""
    deduplication = Deduplication()
    deduplication.judge("p", "1", FIRST)
    assert deduplication.judge("q", "1", later(timedelta(0))) == ("accepted", ())


def test_without_an_id_nothing_is_merged() -> None:
    """Two equal events without an id both count."""
    deduplication = Deduplication()
    assert [deduplication.judge("p", None, FIRST) for _ in range(2)] == [("accepted", ())] * 2


@pytest.mark.parametrize(
    ("name", "sha256", "remark"),
    [
        ("purchase", "bb", "the content differs from the earlier event with this dedupe_id"),
        ("page_view", "bb", "the earlier event with this dedupe_id is a purchase"),
    ],
)
def test_a_different_second_event_is_remarked(name: str, sha256: str, remark: str) -> None:
    """A resend that isn't the same event is still merged, and remarked."""
    deduplication = Deduplication()
    deduplication.judge("p", "1", FIRST)
    assert ("merged", (remark,)) == deduplication.judge("p", "1", later(timedelta(0), name, sha256))

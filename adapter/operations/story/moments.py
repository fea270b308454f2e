"""What happened to an order when, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.operations.veil import veiled_reason
from adapter.storage.stories import Known
from adapter.storage.tables import State

MERGE_WINDOW = timedelta(minutes=5)
"""Axon merges pixel and server events with one dedupe_id that reach it within so long of each other."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, or will: when, and what. `after` is how long after the order came in."""

    at: datetime
    words: str
    after: timedelta | None = None


def moments_of(known: Known, now: datetime) -> tuple[Moment, ...]:
    """Return the story in the order of time."""
    return tuple(sorted(_moments(known, now), key=lambda moment: moment.at))


def _moments(known: Known, now: datetime) -> Iterator[Moment]:
    row, came = known.row, known.row["received_at"]
    yield Moment(came, _received(known))
    if row["revision"] > 1:
        newer = row["revision"] - 1
        words = "the shop's newer body replaced it" if newer == 1 else f"the last of {newer} newer bodies replaced it"
        yield Moment(row["refreshed_at"], words, row["refreshed_at"] - came)
    if row["first_sent_at"]:
        yield Moment(row["first_sent_at"], "first sent to Axon", row["first_sent_at"] - came)
    if row["suspect_at"]:
        words = "refused by Axon, alone; judged as soon as another order of this destination is accepted"
        yield Moment(row["suspect_at"], words, row["suspect_at"] - came)
    if row["settled_at"]:
        yield Moment(row["settled_at"], _end(known), row["settled_at"] - came)
    elif row["state"] == State.PENDING:
        yield Moment(max(row["due_at"], came), _wait(known, now))


def _received(known: Known) -> str:
    words = "the webhook came in, signed and on disk before it was answered"
    if known.age is None or known.row["revision"] > 1:
        return words
    return f"{words}; the order was {_long(known.age)} old"


def _end(known: Known) -> str:
    row = known.row
    match row["state"]:
        case State.DELIVERED:
            return f"accepted by Axon; {_window(known)}"
        case State.SKIPPED:
            return f"skipped: {veiled_reason(row['reason'])}"
        case State.QUARANTINED:
            return f"quarantined: {veiled_reason(row['reason'])}"
        case _:
            return f"ended without being sent: {veiled_reason(row['reason'])}"


def _window(known: Known) -> str:
    took = known.row["settled_at"] - known.row["received_at"] + (known.age or timedelta(0))
    inside = "inside" if took <= MERGE_WINDOW else "outside"
    return f"{_long(took)} after the order, {inside} the 5 minutes in which it merges with the pixel's"


def _wait(known: Known, now: datetime) -> str:
    row = known.row
    if row["due_at"] <= now:
        return "due since then; a worker sends it when its destination takes events"
    if row["first_sent_at"] is None:
        return "waits until then for a click identifier, and is sent without one if none comes"
    return f"tried again then; {row['attempts']} tries so far had no known outcome"


def _long(span: timedelta) -> str:
    seconds = span.total_seconds()
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{max(seconds, 0):.1f} s"

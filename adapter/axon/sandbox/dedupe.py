"""Deduplication as documented: the same dedupe_id within five minutes is merged, later it is ignored.

Source: https://support.axon.ai/en/growth/promoting-your-websites/track-and-optimize/deduplicating-events
Not documented, and decided here: the time is that of arrival, the five minutes run from the first event, an id is
never forgotten, and it is one user action whatever the event's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Outcome = Literal["accepted", "merged", "ignored"]

WINDOW = timedelta(minutes=5)
"""Exactly five minutes later still merges."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event as deduplication sees it: when it came, its name, the hash of its content."""

    at: datetime
    name: str
    sha256: str

    def differences(self, name: str, sha256: str) -> tuple[str, ...]:
        """Say in what a later event with the same id isn't the same."""
        if name != self.name:
            return (f"the earlier event with this dedupe_id is a {self.name}",)
        if sha256 != self.sha256:
            return ("the content differs from the earlier event with this dedupe_id",)
        return ()


class Deduplication:
    """Remembers the first event of every (pixel id, dedupe_id)."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Sighting] = {}

    def judge(self, pixel_id: str, dedupe_id: str | None, event: Sighting) -> tuple[Outcome, tuple[str, ...]]:
        """Return what becomes of this event, and remarks about it; an event without an id is always accepted."""
        if dedupe_id is None:
            return "accepted", ()
        first = self._first.setdefault((pixel_id, dedupe_id), event)
        if first is event:
            return "accepted", ()
        outcome: Outcome = "merged" if event.at - first.at <= WINDOW else "ignored"
        return outcome, first.differences(event.name, event.sha256)

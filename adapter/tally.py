"""Counting in memory what happens in this process, cheaply; now and then it is added up in the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

UNKNOWN = "(unknown)"
"""Whose it is when no mapping file says so: of a shop that isn't there, or isn't there any more."""


class Counted(NamedTuple):
    """What was counted: its name, the shop or destination it belongs to, and its kind. All three are bounded sets."""

    name: str
    subject: str
    kind: str


class Tally:
    """What this process has counted since it was last taken away; many threads count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[Counted] = Counter()

    def count(self, name: str, subject: str, kind: str, by: int = 1) -> None:
        """Count one more, or several."""
        with self._lock:
            self._counts[Counted(name, subject, kind)] += by

    def take(self) -> Mapping[Counted, int]:
        """Return everything that was counted, and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def give_back(self, counts: Mapping[Counted, int]) -> None:
        """Count once more what was taken and couldn't be stored."""
        with self._lock:
            self._counts.update(counts)

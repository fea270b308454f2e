"""A monotonic clock for tests, moved by hand."""

from __future__ import annotations


class Seconds:
    """Seconds that stand still until they are moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now

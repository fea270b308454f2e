"""How long orders take from the shop's webhook to Axon's acceptance, counted in steps."""

from __future__ import annotations

from datetime import timedelta

from adapter.tally import Tally

STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 3600)
"""Seconds. Axon merges what arrives within 300 of the pixel's event."""

BEYOND = "more"
"""What takes longer than the last step."""

_MILLISECOND = timedelta(milliseconds=1)


def count(tally: Tally, shop: str, duration: timedelta) -> None:
    """Count one delivered order: under the first step that it took no longer than, and its time in milliseconds."""
    seconds = duration.total_seconds()
    step = next((str(step) for step in STEPS if seconds <= step), BEYOND)
    tally.count("delivery_step", shop, step)
    tally.count("delivery_ms", shop, "sum", max(duration // _MILLISECOND, 0))

"""How long orders take, in steps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapter.delivery import durations
from adapter.tally import Counted, Tally


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        (0, "1"),
        (1, "1"),
        (1.001, "2"),
        (20, "30"),
        (300, "300"),
        (300.001, "600"),
        (3600, "3600"),
        (3601, "more"),
        (-5, "1"),
    ],
)
def test_steps(seconds: float, step: str) -> None:
    """A duration counts under the first step that it doesn't pass; a clock that was set back counts as no time."""
    tally = Tally()
    durations.count(tally, "acme", timedelta(seconds=seconds))
    expected = {
        Counted("delivery_step", "acme", step): 1,
        Counted("delivery_ms", "acme", "sum"): max(round(seconds * 1000), 0),
    }
    assert expected == tally.take()

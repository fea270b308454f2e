"""The geometry of the charts, by numbers that are easy to check."""

from __future__ import annotations

import pytest

from adapter.web.console.charts import Bar, nice_top, shares, stack, steps


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (0, 10),
        (1, 10),
        (10, 10),
        (11, 12),
        (13, 15),
        (99, 100),
        (100, 100),
        (101, 120),
        (4_321, 5_000),
        (10**6 + 1, 1_200_000),
    ],
)
def test_the_end_of_the_scale(largest: int, expected: int) -> None:
    """It is round, holds the largest number, and leaves little room above it."""
    assert expected == nice_top(largest)


def test_bars_stand_upon_each_other() -> None:
    """Two days, two kinds: what is nothing has no bar; heights are shares of the scale, from the bottom."""
    drawn = stack({"delivered": [5, 0], "skipped": [5, 2]})
    assert 10 == drawn.top
    assert (
        Bar("delivered", 3.75, 50, 42.5, 50),
        Bar("skipped", 3.75, 0, 42.5, 50),
        Bar("skipped", 53.75, 80, 42.5, 20),
    ) == tuple(Bar(bar.kind, round(bar.x, 6), bar.y, bar.width, bar.height) for bar in drawn.bars)


def test_no_numbers() -> None:
    """An empty chart is one."""
    assert ((), 10) == (stack({}).bars, stack({}).top)
    assert ("", "", 10) == (steps([]).line, steps([]).area, steps([]).width)


def test_a_line_of_steps() -> None:
    """Each day is a level; a day without a number is a gap; what lies outside of 0 and 1 is cut."""
    assert "M0 0.0H10L10 50.0H20M30 100.0H40" == steps([2.0, 0.5, None, -1.0]).line
    assert "M0 100V0.0H10V100Z" == steps([1.0]).area
    assert 40 == steps([None] * 4).width


def test_shares() -> None:
    """A part of nothing is no share."""
    assert [0.5, None, 0] == shares([1, 0, 0], [2, 0, 3])

"""The geometry of the charts: numbers become rectangles in percent of their box, or lines in a box of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 100.0
"""Of every box."""

SLOT = 10.0
"""The width of a day's place in a line."""

_FILLED = 0.85
"""So much of a day's place its bar takes."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle, of one kind; all lengths are in percent of the box."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Stack:
    """A chart of bars upon each other. `top` is the number at the upper end of the box."""

    bars: tuple[Bar, ...]
    top: int


@dataclass(frozen=True, slots=True)
class Steps:
    """A line of steps, one a day, and the area below it, as paths of SVG; empty without numbers."""

    line: str
    area: str
    width: float


def stack(series: Mapping[str, Sequence[int]]) -> Stack:
    """Return the bars: one column a day, the first series lowest."""
    length = max(map(len, series.values()), default=0)
    sums = [sum(numbers[index] for numbers in series.values()) for index in range(length)]
    top = nice_top(max(sums, default=0))
    return Stack(tuple(_columns(series, length, top)), top)


def _columns(series: Mapping[str, Sequence[int]], length: int, top: int) -> Iterator[Bar]:
    slot = 100 / max(length, 1)
    for index in range(length):
        below = 0.0
        for kind, numbers in series.items():
            if numbers[index]:
                height = HEIGHT * numbers[index] / top
                left = (index + (1 - _FILLED) / 2) * slot
                yield Bar(kind, left, HEIGHT - below - height, _FILLED * slot, height)
                below += height


def nice_top(largest: int) -> int:
    """Return the round number at which an axis ends: at least 10, and not much more than the largest."""
    size = 1
    while size * 100 < largest:
        size *= 10
    return next(top for factor in _TOPS if (top := factor * size) >= largest)


_TOPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)


def steps(shares: Iterable[float | None]) -> Steps:
    """Return the line of these shares, from 0 to 1; a day with None leaves a gap in it."""
    line, area, width, is_drawing = "", "", 0.0, False
    for index, share in enumerate(shares):
        left, right = index * SLOT, (index + 1) * SLOT
        width = right
        if share is None:
            is_drawing = False
            continue
        y = HEIGHT * (1 - min(max(share, 0.0), 1.0))
        line += f"{'L' if is_drawing else 'M'}{left:g} {y:.1f}H{right:g}"
        area += f"M{left:g} {HEIGHT:g}V{y:.1f}H{right:g}V{HEIGHT:g}Z"
        is_drawing = True
    return Steps(line, area, max(width, SLOT))


def shares(parts: Sequence[int], wholes: Sequence[int]) -> list[float | None]:
    """Return each part of its whole, None where there is no whole."""
    return [part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)]

"""The table at the end of the demo, fitted to 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import wrap

from adapter.operations.demo.judging import Line
from adapter.operations.demo.shops import SHOPS

WIDTH = 100
_HEADINGS = ("order", "what happened", "value", "tax", "shipping", "currency", "identifiers", "ms", "")
_WIDTHS = (22, 13, 8, 6, 8, 8, 21, 5, 1)
_RIGHT = frozenset({2, 3, 4, 7})
"""The columns of numbers; together with one blank between columns the widths make 100."""


def table_lines(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the table: a group for each shop, a row for each story, and under a row what isn't as expected."""
    yield from _row(_HEADINGS)
    for shop, of_shop in groupby(lines, key=lambda line: line.story.shop):
        yield "─" * WIDTH
        yield f"{SHOPS[shop].title} ({shop})"
        for line in of_shop:
            yield from _row(_cells(line))
            for problem in line.problems:
                yield from wrap(f"✗ {problem}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield "─" * WIDTH


def _cells(line: Line) -> tuple[str, ...]:
    took = "" if line.milliseconds is None else str(line.milliseconds)
    return (
        line.story.name,
        line.happened,
        line.value,
        line.tax,
        line.shipping,
        line.currency,
        " ".join(line.identifiers),
        took,
        "✗" if line.problems else "✓",
    )


def _row(cells: Sequence[str]) -> Iterator[str]:
    """Yield a row of as many lines as its fullest cell needs."""
    wrapped = [wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        aligned = (_aligned(place, part) for place, part in enumerate(parts))
        yield " ".join(aligned).rstrip()


def _aligned(place: int, part: str) -> str:
    width = _WIDTHS[place]
    return part.rjust(width) if place in _RIGHT else part.ljust(width)


def summary(lines: Sequence[Line], seconds: float) -> str:
    """Return the last line: how many stories are as expected, how many purchases came, and how long it took."""
    good = sum(not line.problems for line in lines)
    purchases = sum(line.purchases for line in lines)
    return f"{good} of {len(lines)} as expected, {purchases} purchases, {seconds:.1f} s"

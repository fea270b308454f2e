"""The demo's table: what became of each order, beside what had to become of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapter.operations.demo.stories import Expected, Story

_COLUMNS = (("order", 42), ("what happened", 27), ("value", 7), ("tax", 6), ("ship", 5), ("cur", 3))


@dataclass(frozen=True, slots=True)
class Line:
    """One story, what came of it (in the form of what was expected) and how long it took."""

    story: Story
    found: Expected
    milliseconds: int | None

    @property
    def is_right(self) -> bool:
        """Whether it came out as written beside the story."""
        wanted = self.story.expected
        if not self.found.what.startswith(wanted.what):
            return False
        amounts = (wanted.value, wanted.tax, wanted.shipping, wanted.currency, set(wanted.identifiers))
        found = (
            self.found.value,
            self.found.tax,
            self.found.shipping,
            self.found.currency,
            set(self.found.identifiers),
        )
        return amounts == found


def render(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the table, at most 100 columns wide but for the identifiers."""
    yield " ".join(f"{title:<{width}}" for title, width in _COLUMNS) + "    ms  identifiers"
    shop = ""
    for line in lines:
        if line.story.shop != shop:
            shop = line.story.shop
            yield shop
        yield _row(line)
        if not line.is_right:
            yield f"      expected {line.story.expected}"


def _row(line: Line) -> str:
    story, found = line.story, line.found
    mark = "✓" if line.is_right else "✗"
    title = f"{mark} {story.order_id[-6:]:<6} {story.title}"[: _COLUMNS[0][1]]
    cells = (title, found.what[: _COLUMNS[1][1]], found.value, found.tax, found.shipping, found.currency)
    row = " ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    took = "" if line.milliseconds is None else str(line.milliseconds)
    return f"{row} {took:>5}  {' '.join(found.identifiers)}".rstrip()

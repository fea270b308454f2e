"""The one table at the end of `make campaigns`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn, Self

import pytest
from campaigns.checker import Findings

_HEADINGS = {
    "campaign": "campaign",
    "database": "database",
    "trials": "trials",
    "faults": "faults",
    "lost": "lost",
    "doubled": "doubled",
    "stuck": "stuck",
    "target": "target of reliability.md",
    "scaled": "run here",
    "seconds": "seconds",
    "seed": "seed",
    "note": "",
}
FAILED = "FAILED"
_TO_THE_RIGHT = ("trials", "faults", "lost", "doubled", "stuck", "seconds", "seed")


@dataclass(slots=True)
class Row:
    """One line of the table. `trials` are orders or tries, `faults` what was injected.

    `target` is the figure of reliability.md 4.2, `scaled` the one of this run.
    """

    campaign: str = "?"
    database: str = ""
    trials: int = 0
    faults: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    target: str = ""
    scaled: str = ""
    seconds: float = 0
    seed: int = 0
    note: str = ""

    def named(self, campaign: str, target: str) -> Self:
        """Say which campaign this is, and the target it has in reliability.md."""
        self.campaign, self.target = campaign, target
        return self

    def take(self, found: Findings, *, trials: int, faults: int, scaled: str) -> None:
        """Note what was found; raise AssertionError with every problem in words."""
        self.trials, self.faults, self.scaled = trials, faults, scaled
        self.lost, self.doubled, self.stuck = found.lost, found.doubled, found.stuck
        assert [] == found.problems, "\n".join(found.problems)

    def not_run(self, why: str) -> NoReturn:
        """Say in the table that and why this campaign can't run here."""
        self.note = f"NOT RUN: {why}"
        pytest.skip(why)

    def to_property(self) -> dict[str, Any]:
        """Return it in a form that travels between test processes."""
        return asdict(self)


def lines_of(rows: Sequence[Row]) -> Iterable[str]:
    """Return the table, and what a zero in it says."""
    names = [field.name for field in fields(Row)]
    cells = [[_HEADINGS[name] for name in names], *([_shown(getattr(row, name)) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    for line in cells:
        padded = (
            text.rjust(width) if name in _TO_THE_RIGHT else text.ljust(width)
            for name, text, width in zip(names, line, widths, strict=True)
        )
        yield "  ".join(padded).rstrip()
    trials = sum(row.trials for row in rows)
    if trials and not any(row.lost or row.doubled or row.stuck or row.note == FAILED for row in rows):
        yield f"none of {trials:,} trials failed: with 95 % confidence fewer than 1 in {trials // 3:,} does (3/n)"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}"
    return f"{value:,}" if isinstance(value, int) and abs(value) < 10**8 else str(value)  # Not seeds.

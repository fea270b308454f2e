"""What a look at the set-up finds, and how it is shown: the facts, then the steps that are left, numbered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapter.operations.showing import wrapped
from adapter.settings import Settings
from adapter.shops.shop import Shops
from adapter.storage.destinations import Destinations
from adapter.storage.engine import Database
from adapter.storage.purchases import Purchases


@dataclass(frozen=True, slots=True)
class Stores:
    """The database, opened; `check_key` raises `ConfigurationRefused` when the secret doesn't open what is stored."""

    engine: Database
    purchases: Purchases
    destinations: Destinations
    check_key: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is looked at. `stores` opens the database, which makes a SQLite file and its key when there are none."""

    settings: Settings
    shops: Shops
    clock: Callable[[], datetime]
    stores: Callable[[], Stores]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the set-up; `step` is what to do about it, "" when nothing is left to do.

    `is_wrong` says that orders are lost or wait as it is; a step alone is what remains to be done.
    """

    fact: str
    step: str = ""
    is_wrong: bool = False

    @property
    def is_right(self) -> bool:
        """Whether orders pass here."""
        return not self.is_wrong


def wrong(fact: str, step: str) -> Finding:
    """Return a fact that keeps orders from arriving, and the way out."""
    return Finding(fact, step, is_wrong=True)


def missing_file(path: Path) -> Finding:
    """Return that the database isn't there yet. Looking at it would make it, so nobody looks."""
    return wrong(f"database: there is no file {path} yet", "run `adapter serve`, which makes it, or `adapter migrate`")


def fact_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the facts, each with its mark."""
    for finding in findings:
        mark = "WRONG" if finding.is_wrong else "to do" if finding.step else "ok"
        yield from wrapped(finding.fact, f"{mark:<7}", " " * 7)


def step_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the steps that are left, numbered, in their order; the same one once."""
    steps = list(dict.fromkeys(finding.step for finding in findings if finding.step))
    yield ""
    yield "What to do next:" if steps else "Nothing is left to do."
    for number, step in enumerate(steps, 1):
        yield from wrapped(step, f"{number:>2}. ", " " * 4)

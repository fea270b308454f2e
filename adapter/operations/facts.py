"""What is known at this moment of the database, the machine, the shops and the destinations: read, not yet judged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from adapter.errors import StorageUnavailable
from adapter.shops.shop import Shops
from adapter.storage.destinations import Destinations, DestinationState
from adapter.storage.purchases import Purchases
from adapter.storage.tallies import Tallies, Total
from adapter.storage.vitals import ShopVitals, Vitals
from adapter.tally import Counted
from adapter.turns import in_turns

QUARANTINED_WITHIN = timedelta(days=1)
"""So far back quarantined orders are counted."""


class Database(StrEnum):
    """What the database lets us do."""

    WRITABLE = "writable"
    READABLE = "readable"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Machine:
    """The disk on which the SQLite file lies, in bytes, and how long its log is."""

    disk: int
    free: int
    log: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationFacts:
    """A destination: the shops that send to it, and what is known of its condition."""

    id: str
    shops: tuple[str, ...]
    state: DestinationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that `adapter.operations.health` judges by. Without a readable database most of it is missing.

    `beat_at` is when a worker last looked for due orders, `clock_ahead` by how much this process's clock is ahead of
    the database server's; `machine` is None unless the database is a SQLite file.
    """

    at: datetime
    database: Database
    beat_at: datetime | None = None
    clock_ahead: timedelta | None = None
    machine: Machine | None = None
    shops: Mapping[str, ShopVitals] = field(default_factory=dict[str, ShopVitals])
    without_destination: frozenset[str] = frozenset()
    destinations: tuple[DestinationFacts, ...] = ()
    totals: Mapping[Counted, Total] = field(default_factory=dict[Counted, Total])


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Reads the facts. `database_file` is the SQLite file, None for PostgreSQL; `clock` gives aware UTC times."""

    shops: Shops
    purchases: Purchases
    destinations: Destinations
    vitals: Vitals
    tallies: Tallies
    database_file: Path | None
    clock: Callable[[], datetime]

    def facts(self) -> Facts:
        """Return what is known now. It never raises: a database that can't be used is a fact."""
        machine = None if self.database_file is None else _machine(self.database_file)
        database = Database.WRITABLE
        try:
            self.purchases.check_writable()
        except StorageUnavailable:
            database = Database.READABLE
        try:
            return self._read(database, machine)
        except StorageUnavailable:
            return Facts(at=self.clock(), database=Database.AWAY, machine=machine)

    def _read(self, database: Database, machine: Machine | None) -> Facts:
        now = self.clock()
        on = [shop for shop in self.shops if shop.is_on]
        return Facts(
            at=now,
            database=database,
            beat_at=self.vitals.beat_at(),
            clock_ahead=self._clock_ahead(),
            machine=machine,
            shops=self.vitals.of_shops([shop.name for shop in on], now, QUARANTINED_WITHIN),
            without_destination=frozenset(shop.name for shop in on if shop.destination is None),
            destinations=tuple(
                DestinationFacts(id=id_, shops=tuple(names), state=self.destinations.state(id_, now))
                for id_, (_, names) in in_turns(self.shops.destinations().items())
            ),
            totals=self.tallies.totals(),
        )

    def _clock_ahead(self) -> timedelta | None:
        """Compare with the middle of the time that the question took."""
        before = self.clock()
        server = self.vitals.server_time()
        return None if server is None else before + (self.clock() - before) / 2 - server


def _machine(file: Path) -> Machine | None:
    try:
        disk = shutil.disk_usage(file.absolute().parent)
    except OSError:
        return None
    return Machine(disk=disk.total, free=disk.free, log=_size(file.with_name(f"{file.name}-wal")))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

"""Moving what is sealed to the newest key, beside the load; counting what still needs an older one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    func,
    or_,
    select,
    text,
    update,
)

from adapter.errors import SealBroken
from adapter.storage.clicks import context_of_click
from adapter.storage.engine import reading, writing
from adapter.storage.sealing import KEY_ID_BYTES, Sealer, context_of
from adapter.storage.tables import KEPT, clicks, purchases

BATCH = 100
"""So many rows are resealed in one transaction."""

SAMPLE = 100
"""So many at each end are looked at."""

_SEALED = ("body", "event")


Position = TypeVar("Position", int, bytes)
"""The id of an order, or the key of a click."""


@dataclass(frozen=True, slots=True)
class Resealed(Generic[Position]):
    """What one batch did: values moved to the newest key, and where to go on; `last` is None at the end.

    A value that can't be opened is left as it is, and so is a row that was changed meanwhile.
    """

    values: int
    last: Position | None


@dataclass(frozen=True, slots=True)
class Census:
    """By the id of the key that is needed: how many values it sealed, and how many clicks are found by it alone."""

    values: Counter[bytes] = field(default_factory=Counter[bytes])
    lookups: Counter[bytes] = field(default_factory=Counter[bytes])


@dataclass(frozen=True, slots=True)
class _Change:
    """Values to be written where the row is still as it was read."""

    count: int
    statement: Any
    values: dict[str, bytes]


class Resealing:
    """Moves the values of one engine to the newest key of one sealer.

    The key of a click row is a hash that was made with the secret of its day from a value that isn't stored. It can't
    be made anew: until the row is purged, only that secret finds it.
    """

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer

    def orders(self, after: int = 0) -> Resealed[int]:
        """Reseal bodies and events of the next orders with an id above `after`; raise `StorageUnavailable`."""
        columns = (purchases.c[name] for name in ("id", "shop", "order_id", *_SEALED))
        is_old = or_(*(self._is_old(purchases.c[name]) for name in _SEALED))
        query = select(*columns).where(purchases.c.id > after, is_old).order_by(purchases.c.id).limit(BATCH)
        rows = self._read(query)
        # Every transaction locks orders in this order, so that no two of them wait for each other.
        changes = [self._order(row) for row in sorted(rows, key=lambda row: (row["shop"], row["order_id"]))]
        return Resealed(self._write(changes), rows[-1]["id"] if rows else None)

    def _order(self, row: RowMapping) -> _Change:
        new = {name: self._anew(row[name], context_of(row["shop"], row["order_id"], name)) for name in _SEALED}
        values = {name: value for name, value in new.items() if value is not None}
        # What it is now is compared whole: a newer body, a purge or a newly frozen event must not be overwritten.
        unchanged = [purchases.c[name].is_not_distinct_from(row[name]) for name in _SEALED]
        return _Change(len(values), update(purchases).where(purchases.c.id == row["id"], *unchanged), values)

    def clicks(self, after: bytes = b"") -> Resealed[bytes]:
        """Reseal the identifiers of the next clicks with a key above `after`; raise `StorageUnavailable`."""
        columns = (clicks.c.key, clicks.c.identifiers, clicks.c.hashed_with)
        is_old = self._is_old(clicks.c.identifiers)
        rows = self._read(select(*columns).where(clicks.c.key > after, is_old).order_by(clicks.c.key).limit(BATCH))
        return Resealed(self._write([self._click(row) for row in rows]), rows[-1]["key"] if rows else None)

    def _click(self, row: RowMapping) -> _Change:
        sealed = row["identifiers"]
        anew = self._anew(sealed, context_of_click(row["key"]))
        values = {"identifiers": anew, "hashed_with": row["hashed_with"] or sealed[:KEY_ID_BYTES]} if anew else {}
        unchanged = (clicks.c.key == row["key"], clicks.c.identifiers == sealed)
        return _Change(len(values) // 2, update(clicks).where(*unchanged), values)

    def census(self) -> Census:
        """Count by key what it sealed, and the clicks that only it finds. Reads every row."""
        found = Census()
        hashed_with = func.coalesce(clicks.c.hashed_with, _key_id(clicks.c.identifiers))
        with reading(self._engine) as connection:
            for column in (purchases.c.body, purchases.c.event, clicks.c.identifiers):
                _count(connection, found.values, _key_id(column))
            _count(connection, found.lookups, hashed_with)
        return found

    def strangers(self) -> int:
        """Return how many of the kept values no key known here opens, of the oldest and newest alone: a quick look."""
        keys: dict[int, bytes] = {}
        with reading(self._engine) as connection:
            for end in _BOTH_ENDS:
                keys.update({row.id: bytes(row.key_id) for row in connection.execute(end)})
            sample = select(_key_id(clicks.c.identifiers)).limit(SAMPLE)
            of_clicks = [bytes(key) for key in connection.execute(sample).scalars()]
        return sum(key not in self._sealer.key_ids for key in (*keys.values(), *of_clicks))

    def _is_old(self, column: Column[bytes]) -> ColumnElement[bool]:
        return _key_id(column) != self._sealer.newest

    def _anew(self, sealed: bytes | None, context: str) -> bytes | None:
        """Return the value under the newest key; None when it needs none, or can't be opened."""
        if sealed is None or sealed[:KEY_ID_BYTES] == self._sealer.newest:
            return None
        try:
            return self._sealer.seal(self._sealer.open(sealed, context), context)
        except SealBroken:
            return None

    def _read(self, query: Any) -> Sequence[RowMapping]:  # noqa: ANN401  # A select of several columns.
        with reading(self._engine) as connection:
            return connection.execute(query).mappings().all()

    def _write(self, changes: Sequence[_Change]) -> int:
        """Make the changes in one transaction; return how many values were moved."""
        with writing(self._engine) as connection:
            return sum(
                change.count
                for change in changes
                if change.values and connection.execute(change.statement.values(**change.values)).rowcount
            )


def _key_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the id of the key that sealed a value: its first four bytes."""
    return func.substr(column, 1, KEY_ID_BYTES, type_=column.type)


def _count(connection: Connection, into: Counter[bytes], key: ColumnElement[Any]) -> None:
    for key_id, number in connection.execute(select(key, func.count()).where(key.is_not(None)).group_by(key)):
        into[bytes(key_id)] += number


def _end(*order: ColumnElement[Any]) -> Select[Any, Any]:
    """Return the query for the orders at one end of those whose body is kept, which an index knows."""
    key = _key_id(purchases.c.body).label("key_id")
    return select(purchases.c.id, key).where(text(KEPT)).order_by(*order).limit(SAMPLE)


_BOTH_ENDS = (
    _end(purchases.c.changed_uptime, purchases.c.id),
    _end(purchases.c.changed_uptime.desc(), purchases.c.id.desc()),
)

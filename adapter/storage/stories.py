"""Everything that is known of one order, its sealed body and event opened. For people who ask about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, RowMapping, select

from adapter.errors import SealBroken
from adapter.storage.engine import reading
from adapter.storage.sealing import Sealer, context_of
from adapter.storage.tables import purchases

_KNOWN = (
    *("id", "shop", "order_id", "state", "reason", "body_at", "counts", "revision", "received_at", "refreshed_at"),
    *("due_at", "lease_until", "attempts", "fixed", "suspect_at", "answer", "first_sent_at", "settled_at"),
    *("carries", "value", "currency"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """One order: its row; its newest body and the event as sent, None when there is none, or no longer.

    `problems` say what can't be opened. `age` is how old the order was when it first came in as a sale.
    """

    row: Mapping[str, Any]
    age: timedelta | None
    body: bytes | None = field(repr=False)
    event: bytes | None = field(repr=False)
    problems: tuple[str, ...]


class Stories:
    """Reads orders one at a time, on one engine, opened by one sealer."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer

    def get(self, row_id: int) -> Known | None:
        """Return what is known of the order in this row, None when there is none; raise `StorageUnavailable`."""
        columns = (purchases.c[name] for name in (*_KNOWN, "age_seconds", "body", "event"))
        with reading(self._engine) as connection:
            row = connection.execute(select(*columns).where(purchases.c.id == row_id)).mappings().one_or_none()
        return None if row is None else self._known(row)

    def _known(self, row: RowMapping) -> Known:
        problems: list[str] = []
        opened = {column: self._opened(row, column, problems) for column in ("body", "event")}
        seconds = row["age_seconds"]
        age = None if seconds is None else timedelta(seconds=seconds)
        return Known({name: row[name] for name in _KNOWN}, age, opened["body"], opened["event"], tuple(problems))

    def _opened(self, row: RowMapping, column: str, problems: list[str]) -> bytes | None:
        if row[column] is None:
            return None
        try:
            return self._sealer.open(row[column], context_of(row["shop"], row["order_id"], column))
        except SealBroken as broken:
            problems.append(f"its {column} can't be opened: {broken}")
            return None

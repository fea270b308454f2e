"""What all processes of all machines have counted, added up: it outlives every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.engine import reading, writing
from adapter.storage.tables import tallies
from adapter.tally import Counted, Tally

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Total:
    """How often something was counted in all, and when its count last grew."""

    count: int
    last_at: datetime


class Tallies:
    """The rows of the tallies table."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self, tally: Tally, now: datetime) -> None:
        """Add what this process has counted; raise `StorageUnavailable`, and then it is counted on.

        A commit that was done although it broke off is counted twice: these are figures to look at, not the ledger.
        """
        counts = tally.take()
        if not counts:
            return
        try:
            self._add(counts, now)
        except BaseException:
            tally.give_back(counts)
            raise

    def _add(self, counts: Mapping[Counted, int], now: datetime) -> None:
        # Sorted: two processes that add the same ones in another order would wait for each other.
        rows = [
            {"name": key.name, "subject": key.subject, "kind": key.kind, "by": by, "now": now}
            for key, by in sorted(counts.items())
        ]
        with writing(self._engine) as connection:
            connection.execute(_addition(connection.dialect.name), rows)

    def totals(self) -> dict[Counted, Total]:
        """Return everything that was ever counted; raise `StorageUnavailable`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(tallies)).mappings().all()
        return {Counted(row["name"], row["subject"], row["kind"]): Total(row["count"], row["last_at"]) for row in rows}


def _addition(dialect: str) -> Any:  # noqa: ANN401  # The two dialects' inserts share no public type.
    insert = _INSERTS[dialect](tallies).values(
        name=bindparam("name"),
        subject=bindparam("subject"),
        kind=bindparam("kind"),
        count=bindparam("by"),
        last_at=bindparam("now"),
    )
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["name", "subject", "kind"],
        set_={"count": tallies.c.count + new.count, "last_at": new.last_at},
    )

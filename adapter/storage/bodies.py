"""Reading stored orders again in small batches, to see what another mapping makes of them. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, RowMapping, select

from adapter.errors import SealBroken
from adapter.storage.engine import reading
from adapter.storage.sealing import Sealer, context_of
from adapter.storage.tables import purchases

BATCH = 50
"""How many bodies are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBody:
    """The newest body of one order. `age` is how old the order was when it came in as a sale.

    `problem` says why the body can't be opened; then it is empty.
    """

    order_id: str
    body: bytes = field(repr=False)
    age: timedelta | None
    problem: str = ""


class Bodies:
    """The bodies of the ledger, on one engine, opened by one sealer."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer

    def since(self, shop: str, moment: datetime, batch: int = BATCH) -> Iterator[StoredBody]:
        """Yield the shop's orders that first came in since then, oldest first; those purged are left out.

        At most `batch` bodies are read at a time. Raise `StorageUnavailable`.
        """
        last = 0
        while rows := self._after(last, shop, moment, batch):
            for row in rows:
                yield self._opened(shop, row)
            last = rows[-1]["id"]

    def _after(self, last: int, shop: str, moment: datetime, batch: int) -> Sequence[RowMapping]:
        query = (
            select(purchases.c.id, purchases.c.order_id, purchases.c.body, purchases.c.age_seconds)
            .where(purchases.c.shop == shop, purchases.c.received_at >= moment)
            .where(purchases.c.body.is_not(None), purchases.c.id > last)
            .order_by(purchases.c.id)
            .limit(batch)
        )
        with reading(self._engine) as connection:
            return connection.execute(query).mappings().all()

    def _opened(self, shop: str, row: RowMapping) -> StoredBody:
        order_id, seconds = row["order_id"], row["age_seconds"]
        age = None if seconds is None else timedelta(seconds=seconds)
        try:
            body = self._sealer.open(row["body"], context_of(shop, order_id, "body"))
        except SealBroken as broken:
            return StoredBody(order_id=order_id, body=b"", age=age, problem=f"it can't be opened: {broken}")
        return StoredBody(order_id=order_id, body=body, age=age)

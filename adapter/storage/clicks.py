"""Click identifiers at rest: remembered under unguessable keys, sealed, found again when the order comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapter.errors import SealBroken
from adapter.storage import awaiting
from adapter.storage.direct import run
from adapter.storage.engine import place, reading, transaction, writing
from adapter.storage.eviction import MOST_ROWS, Eviction, delete_oldest
from adapter.storage.folding import Click, Folded, Key, browser_in, browsers_refused, fold, merge
from adapter.storage.grouping import Groups
from adapter.storage.lists import among
from adapter.storage.patience import WHILE_A_BROWSER_WAITS, WHILE_A_SHOP_WAITS
from adapter.storage.sealing import Sealer
from adapter.storage.tables import UPTIME, clicks, purchases

_MOST_TOGETHER = 16
"""So many clicks share a transaction; on a full table of SQLite it takes 7 ms, half of them to write the log back."""

_Part = tuple[Click, int]
"""A click, and how many of the oldest have to go for it."""


class Clicks:
    """The rows of the clicks table, on one engine, sealed by one sealer: `most_rows` at most, the oldest go first.

    No browser ever reads them back.
    """

    def __init__(self, engine: Engine, sealer: Sealer, most_rows: int = MOST_ROWS) -> None:
        self._engine = engine
        self._sealer = sealer
        self._eviction = Eviction(engine, most_rows)
        self._groups = Groups(self._write, _MOST_TOGETHER)

    def remember(self, shop: str, keys: Sequence[Key], identifiers: Mapping[str, str], now: datetime) -> None:
        """Store the identifiers under each key, and wake the orders that wait for one.

        A refusal also deletes what the same browser stored, and ends the orders under these keys: what isn't sent yet
        won't be, and of all of them what is kept is purged. Raise `StorageUnavailable`, and `StorageBusy` when orders
        go first.
        """
        click = Click(shop, keys, identifiers, now)
        excess = self._eviction.share_of(len(keys))
        with place(self._engine, WHILE_A_BROWSER_WAITS) as seconds:
            self._groups.add((click, excess), seconds)
        if click.is_refusal:
            self._end_orders(shop, self.hashes_of(shop, keys), now)

    def _write(self, gather: Callable[[], Sequence[_Part]], seconds: float) -> list[None]:
        with transaction(self._engine, WHILE_A_BROWSER_WAITS, seconds) as connection:
            parts = gather()
            self._store(connection, [click for click, _ in parts])
            if excess := sum(excess for _, excess in parts):
                delete_oldest(connection, excess + 1)
        return [None] * len(parts)

    def _store(self, connection: Connection, together: Sequence[Click]) -> None:
        now = max(click.at for click in together)
        folded = fold(together, self._hash_of)
        known = self._known_or_new(connection, folded, now)
        rows = [{"of": key, "identifiers": self._seal(key, folded[key].onto(known[key])), "at": now} for key in known]
        run(connection, _MERGE, rows)
        awaiting.wake(connection, sorted(folded), now)
        for shop, browser in browsers_refused(together, known, self._hash_of):
            self._delete(connection, self.hashes_of(shop, [browser]))

    def expect(self, keys: Sequence[tuple[int, bytes]]) -> None:
        """Remember under which hashes clicks and refusals may come for which orders, from now on; (id, hash) each."""
        awaiting.expect(self._engine, keys)

    def find(self, shop: str, keys: Sequence[Key]) -> dict[str, str]:
        """Return what was stored under these keys; {} when nothing was.

        Where two know a field, the first key wins. A refusal under any of them is all there is. Raise `SealBroken`.
        """
        hashes = self.hashes_of(shop, keys)
        return self.open(hashes, self.look_up(hashes))

    def look_up(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is stored under the keys of one order or many, sealed as it is."""
        if not hashes:
            return {}
        with reading(self._engine) as connection:
            found = connection.execute(_stored_under(self._engine.dialect.name), {"keys": hashes})
            return {row.key: row.identifiers for row in found}

    def open(self, hashes: Sequence[bytes], looked_up: Mapping[bytes, bytes]) -> dict[str, str]:
        """Return what was stored under one order's keys, as `find` does, from what was looked up for many."""
        found: dict[str, str] = {}
        for key in hashes:
            if key in looked_up:
                found = merge(found, self._open(key, looked_up[key]), latest_wins=False)
        return found

    def forget(self, shop: str, keys: Sequence[Key]) -> None:
        """Delete what was stored under these keys, and by the same browser: the buyer refused."""
        with writing(self._engine) as connection:
            self._forget(connection, shop, self.hashes_of(shop, keys))

    def refuse(self, shop: str, order_id: str, now: datetime) -> None:
        """End an order, as a refusal under one of its keys does; raise `StorageUnavailable`."""
        this = and_(purchases.c.shop == shop, purchases.c.order_id == order_id)
        with writing(self._engine, WHILE_A_SHOP_WAITS) as connection:
            self._forget(connection, shop, awaiting.refuse(connection, this, now))

    def _end_orders(self, shop: str, keys: Sequence[bytes], now: datetime) -> None:
        """Let the refusal that was stored under these keys reach their orders.

        It has to be committed by now: an order that isn't found yet finds the refusal itself. It gives way to nobody,
        for unlike clicks there are no more of these than orders.
        """
        if ids := awaiting.orders_of(self._engine, keys):
            with writing(self._engine, WHILE_A_SHOP_WAITS) as connection:
                theirs = awaiting.refuse(connection, purchases.c.id.in_(ids), now)
                self._forget(connection, shop, theirs, besides=keys)

    def _forget(self, connection: Connection, shop: str, keys: Sequence[bytes], besides: Sequence[bytes] = ()) -> None:
        """Delete what is stored under these keys' hashes, and what their browsers stored, but not those `besides`."""
        if keys:
            rows = connection.execute(_stored_under(self._engine.dialect.name), {"keys": keys}).all()
            browsers = [browser for row in rows for browser in self._browser_of(row.key, row.identifiers)]
            gone = {*keys, *self.hashes_of(shop, browsers)} - {*besides}
            connection.execute(delete(clicks).where(clicks.c.key.in_(gone)))

    def _browser_of(self, key: bytes, sealed: bytes) -> list[Key]:
        try:
            return browser_in(self._open(key, sealed))
        except SealBroken:
            return []  # It was sealed with a secret that is gone, and so was whatever its browser stored.

    def hashes_of(self, shop: str, keys: Sequence[Key]) -> list[bytes]:
        """Return under what the clicks of one order's keys may stand, in the order of the keys."""
        return [key for kind, value in keys for key in self.key_hashes(shop, kind, value)]

    def key_hashes(self, shop: str, kind: str, value: str) -> list[bytes]:
        """Return the keyed hashes of one key, the newest secret's first."""
        return self._sealer.lookup_hashes(f"{shop}\0{kind}\0{value}")

    def _hash_of(self, shop: str, key: Key) -> bytes:
        return self.key_hashes(shop, *key)[0]

    def _delete(self, connection: Connection, keys: Sequence[bytes]) -> None:
        connection.execute(delete(clicks).where(clicks.c.key.in_(keys)))

    def _known_or_new(
        self, connection: Connection, folded: Mapping[bytes, Folded], now: datetime
    ) -> dict[bytes, dict[str, str]]:
        """Insert what isn't there yet; when something is, return what stands under all of these keys, locked."""
        keys = sorted(folded)
        common = {"first_at": now, "last_at": now, "hashed_with": self._sealer.newest}
        rows = [{**common, "key": key, **self._row(key, folded[key])} for key in keys]
        if run(connection, _INSERT[self._engine.dialect.name], rows) == len(keys):
            return {}
        found = self._locked(connection, keys)
        gone = {key: folded[key] for key in keys if key not in found}  # Others evicted it at this very moment.
        return {**found, **(self._known_or_new(connection, gone, now) if gone else {})}

    def _row(self, key: bytes, folded: Folded) -> dict[str, Any]:
        return {"shop": folded.shop, "identifiers": self._seal(key, folded.identifiers)}

    def _locked(self, connection: Connection, keys: Sequence[bytes]) -> dict[bytes, dict[str, str]]:
        found = connection.execute(_locking(self._engine.dialect.name), {"keys": keys})
        return {row.key: self._open(row.key, row.identifiers) for row in found}

    def _seal(self, key: bytes, identifiers: Mapping[str, str]) -> bytes:
        return self._sealer.seal(json.dumps(dict(identifiers)).encode(), context_of_click(key))

    def _open(self, key: bytes, sealed: bytes) -> dict[str, str]:
        return dict(json.loads(self._sealer.open(sealed, context_of_click(key))))


@cache
def _stored_under(dialect: str) -> Select[Any, Any]:
    return select(clicks.c.key, clicks.c.identifiers).where(among(clicks.c.key, "keys", dialect))


@cache
def _locking(dialect: str) -> Select[Any, Any]:
    # In order: two requests that lock the same rows in another one would wait for each other on PostgreSQL.
    return _stored_under(dialect).order_by(clicks.c.key).with_for_update()


def _inserting(insert: Any) -> Any:  # noqa: ANN401  # The two dialects' inserts share no public type.
    names = ("key", "shop", "identifiers", "first_at", "last_at", "hashed_with")
    given: Mapping[str, Any] = {name: bindparam(name) for name in names}
    return insert(clicks).values(**given, changed_uptime=UPTIME).on_conflict_do_nothing()


_INSERT = {"sqlite": _inserting(sqlite.insert), "postgresql": _inserting(postgresql.insert)}
_MERGE = (
    update(clicks)
    .where(clicks.c.key == bindparam("of"))
    .values(identifiers=bindparam("identifiers"), last_at=bindparam("at"), changed_uptime=UPTIME)
)


def context_of_click(key: bytes) -> str:
    """Return what the identifiers under a key are bound to."""
    return f"clicks/{key.hex()}"

"""Click identifiers at rest: remembered under unguessable keys, sealed, found again when the order comes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.engine import reading, writing
from adapter.storage.eviction import MOST_ROWS, Eviction
from adapter.storage.lists import among
from adapter.storage.patience import WHILE_A_BROWSER_WAITS
from adapter.storage.sealing import Sealer
from adapter.storage.tables import UPTIME, State, awaited_clicks, clicks, purchases

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

LATEST_WINS = "client_id"
"""Under this kind of key the latest click counts; under all others the first value of each field stays."""


class Clicks:
    """The rows of the clicks table, on one engine, sealed by one sealer: `most_rows` at most, the oldest go first.

    No browser ever reads them back.
    """

    def __init__(self, engine: Engine, sealer: Sealer, most_rows: int = MOST_ROWS) -> None:
        self._engine = engine
        self._sealer = sealer
        self._eviction = Eviction(engine, most_rows)

    def remember(
        self, shop: str, keys: Sequence[tuple[str, str]], identifiers: Mapping[str, str], now: datetime
    ) -> None:
        """Store the identifiers under each key, and wake the orders that wait for one.

        A refusal also deletes what the same browser stored. Raise `StorageUnavailable`, and `StorageBusy` when orders
        go first.
        """
        self._eviction.make_room(len(keys))
        refused = identifiers.get("consent") == "denied"
        known: list[tuple[str, str]] = []
        with writing(self._engine, WHILE_A_BROWSER_WAITS) as connection:
            # Sorted: two requests that lock the same rows in another order would wait for each other on PostgreSQL.
            for key, kind in sorted({self.key_hashes(shop, kind, value)[0]: kind for kind, value in keys}.items()):
                found = self._merge(connection, shop, key, identifiers, now, latest_wins=kind == LATEST_WINS)
                known += _browser_in(found)
                _wake(connection, key, now)
            if refused and (others := [key for key in known if key not in keys]):
                self._delete(connection, shop, others)

    def find(self, shop: str, keys: Sequence[tuple[str, str]]) -> dict[str, str]:
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

    def forget(self, shop: str, keys: Sequence[tuple[str, str]]) -> None:
        """Delete what was stored under these keys, and by the same browser: the buyer refused."""
        stored = self.look_up(self.hashes_of(shop, keys))
        browsers = [browser for key, sealed in stored.items() for browser in _browser_in(self._open(key, sealed))]
        with writing(self._engine) as connection:
            self._delete(connection, shop, [*keys, *browsers])

    def hashes_of(self, shop: str, keys: Sequence[tuple[str, str]]) -> list[bytes]:
        """Return under what the clicks of one order's keys may stand, in the order of the keys."""
        return [key for kind, value in keys for key in self.key_hashes(shop, kind, value)]

    def key_hashes(self, shop: str, kind: str, value: str) -> list[bytes]:
        """Return the keyed hashes of one key, the newest secret's first."""
        return self._sealer.lookup_hashes(f"{shop}\0{kind}\0{value}")

    def _delete(self, connection: Connection, shop: str, keys: Sequence[tuple[str, str]]) -> None:
        connection.execute(delete(clicks).where(clicks.c.key.in_(self.hashes_of(shop, keys))))

    def _merge(
        self,
        connection: Connection,
        shop: str,
        key: bytes,
        identifiers: Mapping[str, str],
        now: datetime,
        *,
        latest_wins: bool,
    ) -> Mapping[str, str]:
        """Return what was stored under the key before."""
        stored = connection.execute(select(clicks.c.identifiers).where(clicks.c.key == key).with_for_update()).scalar()
        if stored is None:
            row = {"key": key, "shop": shop, "first_at": now, "last_at": now, "hashed_with": self._sealer.newest}
            insert = (
                _INSERTS[self._engine.dialect.name](clicks)
                .values(changed_uptime=UPTIME)
                .on_conflict_do_nothing()
                .returning(clicks.c.key)
            )
            if connection.execute(insert, {**row, "identifiers": self._seal(key, identifiers)}).scalar() is not None:
                return {}
            query = select(clicks.c.identifiers).where(clicks.c.key == key).with_for_update()
            stored = connection.execute(query).scalar_one()
        known = self._open(key, stored)
        merged = merge(known, identifiers, latest_wins=latest_wins)
        values = {"identifiers": self._seal(key, merged), "last_at": now, "changed_uptime": UPTIME}
        connection.execute(update(clicks).where(clicks.c.key == key).values(**values))
        return known

    def _seal(self, key: bytes, identifiers: Mapping[str, str]) -> bytes:
        return self._sealer.seal(json.dumps(dict(identifiers)).encode(), context_of_click(key))

    def _open(self, key: bytes, sealed: bytes) -> dict[str, str]:
        return dict(json.loads(self._sealer.open(sealed, context_of_click(key))))


@cache
def _stored_under(dialect: str) -> Select[Any, Any]:
    return select(clicks.c.key, clicks.c.identifiers).where(among(clicks.c.key, "keys", dialect))


def context_of_click(key: bytes) -> str:
    """Return what the identifiers under a key are bound to."""
    return f"clicks/{key.hex()}"


def _browser_in(stored: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the key of the browser that stored this."""
    return [(LATEST_WINS, stored[LATEST_WINS])] if LATEST_WINS in stored else []


def merge(known: Mapping[str, str], new: Mapping[str, str], *, latest_wins: bool) -> dict[str, str]:
    """Return both clicks as one: the first value of each field stays, or the latest; of a refusal nothing but it."""
    if "denied" in (known.get("consent"), new.get("consent")):
        return {"consent": "denied"}
    return {**known, **new} if latest_wins else {**new, **known}


def _wake(connection: Connection, key: bytes, now: datetime) -> None:
    waiting = select(awaited_clicks.c.purchase_id).where(awaited_clicks.c.key == key)
    connection.execute(
        update(purchases)
        .where(purchases.c.id.in_(waiting), purchases.c.state == State.PENDING.value, purchases.c.due_at > now)
        .values(due_at=now)
    )

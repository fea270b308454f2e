"""A ledger of some size, and how a database goes about each question that is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, text

ORDERS = 20_000
"""Enough for PostgreSQL to prefer an index to reading everything."""

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i FROM n",
    "postgresql": "SELECT generate_series(1, :rows) AS i",
}
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '2026-05-01 11:00:00', (-i * 60) || ' seconds')",
    "postgresql": "timestamptz '2026-05-01 11:00:00+00' - i * interval '60 seconds'",
}
_BYTES = {"sqlite": "zeroblob(300)", "postgresql": "decode(repeat('00', 300), 'hex')"}

_FILL = """
    INSERT INTO purchases (shop, order_id, state, reason, body, body_hash, counts, revision, received_at, refreshed_at,
                           due_at, fence, attempts, fixed, settled_at, changed_uptime)
    SELECT 'shop' || (i % 2), CAST(i AS text), state,
           CASE WHEN state IN ('skipped', 'quarantined') THEN 'kind ' || (i % 3) || ': why' END,
           {bytes}, {bytes}, true, 1, at, at, at, 0, 0, false, CASE WHEN state <> 'pending' THEN at END, i
    FROM (SELECT i, {moment} AS at,
                 CASE WHEN i % 40 < 2 THEN 'pending' WHEN i % 40 < 4 THEN 'quarantined' WHEN i % 40 < 8 THEN 'skipped'
                      ELSE 'delivered' END AS state
          FROM ({numbers}) AS numbers) AS made
"""


def fill(engine: Engine, rows: int = ORDERS) -> None:
    """Put the orders of two shops into the ledger, one a minute back from 11 o'clock; nine of ten are delivered."""
    kind = engine.dialect.name
    statement = _FILL.format(bytes=_BYTES[kind], moment=_MOMENT[kind], numbers=NUMBERS[kind])
    with engine.begin() as connection:
        connection.execute(text(statement), {"rows": rows})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if kind == "sqlite" else "VACUUM ANALYZE purchases"))


def plan(engine: Engine, look: Callable[[], object]) -> list[str]:
    """Return the steps that the database takes for every statement of a look on orders."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, values: object, *_rest: object) -> None:
        seen.append((sql, values))

    event.listen(engine, "before_cursor_execute", note)
    look()
    event.remove(engine, "before_cursor_execute", note)
    explain, column = ("EXPLAIN QUERY PLAN", 3) if engine.dialect.name == "sqlite" else ("EXPLAIN", 0)
    asked = [(sql, values) for sql, values in seen if "purchases" in sql]
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"{explain} {sql}", values).all() for sql, values in asked]
    return [row[column] for rows in found for row in rows]


def reads_everything(steps: list[str]) -> list[str]:
    """Return the steps that read every order, in the table or, on SQLite, in an index; those that wait are few."""
    assert [step for step in steps if "purchases" in step], "it asks nothing of orders"
    scans = [step for step in steps if step.startswith("SCAN purchases") or "Seq Scan on purchases" in step]
    return [step for step in scans if not step.endswith(("INDEX purchases_waiting", "INDEX purchases_unsettled"))]

"""The statement by which bodies get in, the same rule on both databases: insert, or replace the older one.

Every order passes here, so it is written in the way that is cheapest on each database (tests/benchmarks/intake.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.direct import Driver, for_psycopg
from adapter.storage.tables import UPTIME, State, purchases

if TYPE_CHECKING:
    from adapter.storage.arrivals import Receipt

_GIVEN = (
    "shop",
    "order_id",
    "token_hash",
    "state",
    "reason",
    "body",
    "body_hash",
    "body_at",
    "counts",
    "age_seconds",
    "settled_at",
)
"""What a row brings along under the column's own name; "at" is the moment for all others that are times."""

_ZERO: ColumnElement[Any] = literal_column("0")
_ONE: ColumnElement[Any] = literal_column("1")
_SKIPPED: ColumnElement[Any] = literal_column(f"'{State.SKIPPED.value}'")
_DELIVERED: ColumnElement[Any] = literal_column(f"'{State.DELIVERED.value}'")


def store(driver: Driver, rows: Sequence[Mapping[str, Any]], *, repeatable: bool) -> dict[tuple[str, str], int]:
    """Insert these rows, no order twice, or replace older bodies; return the revision of each that changed by its key.

    `repeatable` ones replace what is stored always.
    """
    write = _one_by_one if driver.dialect == "sqlite" else _together
    return {(shop, order_id): revision for shop, order_id, revision in write(driver, rows, repeatable=repeatable)}


def store_once(driver: Driver, row: Mapping[str, Any]) -> None:
    """Insert this row, unless one with its shop and order is there."""
    driver.fetch(_once(driver.dialect), row)


def token_of(driver: Driver, shop: str, order_id: str) -> str | None:
    """Return the hash of the token of the order that is stored under this id, None without."""
    ((token_hash,),) = driver.fetch(_TOKEN, {"of": shop, "order": order_id}) or [(None,)]
    return str(token_hash) if token_hash else None


def _one_by_one(
    driver: Driver, rows: Sequence[Mapping[str, Any]], *, repeatable: bool
) -> Iterator[tuple[str, str, int]]:
    for row in rows:
        yield from driver.fetch(_of_one("sqlite", repeatable=repeatable), row)


def _together(driver: Driver, rows: Sequence[Mapping[str, Any]], *, repeatable: bool) -> Sequence[Any]:
    """Write all rows by one statement.

    It takes each column as an array, so it is always the same and PostgreSQL plans it once. A single row has a
    statement of its own: psycopg's arrays cost it as much again.
    """
    if len(rows) == 1:
        return driver.fetch(_of_one("postgresql", repeatable=repeatable), rows[0])
    columns = {name: [for_psycopg(row[name]) for row in rows] for name in (*_GIVEN, "at")}
    return driver.fetch(_of_many(repeatable=repeatable), columns)


_TOKEN = select(purchases.c.token_hash).where(
    purchases.c.shop == bindparam("of"), purchases.c.order_id == bindparam("order")
)


@cache
def _once(dialect: str) -> Any:  # noqa: ANN401  # The two dialects' inserts share no public type.
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(purchases).values(**_values()).on_conflict_do_nothing().returning(purchases.c.order_id)


@cache
def _of_one(dialect: str, *, repeatable: bool) -> Any:  # noqa: ANN401  # As above.
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return _upserting(insert(purchases).values(**_values()), repeatable=repeatable)


@cache
def _of_many(*, repeatable: bool) -> Any:  # noqa: ANN401  # As above.
    given = [*_GIVEN, "at"]
    types = {name: purchases.c["received_at" if name == "at" else name].type for name in given}
    arrays = (bindparam(name, type_=postgresql.ARRAY(types[name])) for name in given)
    incoming = func.unnest(*arrays).table_valued(*(column(name, types[name]) for name in given)).render_derived()
    here = _set_here(incoming.c["at"])
    selected = select(*(incoming.c[name] for name in _GIVEN), *here.values())
    insert = postgresql.insert(purchases).from_select([*_GIVEN, *here], selected, include_defaults=False)
    return _upserting(insert, repeatable=repeatable)


def _values() -> dict[str, ColumnElement[Any]]:
    given: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in _GIVEN}
    return {**given, **_set_here(bindparam("at", type_=purchases.c.received_at.type))}


def _set_here(at: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    """Return what the row doesn't bring along; as constants, for a parameter counts per row."""
    return {
        "revision": _ONE,
        "received_at": at,
        "refreshed_at": at,
        "due_at": at,
        "fence": _ZERO,
        "attempts": _ZERO,
        "fixed": false(),
        "changed_uptime": UPTIME,
    }


def _upserting(insert: Any, *, repeatable: bool) -> Any:  # noqa: ANN401  # As above.
    """Return the insert that replaces an older body; it returns shop, order and revision of what it changed."""
    new = insert.excluded
    wakes = purchases.c.state == _SKIPPED
    return insert.on_conflict_do_update(
        index_elements=["shop", "order_id"],
        where=true() if repeatable else _replaces(new),
        set_={
            "token_hash": func.coalesce(purchases.c.token_hash, new.token_hash),
            "body": new.body,
            "body_hash": new.body_hash,
            "body_at": new.body_at,
            "age_seconds": _age(new),
            "counts": new.counts,
            "revision": purchases.c.revision + _ONE,
            "refreshed_at": new.refreshed_at,
            "changed_uptime": new.changed_uptime,
            # A skipped order is looked at again; a quarantined or expired one keeps its state, and a retry uses the
            # new body.
            "state": case((wakes, new.state), else_=purchases.c.state),
            "reason": case((wakes, new.reason), else_=purchases.c.reason),
            "due_at": case((wakes, new.due_at), else_=purchases.c.due_at),
            "settled_at": case((wakes, new.settled_at), else_=purchases.c.settled_at),
        },
    ).returning(purchases.c.shop, purchases.c.order_id, purchases.c.revision)


def _replaces(new: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's conditions.
    same_order = or_(
        purchases.c.token_hash == new.token_hash, purchases.c.token_hash.is_(None), new.token_hash.is_(None)
    )
    newer = or_(purchases.c.body_at < new.body_at, and_(purchases.c.body_at.is_(None), new.body_at.is_not(None)))
    same_stamp = or_(purchases.c.body_at == new.body_at, and_(purchases.c.body_at.is_(None), new.body_at.is_(None)))
    first_sale = and_(same_stamp, new.counts, ~purchases.c.counts)
    changeable = and_(~purchases.c.fixed, purchases.c.state != _DELIVERED)
    return and_(same_order, changeable, or_(newer, first_sale))


def _age(new: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's expression.
    """Keep the age at which the order first came in as a sale; one that we saw unpaid became a sale just now."""
    return case((purchases.c.counts, purchases.c.age_seconds), (new.counts, _ZERO), else_=new.age_seconds)


def conflicting(receipt: Receipt, token_hash: str) -> Receipt:
    """Return the receipt of another order with the same id, to be kept and shown beside the first."""
    reason = f"conflicting order: another order {receipt.order_id} is stored already (a copy of the shop?)"
    return replace(receipt, order_id=f"{receipt.order_id}~{token_hash[:8]}", state=State.QUARANTINED, reason=reason)

"""The one statement by which a body gets in, the same on both databases: insert, or replace by the rule."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, bindparam, case, false, func, literal_column, or_, true
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.tables import UPTIME, State, purchases

if TYPE_CHECKING:
    from adapter.storage.arrivals import Receipt

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


# Constants stand in the statement itself, for many rows go into one statement: what is a parameter counts per row.
_ZERO: ColumnElement[Any] = literal_column("0")
_ONE: ColumnElement[Any] = literal_column("1")
_SKIPPED: ColumnElement[Any] = literal_column(f"'{State.SKIPPED.value}'")
_DELIVERED: ColumnElement[Any] = literal_column(f"'{State.DELIVERED.value}'")


def _insert(dialect: str) -> Any:  # noqa: ANN401  # The two dialects' inserts share no public type.
    at = bindparam("at", type_=purchases.c.received_at.type)
    return _INSERTS[dialect](purchases).values(
        shop=bindparam("shop"),
        order_id=bindparam("order_id"),
        token_hash=bindparam("token_hash"),
        state=bindparam("state"),
        reason=bindparam("reason"),
        body=bindparam("body"),
        body_hash=bindparam("body_hash"),
        body_at=bindparam("body_at"),
        counts=bindparam("counts"),
        age_seconds=bindparam("age_seconds"),
        revision=_ONE,
        received_at=at,
        refreshed_at=at,
        due_at=at,
        fence=_ZERO,
        attempts=_ZERO,
        fixed=false(),
        settled_at=bindparam("settled_at"),
        changed_uptime=UPTIME,
    )


@cache
def insert_once(dialect: str) -> Any:  # noqa: ANN401  # As above.
    """Return the insert that does nothing when the row is there."""
    return _insert(dialect).on_conflict_do_nothing()


@cache
def upsert(dialect: str, *, repeatable: bool) -> Any:  # noqa: ANN401  # As above.
    """Return the insert that replaces an older body; it returns shop, order and revision of what it changed."""
    insert = _insert(dialect)
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

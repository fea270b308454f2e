"""The statements by which a row is claimed, sent and settled: by the worker that holds it, never by an outdated body.

They take a whole batch at once. The rows are locked first, in the order in which every transaction locks: what is then
known of them holds until they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, case, delete, func, select, update

from adapter.storage import days
from adapter.storage.due import Which, due
from adapter.storage.lists import among
from adapter.storage.tables import UPTIME, State, awaited_clicks, purchases

if TYPE_CHECKING:
    from adapter.storage.purchases import Claim, Settlement


_FREEZE = (
    update(purchases)
    .where(purchases.c.id == bindparam("claim_id"))
    .values(
        event=bindparam("event_bytes"),
        carries=bindparam("event_carries"),
        value=bindparam("event_value"),
        currency=bindparam("event_currency"),
        fixed=True,
        lease_until=bindparam("until", type_=purchases.c.lease_until.type),
        first_sent_at=func.coalesce(purchases.c.first_sent_at, bindparam("now", type_=purchases.c.first_sent_at.type)),
    )
)


@cache
def _lock(dialect: str) -> Any:  # noqa: ANN401  # SQLAlchemy's statements, here and below.
    """Return the query that locks claimed rows in the order in which every transaction locks, and tells of them."""
    columns = (purchases.c.id, purchases.c.fence, purchases.c.revision, purchases.c.fixed)
    return (
        select(*columns)
        .where(among(purchases.c.id, "ids", dialect), purchases.c.state == State.DELIVERING.value)
        .order_by(purchases.c.shop, purchases.c.order_id)
        .with_for_update()
    )


@cache
def _settle(dialect: str) -> Any:  # noqa: ANN401  # As above.
    return (
        update(purchases)
        .where(among(purchases.c.id, "ids", dialect))
        .values(
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            due_at=func.coalesce(bindparam("new_due_at", type_=purchases.c.due_at.type), purchases.c.due_at),
            lease_until=None,
            fixed=bindparam("new_fixed"),
            attempts=bindparam("new_attempts"),
            suspect_at=bindparam("new_suspect_at"),
            answer=func.coalesce(bindparam("new_answer", type_=purchases.c.answer.type), purchases.c.answer),
            settled_at=bindparam("new_settled_at"),
            changed_uptime=case(
                (bindparam("ends", type_=purchases.c.fixed.type), UPTIME), else_=purchases.c.changed_uptime
            ),
            body=case((bindparam("purge", type_=purchases.c.fixed.type), None), else_=purchases.c.body),
            event=case((bindparam("keep_event", type_=purchases.c.fixed.type), purchases.c.event), else_=None),
        )
    )


@cache
def _look_again(dialect: str) -> Any:  # noqa: ANN401  # As above.
    """Return what makes rows due that got a newer body: what the older one said (unpaid, refused) no longer counts."""
    return (
        update(purchases)
        .where(among(purchases.c.id, "ids", dialect))
        .values(state=State.PENDING.value, due_at=bindparam("now", type_=purchases.c.due_at.type), lease_until=None)
    )


@cache
def _forget_awaited(dialect: str) -> Any:  # noqa: ANN401  # As above.
    return delete(awaited_clicks).where(among(awaited_clicks.c.purchase_id, "ids", dialect))


_CLAIMED = tuple(
    purchases.c[name]
    for name in (
        "id",
        "shop",
        "order_id",
        "body",
        "event",
        "fixed",
        "fence",
        "revision",
        "received_at",
        "age_seconds",
        "attempts",
        "suspect_at",
        "carries",
        "value",
        "currency",
    )
)


@cache
def claim(shops: tuple[str, ...], which: Which, limit: int, *, before: bool) -> Any:  # noqa: ANN401  # As above.
    """Return the statement that takes due rows until the parameter `until`; see `due` for the others."""
    # Materialized: PostgreSQL might else look for due rows again and again, and each time take others.
    chosen = due(shops, which, limit, before=before).cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(purchases)
        .where(purchases.c.id.in_(select(chosen.c.id)))
        .values(
            state=State.DELIVERING.value,
            lease_until=bindparam("until", type_=purchases.c.lease_until.type),
            fence=purchases.c.fence + 1,
        )
        .returning(*_CLAIMED)
    )


def freeze(connection: Connection, events: Sequence[tuple[Claim, bytes]], now: datetime, until: datetime) -> set[int]:
    """Write down the sealed bytes that are about to be sent, and renew the leases; return the ids that may be sent."""
    held = _held(connection, [claim for claim, _ in events])
    rows = {
        claim.id: {"claim_id": claim.id, "event_bytes": sealed, "now": now, "until": until, **_facts(claim)}
        for claim, sealed in events
        if claim.id in held and held[claim.id].revision == claim.revision
    }
    if rows:
        connection.execute(_FREEZE, list(rows.values()))
    return set(rows)


def _facts(claim: Claim) -> dict[str, str | None]:
    facts = claim.facts
    if facts is None:
        return dict.fromkeys(("event_carries", "event_value", "event_currency"))
    return {"event_carries": facts.carries, "event_value": facts.value, "event_currency": facts.currency}


def settle(connection: Connection, settlements: Sequence[Settlement]) -> int:
    """Write down what became of claimed rows; return how many of the claims still held, with the newest body."""
    held = _held(connection, [settlement.claim for settlement in settlements])
    current: list[Settlement] = []
    outdated: list[int] = []
    for settlement in settlements:
        row = held.get(settlement.claim.id)
        if row is None:
            continue
        # The decision was made from the newest body; once sent, no newer one counts.
        if row.fixed or row.revision == settlement.claim.revision:
            current.append(settlement)
        else:
            outdated.append(row.id)
    _write(connection, current)
    days.count(connection, _delivered(current))
    if outdated:
        connection.execute(_look_again(connection.dialect.name), {"ids": outdated, "now": settlements[0].at})
    return len(current)


def _delivered(settlements: Sequence[Settlement]) -> Iterator[days.Delivered]:
    for settlement in settlements:
        claim = settlement.claim
        if settlement.state is State.DELIVERED:
            took = settlement.at - claim.received_at + (claim.age or timedelta(0))
            yield days.Delivered(claim.shop, claim.received_at, took, claim.facts)


def _write(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write down all that end alike by one statement: mostly that is a whole batch."""
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for settlement in settlements:
        alike.setdefault(tuple(_values(settlement).items()), []).append(settlement.claim.id)
    for values, ids in alike.items():
        connection.execute(_settle(connection.dialect.name), {**dict(values), "ids": ids})
    if purged := [settlement.claim.id for settlement in settlements if settlement.purge_body]:
        connection.execute(_forget_awaited(connection.dialect.name), {"ids": purged})


def _held(connection: Connection, claims: Sequence[Claim]) -> dict[int, Row[Any]]:
    """Lock those rows that are still these claims': the fence is the one that they were claimed with."""
    locked = connection.execute(_lock(connection.dialect.name), {"ids": [claim.id for claim in claims]})
    rows = {row.id: row for row in locked}
    return {claim.id: rows[claim.id] for claim in claims if claim.id in rows and rows[claim.id].fence == claim.fence}


def _values(settlement: Settlement) -> dict[str, Any]:
    pending = settlement.state is State.PENDING
    return {
        "new_state": settlement.state.value,
        "new_reason": settlement.reason,
        "new_due_at": settlement.due_at,
        "new_fixed": settlement.fixed,
        "new_attempts": settlement.attempts,
        "new_suspect_at": settlement.suspect_at,
        "new_answer": settlement.answer,
        "new_settled_at": None if pending else settlement.at,
        "ends": not pending,
        "purge": settlement.purge_body,
        # Refused bytes stay with a quarantined order, to be shown; a waiting order makes them anew. What is purged
        # with the body is as personal as the body.
        "keep_event": not settlement.purge_body and (settlement.fixed or settlement.state is State.QUARANTINED),
    }

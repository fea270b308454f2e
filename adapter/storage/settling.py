"""The statements by which a row is claimed, sent and settled: by the worker that holds it, never by an outdated body.

They take a whole batch at once. Where rows have values of their own, the driver runs them row after row in the order
that they are given in, which is that in which every transaction locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, select, update

from adapter.storage.due import Which, due
from adapter.storage.tables import UPTIME, State, awaited_clicks, purchases

if TYPE_CHECKING:
    from adapter.storage.purchases import Claim, Settlement


def _is_claimed() -> Any:  # noqa: ANN401  # SQLAlchemy's condition.
    """Say that the row is still this worker's: its fence is the one it was claimed with."""
    return and_(
        purchases.c.id == bindparam("claim_id"),
        purchases.c.fence == bindparam("claim_fence"),
        purchases.c.state == State.DELIVERING.value,
    )


def _is_up_to_date() -> Any:  # noqa: ANN401  # SQLAlchemy's condition.
    """Say that the decision was made from the newest body; once sent, no newer one counts."""
    return or_(purchases.c.fixed, purchases.c.revision == bindparam("claim_revision"))


_FREEZE = (
    update(purchases)
    .where(_is_claimed(), purchases.c.revision == bindparam("claim_revision"))
    .values(
        event=bindparam("event_bytes"),
        fixed=True,
        lease_until=bindparam("until", type_=purchases.c.lease_until.type),
        first_sent_at=func.coalesce(purchases.c.first_sent_at, bindparam("now", type_=purchases.c.first_sent_at.type)),
    )
)

_SETTLE = (
    update(purchases)
    .where(_is_claimed(), _is_up_to_date())
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

_LOOK_AGAIN = (
    update(purchases)
    .where(_is_claimed())
    .values(state=State.PENDING.value, due_at=bindparam("now", type_=purchases.c.due_at.type), lease_until=None)
)
"""A newer body came while a worker looked at the older one: what that one said (unpaid, refused) no longer counts."""


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
    rows = [
        {**_held(claim), "claim_revision": claim.revision, "event_bytes": sealed, "now": now, "until": until}
        for claim, sealed in events
    ]
    ids = [claim.id for claim, _ in events]
    if connection.execute(_FREEZE, rows).rowcount == len(rows):
        return set(ids)
    # A row that wasn't this worker's a moment ago can't have become so again: fence and revision only count up.
    known = select(purchases.c.id, purchases.c.fence, purchases.c.revision).where(
        purchases.c.id.in_(ids), purchases.c.state == State.DELIVERING.value
    )
    now_held = {(row.id, row.fence, row.revision) for row in connection.execute(known)}
    return {claim.id for claim, _ in events if (claim.id, claim.fence, claim.revision) in now_held}


def settle(connection: Connection, settlements: Sequence[Settlement]) -> int:
    """Write down what became of claimed rows; return how many of the claims still held, with the newest body."""
    settled = connection.execute(_SETTLE, [_values(settlement) for settlement in settlements]).rowcount
    if settled < len(settlements):
        # Those that were settled aren't being delivered any more, so this finds only rows with a newer body.
        again = [{**_held(settlement.claim), "now": settlement.at} for settlement in settlements]
        connection.execute(_LOOK_AGAIN, again)
    ended = [settlement.claim.id for settlement in settlements if settlement.state is not State.PENDING]
    if ended:
        waits = purchases.c.state.in_((State.PENDING.value, State.DELIVERING.value))
        final = select(purchases.c.id).where(purchases.c.id.in_(ended), ~waits)
        connection.execute(delete(awaited_clicks).where(awaited_clicks.c.purchase_id.in_(final)))
    return settled


def _held(claim: Claim) -> dict[str, int]:
    return {"claim_id": claim.id, "claim_fence": claim.fence}


def _values(settlement: Settlement) -> dict[str, Any]:
    pending = settlement.state is State.PENDING
    return {
        **_held(settlement.claim),
        "claim_revision": settlement.claim.revision,
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

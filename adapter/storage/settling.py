"""The statements by which a claim ends: only the worker that holds it settles, and never by an outdated body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, update

from adapter.storage.tables import UPTIME, State, awaited_clicks, purchases

if TYPE_CHECKING:
    from adapter.storage.purchases import Settlement


def is_claimed() -> Any:  # noqa: ANN401  # SQLAlchemy's condition.
    """Say that the row is still this worker's: its fence is the one it was claimed with."""
    return and_(
        purchases.c.id == bindparam("claim_id"),
        purchases.c.fence == bindparam("claim_fence"),
        purchases.c.state == State.DELIVERING.value,
    )


def _is_up_to_date() -> Any:  # noqa: ANN401  # SQLAlchemy's condition.
    """Say that the decision was made from the newest body; once sent, no newer one counts."""
    return or_(purchases.c.fixed, purchases.c.revision == bindparam("claim_revision"))


_SETTLE = (
    update(purchases)
    .where(is_claimed(), _is_up_to_date())
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
    .returning(purchases.c.id)
)

_LOOK_AGAIN = (
    update(purchases)
    .where(is_claimed())
    .values(state=State.PENDING.value, due_at=bindparam("now", type_=purchases.c.due_at.type), lease_until=None)
)
"""A newer body came while a worker looked at the older one: what that one said (unpaid, refused) no longer counts."""


def settle(connection: Connection, settlement: Settlement) -> int:
    """Write down what became of a claimed row; return 1, or 0 when the claim no longer holds or the body is newer."""
    pending = settlement.state is State.PENDING
    held = {"claim_id": settlement.claim.id, "claim_fence": settlement.claim.fence}
    values = {
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
    if connection.execute(_SETTLE, held | values).scalar() is None:
        connection.execute(_LOOK_AGAIN, held | {"now": settlement.at})
        return 0
    if not pending:
        connection.execute(delete(awaited_clicks).where(awaited_clicks.c.purchase_id == settlement.claim.id))
    return 1
